"""The SDK matrix's function for SDKs whose language is not here: it replays their requests (wire.py) over raw sockets.

Argument: ruby or php. Environment, event and answer: tests/system/sdk_functions.py; the runtime loop is its own
(AWS docs, "Using the Lambda runtime API for custom runtimes").
"""

import base64
import http.client
import json
import os
import sys
import time
import uuid

import wire

BALLAST = 120_000  # random bytes: more than 64 KB however they are compressed
JSON_ITEM = "application/json"


class Replay:
    """One SDK's forms of the cases."""

    def __init__(self, sdk):
        self.sdk = sdk
        self.trace = {"trace_id": uuid.uuid4().hex, "public_key": sdk.dsn.key, "environment": "production"}

    def send(self, items, event_id=None):
        """An envelope, as both SDKs frame it: no line break behind the last item."""
        header = self.sdk.header(event_id or uuid.uuid4().hex, self.trace)
        lines = [wire.to_json(self.sdk, header)]
        for item, payload in items:
            lines += [wire.to_json(self.sdk, item),
                      payload if isinstance(payload, str) else wire.to_json(self.sdk, payload)]
        self.sdk.post("\n".join(lines).encode())

    def event(self, marker, extra=None, further=()):
        """An error."""
        event_id = uuid.uuid4().hex
        event = {"event_id": event_id, "timestamp": time.time(), "platform": self.sdk.language, "level": "error",
                 "release": os.environ["SENTRY_RELEASE"], "extra": extra or {},
                 "exception": {"values": [{"type": "RuntimeError", "value": marker}]}}
        self.send([({"type": "event", "content_type": JSON_ITEM}, event), *further], event_id)

    limited = error = event

    def large(self, marker):
        """An error with much that does not compress."""
        self.event(marker, {"ballast": base64.b64encode(os.urandom(BALLAST)).decode()})

    def attachment(self, marker):
        """An error with a file; of the items of these SDKs only files have a length."""
        text = f"the order {marker}\n"
        file = {"type": "attachment", "filename": "order.txt", "content_type": "text/plain", "length": len(text)}
        self.event(marker, further=[(file, text)])

    def transaction(self, marker):
        """Three spans in it."""
        now, trace_id = time.time(), self.trace["trace_id"]
        spans = [{"trace_id": trace_id, "span_id": uuid.uuid4().hex[:16], "op": f"step {number}",
                  "start_timestamp": now, "timestamp": now} for number in range(3)]
        transaction = {"type": "transaction", "transaction": marker, "start_timestamp": now, "timestamp": now,
                       "platform": self.sdk.language, "spans": spans,
                       "contexts": {"trace": {"trace_id": trace_id, "span_id": uuid.uuid4().hex[:16]}}}
        self.send([({"type": "transaction", "content_type": JSON_ITEM}, transaction)])

    def logs(self, marker):
        """Three in one container."""
        items = [{"timestamp": time.time(), "level": "info", "body": f"{marker}-{number}", "attributes": {},
                  "trace_id": self.trace["trace_id"]} for number in range(3)]
        self.send([({"type": "log", "item_count": 3, "content_type": wire.LOGS}, {"items": items})])

    def check_in(self, marker):
        """A monitor's begin and end."""
        check_in = {"check_in_id": uuid.uuid4().hex, "monitor_slug": marker}
        for status in ("in_progress", "ok"):
            self.send([({"type": "check_in", "content_type": JSON_ITEM}, {**check_in, "status": status})])

    def session(self, marker):
        """Ruby's: counted by the minute."""
        minute = time.strftime("%Y-%m-%dT%H:%M:00Z", time.gmtime())
        self.send([({"type": "sessions"}, {"attrs": {"release": marker, "environment": "production"},
                                           "aggregates": [{"started": minute, "exited": 1}]})])

    def play(self, event):
        """One case; returns what was sent."""
        if event["case"] != "burst":
            getattr(self, event["case"])(event["marker"])
            return [event["marker"]]
        sent = [f"{event['marker']}-{number}" for number in range(event["count"])]
        for marker in sent:
            self.error(marker)
        return sent


def serve(replay):
    """Asks for one event after the other, for ever."""
    platform = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    base = "/2018-06-01/runtime/invocation"
    while True:
        platform.request("GET", f"{base}/next")
        invocation = platform.getresponse()
        event = json.loads(invocation.read())
        sent = replay.play(event)
        replay.sdk.done()
        request_id = invocation.getheader("Lambda-Runtime-Aws-Request-Id")
        platform.request("POST", f"{base}/{request_id}/response", json.dumps({"sent": sent}))
        platform.getresponse().read()


if __name__ == "__main__":
    serve(Replay(wire.SDKS[sys.argv[1]](wire.Dsn(os.environ["SENTRY_DSN"]))))
