#include "relay/loss_reporter.hpp"

#include <algorithm>

#include <boost/asio/experimental/awaitable_operators.hpp>

#include "relay/upstream_request.hpp"

namespace relay {
namespace {

// How often SDKs report (getsentry/sentry-ruby, getsentry/sentry-go), and Relay.
constexpr milliseconds kPause{30000};
// A report is not worth more: it goes on a connection that has just answered.
constexpr milliseconds kLimit{2000};

constexpr unsigned kRedirect = 300;
constexpr unsigned kTooManyRequests = 429;
constexpr unsigned kServerError = 500;

}  // namespace

LossReporter::LossReporter(const asio::any_io_executor& executor, Clock& clock, Upstream& upstream,
                           Stats& stats)
    : clock_(clock), upstream_(upstream), stats_(stats), given_up_(executor) {}

asio::awaitable<void> LossReporter::follow(Destination& destination) {
  const WallTime now = clock_.wall_now();
  if (hushed_ || destination.losses.empty()) co_return;
  auto& reported = destination.reported_at;
  // A clock that stepped back begins the pause anew, once.
  if (reported) reported = std::min(*reported, now);
  if (reported && remaining(*reported, kPause, now).count() > 0) co_return;
  // From now on, whatever comes of it.
  reported = now;
  co_await send_batch(destination, clock_.now() + kLimit);
}

asio::awaitable<void> LossReporter::finish(Destinations& destinations, SteadyTime deadline) {
  for (const auto& destination : destinations.all()) {
    while (!destination->losses.empty() && clock_.now() < deadline) {
      if (!co_await send_batch(*destination, deadline)) break;
    }
  }
}

void LossReporter::hush() {
  hushed_ = true;
  given_up_.notify();
}

asio::awaitable<bool> LossReporter::send_batch(Destination& destination, SteadyTime deadline) {
  using asio::experimental::awaitable_operators::operator||;
  const proto::ClientReport batch = destination.losses.take_batch();
  const ComposedRequest composed = compose_report(batch, destination, clock_.wall_now());
  SendProgress progress;
  const auto first =
      co_await (attempt(composed.request, progress) || given_up_.wait_until(clock_, deadline));
  const bool answered = first.index() == 0 && std::get<0>(first);
  if (answered) ++stats_.reports_sent;
  if (!answered && !progress.fully_written) destination.losses.merge(batch);
  co_return answered;
}

/// Whether upstream took it; an exception as a value, because thrown it would keep operator||
/// waiting.
asio::awaitable<bool> LossReporter::attempt(const UpstreamRequest& request,
                                            SendProgress& progress) {
  try {
    const auto answer = co_await upstream_.send(request, progress);
    // What upstream answered in full and did not take may be told again.
    if (answer && (answer->status == kTooManyRequests || answer->status >= kServerError))
      progress.fully_written = false;
    co_return answer && answer->status < kRedirect;
  } catch (...) {
    co_return false;
  }
}

}  // namespace relay
