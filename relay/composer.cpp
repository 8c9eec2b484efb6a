#include "relay/composer.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "relay/due.hpp"
#include "relay/segment.hpp"

namespace relay {
namespace {

// Of a body, a turn of the loop: a block of zstd's, and some 2 ms of gzip.
constexpr std::size_t kBytesPerTurn = 128UL * 1024;
constexpr std::size_t kReadPerTurn = 2 * kBytesPerTurn;

}  // namespace

/// With a compressor of its own: small ones are composed meanwhile.
struct Composer::Large {
  RecordReading reading;
  std::unique_ptr<Backlog::Reducing> reducing;
  std::shared_ptr<const Parcel> parcel;
  proto::Encoder encoder;
  std::optional<Composition> composition;
};

bool Composer::is_large(const Entry& entry) { return entry.bytes > kBytesPerTurn; }

Composer::Composed Composer::compose(const Entry& entry) {
  const auto parcel = backlog_.load(entry.id);
  if (!parcel) return nullptr;
  return relay::compose(*parcel, *entry.destination, clock_.wall_now(), encoder_);
}

asio::awaitable<Composer::Composed> Composer::compose_large(std::uint64_t id, milliseconds limit) {
  while (!large_.expired()) co_await asio::post(executor_, asio::use_awaitable);
  const auto large = std::make_shared<Large>();
  large_ = large;
  SteadyTime::duration spent{0};
  for (SteadyTime last = clock_.now(); !step(*large, id);) {
    co_await asio::post(executor_, asio::use_awaitable);
    const SteadyTime now = clock_.now();
    // A freeze is no part of it.
    spent += std::min<SteadyTime::duration>(now - std::exchange(last, now), kAwakeSlice);
    if (spent > limit) co_return nullptr;
  }
  if (!large->composition) co_return nullptr;
  co_return large->composition->take();
}

/// True: it is done, or, without a composition, gone.
bool Composer::step(Large& large, std::uint64_t id) {
  if (large.composition) {
    // What it came from takes a millisecond to go, as its file did in the turn before.
    large.reducing.reset();
    return large.composition->step(kBytesPerTurn);
  }
  const Entry* const entry = backlog_.find(id);
  if (entry == nullptr) return true;
  auto parcel = read(large, *entry);
  if (!parcel) return false;
  large.parcel = std::move(*parcel);
  if (!large.parcel) return true;
  large.composition.emplace(*large.parcel, *entry->destination, clock_.wall_now(), large.encoder);
  return false;
}

std::optional<std::shared_ptr<const Parcel>> Composer::read(Large& large, const Entry& entry) {
  const std::uint64_t id = entry.id;
  if (large.reducing) {
    auto left = large.reducing->step(kBytesPerTurn);
    return left && *left && judge_.is_spent(entry) ? nullptr : left;
  }
  auto loaded = backlog_.load_some(id, large.reading, kReadPerTurn);
  if (!loaded || !*loaded) return loaded;
  large.reducing = judge_.reduce(entry, *loaded);
  if (large.reducing) return std::nullopt;
  return backlog_.find(id) != nullptr ? loaded : nullptr;
}

}  // namespace relay
