// The Runtime API, version 2018-06-01: hands the invoke to the function and takes its answer.
// AWS docs, "Using the Lambda runtime API for custom runtimes" and "Response streaming for Lambda
// functions"; which error types a runtime may give:
// aws/aws-lambda-runtime-interface-emulator: internal/lambda/fatalerror/fatalerror.go
#pragma once

#include <optional>
#include <string>
#include <string_view>

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

  std::optional<double> begun_ms;      ///< epoch; the response's header was here
  std::optional<double> responded_ms;  ///< epoch; the response's last byte was here
  bool is_error = false;               ///< through /error, or by a trailer
  std::string error_type;
  std::string error_body;  ///< a trailer's, decoded
  std::string response;
};

/// The error type of an answer that was too large for the platform.
constexpr std::string_view kResponseTooLarge = "Function.ResponseSizeTooLarge";

/// What a runtime says when it cannot start: its answer to the caller, too, if one waits.
struct InitError {
  std::string type;  ///< as the platform tells it
  std::string body;
};

class RuntimeApi {
 public:
  RuntimeApi(Condition& changed, Recorder& recorder) : changed_(changed), recorder_(recorder) {}

  /// A new runtime process: nothing known of it yet.
  void clear();

  /// The runtime waits for an invoke.
  [[nodiscard]] bool ready() const { return parked_ != nullptr; }

  [[nodiscard]] bool asked_ever() const { return asked_ever_; }

  [[nodiscard]] const std::optional<InitError>& init_error() const { return init_error_; }

  /// Requires ready(). `invoke` must live until take_back() or clear().
  void hand_out(Invoke& invoke);

  void take_back() { current_ = nullptr; }

  /// `path` is what follows /2018-06-01/runtime.
  asio::awaitable<Response> handle(std::string path, Request request, Peer& peer);

 private:
  asio::awaitable<Response> next(Peer& peer);
  [[nodiscard]] Response fail_init(Request request);
  /// What the runtime is told about the answer it gave.
  [[nodiscard]] static Response take_answer(Invoke& invoke, bool is_error, Request request);
  [[nodiscard]] Response finish(std::string_view id, bool is_error, Request request);

  Condition& changed_;
  Recorder& recorder_;
  Parked* parked_ = nullptr;
  Invoke* current_ = nullptr;
  bool asked_ever_ = false;
  std::optional<InitError> init_error_;
};

}  // namespace sandbox
