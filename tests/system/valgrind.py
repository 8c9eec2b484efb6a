#!/usr/bin/env python3
"""`thaw serve` under valgrind's memcheck, through requests of every kind, upstream's faults, a recovery and its end, over TLS: no
error, nothing definitely lost. The dev binary: in a static one valgrind cannot replace malloc. Without its line numbers,
which valgrind 3.19 cannot read."""

import contextlib
import os
import pathlib
import random
import socket
import subprocess
import tempfile
import unittest

import relaying
import sandbox
from authority import Authority
from soak_parts import traffic
from soak_upstream import SoakUpstream

BINARY = pathlib.Path(os.environ.get("THAW_BINARY", sandbox.BUILD / "dev/bin/thaw"))
REQUESTS = 150
FAULT = 99  # valgrind's exit code, then


class Memcheck(unittest.TestCase):
    """Two processes on one spool folder."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.binary = self.folder / "thaw"
        subprocess.run(["strip", "--strip-debug", "-o", self.binary, BINARY], check=True)
        authority = Authority(self.folder)
        self.root = authority.root
        self.upstream = SoakUpstream(("well",), 1, authority.context())
        self.addCleanup(self.upstream.close)
        self.maker = traffic.Maker(random.Random(1), sandbox.KEY, sandbox.PROJECT, f"127.0.0.1:{self.upstream.port}")

    def thaw(self, name, **env):
        """One life; its log is `name`."""
        command = ("/usr/bin/valgrind", "--leak-check=full", "--errors-for-leak-kinds=definite", f"--error-exitcode={FAULT}",
                   f"--log-file={self.folder / name}", "--num-callers=30", self.binary, "serve")
        thaw = relaying.Thaw(self.folder / "spool", self.upstream.port, command=command, env={
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128", "THAW_ALLOWED_HOSTS": self.upstream.address,
            "THAW_UPSTREAM_DSN": self.upstream.dsn(), "THAW_CA_FILE": str(self.root), "THAW_COMPRESSION": "zstd", **env})
        self.addCleanup(thaw.kill)
        return thaw

    @staticmethod
    def post(thaw, *request):
        """On a connection of its own; the answer's status."""
        with contextlib.closing(relaying.Client(thaw.port)) as client:
            return client.post(*request)[0]

    def check_end(self, thaw, name):
        """SIGTERM, and valgrind's verdict."""
        thaw.stop(timeout=60)
        log = (self.folder / name).read_text()
        self.assertEqual(thaw.process.returncode, 0, log)
        self.assertIn("ERROR SUMMARY: 0 errors", log)

    def test_every_kind_of_request(self):
        thaw = self.thaw("first", THAW_REQUEST_MS="2000", THAW_BREAKER_FAILURES="1000")
        wrong = []
        for number in range(REQUESTS):
            if number % 25 == 0:
                self.upstream.turn(("well", "503", "429", "reset", "black hole", "500")[number // 25])
            request = self.maker.one()
            status = self.post(thaw, request.body, request.path, request.headers, request.method)
            if status not in request.right:
                wrong.append((status, request.path))
        self.assertEqual(wrong, [])
        for path in ("/", "/metrics", "/nowhere"):
            thaw.get(path)
        with socket.create_connection(("127.0.0.1", thaw.port)) as gone:
            gone.sendall(b"POST /api/42/envelope/ HTTP/1.1\r\nContent-Length: 100\r\n\r\nhalf")
        self.upstream.turn("503")
        for number in range(20):
            self.assertEqual(self.post(thaw, relaying.event(number)), 200)
        relaying.balance(self, thaw.stats())
        self.check_end(thaw, "first")

    def test_what_a_killed_one_left(self):
        self.upstream.turn("refuse")
        killed = self.thaw("killed")
        for number in range(20):
            self.assertEqual(self.post(killed, relaying.event(number, 3000)), 200)
        killed.kill()
        self.upstream.turn("well")
        heir = self.thaw("heir")
        stats = heir.until(lambda stats: stats["envelopes"]["delivered"] == 20, timeout=60)
        self.assertEqual(stats["envelopes"]["recovered"], 20)
        self.check_end(heir, "heir")


if __name__ == "__main__":
    unittest.main(verbosity=2)
