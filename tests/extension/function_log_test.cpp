#include "extension/function_log.hpp"

#include <string>
#include <vector>

#include <doctest/doctest.h>

namespace {

using extension::FunctionLog;
using proto::TelemetryKind;

// A log of the last `most` lines that hears its records one by one.
struct Told {
  explicit Told(std::size_t most, bool side_by_side = false) : log(most, side_by_side) {}

  void start(const std::string& id) {
    proto::TelemetryRecord record;
    record.kind = TelemetryKind::start;
    record.request_id = id;
    log.heard(record);
  }

  void line(const std::string& text, const std::string& id = "") {
    proto::TelemetryRecord record;
    record.kind = TelemetryKind::function_log;
    record.request_id = id;
    record.log_text = text;
    log.heard(record);
  }

  [[nodiscard]] std::vector<std::string> of(std::string_view id) const {
    std::vector<std::string> texts;
    for (const auto& line : log.of(id)) texts.push_back(line.text);
    return texts;
  }

  FunctionLog log;
};

using Texts = std::vector<std::string>;

}  // namespace

TEST_SUITE_BEGIN("extension/function_log");

TEST_CASE("lines belong to the invoke that was started last") {
  Told told(10);
  told.start("r1");
  told.line("one");
  told.start("r2");
  told.line("two");
  told.line("three");
  CHECK(told.of("r1") == Texts{"one"});
  CHECK(told.of("r2") == Texts{"two", "three"});
  CHECK(told.of("r3").empty());
}

TEST_CASE("a line that names its request belongs to that one") {
  Told told(10);
  told.start("r1");
  told.start("r2");
  told.line("late", "r1");
  CHECK(told.of("r1") == Texts{"late"});
  CHECK(told.of("r2").empty());
}

TEST_CASE("where invokes run side by side, a line that names no request is nobody's") {
  Told told(10, true);
  told.line("of the init");
  told.start("r1");
  told.line("whose?");
  told.line("mine", "r1");
  CHECK(told.of("r1") == Texts{"of the init", "mine"});
}

TEST_CASE("the init's lines are those of the first invoke, and of a failure without a request") {
  Told told(10);
  told.line("import failed");
  CHECK(told.of("") == Texts{"import failed"});
  told.start("r1");
  told.line("one");
  CHECK(told.of("r1") == Texts{"import failed", "one"});
  told.start("r2");
  CHECK(told.of("r1") == Texts{"one"});
  CHECK(told.of("r2").empty());
}

TEST_CASE("the last lines are kept, so many as are wanted") {
  for (const std::size_t most : {0U, 1U, 2U, 3U}) {
    CAPTURE(most);
    for (std::size_t lines = most > 0 ? most - 1 : 0; lines <= most + 1; ++lines) {
      Told told(most);
      told.start("r1");
      Texts kept;
      for (std::size_t i = 0; i < lines; ++i) {
        told.line(std::to_string(i));
        if (i + most >= lines) kept.push_back(std::to_string(i));
      }
      CHECK(told.of("r1") == kept);
    }
  }
}

TEST_CASE("empty lines are none") {
  Told told(1);
  told.start("r1");
  told.line("one");
  told.line("");
  CHECK(told.of("r1") == Texts{"one"});
}

TEST_SUITE_END();
