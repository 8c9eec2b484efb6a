#!/usr/bin/env python3
"""Abuse from where no SDK sends: files planted in the spool folder, forged telemetry, an upstream gone mad.
Done to the real binary; what must be true in the end is in abuse.py."""

import http.server
import json
import os
import pathlib
import queue
import shutil
import socket
import subprocess
import threading
import time
import unittest

import relaying
import sandbox
from abuse import Abuse, statuses
from relaying import Thaw, event

ROOT = os.geteuid() == 0


def segment_of(folder):
    """A segment with one envelope in it, as a Thaw leaves it that is killed while its upstream is away."""
    thaw = Thaw(folder, relaying.free_port())
    client = relaying.Client(thaw.port)
    assert client.post(event(999))[0] == 200
    client.close()
    thaw.kill()
    path, = folder.glob("*.seg")
    return path.read_bytes()


def link(spool, outside, _segment):
    """To a file that is not Thaw's."""
    for name in ("00000001.seg", "00000002.seg", "ready", "invoke"):
        (spool / name).symlink_to(outside)


def hard_link(spool, outside, _segment):
    """The same file under a segment's name."""
    os.link(outside, spool / "00000001.seg")


def pipes(spool, _outside, _segment):
    """Whoever opens one waits."""
    for name in ("00000001.seg", "00000002.seg", "ready", "invoke"):
        os.mkfifo(spool / name)


def devices(spool, _outside, _segment):
    """Whoever reads one reads for ever."""
    os.mknod(spool / "00000001.seg", 0o600 | 0o020000, os.makedev(1, 5))


def folders(spool, _outside, _segment):
    """Where a file should be."""
    for name in ("00000001.seg", "ready", "invoke"):
        (spool / name).mkdir()


def names(spool, _outside, _segment):
    """What is no segment's name, or the last one's."""
    for name in ("99999999.seg", "-0000001.seg", "0000001.seg\n", "a\nthaw: ERROR forged", "\u202e", "x" * 255, "999999999999.seg"):
        (spool / name).touch()


def sparse(spool, _outside, segment):
    """A terabyte that is not there."""
    (spool / "00000001.seg").write_bytes(segment)
    os.truncate(spool / "00000001.seg", 2**40)


def many(spool, _outside, segment):
    """More segments than files may be open, each with an envelope that waits."""
    for number in range(1, 1500):
        (spool / f"{number:08}.seg").write_bytes(segment)


PLANTED = (link, hard_link, pipes, folders, names, sparse, *((devices,) if ROOT else ()))


class Planted(Abuse):
    """Files that anybody in the function can put where the journal is."""

    def setUp(self):
        super().setUp()
        self.spool = self.folder / "spool"
        self.outside = self.folder / "outside"
        self.outside.write_bytes(b"not Thaw's")

    def check_outside(self):
        """Nobody has touched it."""
        self.assertEqual(self.outside.read_bytes(), b"not Thaw's")
        # Names are said in one line.
        self.assertEqual([line for line in self.thaw.lines if line.startswith("thaw: ERROR")], [])

    def test_before_it_starts(self):
        segment = segment_of(self.folder / "kept")
        for plant in PLANTED:
            with self.subTest(plant.__name__):
                shutil.rmtree(self.spool, ignore_errors=True)
                self.spool.mkdir()
                plant(self.spool, self.outside, segment)
                self.start()
                self.be_honest()
                self.until_quiet()
                self.check(self.settled_descriptors())
                self.check_outside()

    def test_while_it_runs(self):
        segment = segment_of(self.folder / "kept")
        for plant in PLANTED:
            with self.subTest(plant.__name__):
                shutil.rmtree(self.spool, ignore_errors=True)
                self.start()
                self.be_honest()
                before = self.settled_descriptors()
                shutil.rmtree(self.spool, ignore_errors=True)
                self.spool.mkdir()
                plant(self.spool, self.outside, segment)
                self.check(before)
                self.check_outside()

    def test_more_segments_than_files_may_be_open(self):
        segment = segment_of(self.folder / "kept")
        self.spool.mkdir()
        many(self.spool, self.outside, segment)
        self.upstream.close()
        limited = ("prlimit", "--nofile=1024", sandbox.THAW, "serve")
        self.start(command=limited)
        self.thaw.until(lambda stats: stats["envelopes"]["recovered"] >= 100)
        self.be_honest()
        self.assertLess(self.descriptors(), 200)
        self.stays_small()
        relaying.balance(self, self.thaw.stats())

    def test_a_link_for_a_folder(self):
        (self.folder / "elsewhere").mkdir()
        self.spool.symlink_to(self.folder / "elsewhere")
        self.start()
        self.be_honest()
        self.assertIs(self.check(self.settled_descriptors())["durable"], False)
        self.assertEqual(list((self.folder / "elsewhere").iterdir()), [])

    @unittest.skipUnless(ROOT, "needs root: a folder of somebody else")
    def test_a_folder_of_somebody_else(self):
        self.spool.mkdir()
        os.chown(self.spool, 65534, 65534)
        self.start()
        self.be_honest()
        self.assertIs(self.check(self.settled_descriptors())["durable"], False)
        self.assertEqual(list(self.spool.iterdir()), [])


class Platform:
    """As much of Lambda's Extensions API as a life of one invoke takes."""

    def __init__(self):
        self.events = queue.Queue()
        self.asked = 0
        self.telemetry = None
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                self.body()
                self.answer({"functionName": "f", "functionVersion": "1", "handler": "h"})

            def do_PUT(self):
                outer.telemetry = json.loads(self.body())["destination"]["URI"]
                self.answer("OK")

            def do_GET(self):
                outer.asked += 1
                self.answer(outer.events.get())

            def body(self):
                return self.rfile.read(int(self.headers.get("Content-Length", 0)))

            def answer(self, what):
                text = json.dumps(what).encode()
                self.send_response(200)
                self.send_header("Lambda-Extension-Identifier", "e")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_):
                pass

        self.server = relaying.Server(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.address = f"127.0.0.1:{self.server.server_address[1]}"


class Extension(Thaw):
    """Thaw as Lambda starts it: it says nowhere which port it has."""

    def start(self):
        self.port = relaying.free_port()
        self.env["THAW_PORT"] = str(self.port)
        self.env["AWS_LAMBDA_RUNTIME_API"] = self.platform.address
        self.process = subprocess.Popen([sandbox.THAW], env=self.env, stdout=subprocess.DEVNULL)
        relaying.wait_for(lambda: self.platform.asked == 1)


def post(port, path, body, method="POST"):
    """Status of the answer; the connection stays open with the caller."""
    peer = socket.create_connection(("127.0.0.1", port), timeout=20)
    peer.sendall(f"{method} {path} HTTP/1.1\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
    return peer, statuses(peer.recv(1000))


class Telemetry(Abuse):
    """Anybody in the sandbox can reach where the platform's telemetry goes; the path is the platform's secret."""

    def setUp(self):
        super().setUp()
        # On a machine with much to do the platform's answer may come later than Thaw waits for it.
        for _ in range(10):
            self.platform = Extension.platform = Platform()
            self.addCleanup(self.platform.server.shutdown)
            self.thaw = Extension(self.folder / "spool", self.upstream.port,
                                  {"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128", "THAW_PACE": "prompt"})
            self.addCleanup(self.thaw.kill)
            if self.thaw.stats()["telemetry"]["state"] == "on":
                break
            self.thaw.kill()
        address, self.secret = self.platform.telemetry.removeprefix("http://").split("/", 1)
        self.port = int(address.split(":")[1])

    def invoke(self, request_id):
        """The function runs until told otherwise, and the platform has said that it began."""
        self.say(f"/{self.secret}", request_id, what="start")
        deadline = int(time.time() * 1000) + 60_000
        self.platform.events.put({"eventType": "INVOKE", "requestId": request_id, "deadlineMs": deadline,
                                  "invokedFunctionArn": "arn:aws:lambda:us-east-1:1:function:f"})
        self.thaw.until(lambda stats: stats["invokes"] == 1)

    def say(self, path, request_id, method="POST", what="runtimeDone"):
        """What the platform says when a function has ended."""
        record = {"requestId": request_id, "status": "success"}
        peer, answer = post(self.port, path, json.dumps([{"type": f"platform.{what}", "record": record}]).encode(), method)
        peer.close()
        self.assertEqual(answer, [200], path)

    def still_open(self):
        """What was said has been heard, and Thaw has not asked for the next event."""
        self.be_honest()
        self.thaw.until(lambda stats: stats["envelopes"]["waiting"] == 0)
        self.assertEqual(self.platform.asked, 1)

    def test_only_who_knows_the_path_ends_an_invoke(self):
        self.invoke("r1")
        for path in ("/", "/telemetry", f"/{self.secret[:-1]}", f"/{self.secret}0", f"//{self.secret}", f"/{self.secret}/",
                     f"/{self.secret}?", f"/x/../{self.secret}", f"/{self.secret.swapcase()}x", "/" + "0" * 32):
            self.say(path, "r1")
        self.say(f"/{self.secret}", "r1", method="PUT")
        for other in ("r0", "", "R1", "r1 ", "r1\0"):
            self.say(f"/{self.secret}", other)
        self.still_open()
        self.say(f"/{self.secret}", "r1")
        relaying.wait_for(lambda: self.platform.asked == 2)

    def test_huge_bodies_of_anyone(self):
        self.invoke("r1")
        bodies = [b"[" + b"0," * (2**21 - 2) + b"0]", b"[" + b"[" * 2**20, b'["' + b"x" * 2**22 + b'"]',
                  b"[" + b"0," * (2**18 - 2) + b"0]", b"[" + b'{"type":"platform.start","record":{}},' * 13_000 + b"0]"]
        peers = []
        for body in bodies * 3:
            peer, answer = post(self.port, "/", body)
            peers.append(peer)
            self.assertEqual(answer, [200])
        for body in bodies:
            peers.append(socket.create_connection(("127.0.0.1", self.port), timeout=20))
            peers[-1].sendall(f"POST / HTTP/1.1\r\nContent-Length: {len(body) + 1}\r\n\r\n".encode() + body)
        self.still_open()
        for peer in peers:
            peer.close()
        self.stays_small()


class Mad(Abuse):
    """An upstream that answers with anything. It owns the DSN, so what is sent to it is its to lose; nothing else is."""

    def setUp(self):
        super().setUp()
        self.inside = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(self.inside.close)

    def serve(self, answer):
        """Each connection gets it, again and again if it is without end."""
        server = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(server.close)

        def run():
            while True:
                try:
                    peer, _ = server.accept()
                except OSError:
                    return
                with peer:
                    try:
                        peer.recv(65536)
                        for part in answer():
                            peer.sendall(part)
                    except OSError:
                        pass

        threading.Thread(target=run, daemon=True).start()
        return server.getsockname()[1]

    def test_answers_without_end_and_worse(self):
        inside = self.inside.getsockname()[1]

        def endless(start, part):
            def parts():
                yield start
                for _ in range(50_000):
                    yield part
            return parts

        rows = {
            "a header without end": endless(b"HTTP/1.1 200 OK\r\n", b"A: b\r\n" * 1000),
            "interim answers without end": endless(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n" * 100),
            "a body without end": endless(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 10_000),
            "chunks without end": endless(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
                                          b"1;" + b"x" * 10_000 + b"\r\nx\r\n"),
            "garbage": endless(b"", b"\xff" * 10_000),
            "a length of 2^64": lambda: [b"HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551616\r\n\r\n"],
            "a redirect inside": lambda: [b"HTTP/1.1 307 x\r\nContent-Length: 0\r\n"
                                          b"Location: http://127.0.0.1:%d/\r\n\r\n" % inside],
            "limits without end": lambda: [b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Sentry-Rate-Limits: "
                                           + b"1e300:error:key," * 900 + b"\r\n\r\n"],
        }
        for name, answer in rows.items():
            with self.subTest(name):
                port = self.serve(answer)
                # Beside it an upstream that is well.
                well = f"http://{sandbox.KEY}@127.0.0.1:{self.upstream.port}/{sandbox.PROJECT}"
                self.start({"THAW_UPSTREAM_DSN": f"http://{'f' * 32}@127.0.0.1:{port}/1,{well}", "THAW_REQUEST_MS": "1000"})
                client = relaying.Client(self.thaw.port)
                auth = {"X-Sentry-Auth": f"Sentry sentry_key={'f' * 32}"}
                for number in range(3):
                    self.assertEqual(client.post(event(number), "/api/1/envelope/", auth)[0], 200)
                client.close()
                self.thaw.until(lambda stats: stats["upstream"]["requests"] >= 1 and stats["envelopes"]["in_flight"] == 0)
                arrived = len(self.upstream.requests)
                self.be_honest()
                relaying.wait_for(lambda: len(self.upstream.requests) > arrived)
                relaying.balance(self, self.thaw.stats())
                self.stays_small(name)
                self.thaw.kill()
        self.inside.setblocking(False)
        with self.assertRaises(BlockingIOError):
            self.inside.accept()


if __name__ == "__main__":
    unittest.main(verbosity=2)
