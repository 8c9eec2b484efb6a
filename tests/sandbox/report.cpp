#include "tests/sandbox/report.hpp"

#include <cstdio>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

namespace sandbox {
namespace {

namespace json = boost::json;

/// How many bytes the UTF-8 sequence at `at` has; 0 if it is none.
std::size_t sequence_length(const std::string& text, std::size_t at) {
  const auto lead = static_cast<unsigned char>(text[at]);
  if (lead < 0x80) return 1;
  const std::size_t length = lead >= 0xf0 && lead < 0xf5   ? 4
                             : lead >= 0xe0 && lead < 0xf0 ? 3
                             : lead >= 0xc2 && lead < 0xe0 ? 2
                                                           : 0;
  if (length == 0 || at + length > text.size()) return 0;
  for (std::size_t i = 1; i < length; ++i)
    if ((static_cast<unsigned char>(text[at + i]) & 0xc0) != 0x80) return 0;
  return length;
}

std::string clean(const std::string& text) {
  std::string result;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = sequence_length(text, at);
    result += length == 0 ? std::string("?") : text.substr(at, length);
    at += length == 0 ? 1 : length;
  }
  return result;
}

json::array texts(const std::vector<std::string>& list) {
  json::array array;
  for (const auto& text : list) array.emplace_back(clean(text));
  return array;
}

json::value number_or_null(const std::optional<double>& number) {
  return number ? json::value(*number) : json::value();
}

json::object describe(const InvokeRecord& invoke) {
  return {{"request_id", invoke.request_id},
          {"start_ms", invoke.start_ms},
          {"init_ms", invoke.init_ms},
          {"restore_ms", invoke.restore_ms},
          {"deadline_ms", invoke.deadline_ms},
          {"begun_ms", number_or_null(invoke.begun_ms)},
          {"response_ms", number_or_null(invoke.response_ms)},
          {"billed_ms", number_or_null(invoke.billed_ms)},
          {"status", invoke.status},
          {"error_type", invoke.error_type},
          {"error_body", clean(invoke.error_body)},
          {"response", invoke.response.is_string()
                           ? json::value(clean(std::string(invoke.response.get_string())))
                           : invoke.response},
          {"freeze_begin_ms", number_or_null(invoke.freeze_begin_ms)},
          {"freeze_end_ms", number_or_null(invoke.freeze_end_ms)},
          {"phase", invoke.phase}};
}

json::object describe(const Arrival& arrival) {
  json::array sizes(arrival.item_bytes.begin(), arrival.item_bytes.end());
  json::array headers;
  for (const auto& [name, value] : arrival.headers)
    headers.emplace_back(json::array{json::value(clean(name)), json::value(clean(value))});
  return {
      {"at_ms", arrival.at_ms},
      {"event_id", arrival.event_id},
      {"ids", texts(arrival.ids)},
      {"messages", texts(arrival.messages)},
      {"items", texts(arrival.items)},
      {"item_bytes", std::move(sizes)},
      {"bytes", arrival.bytes},
      {"encoded_bytes", arrival.encoded_bytes},
      {"encoding", clean(arrival.encoding)},
      {"client", clean(arrival.client)},
      {"user_agent", clean(arrival.user_agent)},
      {"target", clean(arrival.target)},
      {"headers", std::move(headers)},
      {"client_reports", json::array(arrival.client_reports.begin(), arrival.client_reports.end())},
      {"request", arrival.request},
      {"connection", arrival.connection},
      {"problems", texts(arrival.problems)}};
}

json::object describe(const OtherRequest& request) {
  return {{"at_ms", request.at_ms},          {"method", clean(request.method)},
          {"target", clean(request.target)}, {"status", request.status},
          {"bytes", request.bytes},          {"content_type", clean(request.content_type)},
          {"event_id", request.event_id},    {"problems", texts(request.problems)}};
}

json::object describe(const PlatformEvent& event) {
  return {{"at_ms", event.at_ms}, {"what", clean(event.what)}};
}

template <class Record>
json::array describe_all(const std::vector<Record>& records) {
  json::array array;
  for (const Record& record : records) array.emplace_back(describe(record));
  return array;
}

json::object describe(const UpstreamCounters& counters) {
  return {{"connections", counters.connections},
          {"connections_cut", counters.connections_cut},
          {"requests_begun", counters.requests_begun},
          {"requests_completed", counters.requests_completed},
          {"requests_cut", counters.requests_cut},
          {"answers_lost", counters.answers_lost},
          {"accepted", counters.accepted},
          {"refused", counters.refused}};
}

json::object describe(const IsolationRecord& isolation) {
  json::object done, not_done;
  for (const auto& [step, value] : isolation.done) done[step] = clean(value);
  for (const auto& [step, why] : isolation.not_done) not_done[step] = clean(why);
  return {{"mode", isolation.mode}, {"done", std::move(done)}, {"not_done", std::move(not_done)}};
}

}  // namespace

std::string to_json(const Recorder& recorder) {
  json::array freezes;
  for (const auto& [begin, end] : recorder.freezes)
    freezes.emplace_back(json::array{json::value(begin), number_or_null(end)});
  json::object report;
  report["invokes"] = describe_all(recorder.invokes);
  report["freezes"] = std::move(freezes);
  report["arrivals"] = describe_all(recorder.arrivals);
  report["refused"] = describe_all(recorder.refused);
  report["others"] = describe_all(recorder.others);
  report["upstream"] = describe(recorder.upstream);
  report["extension_log"] = texts(recorder.extension_log);
  report["function_log"] = texts(recorder.function_log);
  report["isolation"] = describe(recorder.isolation);
  report["problems"] = texts(recorder.problems);
  report["platform"] = describe_all(recorder.platform);
  return json::serialize(report) + "\n";
}

std::string to_table(const Recorder& recorder) {
  std::string table =
      "invoke                                phase   status   response ms  billed ms\n";
  char line[160];
  for (const auto& invoke : recorder.invokes) {
    std::snprintf(line, sizeof line, "%s  %-6s  %-8s %11.1f %10.1f  %s\n",
                  invoke.request_id.c_str(), invoke.phase.c_str(), invoke.status.c_str(),
                  invoke.response_ms.value_or(0), invoke.billed_ms.value_or(0),
                  invoke.error_type.c_str());
    table += line;
  }
  const auto& up = recorder.upstream;
  table += "upstream: " + std::to_string(recorder.arrivals.size()) + " envelopes arrived, " +
           std::to_string(up.refused) + " refused; " + std::to_string(up.connections) +
           " connections (" + std::to_string(up.connections_cut) + " cut), " +
           std::to_string(up.requests_begun) + " requests begun, " +
           std::to_string(up.requests_cut) + " cut, " + std::to_string(up.answers_lost) +
           " answers lost\n";
  for (const auto& [step, value] : recorder.isolation.done)
    table.append("isolated: ").append(step).append(": ").append(value).append("\n");
  for (const auto& arrival : recorder.arrivals)
    for (const auto& problem : arrival.problems)
      table += "problem: " + arrival.event_id + ": " + problem + "\n";
  for (const auto& problem : recorder.problems) table += "problem: " + problem + "\n";
  return table;
}

}  // namespace sandbox
