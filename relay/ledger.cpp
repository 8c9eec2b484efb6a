#include "relay/ledger.hpp"

#include <numeric>

namespace relay {

void Ledger::drop(DropReason reason, const CategoryCounts& items) {
  dropped_[static_cast<std::size_t>(reason)] += items;
}

void Ledger::reject(RejectReason reason) { ++rejected_[static_cast<std::size_t>(reason)]; }

bool Ledger::balances(const CategoryCounts& waiting) const {
  CategoryCounts in = accepted_;
  in += recovered_;
  CategoryCounts out = delivered_;
  for (const auto& [status, items] : refused_) out += items;
  for (const auto& items : dropped_) out += items;
  out += waiting;
  return in == out;
}

const CategoryCounts& Ledger::dropped(DropReason reason) const {
  return dropped_[static_cast<std::size_t>(reason)];
}

std::uint64_t Ledger::rejected(RejectReason reason) const {
  return rejected_[static_cast<std::size_t>(reason)];
}

std::uint64_t Ledger::rejected() const {
  return std::accumulate(rejected_.begin(), rejected_.end(), std::uint64_t{0});
}

}  // namespace relay
