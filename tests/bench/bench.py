#!/usr/bin/env python3
"""`make bench`: each part of it in turn, its tables together in build/bench.md.

A part is a program that prints a Markdown section, and leaves its figures in build/bench/NAME.json if somebody
may want to draw them. `--full` is passed on to those that know it. Parts that are not asked for keep the section
of their last run. Usage: bench.py [--full] [PART ...]
"""

import argparse
import datetime
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
BUILD = HERE.parents[1] / "build"

# In the order of the page: name -> (quick, full).
PARTS = {
    "start": ([sys.executable, HERE / "start.py"], []),
    "memory": ([sys.executable, HERE / "memory.py"], []),
    "accept": ([sys.executable, HERE / "accept.py"], ["--full"]),
    "journal": ([BUILD / "release/bin/bench_journal"], []),
    "views": ([sys.executable, HERE / "views.py"], []),
    "pace": ([sys.executable, HERE / "pace.py", "--invokes", "30", "--rounds", "2"],
             ["--invokes", "200", "--rounds", "3"]),
}


def run(name, full):
    """One part's section, shown as it comes."""
    command, more = PARTS[name]
    shown = []
    with subprocess.Popen([*command, *(more if full else [])], stdout=subprocess.PIPE, text=True) as part:
        for line in part.stdout:
            print(line, end="", flush=True)
            shown.append(line)
    if part.returncode:
        sys.exit(f"bench: {name} failed")
    when = f"{datetime.datetime.now():%Y-%m-%d %H:%M}, {'full' if full else 'quick'}"
    (BUILD / "bench" / f"{name}.md").write_text("".join(shown).rstrip() + f"\n\n*{name}: {when}.*\n")


def main():
    """The chosen parts, then the page."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--full", action="store_true", help="more rounds")
    options.add_argument("parts", nargs="*", choices=[[], *PARTS], help="all if none is named")
    chosen = options.parse_args()
    (BUILD / "bench").mkdir(parents=True, exist_ok=True)
    for name in chosen.parts or PARTS:
        run(name, chosen.full)
    sections = [BUILD / "bench" / f"{name}.md" for name in PARTS]
    page = ["# What Thaw costs\n", *(section.read_text() for section in sections if section.exists())]
    (BUILD / "bench.md").write_text("\n".join(page))


if __name__ == "__main__":
    main()
