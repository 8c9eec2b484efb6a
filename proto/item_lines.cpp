#include "proto/item_lines.hpp"

#include <array>
#include <cmath>
#include <cstdint>
#include <optional>
#include <utility>

#include <simdjson.h>

#include "proto/event_text.hpp"
#include "proto/json_dom.hpp"
#include "proto/timestamp.hpp"

namespace proto {
namespace {

namespace dom = simdjson::dom;

std::string text_at(dom::element root, std::string_view pointer) {
  return text_of(root.at_pointer(pointer));
}

std::uint64_t count_at(dom::element root, std::string_view pointer) {
  std::uint64_t count = 0;
  return root.at_pointer(pointer).get(count) ? 0 : count;
}

// Each part that is there, with `between` in between.
std::string joined(std::initializer_list<std::string> parts, std::string_view between) {
  std::string out;
  for (const auto& part : parts) {
    if (part.empty()) continue;
    if (!out.empty()) out += between;
    out += part;
  }
  return out;
}

std::string in_brackets(const std::string& text) { return text.empty() ? "" : "(" + text + ")"; }

std::string bytes_text(std::size_t bytes) { return std::to_string(bytes) + " bytes"; }

// Seconds since 1970: a number, or RFC 3339.
std::optional<double> time_at(dom::element root, std::string_view pointer) {
  double seconds = 0;
  if (!root.at_pointer(pointer).get(seconds)) return seconds;
  const auto time = parse_rfc3339(text_at(root, pointer));
  if (!time) return std::nullopt;
  return std::chrono::duration<double>(time->time_since_epoch()).count();
}

std::string milliseconds_text(double seconds) {
  constexpr double kLongest = 1e9;
  if (!(seconds >= 0 && seconds < kLongest)) return "";
  return std::to_string(std::llround(seconds * 1000)) + " ms";
}

std::string took(dom::element root, std::string_view from, std::string_view to) {
  const auto begin = time_at(root, from);
  const auto end = time_at(root, to);
  return begin && end ? milliseconds_text(*end - *begin) : "";
}

std::string duration_at(dom::element root, std::string_view pointer) {
  double seconds = 0;
  return root.at_pointer(pointer).get(seconds) ? "" : milliseconds_text(seconds);
}

// Of the chain the last: the one that was raised last.
std::string exception_text(dom::element event) {
  dom::array chain;
  if (event.at_pointer("/exception/values").get(chain) && event.at_pointer("/exception").get(chain))
    return "";
  std::string text;
  for (const auto exception : chain) {
    text = joined({text_at(exception, "/type"), text_at(exception, "/value")}, ": ");
  }
  return text;
}

ItemLine event_line(dom::element event) {
  std::string what = exception_text(event);
  for (const auto* place : {"/logentry/formatted", "/logentry/message", "/message",
                            "/message/formatted", "/message/message"}) {
    if (what.empty()) what = text_at(event, place);
  }
  auto level = text_at(event, "/level");
  return {level.empty() ? "error" : std::move(level), what.empty() ? "(no message)" : what};
}

ItemLine transaction_line(dom::element transaction) {
  auto status = text_at(transaction, "/contexts/trace/status");
  if (status == "ok") status.clear();
  const auto facts = joined({text_at(transaction, "/contexts/trace/op"), std::move(status),
                             took(transaction, "/start_timestamp", "/timestamp")},
                            ", ");
  return {"", joined({text_at(transaction, "/transaction"), in_brackets(facts)}, " ")};
}

ItemLine log_line(dom::element log) { return {text_at(log, "/level"), text_at(log, "/body")}; }

ItemLine span_line(dom::element span) {
  std::string name = text_at(span, "/name");
  if (name.empty()) name = text_at(span, "/description");
  auto time = took(span, "/start_timestamp", "/end_timestamp");
  if (time.empty()) time = took(span, "/start_timestamp", "/timestamp");
  const auto facts = joined({text_at(span, "/op"), std::move(time)}, ", ");
  return {"", joined({std::move(name), in_brackets(facts)}, " ")};
}

ItemLine metric_line(dom::element metric) {
  double value = 0;
  std::array<char, 32> text{};
  if (!metric.at_pointer("/value").get(value)) std::snprintf(text.data(), text.size(), "%g", value);
  return {"", joined({text_at(metric, "/name"), text.data(), text_at(metric, "/unit"),
                      in_brackets(text_at(metric, "/type"))},
                     " ")};
}

ItemLine check_in_line(dom::element check_in) {
  auto status = text_at(check_in, "/status");
  const bool bad = status != "ok" && status != "in_progress";
  return {bad ? "error" : "info", joined({text_at(check_in, "/monitor_slug"), std::move(status),
                                          in_brackets(duration_at(check_in, "/duration"))},
                                         " ")};
}

ItemLine session_line(dom::element session) {
  const auto errors = count_at(session, "/errors");
  const auto facts = joined({text_at(session, "/attrs/release"),
                             errors > 0 ? std::to_string(errors) + " errors" : std::string(),
                             duration_at(session, "/duration")},
                            ", ");
  return {"", joined({text_at(session, "/status"), in_brackets(facts)}, " ")};
}

ItemLine sessions_line(dom::element sessions) {
  dom::array aggregates;
  if (sessions.at_pointer("/aggregates").get(aggregates)) return {};
  std::string what;
  for (const auto* fate : {"exited", "errored", "abnormal", "crashed", "unhandled"}) {
    std::uint64_t sum = 0;
    for (const auto aggregate : aggregates) sum += count_at(aggregate, std::string("/") + fate);
    if (sum > 0) what = joined({std::move(what), std::to_string(sum) + " " + fate}, ", ");
  }
  return {"", joined({std::move(what), in_brackets(text_at(sessions, "/attrs/release"))}, " ")};
}

ItemLine feedback_line(dom::element feedback) {
  return {"", joined({text_at(feedback, "/contexts/feedback/name"),
                      text_at(feedback, "/contexts/feedback/message")},
                     ": ")};
}

ItemLine user_report_line(dom::element report) {
  return {"", joined({text_at(report, "/name"), text_at(report, "/comments")}, ": ")};
}

ItemLine client_report_line(dom::element report) {
  dom::array losses;
  if (report.at_pointer("/discarded_events").get(losses)) return {};
  std::string what;
  for (const auto loss : losses) {
    if (what.size() > kMaxItemLineBytes) break;
    what = joined({std::move(what),
                   joined({std::to_string(count_at(loss, "/quantity")), text_at(loss, "/category"),
                           in_brackets(text_at(loss, "/reason"))},
                          " ")},
                  ", ");
  }
  return {"", what.empty() ? "nothing lost" : what};
}

ItemLine replay_line(dom::element replay) {
  return {"", joined({text_at(replay, "/replay_id"),
                      "segment " + std::to_string(count_at(replay, "/segment_id"))},
                     ", ")};
}

struct Reader {
  std::string_view type;
  ItemLine (*line)(dom::element);
};

constexpr std::array kReaders = {
    Reader{"event", event_line},
    Reader{"transaction", transaction_line},
    Reader{"log", log_line},
    Reader{"span", span_line},
    Reader{"trace_metric", metric_line},
    Reader{"check_in", check_in_line},
    Reader{"session", session_line},
    Reader{"sessions", sessions_line},
    Reader{"feedback", feedback_line},
    Reader{"user_report", user_report_line},
    Reader{"client_report", client_report_line},
    Reader{"replay_event", replay_line},
};

ItemLine clipped_line(ItemLine line) {
  line.level = clipped(line.level, 16);
  if (line.what.size() > kMaxItemLineBytes) {
    line.what = std::string(clipped(line.what, kMaxItemLineBytes)) + "…";
  }
  return line;
}

std::vector<ItemLine> read(const Reader& reader, std::string_view payload) {
  dom::parser parser;
  dom::element root;
  if (parser.parse(payload.data(), payload.size()).get(root)) return {};
  dom::array entries;
  if (root.at_pointer("/items").get(entries)) return {clipped_line(reader.line(root))};
  std::vector<ItemLine> lines;
  for (const auto entry : entries) {
    if (lines.size() == kMaxItemLines) break;
    lines.push_back(clipped_line(reader.line(entry)));
  }
  if (entries.size() > kMaxItemLines) {
    lines.push_back({"", "and " + std::to_string(entries.size() - kMaxItemLines) + " more"});
  }
  return lines;
}

// "report.txt, text/plain, 120 bytes"
ItemLine other_line(std::string_view header, std::string_view payload) {
  dom::parser parser;
  dom::element root;
  const bool readable = !parser.parse(header.data(), header.size()).get(root);
  return {"", joined({readable ? text_at(root, "/filename") : std::string(),
                      readable ? text_at(root, "/content_type") : std::string(),
                      bytes_text(payload.size())},
                     ", ")};
}

}  // namespace

std::vector<ItemLine> item_lines(std::string_view type, std::string_view header,
                                 std::string_view payload) {
  std::vector<ItemLine> lines;
  for (const auto& reader : kReaders) {
    if (reader.type == type) lines = read(reader, payload);
  }
  if (lines.empty()) lines.push_back(clipped_line(other_line(header, payload)));
  for (auto& line : lines) {
    if (line.what.empty()) line.what = bytes_text(payload.size());
  }
  return lines;
}

}  // namespace proto
