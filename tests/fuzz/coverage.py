#!/usr/bin/env python3
"""Which lines of proto run: in its unit tests, and in what replays the fuzzers' corpora. Prints a table by
file, leaves each line with its count in build/coverage/lines.txt, and fails below 95 %."""

import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build/coverage"
LEAST_PERCENT = 95.0


def run(*command, **options):
    return subprocess.run([str(part) for part in command], check=True, text=True, **options)


def main():
    binary, raw, merged = BUILD / "tests/unit_tests", BUILD / "raw.profile", BUILD / "merged.profile"
    run(binary, "--test-suite=proto/*,fuzz/*", "--minimal",
        env={**os.environ, "LLVM_PROFILE_FILE": str(raw)})
    run("llvm-profdata-19", "merge", "-o", merged, raw)
    arguments = (binary, f"-instr-profile={merged}", ROOT / "proto")
    with (BUILD / "lines.txt").open("w") as lines:
        run("llvm-cov-19", "show", *arguments, stdout=lines)
    exported = run("llvm-cov-19", "export", "-summary-only", *arguments, stdout=subprocess.PIPE)
    data = json.loads(exported.stdout)["data"][0]
    for file in sorted(data["files"], key=lambda file: file["summary"]["lines"]["percent"]):
        lines = file["summary"]["lines"]
        name = pathlib.Path(file["filename"]).relative_to(ROOT)
        print(f"{lines['percent']:6.1f} %  {lines['covered']:4} of {lines['count']:4}  {name}")
    total = data["totals"]["lines"]
    print(f"{total['percent']:6.1f} %  {total['covered']:4} of {total['count']:4}  proto/")
    return 0 if total["percent"] >= LEAST_PERCENT else 1


if __name__ == "__main__":
    sys.exit(main())
