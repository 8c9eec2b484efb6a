// One accepted request as it travels: an envelope, whose items are known, or the body of another
// endpoint, which stays opaque. What the journal keeps is its Record.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "proto/envelope.hpp"
#include "proto/result.hpp"
#include "relay/record.hpp"

namespace relay {

class Parcel {
 public:
  /// The head's meta says kEnvelopeTarget; its counts are filled in.
  Parcel(RecordHead&& head, proto::Envelope&& envelope);
  /// Another endpoint's request; its counts say what it is.
  Parcel(RecordHead head, proto::Bytes opaque);
  /// As the journal kept it. Errors: proto's, where the body no longer parses;
  /// Errc::journal_damaged for what intake would not have taken.
  [[nodiscard]] static proto::Result<Parcel> from(Record record);

  [[nodiscard]] const RecordHead& head() const { return head_; }

  /// nullptr: opaque.
  [[nodiscard]] const proto::Envelope* envelope() const& {
    return envelope_ ? &*envelope_ : nullptr;
  }

  const proto::Envelope* envelope() const&& = delete;

  /// The decoded body, as it came.
  [[nodiscard]] std::string_view body() const& {
    return envelope_ ? envelope_->bytes() : opaque_.view();
  }

  std::string_view body() const&& = delete;

  [[nodiscard]] proto::Urgency urgency() const { return urgency_; }

  /// The envelope's; of an opaque one nothing is.
  [[nodiscard]] proto::Deduplicated deduplicated_upstream() const;

  /// Is, or holds, a check-in: those of one DSN leave in order.
  [[nodiscard]] bool has_check_in() const;

  /// Bytes it takes in memory: the body and what is known of its items.
  [[nodiscard]] std::size_t memory() const;

 private:
  RecordHead head_;
  std::optional<proto::Envelope> envelope_;
  proto::Bytes opaque_;
  proto::Urgency urgency_;
};

}  // namespace relay
