#include <optional>
#include <string>
#include <string_view>

#include <doctest/doctest.h>

#include "proto/envelope.hpp"

using proto::Bytes;
using proto::Envelope;

namespace {

constexpr std::size_t kKiB = 1024;
constexpr std::size_t kMiB = 1024 * kKiB;

class Builder {
 public:
  Builder() { body_.append("{}\n"); }

  Builder& item(std::string_view type, std::size_t size, std::size_t count = 0) {
    std::string header =
        "{\"type\":\"" + std::string{type} + "\",\"length\":" + std::to_string(size);
    if (count > 0) header += ",\"item_count\":" + std::to_string(count);
    body_.append(header + "}\n");
    body_.append(std::string(size, 'x'));
    body_.append("\n");
    return *this;
  }

  Builder& items(std::string_view type, std::size_t number, std::size_t size = 2) {
    for (std::size_t i = 0; i < number; ++i) item(type, size);
    return *this;
  }

  /// The type that breaks a limit, "" if none does.
  std::string broken() {
    const auto envelope = Envelope::parse(std::move(body_)).value();
    return proto::exceeded_size_limit(envelope).value_or("");
  }

 private:
  Bytes body_;
};

/// `size` bytes of one item fit, and one more does not.
void check_largest(std::string_view type, std::size_t size) {
  CAPTURE(type);
  CHECK(Builder{}.item(type, size - 1).broken() == "");
  CHECK(Builder{}.item(type, size).broken() == "");
  CHECK(Builder{}.item(type, size + 1).broken() == type);
}

/// `number` items fit, and one more does not.
void check_most(std::string_view type, std::size_t number) {
  CAPTURE(type);
  CHECK(Builder{}.items(type, number - 1).broken() == "");
  CHECK(Builder{}.items(type, number).broken() == "");
  CHECK(Builder{}.items(type, number + 1).broken() == type);
}

}  // namespace

TEST_SUITE("proto/size_limits") {
  TEST_CASE("one item may be as large as Relay says, and no byte larger") {
    for (const std::string type : {"event", "transaction", "security", "raw_security",
                                   "replay_event", "feedback", "form_data", "metric_buckets"}) {
      check_largest(type, kMiB);
    }
    check_largest("session", 10 * kMiB);
    check_largest("client_report", 100 * kKiB);
    check_largest("check_in", 100 * kKiB);
    check_largest("replay_recording", 10 * kMiB);
    check_largest("replay_video", 10 * kMiB);
    check_largest("profile", 50 * kMiB);
  }

  TEST_CASE("there may be as many of a type as Relay says, and no more") {
    for (const std::string type :
         {"event", "transaction", "feedback", "check_in", "profile", "profile_chunk", "log",
          "trace_metric", "replay_recording", "replay_video", "metric_buckets"}) {
      check_most(type, 1);
    }
    check_most("attachment", 30);
    check_most("session", 100);
    check_most("client_report", 100);
    check_most("span", 25);
  }

  TEST_CASE("types of one group share its counters, and the one too many is named") {
    CHECK(Builder{}.item("event", 2).item("feedback", 2).broken() == "feedback");
    CHECK(Builder{}.item("profile", 2).item("profile_chunk", 2).broken() == "profile_chunk");
    CHECK(Builder{}.items("session", 60).items("sessions", 41).broken() == "sessions");
    CHECK(Builder{}.items("attachment", 30).item("user_report", 2).broken() == "user_report");
    CHECK(Builder{}.item("client_report", 60 * kKiB).item("client_report", 41 * kKiB).broken() ==
          "client_report");
    CHECK(Builder{}.item("event", 2).item("log", 2, 1).item("session", 2).broken() == "");
  }

  TEST_CASE("a container's records have an average size") {
    CHECK(Builder{}.item("log", 2 * kMiB, 1).broken() == "");
    CHECK(Builder{}.item("log", 2 * kMiB + 1, 1).broken() == "log");
    CHECK(Builder{}.item("log", 4 * kMiB, 2).broken() == "");
    CHECK(Builder{}.item("trace_metric", kMiB, 1).broken() == "");
    CHECK(Builder{}.item("trace_metric", kMiB + 1, 1).broken() == "trace_metric");
    for (const std::string type : {"log", "trace_metric", "span"}) {
      CAPTURE(type);
      CHECK(Builder{}.item(type, 12 * kMiB, 100).broken() == "");
      CHECK(Builder{}.item(type, 12 * kMiB + 1, 100).broken() == type);
    }
  }

  TEST_CASE("a span container is alone, spans of the old kind are many") {
    CHECK(Builder{}.item("span", 10 * kMiB, 1).broken() == "");
    CHECK(Builder{}.item("span", 10 * kMiB + 1, 1).broken() == "span");
    CHECK(Builder{}.item("span", 2, 3).item("span", 2, 3).broken() == "span");
  }

  TEST_CASE("unknown types and empty envelopes have no limit") {
    CHECK(Builder{}.broken() == "");
    CHECK(Builder{}.items("brand_new", 400).item("brand_new", 20 * kMiB).broken() == "");
  }
}
