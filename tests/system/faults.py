#!/usr/bin/env python3
"""Faults, each a name a reader understands, done to the real binary: what was acknowledged arrives or is
counted, the accounts balance, memory stays inside its limits. What needs no process of its own is a unit
(tests/README.md says which)."""

import gzip
import http.client
import os
import pathlib
import random
import shutil
import socket
import subprocess
import tempfile
import threading
import unittest
import zlib

import relaying
import sandbox
from relaying import AUTH, Client, Thaw, Upstream, balance, event, event_id

SMALL_FUNCTION = {"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128"}


class Faults(unittest.TestCase):
    """One row a method."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="thaw-faults-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.upstream = Upstream()
        self.addCleanup(lambda: self.upstream.close())
        self.thaws = []

    def tearDown(self):
        for thaw in self.thaws:
            if thaw.process.poll() is None:
                # Sanitizers look for leaks at the end, which a kill is not.
                (thaw.stop if sandbox.SANITIZED else thaw.kill)()

    def thaw(self, env=None, upstream=None):
        """A Thaw that the test cleans up."""
        started = Thaw(self.folder / "spool", upstream or self.upstream.port, env)
        self.thaws.append(started)
        return started

    def client(self, thaw):
        """A connection that the test closes."""
        opened = Client(thaw.port)
        self.addCleanup(opened.close)
        return opened

    def check_memory(self, thaw):
        """At its most it was inside the limit (P5)."""
        if not sandbox.SANITIZED:
            self.assertLess(thaw.memory_kib(), 16 * 1024)

    def check_arrived(self, acknowledged):
        """Every acknowledged one is there, perhaps twice."""
        self.assertEqual(set(acknowledged) - set(self.upstream.event_ids()), set(), "vanished")

    def test_killed_at_random_instants_under_load(self):
        chance = random.Random(seed := int(os.environ.get("SEED", "1")))
        print(f"seed {seed}")
        self.upstream.delay = 0.005
        acknowledged, number = [], 0
        thaw = self.thaw()
        for _ in range(relaying.rounds(20)):
            threading.Timer(chance.uniform(0.01, 0.25), thaw.kill).start()
            client = self.client(thaw)
            try:
                while True:
                    # No more than upstream can take in the end.
                    client.pause(0.001)
                    number += 1
                    if client.post(event(number, chance.choice((10, 3000))))[0] == 200:
                        acknowledged.append(event_id(number))
            except (OSError, http.client.HTTPException):
                client.close()
            thaw.process.wait()
            thaw.start()
        stats = thaw.until(lambda stats: stats["envelopes"]["waiting"] == 0, timeout=60)
        balance(self, stats)
        self.assertEqual(stats["envelopes"]["lost"], 0)
        self.check_arrived(acknowledged)
        self.assertEqual(list((self.folder / "spool").glob("*.seg")), [])
        print(f"{len(acknowledged)} acknowledged in {relaying.rounds(20)} lives, "
              f"{len(self.upstream.event_ids()) - len(acknowledged)} more arrivals than that")

    def test_upstream_away_then_killed_then_back(self):
        away = relaying.free_port()
        thaw = self.thaw(upstream=away)
        client = self.client(thaw)
        for number in range(50):
            self.assertEqual(client.post(event(number, kind="event" if number % 2 else "transaction"))[0], 200)
        waiting = thaw.until(lambda stats: stats["envelopes"]["in_flight"] == 0)["items"]
        thaw.kill()
        back = Upstream(away)
        self.addCleanup(back.close)
        thaw.start()
        stats = thaw.until(lambda stats: stats["envelopes"]["delivered"] == 50)
        balance(self, stats)
        for category, items in waiting.items():
            self.assertEqual(stats["items"][category]["recovered"], items["waiting"], category)
        self.assertEqual(sorted(back.event_ids()), [event_id(number) for number in range(50)])

    def test_burst_of_10000_while_upstream_is_away(self):
        away = relaying.free_port()
        # A debug build with sanitizers takes seconds for what takes milliseconds.
        most = 500 if sandbox.SANITIZED else 10000
        thaw = self.thaw({**SMALL_FUNCTION, "THAW_MAX_WAITING": str(most)}, upstream=away)
        idle = thaw.memory_kib()
        clients = [self.client(thaw) for _ in range(8)]

        def burst(client, numbers):
            for number in numbers:
                self.assertEqual(client.post(event(number, 1000))[0], 200)

        threads = [threading.Thread(target=burst, args=(client, range(first, most, 8)))
                   for first, client in enumerate(clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(thaw.stats()["envelopes"]["waiting"], most)
        full = thaw.memory_kib()
        # One more, at least as urgent as all that waits, finds no place; nothing is evicted for it.
        self.assertEqual(self.client(thaw).post(event(most))[0], 503)
        back = Upstream(away)
        self.addCleanup(back.close)
        stats = thaw.until(lambda stats: stats["envelopes"]["waiting"] == 0, timeout=120)
        balance(self, stats)
        self.assertEqual(len(set(back.event_ids())), most)
        print(f"peak resident: {idle} KiB idle, {full} KiB with {most} waiting, "
              f"{thaw.memory_kib()} KiB after delivery")
        self.check_memory(thaw)

    def test_500_connections_at_once(self):
        thaw = self.thaw(SMALL_FUNCTION)
        sockets = []
        for _ in range(500):
            peer = socket.create_connection(("127.0.0.1", thaw.port), timeout=20)
            self.addCleanup(peer.close)
            sockets.append(peer)
        body = event(1)
        request = (f"POST {relaying.EVENT_PATH} HTTP/1.1\r\nHost: x\r\nX-Sentry-Auth: {AUTH}\r\n"
                   f"Connection: close\r\nContent-Length: {len(body)}\r\n\r\n").encode() + body
        answered = 0
        for peer in sockets:
            try:
                peer.sendall(request)
                answered += peer.recv(100).startswith(b"HTTP/1.1 200")
            except ConnectionError:
                pass  # the longest idle one, closed for a newer: it never was acknowledged
        self.assertGreaterEqual(answered, 128)
        stats = thaw.until(lambda stats: stats["envelopes"]["waiting"] == 0)
        self.assertEqual(stats["envelopes"]["accepted"], answered)
        balance(self, stats)
        self.check_memory(thaw)

    def test_largest_legal_body_and_one_byte_more(self):
        thaw = self.thaw(SMALL_FUNCTION)
        limit = 4 * 2**20
        head = b'{}\n{"type":"attachment","length":%d}\n'

        def sized(whole):
            length = whole - len(head % whole) - 1
            body = head % length + b"x" * length + b"\n"
            self.assertEqual(len(body), whole)
            return body

        self.assertEqual(self.client(thaw).post(sized(limit))[0], 200)
        self.assertEqual(self.client(thaw).post(sized(limit + 1))[0], 413)
        packed = {"X-Sentry-Auth": AUTH, "Content-Encoding": "gzip"}
        self.assertEqual(self.client(thaw).post(gzip.compress(sized(limit)), headers=packed)[0], 200)
        self.assertEqual(self.client(thaw).post(gzip.compress(sized(limit + 1)), headers=packed)[0], 413)
        stats = thaw.until(lambda stats: stats["envelopes"]["waiting"] == 0)
        balance(self, stats)
        self.assertEqual(stats["envelopes"]["delivered"], 2)
        self.assertEqual(max(map(len, self.upstream.bodies())) > limit, True)
        print(f"peak resident with bodies of 4 MiB: {thaw.memory_kib()} KiB")
        self.check_memory(thaw)

    def test_decompression_bombs(self):
        thaw = self.thaw(SMALL_FUNCTION)
        zeros = b"\0" * (200 * 2**20)
        bombs = {"gzip": gzip.compress(zeros, 1), "deflate": zlib.compress(zeros, 1)}
        bombs["gzip "] = b"".join(gzip.compress(b"\0" * 2**20, 1) for _ in range(40))
        for name, tool in (("zstd", ["zstd", "-q", "-c"]), ("br", ["brotli", "-q", "1", "-c"])):
            if shutil.which(tool[0]):
                bombs[name] = subprocess.run(tool, input=zeros, capture_output=True, check=True).stdout
        before = thaw.memory_kib()
        for name, bomb in bombs.items():
            with self.subTest(name):
                headers = {"X-Sentry-Auth": AUTH, "Content-Encoding": name.strip()}
                self.assertEqual(self.client(thaw).post(bomb, headers=headers)[0], 413)
        self.assertEqual(thaw.stats()["rejected"]["too_large"], len(bombs))
        # Decoded up to the limit of 4 MiB, and half of that again while the room for it grows.
        print(f"peak resident with bombs: {thaw.memory_kib()} KiB, {before} KiB before")
        self.check_memory(thaw)

    def test_client_gone_in_the_middle_of_a_body(self):
        thaw = self.thaw()
        for length in (100, 10**6):
            with socket.create_connection(("127.0.0.1", thaw.port)) as peer:
                peer.sendall(f"POST {relaying.EVENT_PATH} HTTP/1.1\r\nHost: x\r\nX-Sentry-Auth: {AUTH}\r\n"
                             f"Content-Length: {length}\r\n\r\nhalf".encode())
        stats = thaw.until(lambda stats: stats["rejected"].get("abandoned") == 2)
        self.assertEqual(stats["envelopes"]["accepted"], 0)
        self.assertEqual(self.client(thaw).post(event(1))[0], 200)

    def test_a_folder_that_cannot_be_written(self):
        (self.folder / "spool").write_text("a file is in the way")
        thaw = self.thaw()
        self.assertEqual(self.client(thaw).post(event(1))[0], 200)
        stats = thaw.until(lambda stats: stats["envelopes"]["delivered"] == 1)
        self.assertIs(stats["durable"], False)
        self.assertEqual(len([line for line in thaw.lines if "journal" in line]), 1, thaw.lines)

    def test_without_a_journal(self):
        thaw = self.thaw({"THAW_JOURNAL": "off"})
        self.assertEqual(self.client(thaw).post(event(1))[0], 200)
        stats = thaw.until(lambda stats: stats["envelopes"]["delivered"] == 1)
        balance(self, stats)
        self.assertIs(stats["durable"], False)
        self.assertEqual(list((self.folder / "spool").glob("*.seg")), [])

    def test_a_second_thaw_in_the_same_folder(self):
        first = self.thaw(upstream=relaying.free_port())
        self.assertEqual(self.client(first).post(event(1))[0], 200)
        second = self.thaw()
        self.assertEqual(self.client(second).post(event(2))[0], 200)
        stats = second.until(lambda stats: stats["envelopes"]["delivered"] == 1)
        self.assertIs(stats["durable"], False)
        self.assertIs(first.stats()["durable"], True)

    def test_the_folder_deleted_beneath_it(self):
        thaw = self.thaw(upstream=relaying.free_port())
        client = self.client(thaw)
        self.assertEqual(client.post(event(1))[0], 200)
        shutil.rmtree(self.folder / "spool")
        self.assertEqual(client.post(event(2))[0], 200)
        stats = thaw.stats()
        self.assertEqual(stats["envelopes"]["waiting"], 2)
        balance(self, stats)

    def test_other_endpoints_travel_as_they_came(self):
        thaw = self.thaw()
        odd = bytes(range(256)) * 8
        base = f"/api/{sandbox.PROJECT}/"
        rows = [
            ("POST", "integration/otlp/v1/traces/", "application/json", b'{"resourceSpans":[]}', 200, b"{}"),
            ("POST", "integration/otlp/v1/logs", "application/x-protobuf", odd, 200, b""),
            ("POST", "cron/nightly/?status=ok", "application/json", b'{"status":"ok"}', 202, b""),
            ("GET", f"cron/nightly/{sandbox.KEY}/?status=in_progress&environment=a%20b", None, b"", 202, b""),
            ("POST", "minidump/", "multipart/form-data; boundary=b", b"--b\r\n\r\nMDMP" + odd + b"\r\n--b--", 200, None),
            ("POST", f"security/?sentry_key={sandbox.KEY}&sentry_release=1", "application/csp-report", b'{"csp-report":{}}', 200, b""),
        ]
        for method, path, content_type, body, status, answer in rows:
            with self.subTest(path):
                headers = {} if sandbox.KEY in path else {"X-Sentry-Auth": AUTH}
                if content_type:
                    headers["Content-Type"] = content_type
                got = self.client(thaw).post(body, base + path, headers, method)
                self.assertEqual(got[0], status)
                if answer is not None:
                    self.assertEqual(got[1], answer)
                thaw.until(lambda stats: stats["envelopes"]["waiting"] == 0)
                sent_method, sent_path, sent_headers, sent_body = self.upstream.requests[-1]
                self.assertEqual((sent_method, sent_body), (method, body))
                self.assertEqual(sent_headers.get("Content-Type"), content_type)
                self.assertTrue(sent_path.startswith(base + path.split("?")[0].rstrip("/")), sent_path)
                auths = ("X-Sentry-Auth" in sent_headers, "sentry_key=" in sent_path, sandbox.KEY + "/" in sent_path)
                self.assertEqual(sum(auths), 1, f"exactly one auth: {sent_path} {sent_headers}")
        stats = thaw.stats()
        balance(self, stats)
        self.assertEqual(stats["items"]["monitor"]["delivered"], 2)
        self.assertEqual(stats["items"]["default"]["delivered"], 4)

    def test_reset_then_recovery(self):
        for then in ("hang", "crash"):
            with self.subTest(then):
                run = sandbox.run(
                    "python", "invoke*6 spindown", thaw=True,
                    events=[{"errors": 0}, {"errors": 2, "flush": True, "then": then},
                            *[{"errors": 1, "flush": True}] * 4],
                    options=["--freeze", "cut", "--gap-ms", "600", "--timeout-ms", "1500",
                             "--upstream-latency-ms", "40", "--upstream-fault", "status:503*7"])
                self.assertEqual(set(run.sent) - run.arrived, set())
                # The two of the failed invoke are in no answer, but they were handed over; Thaw's own of its end.
                self.assertEqual(len(set(run.arrivals)), 2 + 1 + 4)
                lines = sandbox.summary_lines(run.report["extension_log"])
                self.assertEqual(len(lines), 2, "one process before the reset, one behind it")
                for line in lines:
                    balance(self, line)
                for category, items in lines[0]["items"].items():
                    self.assertGreater(items["waiting"], 0, "nothing was left to recover")
                    self.assertEqual(lines[1]["items"][category]["recovered"], items["waiting"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
