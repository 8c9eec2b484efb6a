"""The rows of abuse.py: what is sent over a connection, and the answers that must come of it.

A row is what a client says and the statuses of all answers to it, in order. If the last of them leaves the
connection open, a request behind it is answered as well: what was read as one request is not also read as
another. The verdicts are RFC 9112's where it has one, else Relay's.
"""

import gzip
import zlib

from relaying import AUTH, EVENT_PATH
from sandbox import KEY, PROJECT

ENVELOPE = b'{}\n{"type":"event"}\n{}'
CHUNKED = (("Transfer-Encoding", "chunked"),)


class Row:
    """`closes`: behind the last answer the connection ends."""

    def __init__(self, name, sent, *statuses, closes=None):
        self.name = name
        self.sent = sent.encode("latin-1") if isinstance(sent, str) else sent
        self.statuses = list(statuses)
        self.closes = statuses[-1:] == (400,) if closes is None else closes


def post(body=b"", path=EVENT_PATH, auth=AUTH, headers=(), length=True):
    """A request as an SDK sends it, but for what is asked for."""
    lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1"]
    lines += [f"X-Sentry-Auth: {auth}"] if auth else []
    lines += [f"{name}: {value}" for name, value in headers]
    lines += [f"Content-Length: {len(body)}"] if length else []
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def get(path, *lines, version="1.1"):
    """A request of a browser."""
    return "\r\n".join([f"GET {path} HTTP/{version}", *lines, "", ""]).encode()


def framed(header, body=b""):
    """A request whose framing is `header`, one line or more."""
    return post(length=False)[:-2] + (header.encode("latin-1") if isinstance(header, str) else header) + b"\r\n\r\n" + body


# What another server would take for a request of its own.
SMUGGLED = get("/health", "Host: 127.0.0.1")


def lengths():
    """Content-Length in forms that two parsers may read differently."""
    size = len(ENVELOPE)
    for value in ("+{}", "-{}", "0x{:x}", "{}.0", "{}e0", "{};", "{} {}", "{},1", "", "\xb2", "18446744073709551616", "{}\0"):
        text = value.format(size, size)
        yield Row(f"Content-Length: {text!a}", framed(f"Content-Length: {text}", ENVELOPE), 400)
    yield Row("Content-Length twice, the same", framed(f"Content-Length: {size}\r\nContent-Length: {size}", ENVELOPE), 200)
    yield Row("Content-Length in blanks", framed(f"Content-Length: \t {size}\t ", ENVELOPE), 200)
    yield Row("Content-Length with leading zeros", framed(f"Content-Length: 000{size}", ENVELOPE), 200)
    yield Row("a blank before the colon", framed(f"Content-Length : {size}", ENVELOPE), 400)
    yield Row("a length on a line of its own", framed(f"Content-Length:\r\n {size}", ENVELOPE), 200)


def transfer_codings():
    """Transfer-Encoding: what ends in anything but one "chunked" has no length that is known here."""
    body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(ENVELOPE), ENVELOPE)
    for value in ("chunked, chunked", "chunked, identity", "identity", "gzip", "gzip, chunked", "xchunked", "chunked;q=1",
                  "\"chunked\"", "chunked\x0b", ""):
        yield Row(f"Transfer-Encoding: {value!a}", framed(f"Transfer-Encoding: {value}", SMUGGLED), 400)
    for lines in ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
                  "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked",
                  "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
                  "Transfer-Encoding: chunked\r\nContent-Length: 4",
                  "Content-Length: 4\r\nTransfer-Encoding: chunked",
                  "Content-Length: 4\r\nTransfer-Encoding: identity",
                  "Transfer-Encoding : chunked"):
        yield Row(lines.replace("\r\n", " | "), framed(lines, body), 400)
    yield Row("Transfer-Encoding: CHUNKED", framed("Transfer-Encoding: CHUNKED", body), 200)
    yield Row("Transfer-Encoding on a line of its own", framed("Transfer-Encoding:\r\n chunked", body), 200)


def chunks():
    """Chunks that are none."""
    start = framed("Transfer-Encoding: chunked")
    for name, body in (("signed", b"+1\r\nx\r\n"), ("negative", b"-1\r\nx\r\n"),
                       ("without a size", b"\r\nx\r\n"), ("with a blank before", b" 1\r\nx\r\n"),
                       ("ended by LF", b"1\nx\r\n"), ("without CRLF behind the data", b"1\r\nxy\r\n0\r\n\r\n"),
                       ("with LF behind the data", b"1\r\nx\n0\r\n\r\n"), ("of 17 digits", b"f" * 17 + b"\r\n"),
                       ("with NUL", b"1\0\r\nx\r\n"), ("with CR in an extension", b"1;a\rb\r\nx\r\n"),
                       ("with a broken trailer", b"0\r\nbroken\r\n\r\n")):
        yield Row(f"a chunk {name}", start + body, 400)
    yield Row("a chunk of 2^64-1 bytes", start + b"f" * 16 + b"\r\n", 413, closes=True)
    whole = b"%x;a=b;c=\"d\"\r\n%b\r\n0\r\n" % (len(ENVELOPE), ENVELOPE)
    yield Row("extensions and a trailer", start + whole + b"X: y\r\n\r\n", 200)
    late = post(auth=None, headers=CHUNKED, length=False) + whole + f"X-Sentry-Auth: {AUTH}\r\n\r\n".encode()
    yield Row("an auth in the trailer is none", late, 401)
    yield Row("a length in the trailer", start + whole + b"Content-Length: 9999\r\n\r\n", 400)


def lines():
    """Request lines and header lines that two parsers may read differently."""
    for name, sent in (("LF for CRLF", post(ENVELOPE).replace(b"\r\n", b"\n")),
                       ("CR for CRLF", post(ENVELOPE).replace(b"\r\n", b"\r")),
                       ("a bare CR in a value", framed("A: b\rC: d\r\nContent-Length: 0")),
                       ("NUL in a value", framed("A: b\0c\r\nContent-Length: 0")),
                       ("NUL in a name", framed("A\0: b\r\nContent-Length: 0")),
                       ("NUL in the path", get("/a\0b")), ("a blank in the path", get("/a b")),
                       ("a tab in the path", get("/a\tb")), ("no name", framed(": b\r\nContent-Length: 0")),
                       ("a first line that goes on from nowhere", b"GET / HTTP/1.1\r\n A: b\r\n\r\n"),
                       ("HTTP/0.9", b"GET /\r\n\r\n"), ("HTTP/2's preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
                       ("http in small letters", b"GET / http/1.1\r\n\r\n"), ("HTTP/1.10", b"GET / HTTP/1.10\r\n\r\n"),
                       ("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 600)):
        yield Row(name, sent, 400)
    yield Row("a header without end", b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 50_000, 431, closes=True)
    yield Row("a name without end", b"GET / HTTP/1.1\r\n" + b"A" * 300_000, 431, closes=True)
    yield Row("a path without end", b"GET /" + b"a" * 300_000, 431, closes=True)
    yield Row("a header that goes on in the next line", framed("A: b\r\n c\r\nContent-Length: 0"), 400, closes=False)
    yield Row("a whole address for a path", get("http://127.0.0.1/stats", "Host: evil.example"), 404)
    yield Row("CONNECT", b"CONNECT o1.ingest.sentry.io:443 HTTP/1.1\r\n\r\n", 404)
    yield Row("OPTIONS *", b"OPTIONS * HTTP/1.1\r\n\r\n", 404)
    yield Row("an upgrade", get("/health", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c"), 200, closes=False)
    for name, middle in (("a bad one in the middle", b"GET / HTTP/1.1\r\nbroken\r\n\r\n"), ("TLS in the middle", b"\x16\x03\x01")):
        yield Row(f"200 requests at once, {name}", SMUGGLED * 100 + middle + SMUGGLED * 100, *[200] * 100, 400)
    yield Row("500 requests at once", post(ENVELOPE) * 500, *[200] * 500)


def content_encodings():
    """Bodies that are not what they say."""
    plain, packed = ENVELOPE, gzip.compress(ENVELOPE)
    rows = (("gzip", "plain text", plain, 400),
            ("gzip", "nothing", b"", 400),
            ("gzip", "a header, then rubbish", packed[:10] + b"\xff" * 99, 400),
            ("gzip", "cut", packed[:-5], 400),
            ("gzip", "a wrong checksum", packed[:-8] + b"\0" * 8, 400),
            ("gzip", "rubbish behind it", packed + b"rubbish", 400),
            ("gzip", "two members", gzip.compress(plain[:3]) + gzip.compress(plain[3:]), 200),
            ("gzip", "gzip in gzip", gzip.compress(packed), 400),
            ("deflate", "without zlib's frame", zlib.compress(plain)[2:-4], 400),
            ("deflate", "gzip", packed, 400),
            ("br", "rubbish", b"\xff" * 99, 400),
            ("zstd", "rubbish", b"\x28\xb5\x2f\xfd" + b"\xff" * 99, 400),
            ("zstd", "a dictionary it does not have", b"\x28\xb5\x2f\xfd\x23\x01\x02\x03\x04\x00\x01\0\0", 400),
            ("identity", "gzip", packed, 400),
            ("gzip, gzip", "gzip in gzip", gzip.compress(packed), 415),
            ("compress", "anything", plain, 415),
            ("x" * 9000, "anything", plain, 415))
    for encoding, what, body, status in rows:
        sent = post(body, headers=[("Content-Encoding", encoding)])
        yield Row(f"Content-Encoding: {encoding[:20]}, {what}", sent, status, closes=False)


def envelopes():
    """Envelopes that are none, or strange ones."""
    deep = b"[" * 100_000 + b"]" * 100_000
    rows = [("100,000 levels in its header", b'{"a":%b}\n{"type":"event"}\n{}' % deep, 400),
            ("100,000 levels in an item's header", b'{}\n{"type":"event","a":%b}\n{}' % deep, 400),
            ("100,000 levels in a payload", b'{}\n{"type":"event","length":%d}\n%b' % (len(deep), deep), 200),
            ("invalid UTF-8 in its header", b'{"a":"\xff\xfe"}\n{"type":"event"}\n{}', 400),
            ("invalid UTF-8 in an item's header", b'{}\n{"type":"event","a":"\xc0\x80"}\n{}', 400),
            ("invalid UTF-8 in a payload", b'{}\n{"type":"event"}\n\xff\xfe', 200),
            ("half a surrogate pair", b'{"a":"\\ud800"}\n{"type":"event"}\n{}', 400),
            ("NUL in its header", b'{"a":"\0"}\n{"type":"event"}\n{}', 400), ("NUL for a header", b"\0\n{}\n", 400),
            ("NUL in a payload", b'{}\n{"type":"event"}\n\0\0', 200), ("NUL in a type", b'{}\n{"type":"e\\u0000vent"}\n{}', 200),
            ("a type of 100,000 letters", b'{}\n{"type":"%b"}\n{}' % (b"x" * 100_000), 400),
            ("only blanks", b" \n" * 5000, 400), ("only line ends", b"\n" * 50_000, 400)]
    for length in ("1e400", "-1", "1e1", "2.0", "18446744073709551615", "18446744073709551616", "9" * 400, "NaN", "Infinity",
                   "0x2", "02", "[2]", "true"):
        rows.append((f"length: {length[:24]}", b'{}\n{"type":"event","length":%b}\n{}' % length.encode(), 400))
    for name, body, status in rows:
        yield Row(name, post(body), status, closes=False)


def paths():
    """Projects, keys and endpoints that lead elsewhere."""
    for project in ("..", ".", "%2e%2e", "%2E.", "..%2f..", "42%2f..", "42/../43", "-1", "+42", "42.0", "0x2a", "42abc", "1e2",
                    "18446744073709551616", "9" * 4000, "%34%32", "42%00", "\xd9\xa4\xd9\xa2"):
        status = 404 if project in ("..", ".", "%2e%2e", "%2E.", "42/../43") else 400
        yield Row(f"project {project[:20]!a}", post(ENVELOPE, path=f"/api/{project}/envelope/"), status, closes=False)
    for path, status in ((f"/api/{PROJECT}/../43/envelope/", 404), (f"/api/{PROJECT}/%2e%2e/stats", 404),
                         (f"/api/{PROJECT}/upload/", 404), ("/../../etc/passwd", 404),
                         (f"//api//{PROJECT}//envelope//", 200), (f"/..%2f/api/{PROJECT}/envelope/", 200)):
        yield Row(path, post(ENVELOPE, path=path), status, closes=False)
    for monitor, status in (("%2e%2e", 404), ("..%2f..%2fother", 202), ("a%0d%0aX-Injected:%20y", 202)):
        yield Row(f"monitor {monitor}", post(b"{}", path=f"/api/{PROJECT}/cron/{monitor}/"), status)


def tenants():
    """Keys and projects that are not the configured ones: not sent anywhere with the configured key."""
    other = "f" * 32
    for name, key, project in (("another key", other, PROJECT), ("another project", KEY, 43), ("the key in capitals", KEY.upper(), PROJECT),
                               ("a key of 31", KEY[:-1], PROJECT), ("a key with more behind it", KEY + "0", PROJECT)):
        auth = f"Sentry sentry_key={key}, sentry_version=7"
        status = 403 if len(key) == 32 else 400
        yield Row(name, post(ENVELOPE, path=f"/api/{project}/envelope/", auth=auth), status, closes=False)
    dsn = b'{"dsn":"http://%b@127.0.0.1/42"}\n{"type":"event"}\n{}' % other.encode()
    yield Row("another key in the envelope", post(dsn), 400, closes=False)
    yield Row("another key in the query", post(ENVELOPE, path=f"{EVENT_PATH}?sentry_key={other}"), 401)


# Hosts that look like one below sentry.io, or are addresses of this machine. None of them is.
NOT_SENTRY = (
    "evilsentry.io", "sentry.io.evil.example", "sentry.io-evil.example", "sentry.iox", "sentry.i", "io",
    "sentry.io.evil", "x@sentry.io.evil.example", "sentry.io@evil.example", "o1.sentry.io:80", "o1.sentry.io:8443",
    "o1.sentry.io:443@evil.example", "o1.sentry.io:0443x", "o1.sentry.io..", ".sentry.io", "..sentry.io",
    "a..sentry.io", "%73entry.io", "o1.sentry%2eio", "sentry.io%00.evil.example", "sentry.io%2f.evil.example",
    "evil.example%23.sentry.io", "evil.example%3f.sentry.io", "evil.example%5c.sentry.io",
    "evil.example;.sentry.io", "evil.example,.sentry.io", "o1\xe3\x80\x82sentry\xe3\x80\x82io",
    "\xef\xbd\x93entry.io", "sentry\xc2\xad.io", "xn--sentry.io-evil", "127.0.0.1", "127.1", "2130706433",
    "0x7f000001", "0x7f.1", "017700000001", "0177.0.0.01", "127.0.0.1.", "0", "localhost", "localhost.", "[::1]",
    "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[64:ff9b::7f00:1]", "[fe80::1%25lo]", "169.254.169.254",
    "169.254.100.1:9001", "sandbox.localdomain", "metadata.google.internal", "127.0.0.1.nip.io",
)


def foreign_hosts():
    """Each once in the path and once in the envelope, where it may be no DSN at all: then 400."""
    for host in NOT_SENTRY:
        prefixed = post(ENVELOPE, path=f"/{host}{EVENT_PATH}")
        yield Row(f"path: {host!a}", prefixed, 403, closes=False)
        named = '{"dsn":"https://%s@%s/%d"}\n' % (KEY, host, PROJECT)
        yield Row(f"dsn: {host!a}", post(named.encode("latin-1") + ENVELOPE.split(b"\n", 1)[1]), 403, closes=False)


def injections():
    """What would be a header of the request to upstream if it were copied as it came."""
    for query in ("sentry_client=x%0d%0aX-Injected:%20y", "sentry_client=x%0aX-Injected:%20y", "sentry_client=a%2c%20sentry_key=b"):
        yield Row(query, post(ENVELOPE, path=f"{EVENT_PATH}?sentry_key={KEY}&{query}", auth=None), 200)
    client = f"Sentry sentry_key={KEY}, sentry_client=a%0d%0aX-Injected: y\tb"
    yield Row("sentry_client in a header", post(ENVELOPE, auth=client), 200)
    for name in ("User-Agent", "Content-Type"):
        for value in ("x%0d%0aX-Injected: y", "\t\xff\x80", "x" * 8000):
            yield Row(f"{name}: {value[:20]!a}", post(ENVELOPE, headers=[(name, value)]), 200)
    report = post(b"{}", path=f"/api/{PROJECT}/security/?sentry_release=x%0d%0aX-Injected:%20y&sentry_key={KEY}", auth=None)
    yield Row("a query that is passed on", report, 200)
    tagged = b'{"trace":{"public_key":"x\\r\\nX-Injected: y"}}\n{"type":"event"}\n{"tags":{"a\\r\\nX-Injected":"y"}}'
    yield Row("tags", post(tagged), 200)


def views():
    """What a browser that was led here by a foreign name gets."""
    for path in ("/", "/stats", "/metrics"):
        for host in ("evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "evil.example:9797", "169.254.1.1", "0.0.0.0",
                     "127.0.0.1@evil.example", "[::2]", "", "\xff"):
            yield Row(f"{path} at {host!a}", get(path, f"Host: {host}"), 403)
        yield Row(f"{path} without a host", get(path, version="1.0"), 403, closes=True)
        yield Row(f"{path} from a foreign page", get(path, "Host: 127.0.0.1", "Origin: https://evil.example"), 403)
    for origin in ("https://evil.example", "null", "http://127.0.0.1.evil.example", "file://", "http://localhost, http://localhost"):
        yield Row(f"a post from {origin}", post(ENVELOPE, headers=[("Origin", origin)]), 403)
    twice = post(ENVELOPE, headers=[("Origin", "http://localhost"), ("Origin", "https://evil.example")])
    yield Row("a post from two pages at once", twice, 403)


def bombs():
    """Small bodies that become 50 MB; packed twice they are undone once. Of zstd and Brotli: proto/codec_test.cpp."""
    zeros = b"\0" * 50_000_000
    packed = gzip.compress(zeros, 9)
    for coding, what, bomb, status in (("gzip", "plainly", packed, 413),
                                       ("gzip", "packed twice", gzip.compress(packed, 9), 400),
                                       ("gzip", "of many members", gzip.compress(bytes(1_000_000)) * 50, 413),
                                       ("deflate", "plainly", zlib.compress(zeros, 9), 413)):
        yield Row(f"{coding}, {what}", post(bomb, headers=[("Content-Encoding", coding)]), status, closes=False)
