"""A minimal Lambda runtime whose event says what to do.

AWS docs, "Using the Lambda runtime API for custom runtimes". Event members, all optional, in the order
they are obeyed: calls (requests to the platform, answered back), post (an envelope to URL), sleep_ms,
print, exit, kill, abort, eat (memory, until that is the end), eat_mib, error, shell (its output answered), echo_env,
big, exact (an answer of so many bytes; what that was answered is printed), respond_then_exit. With stream the answer
goes out in so many chunks, stream_ms apart; fail_stream is the error type in its trailers.
FAIL_AT_INIT=exit:N exits so before it asks for work, error:TYPE says why and exits 1, eat eats. WORKERS=N threads
each ask for invokes, WORKER_PAUSE_MS one after the other. RESTORE_HOOK_MS waits to be restored, then works so long;
RESTORE_ERROR is the error it reports then.
"""

import base64
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

API = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"]


def call(method, path, body=None, headers=None, base=API):
    request = urllib.request.Request(base + path, data=body, headers=headers or {}, method=method)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, dict(answer.headers), answer.read().decode()
    except urllib.error.HTTPError as refusal:
        return refusal.code, dict(refusal.headers), refusal.read().decode()


def handle(event):
    answer = {"ok": True, "pid": os.getpid()}
    if "calls" in event:
        answer["calls"] = [
            [*call(c[0], c[1], (c[3] if len(c) > 3 else "").encode() or None, c[2] if len(c) > 2 else {})[::2]]
            for c in event["calls"]
        ]
    if "post" in event:
        body = event["post"]["body"].replace("NOW", time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()))
        answer["post"] = call("POST", "", body.encode(), event["post"].get("headers"), event["post"]["url"])[0]
    time.sleep(event.get("sleep_ms", 0) / 1000)
    for _ in range(event.get("print_lines", 0)):
        print("x" * 99, flush=True)
    if "print" in event:
        print(event["print"], flush=True)
    if "exit" in event:
        os._exit(event["exit"])
    if event.get("kill"):
        os.kill(os.getpid(), signal.SIGKILL)
    if event.get("abort"):
        os.abort()
    eaten = []
    while event.get("eat") or len(eaten) < event.get("eat_mib", 0):
        eaten.append(bytearray(b"x" * (1 << 20)))
    if event.get("echo_env"):
        answer["env"] = dict(os.environ)
        answer["cwd"] = os.getcwd()
    if "shell" in event:
        done = subprocess.run(["/bin/sh", "-c", event["shell"]], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, check=False)
        answer["shell"] = done.stdout.splitlines()
    if "big" in event:
        answer["big"] = "x" * event["big"]
    return answer


def fail_at_init(how):
    what, _, how = how.partition(":")
    if what == "error":
        status, _, _ = call("POST", "/2018-06-01/runtime/init/error",
                            json.dumps({"errorType": how, "errorMessage": "cannot start"}).encode(),
                            {"Lambda-Runtime-Function-Error-Type": how})
        print("init/error", status, call("GET", "/2018-06-01/runtime/invocation/next")[0], flush=True)
    if what == "eat":
        handle({"eat": True})
    os._exit(int(how) if what == "exit" else 1)


def stream(path, event, answer):
    """The answer in chunks; http.client knows no trailers."""
    host, port = os.environ["AWS_LAMBDA_RUNTIME_API"].split(":")
    mode = event.get("mode", "streaming")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(f"POST {path}/response HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n"
                           f"Lambda-Runtime-Function-Response-Mode: {mode}\r\n"
                           "Trailer: Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body\r\n"
                           "\r\n".encode())
        text = json.dumps(answer).encode()
        size = -(-len(text) // event["stream"])
        for begin in range(0, len(text), size):
            chunk = text[begin:begin + size]
            connection.sendall(b"%x\r\n%s\r\n" % (len(chunk), chunk))
            time.sleep(event.get("stream_ms", 0) / 1000)
        trailers = ""
        if "fail_stream" in event:
            body = base64.b64encode(b'{"errorMessage":"half-way"}').decode()
            trailers = (f"Lambda-Runtime-Function-Error-Type: {event['fail_stream']}\r\n"
                        f"Lambda-Runtime-Function-Error-Body: {body}\r\n")
        connection.sendall(f"0\r\n{trailers}\r\n".encode())
        print("stream answered", connection.recv(65536).split(b" ", 2)[1].decode(), flush=True)


def be_restored():
    call("GET", "/2018-06-01/runtime/restore/next")
    print("restored", round(time.time() * 1000), flush=True)
    time.sleep(int(os.environ["RESTORE_HOOK_MS"]) / 1000)
    if "RESTORE_ERROR" in os.environ:
        call("POST", "/2018-06-01/runtime/restore/error", b"{}",
             {"Lambda-Runtime-Function-Error-Type": os.environ["RESTORE_ERROR"]})
        sys.exit(1)


def main():
    if os.environ.get("FAIL_AT_INIT"):
        fail_at_init(os.environ["FAIL_AT_INIT"])
    if os.environ.get("IGNORE_SIGTERM"):
        signal.signal(signal.SIGTERM, lambda *_: print("SIGTERM ignored", flush=True))
    else:
        signal.signal(signal.SIGTERM, lambda *_: (print("SIGTERM", flush=True), os._exit(0)))
    if "RESTORE_HOOK_MS" in os.environ:
        be_restored()
    for _ in range(int(os.environ.get("WORKERS", 1)) - 1):
        threading.Thread(target=serve, daemon=True).start()
        time.sleep(int(os.environ.get("WORKER_PAUSE_MS", 0)) / 1000)
    serve()


def serve():
    while True:
        _, headers, body = call("GET", "/2018-06-01/runtime/invocation/next")
        event = json.loads(body)
        path = "/2018-06-01/runtime/invocation/" + headers["Lambda-Runtime-Aws-Request-Id"]
        answer = handle(event)
        if "error" in event:
            call("POST", path + "/error", json.dumps({"errorType": event["error"]}).encode(),
                 {"Lambda-Runtime-Function-Error-Type": event["error"]})
        elif "exact" in event:
            status, _, text = call("POST", path + "/response", b'"' + b"x" * (event["exact"] - 2) + b'"')
            print("exact", status, text, flush=True)
        elif "stream" in event:
            stream(path, event, answer)
        else:
            status, _, text = call("POST", path + "/response", json.dumps(answer).encode())
            if status != 202:
                print("response refused", status, text, flush=True)
        if "respond_then_exit" in event:
            sys.exit(event["respond_then_exit"])


main()
