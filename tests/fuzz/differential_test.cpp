// Our parser against a second one that knows nothing of it: on every body with an observed verdict,
// and on envelopes made up at random and then broken.
#include <array>
#include <cstdint>
#include <map>
#include <string>

#include <doctest/doctest.h>

#include "tests/fuzz/naive_envelope.hpp"
#include "tests/support/vectors.hpp"

namespace {

/// The same numbers everywhere (splitmix64).
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : state_(seed) {}

  std::size_t below(std::size_t bound) {
    state_ += 0x9E3779B97F4A7C15ULL;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27U)) * 0x94D049BB133111EBULL;
    return static_cast<std::size_t>((z ^ (z >> 31U)) % bound);
  }

  bool one_in(std::size_t n) { return below(n) == 0; }

  template <std::size_t N>
  std::string one_of(const std::array<const char*, N>& choice) {
    return choice[below(N)];
  }

 private:
  std::uint64_t state_;
};

std::string nested(std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }

/// A JSON value as an SDK may put into a header, or hardly any would.
std::string value(Dice& dice) {
  constexpr std::array kValues{
      "null",
      "true",
      "false",
      "0",
      "-0",
      "12",
      "1.5e3",
      "1e999",
      "01",
      "[]",
      "{}",
      "[1,2]",
      "\"\"",
      "\"a\\u00e9\"",
      "\"\\ud83d\\ude00\"",
      "\"\\ud83d\"",
      "\"\\x\"",
      "\"caf\xC3\xA9\"",
      "\"\xFF\"",
      "\"\xED\xA0\x80\"",
      "\"a\tb\"",
      "18446744073709551615",
      "18446744073709551616",
      "tru",
      "{\"a\":{\"b\":[{}]}}",
      "\"}\"",
      "\"\\\"}\"",
      "{\"a\":1,\"a\":2}",
      "[1,]",
      "{\"a\":}",
      "'a'",
      "\"a\\\"",
  };
  if (dice.one_in(40)) return nested(124 + dice.below(6));
  return dice.one_of(kValues);
}

std::string blanks(Dice& dice) {
  constexpr std::array kBlanks{" ", "\t", "\r", "\n", "  \n"};
  return dice.one_in(30) ? dice.one_of(kBlanks) : "";
}

/// An object of these members, each with its comma, and perhaps some more.
std::string object(Dice& dice, std::string members) {
  constexpr std::array kNames{"sdk",    "trace", "a", "x_y",     "event_id", "dsn",     "sent_at",
                              "length", "type",  "",  "\\u0061", "client",   "version", "filename"};
  for (std::size_t more = dice.one_in(6) ? dice.below(3) : 0; more > 0; --more) {
    members += "\"" + dice.one_of(kNames) + "\":" + blanks(dice) + value(dice) + ",";
  }
  if (!members.empty() && !dice.one_in(60)) members.pop_back();
  return "{" + blanks(dice) + members + blanks(dice) + "}";
}

std::string header(Dice& dice) {
  constexpr std::array kMembers{
      "",
      "\"event_id\":\"9ec79c33ec9942ab8353589fcb2e04dc\",",
      "\"event_id\":\"9EC79C33-EC99-42AB-8353-589FCB2E04DC\",",
      "\"event_id\":\"9ec79c33ec9942ab8353589fcb2e04d\",",
      "\"event_id\":null,",
      "\"sent_at\":\"2026-11-23T18:00:00Z\",",
      "\"sent_at\":\"2026-11-23T18:00:00.123456+02:00\",",
      "\"sent_at\":\"yesterday\",",
      "\"sent_at\":1795456800,",
      "\"dsn\":\"http:\\/\\/abcdef0123456789abcdef0123456789@127.0.0.1:9797\\/42\",",
      "\"dsn\":\"https://abcdef0123456789abcdef0123456789@o1.ingest.sentry.io/42\",",
      "\"dsn\":\"garbage\",",
      "\"sdk\":{\"name\":\"sentry.python\",\"version\":\"2.75.0\"},",
      "\"trace\":{\"trace_id\":\"771a43a4192642f0b136d5159a501700\"},",
  };
  std::string members;
  for (std::size_t count = dice.below(3); count > 0; --count) members += dice.one_of(kMembers);
  return object(dice, members);
}

std::string payload(Dice& dice) {
  constexpr std::array kPayloads{"",
                                 "{}",
                                 "{\"message\":\"a\"}",
                                 "ab\ncd",
                                 "\n",
                                 "\r",
                                 "a\r",
                                 "not json",
                                 "\xFF\xFE",
                                 "\n\n",
                                 "   ",
                                 "{",
                                 "{}\n",
                                 "hello\nworld\n"};
  if (dice.one_in(30)) return std::string(1 + dice.below(3), '\0');
  return dice.one_of(kPayloads);
}

std::string length_of(Dice& dice, std::size_t bytes) {
  constexpr std::array kWrong{
      "-1", "\"15\"", "1.0", "1e1", "null", "18446744073709551615", "0", "99999999999999999999",
      "[]", "00",     "+1"};
  if (dice.one_in(20)) return dice.one_of(kWrong);
  if (dice.one_in(20)) return std::to_string(bytes + 1 - dice.below(3));
  return std::to_string(bytes);
}

std::string item(Dice& dice) {
  constexpr std::array kTypes{"event",       "transaction", "attachment",    "session",
                              "log",         "brand_new",   "client_report", "",
                              "\\u0065vent", "feedback"};
  const std::string body = payload(dice);
  std::string members = "\"type\":\"" + dice.one_of(kTypes) + "\",";
  if (dice.one_in(60)) members = "\"type\":\"integration\",";
  if (dice.one_in(30)) members = "\"type\":" + value(dice) + ",";
  if (dice.one_in(40)) members.clear();
  if (!dice.one_in(3)) members += "\"length\":" + length_of(dice, body.size()) + ",";
  return blanks(dice) + object(dice, members) + "\n" + body;
}

std::string envelope(Dice& dice) {
  std::string text = blanks(dice) + header(dice);
  std::size_t items = dice.below(4);
  const bool many_items = dice.one_in(60);
  if (many_items) items = 500 + dice.below(2);
  const std::string many = "\n{\"type\":\"session\"}\n{}";
  for (; items > 0; --items) text += items > 1 && many_items ? many : "\n" + item(dice);
  constexpr std::array kEnds{"", "\n", "", "\n", "", "\n", "\n\n", "\n ", "\r\n"};
  return text + dice.one_of(kEnds);
}

/// A few bytes changed, as a bad client or network would.
std::string broken(Dice& dice, std::string text) {
  constexpr std::array kPieces{"\n", "\r\n", " ", "{", "}", "\"", "\\", ",", ":", "\xFF", "0", "]"};
  for (std::size_t changes = 1 + dice.below(2); changes > 0 && !text.empty(); --changes) {
    const std::size_t at = dice.below(text.size());
    switch (dice.below(5)) {
      case 0:
        text.erase(at, 1 + dice.below(3));
        break;
      case 1:
        text.insert(at, dice.one_of(kPieces));
        break;
      case 2:
        text[at] = static_cast<char>(dice.below(256));
        break;
      case 3:
        text.resize(at);
        break;
      default:
        text.insert(at, 1, '\0');
        break;
    }
  }
  return text;
}

}  // namespace

TEST_SUITE("fuzz/differential") {
  TEST_CASE("on every observed body both readers say what was observed") {
    for (const auto& row : support::accepted_vectors()) {
      CAPTURE(row.number);
      CHECK(fuzz::check_agrees(row.body).empty());
      CHECK(fuzz::read_envelope(row.body).items.size() == row.items);
    }
    for (const auto& row : support::refused_vectors()) {
      // Whose envelope it is is asked later.
      if (row.error == proto::Errc::envelope_project_mismatch) continue;
      CAPTURE(row.number);
      const bool dsn = row.error == proto::Errc::envelope_invalid_dsn;
      const auto error = dsn ? proto::Errc::envelope_invalid_header : row.error;
      CHECK(fuzz::check_agrees(row.body) == make_error_code(error).message());
    }
  }

  TEST_CASE("on made-up envelopes, whole and broken, both say the same, and each verdict is met") {
    constexpr int kEnvelopes = 10'000;
    std::map<std::string, int> met;
    for (int number = 0; number < kEnvelopes; ++number) {
      CAPTURE(number);
      Dice dice(static_cast<std::uint64_t>(number));
      const std::string whole = envelope(dice);
      ++met[fuzz::check_agrees(whole)];
      ++met[fuzz::check_agrees(broken(dice, whole))];
    }
    for (const char* verdict :
         {"", "missing newline after header or payload", "invalid envelope header",
          "invalid item header", "unexpected end of file", "too many individual items",
          "envelope contains internal items"}) {
      CAPTURE(std::string(verdict));
      CHECK(met[verdict] >= 30);
    }
    CHECK(met[""] >= kEnvelopes / 4);
  }
}
