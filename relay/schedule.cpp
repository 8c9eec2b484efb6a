#include "relay/schedule.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace relay {
namespace {

// The pause between tries at the end, where waiting for a back-off would mean giving up.
constexpr milliseconds kDrainPause{100};
constexpr milliseconds kIdle{60000};

/// At the end a host that does not answer gets one try of each.
bool had_its_try(const Entry& entry, Gate gate) {
  return gate == Gate::draining && entry.tried_at_end && entry.destination->host->breaker.open();
}

}  // namespace

Schedule::Schedule(DeliverySettings settings, const Clock& clock, Backlog& backlog,
                   Destinations& destinations)
    : settings_(settings), clock_(clock), backlog_(backlog), destinations_(destinations) {}

bool Schedule::probed_only(const Host& host, Gate gate) const {
  return host.breaker.open() && gate != Gate::draining;
}

// One request may always be tried: else a single slow answer could end all sending.
bool Schedule::fits(const Host& host, const SendingNow& now) const {
  if (!now.begun || now.gate == Gate::draining) return true;
  return now.closes - host.usual >= clock_.now();
}

std::size_t Schedule::places(Host& host, Gate gate, WallTime wall) const {
  const bool probed = probed_only(host, gate);
  // Nobody who waits for such a host is looked at before its next probe: there may be thousands.
  if (probed && host.breaker.until_probe(wall).count() > 0) return 0;
  const std::size_t all = probed ? 1 : settings_.connections;
  return all - std::min(host.in_flight, all);
}

bool Schedule::has_place(Host& host, Gate gate) const {
  return places(host, gate, clock_.wall_now()) > 0;
}

bool Schedule::has_place(Gate gate) const {
  return std::ranges::any_of(destinations_.hosts(),
                             [&](const auto& host) { return has_place(*host, gate); });
}

WaitingFacts Schedule::facts(Entry& entry, const SendingNow& now, WallTime wall) const {
  // A clock that stepped back begins the pause anew, once.
  entry.back_off_begun = std::min(entry.back_off_begun, wall);
  // To be awake because the host holds is no evidence that no freeze will come.
  const milliseconds awake = now.gate == Gate::late
                                 ? now.awake - std::max(entry.awake_at_accept, now.late_since)
                                 : milliseconds{0};
  WaitingFacts facts{milliseconds{0}, awake, entry.full_writes, entry.deduplicated_upstream,
                     entry.recovered || entry.id < now.carried_below};
  Host& host = *entry.destination->host;
  if (probed_only(host, now.gate)) {
    facts.back_off_left = host.breaker.until_probe(wall);
    return facts;
  }
  const auto pause =
      now.gate == Gate::draining ? std::min(entry.back_off, kDrainPause) : entry.back_off;
  facts.back_off_left = remaining(entry.back_off_begun, pause, wall);
  return facts;
}

LateRule Schedule::late_rule(const SendingNow& now) const { return {settings_.late, now.soon}; }

milliseconds Schedule::until_due(const WaitingFacts& waiting, Gate gate) const {
  if (waiting.back_off_left.count() > 0) return waiting.back_off_left;
  // Not late, or sent completely once already: not before the gate changes. Else a slice at a time,
  // so that it is counted.
  return gate != Gate::late || waiting.full_writes > 0
             ? kIdle
             : std::min(kAwakeSlice, settings_.late - waiting.awake);
}

Schedule::Survey Schedule::survey(const SendingNow& now) const {
  std::map<const Host*, std::size_t> room;
  std::size_t free = 0;
  Survey survey{{}, kIdle};
  const WallTime wall = clock_.wall_now();
  for (const auto& host : destinations_.hosts()) {
    free += room[host.get()] = places(*host, now.gate, wall);
    const milliseconds pause = host->breaker.until_probe(wall);
    if (probed_only(*host, now.gate) && pause.count() > 0)
      survey.again = std::min(survey.again, pause);
  }
  std::size_t flights = now.flights;
  std::size_t bytes = now.bytes_in_flight;
  backlog_.each_in_order([&](Entry& entry) {
    // Who finds no place is looked at when a request ends.
    if (free == 0) return false;
    std::size_t& here = room[entry.destination->host];
    if (here == 0 || had_its_try(entry, now.gate)) return true;
    if (!fits(*entry.destination->host, now)) return true;
    const WaitingFacts waiting = facts(entry, now, wall);
    if (!may_leave(waiting, now.gate, late_rule(now))) {
      survey.again = std::min(survey.again, until_due(waiting, now.gate));
      return true;
    }
    // A large one waits until the others are through, and they for it: else it would wait for ever.
    if (flights > 0 && bytes + entry.bytes > settings_.max_bytes) return false;
    --here;
    --free;
    ++flights;
    bytes += entry.bytes;
    survey.leaving.push_back(entry.id);
    return true;
  });
  return survey;
}

Schedule::Due Schedule::due(const SendingNow& now) const {
  Due due;
  std::set<const Host*> probes;
  const WallTime wall = clock_.wall_now();
  backlog_.each_in_order([&](Entry& entry) {
    const Host& host = *entry.destination->host;
    const bool probe = probed_only(host, now.gate);
    if (probe && (host.in_flight > 0 || probes.contains(&host))) return true;
    if (had_its_try(entry, now.gate) || !fits(host, now)) return true;
    const WaitingFacts waiting = facts(entry, now, wall);
    if (now.gate == Gate::carried && !waiting.carried) return true;
    if (!may_leave(waiting, Gate::open, late_rule(now))) return true;
    if (probe) {
      probes.insert(&host);
    } else {
      ++due.envelopes;
    }
    return true;
  });
  due.probes = probes.size();
  return due;
}

bool Schedule::hopeless() const {
  bool hopeless = true;
  backlog_.each_in_order([&](const Entry& entry) {
    hopeless = had_its_try(entry, Gate::draining);
    return hopeless;
  });
  return hopeless;
}

}  // namespace relay
