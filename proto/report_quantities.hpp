// What a lost item counts as when upstream is told: unlike our own accounts, which count each item
// once, under every category it would have been charged. (getsentry/relay:
// relay-server/src/envelope/item.rs, quantities; Sentry develop docs, "Client Reports"; checked
// 2026-11)
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "proto/category.hpp"
#include "proto/client_report.hpp"
#include "proto/envelope.hpp"

namespace proto {

struct CategoryQuantity {
  Category category = Category::default_;
  std::uint64_t quantity = 0;

  bool operator==(const CategoryQuantity&) const = default;
};

/// At most three, in the order of /stats, for one of `envelope`'s items. A transaction counts as
/// one and its spans, itself included, which takes one pass over its payload unless its header says
/// how many; logs and metrics as records and bytes; attachments as bytes and one, and as an error
/// where they make the event. Nothing for client reports and for what upstream does not count:
/// unknown types, form_data, metric_buckets.
[[nodiscard]] std::vector<CategoryQuantity> report_quantities(const Envelope& envelope,
                                                              const Item& item);

/// Counts the lost item into `report`. What a lost client_report said goes in instead of it, so
/// that reports are never reported.
void add_lost(ClientReport& report, std::string_view reason, const Envelope& envelope,
              const Item& item);

}  // namespace proto
