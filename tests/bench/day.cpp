// What a day costs: 86,400 simulated seconds of invokes at three rhythms, through the real deciders
// and movers (Lifecycle, pace, Rhythm, Relay) on a clock moved by hand, with a Sentry at a given
// distance, beside flush() and beside no Sentry at all.
// Usage: bench_day [--quick] [--json FILE]   tables; quick: an hour instead of the day
//        bench_day --scene WAY INVOKES WORK_MS REST_MS ROUND_TRIP_MS GAP_MS
//                                            one environment, the ninth of each ten invokes fails
//                                            REST_MS before its end, each comes GAP_MS behind the
//                                            freeze: JSON, see day.py
#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <limits>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/bench/arguments.hpp"
#include "tests/bench/day_environment.hpp"

namespace {

using bench::Environment;
using bench::Moment;
using bench::World;

constexpr Moment kDay = 86'400'000;
constexpr Moment kIdleLife = 600'000;  // an environment without an invoke for so long is ended
constexpr std::array kWays{"no Sentry", "flush()", "prompt", "overlap", "adaptive"};

struct Arrival {
  Moment at;
  double luck;  ///< it fails if this is below the error rate
};

using Traffic = std::vector<Arrival>;

/// The same traffic for every way; the seed is fixed.
class Draw {
 public:
  double luck() { return uniform_(bits_); }

  double gap(double mean_ms) { return std::exponential_distribution<double>(1 / mean_ms)(bits_); }

 private:
  std::mt19937_64 bits_{8};
  std::uniform_real_distribution<double> uniform_;
};

Traffic one_per_minute(Moment length) {
  Draw draw;
  Traffic traffic;
  for (Moment at = 0; at < length; at += 60'000) traffic.push_back({at, draw.luck()});
  return traffic;
}

/// 50 invokes at 5 a second, then a pause of ten minutes in the mean.
Traffic bursts(Moment length) {
  Draw draw;
  Traffic traffic;
  for (double at = draw.gap(600'000); at < static_cast<double>(length); at += draw.gap(600'000)) {
    for (int i = 0; i < 50; ++i, at += draw.gap(200)) {
      traffic.push_back({static_cast<Moment>(at), draw.luck()});
    }
  }
  return traffic;
}

Traffic twenty_per_second(Moment length) {
  Draw draw;
  Traffic traffic;
  for (double at = draw.gap(50); at < static_cast<double>(length); at += draw.gap(50)) {
    traffic.push_back({static_cast<Moment>(at), draw.luck()});
  }
  return traffic;
}

std::unique_ptr<Environment> start(std::string_view way, World& world, Moment now) {
  if (way == "prompt") return bench::with_thaw(world, extension::Pace::prompt, now);
  if (way == "overlap") return bench::with_thaw(world, extension::Pace::overlap, now);
  if (way == "adaptive") return bench::with_thaw(world, extension::Pace::adaptive, now);
  return bench::without_thaw(world, way == "flush()");
}

/// As many environments as it takes: an invoke goes to the free one that was used last.
class Fleet {
 public:
  Fleet(std::string_view way, World& world) : way_(way), world_(world) {}

  void invoke(Moment now, bool failing) {
    pass_until(now);
    end_idle(now);
    Place* place = nullptr;
    for (auto& one : places_) {
      if (!one.environment->frozen()) continue;
      if (place == nullptr || one.used > place->used) place = &one;
    }
    if (place == nullptr) {
      place = &places_.emplace_back(start(way_, world_, now), now);
      ++started_;
    }
    place->environment->invoke(now, failing);
    place->used = now;
  }

  /// Everything that happens before `limit`; returns when the last of it did.
  Moment pass_until(Moment limit) {
    for (Moment last = 0;;) {
      Moment next = limit;
      Place* whose = nullptr;
      for (auto& one : places_) {
        const auto wakes = one.environment->next();
        if (!wakes || *wakes >= next) continue;
        next = *wakes;
        whose = &one;
      }
      if (whose == nullptr) return last;
      whose->environment->pass(next);
      last = next;
    }
  }

  void end(Moment now) {
    for (auto& one : places_) one.environment->shut_down(now);
    places_.clear();
  }

  [[nodiscard]] std::size_t started() const { return started_; }

 private:
  struct Place {
    Place(std::unique_ptr<Environment> environment_in, Moment used_in)
        : environment(std::move(environment_in)), used(used_in) {}

    std::unique_ptr<Environment> environment;
    Moment used;
  };

  void end_idle(Moment now) {
    std::erase_if(places_, [&](Place& one) {
      if (!one.environment->frozen() || now - one.used < kIdleLife) return false;
      one.environment->shut_down(one.used + kIdleLife);
      return true;
    });
  }

  std::string_view way_;
  World& world_;
  std::vector<Place> places_;
  std::size_t started_ = 0;
};

struct Row {
  std::string way;
  std::size_t invokes = 0;
  std::size_t failing = 0;
  Moment added = 0;  ///< ms, all invokes together
  std::size_t environments = 0;
  std::vector<Moment> ages;  ///< sorted
  std::uint64_t duplicates = 0;
  std::size_t lost = 0;

  [[nodiscard]] double age(double part) const {
    if (ages.empty()) return 0;
    const auto at = static_cast<std::size_t>(part * static_cast<double>(ages.size() - 1));
    return static_cast<double>(ages[at]) / 1000;
  }
};

Row row_of(std::string_view way, const World& world, std::size_t environments) {
  Row row;
  row.way = way;
  row.invokes = world.bills.size();
  row.environments = environments;
  for (const auto& bill : world.bills) {
    row.added += bill.billed - world.function;
    row.failing += bill.failing ? 1 : 0;
  }
  for (std::size_t i = 0; i < world.captured_at.size(); ++i) {
    if (world.arrived_at[i] < 0) {
      ++row.lost;
    } else {
      row.ages.push_back(world.arrived_at[i] - world.captured_at[i]);
    }
  }
  std::ranges::sort(row.ages);
  row.duplicates = world.duplicates;
  return row;
}

Row play(std::string_view way, const Traffic& traffic, Moment function, double error_rate) {
  World world;
  world.function = function;
  Fleet fleet(way, world);
  for (const auto& arrival : traffic) fleet.invoke(arrival.at, arrival.luck < error_rate);
  const Moment end = traffic.back().at + kIdleLife;
  fleet.pass_until(end);
  fleet.end(end);
  return row_of(way, world, fleet.started());
}

void print(const Row& row) {
  const auto per = [](Moment ms, std::size_t count) {
    return count == 0 ? 0.0 : static_cast<double>(ms) / static_cast<double>(count);
  };
  const bool data = row.way != kWays[0];
  std::printf("| %s | %lld | %.2f | %.1f | %zu |", row.way.c_str(),
              static_cast<long long>(row.added), per(row.added, row.invokes),
              data ? per(row.added, row.failing) : 0.0, row.environments);
  if (data) {
    std::printf(" %.2f | %.2f | %.2f |", row.age(0.5), row.age(0.99), row.age(1));
  } else {
    std::printf(" – | – | – |");
  }
  std::printf(" %llu | %zu |\n", static_cast<unsigned long long>(row.duplicates), row.lost);
  std::fflush(stdout);
}

void write(std::FILE* json, const char* rhythm, Moment function, double rate, const Row& row,
           bool first) {
  if (json == nullptr) return;
  std::fprintf(json,
               "%s{\"rhythm\":\"%s\",\"function_ms\":%lld,\"error_rate\":%g,\"way\":\"%s\","
               "\"invokes\":%zu,\"failing\":%zu,\"added_ms\":%lld,\"environments\":%zu,"
               "\"age_s\":{\"p50\":%g,\"p99\":%g,\"max\":%g},\"duplicates\":%llu,\"lost\":%zu}",
               first ? "[" : ",\n", rhythm, static_cast<long long>(function), rate, row.way.c_str(),
               row.invokes, row.failing, static_cast<long long>(row.added), row.environments,
               row.age(0.5), row.age(0.99), row.age(1),
               static_cast<unsigned long long>(row.duplicates), row.lost);
}

/// What the tables rest on.
void explain(Moment length) {
  const World world;
  std::printf(
      "## Billed time over %s\n\n"
      "Simulated: real lifecycle, pace, rhythm and relay on a clock moved by hand; while frozen "
      "the "
      "monotonic clock stands still. Sentry is %lld ms away (a round trip), a new connection takes "
      "%d round trips (TCP, TLS 1.3), one that has been silent for %lld s is dead; `runtimeDone` "
      "comes %lld ms behind the function's end. An error is captured at the end of its invoke. An "
      "invoke goes to the free environment that was used last, or to a new one; one that is idle "
      "for ten minutes is ended. *flush()*: an invoke with an error waits for the answer, and for "
      "the handshake. Neither an SDK's own work, nor cold starts, nor the CPU of Thaw is in it. "
      "Added: what is billed beyond the function's own time. Ages: from the error to its arrival, "
      "in s. With flush() the callers wait for all of what is added; with Thaw for none of it.\n",
      length == kDay ? "a day" : "an hour", static_cast<long long>(world.round_trip),
      world.handshake, static_cast<long long>(world.cut_after / 1000),
      static_cast<long long>(world.told_late));
}

void tables(Moment length, std::FILE* json) {
  explain(length);

  struct Rhythm {
    const char* name;
    Traffic (*make)(Moment length);
  };

  constexpr std::array<Rhythm, 3> kRhythms{
      {{"1: one a minute", one_per_minute},
       {"2: 50 at 5 a second, then 10 min of pause (mean)", bursts},
       {"3: 20 a second, at random", twenty_per_second}}};
  bool first = true;
  for (const auto& [name, make] : kRhythms) {
    const Traffic traffic = make(length);
    for (const Moment function : {20, 200}) {
      for (const double rate : {0.01, 0.2}) {
        std::printf(
            "\n### Rhythm %s; function %lld ms, errors in %g %% of %zu invokes\n\n"
            "| | added, ms | ms an invoke | ms an error | environments | age p50 | p99 | max "
            "| duplicates | lost |\n|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n",
            name, static_cast<long long>(function), 100 * rate, traffic.size());
        for (const auto* way : kWays) {
          const Row row = play(way, traffic, function, rate);
          print(row);
          write(json, name, function, rate, row, std::exchange(first, false));
        }
      }
    }
  }
  if (json != nullptr) std::fputs("]\n", json);
}

template <class List, class Of>
void print_list(const char* before, const List& list, Of of) {
  const char* comma = "";
  std::printf("%s", before);
  for (const auto& one : list) {
    std::printf("%s%lld", std::exchange(comma, ","), static_cast<long long>(of(one)));
  }
}

/// The scene that the sandbox can play, too.
void scene(std::string_view way, int invokes, const World& given, Moment gap) {
  World world = given;
  Fleet fleet(way, world);
  Moment now = 0;
  for (int i = 0; i < invokes; ++i) {
    fleet.invoke(now, i % 10 == 8);
    now = fleet.pass_until(std::numeric_limits<Moment>::max()) + gap;
  }
  fleet.end(now);
  print_list("{\"begun\":[", world.bills, [](const auto& bill) { return bill.begun; });
  print_list("],\"billed\":[", world.bills, [](const auto& bill) { return bill.billed; });
  print_list("],\"captured\":[", world.captured_at, std::identity{});
  print_list("],\"arrived\":[", world.arrived_at, std::identity{});
  std::printf("],\"held\":{\"telemetry\":%llu,\"delivery\":%llu}}\n",
              static_cast<unsigned long long>(world.held_for_news),
              static_cast<unsigned long long>(world.held_for_delivery));
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (words.size() == 7 && words[0] == "--scene") {
    World world;
    world.handshake = 1;  // the scene's upstream has no TLS
    world.rest = std::stoll(words[4]);
    world.function = std::stoll(words[3]) + world.rest;
    world.round_trip = std::stoll(words[5]);
    scene(words[1], std::stoi(words[2]), world, std::stoll(words[6]));
    return 0;
  }
  const bench::Arguments arguments(words);
  tables(arguments.quick ? kDay / 24 : kDay, arguments.json.get());
  return 0;
}
