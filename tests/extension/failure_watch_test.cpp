#include "extension/failure_watch.hpp"

#include <array>
#include <sstream>
#include <string>
#include <vector>

#include <doctest/doctest.h>

namespace {

using namespace extension;
using proto::FailureFacts;
using proto::TelemetryKind;
using proto::TelemetryRecord;
using relay::milliseconds;
using relay::WallTime;

/// Plays what the platform says, a word for each event, 10 ms apart, and writes down what is given
/// out behind which of them.
class Story {
 public:
  Story() { watch_.registered(function()); }

  static proto::FunctionFacts function() {
    proto::FunctionFacts function;
    function.name = "f";
    function.memory_mb = 128;
    return function;
  }

  /// "invoke a; done a timeout; shutdown timeout; over"
  std::string play(const std::string& script) {
    std::istringstream steps(script);
    for (std::string step; std::getline(steps, step, ';');) {
      std::istringstream words(step);
      words >> verb_;
      id_ = status_ = type_ = "";
      words >> id_ >> status_ >> type_;
      now_ += milliseconds{10};
      perform();
      for (const FailureFacts& facts : watch_.take()) note(facts);
    }
    return notes_;
  }

  std::vector<FailureFacts> taken;

  [[nodiscard]] const FailureWatch& watch() const { return watch_; }

  [[nodiscard]] WallTime now() const { return now_; }

 private:
  void perform() {
    if (verb_ == "blind") telemetry_ = false;
    if (verb_ == "minute") now_ += std::chrono::minutes{1};
    if (verb_ == "invoke") invoke(now_ + milliseconds{3000});
    if (verb_ == "invoke-again") invoke(deadline_);
    if (verb_ == "done") said(TelemetryKind::runtime_done, done_said_ = now_);
    if (verb_ == "done-again") said(TelemetryKind::runtime_done, done_said_);
    if (verb_ == "done-of-before") {
      said(TelemetryKind::runtime_done, now_ - std::chrono::seconds{30});
    }
    if (verb_ == "report") said(TelemetryKind::report, report_said_ = now_);
    if (verb_ == "report-again") said(TelemetryKind::report, report_said_);
    if (verb_ == "report-of-before") said(TelemetryKind::report, now_ - std::chrono::seconds{30});
    if (verb_ == "full-report") said(TelemetryKind::report, now_, 128);
    if (verb_ == "init") init(TelemetryKind::init_runtime_done);
    if (verb_ == "init-report") init(TelemetryKind::init_report);
    if (verb_ == "init-within") init(TelemetryKind::init_runtime_done, "invoke");
    if (verb_ == "init-within-report") init(TelemetryKind::init_report, "invoke");
    if (verb_ == "restore") init(TelemetryKind::restore_runtime_done);
    if (verb_ == "shutdown") shutdown();
    if (verb_ == "next-process") next_process();
    if (verb_ == "over") {
      for (const FailureFacts& facts : watch_.take_all()) note(facts);
    }
  }

  void invoke(WallTime deadline) {
    deadline_ = deadline;
    watch_.invoke({id_, deadline, "arn:aws:lambda:eu-west-1:123456789012:function:f", "Root=1-x"},
                  telemetry_, now_);
  }

  void said(TelemetryKind kind, WallTime when, std::uint64_t used = 64) {
    TelemetryRecord record;
    record.kind = kind;
    record.request_id = id_;
    record.status = status_;
    record.error_type = type_;
    record.time = when;
    record.duration_ms = kind == TelemetryKind::report ? 7.5 : 7;
    if (kind == TelemetryKind::report) {
      record.memory_mb = 128;
      record.max_memory_mb = used;
    }
    watch_.heard(record, now_);
  }

  void init(TelemetryKind kind, const std::string& phase = "init") {
    TelemetryRecord record;
    record.kind = kind;
    record.status = id_;
    record.error_type = status_;
    record.time = now_;
    record.phase = phase;
    record.initialization_type = "on-demand";
    if (kind == TelemetryKind::init_report) record.duration_ms = 560.5;
    watch_.heard(record, now_);
  }

  void shutdown() {
    watch_.shutdown({proto::ShutdownReason::failure, id_, now_ + milliseconds{2000}}, telemetry_,
                    now_);
  }

  /// In the same sandbox, after whatever became of the one before.
  void next_process() {
    const auto kept = watch_.kept();
    watch_ = FailureWatch();
    watch_.registered(function());
    if (kept) watch_.recovered(*kept);
  }

  /// "done: Lambda.Timeout a"
  void note(const FailureFacts& facts) {
    if (!notes_.empty()) notes_ += ", ";
    notes_ += verb_ + ": " + std::string(proto::exception_type(facts.kind));
    if (!facts.request_id.empty()) notes_ += " " + facts.request_id;
    taken.push_back(facts);
  }

  FailureWatch watch_;
  WallTime now_{std::chrono::seconds{1795458000}};
  WallTime deadline_;
  WallTime done_said_ = now_;  ///< said again before it was said: at the beginning
  WallTime report_said_ = now_;
  bool telemetry_ = true;
  std::string verb_, id_, status_, type_;
  std::string notes_;
};

struct Row {
  std::string_view situation;
  std::string script;
  std::string given_out;
};

void check(std::initializer_list<Row> rows) {
  for (const Row& row : rows) {
    CAPTURE(std::string(row.situation));
    CHECK(Story().play(row.script) == row.given_out);
  }
}

}  // namespace

TEST_SUITE_BEGIN("extension/failure_watch");

TEST_CASE("what ends well, or ends for nobody's failure, makes none") {
  check({
      {"invokes that end well",
       "invoke a; done a success; invoke b; report a success; done b success; shutdown spindown; "
       "report b success; over",
       ""},
      {"a handled error is a success to the platform",
       "invoke a; done a success Function.Unhandled; shutdown spindown; over", ""},
      {"no invoke at all", "shutdown spindown; over", ""},
      {"a failure before any invoke", "shutdown failure; over", ""},
      {"a spindown while an invoke is open", "invoke a; shutdown spindown; over", ""},
      {"an unknown reason while one is open", "invoke a; shutdown SandboxTerminated; over", ""},
      {"a failure between two invokes: another extension's",
       "invoke a; done a success; shutdown failure; over", ""},
      {"the function ended in time, the extensions did not",
       "invoke a; done a success; shutdown timeout; report a timeout; over", ""},
      {"a request of which only the good end is heard", "done a success; report a success; over",
       ""},
      {"what is no end", "invoke a; init success; init-report success; shutdown spindown; over",
       ""},
  });
}

TEST_CASE("a failed runtimeDone, its report and its SHUTDOWN are one failure, in any order") {
  check({
      {"the report makes it complete",
       "invoke a; done a timeout; shutdown timeout; report a timeout; over",
       "report: Lambda.Timeout a"},
      {"the report comes first",
       "invoke a; done a timeout; report a timeout; shutdown timeout; over",
       "report: Lambda.Timeout a"},
      {"no report comes", "invoke a; done a timeout; shutdown timeout; over",
       "over: Lambda.Timeout a"},
      {"the SHUTDOWN overtakes the runtimeDone",
       "invoke a; shutdown timeout; done a timeout; report a timeout; over",
       "report: Lambda.Timeout a"},
      {"nothing but the SHUTDOWN", "invoke a; shutdown timeout; over", "over: Lambda.Timeout a"},
      {"nothing but the report", "invoke a; report a timeout; over", "report: Lambda.Timeout a"},
      {"all of it twice",
       "invoke a; done a timeout; done-again a timeout; shutdown timeout; report a timeout; "
       "report-again a timeout; over; over",
       "report: Lambda.Timeout a"},
      {"the runtime's exit", "invoke a; done a error Runtime.ExitError; shutdown failure; over",
       "over: Lambda.RuntimeExit a"},
      {"the emulator's word", "invoke a; shutdown ReleaseFail; over", "over: Lambda.RuntimeExit a"},
      {"an exit with all the memory used is the want of it",
       "invoke a; done a error Runtime.ExitError; shutdown failure; "
       "full-report a error Runtime.ExitError; over",
       "full-report: Lambda.OutOfMemory a"},
      {"out of memory, by name",
       "invoke a; done a error Runtime.OutOfMemory; shutdown failure; over",
       "over: Lambda.OutOfMemory a"},
      {"out of memory, only the report knows",
       "invoke a; done a error Runtime.ExitError; report a error Runtime.OutOfMemory; over",
       "report: Lambda.OutOfMemory a"},
      {"an error without a type", "invoke a; done a error; shutdown failure; over",
       "over: Lambda.RuntimeExit a"},
      {"an error before a spindown",
       "invoke a; done a error Runtime.ExitError; shutdown spindown; over",
       "over: Lambda.RuntimeExit a"},
      {"the SHUTDOWN was too soon: it ended well",
       "invoke a; shutdown failure; done a success; over", ""},
      {"the SHUTDOWN was too soon: the report says so",
       "invoke a; shutdown failure; report a success; over", ""},
  });
}

TEST_CASE("what resets nothing is complete at once") {
  check({
      {"an answer too large",
       "invoke a; done a error Function.ResponseSizeTooLarge; invoke b; report a error "
       "Function.ResponseSizeTooLarge; done b success; shutdown spindown; over",
       "done: Lambda.ResponseTooLarge a"},
      {"whatever its status", "invoke a; done a success Function.ResponseSizeTooLarge; over",
       "done: Lambda.ResponseTooLarge a"},
      {"heard of only behind the next INVOKE",
       "invoke a; invoke b; done a error Function.ResponseSizeTooLarge; done b success; over",
       "done: Lambda.ResponseTooLarge a"},
      {"another extension's end",
       "invoke a; done a error Extension.Crash; shutdown failure; report a error Extension.Crash; "
       "over",
       "done: Lambda.Failure a"},
      {"the platform's own fault", "invoke a; done a failure Sandbox.Failure; over",
       "done: Lambda.Failure a"},
      {"another type than the platform's own", "invoke a; done a error Runtime.Unknown; over",
       "done: Lambda.Failure a"},
      {"a report that says no status", "invoke a; done a timeout; shutdown timeout; report a; over",
       "report: Lambda.Timeout a"},
      {"each of many",
       "invoke a; done a error Function.ResponseSizeTooLarge; invoke b; done b error "
       "Function.ResponseSizeTooLarge; invoke c; done c success; over",
       "done: Lambda.ResponseTooLarge a, done: Lambda.ResponseTooLarge b"},
      {"the next INVOKE is the last moment to wait",
       "invoke a; done a timeout; invoke b; report a timeout", "invoke: Lambda.Timeout a"},
  });
}

TEST_CASE("without telemetry the last INVOKE counts as open, for the two reasons only") {
  check({
      {"a timeout: nothing is waited for", "blind; invoke a; shutdown timeout; over",
       "shutdown: Lambda.Timeout a"},
      {"the emulator's timeout", "blind; invoke a; shutdown Timeout; over",
       "shutdown: Lambda.Timeout a"},
      {"a failure", "blind; invoke a; invoke b; shutdown failure; over",
       "shutdown: Lambda.RuntimeExit b"},
      {"a spindown", "blind; invoke a; shutdown spindown; over", ""},
      {"the end of the emulator", "blind; invoke a; shutdown SandboxTerminated; over", ""},
      {"a runtimeDone after all", "blind; invoke a; done a success; shutdown failure; over", ""},
  });
}

TEST_CASE("a (request id, deadline) is one: a retry of the same request is another") {
  check({
      {"a retry fails like the first",
       "invoke a; done a error Function.ResponseSizeTooLarge; minute; invoke a; done a error "
       "Function.ResponseSizeTooLarge; over",
       "done: Lambda.ResponseTooLarge a, done: Lambda.ResponseTooLarge a"},
      {"the first one's runtimeDone comes again, to the retry",
       "invoke a; done a error Function.ResponseSizeTooLarge; minute; invoke a; done-again a error "
       "Function.ResponseSizeTooLarge; done a success; over",
       "done: Lambda.ResponseTooLarge a"},
      {"the first one's report comes during the retry",
       "invoke a; done a error Function.ResponseSizeTooLarge; minute; invoke a; report-of-before a "
       "error; done a success; over",
       "done: Lambda.ResponseTooLarge a"},
      {"the first one's runtimeDone comes during the retry",
       "invoke a; minute; invoke a; done-of-before a error Function.ResponseSizeTooLarge; done a "
       "success; over",
       "done-of-before: Lambda.ResponseTooLarge a"},
      {"an INVOKE that comes again behind the runtimeDone",
       "invoke a; done a timeout; invoke-again a; shutdown timeout; over",
       "over: Lambda.Timeout a"},
      {"an INVOKE that comes twice",
       "invoke a; invoke-again a; done a timeout; shutdown timeout; report a timeout; over",
       "report: Lambda.Timeout a"},
  });
}

TEST_CASE("telemetry may overtake the INVOKE that it tells of") {
  check({
      {"the function's end",
       "done a error Runtime.ExitError; invoke a; shutdown failure; report a error "
       "Runtime.ExitError; over",
       "report: Lambda.RuntimeExit a"},
      {"and nothing comes behind it",
       "done a error Runtime.ExitError; invoke a; shutdown failure; over",
       "over: Lambda.RuntimeExit a"},
      {"it was given out already",
       "done a error Function.ResponseSizeTooLarge; invoke a; shutdown spindown; over",
       "done: Lambda.ResponseTooLarge a"},
      {"its good end: the SHUTDOWN is for another's failure",
       "done a success; invoke a; shutdown failure; over", ""},
      {"its good end, and then a reset", "done a success; invoke a; next-process; invoke b; over",
       ""},
      {"it was given out already, and the process after a reset hears of it again",
       "done a error Function.ResponseSizeTooLarge; invoke a; next-process; report a error "
       "Function.ResponseSizeTooLarge; invoke b; over",
       "done: Lambda.ResponseTooLarge a"},
      {"that of one we never got: the next one fails by itself",
       "done z error Function.ResponseSizeTooLarge; invoke a; shutdown timeout; over",
       "done: Lambda.ResponseTooLarge z, over: Lambda.Timeout a"},
      {"a retry of what has failed unseen a minute ago",
       "done a error Function.ResponseSizeTooLarge; minute; invoke a; shutdown timeout; over",
       "done: Lambda.ResponseTooLarge a, over: Lambda.Timeout a"},
      {"beside another one",
       "invoke a; done b error Runtime.ExitError; invoke b; done a success; shutdown failure; over",
       "over: Lambda.RuntimeExit b"},
  });
}

TEST_CASE("a Managed Instance has no INVOKE and no runtimeDone: the report is the evidence") {
  check({
      {"a timeout", "report a timeout Sandbox.Timedout", "report: Lambda.Timeout a"},
      {"an exception that its SDK has seen", "report a error Function.Unknown; over", ""},
      {"said again", "report a timeout Sandbox.Timedout; report-again a timeout Sandbox.Timedout",
       "report: Lambda.Timeout a"},
      {"a retry", "report a timeout Sandbox.Timedout; minute; report a timeout Sandbox.Timedout",
       "report: Lambda.Timeout a, report: Lambda.Timeout a"},
      {"beside one another", "report b success; report a error Runtime.ExitError; report c success",
       "report: Lambda.RuntimeExit a"},
      {"the end of the instance", "report a success; shutdown failure; over", ""},
  });
}

TEST_CASE("a failed init is one failure of its process, and all that fails behind it") {
  check({
      {"without a request",
       "init error Runtime.ExitError; init-report error; shutdown spindown; over",
       "init-report: Lambda.InitError"},
      {"no report comes", "init error Runtime.ExitError; shutdown spindown; over",
       "over: Lambda.InitError"},
      {"nothing but a report", "init-report timeout Runtime.Unknown; shutdown spindown; over",
       "init-report: Lambda.InitError"},
      {"said twice", "init error Runtime.ExitError; init error Runtime.ExitError; over; over",
       "over: Lambda.InitError"},
      {"another extension's", "init error Extension.InitError; over", "init: Lambda.Failure"},
      {"a restore", "restore error Runtime.Unknown; over", "over: Lambda.InitError"},
      {"within an invoke that we never got: it is that request's",
       "init error Runtime.ExitError; done a error Runtime.ExitError; shutdown failure; over",
       "done: Lambda.InitError a"},
      {"and its request's, whose news comes last",
       "shutdown failure; init-within error Runtime.ExitError; init-within-report error; "
       "done a error Runtime.ExitError; report a error Runtime.ExitError; over",
       "done: Lambda.InitError a"},
      {"and nobody tells of the request",
       "init-within error Runtime.ExitError; init-within-report error; shutdown failure; over",
       "over: Lambda.InitError"},
      {"and was given out already",
       "init error Runtime.ExitError; init-report error; done a error Runtime.ExitError; "
       "report a error Runtime.ExitError; shutdown failure; over",
       "init-report: Lambda.InitError"},
      {"an INVOKE came all the same",
       "init error Runtime.ExitError; init-report error; invoke a; done a error "
       "Runtime.ExitError; shutdown failure; over",
       "init-report: Lambda.InitError"},
      {"an INVOKE came all the same, and nothing but a SHUTDOWN",
       "init error Runtime.ExitError; init-report error; invoke a; shutdown failure; over",
       "init-report: Lambda.InitError"},
      {"and its process was killed then",
       "init error Runtime.ExitError; init-report error; invoke a; done a error "
       "Runtime.ExitError; next-process; invoke b; over",
       "init-report: Lambda.InitError"},
      {"once in each process",
       "init error Runtime.ExitError; shutdown spindown; over; next-process; init error "
       "Runtime.ExitError; shutdown failure; over",
       "over: Lambda.InitError, over: Lambda.InitError"},
      {"an earlier process's, said again to this one, whose own went well",
       "init error Runtime.ExitError; init-report error; init success; invoke a; done a timeout; "
       "shutdown timeout; report a timeout; over",
       "init-report: Lambda.InitError, report: Lambda.Timeout a"},
      {"the same, and nothing but a SHUTDOWN",
       "init error Runtime.ExitError; init success; invoke a; shutdown timeout; over",
       "invoke: Lambda.InitError, over: Lambda.Timeout a"},
      {"the same, and nobody tells that it went well but an invoke that did",
       "init error Runtime.ExitError; init-report error; invoke a; done a success; invoke b; "
       "done b timeout; shutdown timeout; report b timeout; over",
       "init-report: Lambda.InitError, report: Lambda.Timeout b"},
      {"it fails once more: still one",
       "init error Runtime.ExitError; init-report error; init success; init error "
       "Runtime.ExitError; done a error Runtime.ExitError; shutdown failure; over",
       "init-report: Lambda.InitError"},
      {"a report that says no status heals nothing",
       "init error Runtime.ExitError; init-report; invoke a; done a error Runtime.ExitError; over",
       "init-report: Lambda.InitError"},
      {"neither does an invoke's",
       "init error Runtime.ExitError; init-report error; invoke a; report a; done a error "
       "Runtime.ExitError; over",
       "init-report: Lambda.InitError"},
      {"nor one of the process before that ended well",
       "invoke z; next-process; init error Runtime.ExitError; init-report error; done z success; "
       "done a error Runtime.ExitError; over",
       "init-report: Lambda.InitError"},
      {"a request that we never got fails by itself", "done a timeout; shutdown timeout; over",
       "over: Lambda.Timeout a"},
  });
}

TEST_CASE("a reset neither hides nor doubles a failure") {
  check({
      {"killed without a SHUTDOWN: the next INVOKE is the last moment to hear more",
       "invoke a; next-process; invoke b; done b success; over", "invoke: Lambda.Failure a"},
      {"its report comes in the next process",
       "invoke a; next-process; report a error Runtime.OutOfMemory; invoke b",
       "report: Lambda.OutOfMemory a"},
      {"the report says that it ended well", "invoke a; next-process; report a success; invoke b",
       ""},
      {"known, and killed before it was given out",
       "invoke a; done a timeout; next-process; invoke b", "invoke: Lambda.Failure a"},
      {"a SHUTDOWN, nothing heard, in the next process, too",
       "invoke a; next-process; shutdown spindown; over; next-process; invoke b; over",
       "over: Lambda.Failure a"},
      {"reported: its late report is no news",
       "invoke a; done a timeout; shutdown timeout; over; next-process; report a timeout; done a "
       "timeout; invoke b; over",
       "over: Lambda.Timeout a"},
      {"reported: a retry is another",
       "invoke a; shutdown timeout; over; next-process; minute; invoke a; done a timeout; "
       "report a timeout; over",
       "over: Lambda.Timeout a, report: Lambda.Timeout a"},
      {"ended well", "invoke a; done a success; next-process; invoke b; over", ""},
      {"a spindown was said", "invoke a; shutdown spindown; next-process; invoke b; over", ""},
      {"without telemetry its end would not have been known",
       "blind; invoke a; next-process; invoke b; over", ""},
      {"an earlier process's invoke is not open",
       "invoke a; done a success; next-process; shutdown failure; over", ""},
  });
}

TEST_CASE("whatever comes in whatever order, and however often: one failure is given out once") {
  constexpr std::array<std::string_view, 5> kEvents{
      "done-again a timeout; ", "report-again a timeout; ", "shutdown timeout; ", "over; ",
      "next-process; "};
  constexpr unsigned kLength = 6;
  constexpr unsigned kStories = 5 * 5 * 5 * 5 * 5 * 5;
  for (unsigned number = 0; number < kStories; ++number) {
    std::string script = "invoke a; ";
    bool failed = false;
    for (unsigned i = 0, rest = number; i < kLength; ++i, rest /= 5) {
      script += kEvents.at(rest % 5);
      failed = failed || kEvents.at(rest % 5) != "over; ";
    }
    Story story;
    story.play(script + "invoke b; over");
    CAPTURE(script);
    REQUIRE(story.taken.size() == (failed ? 1 : 0));
    if (failed) CHECK(story.taken[0].request_id == "a");
  }
}

TEST_CASE("wherever the INVOKE comes among them, and however often: never twice") {
  constexpr std::array<std::string_view, 5> kEvents{
      "done-again a timeout; ", "report-again a timeout; ", "shutdown timeout; ", "over; ",
      "invoke-again a; "};
  constexpr unsigned kLength = 6;
  constexpr unsigned kStories = 5 * 5 * 5 * 5 * 5 * 5;
  for (unsigned number = 0; number < kStories; ++number) {
    std::string script;
    for (unsigned i = 0, rest = number; i < kLength; ++i, rest /= 5) script += kEvents.at(rest % 5);
    Story story;
    story.play(script + "invoke b; over");
    CAPTURE(script);
    REQUIRE(story.taken.size() <= 1);
  }
}

TEST_CASE("a failure waits for its details until they are there or the wait is over") {
  Story story;
  CHECK(story.play("invoke a").empty());
  CHECK_FALSE(story.watch().pending());
  CHECK(story.play("done a timeout").empty());
  CHECK(story.watch().pending());
  CHECK(story.play("shutdown timeout").empty());
  CHECK(story.watch().pending());
  CHECK(story.play("report a timeout") == "report: Lambda.Timeout a");
  CHECK_FALSE(story.watch().pending());
}

TEST_CASE("a SHUTDOWN before any invoke may be a failed init's: the news of that is waited for") {
  struct Wait {
    std::string_view situation;
    std::string script;
    bool pending;
  };

  const std::vector<Wait> rows{
      {"nothing is known of the init", "shutdown spindown", true},
      {"it went well", "init success; shutdown spindown", false},
      {"it went well, and that is the news", "shutdown spindown; init success", false},
      {"it failed, and the report is still to come",
       "shutdown spindown; init error Runtime.ExitError", true},
      {"it failed, and the report is there",
       "shutdown spindown; init error Runtime.ExitError; init-report error", false},
      {"it failed, and the request is still to come",
       "shutdown failure; init-within error Runtime.ExitError; init-within-report error", true},
      {"a Managed Instance ends of a failure", "init success; shutdown failure", true},
      {"the failure of a request is the news",
       "init success; shutdown failure; report a error Runtime.ExitError", false},
      {"there was an invoke", "invoke a; done a success; shutdown spindown", false},
      {"there was an invoke, and it has ended", "invoke a; done a success; shutdown failure",
       false},
      {"nobody would tell", "blind; shutdown spindown", false},
  };
  for (const Wait& row : rows) {
    CAPTURE(std::string(row.situation));
    Story story;
    story.play(row.script);
    CHECK(story.watch().pending() == row.pending);
    story.play("over");
    CHECK_FALSE(story.watch().pending());
  }
}

TEST_CASE("what is known of an invoke goes with its failure") {
  Story story;
  story.play(
      "invoke z; done z success; invoke a; init-report success; done a timeout; shutdown Timeout; "
      "report a timeout");
  REQUIRE(story.taken.size() == 1);
  const FailureFacts& facts = story.taken[0];
  CHECK(facts.function.name == "f");
  CHECK(facts.function.memory_mb == 128);
  CHECK(facts.function.region == "eu-west-1");
  CHECK(facts.function.account_id == "123456789012");
  CHECK(facts.function_arn == "arn:aws:lambda:eu-west-1:123456789012:function:f");
  CHECK(facts.xray_trace == "Root=1-x");
  CHECK(facts.shutdown_reason == "Timeout");
  CHECK(facts.timeout == std::chrono::seconds{3});
  CHECK(facts.begun == story.now() - milliseconds{40});
  CHECK(facts.at == story.now() - milliseconds{20});
  CHECK(facts.duration_ms == 7);
  CHECK(facts.max_memory_mb == 64);
  CHECK(facts.cold == false);
}

TEST_CASE("a failure happened when its record says, if that can be") {
  const WallTime now{std::chrono::seconds{1795458000}};
  for (const WallTime said : {now - std::chrono::seconds{5}, proto::kOldestSane, WallTime{}}) {
    FailureWatch watch;
    TelemetryRecord record{TelemetryKind::report, "a", "error", "Runtime.ExitError"};
    record.time = said;
    record.trace_id = "Root=1-x";
    watch.heard(record, now);
    const auto taken = watch.take();
    REQUIRE(taken.size() == 1);
    CHECK(taken[0].at == (said == WallTime{} ? now : said));
    CHECK(taken[0].xray_trace == "Root=1-x");  // on Managed Instances only the report tells it
  }
}

TEST_CASE("the first invoke of a process is a cold one, in the next process, too") {
  Story story;
  story.play("invoke a; shutdown timeout; over; next-process; invoke b; shutdown timeout; over");
  REQUIRE(story.taken.size() == 2);
  CHECK(story.taken[0].cold == true);
  CHECK(story.taken[1].cold == true);
}

TEST_CASE("a SHUTDOWN says nothing of what failed in an earlier process") {
  Story story;
  story.play("invoke a; next-process; shutdown spindown; over");
  REQUIRE(story.taken.size() == 1);
  CHECK(story.taken[0].shutdown_reason.empty());
  CHECK(story.taken[0].at == story.taken[0].begun);
}

TEST_CASE("a failed init is told with its phase and how long it took") {
  Story story;
  story.play("init error Runtime.ExitError; init-report error");
  REQUIRE(story.taken.size() == 1);
  CHECK(story.taken[0].error_type == "Runtime.ExitError");
  CHECK(story.taken[0].phase == "init");
  CHECK(story.taken[0].function.initialization_type == "on-demand");
  CHECK(story.taken[0].duration_ms == 560.5);
}

TEST_CASE("settings and registration go before what an ARN says") {
  FailureWatch watch;
  proto::FunctionFacts function = Story::function();
  function.region = "us-east-1";
  function.account_id = "1";
  watch.registered(function);
  watch.invoke({"a", std::nullopt, "arn:aws:lambda:eu-west-1:2:function:f", ""}, false, {});
  watch.shutdown({proto::ShutdownReason::timeout, "timeout", {}}, false, {});
  const auto taken = watch.take();
  REQUIRE(taken.size() == 1);
  CHECK(taken[0].function.region == "us-east-1");
  CHECK(taken[0].function.account_id == "1");
}

TEST_CASE("what an SDK said of an invoke goes with that invoke's failure only") {
  FailureWatch watch;
  watch.traced({"00", "", "", ""});
  watch.invoke({"a", std::nullopt, "", ""}, true, {});
  watch.traced({"11", "r", "e", "python"});
  watch.traced({"22", "r", "e", "python"});
  watch.invoke({"b", std::nullopt, "", ""}, true, {});
  TelemetryRecord record{TelemetryKind::report, "a", "error", "Runtime.ExitError"};
  watch.heard(record, {});
  record.request_id = "b";
  watch.heard(record, {});
  const auto taken = watch.take();
  REQUIRE(taken.size() == 2);
  CHECK(taken[0].trace.trace_id == "22");
  CHECK(taken[0].trace.platform == "python");
  CHECK(taken[1].trace.trace_id.empty());
}

TEST_CASE("what an SDK said is of the last INVOKE, not of a request that never came to us") {
  FailureWatch watch;
  watch.invoke({"a", std::nullopt, "", ""}, true, {});
  watch.heard({TelemetryKind::runtime_done, "z", "timeout", ""}, {});
  watch.traced({"11", "r", "e", "python"});
  const auto taken = watch.take_all();
  REQUIRE(taken.size() == 1);
  CHECK(taken[0].trace.trace_id.empty());
}

TEST_CASE("what the next process must know follows what is known") {
  FailureWatch watch;
  CHECK_FALSE(watch.kept().has_value());
  const WallTime begun{std::chrono::seconds{1795458000}};
  const WallTime deadline = begun + std::chrono::seconds{3};
  watch.invoke({"a", deadline, "arn", "Root=1"}, true, begun);
  KeptInvoke kept{"a", deadline, "arn", "Root=1", begun, true, true, false, false};
  CHECK(watch.kept() == kept);
  SUBCASE("it ended") {
    watch.heard({TelemetryKind::runtime_done, "a", "success", ""}, begun);
    kept.ended = true;
    CHECK(watch.kept() == kept);
  }
  SUBCASE("it failed, and was reported") {
    watch.shutdown({proto::ShutdownReason::timeout, "timeout", {}}, true, begun);
    CHECK(watch.kept() == kept);
    CHECK(watch.take_all().size() == 1);
    kept.reported = true;
    CHECK(watch.kept() == kept);
  }
  SUBCASE("it was open at a spindown") {
    watch.shutdown({proto::ShutdownReason::spindown, "spindown", {}}, true, begun);
    kept.ended = true;
    CHECK(watch.kept() == kept);
  }
  SUBCASE("it was recovered") {
    FailureWatch next;
    next.recovered(kept);
    CHECK(next.kept() == kept);
    CHECK(next.take_all().size() == 1);
    kept.reported = true;
    CHECK(next.kept() == kept);
  }
}

TEST_CASE("so many invokes are remembered: a runtimeDone that is later than that has no INVOKE") {
  for (const std::size_t behind :
       {FailureWatch::kMostRemembered - 1, FailureWatch::kMostRemembered}) {
    FailureWatch watch;
    watch.invoke({"a", std::nullopt, "arn", ""}, true, {});
    for (std::size_t i = 0; i < behind; ++i) {
      watch.invoke({"b" + std::to_string(i), std::nullopt, "arn", ""}, true, {});
    }
    watch.heard({TelemetryKind::runtime_done, "a", "error", "Function.ResponseSizeTooLarge"}, {});
    const auto taken = watch.take();
    REQUIRE(taken.size() == 1);
    CHECK(taken[0].function_arn.empty() == (behind == FailureWatch::kMostRemembered));
  }
}

TEST_SUITE_END();
