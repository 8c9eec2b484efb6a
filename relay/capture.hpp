// What `thaw serve --capture` keeps of the envelopes that would have gone to Sentry: the last of
// them, as they would have gone, bounded by number and bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/category.hpp"
#include "proto/envelope.hpp"
#include "proto/item_lines.hpp"
#include "relay/clock.hpp"
#include "relay/settings.hpp"
#include "relay/upstream.hpp"

namespace relay {

struct CapturedItem {
  std::string type;
  proto::Category category = proto::Category::default_;
  std::string_view header;   ///< JSON; "" where the request was no envelope
  std::string_view payload;  ///< both live as long as the Captured
  std::vector<proto::ItemLine> lines;
};

/// One request that was captured.
struct Captured {
  std::uint64_t id = 0;  ///< from 1 on, in the order they came
  WallTime at{};
  std::string target;  ///< "/api/42/envelope/"
  std::uint64_t project = 0;
  std::optional<proto::Envelope> envelope;  ///< nullopt: another endpoint's request,
  proto::Bytes opaque;                      ///< and its body
  std::vector<CapturedItem> items;

  /// Bytes it takes, about.
  [[nodiscard]] std::size_t memory() const;
};

/// Whether `words`, separated by commas, name the item's type or data category; "": all are named.
[[nodiscard]] bool is_named(std::string_view words, const CapturedItem& item);

class Capture {
 public:
  /// `came`: called with each, kept or not, before older ones are let go.
  Capture(CaptureSettings settings, std::function<void(const Captured&)> came);

  /// `request`: not compressed.
  void take(const UpstreamRequest& request, WallTime now);

  /// The oldest first.
  [[nodiscard]] const std::deque<Captured>& kept() const { return kept_; }

  /// nullptr: never captured, or let go since.
  [[nodiscard]] const Captured* find(std::uint64_t id) const;

  /// Of all that came.
  [[nodiscard]] std::uint64_t taken() const { return taken_; }

  [[nodiscard]] const proto::CategoryCounts& counts() const { return counts_; }

 private:
  CaptureSettings settings_;
  std::function<void(const Captured&)> came_;
  std::deque<Captured> kept_;
  std::size_t bytes_ = 0;
  std::uint64_t taken_ = 0;
  proto::CategoryCounts counts_;
};

}  // namespace relay
