#!/usr/bin/env python3
"""`make bench`: each part in turn; what was promised and the tables of all in build/bench.md, a picture in
build/bench.svg.

A part is a program that prints a Markdown section and leaves its figures in build/bench/NAME.json: an object with
"promises", a list of {"what", "wanted", "seen", "kept"} (figures.Page, arguments.hpp). Its exit code is 0 whatever it
saw. Parts that are not asked for keep what they said last. Usage: bench.py [--full] [PART ...]
"""

import argparse
import dataclasses
import datetime
import json
import os
import pathlib
import platform
import re
import subprocess
import sys

import picture
import summary

HERE = pathlib.Path(__file__).resolve().parent
BUILD = HERE.parents[1] / "build"


@dataclasses.dataclass(frozen=True)
class Part:
    """What is run, and with what more: `quick` takes a minute or two on an idle machine, `full` as long as it needs."""

    command: list
    quick: list = dataclasses.field(default_factory=lambda: ["--quick"])
    full: list = dataclasses.field(default_factory=list)


def script(name, *lengths):
    """A part in Python."""
    return Part([sys.executable, HERE / f"{name}.py"], *lengths)


def program(name):
    """A part in C++, built by the target benchmarks."""
    return Part([BUILD / f"release/bin/bench_{name}", "--json", BUILD / f"bench/{name}.json"])


# In the order of the page.
PARTS = {
    "start": script("start"),
    "memory": script("memory"),
    "accept": script("accept", ["--sizes", "1 KB,10 KB", "--encodings", "plain"], ["--full"]),
    "drain": script("drain", ["--quick", "--blocks", "formula,connections"]),
    "upstream": script("upstream"),
    "day": script("day", ["--quick", "--invokes", "20"]),
    "pace": script("pace", ["--invokes", "30", "--rounds", "1", "--blocks", "1,4"], ["--invokes", "200", "--rounds", "3"]),
    "journal": program("journal"),
    "turns": program("turns"),
    "growth": program("growth"),
    "views": script("views", []),
}


def result_of(name):
    """Where a part leaves its figures, and where its section is kept."""
    return BUILD / "bench" / f"{name}.json", BUILD / "bench" / f"{name}.md"


def run(name, full):
    """One part, shown as it goes; whether it has left its figures. What it said before is void."""
    figures, section = result_of(name)
    figures.unlink(missing_ok=True)
    section.unlink(missing_ok=True)
    length = f"{'full' if full else 'quick'}, load {os.getloadavg()[0]:.1f}"
    part, shown = PARTS[name], []
    with subprocess.Popen([*part.command, *(part.full if full else part.quick)], stdout=subprocess.PIPE, text=True) as done:
        for line in done.stdout:
            print(line, end="", flush=True)
            shown.append(line)
    if done.returncode or not figures.exists():
        figures.unlink(missing_ok=True)
        print(f"bench: {name} failed with exit code {done.returncode}", file=sys.stderr)
        return False
    measured = f"{datetime.datetime.now():%Y-%m-%d %H:%M}, {length}"
    figures.write_text(json.dumps({**json.loads(figures.read_text()), "measured": measured}, indent=1) + "\n")
    section.write_text("".join(shown).strip() + f"\n\n*{name}: {measured}.*\n")
    return True


def machine():
    """What it was measured on."""
    model = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    return (f"{model[1] if model else platform.machine()}, {len(os.sched_getaffinity(0))} processors, "
            f"Linux {platform.release()}")


def write():
    """The picture and the page, out of what all parts have left."""
    results = {name: json.loads(result_of(name)[0].read_text()) for name in PARTS if result_of(name)[0].exists()}
    sections = {name: result_of(name)[1].read_text() for name in PARTS if result_of(name)[1].exists()}
    drawn = picture.draw(results)
    (BUILD / "bench.svg").write_text(drawn)
    (BUILD / "bench.md").write_text("\n".join(summary.page(
        PARTS, results, sections, machine(), "bench.svg" if drawn else "")))
    print(f"\n{summary.tally(PARTS, results)} See {BUILD / 'bench.md'}")


def main():
    """The chosen parts, then the page."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--full", action="store_true", help="as long as it needs")
    options.add_argument("parts", nargs="*", choices=[[], *PARTS], help="all if none is named")
    chosen = options.parse_args()
    (BUILD / "bench").mkdir(parents=True, exist_ok=True)
    good = [run(name, chosen.full) for name in chosen.parts or PARTS]
    write()
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
