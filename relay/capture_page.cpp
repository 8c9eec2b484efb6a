#include "relay/capture_page.hpp"

#include <ranges>
#include <string_view>

#include "proto/timestamp.hpp"
#include "relay/capture_json.hpp"
#include "relay/html.hpp"

namespace relay {
namespace {

// The day is today's, mostly: the clock alone.
std::string clock_of(WallTime at) { return proto::to_rfc3339(at).substr(11, 8); }

void add_rows(html::Table& table, const Captured& captured) {
  const std::string id = std::to_string(captured.id);
  std::string link = "<a href=\"/captured/";
  link.append(id).append("\">#").append(id).append("</a>");
  for (const auto& item : captured.items) {
    for (const auto& line : item.lines) {
      table.row({link, clock_of(captured.at), std::to_string(captured.project),
                 html::escaped(item.type), html::escaped(line.level), html::escaped(line.what)});
    }
  }
}

std::string decoded(const Captured& captured) {
  return "<details><summary>#" + std::to_string(captured.id) + " decoded</summary><pre>" +
         html::escaped_lines(captured_json(captured)) + "</pre></details>\n";
}

}  // namespace

std::string captured_section(const Capture& capture) {
  const std::string kept = html::paragraph(std::to_string(capture.taken()) + " envelopes, " +
                                           std::to_string(capture.kept().size()) +
                                           " of them kept: <a href=\"/captured\">all as JSON</a>");
  html::Table table(
      "captured", "The last items, the newest first; times in UTC",
      {{"envelope", ""}, {"time", ""}, {"project", ""}, {"type", ""}, {"level", ""}, {"what", ""}});
  constexpr std::size_t kDecoded = 10;
  std::string details;
  std::size_t shown = 0;
  for (const auto& captured : capture.kept() | std::views::reverse) {
    if (shown == kCapturedOnPage) break;
    add_rows(table, captured);
    if (shown < kDecoded && captured.memory() < 64UL * 1024) details += decoded(captured);
    ++shown;
  }
  return html::section("captured", "Captured",
                       kept + (table.empty() ? "" : table.html()) + details);
}

}  // namespace relay
