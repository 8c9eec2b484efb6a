#!/usr/bin/env python3
"""Runs the fuzzers, each for its share of the time: `run.py MINUTES [TARGET…]`, JOBS at a time.

What they learn is kept in build/fuzz/corpus and begun with the next time; what they find stays in
build/fuzz/found, and once it is mended it is put into tests/fuzz/corpus/TARGET, under a name that
says what it is. The table is printed and left in build/fuzz/report.md: executions, branches
("cov" of libFuzzer, of those in what is linked in) and how long the run was."""

import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build/fuzz"
HERE = pathlib.Path(__file__).resolve().parent
# Far more than any of them needs: what allocates more was led to it by its input.
MEMORY_MIB = 1024
# No input takes a hundredth of it, but for a machine that is busy with other things.
SLOWEST_SECONDS = 30
LONGEST_BYTES = 40_000
# Which words a target is given to play with.
WORDS = {"envelope": "envelope", "listener": "http", "answer": "http", "requests": "http", "upstream": "http",
         "tunnel": "http"}


def all_targets():
    """By the files there are."""
    return sorted(path.name.removesuffix("_fuzz.cpp") for path in HERE.glob("*_fuzz.cpp"))


def fuzz(target, seconds):
    """One target; a row of the table and whether nothing was found."""
    learnt, found = BUILD / "corpus" / target, BUILD / "found"
    learnt.mkdir(parents=True, exist_ok=True)
    found.mkdir(exist_ok=True)
    command = [
        BUILD / "bin" / f"fuzz_{target}", learnt, HERE / "corpus" / target,
        f"-max_total_time={seconds}", f"-max_len={LONGEST_BYTES}", f"-timeout={SLOWEST_SECONDS}",
        f"-rss_limit_mb={MEMORY_MIB}", f"-artifact_prefix={found}/{target}-", "-print_final_stats=1",
    ]
    if target in WORDS:
        command.append(f"-dict={HERE}/words/{WORDS[target]}.dict")
    begun = time.monotonic()
    log = BUILD / f"{target}.log"
    with log.open("wb") as output:
        code = subprocess.run(command, stdout=output, stderr=subprocess.STDOUT, check=False).returncode
    return row(target, log.read_text(errors="replace"), time.monotonic() - begun, code), code == 0


def last(pattern, text):
    """What the last match says."""
    matches = re.findall(pattern, text)
    return matches[-1] if matches else "-"


def row(target, text, seconds, code):
    """What libFuzzer said, as a row."""
    executions = last(r"stat::number_of_executed_units: (\d+)", text)
    if executions == "-":
        executions = last(r"#(\d+)", text)
    counters = last(r"\((\d+) inline 8-bit counters\)", text)
    inputs = last(r"corp: (\d+)/", text)
    branches = last(r"cov: (\d+)", text)
    verdict = "nothing" if code == 0 else last(r"(?:Test unit written to|SUMMARY:) (.*)", text)
    return f"| {target} | {executions} | {branches} / {counters} | {inputs} | {seconds:.0f} s | {verdict} |"


def main(minutes, targets):
    jobs = int(os.environ.get("JOBS") or os.cpu_count() or 1)
    seconds = max(1, round(minutes * 60 * jobs / len(targets)))
    print(f"{len(targets)} targets, {seconds} s each, {jobs} at a time; logs in build/fuzz", flush=True)
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        results = list(pool.map(lambda target: fuzz(target, seconds), targets))
    table = "\n".join(["| target | executions | branches | inputs kept | time | found |",
                       "|---|---|---|---|---|---|", *(line for line, _ in results)])
    print(table)
    (BUILD / "report.md").write_text(table + "\n")
    return 0 if all(fine for _, fine in results) else 1


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]), sys.argv[2:] or all_targets()))
