#include "proto/report_quantities.hpp"

#include <algorithm>

#include "proto/json.hpp"

namespace proto {
namespace {

std::string_view payload_of(const Envelope& envelope, const Item& item) {
  return envelope.bytes().substr(item.payload_begin, item.end - item.payload_begin);
}

std::uint64_t spans_of(const Envelope& envelope, const Item& transaction) {
  const std::uint64_t spans = transaction.span_count
                                  ? *transaction.span_count
                                  : json_array_size(payload_of(envelope, transaction), "spans");
  // What a header claims must not wrap around.
  return std::max(spans, spans + 1);
}

std::uint64_t quantity(Category category, const Item& item) {
  switch (category) {
    case Category::attachment:
    case Category::log_byte:
    case Category::trace_metric_byte:
      return std::max<std::uint64_t>(item.end - item.payload_begin, 1);
    case Category::log_item:
    case Category::trace_metric:
    case Category::span:
      return std::max<std::uint64_t>(item.item_count, 1);
    case Category::metric_bucket:
      return 0;
    default:
      return 1;
  }
}

}  // namespace

std::vector<CategoryQuantity> report_quantities(const Envelope& envelope, const Item& item) {
  std::vector<CategoryQuantity> quantities;
  const auto add = [&](Category category) {
    const std::uint64_t count = quantity(category, item);
    if (count > 0) quantities.push_back({category, count});
  };
  if (item.type == "attachment" && creates_event(item.facts())) {
    add(Category::attachment);
    add(Category::attachment_item);
  }
  for (const auto& category : limit_categories(item.facts())) {
    if (category) add(*category);
  }
  if (item.type == "transaction") quantities.push_back({Category::span, spans_of(envelope, item)});
  return quantities;
}

void add_lost(ClientReport& report, std::string_view reason, const Envelope& envelope,
              const Item& item) {
  if (item.type == "client_report") {
    report.merge(parse_client_report(payload_of(envelope, item)));
    return;
  }
  for (const auto& lost : report_quantities(envelope, item)) {
    report.add(reason, lost.category, lost.quantity);
  }
}

}  // namespace proto
