#!/usr/bin/env python3
"""An extension beside Thaw that writes down what the platform tells extensions: one JSON line each into
/tmp/witness. Registers as Thaw does, for INVOKE and SHUTDOWN, where that is refused for SHUTDOWN only.
"""

import http.client
import http.server
import json
import os
import sys
import threading

API = "/2020-01-01/extension"
seen = open("/tmp/witness", "a", buffering=1, encoding="utf-8")  # closed when the process ends


def note(**what):
    """One line."""
    seen.write(json.dumps(what) + "\n")


class Telemetry(http.server.BaseHTTPRequestHandler):
    """Where batches of telemetry are sent to."""

    def do_POST(self):
        """One batch."""
        for record in json.loads(self.rfile.read(int(self.headers["Content-Length"]))):
            note(telemetry=record)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        """Says nothing."""


class Platform:
    """The Extensions API and the Telemetry API."""

    def __init__(self):
        self.api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
        self.headers = {"Lambda-Extension-Name": os.path.basename(sys.argv[0])}

    def call(self, method, path, body=None):
        """Returns status, headers and the parsed body."""
        self.api.request(method, path, body and json.dumps(body), self.headers)
        answer = self.api.getresponse()
        return answer.status, answer.headers, json.loads(answer.read())

    def register(self, events):
        """Whether the platform wants an extension that asks for these."""
        status, headers, _ = self.call("POST", f"{API}/register", {"events": events})
        note(register=status)
        self.headers["Lambda-Extension-Identifier"] = headers.get("Lambda-Extension-Identifier")
        return status == 200

    def subscribe(self):
        """To all of the platform's records, in batches that leave a slow machine time to take the one
        before: where it has not, the emulator waits for itself for ever (it drops the batch and reports that
        to the queue it would have to empty; github.com/aws/aws-lambda-runtime-interface-emulator,
        internal/lambda-managed-instances/aws-lambda-rie/internal/telemetry/internal/subscriber.go)."""
        listener = http.server.ThreadingHTTPServer(("", 0), Telemetry)
        threading.Thread(target=listener.serve_forever, daemon=True).start()
        status, _, _ = self.call("PUT", "/2022-07-01/telemetry", {
            "schemaVersion": "2025-01-29", "types": ["platform"], "buffering": {"timeoutMs": 1000},
            "destination": {"protocol": "HTTP",
                            "URI": f"http://sandbox.localdomain:{listener.server_port}"}})
        note(subscribe=status)


platform = Platform()
if not platform.register(["INVOKE", "SHUTDOWN"]):
    platform.headers.pop("Lambda-Extension-Identifier")
    platform.register(["SHUTDOWN"])
platform.subscribe()
while True:
    event = platform.call("GET", f"{API}/event/next")[2]
    note(event=event)
    if event.get("eventType") == "SHUTDOWN":
        break
