#include "relay/limited_items.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace relay {

std::vector<proto::ItemFacts> facts_of(const proto::Envelope& envelope) {
  std::vector<proto::ItemFacts> facts;
  facts.reserve(envelope.items().size());
  for (const auto& item : envelope.items()) facts.push_back(item.facts());
  return facts;
}

std::vector<bool> limited_items(std::span<const proto::ItemFacts> items,
                                const proto::RateLimits& limits, proto::WallTime now) {
  std::vector<bool> flagged;
  bool event_limited = false;
  bool event_left = false;
  for (const auto& facts : items) {
    flagged.push_back(limits.blocked(facts, now));
    if (!proto::creates_event(facts)) continue;
    (flagged.back() ? event_limited : event_left) = true;
  }
  // Beside a crash dump under a limit of errors a transaction keeps what is its own.
  if (!event_limited || event_left) return flagged;
  for (std::size_t i = 0; i < flagged.size(); ++i) {
    flagged[i] = flagged[i] || proto::depends_on_event(items[i]);
  }
  return flagged;
}

proto::CategoryCounts counts_of(std::span<const proto::ItemFacts> items,
                                const std::vector<bool>& flagged) {
  proto::CategoryCounts counts;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (flagged[i]) counts.add(proto::ledger_category(items[i]));
  }
  return counts;
}

proto::RateLimits limits_of_429(std::string_view rate_limits, proto::WallTime now) {
  proto::RateLimits named;
  named.learn(rate_limits, now, std::chrono::seconds{1});
  return named;
}

Without::Without(const proto::Envelope& envelope, std::vector<bool> flagged)
    : envelope_(envelope), flagged_(std::move(flagged)) {
  const std::string_view whole = envelope.bytes();
  const std::size_t header = whole.size() - envelope.items_as_they_came().size();
  std::size_t bytes = header;
  for (std::size_t i = 0; i < flagged_.size(); ++i) {
    const auto& item = envelope.items()[i];
    if (!flagged_[i]) bytes += item.end - item.begin + 1;
  }
  rest_.reserve(bytes);
  rest_.append(whole.substr(0, header));
}

bool Without::step(std::size_t bytes) {
  for (; item_ < flagged_.size(); ++item_) {
    if (flagged_[item_]) continue;
    const auto& item = envelope_.items()[item_];
    const auto text =
        envelope_.bytes().substr(item.begin + copied_, item.end - item.begin - copied_);
    const std::string_view part = text.substr(0, bytes);
    rest_.append(part);
    copied_ += part.size();
    bytes -= part.size();
    if (part.size() < text.size()) return false;
    rest_.append("\n");
    copied_ = 0;
  }
  return true;
}

std::optional<proto::Envelope> Without::take() {
  if (std::ranges::find(flagged_, false) == flagged_.end()) return std::nullopt;
  auto parsed = proto::Envelope::parse(std::move(rest_));
  return parsed ? std::optional(std::move(*parsed)) : std::nullopt;
}

std::optional<proto::Envelope> without(const proto::Envelope& envelope, std::vector<bool> flagged) {
  Without rest(envelope, std::move(flagged));
  static_cast<void>(rest.step(std::numeric_limits<std::size_t>::max()));
  return rest.take();
}

}  // namespace relay
