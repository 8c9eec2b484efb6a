#!/usr/bin/env python3
"""Ten thousand envelopes of every kind for fifty projects, hostile ones among them, to an upstream that takes some,
refuses some and limits some: the page, /stats, /metrics, the line at the end and `thaw stats` say the same, to the unit."""

import json
import os
import threading
import unittest
import xml.etree.ElementTree

import jsonschema

import relaying
import sandbox
import stats_command
import views
from relaying import Client, balance, event

ENVELOPES = int(os.environ.get("ENVELOPES", "10000"))
CLIENTS = 4
PROJECTS = range(1, 51)
KINDS = ["event", "transaction", "session", "sessions", "check_in", "attachment", "user_report", "feedback", "profile",
         "replay_event", "replay_recording", "statsd", "nel", "span", "client_report", "form_data",
         "<script>alert(1)</script>", "\u202e\"'&\u0000", "x" * 300]
NONSENSE = [b"", b"[]", b"nonsense", b'{"event_id":"<b>"}\n{"type":"event"}\n{}']
AUTH = {"X-Sentry-Auth": relaying.AUTH}


def answer_to(body):
    """By project: most are taken, some refused, some limited."""
    project = int(json.loads(body.split(b"\n", 1)[0])["dsn"].rsplit("/", 1)[1])
    if project % 7 == 0:
        return 413, {}
    if project % 11 == 0:
        return 429, {"X-Sentry-Rate-Limits": "60:error;session:project"}
    return 200, {}


class Agreement(stats_command.Case):
    """One large run, five views."""

    def post_all(self, thaw, first):
        """One client's share."""
        client = Client(thaw.port)
        for number in range(first, ENVELOPES, CLIENTS):
            project = PROJECTS[number % len(PROJECTS)]
            path = f"/127.0.0.1:{self.upstream.port}/api/{project}/envelope/"
            body = event(number, size=number % 700, kind="event")
            kind = KINDS[number % len(KINDS)]
            body = body.replace(b'"type":"event"', b'"type":' + json.dumps(kind).encode())
            if number % 97 == 0:
                body = NONSENSE[number % len(NONSENSE)]
            client.post(body, path, AUTH)
        client.close()

    def play(self):
        """Everything posted, everything settled."""
        self.upstream.answer_to = answer_to
        thaw = self.thaw(THAW_MAX_DSNS="64", THAW_ALLOWED_HOSTS=f"http://127.0.0.1:{self.upstream.port}")
        clients = [threading.Thread(target=self.post_all, args=(thaw, first)) for first in range(CLIENTS)]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
        thaw.until(lambda stats: stats["envelopes"]["waiting"] == 0 and stats["envelopes"]["in_flight"] == 0, timeout=60)
        return thaw

    def test_five_views(self):
        thaw = self.play()
        stats = thaw.stats()
        jsonschema.validate(stats, views.SCHEMA)
        balance(self, stats)
        answered = stats["envelopes"]["accepted"] + sum(stats["rejected"].values())
        self.assertEqual(answered, ENVELOPES)
        self.assertGreater(len(stats["items"]), 8)
        for loss in ("refused", "dropped"):
            self.assertTrue(any(items[loss] for items in stats["items"].values()), loss)

        metrics = views.samples(thaw.get("/metrics"))
        self.assertEqual({key: int(value) for key, value in metrics.items()
                          if value and key[0].startswith(("thaw_items_", "thaw_requests_rejected"))}, views.flat(stats))

        told = set()
        for figure in xml.etree.ElementTree.fromstring(thaw.get("/")).iterfind(".//data[@data-stat]"):
            path = figure.get("data-stat")
            if path.split("/")[0] in ("items", "envelopes", "rejected"):
                told.add(path)
                value = stats
                for name in path.split("/"):
                    value = value.get(name, 0)
                self.assertEqual(int(figure.get("value")), value, path)
        for category, items in stats["items"].items():
            wanted = {f"items/{category}/{fate}" for fate in views.FATES}
            wanted |= {f"items/{category}/{loss}/{why}" for loss in ("refused", "dropped") for why in items[loss]}
            self.assertLessEqual(wanted, told)

        running = json.loads(stats_command.thaw_stats("--url", f"http://127.0.0.1:{thaw.port}", "--json").stdout)
        self.assertEqual(running["items"], stats["items"])

        line = self.summary(thaw)
        summary = json.loads(line)
        for name in ("items", "envelopes", "rejected"):
            self.assertEqual(summary[name], stats[name])
        done = stats_command.thaw_stats("--json", text=line.encode())
        added = json.loads(done.stdout)
        self.assertEqual(done.returncode, 1, "something was refused")
        self.assertEqual(stats_command.totals(added["items"], "inherited"), stats_command.totals(stats["items"]))
        self.assertEqual(added["rejected"], stats["rejected"])
        self.assertNotIn(sandbox.KEY, line)


if __name__ == "__main__":
    unittest.main(verbosity=2)
