#include "relay/judge.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include <boost/asio/error.hpp>

#include "relay/limited_items.hpp"
#include "relay/retry_policy.hpp"

namespace relay {
namespace {

constexpr unsigned kBadRequest = 400;
constexpr unsigned kUnauthorized = 401;
constexpr unsigned kForbidden = 403;
constexpr unsigned kTooManyRequests = 429;

/// Of a request into whose body nobody has looked. A limit of errors names default, too (Sentry
/// develop docs, "Rate Limiting"): what we count as default may as well be logs or spans, so only a
/// limit for everything stops it.
bool is_limited(const proto::CategoryCounts& counts, const proto::RateLimits& limits,
                WallTime now) {
  return std::ranges::any_of(proto::all_categories(), [&](proto::Category category) {
    if (counts[category] == 0) return false;
    return category == proto::Category::default_ ? limits.left(now).count() > 0
                                                 : limits.blocked(category, now);
  });
}

}  // namespace

Judge::Judge(Clock& clock, Log& log, Backlog& backlog, Stats& stats, std::uint64_t (*random)())
    : clock_(clock), log_(log), backlog_(backlog), stats_(stats), random_(random) {}

void Judge::answered(Entry& entry, const UpstreamAnswer& answer, bool zstd) {
  Destination& destination = *entry.destination;
  const WallTime now = clock_.wall_now();
  if (!answer.rate_limits.empty()) destination.limits.learn(answer.rate_limits, now);
  const Outcome outcome = outcome_of(answer.status, zstd);
  const bool in_trouble = outcome == Outcome::retry || outcome == Outcome::retry_once;
  const std::string said = in_trouble ? "answers " + std::to_string(answer.status) : "";
  if (in_trouble) say_kept(destination.route.dsn.host + " " + said);
  outcome == Outcome::retry ? host_failed(*destination.host, said)
                            : host_answered(*destination.host);
  switch (outcome) {
    case Outcome::delivered:
      backlog_.deliver(entry.id);
      break;
    case Outcome::refused:
      say_refused(destination, answer.status);
      backlog_.refuse(entry.id, answer.status);
      break;
    case Outcome::rate_limited:
      rate_limited(entry, answer);
      break;
    case Outcome::recompress:
      destination.host->compression = Compression::gzip;
      break;
    case Outcome::retry:
      back_off_from(entry);
      break;
    case Outcome::retry_once:
      server_failed(entry);
      break;
  }
}

void Judge::say_kept(const std::string& trouble) {
  log_.once("unanswered", LogLevel::warn, trouble + "; events are kept and sent again later");
}

/// Once per DSN, however often.
void Judge::say_refused(const Destination& destination, unsigned status) {
  const std::string dsn = proto::to_public_string(destination.route.dsn);
  std::string_view kind = "refused ";
  std::string_view why =
      "; it does not take what the SDK sent, which is counted under refused in /stats";
  if (status == kUnauthorized || status == kForbidden) {
    kind = "unknown ";
    why =
        "; check that key and project are those of the DSN in Sentry, and that the project is not "
        "disabled";
  } else if (status < kBadRequest) {
    kind = "redirected ";
    why = "; redirects are not followed: check the DSN's scheme and host";
  }
  log_.once(std::string(kind) + dsn, LogLevel::warn,
            "upstream answered " + std::to_string(status) + " for " + dsn + std::string(why));
}

void Judge::rate_limited(Entry& entry, const UpstreamAnswer& answer) {
  const WallTime now = clock_.wall_now();
  const std::string dsn = proto::to_public_string(entry.destination->route.dsn);
  log_.once("limited " + dsn, LogLevel::warn,
            "upstream answered 429 for " + dsn +
                "; look at the project's quotas and rate limits. What it does not want is counted "
                "under refused and dropped in /stats");
  const bool bare = answer.rate_limits.empty();
  if (bare) entry.destination->limits.learn_bare_429(answer.retry_after, now);
  // Of what is one piece nothing was taken either, by whatever name the limit goes.
  if (bare || entry.counts.wide().total() == 1) {
    backlog_.refuse(entry.id, kTooManyRequests);
    return;
  }
  const auto refused = limited(entry, limits_of_429(answer.rate_limits, now), now);
  if (refused) backlog_.deliver_without(entry.id, refused->counts, kTooManyRequests);
}

void Judge::server_failed(Entry& entry) {
  if (++entry.server_errors > 1) {
    backlog_.drop(entry.id, DropReason::send_error);
    return;
  }
  back_off_from(entry);
}

bool Judge::written_too_often(Entry& entry, const FlightFacts& flight) {
  if (!flight.progress.fully_written) return false;
  if (entry.full_writes++ == 0) entry.first_written = flight.progress.last_byte;
  if (writes_left(written_facts(entry, clock_.wall_now())) > 0) return false;
  backlog_.drop(entry.id, DropReason::network_error);
  return true;
}

void Judge::unanswered(Entry& entry, const FlightFacts& flight, boost::system::error_code why) {
  ++stats_.failures;
  if (flight.judged) ++stats_.cuts;
  if (written_too_often(entry, flight)) return;
  const bool in_vain = flight.given_up && !flight.blamed;
  // A cut, a kept connection that had died meanwhile, or our own end says nothing about the
  // upstream.
  if (flight.judged || flight.progress.reused_connection || why == asio::error::operation_aborted) {
    // But one that had all the time there was and got no answer was not merely cut.
    if (flight.judged && in_vain) host_failed(*entry.destination->host);
    if (flight.progress.fully_written) pause_before_repeat(entry, flight.progress.last_byte);
    return;
  }
  if (!flight.exposed || in_vain) host_failed(*entry.destination->host);
  if (flight.exposed) {
    may_be_cut(entry);
  } else {
    say_kept("no answer from " + entry.destination->route.dsn.host + ": " + why.message());
  }
  back_off_from(entry);
}

void Judge::may_be_cut(Entry& entry) {
  if (maybe_cut_.size() >= backlog_.size()) {
    std::erase_if(maybe_cut_, [this](std::uint64_t id) {
      const Entry* const marked = backlog_.find(id);
      return marked == nullptr || !marked->maybe_cut;
    });
  }
  maybe_cut_.push_back(entry.id);
  entry.maybe_cut = true;
}

void Judge::thawed() {
  for (const std::uint64_t id : std::exchange(maybe_cut_, {})) {
    Entry* const entry = backlog_.find(id);
    if (entry == nullptr || !std::exchange(entry->maybe_cut, false)) continue;
    ++stats_.cuts;
    entry->failures = 0;
    entry->back_off = repeat_pause(entry->full_writes, random_());
  }
}

void Judge::gave_up(Host& host) { host_failed(host); }

void Judge::broke(Entry& entry, const FlightFacts& flight) {
  (void)written_too_often(entry, flight);
}

// The freeze is part of the pause: it began when the request was written.
void Judge::pause_before_repeat(Entry& entry, WallTime written) {
  entry.back_off = repeat_pause(entry.full_writes, random_());
  entry.back_off_begun = written;
}

void Judge::back_off_from(Entry& entry) {
  entry.back_off = back_off(++entry.failures, random_());
  entry.back_off_begun = clock_.wall_now();
}

void Judge::host_failed(Host& host, std::string_view how) {
  const bool was_open = host.breaker.open();
  host.breaker.failed(clock_.wall_now());
  if (was_open || !host.breaker.open()) return;
  ++stats_.breaker_openings;
  log_.once("breaker " + host.endpoint.host, LogLevel::warn,
            host.endpoint.host + " " + std::string(how) +
                "; events are kept, and it is asked again "
                "with one at a time, at most a minute apart");
}

void Judge::host_answered(Host& host) {
  const bool was_open = host.breaker.open();
  host.breaker.succeeded();
  if (!was_open) return;
  // It is back: nobody waits any longer.
  backlog_.each_in_order([&](Entry& entry) {
    if (entry.destination->host == &host) entry.back_off = milliseconds{0};
    return true;
  });
}

std::optional<Judge::Limited> Judge::limited(const Entry& entry, const proto::RateLimits& limits,
                                             WallTime now) {
  std::shared_ptr<const Parcel> parcel;
  std::vector<proto::ItemFacts> items;
  if (entry.large) {
    for (const auto& item : entry.large->items) {
      items.push_back({item.type, item.attachment_type, item.platform});
    }
  } else {
    parcel = backlog_.load(entry.id);
    if (!parcel) return std::nullopt;
    if (const auto* envelope = parcel->envelope()) items = facts_of(*envelope);
  }
  if (!items.empty()) {
    Limited found{limited_items(items, limits, now), {}};
    found.counts = counts_of(items, found.flagged);
    return found;
  }
  const auto counts = entry.counts.wide();
  if (!is_limited(counts, limits, now)) return Limited{{false}, {}};
  return Limited{{true}, counts};
}

std::optional<std::vector<bool>> Judge::limited_in_part(const Entry& entry) {
  const WallTime now = clock_.wall_now();
  if (!entry.destination->limits.any(now)) return std::vector<bool>();
  const std::uint64_t id = entry.id;
  auto found = limited(entry, entry.destination->limits, now);
  if (!found) return std::nullopt;
  const auto flags = std::ranges::count(found->flagged, true);
  if (flags == 0) return std::vector<bool>();
  if (flags < std::ssize(found->flagged)) return std::move(found->flagged);
  backlog_.drop(id, DropReason::ratelimit_backoff);
  return std::nullopt;
}

std::size_t Judge::bytes_to_read(const Entry& entry) const {
  const bool read = !entry.large && !entry.parcel;
  return read && entry.destination->limits.any(clock_.wall_now()) ? entry.bytes : 0;
}

bool Judge::drop_limited(Entry& entry) {
  const std::uint64_t id = entry.id;
  const auto flagged = limited_in_part(entry);
  if (!flagged) return true;
  if (flagged->empty() || entry.large) return false;
  backlog_.drop_items(id, *flagged, DropReason::ratelimit_backoff);
  const Entry* left = backlog_.find(id);
  return left == nullptr || is_spent(*left);
}

std::unique_ptr<Backlog::Reducing> Judge::reduce(const Entry& entry,
                                                 std::shared_ptr<const Parcel> parcel) {
  if (!entry.large) return nullptr;
  const std::uint64_t id = entry.id;
  auto flagged = limited_in_part(entry);
  if (!flagged || flagged->empty()) return nullptr;
  return std::make_unique<Backlog::Reducing>(backlog_, id, std::move(parcel), std::move(*flagged),
                                             DropReason::ratelimit_backoff);
}

bool Judge::is_spent(const Entry& entry) {
  if (writes_left(written_facts(entry, clock_.wall_now())) > 0) return false;
  backlog_.drop(entry.id, DropReason::network_error);
  return true;
}

}  // namespace relay
