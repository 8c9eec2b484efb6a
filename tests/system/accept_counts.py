#!/usr/bin/env python3
"""What one accepted envelope costs in what can be counted: system calls and instructions of build/thaw.

Two runs that differ in the number of envelopes only, so that neither the start nor the first requests to the
upstream, which never answers, are in the difference; giving up what still waits at the end is. Limits are a little
above what was counted: they are there so that nothing creeps in. Allocations are counted in relay/accept_allocations.cpp.
Growth is counted the same way: what one more costs where many wait, where many connections are open, of many DSNs,
with a large body.
"""

import contextlib
import dataclasses
import os
import pathlib
import re
import signal
import socket
import subprocess
import tempfile
import threading
import unittest

import relaying
import sandbox

FEW, MANY = 50, 250
LENGTHS = 8


@dataclasses.dataclass(frozen=True)
class Load:
    """Envelopes one after the other on one connection."""

    envelopes: int
    message: int = 900  # bytes
    idle: int = 0       # further connections, open from before the first to behind the last envelope
    dsns: int = 1       # by turns
    chunked: bool = False


def key(number):
    """Of the DSN of that number; the first is the sandbox's."""
    return sandbox.KEY if number == 0 else f"{number:032x}"


def request(load, number):
    """As an SDK sends it; the next one is of another length."""
    payload = b'{"message":"%s"}' % (b"x" * (load.message + number // load.dsns % LENGTHS))
    body = (b'{"event_id":"9ec79c33ec9942ab8353589fcb2e04dc","sent_at":"2026-11-29T10:00:00Z"}\n'
            b'{"type":"event","length":%d}\n%s' % (len(payload), payload))
    length = b"Content-Length: %d" % len(body)
    if load.chunked:
        length, body = b"Transfer-Encoding: chunked", b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    return (b"POST /api/%d/envelope/ HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: sentry.python/2.75.0\r\n"
            b"X-Sentry-Auth: Sentry sentry_key=%s, sentry_version=7, sentry_client=sentry.python/2.75.0\r\n"
            b"Content-Type: application/x-sentry-envelope\r\n%s\r\n\r\n%s"
            % (sandbox.PROJECT, key(number % load.dsns).encode(), length, body))


def traced(pid):
    """strace starts what it traces; valgrind becomes it."""
    children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(children[0]) if children else pid


def run(tool, journal, load):
    """The load to Thaw under `tool`; then SIGTERM."""
    requests = [request(load, number) for number in range(load.dsns * LENGTHS)]
    with tempfile.TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0)) as upstream:
        dsns = [f"http://{key(number)}@127.0.0.1:{upstream.getsockname()[1]}/{sandbox.PROJECT}"
                for number in range(load.dsns)]
        environment = {"THAW_PORT": "0", "THAW_UPSTREAM_DSN": ",".join(dsns), "THAW_JOURNAL": journal,
                       "THAW_SPOOL_DIR": folder + "/spool", "THAW_REQUEST_MS": "60000", "THAW_MEMORY_MIB": "64"}
        with subprocess.Popen([*tool, sandbox.BUILD / "thaw", "serve"], env=environment, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True) as thaw:
            try:
                port = int(thaw.stdout.readline().rsplit(":", 1)[1])
                with contextlib.ExitStack() as connections:
                    for _ in range(load.idle):
                        connections.enter_context(socket.create_connection(("127.0.0.1", port)))
                    client = connections.enter_context(socket.create_connection(("127.0.0.1", port)))
                    for number in range(load.envelopes):
                        client.sendall(requests[number % len(requests)])
                        answer = client.recv(4096)
                        assert answer.startswith(b"HTTP/1.1 200 OK\r\n"), answer
            finally:
                os.kill(traced(thaw.pid), signal.SIGTERM)
                thaw.wait(60)


def system_calls(journal, load):
    """Of each name."""
    with tempfile.NamedTemporaryFile("r") as counts:
        run(["strace", "--summary-only", "--follow-forks", "--output", counts.name],
            journal, load)
        rows = re.findall(r"^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?(\w+)$", counts.read(), re.MULTILINE)
    return {name: int(calls) for calls, name in rows if name != "total"}


def instructions(journal, load):
    """All that the process executed."""
    with tempfile.TemporaryDirectory() as folder:
        log = pathlib.Path(folder) / "log"
        run(["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/out", f"--log-file={log}"],
            journal, load)
        return int(re.search(r"Collected : (\d+)", log.read_text()).group(1))


class Held(relaying.Upstream):
    """Answers nothing while it is shut."""

    def __init__(self):
        self.gate = threading.Event()
        super().__init__()

    def answer_to(self, body):
        self.gate.wait()
        return super().answer_to(body)


def page_faults(pid):
    """So far, without those that read a file (proc(5), /proc/pid/stat: minflt)."""
    return int(pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[7])


def burst(thaw, upstream, envelopes):
    """Accepts so many of 10 KB, none of which leaves before the last is here; page faults of accepting one."""
    upstream.gate.clear()
    client = relaying.Client(thaw.port)
    before = page_faults(thaw.process.pid)
    for number in range(envelopes):
        assert client.post(relaying.event(number, 10_000))[0] == 200
    faults = page_faults(thaw.process.pid) - before
    client.close()
    upstream.gate.set()
    thaw.until(lambda stats: stats["envelopes"]["waiting"] == 0)
    return faults / envelopes


def marginal(journal, few, many, **load):
    """Instructions of one envelope more, between so few and so many."""
    difference = instructions(journal, Load(many, **load)) - instructions(journal, Load(few, **load))
    return difference / (many - few)


class Counts(unittest.TestCase):
    """Each limit, with the journal off and on."""

    def check_calls(self, journal, limit):
        few, many = system_calls(journal, Load(FEW)), system_calls(journal, Load(MANY))
        each = {name: (calls - few.get(name, 0)) / (MANY - FEW) for name, calls in many.items()}
        seen = {name: round(calls, 2) for name, calls in each.items() if abs(calls) >= 0.01}
        print(f"journal {journal}: system calls an envelope: {seen}")
        self.assertLessEqual(sum(each.values()), limit, seen)

    def check_instructions(self, journal, limit, **load):
        each = marginal(journal, FEW, MANY, **load)
        print(f"journal {journal}: {each:.0f} instructions an envelope {load or ''}")
        self.assertLessEqual(each, limit)

    def test_system_calls_in_memory(self):
        # Wait, read, write; and a read in vain, where the next request is not there yet.
        self.check_calls("off", 4.5)

    def test_system_calls_with_the_journal(self):
        # Is the segment still there? Write.
        self.check_calls("on", 6.5)

    def test_page_faults_of_a_burst_like_the_one_before(self):
        upstream = Held()
        self.addCleanup(upstream.close)
        for journal in ("off", "on"):
            with self.subTest(journal=journal), tempfile.TemporaryDirectory() as folder:
                thaw = relaying.Thaw(folder + "/spool", upstream.port, {"THAW_JOURNAL": journal})
                self.addCleanup(thaw.kill)
                each = [burst(thaw, upstream, 400) for _ in range(3)]
                print(f"journal {journal}: page faults an envelope of 10 KB, burst after burst: {each}")
                # The first one shows that they are seen.
                self.assertGreater(each[0], 1)
                self.assertLessEqual(each[-1], 0.2)

    def test_instructions_in_memory(self):
        self.check_instructions("off", 16_000)

    def test_instructions_with_the_journal(self):
        self.check_instructions("on", 19_500)

    def test_instructions_for_another_header_each_time(self):
        self.check_instructions("off", 28_000, dsns=2)

    def test_instructions_of_a_chunked_body(self):
        # As Node's SDK sends it.
        self.check_instructions("off", 24_000, chunked=True)


class Growth(unittest.TestCase):
    """One envelope more among many of something costs about what it costs among few. A walk over what waits, over the
    connections or over the DSNs would not stay below these limits."""

    def check(self, few, many, limit):
        print(f"instructions an envelope: {few:.0f}, {many:.0f} among many: {many / few:.2f}")
        self.assertLessEqual(many / few, limit)

    def test_waiting(self):
        for journal in ("off", "on"):
            with self.subTest(journal=journal):
                # Some 2,000 apart: what a drain of thousands costs is not the same to the million each time.
                self.check(marginal(journal, FEW, 1000), marginal(journal, 1000, 3000), 1.25)

    def test_connections(self):
        self.check(marginal("off", FEW, 1000), marginal("off", FEW, 1000, idle=100), 1.06)

    def test_dsns(self):
        # By turns no header is that of the request before: with two as with thirty.
        self.check(marginal("off", FEW, 1000, dsns=2), marginal("off", FEW, 1000, dsns=30), 1.15)

    def test_body(self):
        # A byte costs what copying it costs.
        usual, large = marginal("off", FEW, MANY), marginal("off", FEW, MANY, message=100_000)
        per_byte = (large - usual) / 100_000
        print(f"instructions a byte of the body: {per_byte:.2f}")
        self.assertLessEqual(per_byte, 0.5)


if __name__ == "__main__":
    unittest.main(verbosity=1)
