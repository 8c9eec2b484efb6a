#!/usr/bin/env python3
"""The accept path over real loopback HTTP, beside its peers: how fast an envelope is taken and answered.

The floor only reads and answers (floor.cpp). Node, Go and hyper (peers/) read the body, gunzip it if need be, look
for the key, read the envelope's headers, keep it and answer with its id. Thaw does all it ever does until the answer
is out: the journal, too, where it is on. What it sends on is not in here: its upstream is stopped during a round, so
that as many as there are connections are on their way and the others wait, and takes them all before the next one.
Without the journal the limits are above what a round brings, so that nothing is evicted; with it they are the
defaults. The first two rounds warm everything up.

Server and client have a core each. With several connections the client never sleeps: else a slower server, and only
that, would wake it at each answer, which on a virtual machine costs as much as the answer. Rounds are interleaved;
ratios are medians over the rounds, each to the floor in the same round. Prints Markdown and writes
build/bench/accept.json.
"""

import argparse
import array
import contextlib
import dataclasses
import gzip
import json
import os
import pathlib
import random
import shutil
import signal
import statistics
import subprocess
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"
BIN = BUILD / "release/bin"
KEY = "abcdef0123456789abcdef0123456789"
WARM_UP = 2
SERVER_CORE, CLIENT_CORE = "0", "1"

SIZES = {"1 KB": 1_000, "10 KB": 10_000, "100 KB": 100_000}
REQUESTS = {"1 KB": 6_000, "10 KB": 3_000, "100 KB": 400}
FLOOR, OFF, ON = "floor", "Thaw, journal off", "Thaw, journal on"
PEERS = {"hyper": [BUILD / "bench/hyper/release/thaw-bench"], "Go": [BUILD / "bench/go-server"],
         "Node": [BUILD / "functions/node/node", ROOT / "tests/bench/peers/node.js"]}


def event(size):
    """An event as an SDK makes it, of about so many bytes: frames, until it is large enough."""
    chance = random.Random(size)
    frames = []
    made = {"event_id": "9ec79c33ec9942ab8353589fcb2e04dc", "platform": "python", "level": "error",
            "timestamp": "2026-11-29T10:00:00.000000Z", "server_name": "169.254.1.1", "release": "checkout@4.2.1",
            "exception": {"values": [{"type": "ValueError", "value": "no such order: 1841", "stacktrace":
                                      {"frames": frames}}]}}
    while (text := json.dumps(made)) and len(text) < size:
        line = chance.randrange(2000)
        frames.append({"filename": f"shop/{chance.choice(['cart', 'order', 'payment'])}.py", "lineno": line,
                       "function": f"step_{chance.randrange(10**6)}", "in_app": True,
                       "context_line": f"    total = total + rows[{line}].price",
                       "vars": {"order": chance.randrange(10**9), "token": f"{chance.getrandbits(96):x}"}})
    return text.encode()


def request(size, encoding):
    """The bytes of one request, as an SDK sends it."""
    payload = event(size)
    body = (b'{"event_id":"9ec79c33ec9942ab8353589fcb2e04dc","sent_at":"2026-11-29T10:00:00.000000Z"}\n'
            + b'{"type":"event","length":%d,"content_type":"application/json"}\n' % len(payload) + payload)
    head = ("POST /api/42/envelope/ HTTP/1.1\r\nHost: 127.0.0.1:9797\r\nAccept-Encoding: identity\r\n"
            f"User-Agent: sentry.python/2.75.0\r\nX-Sentry-Auth: Sentry sentry_key={KEY}, sentry_version=7, "
            "sentry_client=sentry.python/2.75.0\r\nContent-Type: application/x-sentry-envelope\r\n")
    if encoding == "gzip":
        body = gzip.compress(body, 9)
        head += "Content-Encoding: gzip\r\n"
    return head.encode() + b"Content-Length: %d\r\n\r\n" % len(body) + body


class Server:
    """One process that prints its port, on the server's core."""

    def __init__(self, command, env=None):
        self.process = subprocess.Popen(["taskset", "-c", SERVER_CORE, *map(str, command)], stdout=subprocess.PIPE,
                                        text=True, env={**os.environ, **(env or {})})
        said = self.process.stdout.readline()
        self.port = int(said.strip().rstrip("/").rsplit(":", 1)[-1])

    def cpu_ns(self):
        """What all its threads have run so far."""
        tasks = pathlib.Path(f"/proc/{self.process.pid}/task").iterdir()
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks)

    @contextlib.contextmanager
    def round(self):
        """Around one round; peers need nothing."""
        yield

    def stop(self):
        """Its end."""
        self.process.kill()
        self.process.wait()


ROOM = {"THAW_MEMORY_MIB": "256", "THAW_MAX_WAITING": "100000"}  # for a round


class Thaw(Server):
    """`thaw serve`, whose upstream is stopped during a round."""

    def __init__(self, journal, upstream, folder):
        self.upstream = upstream
        super().__init__([BUILD / "thaw", "serve"], {
            "THAW_PORT": "0", "THAW_UPSTREAM_DSN": f"http://{KEY}@127.0.0.1:{upstream.port}/42", "SENTRY_DSN": "",
            "THAW_JOURNAL": journal, "THAW_SPOOL_DIR": str(folder), "THAW_REQUEST_MS": "60000",
            **(ROOM if journal == "off" else {})})

    def stats(self):
        """What it says of itself."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/stats") as answer:
            return json.load(answer)

    @contextlib.contextmanager
    def round(self):
        self.upstream.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.upstream.process.send_signal(signal.SIGCONT)
        while self.stats()["envelopes"]["waiting"]:
            time.sleep(0.01)


@dataclasses.dataclass
class Cell:
    """One row of the matrix: what is sent, on how many connections; and what each server made of it."""

    size: str
    encoding: str
    connections: int
    seconds: dict = dataclasses.field(default_factory=dict)  # server -> one a round
    cpu_us: dict = dataclasses.field(default_factory=dict)   # the same: CPU of the server a request
    latencies: dict = dataclasses.field(default_factory=dict)  # server -> one list a round, us

    def ratio(self, server):
        """Requests a second, as a share of the floor's."""
        return statistics.median(floor / its for floor, its in zip(self.seconds[FLOOR], self.seconds[server]))

    def cpu_ratio(self, server):
        """The same by the server's CPU, which others on the machine disturb less."""
        return statistics.median(floor / its for floor, its in zip(self.cpu_us[FLOOR], self.cpu_us[server]))

    def quantile(self, server, share):
        """Of the latencies, in us: the median over the rounds of each round's."""
        return statistics.median(ordered[int(len(ordered) * share)] for ordered in self.latencies[server])

    def p50_ratio(self, server):
        """The median latency over the floor's in the same round."""
        return statistics.median(its[len(its) // 2] / floor[len(floor) // 2]
                                 for floor, its in zip(self.latencies[FLOOR], self.latencies[server]))

    def figures(self, server):
        """What build/bench/accept.json has of one server."""
        requests = len(self.latencies[server][0])
        return {"per_second": round(requests / statistics.median(self.seconds[server])),
                "of_floor": round(self.ratio(server), 3), "cpu_of_floor": round(self.cpu_ratio(server), 3),
                "p50_of_floor": round(self.p50_ratio(server), 3),
                "cpu_us": round(statistics.median(self.cpu_us[server]), 2),
                **{f"p{name}_us": round(self.quantile(server, share), 1)
                   for name, share in (("50", 0.5), ("99", 0.99), ("99_9", 0.999))}}


class Bench:
    """All servers, and the requests in files."""

    def __init__(self, folder, rounds):
        self.folder = folder
        self.rounds = rounds
        self.servers = {}
        with contextlib.ExitStack() as started:
            self.upstream = self.start(started, Server, [BIN / "bench_floor"])
            self.servers[FLOOR] = self.start(started, Server, [BIN / "bench_floor"])
            for name, journal in ((OFF, "off"), (ON, "on")):
                self.servers[name] = self.start(started, Thaw, journal, self.upstream, folder / journal)
            for name, command in PEERS.items():
                self.servers[name] = self.start(started, Server, command)
            self.stop = started.pop_all().close

    @staticmethod
    def start(started, kind, *arguments):
        """A server that ends with the others, also where one of them does not start."""
        server = kind(*arguments)
        started.callback(server.stop)
        return server

    def load(self, server, cell, requests):
        """One round of one server: seconds, CPU of the server a request in us, sorted latencies in us."""
        path = self.folder / f"{cell.size}-{cell.encoding}"
        if not path.exists():
            path.write_bytes(request(SIZES[cell.size], cell.encoding))
        latencies = self.folder / "latencies"
        with server.round():
            before = server.cpu_ns()
            took = subprocess.run(
                ["taskset", "-c", CLIENT_CORE, BIN / "bench_load", str(server.port), path, str(cell.connections),
                 str(requests), latencies], check=True, capture_output=True, text=True).stdout
            cpu = server.cpu_ns() - before
        ordered = array.array("I", latencies.read_bytes())
        return int(took) / 1e9, cpu / requests / 1e3, sorted(ns / 1e3 for ns in ordered)

    def measure(self, cell):
        """The rounds of one cell, the first of which do not count."""
        requests = REQUESTS[cell.size] // (1 if cell.connections > 1 else 3)
        for turn in range(WARM_UP + self.rounds):
            for name, server in self.servers.items():
                seconds, cpu, latencies = self.load(server, cell, requests)
                if turn >= WARM_UP:
                    cell.seconds.setdefault(name, []).append(seconds)
                    cell.cpu_us.setdefault(name, []).append(cpu)
                    cell.latencies.setdefault(name, []).append(latencies)
        return cell


def table(cells, of, names, title):
    """One Markdown table: a row a cell, a column a server."""
    yield f"\n{title}\n"
    yield "| body | | connections | " + " | ".join(names) + " |"
    yield "|---|---|---|" + "---|" * len(names)
    for cell in cells:
        yield f"| {cell.size} | {cell.encoding} | {cell.connections} | " + " | ".join(
            of(cell, name) for name in names) + " |"


def section(cells, names):
    """What is printed."""
    yield "## The accept path"
    yield ("\nEnvelopes with one error event over loopback HTTP, keep-alive, one client thread; server and client "
           "have a core each. *floor*: a bare epoll server that only reads and answers. Node, Go and hyper read the "
           "body, gunzip it, look for the key, read the envelope's headers, keep it and answer with its id; Thaw takes "
           "it in as it always does.")
    yield from table(cells, lambda cell, name: f"{cell.ratio(name):.2f}", names,
                     "Requests a second, as a share of the floor's:")
    yield from table([cell for cell in cells if cell.connections == 1],
                     lambda cell, name: f"{cell.p50_ratio(name):.2f}", names, "Median latency, floor = 1:")
    yield from table(cells, lambda cell, name: " / ".join(
        f"{cell.quantile(name, share):.0f}" for share in (0.5, 0.99, 0.999)), names,
                     "Latency p50 / p99 / p99.9, µs:")
    yield from table(cells, lambda cell, name: f"{statistics.median(cell.cpu_us[name]):.1f}", names,
                     "CPU of the server a request, µs:")
    yield from checks(cells)


def promises(cells):
    """What is promised of plain bodies, as it was seen this time; beside it the same by the server's CPU."""
    for cell in cells:
        if cell.encoding != "plain" or cell.size == "100 KB":
            continue
        where = f"{cell.size}, {cell.connections} connection{'s' if cell.connections > 1 else ''}"
        if cell.connections == 1:
            seen = cell.p50_ratio(OFF)
            yield {"what": f"{OFF}: p50, {where}", "wanted": "at most 1.3 of the floor's", "seen": f"{seen:.2f}",
                   "by_cpu": "", "kept": seen <= 1.3}
            continue
        wanted = [(OFF, FLOOR, 0.8), (ON, FLOOR, 0.45), *((way, peer, 1) for way in (OFF, ON) for peer in ("Go", "Node")),
                  (OFF, "hyper", 1)]
        for way, other, least in wanted:
            seen = cell.ratio(way) / cell.ratio(other)
            yield {"what": f"{way}: requests a second, {where}", "wanted": f"at least {least} × {other}'s",
                   "seen": f"{seen:.2f}", "by_cpu": f"{cell.cpu_ratio(way) / cell.cpu_ratio(other):.2f}",
                   "kept": seen >= least}


def checks(cells):
    """The table of them."""
    yield "\n| promised, plain bodies | | seen | by CPU | |\n|---|---|---|---|---|"
    for one in promises(cells):
        yield f"| {one['what']} | {one['wanted']} | {one['seen']} | {one['by_cpu']} | {verdict(one['kept'])} |"


def verdict(kept):
    """One word."""
    return "PASS" if kept else "FAIL"


def main():
    """The matrix, or a part of it."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--full", action="store_true", help="21 rounds, not 5")
    options.add_argument("--rounds", type=int)
    options.add_argument("--sizes", default=",".join(SIZES))
    options.add_argument("--encodings", default="plain,gzip")
    options.add_argument("--connections", default="1,8")
    chosen = options.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="thaw-bench-"))
    bench = Bench(folder, chosen.rounds or (21 if chosen.full else 5))
    try:
        cells = [bench.measure(Cell(size, encoding, int(connections)))
                 for size in chosen.sizes.split(",") for encoding in chosen.encodings.split(",")
                 for connections in chosen.connections.split(",")]
    finally:
        bench.stop()
        shutil.rmtree(folder)
    names = list(bench.servers)
    print("\n".join(section(cells, names)))
    (BUILD / "bench").mkdir(exist_ok=True)
    (BUILD / "bench/accept.json").write_text(json.dumps(
        {"promises": list(promises(cells)),
         "cells": [{"body": cell.size, "encoding": cell.encoding, "connections": cell.connections, "rounds": bench.rounds,
                    "servers": {name: cell.figures(name) for name in names}} for cell in cells]}, indent=1))


if __name__ == "__main__":
    main()
