"""Requests as current SDKs were seen to make them, byte for byte but for ids, times and lengths.

Captured from sentry-ruby 6.6.2 and sentry-php 4.29.0 (2026-11). Whose code it is: getsentry/sentry-ruby,
sentry-ruby/lib/sentry/transport/http_transport.rb and envelope/item.rb; getsentry/sentry-php,
src/HttpClient/HttpClient.php, src/Serializer/PayloadSerializer.php and src/Serializer/EnvelopItems.
"""

import gzip
import json
import re
import socket
import time

LOGS = "application/vnd.sentry.items.log+json"


def request(lines, body):
    """One request's bytes; `lines` without the length."""
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body


class Dsn:
    """What an SDK makes of its DSN."""

    def __init__(self, text):
        self.key, self.host, self.port, self.project = re.fullmatch(
            r"http://(\w+)@([\w.]+):(\d+)/(\d+)", text).groups()
        self.path = f"/api/{self.project}/envelope/"

    def text(self, secret=""):
        """With an old-fashioned secret, which SDKs pass on."""
        return f"http://{self.key}{secret and ':' + secret}@{self.host}:{self.port}/{self.project}"


class Connection:
    """A socket to Thaw. Every answer must be a 200."""

    def __init__(self, dsn):
        self.socket = socket.create_connection((dsn.host, int(dsn.port)), timeout=5)
        self.stream = self.socket.makefile("rb")

    def send(self, data):
        """One request, and its whole answer."""
        self.socket.sendall(data)
        status = self.stream.readline()
        length = 0
        while (line := self.stream.readline().strip()):
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        self.stream.read(length)
        if b" 200 " not in status:
            raise RuntimeError(f"answered {status}")

    def close(self):
        """Hangs up."""
        self.stream.close()
        self.socket.close()


class Ruby:
    """A connection for each envelope; gzip from 30 KiB on, below it an empty Content-Encoding; JSON items without a
    length; a DSN with a secret, in header and envelope."""

    language, escape = "ruby", False
    GZIP_FROM = 30 * 1024

    def __init__(self, dsn):
        self.dsn = dsn
        self.begun = int(time.time())

    def header(self, event_id, trace):
        """The envelope's."""
        return {"event_id": event_id, "dsn": self.dsn.text("sec"), "sdk": {"name": "sentry.ruby", "version": "6.6.2"},
                "sent_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "trace": trace}

    def post(self, body):
        """Net::HTTP with a header that was given an empty value."""
        encoding = ""
        if len(body) >= self.GZIP_FROM:
            body, encoding = gzip.compress(body), "gzip"
        auth = (f"Sentry sentry_version=7, sentry_timestamp={self.begun}, sentry_key={self.dsn.key}, "
                "sentry_client=sentry-ruby/6.6.2, sentry_secret=sec")
        connection = Connection(self.dsn)
        connection.send(request(
            [f"POST {self.dsn.path} HTTP/1.1", "Content-Type: application/x-sentry-envelope",
             f"Content-Encoding: {encoding}", "User-Agent: sentry-ruby/6.6.2", f"X-Sentry-Auth: {auth}",
             f"Host: {self.dsn.host}:{self.dsn.port}"], body))
        connection.close()

    def done(self):
        """Nothing is open."""


class Php:
    """libcurl: one connection as long as the request lasts, everything in gzip, slashes escaped in JSON."""

    language, escape = "php", True

    def __init__(self, dsn):
        self.dsn = dsn
        self.connection = None

    def header(self, event_id, trace):
        """The envelope's."""
        return {"sent_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "dsn": self.dsn.text(),
                "sdk": {"name": "sentry.php", "version": "4.29.0"}, "event_id": event_id, "trace": trace}

    def post(self, body):
        """Inside the call that captures."""
        body = gzip.compress(body)
        auth = f"Sentry sentry_version=7, sentry_client=sentry.php/4.29.0, sentry_key={self.dsn.key}"
        self.connection = self.connection or Connection(self.dsn)
        self.connection.send(request(
            [f"POST {self.dsn.path} HTTP/1.1", f"Host: {self.dsn.host}:{self.dsn.port}",
             "User-Agent: sentry.php/4.29.0", "Accept: */*", "Accept-Encoding: deflate, gzip, br, zstd",
             "Content-Type: application/x-sentry-envelope", f"X-Sentry-Auth: {auth}", "Content-Encoding: gzip"], body))

    def done(self):
        """The end of the request."""
        if self.connection:
            self.connection.close()
        self.connection = None


SDKS = {"ruby": Ruby, "php": Php}


def to_json(sdk, value):
    """As the language writes it: without spaces, PHP with escaped slashes."""
    text = json.dumps(value, separators=(",", ":"))
    return text.replace("/", "\\/") if sdk.escape else text
