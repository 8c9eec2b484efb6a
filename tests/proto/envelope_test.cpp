#include "proto/envelope.hpp"

#include <string>
#include <string_view>
#include <utility>

#include <doctest/doctest.h>

#include "proto/errc.hpp"

using proto::Bytes;
using proto::Category;
using proto::Deduplicated;
using proto::Envelope;
using proto::Errc;
using proto::Urgency;

namespace {

Envelope parsed(std::string_view body) { return Envelope::parse(Bytes::copy_of(body)).value(); }

boost::system::error_code fault(std::string_view body) {
  const auto envelope = Envelope::parse(Bytes::copy_of(body));
  return envelope ? boost::system::error_code{} : envelope.error();
}

std::string_view payload(const Envelope& envelope, std::size_t index) {
  const auto& item = envelope.items().at(index);
  return envelope.bytes().substr(item.payload_begin, item.end - item.payload_begin);
}

std::string_view header_and_payload(const Envelope& envelope, std::size_t index) {
  const auto& item = envelope.items().at(index);
  return envelope.bytes().substr(item.begin, item.end - item.begin);
}

std::string items_of(std::string_view body) {
  const Envelope envelope = parsed(body);
  return std::string{envelope.items_as_they_came()};
}

/// A valid header of just this many bytes.
std::string header_of(std::size_t bytes) {
  const std::string begin = R"({"type":"a","x":")";
  return begin + std::string(bytes - begin.size() - 2, 'x') + "\"}";
}

std::string many_items(std::size_t number) {
  std::string body = "{}\n";
  for (std::size_t i = 0; i < number; ++i) body += "{\"type\":\"session\"}\n{}\n";
  return body;
}

}  // namespace

TEST_SUITE("proto/envelope") {
  TEST_CASE("an item's facts and the place of its bytes are known") {
    const auto envelope = parsed(
        "{\"event_id\":\"9EC79C33-EC99-42AB-8353-589FCB2E04DC\"}\n"
        "{\"type\":\"event\",\"length\":2}\n{}\n\n"
        " {\"type\":\"attach\\u006dent\",\"attachment_type\":\"event.minidump\",\"filename\":\"a\"}"
        "\nab\r\n"
        "{\"type\":\"profile_chunk\",\"item_count\":3,\"span_count\":2,\"platform\":\"cocoa\","
        "\"length\":0}");
    CHECK(envelope.event_id() == "9ec79c33ec9942ab8353589fcb2e04dc");
    REQUIRE(envelope.items().size() == 3);
    CHECK(header_and_payload(envelope, 0) == "{\"type\":\"event\",\"length\":2}\n{}");
    CHECK(payload(envelope, 0) == "{}");
    CHECK(envelope.items()[1].type == "attachment");
    CHECK(envelope.items()[1].attachment_type == "event.minidump");
    CHECK(payload(envelope, 1) == "ab\r");
    CHECK(envelope.bytes()[envelope.items()[1].begin] == '{');
    CHECK(envelope.items()[2].platform == "cocoa");
    CHECK(envelope.items()[2].item_count == 3);
    CHECK(envelope.items()[2].span_count == 2);
    CHECK(payload(envelope, 2).empty());
  }

  TEST_CASE("offsets and views stay right when the envelope moves") {
    auto first = parsed("{}\n{\"type\":\"event\"}\nabc\n");
    const auto* bytes = first.bytes().data();
    const Envelope second = std::move(first);
    CHECK(second.bytes().data() == bytes);
    CHECK(payload(second, 0) == "abc");
    CHECK(second.items_as_they_came() == "{\"type\":\"event\"}\nabc\n");
  }

  TEST_CASE("the items' bytes are all that is behind the header's line") {
    CHECK(items_of("{}").empty());
    CHECK(items_of("{}\n").empty());
    CHECK(items_of("{}\n\n \n{\"type\":\"event\"}\n{}") == "\n \n{\"type\":\"event\"}\n{}");
    CHECK(items_of(" \n{}\n{\"type\":\"event\"}\n{}\n") == "{\"type\":\"event\"}\n{}\n");
  }

  TEST_CASE("a length at, below and above what is there") {
    const auto with_length = [](int n) {
      return "{}\n{\"type\":\"attachment\",\"length\":" + std::to_string(n) + "}\nabcd";
    };
    CHECK(fault(with_length(3)) == Errc::envelope_missing_newline);
    CHECK(payload(parsed(with_length(4)), 0) == "abcd");
    CHECK(fault(with_length(5)) == Errc::envelope_unexpected_eof);
    CHECK(fault("{}\n{\"type\":\"attachment\",\"length\":1}") == Errc::envelope_unexpected_eof);
  }

  TEST_CASE("a header ends where its object does, wherever its line ends") {
    CHECK(fault("{}{}\n") == Errc::envelope_missing_newline);
    CHECK(fault("{} {}\n{\"type\":\"event\"}\n{}") == Errc::envelope_missing_newline);
    CHECK(fault("{}\n{\"type\":\"event\"}{\"type\":\"event\"}\n{}") ==
          Errc::envelope_missing_newline);
    CHECK(fault("{}\n{\"type\":\"event\"}}\n{}") == Errc::envelope_missing_newline);
    CHECK(payload(parsed("{\n}\n{\"x\":\n{\n}\n, \"type\":\"a\"\n}\nx\n"), 0) == "x");
    CHECK(payload(parsed("{\"trace\":{}\n}\n{\"type\":\"a\"}\nx\n"), 0) == "x");
  }

  TEST_CASE("a length that is null is absent, one that is no whole number is a bad header") {
    CHECK(payload(parsed("{}\n{\"type\":\"a\",\"length\":null}\nx\n"), 0) == "x");
    for (const std::string length :
         {"-1", "1.0", "1e0", "\"1\"", "true", "[]", "{}", "99999999999999999999999"}) {
      CAPTURE(length);
      CHECK(fault(std::string{"{}\n{\"type\":\"a\",\"length\":"} + length + "}\nx\n") ==
            Errc::envelope_invalid_item);
    }
  }

  TEST_CASE("500 items are taken, 501 are not") {
    CHECK(parsed(many_items(499)).items().size() == 499);
    CHECK(parsed(many_items(500)).items().size() == 500);
    CHECK(fault(many_items(501)) == Errc::envelope_too_many_items);
  }

  TEST_CASE("a header is taken up to the longest, blanks before it not counted") {
    const std::size_t n = proto::kMaxHeaderBytes;
    for (const std::size_t bytes : {n - 1, n}) {
      CHECK_FALSE(fault("  " + header_of(bytes)));
      CHECK_FALSE(fault("{}\n  " + header_of(bytes) + "\n"));
    }
    CHECK(fault(header_of(n + 1)) == Errc::envelope_invalid_header);
    CHECK(fault("{}\n" + header_of(n + 1) + "\n") == Errc::envelope_invalid_item);
  }

  TEST_CASE("a body of blanks has no header, blanks behind the header are no item") {
    CHECK(fault("") == Errc::envelope_empty_body);
    CHECK(fault(" \t\r\n") == Errc::envelope_missing_header);
    CHECK(fault("{}\n ") == Errc::envelope_unexpected_eof);
    CHECK(fault("{}\n\n") == Errc::envelope_unexpected_eof);
  }

  TEST_CASE("the envelope header's fields must be what they should be") {
    for (const std::string header :
         {R"({"event_id":5})", R"({"event_id":""})",
          R"({"event_id":12345678901234567890123456789012})",
          R"({"event_id":"9ec79c33ec9942ab8353589fcb2e04d"})", R"({"sent_at":5})",
          R"({"sent_at":"2026-11-23"})", R"({"sent_at":"2026-11-23T18:00:00"})", R"({"a":tru})",
          "{", "1", "x", "{\"a\":\"\xFF\"}"}) {
      CAPTURE(header);
      CHECK(fault(header) == Errc::envelope_invalid_header);
      CHECK(fault(std::string{header} + "\n{\"type\":\"event\"}\n{}") ==
            Errc::envelope_invalid_header);
    }
  }

  TEST_CASE("a dsn that is none is told apart from other faults") {
    for (const std::string header :
         {R"({"dsn":5})", R"({"dsn":""})", R"({"dsn":"https://short@h/1"})", R"({"dsn":[]})"}) {
      CAPTURE(header);
      CHECK(fault(header) == Errc::envelope_invalid_dsn);
    }
  }

  TEST_CASE("null fields are absent, unknown ones nobody's business") {
    const auto envelope = parsed(
        R"({"event_id":null,"dsn":null,"sent_at":null,"trace":5,"big":99999999999999999999,"sdk":1,"sdk":2})");
    CHECK(envelope.event_id().empty());
    CHECK_FALSE(envelope.dsn().has_value());
  }

  TEST_CASE("a known field given twice spoils the envelope header, escaped or not") {
    for (const std::string header :
         {R"({"dsn":null,"dsn":null})", R"({"event_id":null,"event_i\u0064":null})",
          R"({"sent_at":null,"x":1,"sent_at":null})", R"({"trace":1,"trace":2})",
          R"({"origin":"a","origin":"a"})"}) {
      CAPTURE(header);
      CHECK(fault(header) == Errc::envelope_invalid_header);
    }
  }

  TEST_CASE("of a field given twice in an item header the last counts") {
    CHECK(payload(parsed("{}\n{\"type\":\"a\",\"length\":9,\"length\":1}\nx\n"), 0) == "x");
    CHECK(parsed("{}\n{\"type\":\"a\",\"type\":\"event\"}\n{}").items()[0].type == "event");
  }

  TEST_CASE("an item header must be an object with a type") {
    for (const std::string item : {"[]", "{}", R"({"type":null})", R"({"type":1})",
                                   R"({"type":"a")", "x", R"({"type":"a","b":tru})"}) {
      CAPTURE(item);
      CHECK(fault(std::string{"{}\n"} + item + "\n") == Errc::envelope_invalid_item);
    }
  }

  TEST_CASE("odd values of fields that only describe are taken as absent") {
    const auto envelope = parsed(
        "{}\n{\"type\":\"log\",\"item_count\":\"2\",\"platform\":1,\"attachment_type\":null}\n{}");
    CHECK(envelope.items()[0].item_count == 0);
    CHECK(envelope.items()[0].platform.empty());
    CHECK(envelope.items()[0].attachment_type.empty());
  }

  TEST_CASE("a payload with a length may hold anything, braces, quotes and zeroes too") {
    const std::string payload_bytes{"{\"\n\\\0\xFF}\n{\"type\":\"x\"}", 20};
    const auto envelope =
        parsed("{}\n{\"type\":\"attachment\",\"length\":20}\n" + payload_bytes + "\n");
    REQUIRE(envelope.items().size() == 1);
    CHECK(payload(envelope, 0) == payload_bytes);
  }

  TEST_CASE("internal items are refused, but only if the rest is well") {
    CHECK(fault("{}\n{\"type\":\"integration\"}\n{}\n{\"type\":\"event\"}\n{}") ==
          Errc::envelope_internal_items);
    CHECK(fault("{}\n{\"type\":\"integration\"}\n{}\n{}") == Errc::envelope_invalid_item);
  }

  TEST_CASE("items are counted by category, and the envelope is as urgent as its most urgent") {
    const auto urgency = [](const std::string& items) { return parsed("{}\n" + items).urgency(); };
    const auto mixed = parsed(
        "{\"event_id\":\"9ec79c33ec9942ab8353589fcb2e04dc\"}\n{\"type\":\"event\"}\n{}\n{\"type\":"
        "\"attachment\"}\nx\n{\"type\":\"attachment\"}"
        "\ny\n");
    CHECK(mixed.counts()[Category::error] == 1);
    CHECK(mixed.counts()[Category::attachment] == 2);
    CHECK(mixed.counts().total() == 3);
    CHECK(mixed.urgency() == Urgency::urgent);
    CHECK(mixed.deduplicated_upstream() == Deduplicated::some);
    CHECK(urgency("{\"type\":\"attachment\"}\nx\n{\"type\":\"session\"}\n{}") == Urgency::normal);
    CHECK(urgency("{\"type\":\"attachment\"}\nx") == Urgency::bulk);
    CHECK(urgency("{\"type\":\"attachment\",\"attachment_type\":\"event.minidump\"}\nx") ==
          Urgency::urgent);
    CHECK(urgency("{\"type\":\"not known yet\"}\nx") == Urgency::normal);
    CHECK(urgency("") == Urgency::bulk);
  }

  TEST_CASE("transactions are de-duplicated upstream by their id, check-ins keep their order") {
    const auto deduplicated = [](const std::string& header, const std::string& items) {
      return parsed(header + "\n" + items).deduplicated_upstream();
    };
    const std::string id = R"({"event_id":"9ec79c33ec9942ab8353589fcb2e04dc"})";
    const std::string both = "{\"type\":\"event\"}\n{}\n{\"type\":\"transaction\"}\n{}";
    CHECK(deduplicated(id, "{\"type\":\"transaction\"}\n{}") == Deduplicated::all);
    CHECK(deduplicated(id, both) == Deduplicated::all);
    CHECK(deduplicated(id, "{\"type\":\"session\"}\n{}\n" + both) == Deduplicated::some);
    // Each time that it is sent upstream gives it another one.
    CHECK(deduplicated("{}", both) == Deduplicated::none);
    CHECK(deduplicated(id, "") == Deduplicated::none);
    CHECK(deduplicated(id, "{\"type\":\"check_in\"}\n{}") == Deduplicated::none);
    CHECK(parsed("{}\n{\"type\":\"check_in\"}\n{}").urgency() == Urgency::urgent);
  }

  TEST_CASE("an event id is 32 digits or a dashed UUID") {
    const auto normalized = [](std::string_view text) {
      const auto id = proto::normalize_event_id(text);
      return id ? std::string(id->data(), id->size()) : "";
    };
    CHECK(normalized("9EC79C33EC9942AB8353589FCB2E04DC") == "9ec79c33ec9942ab8353589fcb2e04dc");
    CHECK(normalized("9ec79c33-ec99-42ab-8353-589fcb2e04dc") == "9ec79c33ec9942ab8353589fcb2e04dc");
    for (const std::string text :
         {"", "xyz", "9ec79c33ec9942ab8353589fcb2e04d", "9ec79c33ec9942ab8353589fcb2e04dc0",
          "9ec79c33-ec9942ab-8353-589f-cb2e04dc", "9ec79c33ec9942ab8353589fcb2e04dg",
          "9ec79c33-ec99-42ab-8353-589fcb2e04-c", "9ec79c33-ec99-42ab-8353-589fcb2e0-dc",
          "9ec79c330ec99042ab08353-589fcb2e04dc"}) {
      CAPTURE(text);
      CHECK(normalized(text).empty());
    }
  }
}
