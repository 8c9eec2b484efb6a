// The accounts: what became of every item, in its data category. One fate each, counted once, here.
//   accepted + recovered = delivered + refused(status) + dropped(reason) + waiting
#pragma once

#include <array>
#include <cstdint>
#include <map>

#include "proto/category.hpp"
#include "relay/outcome.hpp"

namespace relay {

using proto::CategoryCounts;

class Ledger {
 public:
  void accept(const CategoryCounts& items) { accepted_ += items; }

  /// Left waiting by an earlier process.
  void recover(const CategoryCounts& items) { recovered_ += items; }

  void deliver(const CategoryCounts& items) { delivered_ += items; }

  /// The only one that takes memory: without it, nothing has changed.
  void refuse(unsigned status, const CategoryCounts& items) { refused_[status] += items; }

  void drop(DropReason reason, const CategoryCounts& items);
  void reject(RejectReason reason);

  /// The equation, with `waiting` counted where the envelopes wait, not derived from it.
  [[nodiscard]] bool balances(const CategoryCounts& waiting) const;

  [[nodiscard]] const CategoryCounts& accepted() const { return accepted_; }

  [[nodiscard]] const CategoryCounts& recovered() const { return recovered_; }

  [[nodiscard]] const CategoryCounts& delivered() const { return delivered_; }

  [[nodiscard]] const std::map<unsigned, CategoryCounts>& refused() const { return refused_; }

  [[nodiscard]] const CategoryCounts& dropped(DropReason reason) const;
  [[nodiscard]] std::uint64_t rejected(RejectReason reason) const;
  [[nodiscard]] std::uint64_t rejected() const;

 private:
  CategoryCounts accepted_;
  CategoryCounts recovered_;
  CategoryCounts delivered_;
  std::map<unsigned, CategoryCounts> refused_;
  std::array<CategoryCounts, kDropReasonCount> dropped_{};
  std::array<std::uint64_t, kRejectReasonCount> rejected_{};
};

}  // namespace relay
