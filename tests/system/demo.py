#!/usr/bin/env python3
"""make demo: one real function with Sentry's Python SDK, four ways, under real freezes.

Prints a table and writes build/demo.html, a timeline of the same runs. No network, no account: the
sandbox freezes the processes, the capture upstream stands for Sentry.
"""

import argparse
import sys

import sandbox
import timeline

INVOKES = 30
LATENCY_MS = 80

WAYS = [
    # name, with Thaw, flush in the handler
    ("SDK alone", False, False),
    ("SDK with flush()", False, True),
    ("SDK with Thaw", True, False),
    ("SDK with Thaw, flush() to localhost", True, True),
]

BLOCKS = [
    ("live", "Freezes leave connections alive (short gaps between invokes)"),
    ("cut", "Freezes cut connections (longer gaps: NAT, load balancer or peer gave up)"),
]


def one(way, freeze, chosen):
    """One column of the table."""
    name, thaw, flush = way
    run = sandbox.run(
        chosen.function,
        f"invoke*{chosen.invokes} spindown",
        thaw=thaw,
        events=[{"errors": 1, "work_ms": 20, "flush": flush}],
        options=["--freeze", freeze, "--gap-ms", "100",
                 "--upstream-latency-ms", str(chosen.latency_ms), "--timeout-ms", "10000"],
    )
    return name, run


def never_left(run):
    """Events that no request ever carried out of the function's process."""
    if run.handed_over is not None:
        return len(run.sent) - run.handed_over
    begun = run.report["upstream"]["requests_begun"]
    return max(0, len(run.sent) - begun)


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


def print_table(rows):
    """Columns as wide as they need to be."""
    widths = [max(len(line[i]) for line in [HEADER, *rows]) for i in range(len(HEADER))]
    for line in [HEADER, *rows]:
        cells = [line[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(line[1:], widths[1:])]
        print("  " + "  ".join(cells))


def main():
    """Both blocks; exit code 1 when a column with Thaw lost something Thaw was given."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--invokes", type=int, default=INVOKES)
    options.add_argument("--latency-ms", type=int, default=LATENCY_MS, help="round trip to upstream")
    options.add_argument("--function", choices=sorted(sandbox.FUNCTIONS), default="python")
    chosen = options.parse_args()
    print(f"{chosen.invokes} invokes, one error each, 20 ms of work, upstream {chosen.latency_ms} ms away, "
          f"SDK: {chosen.function}")
    healthy = True
    blocks = []
    for freeze, title in BLOCKS:
        runs = [one(way, freeze, chosen) for way in WAYS]
        print(f"\n{title}:\n")
        print_table([row(name, run) for name, run in runs])
        blocks.append((title, runs))
        healthy = healthy and all(
            len(run.arrived) == len(run.sent) for (name, run) in runs if "Thaw" in name
        )
    picture = sandbox.BUILD / "demo.html"
    picture.write_text(timeline.page(blocks, HEADER, row))
    print(f"\nPicture: {picture.relative_to(sandbox.ROOT)}")
    return 0 if healthy else 1


if __name__ == "__main__":
    sys.exit(main())
