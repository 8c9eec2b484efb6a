#include "relay/schedule.hpp"

#include <algorithm>
#include <set>

#include "relay/retry_policy.hpp"

namespace relay {
namespace {

// The pause between tries at the end, where waiting for a back-off would mean giving up.
constexpr milliseconds kDrainPause{100};
constexpr milliseconds kIdle{60000};

/// What is begun in one go, beside what is on its way.
struct Together {
  std::size_t flights;
  std::size_t bytes;
  std::size_t most_bytes;

  /// A large one waits until the others are through, and they for it: else it would wait for ever.
  [[nodiscard]] bool fits(const Entry& entry) const {
    return flights == 0 || bytes + entry.bytes <= most_bytes;
  }

  void add(const Entry& entry) {
    ++flights;
    bytes += entry.bytes;
  }

  void remove(const Entry& entry) {
    --flights;
    bytes -= entry.bytes;
  }
};

/// Who asks whether a host is back: what can best spare a write. So one that brings its host down
/// does not hold up the others, and what must not be repeated is not used up while anything else
/// can ask.
struct Probe {
  const Entry* entry = nullptr;
  unsigned writes_left = 0;

  /// True: none can spare it better.
  bool consider(const Entry& next, WallTime now, Together& together) {
    const unsigned left = relay::writes_left(written_facts(next, now));
    if (entry == nullptr || left > writes_left) {
      if (entry != nullptr) together.remove(*entry);
      together.add(next);
      entry = &next;
      writes_left = left;
    }
    return next.full_writes == 0 && next.deduplicated_upstream == proto::Deduplicated::all;
  }
};

/// At the end a host that does not answer gets one try of each.
bool had_its_try(const Entry& entry, unsigned drainings) {
  return entry.tried_at_end > 0 && entry.tried_at_end == drainings &&
         entry.destination->host->breaker.open();
}

bool had_its_try(const Entry& entry, const SendingNow& now) {
  return now.gate == Gate::draining && had_its_try(entry, now.drainings);
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

/// Until a request to the host may begin, whatever waits for it and wherever it finds a place: 0
/// now, kIdle not before something happens.
milliseconds Schedule::left_alone(Host& host, const SendingNow& now, WallTime wall) const {
  if (!fits(host, now)) return kIdle;
  if (!probed_only(host, now.gate)) return milliseconds{0};
  return host.in_flight > 0 ? kIdle : host.breaker.until_probe(wall);
}

std::size_t Schedule::places(const Host& host) const {
  return settings_.connections - std::min(host.in_flight, settings_.connections);
}

bool Schedule::has_place(Host& host, const SendingNow& now) const {
  return places(host) > 0 && left_alone(host, now, clock_.wall_now()).count() == 0;
}

WaitingFacts Schedule::facts(Entry& entry, const SendingNow& now, WallTime wall) const {
  // A clock that stepped back begins the pause anew, once; and the time that upstream remembers.
  entry.back_off_begun = std::min(entry.back_off_begun, wall);
  entry.first_written = std::min(entry.first_written, wall);
  // To be awake because the host holds is no evidence that no freeze will come.
  const milliseconds awake = now.gate == Gate::late
                                 ? now.awake - std::max(entry.awake_at_accept, now.late_since)
                                 : milliseconds{0};
  WaitingFacts facts{milliseconds{0}, awake, entry.full_writes,
                     entry.deduplicated_upstream != proto::Deduplicated::none,
                     entry.recovered || entry.id < now.carried_below};
  // A probe is worth a try of whatever is there.
  if (probed_only(*entry.destination->host, now.gate)) return facts;
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
  if (had_its_try(entry, now)) return kIdle;
  const WaitingFacts waiting = facts(entry, now, wall);
  if (may_leave(waiting, now.gate, late_rule(now))) return milliseconds{0};
  return until_due(waiting, now.gate);
}

milliseconds Schedule::until_leaving(Entry& entry, const SendingNow& now) const {
  Host& host = *entry.destination->host;
  if (now.gate == Gate::closed || places(host) == 0) return kIdle;
  const WallTime wall = clock_.wall_now();
  return std::max(left_alone(host, now, wall), pause_of(entry, now, wall));
}

bool Schedule::may_go_on(Entry& entry, const SendingNow& now) const {
  return now.gate != Gate::late ||
         may_leave(facts(entry, now, clock_.wall_now()), now.gate, late_rule(now));
}

// Ten thousand may wait for a host that is left alone: they are not walked over to learn that.
Schedule::Room Schedule::room(const SendingNow& now, WallTime wall, milliseconds& again) const {
  Room room;
  if (now.gate == Gate::closed) return room;
  for (const auto& host : destinations_.hosts()) {
    const milliseconds pause = left_alone(*host, now, wall);
    const std::size_t free = places(*host);
    if (pause.count() > 0) {
      again = std::min(again, pause);
    } else if (free > 0) {
      room.emplace(host.get(), free);
    }
  }
  return room;
}

Schedule::Survey Schedule::survey(const SendingNow& now) const {
  Survey survey{{}, kIdle};
  const WallTime wall = clock_.wall_now();
  Room places = room(now, wall, survey.again);
  Together together{now.flights, now.bytes_in_flight, settings_.max_bytes};
  std::map<const Host*, Probe> probes;
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
    if (!together.fits(entry)) return false;
    bool taken = false;
    if (probed_only(*here->first, now.gate)) {
      taken = probes[here->first].consider(entry, wall, together);
    } else {
      together.add(entry);
      survey.leaving.push_back(entry.id);
      taken = --here->second == 0;
    }
    if (taken) places.erase(here);
    return true;
  });
  for (const auto& [host, probe] : probes) survey.leaving.push_back(probe.entry->id);
  return survey;
}

/// If no freeze could come.
bool Schedule::would_leave(Entry& entry, const SendingNow& now, WallTime wall) const {
  if (had_its_try(entry, now)) return false;
  const WaitingFacts waiting = facts(entry, now, wall);
  if (now.gate == Gate::carried && !waiting.carried) return false;
  return may_leave(waiting, Gate::open, late_rule(now));
}

std::set<const Host*> Schedule::hosts_left_alone(const SendingNow& now, WallTime wall) const {
  std::set<const Host*> alone;
  for (const auto& host : destinations_.hosts()) {
    if (left_alone(*host, now, wall).count() > 0) alone.insert(host.get());
  }
  return alone;
}

Schedule::Due Schedule::due(const SendingNow& now) const {
  Due due;
  const WallTime wall = clock_.wall_now();
  // What they would be asked with is known, or that they would not be.
  std::set<const Host*> asked = hosts_left_alone(now, wall);
  backlog_.each_in_order([&](Entry& entry) {
    if (due.envelopes || asked.size() == destinations_.hosts().size()) return false;
    const Host& host = *entry.destination->host;
    if (asked.contains(&host) || !would_leave(entry, now, wall)) return true;
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

bool Schedule::hopeless(unsigned drainings) const {
  bool hopeless = true;
  backlog_.each_in_order([&](const Entry& entry) {
    hopeless = had_its_try(entry, drainings);
    return hopeless;
  });
  return hopeless;
}

}  // namespace relay
