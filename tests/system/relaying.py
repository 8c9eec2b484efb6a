"""`thaw serve` as a process to be fed, starved and killed, and an upstream to see what arrives."""

import errno
import http.client
import http.server
import json
import os
import pathlib
import signal
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time

import sandbox

AUTH = f"Sentry sentry_key={sandbox.KEY}, sentry_version=7, sentry_client=test/1"
EVENT_PATH = f"/api/{sandbox.PROJECT}/envelope/"


class Server(http.server.ThreadingHTTPServer):
    """One that takes it calmly when whoever asks is killed; a connection that breaks here is reset."""

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], (ConnectionError, ssl.SSLError)):
            super().handle_error(request, client_address)
            return
        request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        request.close()


class Upstream:
    """Answers every request and keeps it. `delay` in seconds; `status` of each answer. `context`: speaks TLS."""

    def __init__(self, port=0, context=None):
        self.requests = []
        self.context = context
        self.delay = 0.0
        self.status = 200
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def answer(self):
                length = int(self.headers.get("Content-Length", 0))
                body = outer.read(self.rfile, length)
                if len(body) < length:
                    raise ConnectionResetError("killed while it sent")
                if outer.delay:
                    time.sleep(outer.delay)  # the upstream's latency, not a wait for a condition
                status, headers = outer.take((self.command, self.path, dict(self.headers), body))
                self.send_response(status)
                for name, value in {"Content-Length": "2", **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(b"{}")

            do_POST = do_GET = answer

            def log_message(self, *_):
                pass

        self.lock = threading.Lock()
        self.handler = Handler
        self.port = port
        self.open()

    def open(self):
        """Takes connections, after close() on the same port again: once nobody else's connection begins there."""
        wait_for(self._bind)
        self.server.daemon_threads = True
        if self.context is not None:
            # The handshake is the thread's that serves the connection.
            self.server.socket = self.context.wrap_socket(self.server.socket, server_side=True,
                                                          do_handshake_on_connect=False)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    def _bind(self):
        try:
            self.server = Server(("127.0.0.1", self.port), self.handler)
        except OSError as failure:
            if failure.errno != errno.EADDRINUSE:
                raise
            return False
        return True

    def read(self, stream, length):
        """A request's body, as long as it says."""
        return stream.read(length)

    def take(self, request):
        """Keeps a request (method, path, headers, body); status and headers of its answer."""
        with self.lock:
            self.requests.append(request)
        return self.answer_to(request[3])

    @property
    def address(self):
        """As a URL's begin."""
        return f"http{'s' if self.context is not None else ''}://127.0.0.1:{self.port}"

    def dsn(self):
        """The sandbox's key and project, here."""
        return f"{self.address.replace('//', f'//{sandbox.KEY}@')}/{sandbox.PROJECT}"

    def answer_to(self, _body):
        """Status and headers."""
        return self.status, {}

    def bodies(self):
        """Request bodies so far."""
        with self.lock:
            return [body for _, _, _, body in self.requests]

    def event_ids(self):
        """Ids in the envelope headers of what arrived."""
        ids = []
        for body in self.bodies():
            ids.append(json.loads(body.split(b"\n", 1)[0]).get("event_id"))
        return ids

    def close(self):
        """No connection is taken from now on."""
        self.server.shutdown()
        self.server.server_close()


def free_port():
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Thaw:
    """One `thaw serve`; the same folder and port again after a restart."""

    def __init__(self, spool, upstream_port, env=None, port=0, command=(sandbox.THAW, "serve")):
        self.command = command
        self.env = {
            "THAW_PORT": str(port), "THAW_SPOOL_DIR": str(spool), "THAW_COMPRESSION": "none",
            "THAW_UPSTREAM_DSN": f"http://{sandbox.KEY}@127.0.0.1:{upstream_port}/{sandbox.PROJECT}",
            **(env or {}),
        }
        self.lines = []
        self.start()

    def start(self):
        """Starts it and waits until it says that it serves."""
        self.process = subprocess.Popen(
            self.command, env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        for line in self.process.stdout:
            self.lines.append(line)
            if "serving" in line:
                self.port = int(line.rsplit(":", 1)[1])
                self.env["THAW_PORT"] = str(self.port)
                break
        threading.Thread(target=self._read, args=(self.process.stdout,), daemon=True).start()

    def _read(self, stdout):
        with stdout:
            for line in stdout:
                self.lines.append(line)

    def kill(self):
        """SIGKILL, at whatever instruction it is."""
        self.process.kill()
        self.process.wait()

    def stop(self, timeout=20):
        """SIGTERM, the summary line and a good end."""
        if self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGTERM)
        if (code := self.process.wait(timeout=timeout)) != 0:
            raise AssertionError(f"thaw ended with {code}")

    def memory_kib(self, field="VmHWM"):
        """Of /proc: VmHWM is the most it ever had resident."""
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(field):
                return int(line.split()[1])
        raise ValueError(field)

    def get(self, path):
        """GET, as text."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request("GET", path)
        text = connection.getresponse().read().decode()
        connection.close()
        return text

    def stats(self):
        """/stats."""
        return json.loads(self.get("/stats"))

    def until(self, condition, timeout=20):
        """Polls /stats until it holds."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            stats = self.stats()
            if condition(stats):
                return stats
            time.sleep(0.02)
        raise AssertionError(f"not in {timeout} s: {stats}")


class Client:
    """An SDK's connection."""

    def __init__(self, port):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)

    def post(self, body, path=EVENT_PATH, headers=None, method="POST"):
        """Returns (status, body)."""
        self.connection.request(method, path, body, {"X-Sentry-Auth": AUTH} if headers is None else headers)
        answer = self.connection.getresponse()
        return answer.status, answer.read()

    def pause(self, seconds):
        """An SDK does not send all the time."""
        time.sleep(seconds)

    def close(self):
        """Hangs up."""
        self.connection.close()


def event_id(number):
    """32 hex digits."""
    return f"{number:032x}"


def event(number, size=0, kind="event"):
    """An envelope with one item."""
    payload = json.dumps({"message": "x" * size})
    return (f'{{"event_id":"{event_id(number)}"}}\n'
            f'{{"type":"{kind}","length":{len(payload)}}}\n{payload}\n').encode()


def balance(test, stats):
    """Promise P4, per category."""
    for category, items in stats["items"].items():
        out = (items["delivered"] + items["waiting"] + sum(items["refused"].values())
               + sum(items["dropped"].values()))
        test.assertEqual(items["accepted"] + items["recovered"], out, f"{category}: {items}")


def wait_for(condition, timeout=20, pause=0.02):
    """Polls until it holds; without a pause what is soon over."""
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end, f"not in {timeout} s"
        time.sleep(pause)


def rounds(default):
    """How long a long loop is: the variable N."""
    return int(os.environ.get("N", default))
