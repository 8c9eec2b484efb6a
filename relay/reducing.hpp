// Takes items out of a large request that waits: what Backlog::drop_items() does at once for a
// usual one, some a turn of the loop. Until its end nothing has changed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "relay/backlog.hpp"
#include "relay/limited_items.hpp"

namespace relay {

class Backlog::Reducing {
 public:
  /// `backlog` outlives it. `whole`: the entry's, an envelope; of the flags one at least is not
  /// set.
  Reducing(Backlog& backlog, std::uint64_t id, std::shared_ptr<const Parcel> whole,
           std::vector<bool> flagged, DropReason reason);

  /// Copies, or writes, about `bytes` a call. nullopt: there is more to do. Then what is left;
  /// nullptr: the entry has met its fate. Not to be called again then.
  [[nodiscard]] std::optional<std::shared_ptr<const Parcel>> step(std::size_t bytes);

 private:
  Backlog& backlog_;
  std::uint64_t id_;
  std::shared_ptr<const Parcel> whole_;
  std::vector<bool> flagged_;
  DropReason reason_;
  Without without_;
  std::shared_ptr<const Parcel> rest_;
  std::unique_ptr<Journal::Keeping> keeping_;
};

}  // namespace relay
