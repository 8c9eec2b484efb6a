#!/usr/bin/env python3
"""What the figures cost: how long each view takes with everything in it, and which share of the instructions that accept an
envelope is counting: at most 2 %. Figures in build/bench/views.json."""

import argparse
import pathlib
import re
import subprocess

from figures import Page

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
    argparse.ArgumentParser(description=__doc__).parse_args()
    page = Page()
    page.say("## The views\n")
    subprocess.run([BENCH], check=True)
    accept, count = each("accept"), each("count")
    share = 100 * count / accept
    page.table(["instructions an envelope of 1 KB", "accepting, without sockets and journal", "of them counting"],
               [["", f"{accept:.0f}", f"{count:.0f}"]])
    page.promise("counting, of the instructions that accept an envelope", f"at most {MOST:g} %", f"{share:.1f} %",
                 share <= MOST)
    page.leave("views", {"accept_instructions": accept, "count_instructions": count})


if __name__ == "__main__":
    main()
