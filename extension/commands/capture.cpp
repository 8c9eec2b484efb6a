#include "extension/commands/capture.hpp"

#include <algorithm>
#include <limits>

#include "proto/printable.hpp"
#include "proto/timestamp.hpp"
#include "relay/capture_json.hpp"

namespace extension {
namespace {

// Bounded all the same: each is a destination with limits of its own.
constexpr std::size_t kMostDsns = 1024;

// At least one blank stands behind it.
std::string column(std::string_view text, std::size_t width) {
  std::string out = proto::printable(text.substr(0, 4 * width));
  out.resize(std::max(out.size() + 1, width), ' ');
  return out;
}

// "13:05:01  #12  event         error   ValueError: no such order"
std::string line_of(const relay::Captured& captured, const relay::CapturedItem& item,
                    const proto::ItemLine& line) {
  return proto::to_rfc3339(captured.at).substr(11, 8) + "  " +
         column("#" + std::to_string(captured.id), 6) + column(item.type, 15) +
         column(line.level, 8) + proto::printable(line.what) + "\n";
}

bool is_known(std::string_view word) {
  return proto::category_of_name(word).has_value() ||
         proto::ledger_category({word, {}, {}}) != proto::Category::default_;
}

}  // namespace

std::string check_only(std::string_view words) {
  while (!words.empty()) {
    const auto word = words.substr(0, words.find(','));
    if (!is_known(word)) {
      return "names neither an item's type nor a data category: \"" + proto::printable(word) + "\"";
    }
    words.remove_prefix(std::min(word.size() + 1, words.size()));
  }
  return "";
}

void prepare_for_capture(Settings& settings) {
  settings.journal = false;
  settings.relay.intake.disabled = false;
  settings.log.lines_per_invoke = std::numeric_limits<std::uint32_t>::max();
  settings.relay.route.capture = true;
  settings.relay.route.max_dsns = kMostDsns;
  settings.relay.delivery.compression = relay::Compression::none;
}

std::string captured_text(const relay::Captured& captured, const CaptureOptions& options) {
  std::string text;
  for (const auto& item : captured.items) {
    if (!relay::is_named(options.only, item)) continue;
    if (options.json) {
      text += proto::printable_json(relay::captured_item_json(captured, item)) + "\n";
      continue;
    }
    for (const auto& line : item.lines) text += line_of(captured, item, line);
  }
  return text;
}

std::string capture_greeting(std::uint16_t port) {
  return "thaw: capturing, nothing is sent on; any key of 32 hex digits and any project will do: "
         "SENTRY_DSN=http://" +
         std::string(32, '0') + "@127.0.0.1:" + std::to_string(port) + "/1";
}

std::string captured_summary(const relay::Capture& capture) {
  std::string text = "captured " + std::to_string(capture.taken()) +
                     (capture.taken() == 1 ? " envelope" : " envelopes");
  std::string_view between = ": ";
  for (const auto category : proto::all_categories()) {
    const auto count = capture.counts()[category];
    if (count == 0) continue;
    text.append(between).append(std::to_string(count)).append(" ").append(proto::name(category));
    between = ", ";
  }
  return text;
}

}  // namespace extension
