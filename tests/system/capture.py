#!/usr/bin/env python3
"""`thaw serve --capture` on the real binary, fed by Python's SDK and by hand: a Sentry of one's own that sends nothing
on. And what web pages may do with any `thaw serve`."""

import gzip
import json
import pathlib
import queue
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import unittest
import zlib

import relaying
import sandbox
from relaying import Client, Thaw, Upstream, event

KEY = "0" * 32
AUTH = {"X-Sentry-Auth": f"Sentry sentry_key={KEY}, sentry_version=7"}
SDK = """
import sentry_sdk, sys
sentry_sdk.init(sys.argv[1], traces_sample_rate=1.0, enable_logs=True, release="app@1")
with sentry_sdk.start_transaction(op="task", name="nightly"):
    pass
try:
    raise ValueError("no such order")
except ValueError as error:
    sentry_sdk.capture_exception(error)
sentry_sdk.logger.warning("disk is {what}", what="full")
sentry_sdk.flush()
"""


class Capturing:
    """A `thaw serve --capture` whose terminal is read."""

    def __init__(self, *options, env=None):
        self.process = subprocess.Popen(
            [sandbox.BUILD / "thaw", "serve", "--capture", "--port", "0", *options], env=env or {},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.shown = queue.Queue()
        self.said = []
        for line in self.process.stderr:
            self.said.append(line.decode())
            if "serving" in self.said[-1]:
                self.port = int(self.said[-1].rsplit(":", 1)[1])
                break
        self.readers = [threading.Thread(target=self._read, args=reading, daemon=True) for reading in (
            (self.process.stdout, self.shown.put),
            (self.process.stderr, lambda line: self.said.append(line.decode())))]
        for reader in self.readers:
            reader.start()

    def _read(self, stream, take):
        with stream:
            for line in stream:
                take(line)

    def lines(self, count):
        """The next so many of the terminal, as bytes."""
        return [self.shown.get(timeout=20) for _ in range(count)]

    def get(self, path, host="localhost"):
        """Status and body."""
        status, _, body = ask(self.port, "GET", path, {"Host": host})
        return status, body

    def post(self, body, **headers):
        """Status."""
        client = Client(self.port)
        try:
            return client.post(body, "/api/7/envelope/", {**AUTH, **headers})[0]
        finally:
            client.close()

    def end(self):
        """Ctrl-C; returns what is left on the terminal."""
        self.process.send_signal(signal.SIGINT)
        code = self.process.wait(timeout=20)
        for reader in self.readers:
            reader.join(timeout=20)
        rest = [self.shown.get() for _ in range(self.shown.qsize())]
        return code, rest

    def kill(self):
        """However it stands."""
        self.process.kill()
        self.process.wait()


def ask(port, method, path, headers, body=b""):
    """One request over a raw socket: status, headers in lower case, body."""
    text = f"{method} {path} HTTP/1.1\r\nConnection: close\r\nContent-Length: {len(body)}\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=20) as peer:
        peer.sendall((text + "".join(f"{name}: {value}\r\n" for name, value in headers.items())).encode()
                     + b"\r\n" + body)
        answer = b""
        while got := peer.recv(65536):
            answer += got
    head, _, rest = answer.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    return (int(first.split(" ")[1]),
            {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}, rest)


class Capture(unittest.TestCase):
    """A developer's Sentry."""

    def capture(self, *options, env=None):
        """One that the test cleans up."""
        capturing = Capturing(*options, env=env)
        self.addCleanup(capturing.kill)
        return capturing

    def test_a_real_sdk_is_seen(self):
        thaw = self.capture()
        subprocess.run([sys.executable, "-c", SDK, f"http://{KEY}@127.0.0.1:{thaw.port}/7"], check=True, timeout=60)
        code, lines = thaw.end()
        shown = b"".join(lines).decode()
        self.assertEqual(code, 0)
        self.assertRegex(shown, r"\d\d:\d\d:\d\d  #\d+ +event +error +ValueError: no such order\n")
        self.assertRegex(shown, r"transaction +nightly \(task, \d+ ms\)\n")
        self.assertRegex(shown, r"log +warn +disk is full\n")
        self.assertRegex(thaw.said[-1], r"^thaw: captured \d envelopes: 1 error, 1 transaction,.* 1 log_item")
        self.assertIn(f"SENTRY_DSN=http://{KEY}@127.0.0.1:{thaw.port}/1", thaw.said[1])

    def test_bodies_are_decoded_and_shown_as_they_come(self):
        thaw = self.capture()
        body = event(1, size=5)
        for encoding, encoded in (("identity", body), ("gzip", gzip.compress(body)), ("deflate", zlib.compress(body))):
            self.assertEqual(thaw.post(encoded, **{"Content-Encoding": encoding}), 200)
            self.assertIn(b"xxxxx", thaw.lines(1)[0])
        status, page = thaw.get("/captured?type=error")
        listed = json.loads(page)
        self.assertEqual((status, [one["id"] for one in listed["envelopes"]]), (200, [3, 2, 1]))
        status, page = thaw.get("/captured/2")
        self.assertEqual(json.loads(page)["items"][0]["payload"], {"message": "xxxxx"})
        self.assertIn(b'\n  "items": [\n', page)
        self.assertEqual(thaw.get("/captured/4")[0], 404)
        self.assertEqual(thaw.get("/captured", host="example.com")[0], 403)
        self.assertEqual(thaw.get("/captured/1", host="127.0.0.1.example.com")[0], 403)
        stats = json.loads(thaw.get("/stats")[1])
        self.assertEqual(stats["items"]["error"]["delivered"], 3)
        self.assertEqual(thaw.end(), (0, []))

    def test_json_lines_hold_items_whole(self):
        thaw = self.capture("--json", "--only", "transaction")
        thaw.post(event(1))
        thaw.post(event(2, size=3, kind="transaction"))
        (line,) = thaw.lines(1)
        item = json.loads(line)
        self.assertEqual((item["id"], item["type"], item["payload"]), (2, "transaction", {"message": "xxx"}))
        self.assertEqual(thaw.end(), (0, []))

    def test_nothing_of_an_event_drives_the_terminal(self):
        hostile = "\x1b]0;owned\x07\x1b[2J\x9b31m\x7f\u202e\r\n\0"
        payload = json.dumps({"message": hostile, "level": hostile}).encode()
        raw = json.dumps({"message": "a\x9b2J\u202e\x7fb"}, ensure_ascii=False).encode()
        items = [b'{"type":' + json.dumps(hostile).encode() + b"}\n\x1b[2J\xc2\x9b\x9b\x07"]
        items += [b'{"type":"event"}\n' + text for text in (payload, raw)]
        for options in ((), ("--json",)):
            thaw = self.capture(*options)
            for item in items:
                self.assertEqual(thaw.post(b"{}\n" + item + b"\n"), 200)
            code, lines = thaw.end()
            self.assertEqual((code, len(lines)), (0, 3))
            for line in lines:
                text = line.decode()  # raises where it is no UTF-8
                self.assertTrue(text.endswith("\n"))
                self.assertFalse([c for c in text[:-1] if not c.isprintable() and c != " "], ascii(text))

    def test_what_is_refused_is_said(self):
        thaw = self.capture()
        self.assertEqual(thaw.post(b"nonsense"), 400)
        self.assertEqual(thaw.post(event(1), **{"Content-Encoding": "rot13"}), 415)
        self.assertEqual(thaw.post(event(1), Origin="https://app.example.com"), 403)
        code, lines = thaw.end()
        self.assertEqual((code, lines), (0, []))
        said = "".join(thaw.said)
        self.assertIn("answered 400", said)
        self.assertRegex(said, r"answered 415: \w")
        self.assertRegex(said, "answered 403: .*--allow-origin")

    def test_nothing_leaves_and_an_earlier_journal_stays(self):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="thaw-capture-"))
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        before = Thaw(folder / "spool", relaying.free_port())
        self.addCleanup(before.kill)
        client = Client(before.port)
        client.post(event(1))
        client.close()
        before.kill()
        kept = {path: path.read_bytes() for path in (folder / "spool").iterdir() if path.suffix == ".seg"}
        self.assertTrue(kept)
        upstream = Upstream()
        self.addCleanup(upstream.close)
        thaw = self.capture(env={**before.env, "THAW_UPSTREAM_DSN": f"http://{KEY}@127.0.0.1:{upstream.port}/7",
                                 "THAW_PORT": "0"})
        self.assertEqual(thaw.post(event(2)), 200)
        self.assertEqual(len(thaw.lines(1)), 1)
        self.assertEqual(thaw.end(), (0, []))
        self.assertEqual(upstream.requests, [])
        self.assertEqual({path: path.read_bytes() for path in kept}, kept)

    def test_without_capture_there_is_nothing_captured(self):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="thaw-capture-"))
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        thaw = Thaw(folder / "spool", relaying.free_port())
        self.addCleanup(thaw.kill)
        self.assertEqual(ask(thaw.port, "GET", "/captured", {"Host": "localhost"})[0], 404)


class Pages(unittest.TestCase):
    """A browser lets any web page post to localhost."""

    LOCAL = ["http://localhost:3000", "https://localhost", "HTTP://LocalHost:8080", "http://127.0.0.1:5173",
             "http://[::1]:3000"]
    FOREIGN = ["null", "https://example.com", "http://localhost.example.com", "http://127.0.0.1.nip.io",
               "http://localtest.me", "http://localhost@example.com", "http://example.com#localhost",
               "chrome-extension://localhost", "*"]

    def setUp(self):
        self.upstream = Upstream()
        self.addCleanup(self.upstream.close)
        folder = pathlib.Path(tempfile.mkdtemp(prefix="thaw-pages-"))
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        self.spool = folder / "spool"

    def thaw(self, *options):
        """A plain `thaw serve`."""
        thaw = Thaw(self.spool, self.upstream.port, command=(sandbox.BUILD / "thaw", "serve", *options))
        self.addCleanup(thaw.kill)
        return thaw

    def send(self, thaw, origin, method="POST", path=relaying.EVENT_PATH):
        """Status and headers."""
        headers = {"Host": "localhost", "X-Sentry-Auth": relaying.AUTH, "Origin": origin}
        status, headers, _ = ask(thaw.port, method, path, headers, event(1) if method == "POST" else b"")
        return status, headers

    def assert_no_cors(self, headers):
        """No page may read this."""
        self.assertEqual([name for name in headers if name.startswith("access-control")], [])

    def test_only_this_machines_pages_may_send(self):
        thaw = self.thaw()
        for origin in self.FOREIGN:
            status, headers = self.send(thaw, origin)
            self.assertEqual(status, 403, origin)
            self.assert_no_cors(headers)
        stats = thaw.stats()
        self.assertEqual((stats["rejected"], stats["items"]), ({"not_allowed": len(self.FOREIGN)}, {}))
        for origin in self.LOCAL:
            status, headers = self.send(thaw, origin)
            self.assertEqual(status, 200, origin)
            self.assert_no_cors(headers)

    def test_a_named_page_may_send_and_read(self):
        page = "https://app.example.com"
        thaw = self.thaw("--allow-origin", "https://App.Example.com:443", "--allow-origin", "http://localhost:3000")
        for origin in (page, "http://localhost:3000"):
            status, headers = self.send(thaw, origin, "OPTIONS")
            self.assertEqual((status, headers["access-control-allow-origin"]), (200, origin))
            self.assertEqual(headers["access-control-allow-methods"], "POST")
            self.assertIn("x-sentry-auth", headers["access-control-allow-headers"])
            self.assertEqual(headers["access-control-max-age"], "3600")
            status, headers = self.send(thaw, origin)
            self.assertEqual((status, headers["access-control-allow-origin"]), (200, origin))
            self.assertEqual(headers["access-control-expose-headers"],
                             "x-sentry-error, x-sentry-rate-limits, retry-after")
        for method in ("POST", "OPTIONS"):
            self.assertEqual(self.send(thaw, "https://other.example.com", method)[0], 403)
        for path in ("/stats", "/metrics"):
            status, headers = self.send(thaw, page, "GET", path)
            self.assertEqual(status, 200)
            self.assert_no_cors(headers)
            self.assertEqual(self.send(thaw, "https://other.example.com", "GET", path)[0], 403)


if __name__ == "__main__":
    unittest.main(verbosity=2)
