// The Runtime API, version 2018-06-01: hands the invoke to the function and takes its answer.
// AWS docs, "Using the Lambda runtime API for custom runtimes" and "Response streaming for Lambda
// functions"; which error types a runtime may give and SnapStart's calls:
// aws/aws-lambda-runtime-interface-emulator: internal/lambda/{fatalerror/fatalerror,rapi/router}.go
#pragma once

#include <list>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/json/value.hpp>

#include "tests/sandbox/condition.hpp"
#include "tests/sandbox/extensions_api.hpp"
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

/// The text as JSON; a string if it is none.
[[nodiscard]] boost::json::value as_json(const std::string& text);

/// The error type of an answer that was too large for the platform.
constexpr std::string_view kResponseTooLarge = "Function.ResponseSizeTooLarge";

/// What a runtime says when it cannot start: its answer to the caller, too, if one waits.
struct InitError {
  std::string type;  ///< as the platform tells it
  std::string body;
};

class RuntimeApi {
 public:
  RuntimeApi(Condition& changed, Recorder& recorder, const FunctionFacts& function)
      : changed_(changed), recorder_(recorder), function_(function) {}

  /// A new runtime process: nothing known of it yet.
  void clear();

  /// The runtime waits for an invoke.
  [[nodiscard]] bool ready() const { return !parked_.empty(); }

  /// So many of its workers do; more than one on Managed Instances only.
  [[nodiscard]] std::size_t waiting() const { return parked_.size(); }

  /// Its init is over: it waits for an invoke, or to be restored.
  [[nodiscard]] bool initialised() const { return ready() || restoring_ != nullptr; }

  [[nodiscard]] bool asked_ever() const { return asked_ever_; }

  [[nodiscard]] const std::optional<InitError>& init_error() const { return init_error_; }

  /// Requires ready(). `invoke` must live until take_back(), give_up() or clear().
  void hand_out(Invoke& invoke);

  void take_back() { running_.clear(); }

  void take_back(const Invoke& invoke);

  /// The caller has been told that it took too long; an answer that comes now is refused.
  void give_up(const Invoke& invoke);

  /// SnapStart: the snapshot has been restored.
  void restored();

  /// Why the runtime could not be restored; "" unless it said so.
  [[nodiscard]] const std::string& restore_error() const { return restore_error_; }

  /// `path` is what follows /2018-06-01/runtime.
  asio::awaitable<Response> handle(std::string path, Request request, Peer& peer);

 private:
  asio::awaitable<Response> next(Peer& peer);
  asio::awaitable<Response> restore_next(Peer& peer);
  [[nodiscard]] Response fail_init(Request request);
  [[nodiscard]] Response fail_restore(const Request& request);
  [[nodiscard]] Response finish(const std::string& id, bool is_error, Request request);
  /// What the runtime is told about the answer it gave.
  [[nodiscard]] static Response take_answer(Invoke& invoke, bool is_error, Request request);
  [[nodiscard]] bool busy() const;

  Condition& changed_;
  Recorder& recorder_;
  const FunctionFacts& function_;
  std::list<Parked*> parked_;  ///< places of the open polls, none of them null between two turns
  Parked* restoring_ = nullptr;
  std::vector<Invoke*> running_;
  std::set<std::string> given_up_;
  std::string restore_error_;
  bool asked_ever_ = false;
  std::optional<InitError> init_error_;
};

}  // namespace sandbox
