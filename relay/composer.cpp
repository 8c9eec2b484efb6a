#include "relay/composer.hpp"

#include <algorithm>
#include <utility>

#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "relay/due.hpp"

namespace relay {
namespace {

// Of a body, a turn of the loop: a block of zstd's, and some 2 ms of gzip.
constexpr std::size_t kBytesPerTurn = 128UL * 1024;

}  // namespace

/// With a compressor of its own: small ones are composed meanwhile.
struct Composer::Large {
  Large(std::shared_ptr<const Parcel> share, const Destination& destination, WallTime now)
      : parcel(std::move(share)), composition(*parcel, destination, now, encoder) {}

  std::shared_ptr<const Parcel> parcel;
  proto::Encoder encoder;
  Composition composition;
};

bool Composer::is_large(const Entry& entry) { return entry.bytes > kBytesPerTurn; }

Composer::Composed Composer::compose(const Entry& entry) {
  const auto parcel = backlog_.load(entry.id);
  if (!parcel) return std::nullopt;
  return relay::compose(*parcel, *entry.destination, clock_.wall_now(), encoder_);
}

asio::awaitable<Composer::Composed> Composer::compose_large(std::uint64_t id, milliseconds limit) {
  while (!large_.expired()) co_await asio::post(executor_, asio::use_awaitable);
  const Entry* const entry = backlog_.find(id);
  if (entry == nullptr) co_return std::nullopt;
  auto parcel = backlog_.load(id);
  if (!parcel) co_return std::nullopt;
  const auto large =
      std::make_shared<Large>(std::move(parcel), *entry->destination, clock_.wall_now());
  large_ = large;
  SteadyTime::duration spent{0};
  for (SteadyTime last = clock_.now(); !large->composition.step(kBytesPerTurn);) {
    co_await asio::post(executor_, asio::use_awaitable);
    const SteadyTime now = clock_.now();
    // A freeze is no part of it.
    spent += std::min<SteadyTime::duration>(now - std::exchange(last, now), kAwakeSlice);
    if (spent > limit) co_return std::nullopt;
  }
  co_return large->composition.take();
}

}  // namespace relay
