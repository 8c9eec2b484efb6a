#include "extension/commands/summary_line.hpp"

#include <algorithm>
#include <initializer_list>
#include <utility>

#include "proto/json.hpp"
#include "proto/json_dom.hpp"
#include "relay/decimal.hpp"
#include "relay/stats_json.hpp"

namespace extension {
namespace {

using simdjson::dom::element;
using simdjson::dom::object;
using Field = simdjson::simdjson_result<element>;

constexpr std::size_t kLongestText = 120;
// Thaw's own is five deep.
constexpr std::size_t kDeepest = 16;
// Where an object may begin: a prefix with more braces than that is none of a log's.
constexpr int kMostTries = 8;

/// What may go to a terminal.
std::string printable(std::string_view text) {
  std::string out(text.substr(0, kLongestText));
  std::ranges::replace_if(out, [](char c) { return c < 0x20 || c > 0x7e; }, '?');
  return out;
}

bool read(const Field& field, std::uint64_t& into) { return !field.get(into); }

/// An object of counts.
bool read(const Field& field, Tally& into) {
  object counts;
  if (field.get(counts)) return false;
  for (const auto& [name, value] : counts) {
    std::uint64_t count = 0;
    if (value.get(count)) return false;
    into.add(name, count);
  }
  return true;
}

bool read_bucket(std::string_view name, std::uint64_t count, Times& into) {
  constexpr auto& kBounds = relay::Histogram::kBounds;
  const auto* const bound = std::ranges::find_if(
      kBounds, [&](const auto& each) { return relay::decimal_ms(each) == name; });
  if (bound == kBounds.end() && name != "more") return false;
  auto& bucket = into.buckets.at(static_cast<std::size_t>(bound - kBounds.begin()));
  bucket = sum_of(bucket, count);
  into.count = sum_of(into.count, count);
  return true;
}

bool read(const Field& field, Times& into) {
  object buckets;
  if (field["buckets"].get(buckets)) return false;
  for (const auto& [name, value] : buckets) {
    std::uint64_t count = 0;
    if (value.get(count) || !read_bucket(name, count, into)) return false;
  }
  return true;
}

bool read_losses(const Field& field, std::string_view category,
                 std::map<std::string, Tally>& into) {
  Tally losses;
  if (!read(field, losses)) return false;
  for (const auto& [why, items] : losses.all()) {
    // Thaw has fewer; what is beyond is somebody else's.
    const bool room = into.size() < Tally::kMostNames || into.contains(why);
    into[room ? why : "other"].add(category, items);
  }
  return true;
}

bool read_items(const Field& field, Fates& into) {
  object categories;
  if (field.get(categories)) return false;
  for (const auto& [category, fates] : categories) {
    std::array<std::uint64_t, 4> counts{};
    constexpr std::array<std::string_view, 4> kNames = {"accepted", "recovered", "delivered",
                                                        "waiting"};
    for (std::size_t i = 0; i < counts.size(); ++i) {
      if (!read(fates[kNames.at(i)], counts.at(i))) return false;
    }
    into.accepted.add(category, counts[0]);
    into.recovered.add(category, counts[1]);
    into.delivered.add(category, counts[2]);
    into.waiting.add(category, counts[3]);
    if (!read_losses(fates["refused"], category, into.refused)) return false;
    if (!read_losses(fates["dropped"], category, into.dropped)) return false;
  }
  return true;
}

/// "all" is their sum.
bool read_held(const Field& field, ProcessFigures& into) {
  object held;
  if (field.get(held)) return false;
  for (const auto& [what, value] : held) {
    std::uint64_t invokes = 0;
    std::uint64_t ms = 0;
    if (what == "all" || value["invokes"].get(invokes) || value["ms"].get(ms)) continue;
    into.held_invokes.add(what, invokes);
    into.held_ms.add(what, ms);
  }
  return true;
}

bool read_figures(const element& stats, ProcessFigures& into) {
  into.version = printable(proto::text_of(stats["version"]));
  into.started = printable(proto::text_of(stats["started"]));
  into.now = printable(proto::text_of(stats["now"]));
  for (const auto& [pointer, name] : kCountedMembers) {
    std::uint64_t count = 0;
    if (!read(stats.at_pointer(pointer), count)) return false;
    into.counters.add(name, count);
  }
  return read_items(stats["items"], into.items) && read(stats["rejected"], into.rejected) &&
         read_held(stats["held"], into) && read(stats.at_pointer("/local/accept"), into.accept) &&
         read(stats.at_pointer("/upstream/answer"), into.answer) &&
         read(stats.at_pointer("/held/time"), into.hold);
}

/// "2026/11/25/[$LATEST]0123…", or with the function's name before the bracket: how Lambda names
/// its log streams (AWS docs, "Sending Lambda function logs to CloudWatch Logs"; checked 2026-11).
std::string stream_in(std::string_view prefix) {
  constexpr std::string_view kBetween = " \t\",";
  while (!prefix.empty()) {
    const auto word = prefix.substr(0, prefix.find_first_of(kBetween));
    const auto bracket = word.find('[');
    if (bracket != std::string_view::npos && word.find('/') < bracket) return printable(word);
    prefix.remove_prefix(std::min(prefix.size(), word.size() + 1));
  }
  return {};
}

std::string first_text(const element& object, std::initializer_list<std::string_view> names) {
  for (const auto name : names) {
    if (auto text = proto::text_of(object[name]); !text.empty()) return text;
  }
  return {};
}

bool may_be_one(std::string_view line) {
  return line.find("\"schema") != std::string_view::npos &&
         line.find("\"items") != std::string_view::npos;
}

SummaryLine read_summary(const element& stats) {
  SummaryLine line;
  line.kind = SummaryLine::Kind::unreadable;
  if (stats["schema"].get(line.schema)) return line;
  if (line.schema != relay::kStatsSchema) {
    line.kind = SummaryLine::Kind::unknown_schema;
  } else if (read_figures(stats, line.figures)) {
    line.kind = SummaryLine::Kind::summary;
  }
  return line;
}

}  // namespace

std::uint64_t Fates::lost() const {
  std::uint64_t lost = 0;
  for (const auto* losses : {&refused, &dropped}) {
    for (const auto& [why, items] : *losses) lost = sum_of(lost, items.total());
  }
  return lost;
}

bool SummaryReader::parse(std::string_view text, element& into) {
  if (!ready_) ready_ = !parser_.allocate(std::size_t{64} * 1024, kDeepest);
  return ready_ && !parser_.parse(text.data(), text.size()).get(into);
}

// Of a member that is alone on its line an object is made first.
SummaryLine SummaryReader::read(std::string_view line) {
  if (!may_be_one(line)) return {};
  if (line[line.find_first_not_of(" \t")] != '"') return read(line, Wrapping::may_be);
  std::string object = "{";
  object.append(line.substr(0, line.find_last_not_of(" \t\r\n,") + 1)).append("}");
  return read(object, Wrapping::may_be);
}

SummaryLine SummaryReader::read(std::string_view line, Wrapping wrapping) {
  std::size_t begin = line.find('{');
  const std::size_t first = begin;
  for (int tries = 0; begin != std::string_view::npos && tries < kMostTries; ++tries) {
    const auto text = line.substr(begin);
    const auto end = proto::json_object_end(text);
    element found;
    if (end != std::string_view::npos && parse(text.substr(0, end), found)) {
      auto summary = read(found, stream_in(line.substr(0, begin)), wrapping);
      // A part of something broken is not what the line is about.
      if (begin == first || summary.kind != SummaryLine::Kind::other) return summary;
    }
    begin = line.find('{', begin + 1);
  }
  SummaryLine unreadable;
  unreadable.kind = SummaryLine::Kind::unreadable;
  return unreadable;
}

SummaryLine SummaryReader::read(const element& found, std::string sandbox, Wrapping wrapping) {
  if (sandbox.empty()) {
    sandbox = printable(first_text(found, {"logStream", "logStreamName", "@logStream"}));
  }
  SummaryLine summary;
  if (!found["items"].error()) {
    summary = read_summary(found);
  } else if (wrapping == Wrapping::may_be) {
    const std::string wrapped = first_text(found, {"message", "@message", "log", "line"});
    if (may_be_one(wrapped)) summary = read(wrapped, Wrapping::undone);
  }
  if (summary.sandbox.empty()) summary.sandbox = std::move(sandbox);
  return summary;
}

}  // namespace extension
