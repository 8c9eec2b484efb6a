// All of the input is an envelope.
#include <algorithm>

#include <doctest/doctest.h>

#include "proto/envelope.hpp"
#include "proto/report_quantities.hpp"
#include "proto/trace_context.hpp"
#include "tests/fuzz/json_tree.hpp"
#include "tests/fuzz/naive_envelope.hpp"
#include "tests/fuzz/targets.hpp"

namespace {

/// What is reported of it as lost is a client report again, and an envelope.
void check_report(const proto::Envelope& envelope) {
  proto::ClientReport report;
  for (const auto& item : envelope.items()) {
    const auto quantities = proto::report_quantities(envelope, item);
    CHECK(quantities.size() <= 3);
    for (const auto& one : quantities) CHECK(one.category != proto::Category::internal);
    proto::add_lost(report, "queue_overflow", envelope, item);
  }
  const auto dsn = proto::parse_dsn("https://0123456789abcdef0123456789abcdef@o1.example/7");
  REQUIRE(dsn.has_value());
  while (!report.empty()) {
    const auto batch = report.take_batch();
    REQUIRE_FALSE(batch.empty());
    const std::string text = batch.encode(*dsn, proto::WallTime{});
    const auto sent = fuzz::read_envelope(text);
    REQUIRE(sent.items.size() == 1);
    CHECK(sent.items[0].payload.size() <= proto::kMaxReportBytes);
    CHECK(proto::parse_client_report(sent.items[0].payload).entries().size() ==
          batch.entries().size());
  }
}

}  // namespace

void fuzz::envelope(std::string_view input) {
  check_agrees(input);
  const auto envelope = proto::Envelope::parse(proto::Bytes::copy_of(input));
  if (!envelope) return;
  CHECK(envelope->items().size() <= proto::kMaxItems);
  CHECK(envelope->counts().total() == envelope->items().size());
  CHECK((envelope->event_id().empty() || envelope->event_id().size() == 32));
  CHECK(envelope->bytes() == input);
  if (const auto type = proto::exceeded_size_limit(*envelope)) {
    CHECK(std::ranges::count(envelope->items(), *type, &proto::Item::type) > 0);
  }
  static_cast<void>(proto::parse_trace_context(envelope->header()));
  check_report(*envelope);
}
