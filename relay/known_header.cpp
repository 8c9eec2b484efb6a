#include "relay/known_header.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "proto/ascii.hpp"
#include "proto/number.hpp"

namespace relay {

std::optional<KnownHeader::Match> KnownHeader::match(std::string_view input) const {
  if (before_.empty() || !input.starts_with(before_)) return std::nullopt;
  const std::string_view rest = input.substr(before_.size());
  const auto end = std::ranges::find_if_not(rest, proto::is_digit);
  const std::string_view digits = rest.substr(0, static_cast<std::size_t>(end - rest.begin()));
  if (!rest.substr(digits.size()).starts_with(behind_)) return std::nullopt;
  const auto length = proto::parse_number<std::uint64_t>(digits);
  if (!length || *length == 0) return std::nullopt;
  return Match{before_.size() + digits.size() + behind_.size(), *length};
}

void KnownHeader::learn(std::string_view text, std::string_view length,
                        std::shared_ptr<const RequestHeader> meaning, bool keeps_alive) {
  // A folded line is no view into the text: it was unfolded elsewhere.
  const bool within =
      length.data() >= text.data() && length.data() + length.size() <= text.data() + text.size();
  if (text.size() > kMostBytes || length.empty() || !within ||
      !std::ranges::all_of(length, proto::is_digit)) {
    return;
  }
  const auto at = static_cast<std::size_t>(length.data() - text.data());
  before_ = text.substr(0, at);
  behind_ = text.substr(at + length.size());
  meaning_ = std::move(meaning);
  keeps_alive_ = keeps_alive;
}

}  // namespace relay
