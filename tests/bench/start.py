#!/usr/bin/env python3
"""The cold start: exec to listening, to registered, to the first next, of Thaw beside the least that a static C
program needs (the floor), Go, and Sentry's own Node extension; at full speed and in the share of a processor that a
128 MB function has. Interleaved rounds, medians, and ratios to the floor of the same round.

Usage: tests/bench/start.py [--quick]. Markdown on standard output, figures in build/bench/start.json.
"""

import argparse
import statistics
import tempfile

import figures
import peers

# A function has the power of one processor at 1,769 MB (AWS docs, "Configure Lambda function memory").
SHARE = 128 / 1769
MOST_OF_FLOOR = 2.5
LEAST_OF_NODE = 100
STAGES = ["listening", "registered", "next", "cpu"]


class Series:
    """One peer's milliseconds over the rounds."""

    def __init__(self, peer):
        self.peer = peer
        self.ms = {stage: {} for stage in STAGES}  # by round

    def play(self, number, group):
        """One round. Looking whether it listens costs time, so that is a start of its own."""
        for listening in (True, False):
            with peers.started(self.peer, group, listening) as times:
                for stage in STAGES[:1] if listening else STAGES[1:]:
                    self.ms[stage][number] = times[f"{stage}_us"] / 1000

    def median(self, stage):
        """Milliseconds."""
        return statistics.median(self.ms[stage].values())

    def figures(self, floor, thaw):
        """As one JSON object."""
        return {**{f"{stage}_ms": round(self.median(stage), 3) for stage in STAGES},
                "next_fastest_ms": round(min(self.ms["next"].values()), 3), "next_of_floor": round(self.of(floor), 2),
                "cpu_of_floor": round(self.of(floor, "cpu"), 2), "next_of_thaw": round(1 / thaw.of(self), 2),
                "rounds": len(self.ms["next"])}

    def of(self, other, stage="next"):
        """How many times as long as `other`: the median over the rounds that both were in."""
        return statistics.median(mine / other.ms[stage][number] for number, mine in self.ms[stage].items()
                                 if number in other.ms[stage])


def play(found, rounds, slow_every, group=None):
    """All peers in each round, the order turned by one in each; the slow one in some."""
    series = [Series(peer) for peer in found]
    for number in range(rounds):
        turned = series[number % len(series):] + series[:number % len(series)]
        for one in turned:
            if "Node" not in one.peer.name or number % slow_every == 0:
                one.play(number, group)
    return series


def report(page, name, series):
    """The table of one share, and its figures."""
    page.say(f"### {name}")
    result = {one.peer.name: one.figures(*series[:2]) for one in series}
    columns = {"listening": "listening_ms", "registered": "registered_ms", "first next": "next_ms",
               "of the floor": "next_of_floor", "fastest": "next_fastest_ms", "CPU": "cpu_ms",
               "CPU, of the floor": "cpu_of_floor", "rounds": "rounds"}
    page.table(["exec to, ms", *columns],
               [[peer, *(f"{row[column]:g}" for column in columns.values())] for peer, row in result.items()])
    return result


def check(page, name, series):
    """What was promised."""
    what = f"exec to the first next, {name}"
    if not series:
        page.promise(what, f"at most {MOST_OF_FLOOR} of the floor", "no control group for the quota", None)
        return
    ratio = series[1].of(series[0])
    page.promise(what, f"at most {MOST_OF_FLOOR} of the floor", f"{ratio:.2f}", ratio <= MOST_OF_FLOOR)
    wanted = f"at least {LEAST_OF_NODE} times as fast as Sentry's Node extension"
    faster = [1 / series[1].of(one) for one in series if "Node" in one.peer.name]
    if faster:
        page.promise(what, wanted, f"{faster[0]:.0f} times", faster[0] >= LEAST_OF_NODE)
    else:
        page.promise(what, wanted, "Sentry's extension is missing", None)
    page.say()


def main():
    """Both shares."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="half of the rounds")
    quick = parser.parse_args().quick
    peers.enter()
    peers.build_tools()
    page = figures.Page()
    page.say("## Cold start")
    with tempfile.TemporaryDirectory(prefix="thaw-start-") as folder:
        found, missing = peers.peers(folder)
        for reason in missing:
            page.say(f"- not measured: {reason}")
        series = play(found, 30 if quick else 60, 3)
        figures_of = {"full": report(page, "One processor", series)}
        check(page, "one processor", series)
        try:
            with peers.quota(SHARE) as group:
                small = play(found, 12 if quick else 24, 4, group)
            name = f"{SHARE:.0%} of a processor"
            figures_of["small"] = report(page, f"{name}, a 128 MB function's", small)
            check(page, name, small)
        except OSError as reason:
            page.say(f"- skipped, {SHARE:.0%} of a processor: {reason}")
            figures_of["small"] = {"skipped": str(reason)}
            check(page, f"{SHARE:.0%} of a processor", [])
    page.leave("start", figures_of)


if __name__ == "__main__":
    main()
