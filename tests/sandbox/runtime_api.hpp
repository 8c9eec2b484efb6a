// The Runtime API, version 2018-06-01: hands the invoke to the function and takes its answer.
// AWS docs, "Using the Lambda runtime API for custom runtimes".
#pragma once

#include <optional>
#include <string>

#include <boost/asio/awaitable.hpp>

#include "tests/sandbox/condition.hpp"
#include "tests/sandbox/extension_agent.hpp"
#include "tests/sandbox/recorder.hpp"

namespace sandbox {

/// What is handed out for one invoke, and what came back.
struct Invoke {
  std::string id;
  std::string arn;
  std::string trace;
  std::string event;
  double deadline_ms = 0;

  std::optional<double> responded_ms;  ///< epoch; the response's last byte was here
  bool is_error = false;               ///< through /error
  std::string error_type;
  std::string response;
};

class RuntimeApi {
 public:
  RuntimeApi(Condition& changed, Recorder& recorder) : changed_(changed), recorder_(recorder) {}

  /// A new runtime process: nothing known of it yet.
  void clear();

  /// The runtime waits for an invoke.
  [[nodiscard]] bool ready() const { return parked_ != nullptr; }

  [[nodiscard]] bool asked_ever() const { return asked_ever_; }

  [[nodiscard]] bool init_failed() const { return init_failed_; }

  /// Requires ready(). `invoke` must live until take_back() or clear().
  void hand_out(Invoke& invoke);

  void take_back() { current_ = nullptr; }

  /// `path` is what follows /2018-06-01/runtime.
  asio::awaitable<Response> handle(std::string path, Request request, Peer& peer);

 private:
  asio::awaitable<Response> next(Peer& peer);
  [[nodiscard]] Response finish(std::string_view id, bool is_error, Request request);

  Condition& changed_;
  Recorder& recorder_;
  Parked* parked_ = nullptr;
  Invoke* current_ = nullptr;
  bool asked_ever_ = false;
  bool init_failed_ = false;
};

}  // namespace sandbox
