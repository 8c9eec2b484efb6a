#!/usr/bin/env python3
"""Billed time over a simulated day at three rhythms (bench_day), and how far to trust the simulation: one scene
that the sandbox plays with the real function, SDK and binary, beside the same scene simulated.

Prints Markdown; figures in build/bench/day.json. --quick: an hour instead of the day.
"""

import argparse
import json
import pathlib
import subprocess
import sys

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "system"))

import pace
import sandbox
from figures import Series, ms

PROGRAM = sandbox.BUILD / "release/bin/bench_day"
RESULT = sandbox.BUILD / "bench/day.json"
GAP_MS = 100
WAYS = {"flush()": pace.FLUSH, "prompt": pace.PROMPT, "overlap": pace.OVERLAP, "adaptive": pace.ADAPTIVE}
KINDS = {"error": "+ with an error", "after": "+ right after", "other": "+ all others"}


def kinds(invokes):
    """What each invoke of the scene is: as Series tells them apart."""
    return ["error" if i % 10 == 8 else "after" if i % 10 == 9 else "other" for i in range(invokes)]


def fastest(kind, pool):
    """What the least held up invoke of a kind took: what else the machine does is least in it."""
    return min(added for its, added in pool if its == kind)


def simulated(way, invokes):
    """By column, of the invokes that a pace has no more to learn from."""
    command = [str(PROGRAM), "--scene", way, str(invokes), str(pace.WORK_MS), str(pace.LATENCY_MS), str(GAP_MS)]
    scene = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    pool = [(kind, billed - pace.WORK_MS) for kind, billed in zip(kinds(invokes), scene["billed"])][pace.RHYTHM:]
    return {**{kind: fastest(kind, pool) for kind in KINDS}, "age": min(scene["ages"])}


def real(way, invokes):
    """The same out of the sandbox, above the same function with neither error nor Thaw."""
    baseline = min(invoke["billed_ms"] for invoke in pace.play(pace.BASELINE, invokes, pace.WORK_MS).invokes)
    series = Series(way, pace.RHYTHM)
    series.add(pace.play(WAYS[way], invokes, pace.WORK_MS), baseline)
    pool = [(kind, added) for kind, _, added in series.pool]
    return {**{kind: fastest(kind, pool) for kind in KINDS}, "age": min(series.ages())}


def check(invokes):
    """The table of both, and its figures."""
    print(f"\n### The simulation beside the sandbox\n\n{invokes} invokes, {GAP_MS} ms of freeze between them, "
          f"{pace.WORK_MS} ms of work, an error in every tenth, Sentry {pace.LATENCY_MS} ms away without TLS. "
          "Milliseconds, the fastest of each kind, since the machine does other things, too: sandbox (the real function, "
          "SDK and Thaw, with their own work) / simulation.\n")
    print("| | " + " | ".join([*KINDS.values(), "age"]) + " |")
    print("|---" * (len(KINDS) + 2) + "|")
    rows = []
    for way in WAYS:
        measured, played = real(way, invokes), simulated(way, invokes)
        print(f"| {way} | " + " | ".join(f"{ms(measured[name])} / {ms(played[name])}" for name in measured) + " |",
              flush=True)
        rows.append({"way": way, "sandbox": measured, "simulation": played})
    return rows


def main():
    """The day, then the check."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--quick", action="store_true", help="an hour instead of the day")
    options.add_argument("--invokes", type=int, default=40, help="of each run in the sandbox; full tens")
    chosen = options.parse_args()
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run([str(PROGRAM), "--json", str(RESULT), *(["--quick"] if chosen.quick else [])], check=True)
    rows = check(chosen.invokes)
    RESULT.write_text(json.dumps({"days": json.loads(RESULT.read_text()), "check": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
