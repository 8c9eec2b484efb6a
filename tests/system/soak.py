#!/usr/bin/env python3
"""The soak: MINUTES of mixed traffic (functions/soak) in two sandboxes, while freezes, upstream's moods, resets and SIGKILLs
come by chance (SEED). All along memory, descriptors and disk stay flat and every snapshot of /stats balances; in the end
every mark that was acknowledged has arrived or is counted under a reason.

- steady: one process from begin to end, over TLS, and an upstream that also limits, refuses, resets and swallows: what is
  missing is not more than what Thaw counted, in any category.
- rough: timeouts, crashes and SIGKILLs of function, environment and Thaw, whose counts die with it; upstream is away and slow, but
  never gives a reason to drop: nothing may be missing.
"""

import collections
import itertools
import os
import random
import shutil
import tempfile
import time
import unittest

import sandbox
from soak_lane import Lane
from soak_upstream import HARSH, KIND

MINUTES = float(os.environ.get("MINUTES", "3"))
SEED = int(os.environ.get("SEED") or random.randrange(10**6))
SAMPLE = 0.5  # seconds between two
# Bounds at any moment, by README's P5 and THAW_MAX_CLIENTS, THAW_CONNECTIONS, THAW_SPOOL_MIB.
MOST_RSS_KIB, MOST_DESCRIPTORS, MOST_SPOOL_KIB = 16 * 1024, 128 + 4 + 20, 64 * 1024
# How far the floor of the last quarter, with the end when nothing waits, may be above that of the third: a trend, not noise.
RISE = {"rss_kib": 1536, "unshared": 3, "spool_kib": 1024, "segments": 2}
HEAD = ("minute", "lane  ", "requests", "answered", "arrived", "waiting", "  rss KiB", "  fds", " spool KiB", "lives", "snapshots")


def line(cells):
    """Of the table."""
    print("  ".join(str(cell).rjust(len(head)) for cell, head in zip(cells, HEAD)), flush=True)


def span(samples, field):
    """Least and most."""
    values = [getattr(sample, field) for sample in samples] or [0]
    return f"{min(values)}-{max(values)}"


class Soak(unittest.TestCase):
    """One long test."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="thaw-soak-")
        self.lanes = []

    def lane(self, name, rough, moods):
        """A lane that ends with the test."""
        folder = f"{self.folder}/{name}"
        os.mkdir(folder)
        lane = Lane(name, folder, f"{SEED} {name}", MINUTES, rough, moods)
        self.lanes.append(lane)
        self.addCleanup(lane.upstream.close)
        self.addCleanup(lane.stop)
        return lane

    def test_soak(self):
        print(f"seed {SEED}, {MINUTES:g} minutes", flush=True)
        steady, rough = self.lane("steady", False, HARSH), self.lane("rough", True, KIND)
        self.play(time.monotonic() + MINUTES * 60)
        self.assertEqual(len(steady.pids), 1, "the steady lane's process was replaced")
        self.assertGreater(len(rough.pids), MINUTES, "the rough lane's hardly ever")
        for lane in self.lanes:
            self.bounds(lane)
            self.fates(lane)
        self.flat(steady)
        print(f"soak: {MINUTES:g} minutes, seed {SEED}, {sum(lane.requests() for lane in self.lanes)} requests: nothing lost")
        shutil.rmtree(self.folder)  # of a failure it stays, to be looked at

    def play(self, end):
        """Moods, kills, samples and a line a minute until the end."""
        chance, begun = random.Random(SEED), time.monotonic()
        turn = kill = begun + 3
        minute = 1
        line(HEAD)
        while (now := time.monotonic()) < end:
            if now >= turn:
                for lane in self.lanes:
                    lane.upstream.turn()
                turn = now + chance.uniform(1, 8)
            if now >= kill:
                self.lanes[1].kill_thaw()
                kill = now + chance.uniform(2, 15)
            for lane in self.lanes:
                self.assertIsNone(lane.sandbox.poll(), f"{lane.name}: the sandbox has ended, see {lane.folder}/log")
                lane.sample()
                lane.look(self)
            if now >= begun + 60 * minute:
                self.table(minute)
                minute += 1
            time.sleep(SAMPLE)
        self.table(minute)

    def table(self, minute):
        """One line a lane."""
        for lane in self.lanes:
            of_minute = [sample for sample in lane.samples if sample.at >= time.monotonic() - 60]
            row = (minute, lane.name, lane.requests(), lane.upstream.answered, len(lane.upstream.arrived),
                   lane.stats.get("envelopes", {}).get("waiting"), span(of_minute, "rss_kib"),
                   span(of_minute, "descriptors"), span(of_minute, "spool_kib"), len(lane.pids), lane.snapshots)
            line(row)

    def bounds(self, lane):
        """At every moment."""
        limits = {"descriptors": MOST_DESCRIPTORS, "spool_kib": MOST_SPOOL_KIB}
        if not sandbox.SANITIZED:
            limits["rss_kib"] = MOST_RSS_KIB
        self.assertGreater(len(lane.samples), 10 * MINUTES)
        for field, most in limits.items():
            self.assertLessEqual(max(getattr(sample, field) for sample in lane.samples), most, f"{lane.name}: {field}")

    def flat(self, lane):
        """Floors, since what waits comes and goes. The first half warms up."""
        quarter = len(lane.samples) // 4
        for field, rise in RISE.items():
            early = min(getattr(sample, field) for sample in lane.samples[2 * quarter:3 * quarter])
            late = min(getattr(sample, field) for sample in lane.samples[3 * quarter:])
            print(f"{lane.name}: least {field} {early} in the third quarter, {late} in the last")
            self.assertLessEqual(late, early + rise, f"{lane.name}: {field} grows")

    def fates(self, lane):
        """Every acknowledged mark has arrived or is counted."""
        figures = lane.end(self)
        acknowledged, statuses, wrong = lane.notes()
        self.assertEqual(wrong[:5], [], f"{lane.name}: answers")
        self.assertGreater(len(acknowledged), 100 * MINUTES)
        missing = collections.Counter(mark.split("-")[1] for mark in acknowledged - lane.upstream.arrived)
        counted = collections.Counter()
        if not lane.rough:
            for category, items in itertools.chain.from_iterable(stats["items"].items() for stats in figures):
                counted[category] += sum(items["dropped"].values()) + sum(items["refused"].values())
        print(f"{lane.name}: {len(acknowledged)} items acknowledged, {missing.total()} of them not arrived, {counted.total()} counted "
              f"as refused or dropped; most waiting {lane.most_waiting}; {lane.snapshots} snapshots balanced; "
              f"{len(lane.pids)} lives, {lane.deaths} by SIGKILL; answers {dict(sorted(statuses.items()))}")
        for category, count in missing.items():
            self.assertLessEqual(count, counted[category], f"{lane.name}: {category} vanished")


if __name__ == "__main__":
    unittest.main(verbosity=2)
