#!/usr/bin/env python3
"""What each pace costs, side by side: the real function and SDK in the sandbox, alone and with Thaw.

Prints Markdown; build/bench/pace.json says how many checks passed. PASS and FAIL say whether what a pace promises was
seen this time, on this machine: a benchmark, no test, so the exit code is 0 either way. Ways that are compared run in
turns, round after round, and are compared by medians.
"""

import argparse
import dataclasses
import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "system"))

import sandbox
from figures import HEADER, Page, Series, P50, ms
from outage import comeback, outage

LATENCY_MS = 80
WORK_MS = 20
# As many invokes as a pace needs to know the rhythm, and to call the function quiet.
RHYTHM, QUIET = 8, 32
RUNTIME_DONE_MS = 25  # the least that platform.runtimeDone is late
SAME_MS = 5
NOTHING_MS = 1


@dataclasses.dataclass(frozen=True)
class Way:
    """One row: how the function runs."""

    name: str
    pace: str | None = None  # None: without Thaw
    errors: bool = True
    flush: bool = False
    env: dict = dataclasses.field(default_factory=dict)


BASELINE = Way("no error, no SDK work", errors=False)
AGAIN = dataclasses.replace(BASELINE, name="the same again")
ALONE = Way("SDK alone")
FLUSH = Way("SDK alone, flush()", flush=True)
PROMPT, OVERLAP, ADAPTIVE, CONTINUOUS = (
    Way(f"Thaw, {pace}", pace) for pace in ("prompt", "overlap", "adaptive", "continuous"))
RARE = {"THAW_SOON_MS": "50"}


def rare(way):
    """The same where the next invoke is never soon."""
    return dataclasses.replace(way, name=way.name + ", rare", env=RARE)


def quiet(way):
    """The same without a single error."""
    return dataclasses.replace(way, errors=False)


def play(way, invokes, work_ms):
    """One run. The ninth of each ten invokes has the error: behind it one follows, in any length."""
    usual = {"errors": 0, "work_ms": work_ms}
    events = [usual] * 8 + [{"errors": int(way.errors), "work_ms": work_ms, "flush": way.flush}, usual]
    run = sandbox.run(
        "python", f"invoke*{invokes} spindown", thaw=way.pace is not None, events=events,
        env={"THAW_PACE": way.pace, **way.env},
        options=["--freeze", "live", "--gap-ms", "100", "--timeout-ms", "10000",
                 "--upstream-latency-ms", str(LATENCY_MS)])
    for problem in run.report["problems"]:
        print(f"{way.name}: {problem}", file=sys.stderr)
    return run


def measure(ways, invokes, chosen, work_ms=WORK_MS, learning=RHYTHM):
    """Every way once a round, to and fro; returns a Series a way, by name, the baseline's first."""
    ways = [BASELINE, *ways]
    series = {way.name: Series(way.name, learning) for way in ways}
    for number in range(chosen.rounds):
        runs = {way.name: play(way, invokes, work_ms) for way in ways[::-1 if number % 2 else 1]}
        baseline = P50([invoke["billed_ms"] for invoke in runs[BASELINE.name].invokes[learning:]])
        for name, run in runs.items():
            series[name].add(run, baseline)
    return series


def show(page, series):
    """The table, and what holds for every row with Thaw."""
    page.table(HEADER, [one.row() for one in series.values()])
    lost = {name: one.lost() for name, one in series.items() if name.startswith("Thaw")}
    page.check(not any(lost.values()), f"nothing is lost with Thaw: {sum(lost.values())} of all events")


def sometimes(page, chosen):
    """Block 1: an error in every tenth invoke, with the next invoke soon, then rare."""
    page.say(f"\n### 1. {WORK_MS} ms of work, an error in every tenth invoke")
    ways = [ALONE, FLUSH, PROMPT, OVERLAP, ADAPTIVE, CONTINUOUS, rare(OVERLAP), rare(PROMPT), rare(ADAPTIVE)]
    series = measure(ways, chosen.invokes, chosen)
    show(page, series)
    alone, adaptive = series[ALONE.name], series[ADAPTIVE.name]
    page.alike(adaptive, series[OVERLAP.name], SAME_MS)
    page.check(adaptive.added("other") < NOTHING_MS,
               f"{adaptive.name}: what neither brings nor follows an error gains less than {NOTHING_MS} ms: "
               f"{ms(adaptive.added('other'))}")
    delivery = series[FLUSH.name].caller() - alone.caller()
    bound = 1.1 * adaptive.errors() * (delivery - WORK_MS)
    gained = adaptive.gain(alone) - LATENCY_MS  # the first delivery opens the connection
    page.check(gained <= bound,
               f"{adaptive.name}: the whole gains {gained:.0f} ms over the SDK alone and {LATENCY_MS} for the "
               f"connection, at most 1.1 × {adaptive.errors():.0f} errors × ({delivery:.0f} ms of flush() − "
               f"{WORK_MS} ms) = {bound:.0f}")
    page.alike(series[rare(ADAPTIVE).name], series[rare(PROMPT).name], SAME_MS)


def never(page, chosen):
    """Block 2: no error at all. All invokes are alike, so the slowest tenth, on both sides, is the machine's; a
    second baseline shows how far to trust the rest."""
    page.say(f"\n### 2. {WORK_MS} ms of work, no error, from invoke {QUIET + 1} on")
    ways = [AGAIN, *(quiet(way) for way in (PROMPT, ADAPTIVE, rare(ADAPTIVE)))]
    series = measure(ways, max(chosen.invokes, QUIET + 20), chosen, learning=QUIET)
    show(page, series)
    baseline, again = series[BASELINE.name], series[AGAIN.name]
    for one in (series[ADAPTIVE.name], series[rare(ADAPTIVE).name]):
        nothing_added(page, one, baseline, kept=0.9,
                      remark=f" without the slowest tenth; {AGAIN.name}: {share(again, baseline, 0.9):.1%}")
    added = series[PROMPT.name].added()
    page.check(added >= RUNTIME_DONE_MS, f"{PROMPT.name}: waiting for runtimeDone shows, at least "
                                         f"{RUNTIME_DONE_MS} ms: {ms(added)}")


def share(one, reference, kept):
    """By how much its total is larger, as a share of the other's."""
    return one.gain(reference, kept) / P50(reference.totals(kept))


def nothing_added(page, one, reference, kept=1.0, remark=""):
    """Both checks of a pace that costs nothing."""
    page.check(one.added() < NOTHING_MS, f"{one.name} adds less than {NOTHING_MS} ms: {ms(one.added())}")
    gained = share(one, reference, kept)
    page.check(gained < 0.01, f"{one.name} adds less than 1 % in total: {gained:.1%}{remark}")


def long_function(page, chosen):
    """Block 3: a function longer than a delivery."""
    work = 200
    page.say(f"\n### 3. {work} ms of work, an error in every tenth invoke")
    series = measure([ALONE, FLUSH, OVERLAP, ADAPTIVE], chosen.invokes, chosen, work_ms=work)
    show(page, series)
    alone = series[ALONE.name]
    nothing_added(page, series[OVERLAP.name], alone)
    page.alike(series[ADAPTIVE.name], series[OVERLAP.name], SAME_MS)
    waited = series[FLUSH.name].caller() - alone.caller()
    page.check(waited >= 0.9 * LATENCY_MS, f"{FLUSH.name}: the caller of an invoke with an error waits for the "
                                           f"round trip of {LATENCY_MS} ms: {ms(waited)} more")


def down(page, chosen):
    """Block 4: upstream away, and back."""
    baseline = P50([invoke["billed_ms"] for invoke in play(BASELINE, 20, WORK_MS).invokes[RHYTHM:]])
    page.say(f"\n### 4. Upstream down for {chosen.invokes} invokes, an error in each; then back")
    outage(page, chosen.invokes, WORK_MS, LATENCY_MS, baseline)
    comeback(page)


BLOCKS = {1: sometimes, 2: never, 3: long_function, 4: down}


def main():
    """The chosen blocks, one after the other."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--invokes", type=int, default=200, help="of each run; full tens")
    options.add_argument("--rounds", type=int, default=3, help="runs of each way")
    options.add_argument("--blocks", default="1,2,3,4", help="such as 1,3")
    chosen = options.parse_args()
    page = Page()
    page.say(f"## Paces, {chosen.invokes} invokes a run, rounds: {chosen.rounds}\n")
    page.say(f"Upstream {LATENCY_MS} ms away, invokes 100 ms apart. Milliseconds, medians over all rounds. `+`: above "
             f"the same function without an error and without an extension. The first {RHYTHM} invokes of a run "
             "count in the total only; *rare*: `THAW_SOON_MS=50`.")
    for block in chosen.blocks.split(","):
        BLOCKS[int(block)](page, chosen)
    page.promise_checks("what the paces promise, and an outage")
    page.leave("pace", {"blocks": chosen.blocks, "invokes": chosen.invokes, "rounds": chosen.rounds})


if __name__ == "__main__":
    main()
