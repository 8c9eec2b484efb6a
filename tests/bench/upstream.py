#!/usr/bin/env python3
"""What sending costs: bytes on the wire and processor time by compression, and handshakes, full and resumed.

Envelopes are those of Sentry's Python SDK; Thaw runs in thaw-sandbox, upstream speaks TLS. Prints Markdown;
the figures are in build/bench/upstream.json. PASS and FAIL as in drain.py.
"""

import argparse
import json
import os
import pathlib
import statistics
import sys

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "system"))

import real_envelopes
import sandbox
from drain import FUNCTION, Drain
from figures import FOLDER, Page
from watched import Watched

COMPRESSIONS = ("none", "gzip", "zstd")
# Near and one after the other: what is measured is the work, not the way.
TRIP_MS = 1


def wire(page, chosen, files):
    """Bytes and processor time of an envelope, by size and compression."""
    page.say("\n### An envelope on the wire, and its processor time\n")
    page.say(f"{chosen.envelopes} of each over one connection; the handshake is part of the processor time. *Wire*: "
             "all that Thaw writes into the socket, request line, header and TLS included.")
    rows, figures, unbalanced = [], [], []
    for size, path in files.items():
        runs = {name: [] for name in COMPRESSIONS}
        for _ in range(chosen.rounds):
            for name in COMPRESSIONS:
                runs[name].append(Drain(chosen.envelopes, TRIP_MS, 1, env={"THAW_COMPRESSION": name},
                                        planned={"burst": chosen.envelopes, "file": str(path)}))
        sent = {name: statistics.median(run.wire_bytes for run in its) for name, its in runs.items()}
        cpu = {name: statistics.median(1000 * run.cpu_ms / max(1, run.delivered) for run in its)
               for name, its in runs.items()}
        figures.append({"size": size, "bytes": path.stat().st_size, "wire_bytes": sent, "cpu_us": cpu})
        rows.append([size, f"{path.stat().st_size:,}", *(f"{sent[name]:,.0f}" for name in COMPRESSIONS),
                     *(f"{cpu[name]:.0f}" for name in COMPRESSIONS)])
        unbalanced += [f"{size}, {name}: {run.imbalance()}" for name, its in runs.items() for run in its if run.imbalance()]
    page.table(["", "bytes", *(f"wire, {name}" for name in COMPRESSIONS),
                *(f"CPU, {name}, µs" for name in COMPRESSIONS)], rows)
    runs = len(rows) * len(COMPRESSIONS) * chosen.rounds
    page.promise("each compression: the accounts balance", "in each run",
                 f"not: {'; '.join(unbalanced)}" if unbalanced else f"in {runs} of {runs}", not unbalanced)
    return figures


class Thaws:
    """Invokes with one envelope each, behind a freeze each."""

    def __init__(self, invokes, options):
        watched = Watched(os.getpid(), "thaw")
        planned = {"burst": 1, "bytes": 2000}
        self.run = sandbox.run(
            [*FUNCTION, json.dumps(planned)], f"invoke*{invokes} spindown", thaw=True, events=[planned] * invokes,
            env={**sandbox.TLS, "THAW_PACE": "prompt"},
            options=["--tls", "--gap-ms", "60", "--upstream-latency-ms", "20", *options])
        watched.ended()
        # The first one makes the TLS context, too.
        later = self.run.invokes[1:]
        self.cpu_ms = statistics.median(
            watched.cpu_ms(invoke["start_ms"], invoke["start_ms"] + invoke["billed_ms"]) for invoke in later)
        self.billed_ms = statistics.median(invoke["billed_ms"] for invoke in later)
        upstream = self.run.stats["upstream"]
        self.handshakes, self.resumed = upstream["tls_handshakes"], upstream["tls_resumed"]


def handshakes(page, chosen):
    """A thaw with a fresh connection: full handshake, resumed one, and a kept connection for comparison."""
    page.say("\n### After a thaw: one envelope, 20 ms away\n")
    ways = {"full handshake": ["--freeze", "cut", "--tls-no-resumption"], "resumed": ["--freeze", "cut"],
            "connection kept": ["--freeze", "live"]}
    rows, figures = [], {}
    runs = {name: [] for name in ways}
    for _ in range(chosen.rounds):
        for name, options in ways.items():
            runs[name].append(Thaws(chosen.invokes, options))
    for name, its in runs.items():
        figures[name] = {"cpu_ms": statistics.median(run.cpu_ms for run in its),
                         "billed_ms": statistics.median(run.billed_ms for run in its),
                         "handshakes": its[0].handshakes, "resumed": its[0].resumed}
        rows.append([name, *(f"{figures[name][key]:.2f}" for key in ("cpu_ms", "billed_ms")),
                     str(its[0].handshakes), str(its[0].resumed)])
    page.table(["", "Thaw's CPU an invoke, ms", "invoke, ms", "handshakes", "resumed"], rows)
    resumed, full = figures["resumed"], figures["full handshake"]
    page.promise("handshakes after a thaw are resumed", "all behind the first",
                 f"{resumed['resumed']} of {resumed['handshakes']}", resumed["resumed"] >= resumed["handshakes"] - 1)
    page.promise("CPU of an invoke with a resumed handshake", "less than with a full one",
                 f"{resumed['cpu_ms']:.2f} and {full['cpu_ms']:.2f} ms", resumed["cpu_ms"] < full["cpu_ms"])
    return figures


def main():
    """Both parts."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--quick", action="store_true", help="one round")
    chosen = options.parse_args()
    chosen.rounds, chosen.envelopes, chosen.invokes = (1, 200, 15) if chosen.quick else (5, 200, 30)
    page = Page()
    page.say("## Upstream")
    FOLDER.mkdir(parents=True, exist_ok=True)
    page.leave("upstream", {"wire": wire(page, chosen, real_envelopes.write(FOLDER)),
                            "handshakes": handshakes(page, chosen)})


if __name__ == "__main__":
    main()
