#!/usr/bin/env python3
"""What the function's cold start pays for Thaw, as counts that no machine changes: system calls from exec to the
first next, what they touch, and what stays resident while nothing happens. strace tells; where a process may not
be traced this is skipped.
"""

import http.server
import pathlib
import queue
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import unittest

import never_in_the_way
import sandbox

# Seen: 117 to 125, for an answer that is not there yet when it is looked for costs more.
MOST_CALLS = 135
MOST_RESIDENT_KIB = 4 * 1024
FIRST_NEXT = "/extension/event/next"
MAP = sandbox.BUILD / "release/bin/thaw.map"
SKIPPED = 77  # for ctest


def why_not():
    """Why this cannot run here; None if it can."""
    if shutil.which("strace") is None:
        return "strace is missing: .ci/install functions"
    tried = subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True, text=True, check=False)
    return f"nothing may be traced here: {tried.stderr.strip()}" if tried.returncode != 0 else None


class Platform(never_in_the_way.SlowPlatform):
    """One that answers at once, telemetry included, and has no event."""

    def do_PUT(self):
        """The subscription."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(200, b"OK")


class Started:
    """Thaw as Lambda starts it, looked at once it has asked for next."""

    def __init__(self, folder, tracer=()):
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Platform) as platform:
            platform.calls, platform.granted, platform.over = queue.Queue(), threading.Event(), threading.Event()
            platform.granted.set()
            threading.Thread(target=platform.serve_forever).start()
            self.api_port = platform.server_port
            thaw = subprocess.Popen([*tracer, sandbox.BUILD / "thaw"], stdout=subprocess.DEVNULL, env={
                "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{self.api_port}", "THAW_PORT": "0", "THAW_SPOOL_DIR": folder,
                "THAW_UPSTREAM_DSN": f"https://{sandbox.KEY}@o1.ingest.us.sentry.io/{sandbox.PROJECT}"})
            try:
                for call in ("register", "next"):
                    assert platform.calls.get(timeout=20) == call
                self.resident_kib = int(re.search(
                    r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{thaw.pid}/status").read_text())[1])
                platform.over.set()
                self.exit_code = thaw.wait(20)
            finally:
                platform.over.set()
                thaw.kill()
                thaw.wait()
                platform.shutdown()


class ColdStart(unittest.TestCase):
    """From exec to the first next."""

    @classmethod
    def setUpClass(cls):
        with tempfile.TemporaryDirectory() as folder:
            trace = pathlib.Path(folder, "trace")
            cls.spool = f"{folder}/spool"
            cls.started = Started(cls.spool, ["strace", "-f", "-qq", "-s", "300", "-o", trace])
            lines = [line.split(maxsplit=1)[1] for line in trace.read_text().splitlines()]
        first = next(number for number, line in enumerate(lines) if FIRST_NEXT in line)
        cls.calls = lines[:first + 1]

    def named(self, *names):
        """The calls of these names."""
        return [call for call in self.calls if call.split("(")[0] in names]

    def test_few_system_calls(self):
        self.assertEqual(self.started.exit_code, 0)
        print(f"{len(self.calls)} system calls from exec to the first next")
        self.assertLessEqual(len(self.calls), MOST_CALLS, "\n".join(self.calls))

    def test_nothing_is_connected_to_but_the_extensions_api(self):
        connects = self.named("connect")
        self.assertEqual(len(connects), 3, "register, telemetry, next")
        for call in connects:
            self.assertIn(f'sin_port=htons({self.started.api_port}), sin_addr=inet_addr("127.0.0.1")', call)

    def test_no_name_is_looked_up(self):
        self.assertEqual([call for call in self.named("socket") if "SOCK_STREAM" not in call], [])
        self.assertEqual(self.named("sendto", "sendmmsg"), [])

    def test_no_file_but_the_settings(self):
        # "/" is a descriptor kept in reserve, /etc/hosts says where telemetry is to come, `ready` is for thaw-exec.
        allowed = {"/", "/etc/hosts", f"{self.spool}/ready"}
        opened = {re.search(r'"([^"]*)"', call)[1] for call in self.named("open", "openat", "openat2")}
        self.assertEqual(opened, allowed)

    def test_one_thread_in_one_process(self):
        self.assertEqual(len(self.named("execve")), 1)
        self.assertEqual(self.named("clone", "clone3", "fork", "vfork"), [])


class Processor(unittest.TestCase):
    """What it can is asked before main, by CPUID, and in a virtual machine each question costs a trap: libc's are enough."""

    def test_nobody_asks_but_libc(self):
        linked = MAP.read_text()
        parts = re.findall(r"(\S+):\(\.init\)$", linked, re.MULTILINE)
        self.assertEqual({pathlib.Path(part).name for part in parts}, {"crti.o", "crtn.o"}, "run before main")
        self.assertNotIn("__cpu_indicator_init", linked, "the compiler's own test, __builtin_cpu_supports")


class Idle(unittest.TestCase):
    """Asked for next, and nothing happens."""

    def test_resident(self):
        with tempfile.TemporaryDirectory() as folder:
            resident = Started(folder).resident_kib
        print(f"{resident} KiB resident at the first next")
        self.assertLessEqual(resident, MOST_RESIDENT_KIB)


if __name__ == "__main__":
    REASON = why_not()
    if REASON:
        print(f"skipped: {REASON}")
        sys.exit(SKIPPED)
    unittest.main(verbosity=2)
