#!/usr/bin/env python3
"""`thaw check` on the real binary: each way in which the road to Sentry may end is one line with advice, and the exit
code tells scripts.
"""

import contextlib
import http.client
import http.server
import json
import os
import pathlib
import re
import socket
import ssl
import subprocess
import tempfile
import threading
import time
import unittest

import relaying
import sandbox

KEY = sandbox.KEY


def issue(folder, name, days):
    """A certificate of 127.0.0.1 that is its own root; the file holds its key as well."""
    path, key, request, names = (pathlib.Path(folder) / f"{name}.{kind}" for kind in ("pem", "key", "csr", "ext"))
    names.write_text("subjectAltName=IP:127.0.0.1,DNS:localhost")
    for command in (
            ["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", request,
             "-subj", "/O=Thaw tests/CN=Root"],
            ["x509", "-req", "-in", request, "-signkey", key, "-days", str(days), "-extfile", names, "-out", path]):
        subprocess.run(["openssl", *command], check=True, capture_output=True)
    path.write_text(path.read_text() + key.read_text())
    return path


class Upstream(http.server.ThreadingHTTPServer):
    """Answers with `statuses` in turn, the last one for ever, and keeps what it got."""

    daemon_threads = True

    def __init__(self, *statuses, certificate=None):
        super().__init__(("127.0.0.1", 0), Handler)
        self.statuses = list(statuses)
        self.got = []
        self.tls = certificate is not None
        if self.tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    def handle_error(self, request, client_address):
        """A client that rejects our certificate is no news."""

    def dsn(self, key=KEY):
        return f"http{'s' if self.tls else ''}://{key}@127.0.0.1:{self.server_port}/42"

    def __enter__(self):
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((self.path, self.headers, body))
        statuses = self.server.statuses
        self.send_response(statuses.pop(0) if len(statuses) > 1 else statuses[0])
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def black_hole():
    """A port whose queue of connections is full: what else comes gets no answer."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            client = stack.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


class Check(unittest.TestCase):
    """Each test is one road, or one setting."""

    @classmethod
    def setUpClass(cls):
        cls.folder = cls.enterClassContext(tempfile.TemporaryDirectory())
        cls.good = issue(cls.folder, "good", 30)
        cls.expired = issue(cls.folder, "expired", -1)

    def check(self, dsn=None, *options, code, **settings):
        """Runs `thaw check`; returns its lines."""
        environment = {"THAW_SPOOL_DIR": f"{self.folder}/spool", "THAW_PORT": "0", **settings}
        if dsn is not None:
            environment["THAW_UPSTREAM_DSN"] = dsn
        done = subprocess.run(
            [sandbox.BUILD / "thaw", "check", *options], env=environment, capture_output=True, text=True, timeout=60,
            check=False)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        self.assertNotIn(KEY, done.stdout)
        return done.stdout.splitlines()

    def fails_at(self, step, lines, advice):
        """The step is the only failure, the last one tried, and has its advice."""
        failed = [line for line in lines if line.startswith("  FAILED")]
        self.assertEqual(len(failed), 1, lines)
        self.assertRegex(failed[0], rf"^  FAILED  {step} +\d+ ms  .* -> .*{re.escape(advice)}")
        self.assertEqual(lines[-3], failed[0])

    def test_all_is_well(self):
        with Upstream(200, certificate=self.good) as upstream:
            lines = self.check(upstream.dsn(), code=0, THAW_CA_FILE=str(self.good))
        self.assertEqual([line[2:16].split() for line in lines[-6:-2]],
                         [["ok", step] for step in ("DNS", "TCP", "TLS", "Sentry")])
        self.assertRegex(lines[-4], rf"TLSv1.3, issued by Thaw tests, Root, expires in 29 days, trusted by {self.good}")
        self.assertEqual(lines[-1], "all is well")

    def test_what_it_sends_makes_nothing(self):
        with Upstream(200) as upstream:
            self.check(upstream.dsn(), code=0)
        self.assertEqual(len(upstream.got), 2, "the second asks a Relay that has met the key with the first")
        for path, headers, body in upstream.got:
            self.assertEqual(path, "/api/42/envelope/")
            self.assertEqual(headers.get_all("X-Sentry-Auth")[0].count(KEY), 1)
            header, item, payload, end = body.split(b"\n")
            self.assertNotIn("event_id", json.loads(header))
            self.assertEqual(json.loads(item)["type"], "client_report")
            self.assertEqual(json.loads(payload)["discarded_events"], [])
            self.assertEqual(end, b"")

    def test_wrong_key(self):
        for statuses, asked, advice in (([403], 1, "does not know this key"), ([200, 403], 2, "does not know this key"),
                                        ([401], 1, "X-Sentry-Auth"), ([404], 1, "no Sentry")):
            with self.subTest(statuses=statuses), Upstream(*statuses) as upstream:
                self.fails_at("Sentry", self.check(upstream.dsn(), code=1), advice)
                self.assertEqual(len(upstream.got), asked)

    def test_limits_are_no_failure(self):
        with Upstream(429) as upstream:
            self.check(upstream.dsn(), code=0)

    def test_unknown_name(self):
        lines = self.check(f"https://{KEY}@nowhere.invalid/42", code=1)
        self.assertRegex("\n".join(lines), r"\n  FAILED  DNS .* -> ")

    def test_refused(self):
        self.fails_at("TCP", self.check(f"https://{KEY}@127.0.0.1:1/42", code=1), "nobody listens at 127.0.0.1:1")

    def test_black_hole(self):
        with black_hole() as port:
            begun = time.monotonic()
            lines = self.check(f"https://{KEY}@127.0.0.1:{port}/42", code=1, THAW_CONNECT_MS="300")
            self.assertLess(time.monotonic() - begun, 5)
        self.fails_at("TCP", lines, "NAT gateway")

    def test_silence_after_connecting(self):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            port = silent.getsockname()[1]
            self.fails_at("TLS", self.check(f"https://{KEY}@127.0.0.1:{port}/42", code=1, THAW_CONNECT_MS="300"),
                          "speak TLS")
            self.fails_at("Sentry", self.check(f"http://{KEY}@127.0.0.1:{port}/42", code=1, THAW_REQUEST_MS="300"),
                          "no answer to a request")

    def test_certificates(self):
        with Upstream(200, certificate=self.good) as upstream:
            self.fails_at("TLS", self.check(upstream.dsn(), code=1, THAW_CA_FILE=str(self.expired)), "THAW_CA_FILE")
        self.assertEqual(upstream.got, [])
        with Upstream(200, certificate=self.expired) as upstream:
            self.fails_at("TLS", self.check(upstream.dsn(), code=1, THAW_CA_FILE=str(self.expired)), "renew")

    def test_each_upstream_is_tried(self):
        with Upstream(200) as first, Upstream(403) as second:
            lines = self.check(f"{second.dsn()},{first.dsn('0' * 32)}", code=1)
        self.assertEqual(sum(" Sentry " in line for line in lines), 2)

    def test_without_a_dsn(self):
        lines = self.check(code=1)
        self.assertRegex("\n".join(lines), "FAILED  upstream .* -> set THAW_UPSTREAM_DSN")

    def test_malformed_setting(self):
        with Upstream(200) as upstream:
            lines = self.check(upstream.dsn(), code=1, THAW_BUDGET_MS="soon")
        self.assertIn("FAILED  settings  THAW_BUDGET_MS: \"soon\" is not a whole number", "\n".join(lines))

    def test_spool_that_cannot_be_written(self):
        with Upstream(200) as upstream:
            lines = self.check(upstream.dsn(), code=1, THAW_SPOOL_DIR="/proc/thaw")
            self.assertRegex("\n".join(lines), "FAILED  journal   /proc/thaw cannot be written .* -> set THAW_SPOOL_DIR")

    def test_a_proxy_that_is_not_there_keeps_its_secret(self):
        lines = self.check(f"https://{KEY}@o1.ingest.test/42", code=1,
                           HTTPS_PROXY=f"http://user:secret@127.0.0.1:{relaying.free_port()}")
        self.assertRegex("\n".join(lines), "FAILED  TCP .* of HTTPS_PROXY run, and may this function reach it")
        self.assertNotIn("secret", "\n".join(lines))

    def test_usage(self):
        done = subprocess.run([sandbox.BUILD / "thaw", "check", "--json"], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("thaw check --help", done.stderr)

    def test_it_leaves_no_trace(self):
        self.check(code=1)
        self.assertFalse(pathlib.Path(self.folder, "spool").exists())
        with tempfile.TemporaryDirectory() as folder:
            os.chmod(folder, 0o755)
            self.check(code=1, THAW_SPOOL_DIR=folder)
            self.assertEqual(os.stat(folder).st_mode & 0o7777, 0o755)
            self.assertEqual(os.listdir(folder), [])
            below = self.check(code=1, THAW_SPOOL_DIR=f"{folder}/a b/spool/")
            self.assertRegex("\n".join(below), "ok      journal ")
            self.assertEqual(os.listdir(folder), [])

    def test_beside_a_running_thaw(self):
        with Upstream(200) as upstream, tempfile.TemporaryDirectory() as spool, subprocess.Popen(
                [sandbox.BUILD / "thaw", "serve", "--port", "0", "--upstream", upstream.dsn()],
                env={"THAW_SPOOL_DIR": spool}, stdout=subprocess.PIPE, text=True) as running:
            try:
                port = int(running.stdout.readline().rsplit(":", 1)[1])
                before = sorted(os.listdir(spool))
                lines = self.check(upstream.dsn(), "--port", str(port), code=0, THAW_SPOOL_DIR=spool)
                self.assertIn(f"{port} is taken, by a Thaw that runs", "\n".join(lines))
                self.assertEqual(sorted(os.listdir(spool)), before)
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
                connection.request("GET", "/stats")
                self.assertIn(b'"durable":true', connection.getresponse().read())
                connection.close()
            finally:
                running.terminate()


if __name__ == "__main__":
    unittest.main(verbosity=1)
