"""A function with Sentry's Python SDK: the runtime loop and a handler in one.

Environment: SENTRY_DSN; WORKERS=n threads that ask for events, each on a connection of its own, as a runtime on
Managed Instances may. Event: {"errors": n, "size": bytes of extra data, "work_ms": n before them, "after_ms": n
behind them, "flush": bool, "say": [lines of its log, an object being one in JSON], "then": "hang", "crash", "exit:N",
"abort", "kill" or "oom" (memory, until the kernel ends it) instead of an answer, "oversized" for one that is too large,
"raise" for a handled error that has the answer's members; "stream": true for an answer in chunks, "capture" with one more error half-way, of which the next answer
tells}.
Answers {"sent": [event ids], "captured": [[event id, epoch ms], ...], "handed_over": [the same]}: when each error
happened, and what has been answered with a 200 since the last invoke's answer. With SEND_AT_INIT set an error of
the init is the first one sent, INIT_MS before the first event is asked for.
FAIL_AT_INIT=exit:N ends the init so after that, FAIL_AT_INIT=error with a word to the platform.
Runtime loop: AWS docs, "Using the Lambda runtime API for custom runtimes"; "Response streaming for Lambda
functions"; "Understanding the Lambda Managed Instances execution environment".
"""

import http.client
import json
import os
import signal
import threading
import time

import sentry_sdk

API = os.environ["AWS_LAMBDA_RUNTIME_API"]
BASE = "/2018-06-01/runtime/invocation"
TOO_MUCH = (6 << 20) + 101  # bytes of an answer
CHUNKS = 4
CHUNK_PAUSE = 0.05  # seconds
WORKERS = int(os.environ.get("WORKERS", "1"))
handed_over = []
taking = threading.Lock()


class WatchedTransport(sentry_sdk.transport.HttpTransport):
    """The SDK's own, which notes when its answers came. The version of the SDK is pinned."""

    def _handle_response(self, response, envelope):
        if response.status == 200 and envelope is not None:
            handed_over.append([envelope.headers.get("event_id"), time.time() * 1000])
        super()._handle_response(response=response, envelope=envelope)


def capture(text):
    """An error; returns its id."""
    try:
        raise RuntimeError(text)
    except RuntimeError as error:
        return sentry_sdk.capture_exception(error)


def fail(how):
    """Does not return if it can be helped."""
    if how == "hang":
        time.sleep(3600)
    if how == "crash":
        os._exit(3)
    if how.startswith("exit:"):
        os._exit(int(how.removeprefix("exit:")))
    if how == "abort":
        os.abort()
    if how == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    eaten = []
    while how == "oom":
        eaten.append(b"x" * (8 << 20))  # written, so it is really there


def handle(event):
    """Works a while and captures as many errors as it is told to."""
    time.sleep(event.get("work_ms", 20) / 1000)
    sent, captured = [], []
    for number in range(event.get("errors", 1)):
        with sentry_sdk.new_scope() as scope:
            scope.set_extra("ballast", "x" * event.get("size", 0))
            happened = time.time() * 1000
            sent.append(capture(f"order {number} failed"))
            captured.append([sent[-1], happened])
    if event.get("flush"):
        sentry_sdk.flush()
    for line in event.get("say", []):
        print(line if isinstance(line, str) else json.dumps(line), flush=True)
    time.sleep(event.get("after_ms", 0) / 1000)
    fail(event.get("then", ""))
    # The SDK's thread may append meanwhile: only what is there now is taken.
    with taking:
        answered = [handed_over.pop(0) for _ in range(len(handed_over))]
    return {"sent": sent, "captured": captured, "handed_over": answered}


def report_error(platform, path, kind, members):
    """Tells the platform of an error that is handled."""
    body = {"errorType": kind, "errorMessage": "orders failed", "stackTrace": [], **members}
    platform.request("POST", path, json.dumps(body), {"Lambda-Runtime-Function-Error-Type": kind})
    platform.getresponse().read()


def fail_at_init(how):
    """Ends the process before it asks for work."""
    if how == "error":
        platform = http.client.HTTPConnection(API)
        report_error(platform, "/2018-06-01/runtime/init/error", "Runtime.ImportModuleError", {})
    fail("exit:1" if how == "error" else how)


def serve(owed):
    """Asks for one event after the other, for ever. `owed`: what was sent, but not yet told."""
    platform = http.client.HTTPConnection(API)
    while True:
        platform.request("GET", f"{BASE}/next")
        invocation = platform.getresponse()
        event = json.loads(invocation.read() or b"{}")
        request_id = invocation.getheader("Lambda-Runtime-Aws-Request-Id")
        answer = handle(event)
        answer["sent"][:0] = owed
        owed = []
        if event.get("then") == "oversized":
            answer["ballast"] = "x" * TOO_MUCH
        if event.get("then") == "raise":
            report_error(platform, f"{BASE}/{request_id}/error", "Function.OrderFailed", answer)
            continue
        owed = respond(platform, f"{BASE}/{request_id}/response", json.dumps(answer).encode(), event.get("stream"))


def respond(platform, path, text, stream):
    """Posts the answer, at once or over some time; returns what was sent meanwhile."""
    sent = []
    if stream:
        mode = {"Lambda-Runtime-Function-Response-Mode": "streaming", "Transfer-Encoding": "chunked"}
        chunks = chunks_of(text, sent if stream == "capture" else None)
        platform.request("POST", path, chunks, mode, encode_chunked=True)
    else:
        platform.request("POST", path, text)
    platform.getresponse().read()
    return sent


def chunks_of(text, sent):
    """The text in a few pieces, with a pause after each; with `sent` an error half-way, noted there."""
    size = -(-len(text) // CHUNKS)
    for begin in range(0, len(text), size):
        if sent == [] and begin >= len(text) // 2:
            sent.append(capture("the stream stumbled"))
        yield text[begin:begin + size]
        time.sleep(CHUNK_PAUSE)


if __name__ == "__main__":
    sentry_sdk.init(
        dsn=os.environ.get("SENTRY_DSN"),
        transport=WatchedTransport,
        # Repeated errors are the point here.
        disabled_integrations=[sentry_sdk.integrations.dedupe.DedupeIntegration()],
        # What workers that are processes would have together.
        transport_queue_size=100 * WORKERS,
    )
    at_init = []
    if os.environ.get("SEND_AT_INIT"):
        at_init.append(capture("cannot start"))
        sentry_sdk.flush()
    time.sleep(int(os.environ.get("INIT_MS", "0")) / 1000)
    if os.environ.get("FAIL_AT_INIT"):
        fail_at_init(os.environ["FAIL_AT_INIT"])
    for _ in range(WORKERS - 1):
        threading.Thread(target=serve, args=([],), daemon=True).start()
    serve(at_init)
