"""A minimal external extension; its environment says what it does wrong.

AWS docs, "Using the Lambda Extensions API to create extensions". Prints what it is told, one line each.
  EXT_EVENTS=INVOKE,SHUTDOWN   what it registers for
  EXT_TELEMETRY=1              subscribes and prints the telemetry it gets
  EXT_TELEMETRY_TYPES          of these types; else platform
  EXT_TELEMETRY_HOST           the address it listens at; else all
  EXT_WAIT_DONE=1              asks for next only after platform.runtimeDone
  EXT_EXIT_ON=N                exits with EXT_EXIT_CODE when it gets its Nth INVOKE
  EXT_EXIT_AFTER_NEXT=N        a thread exits the process so many seconds after its first INVOKE is over
  EXT_HANG_ON=N                does not ask for next after its Nth INVOKE
  EXT_BUSY_MS=N                works so long after each INVOKE
  EXT_RETRY=1                  retries /event/next every 50 ms after any failure
  EXT_POST_URL, EXT_POST_BODY  sends this envelope at each INVOKE, and goes on without the answer
                               if EXT_POST_ASYNC is set
  EXT_SURROUNDINGS=1           prints what it finds itself in
  EXT_WRITE=FILE               writes its user's number into this file
  EXT_NAME=NAME                registers under this name instead of its file's
  EXT_CALLS                    JSON list of requests made before the first next, answers printed
"""

import http.client
import http.server
import json
import os
import resource
import socketserver
import stat
import sys
import threading
import time

HOST, PORT = os.environ["AWS_LAMBDA_RUNTIME_API"].split(":")
NAME = os.environ.get("EXT_NAME") or os.path.basename(sys.argv[0])
identifier = ""
done = threading.Semaphore(0)


def say(*words):
    sys.stdout.write(" ".join(str(w) for w in words) + "\n")
    sys.stdout.flush()


def call(method, path, body=None, headers=None):
    connection = http.client.HTTPConnection(HOST, int(PORT))
    if headers is None:
        headers = {"Lambda-Extension-Identifier": identifier}
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    return answer.status, answer.headers, answer.read().decode()


class Telemetry(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def setup(self):
        super().setup()
        say("CONNECTED")

    def do_POST(self):
        batch = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        for event in batch:
            say("TELEMETRY", self.path, round(time.time() * 1000), json.dumps(event))
            if event["type"] == "platform.runtimeDone":
                done.release()
        # What is answered is noted, whatever comes next.
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class Listener(socketserver.ThreadingTCPServer):  # http.server's own asks the resolver for a name
    daemon_threads = True


def subscribe():
    server = Listener((os.environ.get("EXT_TELEMETRY_HOST", ""), 0), Telemetry)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    body = {
        "schemaVersion": "2025-01-29",
        "types": os.environ.get("EXT_TELEMETRY_TYPES", "platform").split(","),
        "buffering": {"maxItems": 1000, "maxBytes": 262144, "timeoutMs": 25},
        "destination": {"protocol": "HTTP", "URI": f"http://sandbox.localdomain:{server.server_address[1]}/secret"},
    }
    status, _, text = call("PUT", "/2022-07-01/telemetry", json.dumps(body))
    say("SUBSCRIBED", status, text)


def send_envelope(pending=[]):
    url = os.environ.get("EXT_POST_URL")
    if not url:
        return
    host, path = url.removeprefix("http://").split("/", 1)
    body = os.environ["EXT_POST_BODY"].replace("NOW", time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()))
    pending.append(http.client.HTTPConnection(host))
    try:
        pending[-1].request("POST", "/" + path, body, {
            "X-Sentry-Auth": "Sentry sentry_key=abcdef0123456789abcdef0123456789, sentry_version=7",
            "Content-Type": "application/x-sentry-envelope"})
    except OSError as error:  # reset before it was written
        say("ANSWER", type(error).__name__)
        return
    if os.environ.get("EXT_POST_ASYNC"):
        say("POSTED")
        threading.Thread(target=finish, args=(pending[-1],), daemon=True).start()
    else:
        finish(pending[-1])


def finish(connection):
    try:
        say("ANSWER", connection.getresponse().status)
    except OSError as error:
        say("ANSWER", type(error).__name__)
    except http.client.HTTPException as error:
        say("ANSWER", type(error).__name__)


def next_event():
    while True:
        try:
            status, _, text = call("GET", "/2020-01-01/extension/event/next")
        except (OSError, http.client.HTTPException) as error:
            status, text = 0, type(error).__name__
        if status == 200:
            return json.loads(text)
        say("NEXT", status, text)
        if not os.environ.get("EXT_RETRY"):
            sys.exit(3)
        time.sleep(0.05)


def on_invoke(count, event):
    say("INVOKE", event["requestId"], round(event["deadlineMs"] - time.time() * 1000), "ms left")
    if count == int(os.environ.get("EXT_EXIT_ON", 0)):
        os._exit(int(os.environ.get("EXT_EXIT_CODE", 0)))
    if count == int(os.environ.get("EXT_HANG_ON", 0)):
        time.sleep(3600)
    send_envelope()
    time.sleep(int(os.environ.get("EXT_BUSY_MS", 0)) / 1000)
    if os.environ.get("EXT_WAIT_DONE"):
        done.acquire()
    if "EXT_EXIT_AFTER_NEXT" in os.environ:
        threading.Timer(float(os.environ["EXT_EXIT_AFTER_NEXT"]), os._exit, [0]).start()


def surroundings():
    return {"user": [os.getuid(), os.geteuid(), os.getgid(), os.getegid()], "groups": os.getgroups(),
            "leads its group": os.getpgrp() == os.getpid(), "group": os.getpgrp(),
            "input": os.readlink("/proc/self/fd/0"),
            "pipes": [stat.S_ISFIFO(os.fstat(fd).st_mode) for fd in (1, 2)],
            "descriptors": sorted(set(os.listdir("/proc/self/fd")))[:-1],  # the last reads the list
            "limit": resource.getrlimit(resource.RLIMIT_NOFILE)}


def main():
    global identifier
    events = [e for e in os.environ.get("EXT_EVENTS", "INVOKE,SHUTDOWN").split(",") if e]
    say("START", json.dumps(sys.argv), os.getcwd(), json.dumps(dict(os.environ)))
    if os.environ.get("EXT_WRITE"):
        with open(os.environ["EXT_WRITE"], "w") as file:
            file.write(f"{os.getuid()}\n")
    if os.environ.get("EXT_SURROUNDINGS"):
        say("SURROUNDINGS", json.dumps(surroundings()))
    while True:
        status, headers, text = call("POST", "/2020-01-01/extension/register", json.dumps({"events": events}),
                                     {"Lambda-Extension-Name": NAME, "Lambda-Extension-Accept-Feature": "accountId"})
        say("REGISTERED", status, text)
        if status == 200:
            break
        time.sleep(0.02)
    identifier = headers["Lambda-Extension-Identifier"]
    for entry in json.loads(os.environ.get("EXT_CALLS", "[]")):
        fill = {k: v.replace("MY_ID", identifier) for k, v in (entry[2] if len(entry) > 2 else {}).items()}
        status, headers, text = call(entry[0], entry[1], entry[3] if len(entry) > 3 else None, fill)
        say("CALL", json.dumps([status, text.replace(identifier, "MY_ID"), headers.get("Allow", "")]))
    if os.environ.get("EXT_TELEMETRY"):
        subscribe()
    count = 0
    while True:
        event = next_event()
        if event["eventType"] == "SHUTDOWN":
            left = round(event["deadlineMs"] - time.time() * 1000)
            say("SHUTDOWN", event["shutdownReason"], left, "ms left")
            if os.environ.get("EXT_IGNORE_SHUTDOWN"):
                time.sleep(3600)
            time.sleep(int(os.environ.get("EXT_SHUTDOWN_MS", 0)) / 1000)
            sys.exit(0)
        count += 1
        on_invoke(count, event)


main()
