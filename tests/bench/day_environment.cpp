#include "tests/bench/day_environment.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <string>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "extension/failure_reports.hpp"
#include "extension/lifecycle.hpp"
#include "relay/relay.hpp"
#include "relay/wakeup.hpp"
#include "tests/extension/fake_extensions_api.hpp"
#include "tests/support/manual_clock.hpp"

namespace bench {
namespace {

namespace asio = boost::asio;
using relay::milliseconds;
using relay::SteadyTime;

constexpr Moment kNever = std::numeric_limits<Moment>::max();
constexpr Moment kReuse = 5000;  // HttpUpstream::Settings::reuse
constexpr auto kDsn = "https://abcdef0123456789abcdef0123456789@up.example/42";
constexpr std::size_t kIdDigits = 32;
constexpr auto kEventId = R"("event_id":")";

std::string envelope(std::uint64_t event) {
  std::array<char, kIdDigits + 1> id{};
  std::snprintf(id.data(), id.size(), "%032llx", static_cast<unsigned long long>(event));
  return R"({"event_id":")" + std::string(id.data()) +
         "\"}\n{\"type\":\"event\",\"length\":17}\n{\"level\":\"error\"}\n";
}

std::uint64_t event_of(std::string_view body) {
  const auto at = body.find(kEventId);
  if (at == std::string_view::npos) std::abort();
  return std::stoull(std::string(body.substr(at + std::string_view(kEventId).size(), kIdDigits)),
                     nullptr, 16);
}

class NoLines final : public relay::LogSink {
 public:
  bool write(std::string_view) override { return true; }
};

/// Sentry behind a road of a given length: what has been written arrives, frozen or not.
class FarUpstream final : public relay::Upstream {
 public:
  FarUpstream(asio::io_context& io, support::ManualClock& clock, World& world)
      : clock_(clock), world_(world), epoch_(clock.wall_now()), thawed_(io.get_executor()) {}

  [[nodiscard]] Moment now() const {
    return std::chrono::duration_cast<milliseconds>(clock_.wall_now() - epoch_).count();
  }

  void thaw() { thawed_.notify(); }

  asio::awaitable<proto::Result<relay::UpstreamAnswer>> send(
      const relay::UpstreamRequest& request, relay::SendProgress& progress) override {
    progress.reused_connection = take_idle();
    if (!progress.reused_connection) {
      co_await clock_.sleep_until(clock_.now() +
                                  milliseconds{world_.handshake * world_.round_trip});
    }
    progress.fully_written = true;
    progress.last_byte = clock_.wall_now();
    const Moment written = now();
    world_.arrive(event_of(request.body), written + world_.round_trip / 2);
    while (now() < written + world_.round_trip) {
      const milliseconds left{written + world_.round_trip - now()};
      co_await thawed_.wait_until(clock_, clock_.now() + left);
      if ((co_await asio::this_coro::cancellation_state).cancelled() !=
          asio::cancellation_type::none) {
        co_return boost::system::error_code(asio::error::operation_aborted);
      }
    }
    if (now() - written > world_.cut_after) {
      co_return boost::system::error_code(asio::error::connection_reset);
    }
    progress.last_byte = clock_.wall_now();
    idle_.push_back(now());
    relay::UpstreamAnswer answer;
    answer.status = 200;
    co_return answer;
  }

  void warm(const relay::Endpoint&) override {}

  void forget() override { idle_.clear(); }

  void forget_names() override {}

 private:
  bool take_idle() {
    std::erase_if(idle_, [this](Moment since) { return now() - since >= kReuse; });
    if (idle_.empty()) return false;
    idle_.pop_back();
    return true;
  }

  support::ManualClock& clock_;
  World& world_;
  relay::WallTime epoch_;
  relay::Wakeup thawed_;
  std::vector<Moment> idle_;
};

/// The relay without its port: events come by take_own().
class Portless final : public extension::RelayPort {
 public:
  explicit Portless(relay::Relay& relay) : relay_(relay) {}

  std::uint16_t bind() override { return 0; }

  void retry() override {}

  [[nodiscard]] std::uint16_t port() const override { return 0; }

  void start() override { relay_.start(); }

  void recover() override {}

  void set_gate(relay::Gate gate) override { relay_.set_gate(gate); }

  void closes_at(SteadyTime time) override { relay_.closes_at(time); }

  void expect_soon(bool soon) override { relay_.expect_soon(soon); }

  void thawed() override { relay_.thawed(); }

  std::size_t start_over() override { return relay_.start_over(); }

  [[nodiscard]] bool take_own(std::string_view text) override { return relay_.take_own(text); }

  [[nodiscard]] std::string take_last_header() override { return relay_.take_last_header(); }

  [[nodiscard]] std::string_view last_client() const override { return relay_.last_client(); }

  [[nodiscard]] relay::Work work() const override { return relay_.work(); }

  [[nodiscard]] std::optional<SteadyTime> last_local_activity() const override { return {}; }

  [[nodiscard]] relay::Flow flow() const override { return relay_.flow(); }

  [[nodiscard]] asio::awaitable<void> changed_until(SteadyTime deadline) override {
    return relay_.changed_until(deadline);
  }

  [[nodiscard]] asio::awaitable<void> drain(SteadyTime deadline, bool last) override {
    return relay_.drain(deadline, last);
  }

  [[nodiscard]] asio::awaitable<void> stop() override { return relay_.stop(); }

  [[nodiscard]] relay::Snapshot snapshot() const override { return relay_.snapshot(); }

  [[nodiscard]] std::string stats_json() const override { return {}; }

  [[nodiscard]] bool anything_to_say() const override { return false; }

 private:
  relay::Relay& relay_;
};

relay::Settings one_dsn() {
  relay::Settings settings;
  settings.route.configured = {*proto::parse_dsn(kDsn)};
  return settings;
}

std::uint64_t no_bits() { return 7; }

class ThawEnvironment final : public Environment {
 public:
  ThawEnvironment(World& world, extension::Pace pace, Moment now)
      : world_(world),
        failures_({false, "", {}}, {port_, clock_, log_, stats_, disk_, no_bits}),
        lifecycle_(io_.get_executor(), {api_, clock_, log_, stats_.platform_retries}, port_,
                   failures_, stats_, {{.pace = pace}, "", "on-demand"}) {
    clock_.freeze(milliseconds{0}, milliseconds{now});
    asio::co_spawn(io_, lifecycle_.run("http://sandbox/"),
                   [this](const std::exception_ptr& thrown) {
                     if (thrown) std::abort();
                     ended_ = true;
                   });
    turn();
    frozen_ = true;
  }

  void invoke(Moment now, bool failing) override {
    thaw(now);
    begun_ = now;
    failing_ = failing;
    function_ends_ = now + world_.function;
    fails_ = failing ? function_ends_ - world_.rest : kNever;
    told_ = kNever;
    request_ = "r" + std::to_string(++invokes_);
    api_.invoke(request_, milliseconds{10'000});
    turn();
    hear(proto::TelemetryKind::start, now);
  }

  [[nodiscard]] std::optional<Moment> next() const override {
    if (frozen_) return std::nullopt;
    Moment next = std::min({fails_, function_ends_, told_});
    if (const auto wake = clock_.next_wake()) {
      next = std::min(next,
                      far_.now() + std::chrono::ceil<milliseconds>(*wake - clock_.now()).count());
    }
    return next;
  }

  void pass(Moment now) override {
    clock_.advance(milliseconds{now - far_.now()});
    turn();
    if (now >= fails_) fail(now);
    if (now >= function_ends_) end_function(now);
    if (now >= told_) tell();
    if (function_ends_ != kNever || !asked_) return;
    world_.bills.push_back({failing_, begun_, now - begun_});
    frozen_ = true;
  }

  [[nodiscard]] bool frozen() const override { return frozen_; }

  void shut_down(Moment now) override {
    thaw(now);
    api_.shutdown(milliseconds{2000});
    turn();
    while (!ended_) {
      const auto wake = clock_.next_wake();
      if (!wake) std::abort();
      clock_.advance(std::chrono::ceil<milliseconds>(*wake - clock_.now()));
      turn();
    }
    world_.held_for_news += stats_.holds.of(extension::HeldFor::telemetry).invokes;
    world_.held_for_delivery += stats_.holds.of(extension::HeldFor::delivery).invokes;
  }

 private:
  void thaw(Moment now) {
    clock_.freeze(milliseconds{0}, milliseconds{now - far_.now()});
    frozen_ = false;
    asked_ = false;
    far_.thaw();
    // What the platform has posted into the freeze is read first.
    if (told_ != kNever) tell();
    turn();
  }

  void fail(Moment now) {
    fails_ = kNever;
    if (!port_.take_own(envelope(world_.capture(now)))) std::abort();
    turn();
  }

  void end_function(Moment now) {
    ended_at_ = std::exchange(function_ends_, kNever);
    told_ = now + world_.told_late;
  }

  void tell() {
    told_ = kNever;
    hear(proto::TelemetryKind::runtime_done, ended_at_);
  }

  void hear(proto::TelemetryKind kind, Moment at) {
    proto::TelemetryRecord record;
    record.kind = kind;
    record.request_id = request_;
    record.time = clock_.wall_now() - milliseconds{far_.now() - at};
    lifecycle_.heard(record);
    turn();
  }

  /// Everything that can happen without time passing.
  void turn() {
    for (int idle = 0; idle < 2; ++idle) {
      if (io_.stopped()) io_.restart();
      while (io_.poll() > 0) idle = 0;
    }
    for (const auto& called : diary_) asked_ = asked_ || called == "next";
    diary_.clear();
  }

  World& world_;
  asio::io_context io_{1};
  support::ManualClock clock_{io_.get_executor()};
  extension_test::Diary diary_;
  extension_test::FakeExtensionsApi api_{io_.get_executor(), clock_, diary_};
  FarUpstream far_{io_, clock_, world_};
  NoLines lines_;
  relay::Log log_{{}, lines_, clock_};
  relay::NoJournal journal_;
  relay::Relay relay_{io_.get_executor(), clock_, log_, far_, journal_, one_dsn(), no_bits};
  Portless port_{relay_};
  extension::HostStats stats_;
  relay::SystemDisk disk_;
  extension::FailureReports failures_;
  extension::Lifecycle lifecycle_;

  bool ended_ = false;
  bool frozen_ = false;
  bool asked_ = false;  ///< next has been, for what is open
  bool failing_ = false;
  std::uint64_t invokes_ = 0;
  std::string request_;
  Moment begun_ = 0;
  Moment fails_ = kNever;
  Moment function_ends_ = kNever;
  Moment ended_at_ = 0;
  Moment told_ = kNever;
};

class PlainEnvironment final : public Environment {
 public:
  PlainEnvironment(World& world, bool flush) : world_(world), flush_(flush) {}

  void invoke(Moment now, bool failing) override {
    Moment end = now + world_.function - world_.rest;
    if (flush_ && failing) {
      const std::uint64_t event = world_.capture(end);
      if (!used_ || end - *used_ > world_.cut_after) end += world_.handshake * world_.round_trip;
      world_.arrive(event, end + world_.round_trip / 2);
      end += world_.round_trip;
      used_ = end;
    }
    end += world_.rest;
    world_.bills.push_back({failing, now, end - now});
    ends_ = end;
  }

  [[nodiscard]] std::optional<Moment> next() const override { return ends_; }

  void pass(Moment) override { ends_.reset(); }

  [[nodiscard]] bool frozen() const override { return !ends_; }

  void shut_down(Moment) override {}

 private:
  World& world_;
  bool flush_;
  std::optional<Moment> ends_;
  std::optional<Moment> used_;  ///< when the connection was
};

}  // namespace

std::uint64_t World::capture(Moment now) {
  captured_at.push_back(now);
  arrived_at.push_back(-1);
  return captured_at.size() - 1;
}

void World::arrive(std::uint64_t event, Moment now) {
  Moment& arrived = arrived_at.at(event);
  if (arrived >= 0) ++duplicates;
  if (arrived < 0) arrived = now;
}

std::unique_ptr<Environment> with_thaw(World& world, extension::Pace pace, Moment now) {
  return std::make_unique<ThawEnvironment>(world, pace, now);
}

std::unique_ptr<Environment> without_thaw(World& world, bool flush) {
  return std::make_unique<PlainEnvironment>(world, flush);
}

}  // namespace bench
