#include "relay/schedule.hpp"

#include <algorithm>
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

std::size_t Schedule::places(const Host& host, Gate gate) const {
  const std::size_t all = probed_only(host, gate) ? 1 : settings_.connections;
  return all - std::min(host.in_flight, all);
}

bool Schedule::has_place(Host& host, Gate gate) const {
  const bool left_alone =
      probed_only(host, gate) && host.breaker.until_probe(clock_.wall_now()).count() > 0;
  return !left_alone && places(host, gate) > 0;
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

/// Until this one may leave: 0 now, kIdle not before something happens.
milliseconds Schedule::pause_of(Entry& entry, const SendingNow& now, WallTime wall) const {
  if (had_its_try(entry, now.gate)) return kIdle;
  const WaitingFacts waiting = facts(entry, now, wall);
  if (may_leave(waiting, now.gate, late_rule(now))) return milliseconds{0};
  return until_due(waiting, now.gate);
}

milliseconds Schedule::until_leaving(Entry& entry, const SendingNow& now) const {
  const Host& host = *entry.destination->host;
  if (now.gate == Gate::closed || !fits(host, now) || places(host, now.gate) == 0) return kIdle;
  return pause_of(entry, now, clock_.wall_now());
}

// Ten thousand may wait for a host that is left alone: they are not walked over to learn that.
Schedule::Room Schedule::room(const SendingNow& now, WallTime wall, milliseconds& again) const {
  Room room;
  if (now.gate == Gate::closed) return room;
  for (const auto& host : destinations_.hosts()) {
    const std::size_t free = fits(*host, now) ? places(*host, now.gate) : 0;
    if (free == 0) continue;
    const milliseconds pause =
        probed_only(*host, now.gate) ? host->breaker.until_probe(wall) : milliseconds{0};
    if (pause.count() > 0) {
      again = std::min(again, pause);
    } else {
      room.emplace(host.get(), free);
    }
  }
  return room;
}

Schedule::Survey Schedule::survey(const SendingNow& now) const {
  Survey survey{{}, kIdle};
  const WallTime wall = clock_.wall_now();
  Room places = room(now, wall, survey.again);
  std::size_t flights = now.flights;
  std::size_t bytes = now.bytes_in_flight;
  backlog_.each_in_order([&](Entry& entry) {
    // Who finds no place is looked at when a request ends.
    if (places.empty()) return false;
    const auto here = places.find(entry.destination->host);
    if (here == places.end()) return true;
    const milliseconds pause = pause_of(entry, now, wall);
    if (pause.count() > 0) {
      survey.again = std::min(survey.again, pause);
      return true;
    }
    // A large one waits until the others are through, and they for it: else it would wait for ever.
    if (flights > 0 && bytes + entry.bytes > settings_.max_bytes) return false;
    ++flights;
    bytes += entry.bytes;
    survey.leaving.push_back(entry.id);
    if (--here->second == 0) places.erase(here);
    return true;
  });
  return survey;
}

Schedule::Due Schedule::due(const SendingNow& now) const {
  Due due;
  const WallTime wall = clock_.wall_now();
  std::set<const Host*> asked;  // what it would be asked with is known, or that it would not be
  for (const auto& host : destinations_.hosts()) {
    const bool probe = probed_only(*host, now.gate);
    const bool left_alone = host->in_flight > 0 || host->breaker.until_probe(wall).count() > 0;
    if (!fits(*host, now) || (probe && left_alone)) asked.insert(host.get());
  }
  backlog_.each_in_order([&](Entry& entry) {
    if (due.envelopes || asked.size() == destinations_.hosts().size()) return false;
    const Host& host = *entry.destination->host;
    if (asked.contains(&host) || had_its_try(entry, now.gate)) return true;
    const WaitingFacts waiting = facts(entry, now, wall);
    if (now.gate == Gate::carried && !waiting.carried) return true;
    if (!may_leave(waiting, Gate::open, late_rule(now))) return true;
    if (probed_only(host, now.gate)) {
      asked.insert(&host);
      ++due.probes;
    } else {
      due.envelopes = true;
    }
    return true;
  });
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
