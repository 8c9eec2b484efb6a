"""The soak's function: for as long as the event says it sends requests of every kind (traffic.py) to Thaw, over
connections that it keeps, leaves idle, feeds slowly across a freeze, and forgets.

Event: {"seed", "ms": how long, "burst": ms of as many requests as go on eight connections, "then": "hang" or "crash"}.
Environment: SOAK_PORT, SOAK_KEY, SOAK_PROJECT, SOAK_FOREIGN; SOAK_NOTES, a file to which each request adds a line: its
answer's status (0: none came), whether that was right, its marks; SOAK_STOP, a file: once it is there nothing is sent.
Runtime loop: AWS docs, "Using the Lambda runtime API for custom runtimes".
"""

import http.client
import json
import os
import random
import socket
import threading
import time

import traffic

BASE = "/2018-06-01/runtime/invocation"
CLIENTS, IDLE, PAUSE = 8, 12, 0.012  # seconds, at most
CHUNK = 5_000
TIMEOUT = 20  # seconds


class Sender:
    """Sends, and writes down what came of it."""

    def __init__(self):
        self.port = int(os.environ["SOAK_PORT"])
        self.notes = os.open(os.environ["SOAK_NOTES"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        self.chance = random.Random()
        self.maker = traffic.Maker(self.chance, os.environ["SOAK_KEY"], os.environ["SOAK_PROJECT"],
                                    os.environ["SOAK_FOREIGN"])
        self.making = threading.Lock()
        self.kept = [None] * CLIENTS
        self.idle = []
        self.slow = None

    def note(self, status, request):
        """One write, so that nobody's end tears it."""
        right = status == 0 or status in request.right
        line = f"{status} {'ok' if right else 'WRONG'} {request.method} {request.path} {','.join(request.marks)}\n"
        os.write(self.notes, line.encode())

    def post(self, client, request):
        """On the client's connection, or a new one where that is gone. SDKs do not send twice: neither do we."""
        connection = self.kept[client] or http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT)
        self.kept[client] = None
        body = request.body
        if request.chunked:
            body = (request.body[at:at + CHUNK] for at in range(0, len(request.body), CHUNK))
        try:
            connection.request(request.method, request.path, body, request.headers)
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            connection.close()
            self.note(0, request)
            return
        self.note(answer.status, request)
        if self.chance.random() < 0.05:
            connection.close()
        else:
            self.kept[client] = connection

    def next_request(self):
        """Made under a lock: threads share the source of choice."""
        with self.making:
            return self.maker.one()

    def steady(self, seconds):
        """One after the other."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.post(self.chance.randrange(CLIENTS), self.next_request())
            time.sleep(self.chance.uniform(0, PAUSE))

    def burst(self, seconds):
        """All clients at once."""
        end = time.monotonic() + seconds

        def share(client):
            while time.monotonic() < end:
                self.post(client, self.next_request())

        threads = [threading.Thread(target=share, args=(client,)) for client in range(CLIENTS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def finish_slow(self):
        """The other half of what was begun before the freeze."""
        peer, rest, request = self.slow
        self.slow = None
        try:
            peer.sendall(rest)
            status = int(peer.recv(4096).split()[1])
        except (OSError, IndexError):
            status = 0
        peer.close()
        request.right += (408,)
        self.note(status, request)

    def begin_slow(self):
        """Half of a request, and then a freeze."""
        with self.making:
            request = self.maker.envelope()
        lines = [f"{request.method} {request.path} HTTP/1.1", "Host: x", f"Content-Length: {len(request.body)}",
                 *(f"{name}: {value}" for name, value in request.headers.items()), "", ""]
        data = "\r\n".join(lines).encode() + request.body
        half = self.chance.randrange(1, len(data))
        try:
            peer = socket.create_connection(("127.0.0.1", self.port), timeout=TIMEOUT)
            peer.sendall(data[:half])
        except OSError:
            return
        self.slow = peer, data[half:], request

    def idlers(self):
        """Connections that say nothing; the oldest go."""
        try:
            self.idle.append(socket.create_connection(("127.0.0.1", self.port), timeout=TIMEOUT))
        except OSError:
            return
        if len(self.idle) > IDLE:
            self.idle.pop(0).close()

    def handle(self, event):
        """One invoke."""
        if self.slow:
            self.finish_slow()
        if os.path.exists(os.environ["SOAK_STOP"]):
            return
        self.chance.seed(event["seed"])
        self.idlers()
        self.burst(event.get("burst", 0) / 1000)
        self.steady(event["ms"] / 1000)
        if self.chance.random() < 0.3:
            self.begin_slow()
        if event.get("then") == "hang":
            time.sleep(3600)
        if event.get("then") == "crash":
            os._exit(3)


def serve(sender):
    """One event after the other, for ever."""
    platform = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    while True:
        platform.request("GET", f"{BASE}/next")
        invocation = platform.getresponse()
        event = json.loads(invocation.read())
        sender.handle(event)
        platform.request("POST", f"{BASE}/{invocation.getheader('Lambda-Runtime-Aws-Request-Id')}/response", "{}")
        platform.getresponse().read()


if __name__ == "__main__":
    serve(Sender())
