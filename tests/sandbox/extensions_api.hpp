// The Extensions API, version 2020-01-01: who may register, and what each wrong order is answered.
// AWS docs, "Using the Lambda Extensions API to create extensions"; error types and texts from
// aws/aws-lambda-runtime-interface-emulator: internal/lambda/rapi/{handler,middleware}/.
#pragma once

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "tests/sandbox/condition.hpp"
#include "tests/sandbox/extension_agent.hpp"
#include "tests/sandbox/recorder.hpp"

namespace sandbox {

/// Answers `status` instead of the real one, `left` times.
struct ForcedAnswer {
  unsigned status = 0;
  unsigned left = 0;
  /// Uses one up.
  [[nodiscard]] bool take();
};

/// How an environment comes about, and what may happen in it. AWS docs, "Understanding the Lambda
/// execution environment lifecycle", "Improving startup performance with Lambda SnapStart" and
/// "Understanding the Lambda Managed Instances execution environment".
enum class World { on_demand, provisioned_concurrency, snap_start, managed_instances };

/// As AWS_LAMBDA_INITIALIZATION_TYPE has it.
[[nodiscard]] std::string initialization_type(World world);

struct FunctionFacts {
  std::string name = "test_function";
  std::string version = "$LATEST";
  std::string handler;
  std::string account_id = "123456789012";
  std::string arn = "arn:aws:lambda:us-east-1:123456789012:function:test_function";
  unsigned memory_mb = 128;
  unsigned timeout_ms = 3000;
  /// A runtime that runs out of memory is told as one that exited: so it is for those that are no
  /// managed Python or Ruby. DataDog/datadog-lambda-extension, pull requests 776 and 1241.
  bool oom_is_exit = false;
  World world = World::on_demand;
  unsigned max_concurrency = 64;  ///< invokes at once, on Managed Instances

  /// Extensions may register for SHUTDOWN only, invokes run side by side, nothing freezes, and
  /// there is no platform.runtimeDone.
  [[nodiscard]] bool managed() const { return world == World::managed_instances; }

  [[nodiscard]] std::string initialization_type() const {
    return sandbox::initialization_type(world);
  }

  /// AWS docs, pages as above, init phase.
  [[nodiscard]] std::chrono::milliseconds init_limit() const {
    if (world == World::on_demand) return std::chrono::seconds(10);
    return std::max(std::chrono::milliseconds(130000), std::chrono::milliseconds(timeout_ms));
  }
};

class ExtensionsApi {
 public:
  ExtensionsApi(Condition& changed, Recorder& recorder, const FunctionFacts& function,
                ForcedAnswer register_answer, ForcedAnswer next_answer);

  /// Agents of one environment; gone (their polls closed) at clear().
  Agent& launched(std::string name, Process* process);
  void clear();

  [[nodiscard]] std::vector<std::unique_ptr<Agent>>& agents() { return agents_; }

  /// As many as there may be, internal ones included.
  [[nodiscard]] bool full() const;

  /// Internal extensions may register until the runtime first asks for an invoke.
  void open_registration() { registration_open_ = true; }

  void close_registration() { registration_open_ = false; }

  [[nodiscard]] Agent* find(std::string_view id);
  /// 403 if `request` names no known extension; sets `agent` otherwise.
  [[nodiscard]] std::optional<Response> identify(const Request& request, Agent*& agent);

  /// `path` is what follows /2020-01-01/extension.
  asio::awaitable<Response> handle(std::string path, Request request, Peer& peer);

 private:
  [[nodiscard]] Response register_agent(const Request& request);
  [[nodiscard]] Response enter(Agent& agent, std::set<std::string> events, const Request& request);
  asio::awaitable<Response> next(const Request& request, Peer& peer);
  [[nodiscard]] Response report_error(const Request& request, bool in_init);

  Condition& changed_;
  Recorder& recorder_;
  const FunctionFacts& function_;
  ForcedAnswer register_answer_;
  ForcedAnswer next_answer_;
  bool registration_open_ = false;
  std::vector<std::unique_ptr<Agent>> agents_;
};

}  // namespace sandbox
