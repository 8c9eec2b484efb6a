#include "tests/fuzz/naive_envelope.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include <doctest/doctest.h>

#include "proto/envelope.hpp"
#include "proto/errc.hpp"

namespace fuzz {
namespace {

constexpr std::string_view kNoNewline = "missing newline after header or payload";
constexpr std::string_view kNoMore = "unexpected end of file";

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

/// The object at the front, which is taken off. serde_json's limit of depth; the limit of length is
/// ours.
std::optional<Json> take_header(std::string_view& text) {
  auto object = take_json(text, 127);
  if (!object || object->kind != Json::Kind::object || object->raw.size() > 64UL * 1024) {
    return std::nullopt;
  }
  return object;
}

/// Takes the line end off that must be here, unless all ends here.
bool take_line_end(std::string_view& text) {
  if (text.empty()) return true;
  const bool there = text.front() == '\n';
  text.remove_prefix(1);
  return there;
}

bool is_null(const Json& value) { return value.kind == Json::Kind::null; }

bool is_string(const Json& value) { return value.kind == Json::Kind::string; }

/// 32 hex digits, or a UUID with its dashes.
bool is_event_id(std::string_view text) {
  const bool dashed = text.size() == 36;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash = dashed && (i == 8 || i == 13 || i == 18 || i == 23);
    constexpr std::string_view kDigits = "0123456789abcdefABCDEF";
    if (dash ? text[i] != '-' : kDigits.find(text[i]) == std::string_view::npos) return false;
  }
  return dashed || text.size() == 32;
}

bool is_known_field_twice(const Json& header) {
  constexpr std::array<std::string_view, 13> kFields{
      "event_id",     "dsn",         "sent_at",    "trace",        "client",   "version",
      "origin",       "remote_addr", "user_agent", "client_hints", "no_cache", "required_features",
      "forwarded_for"};
  return std::ranges::any_of(kFields, [&](auto field) { return header.count(field) > 1; });
}

bool is_envelope_header(const Json& header) {
  if (is_known_field_twice(header)) return false;
  if (const Json* id = header.member("event_id"); id != nullptr && !is_null(*id)) {
    if (!is_string(*id) || !is_event_id(id->text)) return false;
  }
  if (const Json* dsn = header.member("dsn"); dsn != nullptr && !is_null(*dsn)) {
    if (!is_string(*dsn) || !proto::parse_dsn(dsn->text)) return false;
  }
  const Json* sent_at = header.member("sent_at");
  if (sent_at == nullptr || is_null(*sent_at)) return true;
  return is_string(*sent_at) && proto::parse_rfc3339(sent_at->text).has_value();
}

/// A non-negative integer of at most 64 bits, without a sign, a point or an exponent.
std::optional<std::uint64_t> read_length(std::string_view text) {
  std::uint64_t length = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    const auto digit = static_cast<std::uint64_t>(c - '0');
    if (length > (UINT64_MAX - digit) / 10) return std::nullopt;
    length = length * 10 + digit;
  }
  return length;
}

bool is_item_header(const Json& header) {
  for (const Json& value : header.members) {
    if (value.name == "type" && !is_string(value)) return false;
    if (value.name != "length" || is_null(value)) continue;
    if (value.kind != Json::Kind::number || !read_length(value.text)) return false;
  }
  return header.member("type") != nullptr;
}

/// Takes one item off the front; what is wrong with it, or "".
std::string_view take_item(std::string_view& text, NaiveItem& item) {
  if (is_blank(text)) return kNoMore;
  const auto header = take_header(text);
  if (!header || !is_item_header(*header)) return "invalid item header";
  if (!take_line_end(text)) return kNoNewline;
  item.type = header->member("type")->text;
  item.header = header->raw;
  const Json* length = header->member("length");
  if (length == nullptr || is_null(*length)) {
    item.payload = text.substr(0, text.find('\n'));
  } else {
    const std::uint64_t bytes = *read_length(length->text);
    if (bytes > text.size()) return kNoMore;
    item.payload = text.substr(0, static_cast<std::size_t>(bytes));
  }
  text.remove_prefix(item.payload.size());
  return take_line_end(text) ? "" : kNoNewline;
}

std::string_view read_items(std::string_view text, std::vector<NaiveItem>& items) {
  while (!text.empty()) {
    NaiveItem item;
    if (const auto wrong = take_item(text, item); !wrong.empty()) return wrong;
    items.push_back(item);
    if (items.size() > 500) return "too many individual items";
  }
  const bool internal =
      std::ranges::any_of(items, [](const auto& item) { return item.type == "integration"; });
  return internal ? "envelope contains internal items" : "";
}

std::string_view read_all(std::string_view text, NaiveEnvelope& envelope) {
  if (text.empty()) return "empty request body";
  if (is_blank(text)) return "missing envelope header";
  auto header = take_header(text);
  if (!header || !is_envelope_header(*header)) return "invalid envelope header";
  envelope.header = std::move(*header);
  if (!take_line_end(text)) return kNoNewline;
  return read_items(text, envelope.items);
}

/// To Relay a bad dsn is a bad header, as any other; we tell it apart.
std::string words(boost::system::error_code why) {
  if (why == proto::Errc::envelope_invalid_dsn) return "invalid envelope header";
  return why.message();
}

void check_same_items(const proto::Envelope& ours, const std::vector<NaiveItem>& items) {
  const std::string_view bytes = ours.bytes();
  REQUIRE(ours.items().size() == items.size());
  for (std::size_t i = 0; i < items.size(); ++i) {
    const proto::Item& item = ours.items()[i];
    CHECK(item.type == items[i].type);
    CHECK(bytes.substr(item.begin, items[i].header.size()) == items[i].header);
    CHECK(bytes.substr(item.payload_begin, item.end - item.payload_begin) == items[i].payload);
  }
}

using Member = std::pair<std::string, std::string_view>;

/// Name and raw value of those that we do not replace.
std::vector<Member> others(const Json& header) {
  std::vector<Member> found;
  for (const Json& value : header.members) {
    if (value.name != "dsn" && value.name != "sent_at") found.emplace_back(value.name, value.raw);
  }
  return found;
}

void check_forwarded(const proto::Envelope& ours, const NaiveEnvelope& came, proto::WallTime now) {
  const auto to = proto::parse_dsn("https://0123456789abcdef0123456789abcdef@o1.example/a/7");
  REQUIRE(to.has_value());
  std::string text = ours.restamped_header(*to, now);
  CHECK(text.ends_with("}\n"));
  text += ours.items_as_they_came();
  const auto sent = read_envelope(text);
  CHECK(sent.refusal.empty());
  CHECK(sent.items == came.items);
  CHECK(others(sent.header) == others(came.header));
  REQUIRE(sent.header.count("dsn") == 1);
  CHECK(sent.header.member("dsn")->text == to_string(*to));
  const bool sane = now >= proto::kOldestSane;
  REQUIRE(sent.header.count("sent_at") == (sane ? 1U : 0U));
  if (sane) CHECK(sent.header.member("sent_at")->text == proto::to_rfc3339(now));
}

}  // namespace

NaiveEnvelope read_envelope(std::string_view body) {
  NaiveEnvelope envelope;
  envelope.refusal = read_all(body, envelope);
  return envelope;
}

std::string check_agrees(std::string_view body) {
  const NaiveEnvelope naive = read_envelope(body);
  const auto ours = proto::Envelope::parse(proto::Bytes::copy_of(body));
  CHECK((ours ? "" : words(ours.error())) == naive.refusal);
  if (!ours || !naive.refusal.empty()) return naive.refusal;
  check_same_items(*ours, naive.items);
  CHECK(ours->header().ends_with(naive.header.raw));
  check_forwarded(*ours, naive, proto::kOldestSane + std::chrono::hours{50'000});
  check_forwarded(*ours, naive, proto::WallTime{});
  return naive.refusal;
}

}  // namespace fuzz
