#include "extension/commands/tally.hpp"

#include <algorithm>
#include <limits>

namespace extension {
namespace {

constexpr std::size_t kLongestName = 40;

bool is_name(std::string_view name) {
  return !name.empty() && name.size() <= kLongestName && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}

}  // namespace

std::uint64_t sum_of(std::uint64_t a, std::uint64_t b) {
  constexpr auto kMost = std::numeric_limits<std::uint64_t>::max();
  return a > kMost - b ? kMost : a + b;
}

void Tally::add(std::string_view name, std::uint64_t count) {
  auto found = counts_.find(name);
  if (found == counts_.end()) {
    const bool taken = is_name(name) && counts_.size() < kMostNames;
    found = counts_.try_emplace(taken ? std::string(name) : "other").first;
  }
  found->second = sum_of(found->second, count);
}

void Tally::add(const Tally& other) {
  for (const auto& [name, count] : other.counts_) add(name, count);
}

void Tally::take(std::string_view name, std::uint64_t count) {
  const auto found = counts_.find(name);
  if (found != counts_.end()) found->second -= std::min(found->second, count);
}

std::uint64_t Tally::of(std::string_view name) const {
  const auto found = counts_.find(name);
  return found == counts_.end() ? 0 : found->second;
}

std::uint64_t Tally::total() const {
  std::uint64_t total = 0;
  for (const auto& [name, count] : counts_) total = sum_of(total, count);
  return total;
}

void Times::add(const Times& other) {
  count = sum_of(count, other.count);
  for (std::size_t i = 0; i < buckets.size(); ++i) {
    buckets.at(i) = sum_of(buckets.at(i), other.buckets.at(i));
  }
}

}  // namespace extension
