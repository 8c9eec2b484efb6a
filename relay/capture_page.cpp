#include "relay/capture_page.hpp"

#include <ranges>
#include <string_view>

#include "proto/timestamp.hpp"
#include "relay/capture_json.hpp"
#include "relay/html.hpp"

namespace relay {
namespace {

std::string cell(std::string_view text) { return "<td>" + html::escaped(text) + "</td>"; }

// The day is today's, mostly: the clock alone.
std::string clock_of(WallTime at) { return proto::to_rfc3339(at).substr(11, 8); }

std::string rows_of(const Captured& captured) {
  const std::string id = std::to_string(captured.id);
  std::string rows;
  for (const auto& item : captured.items) {
    for (const auto& line : item.lines) {
      rows.append("<tr><td><a href=\"/captured/").append(id).append("\">#").append(id);
      rows.append("</a></td>").append(cell(clock_of(captured.at)));
      rows.append(cell(std::to_string(captured.project))).append(cell(item.type));
      rows.append(cell(line.level)).append(cell(line.what)).append("</tr>\n");
    }
  }
  return rows;
}

std::string decoded(const Captured& captured) {
  return "<details><summary>#" + std::to_string(captured.id) + " decoded</summary><pre>" +
         html::escaped_lines(captured_json(captured)) + "</pre></details>\n";
}

}  // namespace

std::string captured_section(const Capture& capture) {
  std::string section = "<section id=\"captured\"><h2>Captured</h2>\n<p>" +
                        std::to_string(capture.taken()) + " envelopes, " +
                        std::to_string(capture.kept().size()) +
                        " of them kept: <a href=\"/captured\">all as JSON</a></p>\n";
  if (capture.kept().empty()) return section + "</section>\n";
  constexpr std::size_t kDecoded = 10;
  std::string rows;
  std::string details;
  std::size_t shown = 0;
  for (const auto& captured : capture.kept() | std::views::reverse) {
    if (shown == kCapturedOnPage) break;
    rows += rows_of(captured);
    if (shown < kDecoded && captured.memory() < 64UL * 1024) details += decoded(captured);
    ++shown;
  }
  section +=
      "<table><thead><tr><th scope=\"col\">Envelope</th><th scope=\"col\">Time (UTC)</th>"
      "<th scope=\"col\">Project</th><th scope=\"col\">Type</th><th scope=\"col\">Level</th>"
      "<th scope=\"col\">What</th></tr></thead><tbody>\n" +
      rows + "</tbody></table>\n";
  return section + details + "</section>\n";
}

}  // namespace relay
