#!/usr/bin/env python3
"""Beside Sentry's own extension, the real one from npm, which listens on port 9000 of every address and ends if it
cannot: the function is never taken down, and what Thaw has accepted arrives exactly once. And at the tunnel both
say the same.

All of it runs in that layer's room (`enter`). `-k NAME` picks a case.
"""

import contextlib
import http.client
import http.server
import os
import pathlib
import queue
import subprocess
import sys
import tempfile
import threading
import unittest

import relaying
import sandbox
import sentry_layer

THAW_EXEC = sandbox.ROOT / "layer/thaw-exec"
INSIDE = "THAW_BESIDE_SENTRY"
SKIPPED = 77  # for ctest

INVOKES = 6
UPSTREAM = f"http://{sandbox.KEY}@{{upstream}}/{sandbox.PROJECT}"
AT_THAW = f"http://{sandbox.KEY}@127.0.0.1:9797/{sandbox.PROJECT}"
NODE, HANDLER = sandbox.FUNCTIONS["node"]


def enter():
    """Runs this script again, inside. Returns only if it runs inside already."""
    if INSIDE in os.environ:
        return
    os.environ[INSIDE] = "1"
    os.execvp(sentry_layer.ROOM[0], [*sentry_layer.ROOM, sys.executable, *sys.argv])


class Beside(unittest.TestCase):
    """One layer with Sentry's SDK and extension, one with Thaw."""

    def play(self, *, env=None, function_env=(), wrapper=(), accepted=INVOKES, said=0):
        """Invokes with an error each."""
        variables = {"NODE_PATH": sentry_layer.MODULES, "SENTRY_PACKAGE": "@sentry/aws-serverless",
                     **dict(function_env)}
        options = [*sentry_layer.EXTENSION_OPTIONS, "--gap-ms", "100", "--timeout-ms", "10000", "--freeze", "live"]
        for name, value in variables.items():
            options += ["--function-env", f"{name}={value}"]
        run = sandbox.run([NODE, HANDLER], f"invoke*{INVOKES} spindown", thaw=True, options=options, wrapper=wrapper,
                          events=[{"errors": 1, "flush": True}],
                          env={"THAW_PORT": None, "THAW_UPSTREAM_DSN": None, "SENTRY_DSN": UPSTREAM, **(env or {})})
        self.check(run)
        lines = [line for line in run.report["extension_log"] if "THAW_PORT" in line]
        self.assertEqual(len(lines), said, run.report["extension_log"])
        if accepted:
            relaying.balance(self, run.stats)
            self.assertEqual((run.handed_over, len(run.arrived), run.duplicates), (accepted, accepted, 0))
        else:
            self.assertIsNone(run.stats, "Thaw was asked to take something")
            self.assertTrue(run.arrived, "nothing has come by Sentry's extension")
        return run

    def check(self, run):
        """Nobody was taken down: both extensions lived until SHUTDOWN, which Sentry's does not hear."""
        self.assertEqual([invoke["status"] for invoke in run.invokes], ["success"] * INVOKES)
        self.assertEqual(run.report["problems"], [])
        ends = [event["what"] for event in run.report["platform"] if event["what"].startswith("exit ")]
        self.assertEqual(sorted(ends)[1:], ["exit sentry-extension: signal: killed", "exit thaw: exit code 0"])

    def test_default(self):
        """Sentry's layer as it comes: its SDK goes to its extension."""
        self.play(accepted=0)

    def test_default_with_the_dsn_at_thaw(self):
        """Its SDK goes to its extension all the same, which then goes to Thaw."""
        self.play(env={"THAW_UPSTREAM_DSN": UPSTREAM, "SENTRY_DSN": AT_THAW})

    def test_port_9000(self):
        """Thaw leaves it to Sentry's extension, and says so once."""
        self.play(env={"THAW_PORT": "9000"}, accepted=0, said=1)

    def test_port_9000_and_the_sdk_at_thaw(self):
        self.play(env={"THAW_PORT": "9000"}, said=1,
                  function_env={"SENTRY_DSN": AT_THAW, "SENTRY_LAYER_EXTENSION": "false"}.items())

    def test_what_thaw_exec_exports(self):
        self.play(function_env={"SENTRY_DSN": AT_THAW, "SENTRY_LAYER_EXTENSION": "false"}.items())

    def test_thaw_exec(self):
        self.play(wrapper=[str(THAW_EXEC)])

    def test_thaw_exec_and_port_9000(self):
        self.play(wrapper=[str(THAW_EXEC)], env={"THAW_PORT": "9000"}, said=1)


class Platform(http.server.BaseHTTPRequestHandler):
    """An Extensions API on which nothing ever happens."""

    def do_POST(self):
        """Registration."""
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(200)
        self.send_header("Lambda-Extension-Identifier", "1")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def do_GET(self):
        """Asked for the first event it is ready."""
        self.server.asked.put(True)
        self.server.over.wait(60)

    def log_message(self, *_):
        """Says nothing."""


@contextlib.contextmanager
def sentry_extension(dsn):
    """Sentry's extension with `dsn` as SENTRY_DSN, or without."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Platform) as platform:
        platform.asked, platform.over = queue.Queue(), threading.Event()
        platform.daemon_threads = True
        threading.Thread(target=platform.serve_forever, daemon=True).start()
        process = subprocess.Popen(
            [NODE, "/opt/sentry-extension/index.mjs"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env={"AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{platform.server_port}", **({"SENTRY_DSN": dsn} if dsn else {})})
        try:
            platform.asked.get(timeout=20)
            yield 9000
        finally:
            process.kill()
            process.wait()
            platform.over.set()
            platform.shutdown()


class SameWords(unittest.TestCase):
    """The same request to both, the same answer."""

    def setUp(self):
        self.upstream = relaying.Upstream()
        self.addCleanup(self.upstream.close)
        self.dsn = f"http://{sandbox.KEY}@127.0.0.1:{self.upstream.port}/{sandbox.PROJECT}"

    def compare(self, dsn, rows):
        """Rows of (method, path, body), and the status that both must give."""
        with tempfile.TemporaryDirectory() as folder, sentry_extension(dsn) as sentry_port:
            # THAW_UPSTREAM_DSN is set by Thaw's own fixture.
            thaw = relaying.Thaw(pathlib.Path(folder) / "thaw", self.upstream.port,
                                 env={"THAW_UPSTREAM_DSN": dsn or ""})
            try:
                for method, path, body, status in rows:
                    with self.subTest(method=method, path=path, body=body):
                        theirs = self.ask(sentry_port, method, path, body)
                        self.assertEqual(theirs[0], status)
                        self.assertEqual(self.ask(thaw.port, method, path, body), theirs)
            finally:
                thaw.stop()

    @staticmethod
    def ask(port, method, path, body):
        """Status, type and text of the answer."""
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request(method, path, body)
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        return answer.status, answer.getheader("Content-Type"), text

    @staticmethod
    def envelope(dsn):
        """An error that belongs to `dsn`."""
        return b'{"dsn":"%s"}\n{"type":"event"}\n{}' % dsn.encode()

    def test_with_a_dsn(self):
        good = self.envelope(self.dsn)
        self.compare(self.dsn, [
            ("POST", "/envelope", good, 200), ("POST", "/envelope/", good, 200),
            ("POST", "/envelope?x=1", good, 200), ("POST", "/envelopes", good, 200),
            ("POST", "/envelope", b'{}\n{"type":"event"}\n{}', 400), ("POST", "/envelope", b"", 400),
            ("POST", "/envelope", b"\n", 400), ("POST", "/envelope", b'{"dsn":null}\n', 400),
            ("POST", "/envelope", self.envelope("https://" + "0" * 32 + "@o1.ingest.sentry.io/7"), 403),
            ("GET", "/envelope", None, 404), ("PUT", "/envelope", good, 404), ("DELETE", "/envelope", None, 404)])

    def test_without_a_dsn(self):
        self.compare(None, [("POST", "/envelope", self.envelope("nonsense"), 403),
                            ("POST", "/envelope", self.envelope("https://o1.ingest.sentry.io/7"), 403)])


if __name__ == "__main__":
    REASON = sentry_layer.why_not()
    if REASON:
        print(f"skipped: {REASON}")
        sys.exit(SKIPPED)
    enter()
    unittest.main(verbosity=2)
