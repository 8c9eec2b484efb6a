// Runs a loop until something is true, never for longer than a bound: what tests do in place of
// sleeping.
#pragma once

#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <utility>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <doctest/doctest.h>

namespace support {

namespace asio = boost::asio;

/// Pumps `io` until `condition()`; fails the test if that takes ten seconds.
template <class Condition>
void until(asio::io_context& io, Condition condition) {
  const auto bound = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!condition()) {
    if (io.stopped()) io.restart();
    if (io.run_one_until(bound) == 0) break;
  }
  REQUIRE(condition());
}

/// Everything that can happen without time passing or a peer acting.
inline void settle(asio::io_context& io) {
  for (int idle = 0; idle < 3; ++idle) {
    if (io.stopped()) io.restart();
    while (io.poll_one() > 0) idle = 0;
  }
}

/// A coroutine under way, which may be cancelled. Dies only when it has ended.
template <class T>
class Started {
 public:
  Started(asio::io_context& io, asio::awaitable<T> op) : io_(io) {
    asio::co_spawn(
        io, std::move(op),
        asio::bind_cancellation_slot(cancel_.slot(), [this](std::exception_ptr failure, T value) {
          failure_ = std::move(failure);
          if (!failure_) value_.emplace(std::move(value));
          done_ = true;
        }));
  }

  ~Started() {
    if (!done_) cancel();
    until(io_, [this] { return done_; });
  }

  Started(const Started&) = delete;
  Started& operator=(const Started&) = delete;

  [[nodiscard]] bool done() const { return done_; }

  /// As a task of the same loop would: emitted outside, it would wait in a queue, and might come
  /// too late.
  void cancel() {
    bool emitted = false;
    asio::post(io_, [&] {
      if (!done_) cancel_.emit(asio::cancellation_type::terminal);
      emitted = true;
    });
    until(io_, [&] { return emitted; });
  }

  /// Pumps the loop until the end; what the coroutine threw is thrown.
  T get() {
    until(io_, [this] { return done_; });
    if (failure_) std::rethrow_exception(failure_);
    return std::move(*value_);
  }

  /// Pumps the loop until the end; true if it ended by its cancellation instead of with a value.
  bool cancelled() {
    until(io_, [this] { return done_; });
    return failure_ != nullptr;
  }

 private:
  asio::io_context& io_;
  asio::cancellation_signal cancel_;
  std::exception_ptr failure_;
  std::optional<T> value_;
  bool done_ = false;
};

template <class T>
T run(asio::io_context& io, asio::awaitable<T> op) {
  return Started<T>(io, std::move(op)).get();
}

}  // namespace support
