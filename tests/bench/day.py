#!/usr/bin/env python3
"""Billed time over a simulated day at three rhythms (bench_day), and how far to trust the simulation: one scene
that the sandbox plays with the real function, SDK and binary, beside the same scene simulated. What a busy machine
does not change is compared: which invoke carries each event, and how many are held for what. Times are shown.

An SDK hands its event over from a thread of its own, often only behind the freeze if the function ends with the error;
the simulation knows nothing of that. So the function of the scene goes on for a while behind it.

Prints Markdown; figures in build/bench/day.json. --quick: an hour instead of the day.
"""

import argparse
import bisect
import dataclasses
import json
import pathlib
import subprocess
import sys

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "system"))

import pace
import sandbox
from figures import FOLDER, P50, Page, ms

PROGRAM = sandbox.BUILD / "release/bin/bench_day"
WORK_MS, REST_MS, LATENCY_MS, GAP_MS = 20, 60, 200, 100
WAYS = {"flush()": pace.FLUSH, "prompt": pace.PROMPT, "overlap": pace.OVERLAP, "adaptive": pace.ADAPTIVE}
KINDS = {"error": "+ with an error", "after": "+ right after", "other": "+ all others"}
HELD = {"telemetry": "held for the news of the end", "delivery": "held for a delivery"}


@dataclasses.dataclass
class Scene:
    """What has happened: of each invoke, in ms, when it began and what was billed above the function's own time; of each
    event when it was captured and arrived; how many invokes were held for what."""

    begun: list
    added: list
    captured: list
    arrived: list
    held: dict

    def carried_by(self):
        """How many invokes behind its own each event arrived."""
        return [self.invoke_at(arrived) - self.invoke_at(captured)
                for captured, arrived in zip(self.captured, self.arrived)]

    def invoke_at(self, moment):
        """Which invoke, or the freeze behind it, this is in."""
        return bisect.bisect_right(self.begun, moment)

    def counts(self):
        """What no machine's load changes."""
        return {"carried by": " ".join(f"+{count}" for count in self.carried_by()), **self.held}

    def times(self):
        """Medians by kind, without the invokes that a pace learns from, and of the ages."""
        kinds = ["error" if i % 10 == 8 else "after" if i % 10 == 9 else "other" for i in range(len(self.added))]
        pool = list(zip(kinds, self.added))[pace.RHYTHM:]
        return {**{kind: P50([added for its, added in pool if its == kind]) for kind in KINDS},
                "age": P50([arrived - captured for captured, arrived in zip(self.captured, self.arrived)])}


def simulated(way, invokes):
    """By bench_day."""
    command = [PROGRAM, "--scene", way, *map(str, (invokes, WORK_MS, REST_MS, LATENCY_MS, GAP_MS))]
    scene = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return Scene(scene["begun"], [billed - WORK_MS - REST_MS for billed in scene["billed"]], scene["captured"],
                 scene["arrived"], scene["held"] if way != "flush()" else {})


def play(way, invokes):
    """By the sandbox."""
    usual = {"errors": 0, "work_ms": WORK_MS, "after_ms": REST_MS}
    failing = {**usual, "errors": int(way.errors), "flush": way.flush}
    return sandbox.run(
        "python", f"invoke*{invokes} spindown", thaw=way.pace is not None,
        events=[failing if i % 10 == 8 else usual for i in range(invokes)], env={"THAW_PACE": way.pace},
        options=["--freeze", "live", "--gap-ms", str(GAP_MS), "--timeout-ms", "10000",
                 "--upstream-latency-ms", str(LATENCY_MS)])


def real(way, invokes, baseline):
    """The same, and whether the SDK has handed over each event before its invoke ended, as far as it has told."""
    run = play(way, invokes)
    events = [event for event in run.sent if event in run.arrived_at]
    scene = Scene([invoke["start_ms"] for invoke in run.invokes],
                  [invoke["billed_ms"] - baseline for invoke in run.invokes],
                  [run.captured_at[event] for event in events], [run.arrived_at[event] for event in events],
                  {what: run.stats["held"][what]["invokes"] for what in HELD} if way.pace else {})
    in_time = not way.pace or all(
        scene.invoke_at(run.handed_over_at[event]) == scene.invoke_at(run.captured_at[event])
        for event in events if event in run.handed_over_at)
    return scene, in_time


def check(page, invokes):
    """The tables of both, whether they agree, and the figures."""
    page.say(f"\n### The simulation beside the sandbox\n\n{invokes} invokes, {GAP_MS} ms of freeze between them, {WORK_MS} "
             f"ms of work and {REST_MS} ms more, between them an error in every tenth, Sentry {LATENCY_MS} ms away without "
             "TLS. Sandbox (the real function, SDK and Thaw) / simulation. *Carried by*: how many invokes behind its own "
             "each event arrived. Milliseconds are medians; an SDK's own work is in those of the sandbox.\n")
    baseline = P50([invoke["billed_ms"] for invoke in play(pace.BASELINE, invokes).invokes])
    figures, counts, times, agree = [], [], [], {}
    for name, way in WAYS.items():
        (measured, in_time), played = real(way, invokes, baseline), simulated(name, invokes)
        sides = [{**scene.counts(), **scene.times()} for scene in (measured, played)]
        figures.append({"way": name, "sandbox": sides[0], "simulation": sides[1], "handed over in time": in_time})
        counts.append([name, *(" / ".join(str(side.get(what, "–")) for side in sides)
                               for what in ("carried by", *HELD))])
        times.append([name, *(" / ".join(ms(side[what]) for side in sides) for what in (*KINDS, "age"))])
        agree[name] = measured.counts() == played.counts() if in_time else None
    page.table(["", "carried by", *HELD.values()], counts)
    page.table(["", *KINDS.values(), "age"], times)
    late = [name for name, same in agree.items() if same is None]
    same = [name for name, same in agree.items() if same]
    page.promise("the simulated day is as the sandbox: which invoke carries each event, how many are held for what",
                 "the same at each pace", f"busy machine: the SDK was late with {', '.join(late)}" if late else
                 f"the same: {', '.join(same) or 'none'}", None if late else len(same) == len(WAYS))
    return figures


def main():
    """The day, then the check."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--quick", action="store_true", help="an hour instead of the day")
    options.add_argument("--invokes", type=int, default=40, help="of each run in the sandbox; full tens")
    chosen = options.parse_args()
    page, result = Page(), FOLDER / "day-simulated.json"
    FOLDER.mkdir(parents=True, exist_ok=True)
    subprocess.run([PROGRAM, "--json", result, *(["--quick"] if chosen.quick else [])], check=True)
    days = json.loads(result.read_text())
    lost = sum(row["lost"] for row in days)
    page.say()
    page.promise("the simulated days: no event is lost", "0 at each rhythm and pace", f"{lost} in {len(days)} days",
                 lost == 0)
    page.leave("day", {"days": days, "check": check(page, chosen.invokes)})


if __name__ == "__main__":
    main()
