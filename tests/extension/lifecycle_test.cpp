#include "extension/lifecycle.hpp"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>

#include <boost/asio/io_context.hpp>
#include <doctest/doctest.h>

#include "tests/extension/fake_relay.hpp"
#include "tests/extension/log_lines.hpp"
#include "tests/support/manual_clock.hpp"
#include "tests/support/run.hpp"
#include "tests/support/temp_folder.hpp"

namespace {

using namespace extension;
using extension_test::Diary;
using relay::milliseconds;

constexpr auto kUri = "http://sandbox.localdomain:1/x";

asio::awaitable<bool> run_to_end(Lifecycle& lifecycle, std::string telemetry_uri) {
  co_await lifecycle.run(std::move(telemetry_uri));
  co_return true;
}

// In a folder of the world's own.
LifecycleSettings settings_for(Pace pace) { return {{.pace = pace}, "", ""}; }

const LifecycleSettings kPrompt = settings_for(Pace::prompt);

struct World {
  // `folder`: of what an earlier process has left.
  explicit World(LifecycleSettings settings = kPrompt, std::string folder = {}, bool reports = true)
      : failures({reports, std::move(folder), {}}, {relay, clock, log, stats, disk, no_bits}),
        lifecycle(io.get_executor(), {api, clock, log, stats.platform_retries}, relay, failures,
                  stats, housed(std::move(settings))) {}

  LifecycleSettings housed(LifecycleSettings settings) const {
    if (settings.spool_dir.empty()) settings.spool_dir = home.path();
    return settings;
  }

  // Runs what can run, and forgets what has been noted so far.
  void settle() { support::settle(io); }

  Diary noted() {
    settle();
    return std::exchange(diary, {});
  }

  void advance(int ms) {
    clock.advance(milliseconds{ms});
    settle();
  }

  bool asked_next() const { return std::find(diary.begin(), diary.end(), "next") != diary.end(); }

  void start(std::string uri = kUri) {
    running = std::make_unique<support::Started<bool>>(io, run_to_end(lifecycle, std::move(uri)));
    settle();
  }

  // Past the init, with next outstanding.
  void start_up() {
    start();
    hear(proto::TelemetryKind::init_runtime_done, "");
    diary.clear();
  }

  // The platform tells of its start.
  void invoke(const std::string& id, int timeout = 3000) {
    invoke_untold(id, timeout);
    hear(proto::TelemetryKind::start, id);
    diary.clear();
  }

  // Telemetry says nothing of it yet.
  void invoke_untold(const std::string& id, int timeout = 3000) {
    api.invoke(id, milliseconds{timeout});
    settle();
  }

  void runtime_done(const std::string& id, std::optional<milliseconds> ago = std::nullopt) {
    hear(proto::TelemetryKind::runtime_done, id, ago);
  }

  // `ago`: it happened so long before it is told; without, it does not say when.
  void hear(proto::TelemetryKind kind, const std::string& id,
            std::optional<milliseconds> ago = std::nullopt) {
    proto::TelemetryRecord record;
    record.kind = kind;
    record.request_id = id;
    if (ago) record.time = clock.wall_now() - *ago;
    lifecycle.heard(record);
    settle();
  }

  [[nodiscard]] const Holds::Invoke& last() const { return stats.holds.recent().back(); }

  support::TempFolder home;
  asio::io_context io;
  support::ManualClock clock{io.get_executor()};
  Diary diary;
  extension_test::FakeExtensionsApi api{io.get_executor(), clock, diary};
  extension_test::FakeRelay relay{io.get_executor(), clock, diary};
  extension_test::LogLines lines;
  relay::Log log{{}, lines, clock};
  HostStats stats;
  relay::SystemDisk disk;
  FailureReports failures;
  Lifecycle lifecycle;
  std::unique_ptr<support::Started<bool>> running;

  static std::uint64_t no_bits() { return 7; }
};

constexpr relay::Work kIdle{};
constexpr relay::Work kDue{0, 1, 0};
constexpr relay::Work kInFlight{0, 0, 1};

}  // namespace

TEST_SUITE_BEGIN("extension/lifecycle");

TEST_CASE("bind, then register, then subscribe, then next; the gate stays closed until next") {
  World world;
  world.start();
  CHECK(world.noted() == Diary{"bind", "start", "register",
                               "subscribe http://sandbox.localdomain:1/x", "next", "gate early",
                               "recover"});
  CHECK(world.stats.telemetry == TelemetryState::on);
  CHECK(world.stats.pace == "prompt");
}

TEST_CASE("the ready file is written before registering, and anew when the port changes") {
  const std::string dir = std::filesystem::temp_directory_path() / "thaw-lifecycle-test";
  std::filesystem::remove_all(dir);
  auto settings = kPrompt;
  settings.spool_dir = dir;
  World world(settings);
  world.api.registrations.emplace_back(extension_test::refused(500, "", ""));
  world.start();
  CHECK(std::filesystem::exists(dir + "/ready"));
  std::filesystem::remove(dir + "/ready");
  world.advance(100);
  world.invoke("r1");
  CHECK_FALSE(std::filesystem::exists(dir + "/ready"));
  world.runtime_done("r1");
  world.relay.bound = 9000;
  world.invoke("r2");
  CHECK(std::filesystem::exists(dir + "/ready"));
  std::filesystem::remove_all(dir);
  world.lifecycle.terminate();
}

TEST_CASE("a ready file that cannot be written is said, and nothing else comes of it") {
  auto settings = kPrompt;
  settings.spool_dir = "/proc/thaw";
  World world(settings);
  world.start();
  CHECK(world.lines.lines.size() == 1);
  CHECK(world.asked_next());
}

TEST_CASE("at INVOKE the relay is thawed, its gate opened, its port tried") {
  World world;
  world.start_up();
  world.api.invoke("r1", milliseconds{3000});
  CHECK(world.noted() == Diary{"thawed", "gate open", "retry"});
  CHECK(world.stats.invokes == 1);
}

TEST_CASE("with telemetry, next is asked at runtimeDone when nothing waits") {
  World world;
  world.start_up();
  world.invoke("r1");
  world.advance(500);
  CHECK_FALSE(world.asked_next());
  world.runtime_done("r1");
  CHECK(world.noted() == Diary{"gate late", "next"});
  CHECK(world.last().held == milliseconds{0});
}

TEST_CASE("next is not asked while something waits, until nothing does") {
  World world;
  world.start_up();
  world.invoke("r1");
  world.relay.set_work(kDue);
  world.runtime_done("r1");
  world.advance(70);
  world.relay.set_work(kInFlight);
  world.settle();
  CHECK_FALSE(world.asked_next());
  world.advance(50);
  world.relay.set_work(kIdle);
  world.settle();
  CHECK(world.asked_next());
  CHECK(world.last().held == milliseconds{120});
  CHECK(world.last().what == HeldFor::delivery);
}

TEST_CASE("the hold ends with the budget") {
  World world;
  world.start_up();
  world.invoke("r1");
  world.relay.set_work(kDue);
  CHECK(world.relay.closes == world.clock.now() + milliseconds{2800});
  world.runtime_done("r1");
  CHECK(world.relay.closes == world.clock.now() + milliseconds{1000});
  world.advance(999);
  CHECK_FALSE(world.asked_next());
  world.advance(1);
  CHECK(world.asked_next());
  CHECK(world.last().held == milliseconds{1000});
}

TEST_CASE("behind a failure SHUTDOWN is waiting: the hold ends in time for it") {
  auto settings = kPrompt;
  settings.pace.budget = milliseconds{5000};
  World world(settings);
  world.start_up();
  world.invoke("r1", 60'000);
  world.relay.set_work(kDue);
  world.lifecycle.heard({.kind = proto::TelemetryKind::runtime_done,
                         .request_id = "r1",
                         .status = "error",
                         .error_type = "Runtime.ExitError"});
  world.advance(999);
  CHECK_FALSE(world.asked_next());
  world.advance(1);
  CHECK(world.asked_next());
}

TEST_CASE("the hold ends 200 ms before the deadline") {
  World world;
  world.start_up();
  world.invoke("r1", 700);
  world.relay.set_work(kDue);
  world.runtime_done("r1");
  world.advance(499);
  CHECK_FALSE(world.asked_next());
  world.advance(1);
  CHECK(world.asked_next());
}

TEST_CASE("a runtimeDone for another request changes nothing but a counter") {
  World world;
  world.start_up();
  world.invoke("r1");
  world.runtime_done("r0");
  world.runtime_done("");
  CHECK_FALSE(world.asked_next());
  CHECK(world.stats.other_records == 2);
}

TEST_CASE("the second runtimeDone of a request does not begin the hold anew") {
  World world;
  world.start_up();
  world.invoke("r1");
  world.relay.set_work(kDue);
  world.runtime_done("r1");
  world.advance(900);
  world.runtime_done("r1");
  world.advance(100);
  CHECK(world.asked_next());
}

TEST_CASE("three invokes in a row without a runtimeDone: it is hoped for no longer, and said") {
  World world;
  world.start_up();
  for (int i = 0; i < 3; ++i) {
    world.invoke("r" + std::to_string(i));
    world.advance(2799);
    CHECK_FALSE(world.asked_next());
    world.advance(1);
    CHECK(world.asked_next());
  }
  CHECK(world.stats.telemetry == TelemetryState::silent);
  CHECK(world.stats.holds.unknown() == 3);
  CHECK_FALSE(world.last().held);
  const auto said = world.lines.lines.size();
  CHECK(said == 1);
  world.api.invoke("r3", milliseconds{3000});
  world.settle();
  CHECK(world.asked_next());
  CHECK(world.lines.lines.size() == said);
}

TEST_CASE("two misses and a hit are no silence; a late hit ends one") {
  World world;
  world.start_up();
  for (int i = 0; i < 7; ++i) {
    world.invoke("r" + std::to_string(i));
    if (i == 2) world.runtime_done("r2");
    if (i != 2) world.advance(2800);
    if (i == 4) CHECK(world.stats.telemetry == TelemetryState::on);
  }
  CHECK(world.stats.telemetry == TelemetryState::silent);
  world.runtime_done("r6");
  CHECK(world.stats.telemetry == TelemetryState::on);
}

TEST_CASE("an invoke of which telemetry tells nothing is one without it, after half a second") {
  World world;
  world.start_up();
  for (int i = 0; i < 3; ++i) {
    world.invoke_untold("r" + std::to_string(i), 900'000);
    world.diary.clear();
    world.advance(499);
    CHECK_FALSE(world.asked_next());
    world.advance(1);
    CHECK(world.asked_next());
  }
  CHECK(world.stats.telemetry == TelemetryState::silent);
}

TEST_CASE("news of the end that comes too late to be waited for ends no silence, but counts") {
  World world;
  world.start_up();
  for (int i = 0; i < 3; ++i) {
    world.invoke_untold("r" + std::to_string(i));
    world.advance(500);
    CHECK(world.asked_next());
    world.diary.clear();
    world.runtime_done("r" + std::to_string(i), milliseconds{500});
  }
  CHECK(world.stats.telemetry == TelemetryState::silent);
  CHECK(world.stats.holds.unknown() == 0);
  world.invoke_untold("r3");
  world.runtime_done("r3", milliseconds{499});
  CHECK(world.stats.telemetry == TelemetryState::on);
}

TEST_CASE("an end inside the margin is not missed, though it is told behind a freeze") {
  World world;
  world.start_up();
  for (int i = 0; i < 4; ++i) {
    const auto id = "r" + std::to_string(i);
    world.invoke(id);
    world.advance(2800);
    CHECK(world.asked_next());
    world.diary.clear();
    world.clock.freeze(milliseconds{0}, milliseconds{60'000});
    world.runtime_done(id, milliseconds{59'900});
  }
  CHECK(world.stats.telemetry == TelemetryState::on);
  CHECK(world.stats.holds.unknown() == 0);
  for (int i = 4; i < 7; ++i) {
    world.invoke("r" + std::to_string(i));
    world.advance(2800);
  }
  // But no silence ends with it: nobody could have waited for it.
  world.clock.freeze(milliseconds{0}, milliseconds{60'000});
  world.runtime_done("r6", milliseconds{59'900});
  CHECK(world.stats.telemetry == TelemetryState::silent);
}

TEST_CASE("what telemetry tells before INVOKE is not forgotten") {
  World world;
  world.start_up();
  world.hear(proto::TelemetryKind::start, "r1");
  world.invoke_untold("r1");
  world.diary.clear();
  world.advance(600);
  CHECK_FALSE(world.asked_next());
  world.runtime_done("r1");
  CHECK(world.asked_next());
  world.hear(proto::TelemetryKind::start, "r2");
  world.runtime_done("r2");
  world.diary.clear();
  world.invoke_untold("r2");
  CHECK(world.asked_next());
}

TEST_CASE("a retry of the same request is not ended by the first attempt's runtimeDone") {
  World world(settings_for(Pace::overlap));
  world.start_up();
  world.invoke("r1");
  world.clock.freeze(milliseconds{0}, milliseconds{60'000});
  world.settle();
  world.relay.set_work(kDue);
  world.invoke("r1");
  world.runtime_done("r1", milliseconds{60'000});
  world.diary.clear();
  world.advance(1500);
  CHECK_FALSE(world.asked_next());
  CHECK(world.stats.holds.unknown() == 0);
}

TEST_CASE("the hold is counted from the end that telemetry tells, not from when it tells") {
  World world;
  world.start_up();
  world.invoke("r1");
  world.advance(50);
  world.runtime_done("r1", milliseconds{30});
  CHECK(world.asked_next());
  CHECK(world.last().held == milliseconds{30});
  CHECK(world.last().what == HeldFor::telemetry);

  world.invoke("r2");
  world.relay.set_work(kDue);
  world.advance(50);
  world.runtime_done("r2", milliseconds{30});
  world.advance(969);
  CHECK_FALSE(world.asked_next());
  world.advance(1);
  CHECK(world.asked_next());
  CHECK(world.last().held == milliseconds{1000});
  CHECK(world.last().what == HeldFor::delivery);
}

TEST_CASE("an end told before the INVOKE or in the future lies between INVOKE and now") {
  for (const int ago : {900, -3'600'000}) {
    CAPTURE(ago);
    World world;
    world.start_up();
    world.invoke("r1");
    world.advance(50);
    world.runtime_done("r1", milliseconds{ago});
    CHECK(world.asked_next());
    CHECK(world.last().held == milliseconds{ago > 0 ? 50 : 0});
  }
}

TEST_CASE("overlap asks at once, or when what waited at INVOKE is delivered") {
  World world(settings_for(Pace::overlap));
  world.start_up();
  world.api.invoke("r1", milliseconds{3000});
  CHECK(world.noted() == Diary{"thawed", "gate carried", "retry", "gate late", "next"});
  CHECK(world.stats.holds.unknown() == 1);
  world.runtime_done("r1", milliseconds{0});  // it came with the next thaw
  CHECK(world.stats.holds.unknown() == 0);
  CHECK(world.last().held == milliseconds{0});

  world.relay.set_work(kInFlight);
  world.invoke("r2");
  world.advance(20);
  world.runtime_done("r2", milliseconds{0});
  world.advance(60);
  CHECK_FALSE(world.asked_next());
  world.relay.set_work(kIdle);
  world.settle();
  CHECK(world.asked_next());
  CHECK(world.last().held == milliseconds{60});
  CHECK(world.last().what == HeldFor::delivery);
  CHECK(world.stats.other_records == 0);
}

TEST_CASE("continuous holds nothing, and leaves the gate open where a freeze may come") {
  World world(settings_for(Pace::continuous));
  world.start_up();
  world.relay.set_work(kDue);
  world.api.invoke("r1", milliseconds{3000});
  CHECK(world.noted() == Diary{"thawed", "gate open", "retry", "gate open", "next"});
}

TEST_CASE("of each invoke is told what came and went since the one before it had asked for next") {
  World world;
  world.start_up();
  const auto play = [&](std::uint64_t accepted, std::uint64_t delivered) {
    world.relay.urgent = accepted;
    world.relay.delivered = delivered;
    world.invoke("r");
    world.runtime_done("r");
    return std::pair{world.last().accepted, world.last().delivered};
  };
  CHECK(play(3, 1) == std::pair{std::uint64_t{3}, std::uint64_t{1}});
  CHECK(play(5, 5) == std::pair{std::uint64_t{2}, std::uint64_t{4}});
  CHECK(play(5, 5) == std::pair{std::uint64_t{0}, std::uint64_t{0}});
  // It has started over: fewer were accepted, or fewer delivered.
  CHECK(play(1, 6) == std::pair{std::uint64_t{1}, std::uint64_t{6}});
  CHECK(play(4, 2) == std::pair{std::uint64_t{4}, std::uint64_t{2}});
}

TEST_CASE("overlap without a runtimeDone is no silence of telemetry") {
  World world(settings_for(Pace::overlap));
  world.start_up();
  for (int i = 0; i < 5; ++i) world.invoke_untold("r" + std::to_string(i));
  CHECK(world.stats.telemetry == TelemetryState::on);
  CHECK(world.stats.holds.unknown() == 5);
}

TEST_CASE("adaptive: prompt until invokes are known to be frequent, then overlap") {
  World world(settings_for(Pace::adaptive));
  world.start_up();
  for (int i = 1; i <= 10; ++i) {
    CAPTURE(i);
    world.diary.clear();
    world.api.invoke("r" + std::to_string(i), milliseconds{3000});
    const auto noted = world.noted();
    const bool overlaps = i >= 8;
    CHECK(noted[1] == (overlaps ? "gate carried" : "gate open"));
    CHECK(world.relay.expects_soon == overlaps);
    if (!overlaps) world.runtime_done("r" + std::to_string(i));
    world.advance(100);
  }
}

TEST_CASE("adaptive: rare invokes overlap when the last 32 brought nothing urgent") {
  World world(settings_for(Pace::adaptive));
  world.start_up();
  for (int i = 1; i <= 34; ++i) {
    CAPTURE(i);
    world.diary.clear();
    world.api.invoke("r" + std::to_string(i), milliseconds{3000});
    const auto noted = world.noted();
    CHECK(noted[1] == (i == 33 ? "gate carried" : "gate open"));
    CHECK_FALSE(world.relay.expects_soon);
    if (i == 33) ++world.relay.urgent;
    world.runtime_done("r" + std::to_string(i));
    world.advance(60'000);
  }
}

TEST_CASE("a schema that the platform does not know is asked for in an older version") {
  World world;
  const std::string uri = kUri;
  world.api.subscription = {extension_test::refused(400, "ValidationError", "")};
  world.start();
  CHECK(world.noted() ==
        Diary{"bind", "start", "register", "subscribe " + uri, "subscribe " + uri + " 2022-12-13",
              "subscribe " + uri + " 2022-07-01", "next", "gate early", "recover"});
  CHECK(world.stats.telemetry == TelemetryState::refused);
}

TEST_CASE("the function's log is subscribed to where it is wanted; who says no is asked once") {
  auto settings = kPrompt;
  settings.function_logs = true;
  World world(settings);
  world.api.subscription = {extension_test::refused(202, "Telemetry.NotSupported", "")};
  world.start();
  CHECK(world.noted() == Diary{"bind", "start", "register",
                               "subscribe http://sandbox.localdomain:1/x function", "next",
                               "gate early", "recover"});
}

TEST_CASE("without telemetry next is asked at once, or 20 ms after the last local byte") {
  World world;
  world.api.subscription = {extension_test::refused(202, "Telemetry.NotSupported", "")};
  world.start_up();
  CHECK(world.stats.telemetry == TelemetryState::refused);

  world.relay.local_byte();  // of before the invoke
  world.advance(1);
  world.api.invoke("r1", milliseconds{3000});
  CHECK(world.noted() == Diary{"thawed", "gate open", "retry", "gate late", "next"});

  world.relay.set_work({1, 0, 0});
  world.invoke("r2");
  world.relay.local_byte();
  world.relay.set_work(kIdle);
  world.advance(19);
  world.relay.local_byte();
  world.settle();
  // What comes now has the whole budget to be answered in.
  CHECK(world.relay.closes == world.clock.now() + milliseconds{1020});
  world.advance(19);
  CHECK_FALSE(world.asked_next());
  world.advance(1);
  CHECK(world.asked_next());
}

TEST_CASE("the answer to the subscription is waited for 50 ms") {
  World world;
  world.api.subscription.clear();
  world.start();
  world.advance(49);
  CHECK_FALSE(world.asked_next());
  world.advance(1);
  CHECK(world.asked_next());
  CHECK(world.stats.telemetry == TelemetryState::unanswered);
}

TEST_CASE("telemetry that is not wanted is not subscribed to") {
  World world;
  world.start("");
  CHECK(world.noted() == Diary{"bind", "start", "register", "next", "gate early", "recover"});
  CHECK(world.stats.telemetry == TelemetryState::off);
}

TEST_CASE("on Managed Instances: SHUTDOWN only, the gate stays open") {
  World world;
  world.api.registrations.emplace_back(
      extension_test::refused(403, "Extension.InvalidEventType", "INVOKE: ErrorInvalidEventType"));
  world.start();
  CHECK(world.noted() == Diary{"bind", "start", "register", "register SHUTDOWN",
                               "subscribe http://sandbox.localdomain:1/x 1000", "next", "gate open",
                               "recover"});
  CHECK(world.stats.pace == "continuous");
}

TEST_CASE("records of anyone count on Managed Instances only, where they decide nothing") {
  proto::TelemetryRecord record;
  record.kind = proto::TelemetryKind::report;
  record.request_id = "r1";
  record.status = "timeout";
  for (const bool managed : {true, false}) {
    CAPTURE(managed);
    World world;
    if (managed) {
      world.api.registrations.emplace_back(extension_test::refused(
          403, "Extension.InvalidEventType", "INVOKE: ErrorInvalidEventType"));
    }
    world.start();
    world.lifecycle.heard(record, TelemetrySender::anyone);
    CHECK(world.relay.own.size() == (managed ? 1 : 0));
    CHECK(world.stats.other_records == (managed ? 0 : 1));
  }
}

TEST_CASE("on Managed Instances no record is another invoke's: there is no open one") {
  World world;
  world.api.registrations.emplace_back(
      extension_test::refused(403, "Extension.InvalidEventType", "INVOKE: ErrorInvalidEventType"));
  world.start();
  for (const char* id : {"r1", "r2", "r3", "r4"}) world.hear(proto::TelemetryKind::start, id);
  CHECK(world.stats.other_records == 0);
}

TEST_CASE("on Managed Instances, where no INVOKE comes, its record is when to try again") {
  World world;
  world.api.registrations.emplace_back(
      extension_test::refused(403, "Extension.InvalidEventType", "INVOKE: ErrorInvalidEventType"));
  world.start();
  static_cast<void>(world.noted());
  for (const auto kind : {proto::TelemetryKind::start, proto::TelemetryKind::runtime_done,
                          proto::TelemetryKind::report}) {
    world.hear(kind, "r1");
  }
  CHECK(world.noted() == Diary{"retry"});
}

TEST_CASE("SHUTDOWN drains until 100 ms before its deadline, says one line, stops") {
  World world;
  world.relay.worth_a_line = true;
  world.start_up();
  const auto now = world.clock.now();
  world.api.shutdown(milliseconds{1400});
  CHECK(world.running->get());
  CHECK(world.noted() == Diary{"thawed", "gate draining", "drain", "stop"});
  CHECK(world.relay.drain_deadline == now + milliseconds{1300});
  REQUIRE_FALSE(world.lines.lines.empty());
  CHECK(world.lines.lines.back() == "{\"items\":{}}\n");
}

TEST_CASE("SHUTDOWN without a believable deadline has 2 s, and nothing to say says nothing") {
  World world;
  world.start_up();
  const auto lines = world.lines.lines.size();
  const auto now = world.clock.now();
  world.api.shutdown(milliseconds{60'000});
  CHECK(world.running->get());
  CHECK(world.relay.drain_deadline == now + milliseconds{1900});
  CHECK(world.lines.lines.size() == lines);
}

proto::ShutdownEvent shutdown_for(std::string reason) {
  proto::ShutdownEvent event;
  event.reason_text = std::move(reason);
  event.reason = proto::ShutdownReason::timeout;
  return event;
}

TEST_CASE("a timeout is reported before the drain, so that the drain delivers it") {
  World world;
  world.api.registrations.emplace_back(proto::Registration{"checkout", "7", "", ""});
  world.start_up();
  world.invoke("r1");
  const auto now = world.clock.now();
  world.api.deliver(proto::LambdaEvent(shutdown_for("timeout")));
  world.advance(3000);  // next was not asked while the function ran
  CHECK_FALSE(world.running->done());
  world.advance(50);
  CHECK(world.running->get());
  auto noted = world.noted();
  CHECK(noted ==
        Diary{"gate late", "next", "thawed", "gate draining", "own envelope", "drain", "stop"});
  REQUIRE(world.relay.own.size() == 1);
  CHECK(world.relay.own[0].find("Lambda.Timeout") != std::string::npos);
  CHECK(world.relay.own[0].find("checkout") != std::string::npos);
  CHECK(world.stats.failures_reported == 1);
  CHECK(world.clock.now() - now == milliseconds{3050});
}

TEST_CASE("at SHUTDOWN the report of a failure is waited for, and no longer than it takes") {
  World world;
  world.start_up();
  world.invoke("r1");
  world.api.deliver(proto::LambdaEvent(shutdown_for("failure")));
  world.advance(3000);
  world.hear(proto::TelemetryKind::report, "r1");
  CHECK(world.running->get());
}

TEST_CASE("the report of a failure is waited for while everything is sent, and not past the end") {
  for (const int left : {100, 120, 149, 150, 2000}) {
    CAPTURE(left);
    World world;
    world.start_up();
    world.invoke("r1");
    auto event = shutdown_for("failure");
    world.advance(3000);
    event.deadline = world.clock.wall_now() + milliseconds{left};
    world.diary.clear();
    world.api.deliver(proto::LambdaEvent(std::move(event)));
    const int wait = std::min(50, left - 100);
    if (wait > 0) {
      CHECK(world.noted() == Diary{"thawed", "gate draining"});
      world.advance(wait - 1);
      CHECK(world.relay.own.empty());
      world.advance(1);
    }
    CHECK(world.running->get());
    CHECK(world.relay.own.size() == 1);
  }
}

TEST_CASE("a failed init ends before the platform tells of it: that is waited for, too") {
  World world;
  world.start();
  world.api.deliver(proto::LambdaEvent(shutdown_for("spindown")));
  world.advance(25);
  CHECK_FALSE(world.running->done());
  proto::TelemetryRecord record;
  record.kind = proto::TelemetryKind::init_report;
  record.status = "error";
  world.lifecycle.heard(record);
  CHECK(world.running->get());
  REQUIRE(world.relay.own.size() == 1);
  CHECK(world.relay.own[0].find("Lambda.InitError") != std::string::npos);
}

TEST_CASE("a life that breaks off is no SHUTDOWN: who holds out must know") {
  World world;
  world.api.aborts = true;
  world.start();
  CHECK_THROWS(world.running->get());
  CHECK(std::ranges::count(world.diary, "gate draining") == 0);
}

TEST_CASE("SIGTERM drains for 1.5 s, wherever it comes") {
  for (const std::string where : {"registering", "waiting", "holding"}) {
    CAPTURE(where);
    World world;
    if (where == "registering") {
      world.api.registrations.emplace_back(extension_test::refused(500, "", ""));
    }
    world.start();
    if (where == "holding") world.invoke("r1");
    world.diary.clear();
    const auto now = world.clock.now();
    world.lifecycle.terminate();
    CHECK(world.running->get());
    CHECK(world.noted() == Diary{"gate draining", "drain", "stop"});
    CHECK(world.relay.drain_deadline == now + milliseconds{1500});
  }
}

TEST_CASE(
    "after a freeze of hours, with the monotonic clock moved or not, a deadline is judged anew") {
  for (const int steady : {0, 3'600'000}) {
    CAPTURE(steady);
    World world;
    world.start_up();
    world.clock.freeze(milliseconds{steady}, milliseconds{3'600'000});
    world.settle();
    world.invoke("r1");
    world.advance(2799);
    CHECK_FALSE(world.asked_next());
    world.advance(1);
    CHECK(world.asked_next());
  }
}

TEST_CASE("what an earlier process left is looked for once, when next has been asked") {
  World world;
  world.start();
  const auto first = world.noted();
  CHECK(std::ranges::count(first, "recover") == 1);
  CHECK(std::ranges::find(first, "recover") > std::ranges::find(first, "next"));
  world.invoke("r1");
  world.runtime_done("r1");
  CHECK(world.asked_next());
  CHECK(std::ranges::count(world.noted(), "recover") == 0);
}

TEST_CASE("the first INVOKE starts over where the process is a copy of a snapshot") {
  struct Row {
    std::string_view init_type;
    bool restored;  // telemetry tells of a restore
    int pause;      // ms between init and INVOKE
    bool starts_over;
  };

  for (const auto& row : std::vector<Row>{{"snap-start", false, 0, true},
                                          {"on-demand", false, 3'600'000, false},
                                          {"provisioned-concurrency", false, 3'600'000, false},
                                          {"on-demand", true, 0, true},
                                          {"", false, 60'000, false},
                                          {"", false, 60'001, true}}) {
    CAPTURE(std::string(row.init_type));
    CAPTURE(row.pause);
    auto settings = kPrompt;
    settings.init_type = row.init_type;
    World world(settings);
    world.relay.waited = 2;
    world.start_up();
    if (row.restored) {
      world.hear(proto::TelemetryKind::restore_start, "");
      world.hear(proto::TelemetryKind::restore_runtime_done, "");
    }
    world.clock.freeze(milliseconds{0}, milliseconds{row.pause});
    world.api.invoke("r1", milliseconds{3000});
    auto noted = world.noted();
    CHECK(std::ranges::count(noted, "start over") == (row.starts_over ? 1 : 0));
    CHECK(world.lines.lines.empty() == !row.starts_over);
    world.runtime_done("r1");
    world.clock.freeze(milliseconds{0}, milliseconds{3'600'000});
    world.api.invoke("r2", milliseconds{3000});
    CHECK(std::ranges::count(world.noted(), "start over") == 0);
  }
}

TEST_CASE("a snapshot before which everything was sent is nothing to say") {
  auto settings = kPrompt;
  settings.init_type = "snap-start";
  World world(settings);
  world.start_up();
  world.invoke("r1");
  CHECK(world.lines.lines.empty());
}

TEST_CASE("what the first INVOKE has to say is no line of the init's") {
  auto settings = kPrompt;
  settings.init_type = "snap-start";
  World world(settings);
  world.relay.waited = 2;
  world.start_up();
  const auto limit = relay::Log::Settings{}.lines_per_invoke;
  for (unsigned i = 0; i < limit; ++i) world.log.line(relay::LogLevel::warn, "of the init");
  world.invoke("r1");
  CHECK(world.lines.lines.size() == limit + 1);
}

TEST_CASE("a process behind a reset is no copy: what it has is this environment's alone") {
  auto settings = kPrompt;
  settings.init_type = "snap-start";
  for (const bool reports : {true, false}) {
    CAPTURE(reports);
    const support::TempFolder folder;
    for (const bool first : {true, false}) {
      CAPTURE(first);
      World world(settings, folder.path(), reports);
      world.relay.waited = 2;
      world.start_up();
      world.hear(proto::TelemetryKind::restore_start, "");
      world.api.invoke(first ? "r1" : "r2", milliseconds{3000});
      CHECK(std::ranges::count(world.noted(), "start over") == (first ? 1 : 0));
    }
  }
}

TEST_CASE("nothing follows a spindown; but a reset, a failed init and SIGTERM may be followed") {
  for (const auto reason : {proto::ShutdownReason::spindown, proto::ShutdownReason::timeout,
                            proto::ShutdownReason::failure}) {
    for (const bool invoked : {true, false}) {
      CAPTURE(invoked);
      World world;
      world.start_up();
      if (invoked) {
        world.invoke("r1");
        world.runtime_done("r1");
      }
      proto::ShutdownEvent event;
      event.reason = reason;
      world.api.deliver(proto::LambdaEvent(std::move(event)));
      world.settle();
      const bool last = invoked && reason == proto::ShutdownReason::spindown;
      CHECK(std::ranges::count(world.noted(), last ? "drain last" : "drain") == 1);
    }
  }
}

TEST_CASE("trouble with a failure, or with a snapshot, does not keep the gate shut") {
  for (const std::string call : {"own envelope", "start over"}) {
    CAPTURE(call);
    auto settings = kPrompt;
    settings.init_type = call == "start over" ? "snap-start" : "on-demand";
    World world(settings);
    world.relay.failing.insert(call);
    world.start_up();
    world.invoke("r1");
    world.lifecycle.heard({.kind = proto::TelemetryKind::runtime_done,
                           .request_id = "r1",
                           .status = "error",
                           .error_type = "Runtime.ExitError"});
    world.settle();
    world.diary.clear();
    // What still waits for its report is given out at the next INVOKE.
    world.api.invoke("r2", milliseconds{3000});
    const auto noted = world.noted();
    CHECK(std::ranges::count(noted, "own envelope") == 1);
    CHECK(std::ranges::count(noted, "gate open") == 1);
    CHECK(world.stats.invokes == 2);
  }
}

TEST_CASE("nothing follows a Managed Instance, whatever ends it") {
  for (const auto reason : {proto::ShutdownReason::spindown, proto::ShutdownReason::failure}) {
    World world;
    world.api.registrations.emplace_back(extension_test::refused(403, "Extension.InvalidEventType",
                                                                 "INVOKE: ErrorInvalidEventType"));
    world.start();
    proto::ShutdownEvent event;
    event.reason = reason;
    world.api.deliver(proto::LambdaEvent(std::move(event)));
    world.settle();
    world.advance(50);  // for the news of a failed init
    CHECK(std::ranges::count(world.noted(), "drain last") == 1);
  }
}

TEST_CASE(
    "an invoke of fifteen minutes, with clocks that step by hours, is waited for to its end") {
  for (const int step : {-3'600'000, 0, 3'600'000}) {
    CAPTURE(step);
    World world;
    world.start_up();
    world.invoke("r1", 900'000);
    world.clock.freeze(milliseconds{0}, milliseconds{step});  // the wall clock alone
    for (int minute = 0; minute < 14; ++minute) world.advance(60'000);
    world.advance(59'799);
    CHECK_FALSE(world.asked_next());
    world.advance(1);
    CHECK(world.asked_next());
  }
}

TEST_CASE("whatever of the relay throws, next is asked and SHUTDOWN obeyed") {
  for (const std::string call :
       {"bind", "start", "gate late", "gate open", "thawed", "retry", "changed_until",
        "gate draining", "drain last", "stop", "recover"}) {
    CAPTURE(call);
    World world;
    world.relay.failing.insert(call);
    world.start();
    CHECK(world.asked_next());
    world.invoke("r1");
    world.runtime_done("r1");
    world.advance(3000);
    CHECK(world.asked_next());
    world.api.shutdown(milliseconds{2000});
    CHECK(world.running->get());
    // What fails beside a wait that succeeds is not heard of.
    CHECK(world.lines.lines.empty() == (call == "changed_until"));
  }
}

TEST_CASE("metrics are said at the first INVOKE after their minutes, and at SHUTDOWN") {
  auto settings = kPrompt;
  settings.emf = std::chrono::minutes{1};
  settings.function_name = "fn";
  World world(settings);
  const auto said = [&] { return std::exchange(world.lines.lines, {}).size(); };
  world.relay.figures.stats.cuts = 1;
  world.start_up();
  world.clock.freeze(milliseconds{0}, milliseconds{59'999});
  world.relay.figures.now = world.clock.wall_now();
  world.invoke("1");
  world.runtime_done("1");
  CHECK(said() == 0);
  world.clock.freeze(milliseconds{0}, milliseconds{1});
  world.relay.figures.now = world.clock.wall_now();
  world.invoke("2");
  REQUIRE(world.lines.lines.size() == 1);
  CHECK(world.lines.lines[0].starts_with(R"({"_aws":{"Timestamp":)"));
  CHECK(said() == 1);
  world.runtime_done("2");
  world.relay.figures.stats.cuts = 2;
  world.invoke("3");
  world.runtime_done("3");
  CHECK(said() == 0);
  world.lifecycle.terminate();
  world.settle();
  REQUIRE(world.lines.lines.size() == 1);
  CHECK(world.lines.lines[0].find(R"("CutRequests":1,)") != std::string::npos);
}

TEST_CASE("metrics that found no room in the log are said at the next INVOKE") {
  auto settings = kPrompt;
  settings.emf = std::chrono::minutes{1};
  World world(settings);
  world.relay.figures.stats.cuts = 1;
  world.start_up();
  world.clock.freeze(milliseconds{0}, milliseconds{60'000});
  world.relay.figures.now = world.clock.wall_now();
  world.lines.full = true;
  world.invoke("1");
  world.runtime_done("1");
  CHECK(world.lines.lines.empty());
  world.lines.full = false;
  world.relay.figures.stats.cuts = 3;
  world.invoke("2");
  world.runtime_done("2");
  REQUIRE(world.lines.lines.size() == 1);
  CHECK(world.lines.lines[0].find(R"("CutRequests":3,)") != std::string::npos);
  world.invoke("3");
  CHECK(world.lines.lines.size() == 1);
}

TEST_SUITE_END();
