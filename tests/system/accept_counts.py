#!/usr/bin/env python3
"""What one accepted envelope costs in what can be counted: system calls and instructions of build/thaw.

Two runs that differ in the number of envelopes only, so that neither the start nor the first requests to the
upstream, which never answers, are in the difference; giving up what still waits at the end is. Limits are a little
above what was counted: they are there so that nothing creeps in. Allocations are counted in relay/accept_allocations.cpp.
"""

import os
import pathlib
import re
import signal
import socket
import subprocess
import tempfile
import unittest

import sandbox

FEW, MANY = 50, 250
PAYLOAD = b'{"message":"%s"}' % (b"x" * 900)
BODY = (b'{"event_id":"9ec79c33ec9942ab8353589fcb2e04dc","sent_at":"2026-11-29T10:00:00Z"}\n'
        b'{"type":"event","length":%d}\n%s' % (len(PAYLOAD), PAYLOAD))
REQUEST = (b"POST /api/%d/envelope/ HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: sentry.python/2.75.0\r\n"
           b"X-Sentry-Auth: Sentry sentry_key=%s, sentry_version=7, sentry_client=sentry.python/2.75.0\r\n"
           b"Content-Type: application/x-sentry-envelope\r\nContent-Length: %d\r\n\r\n%s"
           % (sandbox.PROJECT, sandbox.KEY.encode(), len(BODY), BODY))


def traced(pid):
    """strace starts what it traces; valgrind becomes it."""
    children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(children[0]) if children else pid


def run(tool, journal, envelopes):
    """Envelopes one after the other on one connection, to Thaw under `tool`; then SIGTERM."""
    with tempfile.TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0)) as upstream:
        dsn = f"http://{sandbox.KEY}@127.0.0.1:{upstream.getsockname()[1]}/{sandbox.PROJECT}"
        environment = {"THAW_PORT": "0", "THAW_UPSTREAM_DSN": dsn, "THAW_JOURNAL": journal,
                       "THAW_SPOOL_DIR": folder + "/spool", "THAW_REQUEST_MS": "60000"}
        with subprocess.Popen([*tool, sandbox.BUILD / "thaw", "serve"], env=environment, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True) as thaw:
            try:
                port = int(thaw.stdout.readline().rsplit(":", 1)[1])
                with socket.create_connection(("127.0.0.1", port)) as client:
                    for _ in range(envelopes):
                        client.sendall(REQUEST)
                        answer = client.recv(4096)
                        assert answer.startswith(b"HTTP/1.1 200 OK\r\n"), answer
            finally:
                os.kill(traced(thaw.pid), signal.SIGTERM)
                thaw.wait(60)


def system_calls(journal, envelopes):
    """Of each name."""
    with tempfile.NamedTemporaryFile("r") as counts:
        run(["strace", "--summary-only", "--follow-forks", "--output", counts.name],
            journal, envelopes)
        rows = re.findall(r"^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?(\w+)$", counts.read(), re.MULTILINE)
    return {name: int(calls) for calls, name in rows if name != "total"}


def instructions(journal, envelopes):
    """All that the process executed."""
    with tempfile.TemporaryDirectory() as folder:
        log = pathlib.Path(folder) / "log"
        run(["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/out", f"--log-file={log}"],
            journal, envelopes)
        return int(re.search(r"Collected : (\d+)", log.read_text()).group(1))


class Counts(unittest.TestCase):
    """Each limit, with the journal off and on."""

    def check_calls(self, journal, limit):
        few, many = system_calls(journal, FEW), system_calls(journal, MANY)
        each = {name: (calls - few.get(name, 0)) / (MANY - FEW) for name, calls in many.items()}
        seen = {name: round(calls, 2) for name, calls in each.items() if abs(calls) >= 0.01}
        print(f"journal {journal}: system calls an envelope: {seen}")
        self.assertLessEqual(sum(each.values()), limit, seen)

    def check_instructions(self, journal, limit):
        each = (instructions(journal, MANY) - instructions(journal, FEW)) / (MANY - FEW)
        print(f"journal {journal}: {each:.0f} instructions an envelope")
        self.assertLessEqual(each, limit)

    def test_system_calls_in_memory(self):
        # Wait, read, write; and a read in vain, where the next request is not there yet.
        self.check_calls("off", 4.5)

    def test_system_calls_with_the_journal(self):
        # Is the segment still there? Write.
        self.check_calls("on", 6.5)

    def test_instructions_in_memory(self):
        self.check_instructions("off", 31_000)

    def test_instructions_with_the_journal(self):
        self.check_instructions("on", 33_500)


if __name__ == "__main__":
    unittest.main(verbosity=1)
