// The memory that bodies being received may take together. Who finds none waits, and with it its
// client; the one that has waited longest may always go on, so that somebody gets through. Who is
// content with a fair share never waits: slow large bodies do not keep out the usual small ones.
#pragma once

#include <cstddef>
#include <list>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "relay/wakeup.hpp"

namespace relay {

class ReceiveRoom {
 public:
  /// `fair_bytes` is what each may take though the room is full.
  ReceiveRoom(const asio::any_io_executor& executor, std::size_t max_bytes, std::size_t fair_bytes)
      : max_bytes_(max_bytes), fair_bytes_(fair_bytes), freed_(executor) {}

  /// What one body takes; gives it back when it goes. The room outlives it.
  class Share {
   public:
    explicit Share(ReceiveRoom& room)
        : room_(room), place_(room.shares_.insert(room.shares_.end(), 0)) {}

    ~Share() {
      room_.taken_ -= *place_;
      room_.shares_.erase(place_);
      room_.freed_.notify();
    }

    Share(const Share&) = delete;
    Share& operator=(const Share&) = delete;

    /// Whether it may be `bytes` in all now; if so it is.
    [[nodiscard]] bool grow(std::size_t bytes);

   private:
    ReceiveRoom& room_;
    std::list<std::size_t>::iterator place_;
  };

  /// Returns when grow() may have another answer, or at wake().
  [[nodiscard]] asio::awaitable<void> freed() { return freed_.wait(); }

  /// Those who wait are to look at whether they still want to.
  void wake() { freed_.notify(); }

  [[nodiscard]] std::size_t taken() const { return taken_; }

 private:
  std::size_t max_bytes_;
  std::size_t fair_bytes_;
  std::size_t taken_ = 0;
  std::list<std::size_t> shares_;  ///< the oldest first
  Wakeup freed_;
};

}  // namespace relay
