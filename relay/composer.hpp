// What waits as the request that carries it: a small one at once, large ones one after the other
// and some of each a turn of the loop, because to compress one takes longer than a turn may.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "proto/encoder.hpp"
#include "relay/backlog.hpp"
#include "relay/clock.hpp"
#include "relay/judge.hpp"
#include "relay/upstream_request.hpp"

namespace relay {

class Composer {
 public:
  using Composed = std::unique_ptr<const ComposedRequest>;

  /// Everything passed in outlives it.
  Composer(asio::any_io_executor executor, Clock& clock, Backlog& backlog, Judge& judge)
      : executor_(std::move(executor)), clock_(clock), backlog_(backlog), judge_(judge) {}

  [[nodiscard]] static bool is_large(const Entry& entry);

  /// At once. nullptr: the entry could not be loaded, and is gone.
  [[nodiscard]] Composed compose(const Entry& entry);

  /// One after the other. The entry may meet its fate meanwhile, or lose its place in memory.
  /// nullptr: it is gone, or has taken more than `limit` of awake time, its turn not waited for.
  [[nodiscard]] asio::awaitable<Composed> compose_large(std::uint64_t id, milliseconds limit);

 private:
  struct Large;

  [[nodiscard]] bool step(Large& large, std::uint64_t id);
  /// Its parcel, without what upstream does not want now. nullopt: there is more to do; nullptr: it
  /// is gone.
  [[nodiscard]] std::optional<std::shared_ptr<const Parcel>> read(Large& large, const Entry& entry);

  asio::any_io_executor executor_;
  Clock& clock_;
  Backlog& backlog_;
  Judge& judge_;
  proto::Encoder encoder_;
  std::weak_ptr<Large> large_;  ///< the one whose turn it is
};

}  // namespace relay
