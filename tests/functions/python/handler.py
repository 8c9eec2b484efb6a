"""A function with Sentry's Python SDK: the runtime loop and a handler in one.

Environment: SENTRY_DSN. Event: {"errors": n, "size": bytes of extra data, "work_ms": n, "flush": bool}.
Answers {"sent": [event ids]}.
Runtime loop: AWS docs, "Using the Lambda runtime API for custom runtimes".
"""

import http.client
import json
import os
import time

import sentry_sdk

API = os.environ["AWS_LAMBDA_RUNTIME_API"]
BASE = "/2018-06-01/runtime/invocation"


def handle(event):
    """Works a while and captures as many errors as it is told to."""
    time.sleep(event.get("work_ms", 20) / 1000)
    sent = []
    for number in range(event.get("errors", 1)):
        with sentry_sdk.new_scope() as scope:
            scope.set_extra("ballast", "x" * event.get("size", 0))
            try:
                raise RuntimeError(f"order {number} failed")
            except RuntimeError as error:
                sent.append(scope.capture_exception(error))
    if event.get("flush"):
        sentry_sdk.flush()
    return {"sent": sent}


def serve():
    """Asks for one event after the other, for ever."""
    platform = http.client.HTTPConnection(API)
    while True:
        platform.request("GET", f"{BASE}/next")
        invocation = platform.getresponse()
        event = json.loads(invocation.read() or b"{}")
        request_id = invocation.getheader("Lambda-Runtime-Aws-Request-Id")
        body = json.dumps(handle(event))
        platform.request("POST", f"{BASE}/{request_id}/response", body)
        platform.getresponse().read()


if __name__ == "__main__":
    sentry_sdk.init(
        dsn=os.environ.get("SENTRY_DSN"),
        # Repeated errors are the point here.
        disabled_integrations=[sentry_sdk.integrations.dedupe.DedupeIntegration()],
    )
    serve()
