// Writes one JSON object, member by member. What is not known is left out: an empty text, an empty
// object, an optional without value; what must be there whatever it is is a member().
#pragma once

#include <concepts>
#include <optional>
#include <string>
#include <string_view>

#include "proto/json.hpp"

namespace proto {

class JsonObject {
 public:
  JsonObject& text(std::string_view key, std::string_view value) {
    return value.empty() ? *this : add(key, json_quote(value));
  }

  template <std::integral Number>
  JsonObject& number(std::string_view key, std::optional<Number> value) {
    return value ? add(key, std::to_string(*value)) : *this;
  }

  template <std::integral Number>
  JsonObject& number(std::string_view key, Number value) {
    return add(key, std::to_string(value));
  }

  JsonObject& boolean(std::string_view key, bool value) {
    return add(key, value ? "true" : "false");
  }

  /// `json` is a whole value.
  JsonObject& value(std::string_view key, std::string_view json) {
    return json.empty() || json == "{}" ? *this : add(key, json);
  }

  /// The same, an empty object too.
  JsonObject& member(std::string_view key, std::string_view json) { return add(key, json); }

  [[nodiscard]] std::string json() const { return "{" + members_ + "}"; }

 private:
  JsonObject& add(std::string_view key, std::string_view json) {
    if (!members_.empty()) members_ += ',';
    members_.append(json_quote(key)).append(":").append(json);
    return *this;
  }

  std::string members_;
};

}  // namespace proto
