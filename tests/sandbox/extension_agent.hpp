// One extension as the platform sees it: its registration, its state, its open /event/next.
// aws/aws-lambda-runtime-interface-emulator:
// internal/lambda/core/{externalagent_states,agentsmap}.go
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "tests/sandbox/http_exchange.hpp"

namespace sandbox {

class Process;

enum class AgentState { started, registered, ready, running, init_error, exit_error, exited };

[[nodiscard]] std::string_view name(AgentState state);

/// A long poll whose answer is still open. Lives in the handler's frame; `place` is where the one
/// who will answer looks for it.
class Parked {
 public:
  Parked(Peer& peer, Parked*& place) : peer_(peer), place_(&place) { place = this; }

  ~Parked() {
    if (place_ != nullptr) *place_ = nullptr;
  }

  Parked(const Parked&) = delete;
  Parked& operator=(const Parked&) = delete;

  /// Ends the poll. Whoever waits for it must be notified.
  void answer(Response response) {
    answer_ = std::move(response);
    *place_ = nullptr;
    place_ = nullptr;
  }

  [[nodiscard]] bool answered() const { return answer_.has_value(); }

  [[nodiscard]] Response take() { return std::move(*answer_); }

  /// Breaks the connection; the poll stays open on our side, as on the platform's.
  void drop_connection() { peer_.drop(); }

 private:
  Peer& peer_;
  Parked** place_;
  std::optional<Response> answer_;
};

struct Agent {
  std::string name;
  std::string id;
  bool internal = false;
  AgentState state = AgentState::started;
  std::set<std::string> events;
  Process* process = nullptr;  ///< null for an internal extension
  Parked* parked = nullptr;    ///< the poll that the next event goes to
  std::string fatal_error;     ///< Extension.InitError or Extension.ExitError, once reported
  std::optional<std::string> shutdown;  ///< its SHUTDOWN event, when there is one to hand out
  bool shutdown_delivered = false;

  [[nodiscard]] bool wants(const std::string& event) const { return events.contains(event); }

  [[nodiscard]] bool is_registered() const { return state != AgentState::started && !id.empty(); }

  /// Registered, and still expected to call next.
  [[nodiscard]] bool in_service() const {
    return state == AgentState::registered || state == AgentState::ready ||
           state == AgentState::running;
  }
};

/// Answers the agent's open poll with an event; the agent is busy from now on.
void deliver(Agent& agent, std::string event_json, bool with_event_id);

/// Closes the agent's open poll without an answer: the environment is gone.
void release(Agent& agent);

/// A random UUID.
[[nodiscard]] std::string new_uuid();
[[nodiscard]] bool is_uuid(std::string_view text);

/// {"errorMessage":…,"errorType":…} as every client error of the platform looks.
[[nodiscard]] Response platform_error(unsigned status, std::string_view type,
                                      std::string_view message);
[[nodiscard]] Response json_response(unsigned status, std::string body);
[[nodiscard]] Response not_found();
[[nodiscard]] Response method_not_allowed(std::string_view allowed);

}  // namespace sandbox
