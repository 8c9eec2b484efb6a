#include "extension/failure_evidence.hpp"

#include <string>

#include <doctest/doctest.h>

namespace {

using namespace extension;
using proto::FailureKind;
using relay::milliseconds;
using relay::WallTime;

}  // namespace

TEST_SUITE_BEGIN("extension/failure_evidence");

TEST_CASE("only two reasons of a SHUTDOWN, in any case, and the emulator's word are a failure") {
  struct Row {
    std::string_view reason;
    ShutdownCause cause;
  };

  const Row rows[] = {{"timeout", ShutdownCause::timeout},
                      {"Timeout", ShutdownCause::timeout},
                      {"TIMEOUT", ShutdownCause::timeout},
                      {"failure", ShutdownCause::failure},
                      {"Failure", ShutdownCause::failure},
                      {"ReleaseFail", ShutdownCause::failure},
                      {"spindown", ShutdownCause::none},
                      {"SPINDOWN", ShutdownCause::none},
                      {"SandboxTerminated", ShutdownCause::none},
                      {"timeouts", ShutdownCause::none},
                      {"", ShutdownCause::none}};
  for (const Row& row : rows) {
    CAPTURE(std::string(row.reason));
    CHECK(cause_of(row.reason) == row.cause);
  }
}

TEST_CASE("a status is a failure or not; an answer that is too large always is") {
  for (const std::string status : {"timeout", "error", "failure"}) CHECK(is_failure(status, ""));
  CHECK_FALSE(is_failure("success", ""));
  CHECK_FALSE(is_failure("success", "Function.Unhandled"));
  CHECK_FALSE(is_failure("", ""));
  CHECK_FALSE(is_failure("", "Runtime.ExitError"));
  CHECK(is_failure("success", "Function.ResponseSizeTooLarge"));
}

TEST_CASE("in a report an error with the runtime's own type is one that it handled") {
  for (const std::string type : {"Runtime.Unknown", "Function.Unknown", "Runtime.MyError"}) {
    CAPTURE(type);
    CHECK_FALSE(is_failed_report("error", type));
    CHECK(is_failed_report("timeout", type));
  }
  for (const std::string type : {"", "Runtime.ExitError", "Runtime.OutOfMemory", "Sandbox.Timedout",
                                 "Extension.Crash", "Function.ResponseSizeTooLarge"}) {
    CAPTURE(type);
    CHECK(is_failed_report("error", type));
  }
  CHECK_FALSE(is_failed_report("success", "Runtime.ExitError"));
  CHECK_FALSE(is_failed_report("", ""));
}

TEST_CASE("what the platform says is one kind of failure") {
  struct Row {
    std::string_view situation;
    Evidence evidence;
    FailureKind kind;
  };

  const Row rows[] = {
      {"a timeout", {false, "timeout", "", "", false}, FailureKind::timeout},
      {"a timeout, and its SHUTDOWN",
       {false, "timeout", "", "timeout", true},
       FailureKind::timeout},
      {"a Managed Instance's timeout",
       {false, "error", "Sandbox.Timedout", "", false},
       FailureKind::timeout},
      {"nothing but a SHUTDOWN for a timeout",
       {false, "", "", "Timeout", false},
       FailureKind::timeout},
      {"the same by another name",
       {false, "error", "Sandbox.Timeout", "", false},
       FailureKind::timeout},
      {"an error, and a SHUTDOWN for a timeout",
       {false, "error", "", "timeout", false},
       FailureKind::failure},
      {"an exit, and a SHUTDOWN for a timeout",
       {false, "", "Runtime.ExitError", "timeout", false},
       FailureKind::runtime_exit},
      {"the runtime's exit",
       {false, "error", "Runtime.ExitError", "", false},
       FailureKind::runtime_exit},
      {"its exit with all the memory used",
       {false, "error", "Runtime.ExitError", "failure", true},
       FailureKind::out_of_memory},
      {"out of memory",
       {false, "error", "Runtime.OutOfMemory", "", false},
       FailureKind::out_of_memory},
      {"nothing but a SHUTDOWN for a failure",
       {false, "", "", "ReleaseFail", false},
       FailureKind::runtime_exit},
      {"an error without a type, and its SHUTDOWN",
       {false, "error", "", "failure", false},
       FailureKind::runtime_exit},
      {"an error without a type", {false, "error", "", "", false}, FailureKind::failure},
      {"an answer too large",
       {false, "error", "Function.ResponseSizeTooLarge", "", true},
       FailureKind::response_too_large},
      {"another fault of the runtime",
       {false, "error", "Runtime.TruncatedResponse", "failure", true},
       FailureKind::failure},
      {"the platform's own fault",
       {false, "failure", "Sandbox.Failure", "", false},
       FailureKind::failure},
      {"an extension's end",
       {false, "error", "Extension.Crash", "failure", true},
       FailureKind::failure},
      {"an extension's timeout",
       {false, "timeout", "Extension.Crash", "timeout", false},
       FailureKind::failure},
      {"a failed init", {true, "error", "Runtime.ExitError", "", false}, FailureKind::init_error},
      {"an init that took too long",
       {true, "timeout", "Runtime.Unknown", "", false},
       FailureKind::init_error},
      {"an extension's failed init",
       {true, "error", "Extension.InitError", "", false},
       FailureKind::failure},
      {"left open, and nothing heard", {false, "", "", "", false}, FailureKind::failure},
  };
  for (const Row& row : rows) {
    CAPTURE(std::string(row.situation));
    CHECK(kind_of(row.evidence) == row.kind);
  }
}

TEST_CASE("the timeout that was configured is what is left of it at INVOKE, rounded up") {
  struct Row {
    std::string_view situation;
    long left_ms;
    long seconds;  // 0: not known
  };

  const Row rows[] = {{"at once", 3000, 3},
                      {"the usual delay", 2997, 3},
                      {"a slow machine", 2101, 3},
                      {"behind an init of half a second", 4544, 5},
                      {"clocks that disagree", 3100, 3},
                      {"that disagree by more", 3101, 4},
                      {"the shortest there is", 1000, 1},
                      {"nearly over", 1, 1},
                      {"over", 0, 0},
                      {"long over", -5000, 0},
                      {"the longest there is", 900'000, 900},
                      {"the longest, clocks that disagree", 900'100, 900},
                      {"no timeout at all", 900'101, 0},
                      {"the emulator's", 3'000'000'000, 0}};
  const WallTime begun{milliseconds{1795458000000}};
  for (const Row& row : rows) {
    CAPTURE(std::string(row.situation));
    const auto timeout = configured_timeout(begun, begun + milliseconds{row.left_ms});
    CHECK(timeout.value_or(std::chrono::seconds{0}).count() == row.seconds);
  }
  CHECK_FALSE(configured_timeout(begun, std::nullopt).has_value());
}

TEST_CASE("an ARN names region and account") {
  const std::string arn = "arn:aws:lambda:eu-west-1:123456789012:function:f:live";
  CHECK(region_of(arn) == "eu-west-1");
  CHECK(account_of(arn) == "123456789012");
  for (const std::string odd : {"", "arn", "arn:aws:lambda", ":::"}) {
    CHECK(region_of(odd).empty());
    CHECK(account_of(odd).empty());
  }
}

TEST_SUITE_END();
