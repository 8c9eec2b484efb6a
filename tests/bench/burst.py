"""A function that posts envelopes to Thaw as fast as it takes them: what an invoke's event asks for, in one burst.

Event: {"burst": N, "error_every": K, "bytes": B}: N envelopes of B bytes, each K-th an error, the others transactions;
or {"burst": N, "file": PATH}: N times the one in that file, with other ids. Without burst, nothing.
The runtime loop is its own (AWS docs, "Using the Lambda runtime API for custom runtimes"). It does not end at SIGTERM,
so that SHUTDOWN comes as late as it can.
"""

import http.client
import json
import os
import pathlib
import random
import signal
import socket
import sys
import urllib.parse

WINDOW = 64  # requests on their way
MODELS = 50  # the rest differ in their ids: an init has ten seconds
MODEL_ID = b"0123456789abcdef" * 2
OPS = ("db.sql.query", "http.client", "cache.get", "queue.publish", "template.render", "serialize")
WORDS = ("orders", "customers", "invoices", "stock", "prices", "carts", "payments", "addresses", "parcels", "coupons")


def envelope(chance, error, size):
    """One of `size` bytes as SDKs write it: names that repeat, identifiers that do not."""
    event_id = MODEL_ID.decode()
    trace = {"trace_id": f"{chance.getrandbits(128):032x}", "span_id": f"{chance.getrandbits(64):016x}"}
    begun = 1795457390 + chance.random() * 1e5
    payload = {"event_id": event_id, "timestamp": begun, "platform": "python", "environment": "production",
               "release": "shop@4.2.17", "server_name": "169.254.76.1", "contexts": {"trace": trace},
               "tags": {"aws_request_id": f"{chance.getrandbits(128):032x}", "customer": str(chance.randrange(10**6))}}
    if error:
        payload.update(level="error", exception={"values": [{"type": "KeyError", "value": chance.choice(WORDS)}]})
    else:
        payload.update(type="transaction", transaction=f"GET /{chance.choice(WORDS)}/{{id}}", start_timestamp=begun,
                       spans=[])
    kind = "event" if error else "transaction"
    parts = payload.setdefault("breadcrumbs", []) if error else payload["spans"]
    text = ""
    while len(text) < size - 400:
        table = chance.choice(WORDS)
        parts.append({"op": chance.choice(OPS), "span_id": f"{chance.getrandbits(64):016x}", "timestamp": begun,
                      "description": f"SELECT id, total FROM {table} WHERE id = {chance.randrange(10**6)}"})
        text = json.dumps(payload)
    payload["extra"] = {"padding": "".join(chance.choices("abcdefghij klmnop", k=size - 210 - len(text)))}
    text = json.dumps(payload)
    header = json.dumps({"event_id": event_id, "sent_at": "2026-11-24T10:00:00Z", "trace": trace})
    return f'{header}\n{{"type":"{kind}","length":{len(text)}}}\n{text}\n'.encode()


def requests(event, dsn):
    """The burst, ready to be written."""
    chance = random.Random(1)
    if "file" in event:
        models = {False: [pathlib.Path(event["file"]).read_bytes()] * MODELS}
    else:
        models = {error: [envelope(chance, error, event["bytes"]) for _ in range(MODELS)] for error in (True, False)}
    every = event.get("error_every", event["burst"] + 1)
    head = (f"POST /api{dsn.path}/envelope/ HTTP/1.1\r\nHost: {dsn.hostname}\r\nX-Sentry-Auth: Sentry "
            f"sentry_key={dsn.username}, sentry_version=7, sentry_client=burst/1\r\nContent-Length: ")
    bodies = []
    for number in range(event["burst"]):
        model = models[number % every == every - 1][number % MODELS]
        bodies.append(model.replace(MODEL_ID, f"{number:08x}{chance.getrandbits(96):024x}".encode()))
    return [f"{head}{len(body)}\r\n\r\n".encode() + body for body in bodies]


def burst(prepared, dsn):
    """How many were answered 200."""
    with socket.create_connection((dsn.hostname, dsn.port)) as connection:
        good = 0
        answers = connection.makefile("rb")
        for begin in range(0, len(prepared), WINDOW):
            window = prepared[begin:begin + WINDOW]
            connection.sendall(b"".join(window))
            for _ in window:
                good += answers.readline().split()[1] == b"200"
                length = 0
                while (line := answers.readline().rstrip()):
                    name, _, value = line.partition(b":")
                    length = int(value) if name.lower() == b"content-length" else length
                answers.read(length)
        return good


def main():
    """Serves invokes; the burst is prepared in the first one."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    dsn = urllib.parse.urlsplit(os.environ["SENTRY_DSN"])
    planned = json.loads(sys.argv[1])
    prepared = requests(planned, dsn)
    platform = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    while True:
        platform.request("GET", "/2018-06-01/runtime/invocation/next")
        answer = platform.getresponse()
        event = json.loads(answer.read())
        path = f"/2018-06-01/runtime/invocation/{answer.headers['Lambda-Runtime-Aws-Request-Id']}/response"
        accepted = burst(prepared, dsn) if event.get("burst") else 0
        platform.request("POST", path, json.dumps({"accepted": accepted}))
        platform.getresponse().read()


if __name__ == "__main__":
    main()
