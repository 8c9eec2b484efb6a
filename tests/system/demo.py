#!/usr/bin/env python3
"""make demo: one real function with Sentry's SDK under real freezes: alone, with flush(), with Sentry's own extension,
with Thaw. In Python, and in Node, for which alone there is Sentry's extension.

Prints tables and writes build/demo.html, timelines of the same runs. No network, no account: the sandbox freezes the
processes, the capture upstream stands for Sentry.
"""

import argparse
import dataclasses
import sys

import sandbox
import sdk_functions
import timeline
import ways

INVOKES = 30
LATENCY_MS = 80
AWAY = 10  # invokes

PINNED = sdk_functions.PINNED
PYTHON_NOTE = f"sentry-sdk {PINNED['SENTRY_PYTHON']}, its transport as it comes; flush() at the end of the handler."
NODE_NOTE = (
    f"Sentry's layer, {PINNED['SENTRY_LAYER']}. Alone: its @sentry/node, nobody flushes. The others: its "
    "@sentry/aws-serverless, preloaded by NODE_OPTIONS as the layer's documentation says, which flushes behind the "
    "handler: to upstream (SENTRY_LAYER_EXTENSION=false), to Sentry's extension (nothing set), to Thaw (thaw-exec).")


@dataclasses.dataclass
class Block:
    """A table: its rows have everything in common but their way."""

    title: str
    note: str
    ways: list
    options: list
    runs: list = dataclasses.field(default_factory=list)  # [(way, Run)], once played
    skipped: list = dataclasses.field(default_factory=list)  # [(name, reason)]

    def play(self, invokes, common):
        """Each way, one after the other."""
        for way in self.ways:
            reason = way.why_not()
            if reason:
                self.skipped.append((way.name, reason))
            else:
                self.runs.append((way, way.play(invokes, [*self.options, *common])))

    def rows(self):
        """The figures of each way, as text."""
        return [row(way.name, run) for way, run in self.runs]

    def healthy(self):
        """Nothing is lost where Thaw is."""
        return all(len(run.arrived) == len(run.sent) for way, run in self.runs if way.thaw)


def blocks():
    """What is compared."""
    live, cut = ["--freeze", "live"], ["--freeze", "cut"]
    alive = "freezes leave connections alive (short gaps between invokes)"
    broken = "freezes cut connections (longer gaps: NAT, load balancer or peer gave up)"
    return [
        Block(f"Python, {alive}", PYTHON_NOTE, ways.PYTHON, live),
        Block(f"Python, {broken}", PYTHON_NOTE, ways.PYTHON, cut),
        Block(f"Node, {alive}", NODE_NOTE, ways.NODE, live),
        Block(f"Node, {broken}", NODE_NOTE, ways.NODE, cut),
        Block(f"Node, upstream answers 503 until {AWAY} invokes are over, connections stay alive", NODE_NOTE, ways.NODE,
              [*live, "--upstream-fault", f"status:503until{AWAY}"]),
    ]


def never_left(run):
    """Events that no request ever carried out of the function's process."""
    if run.handed_over is not None:
        return len(run.sent) - run.handed_over
    # Those it has had an answer for, be it from an extension, or as many as have come to upstream.
    left = max(len(run.handed_over_at), run.report["upstream"]["requests_begun"])
    return max(0, len(run.sent) - left)


def row(name, run):
    """The figures of one way, as text."""
    lost = len(run.sent) - len(run.arrived)
    return [
        name,
        str(len(run.sent)),
        str(never_left(run)),
        str(len(run.arrived)),
        str(lost),
        str(run.duplicates),
        f"{run.p50('response_ms'):.0f}",
        f"{run.p50('billed_ms'):.0f}",
    ]


HEADER = ["", "sent", "never left the SDK", "arrived", "lost", "duplicates",
          "caller's ms (p50)", "billed ms (p50)"]


def print_block(block):
    """Columns as wide as they need to be."""
    lines = [HEADER, *block.rows()]
    widths = [max(len(line[i]) for line in lines) for i in range(len(HEADER))]
    print(f"\n{block.title}:\n")
    for line in lines:
        cells = [line[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(line[1:], widths[1:])]
        print("  " + "  ".join(cells))
    for name, reason in block.skipped:
        print(f"  {name}: skipped, {reason}")
    sys.stdout.flush()


def main():
    """All blocks; exit code 1 when a row with Thaw lost something Thaw was given."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--invokes", type=int, default=INVOKES)
    options.add_argument("--latency-ms", type=int, default=LATENCY_MS, help="round trip to upstream")
    options.add_argument("--blocks", default="12345", help="digits: which tables")
    chosen = options.parse_args()
    print(f"{chosen.invokes} invokes, one error each, {ways.WORK_MS} ms of work, upstream {chosen.latency_ms} ms away")
    print(f"Python: {PYTHON_NOTE}\nNode: {NODE_NOTE}")
    # The init is not what is compared: with 10 s for it, a machine with much else to do would fail Node's.
    common = ["--gap-ms", "100", "--upstream-latency-ms", str(chosen.latency_ms), "--timeout-ms", "10000",
              "--init-type", "provisioned-concurrency"]
    played = [block for number, block in enumerate(blocks(), 1) if str(number) in chosen.blocks]
    for block in played:
        block.play(chosen.invokes, common)
        print_block(block)
    picture = sandbox.BUILD / "demo.html"
    picture.write_text(timeline.page(played, HEADER))
    print(f"\nPicture: {picture.relative_to(sandbox.ROOT)}")
    return 0 if all(block.healthy() for block in played) else 1


if __name__ == "__main__":
    sys.exit(main())
