// Envelopes, DSNs and log lines as relay tests need them, in as few words as they allow.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "proto/dsn.hpp"
#include "proto/envelope.hpp"
#include "relay/log.hpp"
#include "relay/parcel.hpp"
#include "relay/route.hpp"

namespace support {

inline const std::string kKey = "abcdef0123456789abcdef0123456789";
inline const std::string kOtherKey = "0123456789abcdef0123456789abcdef";

/// "{"type":"event","length":2}\n{}\n"
inline std::string item(std::string_view type, std::string_view payload = "{}") {
  std::string text = R"({"type":")";
  text.append(type).append(R"(","length":)").append(std::to_string(payload.size()));
  return text.append("}\n").append(payload).append("\n");
}

/// Its header holds an id, as SDKs' do.
inline std::string envelope_text(std::initializer_list<std::string> items) {
  std::string text = "{\"event_id\":\"9ec79c33ec9942ab8353589fcb2e04dc\"}\n";
  for (const auto& one : items) text += one;
  return text;
}

inline proto::Envelope parsed(std::string_view text) {
  auto envelope = proto::Envelope::parse(proto::Bytes::copy_of(text));
  REQUIRE(envelope.has_value());
  return std::move(*envelope);
}

/// An envelope with one item of each type.
inline proto::Envelope envelope(std::initializer_list<std::string_view> types) {
  std::string text = envelope_text({});
  for (const auto type : types) text += item(type);
  return parsed(text);
}

inline relay::Parcel parcel(proto::Envelope envelope) {
  return {relay::RecordHead{}, std::move(envelope)};
}

inline proto::Dsn dsn(std::string_view text) {
  auto dsn = proto::parse_dsn(text);
  REQUIRE(dsn.has_value());
  return std::move(*dsn);
}

inline relay::Route route(std::string_view host = "up.example", std::uint64_t project = 42) {
  return {dsn("https://" + kKey + "@" + std::string(host) + "/" + std::to_string(project)), true};
}

/// A log that a test can look into.
class Lines final : public relay::LogSink {
 public:
  bool write(std::string_view line) override {
    if (!open) return false;
    lines.emplace_back(line);
    return true;
  }

  std::vector<std::string> lines;
  bool open = true;
};

}  // namespace support
