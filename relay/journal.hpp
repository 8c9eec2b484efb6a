// Where an accepted envelope is kept before it is acknowledged.
#pragma once

#include <cstdint>

#include "proto/envelope.hpp"

namespace relay {

class Journal {
 public:
  virtual ~Journal() = default;
  /// Keeps the envelope under `id`; true when it outlives this process.
  virtual bool keep(std::uint64_t id, const proto::Envelope& envelope) = 0;
  /// It has met its fate: forget it.
  virtual void release(std::uint64_t id) = 0;
};

/// Keeps nothing beyond what the backlog holds in memory: an envelope dies with the process.
class MemoryJournal final : public Journal {
 public:
  bool keep(std::uint64_t, const proto::Envelope&) override { return false; }

  void release(std::uint64_t) override {}
};

}  // namespace relay
