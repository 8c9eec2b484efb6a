#include "relay/ledger.hpp"

#include <doctest/doctest.h>

#include "tests/support/counts.hpp"

using proto::Category;
using relay::DropReason;
using relay::Ledger;
using relay::RejectReason;
using support::counts;

TEST_SUITE_BEGIN("relay/ledger");

TEST_CASE("what was accepted is delivered, refused, dropped or waits, and nothing else") {
  Ledger ledger;
  CHECK(ledger.balances({}));
  ledger.accept(counts(Category::error, 4));
  CHECK_FALSE(ledger.balances({}));
  CHECK(ledger.balances(counts(Category::error, 4)));
  ledger.deliver(counts(Category::error));
  ledger.refuse(429, counts(Category::error));
  ledger.drop(DropReason::send_error, counts(Category::error));
  CHECK(ledger.balances(counts(Category::error)));
  CHECK_FALSE(ledger.balances(counts(Category::error, 2)));
}

TEST_CASE("the equation holds in each category, not only in their sum") {
  Ledger ledger;
  ledger.accept(counts(Category::error));
  ledger.deliver(counts(Category::transaction));
  CHECK_FALSE(ledger.balances({}));
}

TEST_CASE("refused counts by status, dropped by reason, rejected by why") {
  Ledger ledger;
  ledger.accept(counts(Category::log_item, 5));
  ledger.refuse(403, counts(Category::log_item));
  ledger.refuse(429, counts(Category::log_item, 2));
  ledger.drop(DropReason::queue_overflow, counts(Category::log_item, 2));
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
