#include "tests/sandbox/frost.hpp"

namespace sandbox {

void Frost::begin() {
  awake_before_ = awake_time();
  since_ = std::chrono::steady_clock::now();
  frozen_ = true;
  changed_.notify();
}

void Frost::end() {
  since_ = std::chrono::steady_clock::now();
  frozen_ = false;
  ++thaws_;
  changed_.notify();
}

std::chrono::steady_clock::duration Frost::awake_time() const {
  if (frozen_) return awake_before_;
  return awake_before_ + (std::chrono::steady_clock::now() - since_);
}

asio::awaitable<void> Frost::thawed() {
  while (frozen_) co_await changed_.wait();
}

asio::awaitable<void> Frost::next_thaw() {
  const unsigned before = thaws_;
  while (thaws_ == before) co_await changed_.wait();
  co_await thawed();
}

asio::awaitable<void> Frost::sleep_awake(std::chrono::steady_clock::duration length) {
  const auto end = awake_time() + length;
  while (awake_time() < end) {
    co_await thawed();
    co_await changed_.wait_until(std::chrono::steady_clock::now() + (end - awake_time()));
  }
  co_await thawed();
}

}  // namespace sandbox
