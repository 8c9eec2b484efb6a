// What happened, in the order it happened: the single source of the report, the log and the table.
#pragma once

#include <cstdint>
#include <fstream>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/json/value.hpp>

namespace sandbox {

/// Milliseconds since 1970 by the wall clock, with fractions.
[[nodiscard]] double epoch_ms();

struct InvokeRecord {
  std::string request_id;
  double start_ms = 0;                ///< epoch; begin of the invoke phase, INVOKE handed out
  double init_ms = 0;                 ///< how long the init right before it took
  double restore_ms = 0;              ///< how long the restore right before it took
  double deadline_ms = 0;             ///< epoch
  std::optional<double> begun_ms;     ///< after start_ms; the response's header
  std::optional<double> response_ms;  ///< after start_ms; its last byte
  std::optional<double> billed_ms;    ///< after start_ms, suppressed init included
  std::string status;                 ///< success, error, timeout
  std::string error_type;
  std::string error_body;                 ///< behind a streamed response
  boost::json::value response;            ///< what the caller got
  std::optional<double> freeze_begin_ms;  ///< epoch; of the freeze that followed
  std::optional<double> freeze_end_ms;
  std::string phase;  ///< init, warm, invoke (suppressed init inside)
};

struct Arrival {
  double at_ms = 0;
  std::string event_id;
  std::vector<std::string> ids;
  std::vector<std::string> messages;
  std::vector<std::string> items;
  std::vector<std::uint64_t> item_bytes;
  std::uint64_t bytes = 0;          ///< decoded
  std::uint64_t encoded_bytes = 0;  ///< as they travelled
  std::string encoding;
  std::string client;
  std::string user_agent;
  std::string target;
  std::vector<std::pair<std::string, std::string>> headers;
  std::vector<boost::json::value> client_reports;  ///< payloads of such items
  std::uint64_t request = 0;                       ///< number of the request, from 1
  std::uint64_t connection = 0;                    ///< number of the connection, from 1
  std::vector<std::string> problems;
};

/// A request that was not an accepted envelope: a fault's victim, a refusal, or another endpoint.
struct OtherRequest {
  double at_ms = 0;
  std::string method;
  std::string target;
  unsigned status = 0;
  std::uint64_t bytes = 0;
  std::string content_type;
  std::string event_id;
  std::vector<std::string> problems;
};

struct UpstreamCounters {
  std::uint64_t connections = 0;
  std::uint64_t connections_cut = 0;     ///< by a freeze or a kill
  std::uint64_t requests_begun = 0;      ///< first byte reached the upstream
  std::uint64_t requests_completed = 0;  ///< last byte reached the upstream
  std::uint64_t requests_cut = 0;        ///< begun, never completed
  std::uint64_t answers_lost = 0;  ///< connections that lost bytes of an answer on the way back
  std::uint64_t accepted = 0;
  std::uint64_t refused = 0;
};

struct PlatformEvent {
  double at_ms = 0;
  std::string what;
};

/// What became of each step of the isolation, with its value or with the reason.
struct IsolationRecord {
  std::string mode;
  std::vector<std::pair<std::string, std::string>> done, not_done;
};

class Recorder {
 public:
  IsolationRecord isolation;
  std::vector<InvokeRecord> invokes;  ///< those that are over
  std::vector<std::pair<double, std::optional<double>>> freezes;
  std::vector<Arrival> arrivals;
  std::vector<OtherRequest> refused;
  std::vector<OtherRequest> others;
  UpstreamCounters upstream;
  std::vector<PlatformEvent> platform;
  std::vector<std::string> problems;
  std::vector<std::string> extension_log;
  std::vector<std::string> function_log;
  std::function<void(std::string_view)> on_function_line;  ///< told of each, too; may be empty

  /// Writes every line to `path` too, with its time. Returns false if it cannot be opened.
  [[nodiscard]] bool log_to(const std::string& path);

  /// Keeps the bytes of accepted envelopes, decoded, as `directory`/NNNNNN.envelope.
  void keep_bodies_in(std::string directory) { bodies_ = std::move(directory); }

  void keep_body(std::uint64_t request, std::string_view bytes);

  void event(std::string what);
  void problem(std::string what);

  /// One line of output of a process; `source` is "function" or an extension's name.
  void output(std::string_view source, bool is_function, std::string line);

 private:
  void log(double at, std::string_view source, std::string_view text);
  std::ofstream file_;
  std::string bodies_;
};

}  // namespace sandbox
