// The header of an earlier request. Most SDKs send the same one with every envelope, byte for byte
// but for the length of the body: then it need not be read again. Pure.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "relay/http_text.hpp"

namespace relay {

class KnownHeader {
 public:
  /// A longer one is not kept.
  static constexpr std::size_t kMostBytes = 2UL * 1024;

  /// What a request says whose header is the known one.
  struct Match {
    std::size_t header_bytes = 0;
    std::size_t body_bytes = 0;  ///< above 0
  };

  /// Whether `input` begins with the known header, whole, with a Content-Length of its own.
  [[nodiscard]] std::optional<Match> match(std::string_view input) const;

  /// `text`: a header to its end, found to be well-formed, that came before; `length`: the value of
  /// the one Content-Length in it, a view into it. Its body has that length and is waited for by
  /// nobody.
  void learn(std::string_view text, std::string_view length,
             std::shared_ptr<const RequestHeader> meaning, bool keeps_alive);

  /// Of the known one.
  [[nodiscard]] const std::shared_ptr<const RequestHeader>& meaning() const { return meaning_; }

  [[nodiscard]] bool keeps_alive() const { return keeps_alive_; }

 private:
  std::string before_;  ///< the length's digits; empty: none is known
  std::string behind_;
  std::shared_ptr<const RequestHeader> meaning_;
  bool keeps_alive_ = false;
};

}  // namespace relay
