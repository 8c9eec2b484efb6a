// A relay without sockets: the test sets its work and moves its time; calls are noted in a shared
// diary.
#pragma once

#include <set>
#include <stdexcept>
#include <string>
#include <utility>

#include <boost/asio/any_io_executor.hpp>

#include "extension/relay_port.hpp"
#include "relay/wakeup.hpp"
#include "tests/extension/fake_extensions_api.hpp"

namespace extension_test {

class FakeRelay final : public extension::RelayPort {
 public:
  FakeRelay(const asio::any_io_executor& executor, relay::Clock& clock, Diary& diary)
      : clock_(clock), diary_(diary), changed_(executor) {}

  std::uint16_t bound = 9797;
  bool worth_a_line = false;
  relay::Snapshot figures;
  bool expects_soon = false;
  relay::SteadyTime closes{};
  std::size_t waited = 0;  ///< what a start over drops
  bool takes_own = true;
  std::vector<std::string> own;  ///< envelopes of the host's
  std::string last_header;
  std::string client;
  std::uint64_t urgent = 0;
  std::uint64_t delivered = 0;
  std::set<std::string> failing;  ///< calls that throw
  relay::SteadyTime drain_deadline{};
  std::uint64_t given_up_at_drain = 0;  ///< errors

  void set_work(relay::Work work) {
    work_ = work;
    changed_.notify();
  }

  void local_byte() {
    last_ = clock_.now();
    changed_.notify();
  }

  std::uint16_t bind() override {
    note("bind");
    return bound;
  }

  void retry() override { note("retry"); }

  [[nodiscard]] std::uint16_t port() const override { return bound; }

  void start() override { note("start"); }

  void recover() override { note("recover"); }

  void set_gate(relay::Gate gate) override {
    switch (gate) {
      case relay::Gate::closed:
        return note("gate closed");
      case relay::Gate::early:
        return note("gate early");
      case relay::Gate::open:
        return note("gate open");
      case relay::Gate::carried:
        return note("gate carried");
      case relay::Gate::late:
        return note("gate late");
      case relay::Gate::draining:
        return note("gate draining");
    }
  }

  void closes_at(relay::SteadyTime time) override { closes = time; }

  void expect_soon(bool soon) override { expects_soon = soon; }

  void thawed() override { note("thawed"); }

  std::size_t start_over() override {
    note("start over");
    return waited;
  }

  [[nodiscard]] bool take_own(std::string_view envelope) override {
    note("own envelope");
    own.emplace_back(envelope);
    return takes_own;
  }

  [[nodiscard]] std::string take_last_header() override { return std::exchange(last_header, {}); }

  [[nodiscard]] std::string_view last_client() const override { return client; }

  [[nodiscard]] relay::Work work() const override { return work_; }

  [[nodiscard]] std::optional<relay::SteadyTime> last_local_activity() const override {
    return last_;
  }

  [[nodiscard]] relay::Flow flow() const override { return {urgent, urgent, delivered}; }

  [[nodiscard]] asio::awaitable<void> changed_until(relay::SteadyTime deadline) override {
    if (failing.contains("changed_until")) throw std::runtime_error("changed_until failed");
    co_await changed_.wait_until(clock_, deadline);
  }

  [[nodiscard]] asio::awaitable<void> drain(relay::SteadyTime deadline, bool last) override {
    drain_deadline = deadline;
    proto::CategoryCounts given_up;
    given_up.add(proto::Category::error, given_up_at_drain);
    figures.stats.ledger.drop(relay::DropReason::network_error, given_up);
    note(last ? "drain last" : "drain");
    co_return;
  }

  [[nodiscard]] asio::awaitable<void> stop() override {
    note("stop");
    co_return;
  }

  [[nodiscard]] relay::Snapshot snapshot() const override { return figures; }

  [[nodiscard]] std::string stats_json() const override { return R"({"items":{}})"; }

  [[nodiscard]] bool anything_to_say() const override { return worth_a_line; }

 private:
  void note(const std::string& call) {
    diary_.push_back(call);
    if (failing.contains(call)) throw std::runtime_error(call + " failed");
  }

  relay::Clock& clock_;
  Diary& diary_;
  relay::Wakeup changed_;
  relay::Work work_;
  std::optional<relay::SteadyTime> last_;
};

}  // namespace extension_test
