#include "relay/limited_items.hpp"

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/support/envelopes.hpp"

using proto::Category;
using support::envelope;
using support::parsed;

namespace {

constexpr proto::WallTime kNow{std::chrono::seconds{1'795'456'800}};

std::vector<bool> flags(const proto::Envelope& envelope, std::string_view header) {
  proto::RateLimits limits;
  limits.learn(header, kNow);
  return relay::limited_items(relay::facts_of(envelope), limits, kNow);
}

}  // namespace

TEST_SUITE_BEGIN("relay/limited_items");

TEST_CASE("an item under a limit is flagged, the others are not") {
  const auto mixed = envelope({"event", "session", "client_report"});
  CHECK(flags(mixed, "") == std::vector<bool>{false, false, false});
  CHECK(flags(mixed, "60:session:organization") == std::vector<bool>{false, true, false});
  CHECK(flags(mixed, "60:log_item:organization") == std::vector<bool>{false, false, false});
}

TEST_CASE("a client report goes on whatever is limited") {
  CHECK(flags(envelope({"client_report"}), "60::organization") == std::vector<bool>{false});
}

TEST_CASE("dependants go with their event, before and behind it, and strangers stay") {
  const auto mixed = envelope({"attachment", "event", "profile", "user_report", "session", "log"});
  CHECK(flags(mixed, "60:error:key") == std::vector<bool>{true, true, true, true, false, false});
}

TEST_CASE("a limited dependant does not take its event along") {
  CHECK(flags(envelope({"event", "attachment"}), "60:attachment:key") ==
        std::vector<bool>{false, true});
}

TEST_CASE("a limit on attachments leaves a crash dump, of which upstream makes the event") {
  const auto crash = [](std::string_view before) {
    return parsed("{}\n" + std::string{before} +
                  "{\"type\":\"attachment\",\"attachment_type\":\"event.minidump\"}\nMDMP\n" +
                  support::item("user_report"));
  };
  const auto* const attachments = "60:attachment;attachment_item:key";
  CHECK(flags(crash(""), attachments) == std::vector<bool>{false, false});
  CHECK(flags(crash(support::item("event")), attachments) ==
        std::vector<bool>{false, false, false});
  CHECK(flags(crash(support::item("attachment")), attachments) ==
        std::vector<bool>{true, false, false});
  CHECK(flags(crash(""), "60:error:key") == std::vector<bool>{true, true});
  CHECK(flags(crash(support::item("event")), "60:error:key") ==
        std::vector<bool>{true, true, true});
}

TEST_CASE("logs go under either of their limits, feedback takes its attachment along") {
  CHECK(flags(envelope({"log", "session"}), "60:log_byte:key") == std::vector<bool>{true, false});
  CHECK(flags(envelope({"log", "session"}), "60:log_item:key") == std::vector<bool>{true, false});
  CHECK(flags(envelope({"feedback", "attachment"}), "60:feedback:key") ==
        std::vector<bool>{true, true});
  CHECK(flags(envelope({"transaction", "profile", "attachment"}), "60:transaction:key") ==
        std::vector<bool>{true, true, true});
}

TEST_CASE("of a 429 that names limits just what they name was refused, however short they are") {
  const auto refused = [](std::string_view header) {
    const auto mixed = envelope({"event", "attachment", "session"});
    return relay::limited_items(relay::facts_of(mixed), relay::limits_of_429(header, kNow), kNow);
  };
  CHECK(refused("60:error:key") == std::vector<bool>{true, true, false});
  CHECK(refused("0:error:key") == std::vector<bool>{true, true, false});
  CHECK(refused("0::organization") == std::vector<bool>{true, true, true});
  CHECK(refused("60:session:key") == std::vector<bool>{false, false, true});
  CHECK(refused("60:seer_autofix:key") == std::vector<bool>{false, false, false});
}

TEST_CASE("without an event of its own an attachment is nobody's dependant") {
  CHECK(flags(envelope({"attachment", "session"}), "60:error:key") ==
        std::vector<bool>{false, false});
}

TEST_CASE("what is left keeps its header and its items byte for byte") {
  const std::string header = R"({ "sdk":{"name":"x"},  "odd" : [1,2] })";
  const std::string first = "{\"type\":\"session\", \"z\":1 }\n{\"a\": 1}";
  const std::string second = "{\"type\":\"event\",\"length\":7}\n{\"b\"\n:1";
  const std::string third = "{\"type\":\"brand_new\",\"x\":\"\\u00e9\"}\n\x01\x02 raw \r";
  const auto whole = parsed(header + "\n" + first + "\n" + second + "\n" + third);
  const std::vector<bool> flagged{false, true, false};
  const auto rest = relay::without(whole, flagged);
  REQUIRE(rest.has_value());
  CHECK(rest->bytes() == header + "\n" + first + "\n" + third + "\n");
  CHECK(rest->counts()[Category::error] == 0);
  CHECK(rest->counts().total() == 2);
  const auto taken = relay::counts_of(relay::facts_of(whole), flagged);
  CHECK(taken[Category::error] == 1);
  CHECK(taken.total() == 1);
  for (const std::size_t step : {1U, 2U, 7U, 1000U}) {
    CAPTURE(step);
    relay::Without in_steps(whole, flagged);
    std::size_t steps = 1;
    for (; !in_steps.step(step); ++steps) REQUIRE(steps < 1000);
    CHECK(steps >= (rest->items_as_they_came().size() - 2) / step);
    CHECK(in_steps.take()->bytes() == rest->bytes());
  }
}

TEST_CASE("a last item without payload survives as it was") {
  for (const std::string last : {R"({"type":"attachment","length":0})", R"({"type":"brand_new"})",
                                 "{\"type\":\"brand_new\"}\n"}) {
    CAPTURE(last);
    const auto whole = parsed("{}\n{\"type\":\"event\"}\n{}\n" + last);
    const auto rest = relay::without(whole, {true, false});
    REQUIRE(rest.has_value());
    REQUIRE(rest->items().size() == 1);
    const auto& left = rest->items().front();
    CHECK(left.end == left.payload_begin);
  }
}

TEST_CASE("nothing is left when everything is taken, and all of it is counted") {
  const auto whole = envelope({"event", "attachment"});
  CHECK_FALSE(relay::without(whole, {true, true}).has_value());
  const auto taken = relay::counts_of(relay::facts_of(whole), {true, true});
  CHECK(taken[Category::error] == 1);
  CHECK(taken[Category::attachment] == 1);
}

TEST_SUITE_END();
