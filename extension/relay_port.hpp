// The relay as the lifecycle needs it: a seam for tests, and nothing else. What each call means is
// in relay/relay.hpp.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <boost/asio/awaitable.hpp>

#include "relay/http_upstream.hpp"
#include "relay/relay.hpp"
#include "relay/snapshot.hpp"

namespace extension {

class RelayPort {
 public:
  virtual ~RelayPort() = default;

  virtual std::uint16_t bind() = 0;
  virtual void retry() = 0;
  [[nodiscard]] virtual std::uint16_t port() const = 0;
  virtual void start() = 0;
  virtual void recover() = 0;

  virtual void set_gate(relay::Gate gate) = 0;
  virtual void closes_at(relay::SteadyTime time) = 0;
  virtual void expect_soon(bool soon) = 0;
  virtual void thawed() = 0;
  virtual std::size_t start_over() = 0;
  [[nodiscard]] virtual bool take_own(std::string_view envelope) = 0;
  [[nodiscard]] virtual std::string take_last_header() = 0;
  [[nodiscard]] virtual std::string_view last_client() const = 0;
  [[nodiscard]] virtual relay::Work work() const = 0;
  [[nodiscard]] virtual std::optional<relay::SteadyTime> last_local_activity() const = 0;
  [[nodiscard]] virtual relay::Flow flow() const = 0;
  [[nodiscard]] virtual relay::asio::awaitable<void> changed_until(relay::SteadyTime deadline) = 0;

  [[nodiscard]] virtual relay::asio::awaitable<void> drain(relay::SteadyTime deadline,
                                                           bool last) = 0;
  [[nodiscard]] virtual relay::asio::awaitable<void> stop() = 0;
  [[nodiscard]] virtual relay::Snapshot snapshot() const = 0;
  [[nodiscard]] virtual std::string stats_json() const = 0;
  [[nodiscard]] virtual bool anything_to_say() const = 0;
};

class RealRelay final : public RelayPort {
 public:
  /// Both outlive this.
  RealRelay(relay::Relay& relay, relay::HttpUpstream& upstream)
      : relay_(relay), upstream_(upstream) {}

  std::uint16_t bind() override { return relay_.bind(); }

  void retry() override { relay_.retry(); }

  [[nodiscard]] std::uint16_t port() const override { return relay_.port(); }

  void start() override { relay_.start(); }

  void recover() override { relay_.recover(); }

  void set_gate(relay::Gate gate) override { relay_.set_gate(gate); }

  void closes_at(relay::SteadyTime time) override { relay_.closes_at(time); }

  void expect_soon(bool soon) override { relay_.expect_soon(soon); }

  void thawed() override { relay_.thawed(); }

  std::size_t start_over() override { return relay_.start_over(); }

  [[nodiscard]] bool take_own(std::string_view envelope) override {
    return relay_.take_own(envelope);
  }

  [[nodiscard]] std::string take_last_header() override { return relay_.take_last_header(); }

  [[nodiscard]] std::string_view last_client() const override { return relay_.last_client(); }

  [[nodiscard]] relay::Work work() const override { return relay_.work(); }

  [[nodiscard]] std::optional<relay::SteadyTime> last_local_activity() const override {
    return relay_.last_local_activity();
  }

  [[nodiscard]] relay::Flow flow() const override { return relay_.flow(); }

  [[nodiscard]] relay::asio::awaitable<void> changed_until(relay::SteadyTime deadline) override {
    return relay_.changed_until(deadline);
  }

  [[nodiscard]] relay::asio::awaitable<void> drain(relay::SteadyTime deadline, bool last) override {
    return relay_.drain(deadline, last);
  }

  /// The upstream's tasks too.
  [[nodiscard]] relay::asio::awaitable<void> stop() override {
    co_await relay_.stop();
    upstream_.stop();
    co_await upstream_.join();
  }

  [[nodiscard]] relay::Snapshot snapshot() const override { return relay_.snapshot(); }

  [[nodiscard]] std::string stats_json() const override { return relay_.stats_json(); }

  [[nodiscard]] bool anything_to_say() const override { return relay_.anything_to_say(); }

 private:
  relay::Relay& relay_;
  relay::HttpUpstream& upstream_;
};

}  // namespace extension
