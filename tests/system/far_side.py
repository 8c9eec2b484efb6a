"""What is on the far side of a network: a name server, an upstream that tells what it saw, and their roots."""

import http.server
import socket
import socketserver
import ssl
import struct
import threading
import time

import internet
import relaying
import sandbox

NAME = "o1.ingest.thaw-test.com"
TYPES = {1: "A", 28: "AAAA"}
SERVFAIL, NXDOMAIN = 2, 3  # RFC 1035, 4.1.1
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close with RST


class NameServer:
    """Knows what the test tells it. Messages: RFC 1035, 4.1; over TCP: 4.2.2."""

    def __init__(self, networks, names, **how):
        self.names = names  # addresses by name; any other name does not exist
        self.ttl = 3600
        self.delay = 0.0  # seconds before each answer
        self.late = {}  # more of them, by type
        self.silent = set()  # types that are not answered
        self.result = 0
        self.truncates = False  # over UDP
        self.asked = []  # (name, type, "udp" or "tcp")
        for member, value in how.items():
            setattr(self, member, value)
        outer = self

        class Udp(socketserver.BaseRequestHandler):
            """One question."""

            def handle(self):
                answer = outer.answer(self.request[0], "udp")
                if answer:
                    self.request[1].sendto(answer, self.client_address)

        class Tcp(socketserver.StreamRequestHandler):
            """One connection, one question."""

            def handle(self):
                size = int.from_bytes(self.rfile.read(2), "big")
                answer = outer.answer(self.rfile.read(size), "tcp")
                self.wfile.write(len(answer).to_bytes(2, "big") + answer)

        class Udp6(socketserver.ThreadingUDPServer):
            """Behind an address of its own, so that answers come from where they were asked for."""

            address_family = socket.AF_INET6

        with networks.far():
            self.servers = [socketserver.ThreadingUDPServer((internet.SERVER4, 53), Udp),
                            Udp6((internet.SERVER6, 53), Udp),
                            socketserver.ThreadingTCPServer((internet.SERVER4, 53), Tcp)]
        for server in self.servers:
            server.daemon_threads = True
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()

    def answer(self, question, road):
        """The message, or none."""
        end = question.index(0, 12) + 5
        name, at = [], 12
        while question[at]:
            name.append(question[at + 1:at + 1 + question[at]].decode())
            at += question[at] + 1
        name, kind = ".".join(name), TYPES.get(question[end - 3], "")
        self.asked.append((name, kind, road))
        time.sleep(self.delay + self.late.get(kind, 0))
        if kind in self.silent:
            return b""
        result = self.result or (0 if name in self.names else NXDOMAIN)
        cut = self.truncates and road == "udp"
        records = [] if result or cut else [record(address, self.ttl) for address in self.names[name]
                                            if (":" in address) == (kind == "AAAA")]
        flags = 0x8180 | result | (0x0200 if cut else 0)
        return (question[:2] + struct.pack(">HHHHH", flags, 1, len(records), 0, 0) + question[12:end]
                + b"".join(records))

    def close(self):
        """Nobody answers any more."""
        for server in self.servers:
            server.shutdown()
            server.server_close()


def record(address, ttl):
    """For the name of the question."""
    family, kind = (socket.AF_INET6, 28) if ":" in address else (socket.AF_INET, 1)
    data = socket.inet_pton(family, address)
    return b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, ttl, len(data)) + data


class Upstream(relaying.Server):
    """Takes envelopes at each address of the far side, with or without TLS."""

    address_family = socket.AF_INET6
    daemon_threads = True

    def __init__(self, networks, context=None, idle=None, port=0):
        """`idle`: seconds after which a connection is reset."""
        self.context, self.idle = context, idle
        self.lock = threading.Lock()
        self.bodies, self.connections, self.failures, self.named = [], [], [], []
        if context:
            context.sni_callback = lambda _, name, __: self.named.append(name)
        with networks.far():
            super().__init__(("::", port), Visit)
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def server_bind(self):
        """Without asking for its own name, as HTTPServer does."""
        socketserver.TCPServer.server_bind(self)

    @property
    def port(self):
        """The kernel's choice."""
        return self.server_address[1]

    def event_ids(self):
        """Of the errors that have arrived."""
        with self.lock:
            return [event["event_id"] for body in self.bodies for event in sandbox.events_in(body)]

    def resumed(self):
        """Of each handshake, whether it was short."""
        return [connection["resumed"] for connection in self.connections]

    def close(self):
        """No connection is taken from now on."""
        self.shutdown()
        self.server_close()


class Visit(http.server.BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self):
        """The handshake."""
        seen = {"to": self.request.getsockname()[0].removeprefix("::ffff:")}
        if self.server.context:
            try:
                self.request = self.server.context.wrap_socket(self.request, server_side=True)
            except (ssl.SSLError, ConnectionError) as failure:
                self.server.failures.append(str(failure))
                raise ConnectionAbortedError from failure
            seen.update(resumed=self.request.session_reused, version=self.request.version())
        self.server.connections.append(seen)
        self.timeout = self.server.idle
        super().setup()

    def finish(self):
        """Idle for too long, it is reset."""
        if self.timeout:
            self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        super().finish()
        self.request.close()

    def do_POST(self):
        """An envelope."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with self.server.lock:
            self.server.bodies.append(body)
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_):
        """Says nothing."""
