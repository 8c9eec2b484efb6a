#!/usr/bin/env python3
"""Abuse of the port, done to the real binary: each is answered or dropped in bounded time and memory, the next
honest request is taken, the accounts balance, no descriptor stays open. What is sent is in abuse_rows.py."""

import pathlib
import re
import shutil
import socket
import struct
import tempfile
import threading
import time
import unittest

import abuse_rows
import relaying
import sandbox
from relaying import EVENT_PATH, Client, Thaw, Upstream, balance, event

MOST_KIB = 16 * 1024
PASSED_ON = {"Host", "Content-Length", "Content-Type", "X-Sentry-Auth", "User-Agent", "Accept"}


class Abuse(unittest.TestCase):
    """A Thaw in a small function, an upstream, and what must be true of both in the end."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="thaw-abuse-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.upstream = Upstream()
        self.addCleanup(self.upstream.close)
        self.honest = 0

    def start(self, env=None, **more):
        """A Thaw that has done all it opens descriptors for once: a file, a connection to upstream."""
        self.thaw = Thaw(self.folder / "spool", self.upstream.port,
                         {"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128", "THAW_CONNECTIONS": "1", **(env or {})}, **more)
        self.addCleanup(self.thaw.kill)
        return self.thaw

    def descriptors(self):
        """How many it has open."""
        return len(list(pathlib.Path(f"/proc/{self.thaw.process.pid}/fd").iterdir()))

    def settled_descriptors(self):
        """Once nobody is connected any more: as many at ten looks."""
        self.until_quiet()
        seen = []

        def stable():
            seen.append(self.descriptors())
            return seen[-10:] == seen[-1:] * 10

        relaying.wait_for(stable)
        return seen[-1]

    def until_quiet(self):
        """Nobody but who asks is connected, and nothing waits."""
        return self.thaw.until(lambda stats: stats["local"]["connections"] <= 1
                               and stats["envelopes"]["waiting"] == 0)

    def connect(self):
        """A connection that ends with the test."""
        peer = socket.create_connection(("127.0.0.1", self.thaw.port), timeout=20)
        self.addCleanup(peer.close)
        return peer

    def be_honest(self):
        """The next honest request is taken."""
        client = Client(self.thaw.port)
        self.honest += 1
        self.assertEqual(client.post(event(self.honest))[0], 200)
        client.close()

    def check(self, before):
        """What the abuse must have left as it was."""
        self.be_honest()
        stats = self.until_quiet()
        balance(self, stats)
        self.assertEqual(stats["envelopes"]["lost"], 0)
        self.assertEqual(stats["envelopes"]["accepted"], stats["envelopes"]["delivered"])
        ids = self.upstream.event_ids()
        self.assertEqual({relaying.event_id(number + 1) for number in range(self.honest)} - set(ids), set())
        # A second connection to upstream may have been opened ahead of need.
        relaying.wait_for(lambda: self.descriptors() <= before + 1)
        self.stays_small()
        return stats

    def stays_small(self, name=None):
        """But for what a sanitizer takes."""
        print(f"{name or self._testMethodName}: peak resident {self.thaw.memory_kib()} KiB")
        if not sandbox.SANITIZED:
            self.assertLess(self.thaw.memory_kib(), MOST_KIB)


def statuses(text):
    """Of the answers in it."""
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", text)]


def answers_to(port, row):
    """Statuses of all answers, and whether the connection ended behind them. Where it should not, one more is asked
    for."""
    received = b""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as peer:
        try:
            peer.sendall(row.sent + (b"" if row.closes else abuse_rows.SMUGGLED))
            while row.closes or len(statuses(received)) <= len(row.statuses):
                part = peer.recv(65536)
                if not part:
                    return statuses(received), True
                received += part
        except (BrokenPipeError, ConnectionResetError):
            return statuses(received), True
    return statuses(received), False


class Requests(Abuse):
    """Row by row; between any two an honest request."""

    def check_rows(self, rows, env=None):
        """Each has its answers, and no more than them."""
        self.start(env)
        self.be_honest()
        before = self.settled_descriptors()
        for row in rows:
            with self.subTest(row.name):
                expected = [*row.statuses, *([] if row.closes else [200])]
                self.assertEqual(answers_to(self.thaw.port, row), (expected, row.closes))
                self.be_honest()
        return self.check(before)

    def test_this_machine_alone_reaches_the_port(self):
        port = f"{self.start().port:04X}"
        listening = set()
        for table in ("tcp", "tcp6"):
            for line in pathlib.Path("/proc/net", table).read_text().splitlines()[1:]:
                address, state = line.split()[1], line.split()[3]
                if address.endswith(":" + port) and state == "0A":
                    listening.add(address.split(":")[0])
        self.assertLessEqual({"0100007F"}, listening)
        self.assertLessEqual(listening, {"0100007F", "00000000000000000000000001000000"})

    def test_lengths(self):
        self.check_rows(abuse_rows.lengths())

    def test_transfer_codings(self):
        self.check_rows(abuse_rows.transfer_codings())

    def test_chunks(self):
        self.check_rows(abuse_rows.chunks())

    def test_lines(self):
        self.check_rows(abuse_rows.lines())

    def test_content_encodings(self):
        self.check_rows(abuse_rows.content_encodings())

    def test_envelopes(self):
        self.check_rows(abuse_rows.envelopes())

    def test_paths(self):
        self.check_rows(abuse_rows.paths())
        for _, path, _, _ in self.upstream.requests:
            self.assertTrue(path.startswith(f"/api/{sandbox.PROJECT}/"), path)

    def test_keys_of_others(self):
        self.check_rows(abuse_rows.tenants())
        for _, path, headers, _ in self.upstream.requests:
            self.assertEqual(path, EVENT_PATH)
            self.assertIn(sandbox.KEY, headers["X-Sentry-Auth"])

    def test_headers_for_upstream(self):
        self.check_rows(abuse_rows.injections())
        for _, path, headers, _ in self.upstream.requests:
            self.assertEqual(set(headers) - PASSED_ON, set())
            pairs = re.split("[?&]", path) + headers.get("X-Sentry-Auth", "").removeprefix("Sentry ").split(", ")
            self.assertEqual([pair for pair in pairs if pair.startswith("sentry_key=")], [f"sentry_key={sandbox.KEY}"])

    def test_foreign_hosts(self):
        # No DSN is configured: sentry.io is open, and nothing else.
        self.start({"THAW_UPSTREAM_DSN": ""})
        for row in abuse_rows.foreign_hosts():
            with self.subTest(row.name):
                got, closed = answers_to(self.thaw.port, row)
                self.assertFalse(closed)
                self.assertIn(got, [[400, 200], [403, 200]], "no host, or none that is allowed")
        self.assertEqual(self.thaw.stats()["upstream"]["connects"], 0)

    def test_views_and_pages(self):
        self.check_rows(abuse_rows.views())

    def test_bombs(self):
        self.check_rows(abuse_rows.bombs())


class Crowds(Abuse):
    """Many at once."""

    def crowd(self, count, said=b"", env=None, **more):
        """So many connections, of which each has said that much."""
        self.start(env, **more)
        self.be_honest()
        before = self.settled_descriptors()
        peers = [self.connect() for _ in range(count)]
        for peer in peers:
            peer.sendall(said)
        return before, peers

    def leave(self, peers):
        """All at once."""
        for peer in peers:
            peer.close()

    def drip(self, peers, rest, done):
        """One byte each in turn, until they are told that it is enough."""
        for at in range(len(rest)):
            for peer in peers:
                try:
                    peer.sendall(rest[at:at + 1])
                except OSError:
                    pass
            if done.wait(0.1):
                return

    def test_slow_headers_and_bodies(self):
        before, peers = self.crowd(120, b"POST /", {"THAW_READ_MS": "2000"})
        for peer in peers[::2]:
            peer.sendall(abuse_rows.post(b"x" * 1000)[len(b"POST /"):-1000])
        done = threading.Event()
        dripping = threading.Thread(target=self.drip, args=(peers, b"x" * 600, done))
        dripping.start()
        while self.thaw.stats()["rejected"].get("timeout", 0) == 0:
            self.be_honest()
        for peer in peers:
            self.assertEqual(statuses(peer.recv(1000)), [408])
        done.set()
        dripping.join()
        self.leave(peers)
        self.assertEqual(self.check(before)["rejected"]["timeout"], 120)
        self.assertGreater(self.honest, 10, "they were served meanwhile")

    def test_every_place_taken_by_the_slow(self):
        before, peers = self.crowd(8, b"P", {"THAW_READ_MS": "1000", "THAW_MAX_CLIENTS": "8"})
        begun = time.monotonic()
        self.be_honest()
        self.assertLess(time.monotonic() - begun, 5, "READ_MS and what it takes to look")
        self.leave(peers)
        self.check(before)

    @unittest.skipIf(sandbox.SANITIZED, "a sanitizer looks at memory through a pipe of its own")
    def test_fewer_descriptors_than_connections(self):
        limit = ("prlimit", "--nofile=48", sandbox.THAW, "serve")
        for said in (b"", b"POST /"):
            with self.subTest(said):
                before, peers = self.crowd(200, said, {"THAW_READ_MS": "1000"}, command=limit)
                self.be_honest()
                self.leave(peers)
                self.check(before)

    @unittest.skipIf(sandbox.SANITIZED, "a sanitizer looks at memory through a pipe of its own")
    def test_the_last_descriptor(self):
        limit = 48
        self.start(command=("prlimit", f"--nofile={limit}", sandbox.THAW, "serve"))
        peers = []
        while self.descriptors() < limit:
            before = self.descriptors()
            peers.append(self.connect())
            peers[-1].sendall(b"POST /")
            relaying.wait_for(lambda: self.descriptors() > before)
        peers.pop().close()
        relaying.wait_for(lambda: self.descriptors() < limit)
        client = Client(self.thaw.port)
        client.connection.connect()
        # It is let in, and not shut out again for somebody who does not come.
        relaying.wait_for(lambda: self.descriptors() == limit)
        self.assertEqual(client.post(event(1))[0], 200)
        client.close()

    def test_headers_of_the_largest_size_and_bodies_beside_them(self):
        large = b"POST / HTTP/1.1\r\nA: " + b"x" * 16_000
        before, peers = self.crowd(127, large, {"THAW_READ_MS": "3000"})
        for peer in peers[:40]:
            peer.sendall(b"\r\nContent-Length: 4000000\r\n\r\n" + b"x" * 100_000)
        self.be_honest()
        self.leave(peers)
        self.check(before)

    def test_resets(self):
        before, _ = self.crowd(0)
        whole = abuse_rows.post(event(0))
        for number in range(1500):
            peer = socket.create_connection(("127.0.0.1", self.thaw.port), timeout=20)
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            peer.sendall((b"", whole[:50], whole[:-5])[number % 3])
            peer.close()
        stats = self.check(before)
        self.assertEqual(stats["envelopes"]["accepted"], self.honest)

    def test_half_closed(self):
        for said, answer in ((b"", []), (b"POST /", []), (abuse_rows.post(event(0)), [200])):
            with self.subTest(said[:20]):
                before, peers = self.crowd(100, said)
                for peer in peers:
                    peer.shutdown(socket.SHUT_WR)
                for peer in peers:
                    self.assertEqual(statuses(peer.recv(1000)), answer)
                self.be_honest()
                self.leave(peers)
                self.check(before)

    def test_as_many_strange_projects_as_are_remembered(self):
        self.start()
        statuses_seen = []
        for project in range(1000, 1040):
            client = Client(self.thaw.port)
            path = f"/127.0.0.1:{self.upstream.port}/api/{project}/envelope/"
            statuses_seen.append(client.post(event(0), path)[0])
            client.close()
        self.assertEqual(statuses_seen, [200] * 31 + [403] * 9, "one of 32 places is the configured DSN's")
        self.be_honest()
        self.until_quiet()
        self.assertEqual(self.upstream.requests[-1][1], EVENT_PATH)


if __name__ == "__main__":
    unittest.main(verbosity=2)
