"""Many envelopes of every kind for fifty projects, hostile ones among them, to an upstream that takes some, refuses some and
limits some."""

import json
import threading

import relaying
from relaying import Client, event

CLIENTS = 4
PROJECTS = range(1, 51)
KINDS = ["event", "transaction", "session", "sessions", "check_in", "attachment", "user_report", "feedback", "profile",
         "replay_event", "replay_recording", "statsd", "nel", "span", "client_report", "form_data",
         "<script>alert(1)</script>", "\u202e\"'&\u0000", "x" * 300]
NONSENSE = [b"", b"[]", b"nonsense", b'{"event_id":"<b>"}\n{"type":"event"}\n{}']
AUTH = {"X-Sentry-Auth": relaying.AUTH}


def settings(upstream):
    """What Thaw needs to know of the projects."""
    return {"THAW_MAX_DSNS": "64", "THAW_ALLOWED_HOSTS": f"http://127.0.0.1:{upstream.port}"}


def answer_to(body):
    """By project: most are taken, some refused, some limited."""
    project = int(json.loads(body.split(b"\n", 1)[0])["dsn"].rsplit("/", 1)[1])
    if project % 7 == 0:
        return 413, {}
    if project % 11 == 0:
        return 429, {"X-Sentry-Rate-Limits": "60:error;session:project"}
    return 200, {}


def post(thaw, upstream, numbers):
    """One client's share."""
    client = Client(thaw.port)
    for number in numbers:
        project = PROJECTS[number % len(PROJECTS)]
        kind = json.dumps(KINDS[number % len(KINDS)])
        body = event(number, size=number % 700).replace(b'"type":"event"', b'"type":' + kind.encode())
        if number % 97 == 0:
            body = NONSENSE[number % len(NONSENSE)]
        client.post(body, f"/127.0.0.1:{upstream.port}/api/{project}/envelope/", AUTH)
    client.close()


def play(thaw, upstream, envelopes):
    """Everything posted, everything settled; returns /stats."""
    upstream.answer_to = answer_to
    clients = [threading.Thread(target=post, args=(thaw, upstream, range(first, envelopes, CLIENTS)))
               for first in range(CLIENTS)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    return thaw.until(lambda stats: stats["envelopes"]["waiting"] == 0 and stats["envelopes"]["in_flight"] == 0,
                      timeout=60)
