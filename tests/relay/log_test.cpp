#include "relay/log.hpp"

#include <array>
#include <climits>
#include <csignal>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include "tests/support/envelopes.hpp"
#include "tests/support/manual_clock.hpp"

using relay::Log;
using relay::LogLevel;

namespace {

struct Bench {
  explicit Bench(Log::Settings settings = {}) : log(settings, sink, clock) {}

  boost::asio::io_context io{1};
  support::ManualClock clock{io.get_executor()};
  support::Lines sink;
  Log log;
};

/// A pipe whose reader is the test. Broken pipes must not end it.
struct Pipe {
  Pipe() {
    std::signal(SIGPIPE, SIG_IGN);  // NOLINT(cert-err33-c)
    REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
  }

  ~Pipe() {
    close_reader();
    ::close(ends[1]);
  }

  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  void close_reader() {
    if (ends[0] >= 0) ::close(ends[0]);
    ends[0] = -1;
  }

  std::string read() const {
    std::string text(1U << 20U, '\0');
    const ssize_t count = ::read(ends[0], text.data(), text.size());
    text.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
    return text;
  }

  std::array<int, 2> ends{-1, -1};
};

using Texts = std::vector<std::string>;

}  // namespace

TEST_SUITE_BEGIN("relay/log");

TEST_CASE("a line in plain text and in JSON") {
  Bench plain;
  plain.log.line(LogLevel::warn, "port \"9797\" is taken");
  CHECK(plain.sink.lines == Texts{"thaw: WARN port \"9797\" is taken\n"});
  Bench json({.json = true});
  json.log.line(LogLevel::error, "port \"9797\" is taken");
  CHECK(json.sink.lines == Texts{R"({"timestamp":"2026-11-23T18:00:00.000000Z","level":"ERROR",)"
                                 R"("message":"thaw: port \"9797\" is taken"})"
                                 "\n"});
}

TEST_CASE("where lines are JSON each is one object that Lambda can filter, the summary too") {
  Bench json({.json = true});
  json.log.raw("thaw: serving");
  CHECK(json.sink.lines.back() == R"({"timestamp":"2026-11-23T18:00:00.000000Z","level":"INFO",)"
                                  R"("message":"thaw: serving"})"
                                  "\n");
  json.log.summary(R"({"version":"1","items":{}})");
  CHECK(json.sink.lines.back() == R"({"timestamp":"2026-11-23T18:00:00.000000Z","level":"INFO",)"
                                  R"("message":"thaw: summary","version":"1","items":{}})"
                                  "\n");
  Bench plain;
  plain.log.summary(R"({"version":"1"})");
  CHECK(plain.sink.lines.back() == "{\"version\":\"1\"}\n");
}

TEST_CASE("hostile text stays inside its line, and inside its string") {
  const std::string hostile = "a\n{\"level\":\"FATAL\"}\r\x1b[2J\"\\\xff\x01";
  Bench json({.json = true});
  json.log.line(LogLevel::warn, hostile);
  CHECK(
      json.sink.lines.back() ==
      R"({"timestamp":"2026-11-23T18:00:00.000000Z","level":"WARN","message":"thaw: a\n{\"level\":)"
      R"(\"FATAL\"}\r\u001b[2J\"\\\ufffd\u0001"})"
      "\n");
  Bench plain;
  plain.log.line(LogLevel::warn, hostile);
  CHECK(plain.sink.lines.back() == "thaw: WARN a {\"level\":\"FATAL\"}  [2J\"\\\xff \n");
}

TEST_CASE("what is below the level is not said and costs nothing") {
  Bench bench({.level = LogLevel::warn, .lines_per_invoke = 1});
  bench.log.line(LogLevel::info, "a");
  bench.log.line(LogLevel::debug, "b");
  bench.log.once("k", LogLevel::info, "c");
  bench.log.line(LogLevel::error, "d");
  CHECK(bench.sink.lines == Texts{"thaw: ERROR d\n"});
  CHECK(bench.log.dropped() == 0);
}

TEST_CASE("a trouble is said once, however often it comes back") {
  Bench bench;
  for (int i = 0; i < 3; ++i) bench.log.once("port", LogLevel::warn, "taken");
  bench.log.once("disk", LogLevel::warn, "full");
  CHECK(bench.sink.lines == Texts{"thaw: WARN taken\n", "thaw: WARN full\n"});
  CHECK(bench.log.dropped() == 0);
}

TEST_CASE("lines per invoke: one below the limit, at it, and one more, which is counted") {
  Bench bench({.lines_per_invoke = 2});
  for (int i = 0; i < 2; ++i) bench.log.line(LogLevel::warn, "x");
  CHECK(bench.log.dropped() == 0);
  bench.log.line(LogLevel::warn, "x");
  CHECK(bench.sink.lines.size() == 2);
  CHECK(bench.log.dropped() == 1);
  bench.log.raw("{}");
  CHECK(bench.sink.lines.back() == "{}\n");
  bench.log.invoke_begins();
  bench.log.line(LogLevel::warn, "y");
  CHECK(bench.sink.lines.back() == "thaw: WARN y\n");
}

TEST_CASE("what is to be said once and found no place is said when it comes back") {
  Bench bench({.lines_per_invoke = 1});
  bench.log.line(LogLevel::warn, "x");
  bench.log.once("k", LogLevel::warn, "advice");
  CHECK(bench.sink.lines.size() == 1);
  bench.log.invoke_begins();
  bench.sink.open = false;
  bench.log.once("k", LogLevel::warn, "advice");
  bench.sink.open = true;
  bench.log.invoke_begins();
  bench.log.once("k", LogLevel::warn, "advice");
  bench.log.once("k", LogLevel::warn, "advice");
  CHECK(bench.sink.lines == Texts{"thaw: WARN x\n", "thaw: WARN advice\n"});
  CHECK(bench.log.dropped() == 2);
}

TEST_CASE("a line is one line, and never longer than a pipe takes whole") {
  for (const bool json : {false, true}) {
    Bench bench({.json = json});
    bench.log.line(LogLevel::warn, "a\nb");
    bench.log.line(LogLevel::warn, std::string(100'000, '\x01'));
    REQUIRE(bench.sink.lines.size() == 2);
    for (const auto& line : bench.sink.lines) {
      CHECK(line.find('\n') == line.size() - 1);
      CHECK(line.size() <= PIPE_BUF);
    }
  }
}

TEST_CASE(
    "a pipe takes lines up to PIPE_BUF whole, and longer ones up to its size when it is empty") {
  Pipe pipe;
  relay::FdLogSink sink(pipe.ends[1]);
  const std::string fits = std::string(PIPE_BUF - 1, 'x') + "\n";
  CHECK(sink.write(fits));
  CHECK(pipe.read() == fits);
  const auto capacity = static_cast<std::size_t>(::fcntl(pipe.ends[1], F_GETPIPE_SZ));
  for (const std::size_t size : {fits.size() + 1, capacity}) {
    CAPTURE(size);
    const std::string longer(size, 'y');
    CHECK(sink.write("short\n"));
    CHECK_FALSE(sink.write(longer));
    CHECK(pipe.read() == "short\n");
    CHECK(sink.write(longer));
    CHECK(pipe.read() == longer);
  }
  CHECK_FALSE(sink.write(std::string(capacity + 1, 'z')));
}

TEST_CASE("a pipe nobody reads drops whole lines, counts them, and never blocks") {
  Pipe pipe;
  relay::FdLogSink sink(pipe.ends[1]);
  Bench bench;
  Log log({.lines_per_invoke = 1U << 30U}, sink, bench.clock);
  const std::string text(500, 'x');
  std::uint64_t said = 0;
  while (log.dropped() == 0) {
    log.line(LogLevel::warn, text);
    REQUIRE(++said < 10'000);
  }
  log.line(LogLevel::warn, text);
  CHECK(log.dropped() == 2);
  const std::string held = pipe.read();
  CHECK(held.size() == (said - 1) * (text.size() + std::string("thaw: WARN \n").size()));
  CHECK(held.back() == '\n');
  log.line(LogLevel::warn, "again");
  CHECK(pipe.read() == "thaw: WARN again\n");
}

TEST_CASE("a pipe whose reader is gone costs lines, not the process") {
  Pipe pipe;
  relay::FdLogSink sink(pipe.ends[1]);
  Bench bench;
  Log log({}, sink, bench.clock);
  pipe.close_reader();
  log.line(LogLevel::warn, "x");
  log.line(LogLevel::warn, "x");
  CHECK(log.dropped() == 2);
}

TEST_SUITE_END();
