// A large request on its way into the backlog: what Backlog::accept() does at once for a usual one,
// some a turn of the loop. Until its end it is in no account, and whoever gives it up has been told
// nothing.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>

#include "relay/backlog.hpp"

namespace relay {

class Backlog::Accepting {
 public:
  /// `backlog` and `destination` outlive it. Nothing is done yet.
  Accepting(Backlog& backlog, Parcel&& parcel, Destination& destination, milliseconds awake);

  /// Makes room, then writes about `bytes` a call. nullopt: there is more to do. What it gives is
  /// accept()'s; not to be called again then.
  [[nodiscard]] std::optional<bool> step(std::size_t bytes);

 private:
  Backlog& backlog_;
  Parcel parcel_;
  Entry entry_;
  std::size_t freed_ = 0;  ///< by evicting others
  std::unique_ptr<Journal::Keeping> keeping_;
};

}  // namespace relay
