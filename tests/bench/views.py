#!/usr/bin/env python3
"""What the figures cost: how long each view takes with everything in it, and which share of the instructions that accept an
envelope is counting. Fails above 2 %: instructions do not depend on the machine's load."""

import pathlib
import re
import subprocess
import sys

BENCH = pathlib.Path(__file__).resolve().parents[2] / "build/release/bin/bench_views"
FEW, MANY = 500, 1500
MOST = 2.0


def instructions(what, envelopes):
    """Of the whole program, by valgrind."""
    done = subprocess.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", BENCH, what, str(envelopes)],
                          stderr=subprocess.PIPE, text=True, check=True)
    return int(re.search(r"Collected : (\d+)", done.stderr)[1])


def each(what):
    """Of one envelope: without what the program does besides."""
    return (instructions(what, MANY) - instructions(what, FEW)) / (MANY - FEW)


def main():
    """Prints both tables."""
    subprocess.run([BENCH], check=True)
    accept, count = each("accept"), each("count")
    share = 100 * count / accept
    print("\n| instructions an envelope of 1 KB | accepting, without sockets and journal | of them counting | share |\n"
          f"|---|---|---|---|\n| | {accept:.0f} | {count:.0f} | {share:.1f} % |")
    return 0 if share < MOST else f"counting is more than {MOST} % of accepting"


if __name__ == "__main__":
    sys.exit(main())
