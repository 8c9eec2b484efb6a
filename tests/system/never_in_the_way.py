#!/usr/bin/env python3
"""Promise P3, case by case: whatever is wrong with Thaw or its surroundings, every invoke of the function
succeeds, Thaw lives until SHUTDOWN, and the log says once what to do.

The real binary, a real SDK, the sandbox. `-k NAME` picks a case.
"""

import contextlib
import http.client
import http.server
import json
import os
import pathlib
import queue
import shutil
import socket
import subprocess
import tempfile
import threading
import time
import unittest

import relaying
import sandbox

INVOKES = 4
# With nothing wrong an invoke ends well below this; with something wrong it may cost the budget (1 s) once.
BUDGET_MS = 1000
SLACK_MS = 700


def texts(log):
    """Log lines as text."""
    return [line if isinstance(line, str) else line.get("line", "") for line in log]


class NeverInTheWay(unittest.TestCase):
    """Each test is one trouble."""

    def play(self, *, thaw=True, env=None, options=(), script=None, advice=None, arrives=None):
        """Runs the function with the trouble and checks what P3 promises."""
        run = sandbox.run(
            "python", script or f"invoke*{INVOKES} spindown", thaw=thaw, env=env,
            events=[{"errors": 1, "flush": True}],
            options=["--freeze", "live", "--gap-ms", "50", "--timeout-ms", "10000", *options])
        self.assertEqual(len(run.invokes), INVOKES)
        for invoke in run.invokes:
            self.assertEqual(invoke["status"], "success", invoke)
            self.assertLess(invoke["billed_ms"] - invoke["response_ms"], BUDGET_MS + SLACK_MS)
        self.assertEqual(self.extension_exits(run), ["exit code 0"], "Thaw ends once, after SHUTDOWN")
        if run.stats is not None:
            relaying.balance(self, run.stats)
        if advice is not None:
            # Not the line at the end, which names the settings.
            said = [line for line in texts(run.report["extension_log"]) if advice in line and not line.startswith("{")]
            self.assertEqual(len(said), 1, run.report["extension_log"])
        if arrives is not None:
            self.assertEqual(len(run.arrived), arrives)
        return run

    def play_apart(self, options):
        """With a /tmp of its own, on which the journal cannot be."""
        try:
            return self.play(options=["--isolation", "require", *options],
                             advice="cannot write the journal", arrives=INVOKES)
        except RuntimeError as failed:
            # As where nobody but root may enter the folder of the clone.
            if "isolation is required" not in str(failed):
                raise
            return self.skipTest(str(failed))

    def extension_exits(self, run):
        """How extension processes ended, in the sandbox's words."""
        return [event["what"].split(": ", 1)[1] for event in run.report["platform"]
                if event["what"].startswith("exit ") and not event["what"].startswith("exit function")]

    def test_nothing_wrong(self):
        self.play(arrives=INVOKES)

    def test_error_during_init(self):
        self.play(env={"SEND_AT_INIT": "1"}, arrives=INVOKES + 1)

    def test_no_dsn(self):
        self.play(env={"THAW_UPSTREAM_DSN": None}, arrives=0)

    def test_malformed_settings(self):
        self.play(env={"THAW_BUDGET_MS": "soon", "THAW_CONNECTIONS": "-1", "THAW_PACE": "quick",
                       "THAW_UPSTREAM_DSN": "htp:/nonsense"}, advice="THAW_BUDGET_MS")

    def test_port_taken(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            self.play(env={"THAW_PORT": str(taken.getsockname()[1])}, advice="THAW_PORT")

    def test_no_tmp(self):
        self.play(env={"THAW_SPOOL_DIR": "/proc/thaw"}, advice="must name a folder below /tmp", arrives=INVOKES)

    @unittest.skipUnless(os.geteuid() == 0, "needs root: a file system of its own")
    def test_read_only_tmp(self):
        run = self.play_apart(["--tmp", "ro"])
        self.assertIs(run.stats["durable"], False)

    @unittest.skipUnless(os.geteuid() == 0, "needs root: a file system of its own")
    def test_tiny_tmp(self):
        # The last 16 MiB of the file system are the function's.
        run = self.play_apart(["--tmp-mib", "1"])
        self.assertIs(run.stats["durable"], False)

    def test_log_pipe_full(self):
        self.play(env={"THAW_LOG": "debug"}, options=["--stdout", "stop"], arrives=INVOKES)

    def test_log_pipe_closed(self):
        self.play(env={"THAW_LOG": "debug"}, options=["--stdout", "close"], arrives=INVOKES)

    def test_upstream_refuses_connections(self):
        self.play(options=["--upstream-fault", "refuse"], arrives=0)

    def test_upstream_hangs(self):
        self.play(options=["--upstream-fault", "hang"])

    def test_upstream_not_trusted(self):
        self.play(env={**sandbox.TLS, "THAW_CA_FILE": None}, options=["--tls"], advice="THAW_CA_FILE",
                  arrives=0)

    def test_registration_refused_for_a_while(self):
        for status in ("403", "500"):
            with self.subTest(status):
                self.play(options=["--register-answer", f"{status}:5"], arrives=INVOKES)

    def test_next_refused_for_a_while(self):
        for status in ("403", "500"):
            with self.subTest(status):
                self.play(options=["--next-answer", f"{status}:1"], arrives=INVOKES)

    def test_another_file_name(self):
        with tempfile.TemporaryDirectory() as folder:
            other = pathlib.Path(folder) / "sentry-relay.bin"
            shutil.copy(sandbox.THAW, other)
            self.play(thaw=other, arrives=INVOKES)

    @unittest.skipIf(sandbox.SANITIZED, "a sanitizer looks at memory through a pipe of its own")
    def test_out_of_descriptors(self):
        # From too few to accept a client up to too few to reach upstream. Without telemetry: its listener
        # needs descriptors of its own, and a runtimeDone that cannot come is waited for.
        for limit in ("10", "11", "12", "13"):
            with self.subTest(limit):
                self.play(env={"THAW_TELEMETRY": "off"}, options=["--nofile", limit])

    def test_lost_next_connection(self):
        self.play(script="invoke drop-next invoke*3 spindown", arrives=INVOKES)


class SlowPlatform(http.server.BaseHTTPRequestHandler):
    """An Extensions API that thinks about a registration until it is told not to."""

    def do_POST(self):
        """Registration; telemetry is refused."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.calls.put("register")
        self.server.granted.wait(10)
        self.answer(200, b"{}", {"Lambda-Extension-Identifier": "1"})

    def do_GET(self):
        """The first next waits long enough to be looked at, then comes SHUTDOWN."""
        self.server.calls.put("next")
        self.server.over.wait(10)
        self.answer(200, json.dumps({"eventType": "SHUTDOWN", "shutdownReason": "spindown",
                                     "deadlineMs": int(time.time() * 1000) + 2000}).encode())

    def answer(self, status, body, headers=()):
        """One whole answer."""
        self.send_response(status)
        for name, value in dict(headers).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Says nothing."""


class BeforeTheFirstNext(unittest.TestCase):
    """Nothing is connected to but the Extensions API; what came meanwhile leaves with the first next."""

    def test_an_envelope_waits_for_the_first_next(self):
        with tempfile.TemporaryDirectory() as folder, socket.socket() as upstream, \
                http.server.ThreadingHTTPServer(("127.0.0.1", 0), SlowPlatform) as platform:
            platform.calls, platform.granted, platform.over = queue.Queue(), threading.Event(), threading.Event()
            threading.Thread(target=platform.serve_forever).start()
            upstream.bind(("127.0.0.1", 0))
            upstream.listen()
            thaw = subprocess.Popen([sandbox.THAW], stdout=subprocess.DEVNULL, env={
                "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{platform.server_port}", "THAW_PORT": "0",
                "THAW_TELEMETRY": "off", "THAW_SPOOL_DIR": folder,
                "THAW_UPSTREAM_DSN": f"http://{sandbox.KEY}@127.0.0.1:{upstream.getsockname()[1]}/42"})
            try:
                self.assertEqual(platform.calls.get(timeout=10), "register")
                self.assertEqual(self.send(pathlib.Path(folder, "ready").read_text()), 200)
                upstream.settimeout(0.5)
                with self.assertRaises(TimeoutError, msg="connected to before the first next"):
                    upstream.accept()
                platform.granted.set()
                self.assertEqual(platform.calls.get(timeout=10), "next")
                upstream.settimeout(5)
                upstream.accept()[0].close()
                platform.over.set()
                self.assertEqual(thaw.wait(10), 0)
            finally:
                platform.granted.set()
                platform.over.set()
                thaw.kill()
                thaw.wait()
                platform.shutdown()

    @staticmethod
    def send(port):
        """An envelope that may leave late at once, were the gate only late."""
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", int(port), timeout=5)) as local:
            local.request("POST", f"/api/42/envelope/?sentry_key={sandbox.KEY}",
                          '{"event_id":"9ec79c33ec9942ab8353589fcb2e04dc"}\n{"type":"event"}\n{}')
            return local.getresponse().status


if __name__ == "__main__":
    unittest.main(verbosity=2)
