#include "relay/ledger.hpp"

#include <doctest/doctest.h>

using proto::Category;
using proto::CategoryCounts;
using relay::DropReason;
using relay::Ledger;
using relay::RejectReason;

namespace {

CategoryCounts some(Category category, std::uint64_t quantity = 1) {
  CategoryCounts counts;
  counts.add(category, quantity);
  return counts;
}

}  // namespace

TEST_SUITE_BEGIN("relay/ledger");

TEST_CASE("what was accepted is delivered, refused, dropped or waits, and nothing else") {
  Ledger ledger;
  CHECK(ledger.balances({}));
  ledger.accept(some(Category::error, 4));
  CHECK_FALSE(ledger.balances({}));
  CHECK(ledger.balances(some(Category::error, 4)));
  ledger.deliver(some(Category::error));
  ledger.refuse(429, some(Category::error));
  ledger.drop(DropReason::send_error, some(Category::error));
  CHECK(ledger.balances(some(Category::error)));
  CHECK_FALSE(ledger.balances(some(Category::error, 2)));
}

TEST_CASE("the equation holds in each category, not only in their sum") {
  Ledger ledger;
  ledger.accept(some(Category::error));
  ledger.deliver(some(Category::transaction));
  CHECK_FALSE(ledger.balances({}));
}

TEST_CASE("refused counts by status, dropped by reason, rejected by why") {
  Ledger ledger;
  ledger.accept(some(Category::log_item, 5));
  ledger.refuse(403, some(Category::log_item));
  ledger.refuse(429, some(Category::log_item, 2));
  ledger.drop(DropReason::queue_overflow, some(Category::log_item, 2));
  ledger.reject(RejectReason::malformed);
  ledger.reject(RejectReason::malformed);
  ledger.reject(RejectReason::full);
  CHECK(ledger.refused().at(403)[Category::log_item] == 1);
  CHECK(ledger.refused().at(429)[Category::log_item] == 2);
  CHECK(ledger.dropped(DropReason::queue_overflow)[Category::log_item] == 2);
  CHECK(ledger.dropped(DropReason::send_error).total() == 0);
  CHECK(ledger.rejected(RejectReason::malformed) == 2);
  CHECK(ledger.rejected(RejectReason::full) == 1);
  CHECK(ledger.rejected() == 3);
  CHECK(ledger.balances({}));
}

TEST_SUITE_END();
