// One way to give work a deadline: the loser is cancelled and awaited, never abandoned.
#pragma once

#include <utility>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>

#include "proto/result.hpp"
#include "relay/clock.hpp"
#include "relay/errc.hpp"

namespace relay {

/// Runs `op` until it finishes or `deadline` passes: Errc::deadline_exceeded. `op` must return its
/// errors; one that throws would keep operator|| waiting for the timer.
template <class T>
asio::awaitable<proto::Result<T>> with_deadline(Clock& clock, SteadyTime deadline,
                                                asio::awaitable<proto::Result<T>> op) {
  using asio::experimental::awaitable_operators::operator||;
  auto first = co_await (std::move(op) || clock.sleep_until(deadline));
  if (first.index() == 1) co_return Errc::deadline_exceeded;
  co_return std::get<0>(std::move(first));
}

}  // namespace relay
