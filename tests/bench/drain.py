#!/usr/bin/env python3
"""What Thaw delivers at SHUTDOWN of what waits, and what that costs: a burst in the last invoke, over TLS.

Prints Markdown; the figures are in build/bench/drain.json. PASS and FAIL say whether what is promised was seen this
time, on this machine: a benchmark, no test, so the exit code is 0 either way.
"""

import argparse
import json
import os
import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "system"))

import sandbox
from figures import Page
from watched import Watched

FUNCTION = [sys.executable, pathlib.Path(__file__).with_name("burst.py")]
# Known as a rhythm, so that the next invoke counts as soon and nothing leaves before it by itself.
REHEARSALS = 9
BYTES = 2000
ERROR_EVERY = 20
EXIT_MARGIN_MS = 100  # kept for the last line and the exit
HANDSHAKE_TRIPS = 2  # TCP, TLS 1.3
WANTED = 0.9
# What a function of 128 MB has of a processor, together with its extensions.
SHARE = 0.07
BURSTS = [(8, 10), (20, 10), (20, 50), (200, 50)]


class Drain:
    """One run: `waiting` envelopes, `connections`, a round trip in ms. `planned`: a burst of its own."""

    def __init__(self, waiting, trip_ms, connections=None, options=(), env=None, planned=None):
        self.waiting, self.trip_ms, self.connections = waiting, trip_ms, connections
        watched = Watched(os.getpid(), "thaw")
        planned = planned or {"burst": waiting, "bytes": BYTES, "error_every": ERROR_EVERY}
        events = [{}] * REHEARSALS + [planned]
        variables = {**sandbox.TLS, "THAW_PACE": "overlap", "THAW_LATE_MS": "60000",
                     "THAW_CONNECTIONS": None if connections is None else str(connections), **(env or {})}
        self.run = sandbox.run(
            [*FUNCTION, json.dumps(planned)], f"invoke*{len(events)} spindown", thaw=True, events=events, env=variables,
            options=["--tls", "--upstream-latency-ms", str(trip_ms), "--timeout-ms", "120000", "--gap-ms", "50",
                     "--memory-mb", "128", *options])
        self._read(watched.ended())

    def _read(self, watched):
        last = self.run.invokes[-1]
        self.accepted = last["response"]["accepted"]
        self.stats = self.run.stats  # None: killed before its last line
        told = next(event for event in self.run.report["platform"] if event["what"].startswith("SHUTDOWN to thaw"))
        self.begun = told["at_ms"]
        left = float(told["what"].split(", ")[1].split()[0])
        self.window_ms = left - EXIT_MARGIN_MS
        self.early = [arrival for arrival in self.run.report["arrivals"] if arrival["at_ms"] < self.begun]
        self.arrivals = [arrival for arrival in self.run.report["arrivals"] if arrival["at_ms"] >= self.begun]
        self.used = len({arrival["connection"] for arrival in self.arrivals})
        self.delivered = self.stats["envelopes"]["delivered"] if self.stats else 0
        upstream = self.stats["upstream"] if self.stats else {"wire_bytes_out": 0, "requests": 1}
        self.wire_bytes = upstream["wire_bytes_out"] / max(1, upstream["requests"])
        self.took_ms = max((arrival["at_ms"] for arrival in self.arrivals), default=self.begun) - self.begun
        burst_end = last["start_ms"] + last["response_ms"]
        self.accept_ms = watched.cpu_ms(last["start_ms"], burst_end)
        self.cpu_ms = watched.cpu_ms(self.begun)
        self.peak_kib = watched.peak_kib

    def possible(self, connections):
        """What so many connections can carry in the time there is: whole round trips behind the handshakes."""
        trips = (self.window_ms - HANDSHAKE_TRIPS * self.trip_ms) // self.trip_ms
        return min(self.waiting, int(connections * trips))

    def formula(self, connections):
        """Connections × (1.3 s − handshakes) / round trip."""
        return min(self.waiting, connections * (1300 - HANDSHAKE_TRIPS * self.trip_ms) / self.trip_ms)

    def errors_first(self):
        """No other arrives before the last error has left; all that fit are errors, or all errors are there. What is
        under way on other connections may overtake by as many as there are connections."""
        kinds = ["event" in arrival["items"] for arrival in self.arrivals]
        errors = sum(kinds)
        among_first = sum(kinds[:errors + self.used])
        return errors == min(self.waiting // ERROR_EVERY, len(kinds)) and among_first == errors

    def imbalance(self):
        """What speaks against promise P4, and that nothing acknowledged is without a fate; empty if nothing does."""
        if self.stats is None:
            return "killed before its last line"
        taken = self.stats["envelopes"]["accepted"]
        if taken != self.accepted:
            return f"{taken} accepted, {self.accepted} acknowledged"
        return ", ".join(
            name for name, items in self.stats["items"].items()
            if items["accepted"] + items["recovered"] != items["delivered"] + items["waiting"]
            + sum(items["refused"].values()) + sum(items["dropped"].values()))

    def figures(self):
        """For the JSON file."""
        return {"waiting": self.waiting, "trip_ms": self.trip_ms, "connections": self.connections,
                "delivered": self.delivered, "before_shutdown": len(self.early), "window_ms": self.window_ms,
                "took_ms": round(self.took_ms, 1), "cpu_ms": round(self.cpu_ms, 2),
                "accept_cpu_ms": round(self.accept_ms, 2), "peak_kib": self.peak_kib,
                "errors_first": self.errors_first(), "imbalance": self.imbalance()}


def best(drains):
    """The run with the median of what was delivered."""
    return sorted(drains, key=lambda drain: drain.delivered)[len(drains) // 2]


class Bench:
    """The blocks, and what they have measured."""

    def __init__(self, chosen, page):
        self.chosen, self.page = chosen, page
        self.figures = {}

    def drain(self, block, *arguments, **options):
        """The median of some rounds."""
        drain = best([Drain(*arguments, **options) for _ in range(self.chosen.rounds)])
        self.figures.setdefault(block, []).append(drain.figures())
        if self.chosen.verbose:
            print(drain.figures(), file=sys.stderr)
        return drain

    def formula(self):
        """Block 1: four connections, what waits against what arrives."""
        self.page.say("\n### Delivered at SHUTDOWN by four connections\n")
        self.page.say("2 KB each, every 20th an error. *Possible*: whole round trips behind the handshakes, in the "
                      f"time that SHUTDOWN left less {EXIT_MARGIN_MS} ms.")
        rows, short, order, accounts = [], [], [], []
        for waiting in self.chosen.waiting:
            for trip in self.chosen.trips:
                drain = self.drain("formula", waiting, trip, 4)
                possible, formula = drain.possible(4), drain.formula(4)
                self.figures["formula"][-1]["formula"] = round(formula, 1)
                name = f"{waiting:,} waiting, {trip} ms"
                rows.append([name, f"{drain.delivered:,}", f"{possible:,}", f"{drain.delivered / formula:.0%}",
                             f"{drain.took_ms:.0f}", f"{1000 * drain.cpu_ms / max(1, drain.delivered):.0f}"])
                wanted = min(WANTED * formula, possible)
                if drain.delivered < wanted:
                    short.append(f"{name}: {drain.delivered:,} of {wanted:,.0f}")
                order += [] if drain.errors_first() else [name]
                accounts += [f"{name}: {drain.imbalance()}"] if drain.imbalance() else []
        self.page.table(["", "delivered", "possible", "of 4 × (1.3 s − handshakes) / round trip", "last after, ms",
                         "CPU each, µs"], rows)
        self.page.promise("delivered at SHUTDOWN by 4 connections",
                          f"at least {WANTED:.0%} of 4 × (1.3 s − handshakes) / round trip, in whole round trips",
                          "; ".join(short) or f"so in {len(rows)} of {len(rows)} cases", not short)
        for what, bad in (("errors leave first", order), ("the accounts balance", accounts)):
            self.page.promise(f"at SHUTDOWN {what}", "in each case",
                              f"not: {'; '.join(bad)}" if bad else f"in {len(rows)} of {len(rows)}", not bad)

    def connections(self):
        """Block 2: what more connections buy, and what they cost."""
        rows = []
        for count in self.chosen.connections:
            drains = [self.drain("connections", 10_000, trip, count) for trip in self.chosen.trips]
            rows.append([str(count), *(f"{drain.delivered:,}" for drain in drains),
                         *(f"{1000 * drain.cpu_ms / max(1, drain.delivered):.0f}" for drain in drains),
                         f"{max(drain.peak_kib for drain in drains) / 1024:.1f}"])
        trips = [f"{trip} ms" for trip in self.chosen.trips]
        self.page.say("\n### What more connections buy: of 10,000 waiting, delivered at SHUTDOWN")
        self.page.table(["connections", *trips, *(f"CPU each, {trip}, µs" for trip in trips), "peak, MiB"], rows)

    def quota(self):
        """Block 3: small and large bursts with a 128 MB function's share of a processor."""
        rows = []
        for count in self.chosen.connections:
            drains = [self.drain("quota", waiting, trip, count, options=["--cpu", str(SHARE)])
                      for waiting, trip in BURSTS]
            rows.append([str(count), *(f"{drain.delivered} in {drain.took_ms:.0f} ms" for drain in drains)])
        self.page.say(f"\n### The same on {SHARE:.0%} of a processor: delivered, and when the last one was")
        self.page.table(["connections", *(f"{waiting} waiting, {trip} ms" for waiting, trip in BURSTS)], rows)

    def growth(self):
        """Block 4: processor time of an envelope against the number that waits."""
        rows = []
        for waiting in self.chosen.waiting:
            drain = self.drain("growth", waiting, 10, 4)
            rows.append([f"{waiting:,}", f"{1000 * drain.accept_ms / waiting:.0f}",
                         f"{1000 * drain.cpu_ms / max(1, drain.delivered):.0f}", f"{drain.peak_kib / 1024:.1f}"])
        self.page.say("\n### Growth: processor time of an envelope, µs")
        self.page.table(["waiting", "to accept", "to deliver", "peak, MiB"], rows)


BLOCKS = {"formula": Bench.formula, "connections": Bench.connections, "quota": Bench.quota, "growth": Bench.growth}


def main():
    """The chosen blocks, one after the other."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--quick", action="store_true", help="fewer runs")
    options.add_argument("--rounds", type=int, default=3, help="runs of each row; the median counts")
    options.add_argument("--blocks", default=",".join(BLOCKS), help="such as formula,growth")
    options.add_argument("--verbose", action="store_true", help="each run's figures as they come")
    chosen = options.parse_args()
    chosen.rounds = 1 if chosen.quick else chosen.rounds
    chosen.waiting = [100, 1000, 10_000]
    chosen.trips = [10, 50, 200]
    chosen.connections = [1, 4, 16] if chosen.quick else [1, 2, 4, 8, 16, 32]
    page = Page()
    page.say("## Drain at SHUTDOWN")
    bench = Bench(chosen, page)
    for block in chosen.blocks.split(","):
        BLOCKS[block](bench)
    page.leave("drain", bench.figures)


if __name__ == "__main__":
    main()
