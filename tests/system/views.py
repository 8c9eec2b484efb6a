#!/usr/bin/env python3
"""/stats and /metrics on the real binary: the first is what its schema says, the second is OpenMetrics by Prometheus'
own parser, and both give the same figures, in health, under a limit, and with upstream away."""

import json
import pathlib
import shutil
import socket
import tempfile
import unittest

import jsonschema
from prometheus_client.openmetrics import parser as openmetrics

import relaying
import sandbox
from relaying import Client, Thaw, Upstream, balance, event

SCHEMA = json.loads((sandbox.ROOT / "relay/stats.schema.json").read_text())
# Those of the snapshot that are one number on both sides.
SINGLE = {
    "thaw_envelopes_accepted_total": "envelopes/accepted", "thaw_envelopes_recovered_total": "envelopes/recovered",
    "thaw_envelopes_delivered_total": "envelopes/delivered", "thaw_envelopes_lost_total": "envelopes/lost",
    "thaw_envelopes_waiting": "envelopes/waiting", "thaw_waiting_bytes": "bytes_waiting",
    "thaw_received_bytes_total": "bytes_in", "thaw_sent_bytes_total": "bytes_out",
    "thaw_upstream_requests_total": "upstream/requests", "thaw_upstream_retries_total": "upstream/retries",
    "thaw_upstream_failures_total": "upstream/failures", "thaw_upstream_cuts_total": "upstream/cuts",
    "thaw_possible_duplicates_total": "upstream/possible_duplicates",
    "thaw_breaker_openings_total": "upstream/breaker_openings", "thaw_probes_total": "upstream/probes",
    "thaw_client_reports_sent_total": "upstream/reports_sent", "thaw_upstream_connects_total": "upstream/connects",
    "thaw_upstream_reused_total": "upstream/reused", "thaw_tls_handshakes_total": "upstream/tls_handshakes",
    "thaw_tls_resumed_total": "upstream/tls_resumed", "thaw_journal_bytes": "journal/bytes",
    "thaw_journal_segments": "journal/segments", "thaw_task_failures_total": "task_failures",
    "thaw_invokes_total": "invokes", "thaw_accept_seconds_count": "local/accept/count",
    "thaw_upstream_answer_seconds_count": "upstream/answer/count", "thaw_hold_seconds_count": "held/time/count",
}
FATES = ("accepted", "recovered", "delivered", "waiting")
KINDS = ["event", "transaction", "session", "check_in", "log", "brand_new"]


def samples(text):
    """{(name, labels): value} as Prometheus reads them; raises where that is no OpenMetrics."""
    return {(sample.name, frozenset(sample.labels.items())): sample.value
            for family in openmetrics.text_string_to_metric_families(text) for sample in family.samples}


def at(stats, path):
    """A member of /stats."""
    for name in path.split("/"):
        stats = stats[name]
    return stats


def flat(stats):
    """The items' accounts, as (metric, labels): count, without zeros."""
    found = {}
    for category, items in stats["items"].items():
        for fate in FATES:
            name = f"thaw_items_{fate}" + ("" if fate == "waiting" else "_total")
            found[name, frozenset({("category", category)})] = items[fate]
        for status, count in items["refused"].items():
            found["thaw_items_refused_total", frozenset({("category", category), ("status", status)})] = count
        for reason, count in items["dropped"].items():
            found["thaw_items_dropped_total", frozenset({("category", category), ("reason", reason)})] = count
    for reason, count in stats["rejected"].items():
        found["thaw_requests_rejected_total", frozenset({("reason", reason)})] = count
    return {key: count for key, count in found.items() if count}


class Views(unittest.TestCase):
    """Each state of the relay once."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="thaw-views-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.upstream = Upstream()
        self.addCleanup(lambda: self.upstream.close())

    def thaw(self, **env):
        """A Thaw that the test cleans up."""
        thaw = Thaw(self.folder / "spool", self.upstream.port, env)
        self.addCleanup(thaw.kill)
        return thaw

    def feed(self, thaw, envelopes):
        """Posts so many, of every kind in turn."""
        client = Client(thaw.port)
        for number in range(envelopes):
            client.post(event(number, size=100, kind=KINDS[number % len(KINDS)]))
        client.close()

    def check_views(self, thaw):
        """What is quiet is asked for both; returns the stats."""
        stats, metrics = thaw.stats(), samples(thaw.get("/metrics"))
        jsonschema.validate(stats, SCHEMA)
        balance(self, stats)
        items = {key: int(value) for key, value in metrics.items()
                 if value and key[0].startswith(("thaw_items_", "thaw_requests_rejected"))}
        self.assertEqual(items, flat(stats))
        for name, path in SINGLE.items():
            self.assertEqual(metrics[name, frozenset()], at(stats, path), name)
        return stats

    def test_nothing_yet(self):
        stats = self.check_views(self.thaw())
        self.assertEqual(stats["items"], {})

    def test_all_delivered(self):
        thaw = self.thaw()
        self.feed(thaw, 120)
        client = Client(thaw.port)
        client.post(b"nonsense")
        client.close()
        thaw.until(lambda stats: stats["envelopes"]["waiting"] == 0)
        stats = self.check_views(thaw)
        self.assertEqual(stats["envelopes"]["delivered"], 120)
        self.assertEqual(stats["rejected"], {"malformed": 1})

    def test_refused(self):
        self.upstream.status = 413
        thaw = self.thaw()
        self.feed(thaw, 12)
        thaw.until(lambda stats: stats["envelopes"]["waiting"] == 0)
        stats = self.check_views(thaw)
        self.assertEqual(stats["items"]["error"]["refused"], {"413": 2})

    def test_each_way_to_be_rejected_counts_once(self):
        thaw = self.thaw(THAW_READ_MS="300", THAW_MAX_BODY_MIB="1")
        client, auth = Client(thaw.port), {"X-Sentry-Auth": relaying.AUTH}
        stranger = {"X-Sentry-Auth": relaying.AUTH.replace(sandbox.KEY, "9" * 32)}
        packed = {**auth, "Content-Encoding": "compress"}
        for body, headers, status in ((b"nonsense", auth, 400), (event(1), {}, 401), (event(1), stranger, 403),
                                      (event(1), packed, 415), (b"{}\n" + b"x" * 2**20, auth, 413)):
            self.assertEqual(client.post(body, headers=headers)[0], status)
        client.close()
        half = f"POST {relaying.EVENT_PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{{}}".encode()
        with socket.create_connection(("127.0.0.1", thaw.port), timeout=20) as slow:
            with socket.create_connection(("127.0.0.1", thaw.port)) as gone:
                for one in (slow, gone):
                    one.sendall(half)
            self.assertIn(b" 408 ", slow.recv(1000))
        stats = self.check_views(thaw)
        ways = ["malformed", "unauthorized", "not_allowed", "unknown_encoding", "too_large", "abandoned", "timeout"]
        self.assertEqual(stats["rejected"], dict.fromkeys(ways, 1))
        self.assertEqual((stats["items"], stats["envelopes"]["accepted"]), ({}, 0))

    def test_under_a_limit(self):
        self.upstream.status = 429
        thaw = self.thaw()
        self.feed(thaw, 12)
        thaw.until(lambda stats: stats["envelopes"]["waiting"] == 0)
        self.feed(thaw, 12)
        stats = self.check_views(thaw)
        (limit,) = stats["limits"]
        self.assertEqual(limit["category"], "all")
        self.assertNotIn(sandbox.KEY, json.dumps(stats))

    def test_upstream_away(self):
        port = relaying.free_port()
        thaw = Thaw(self.folder / "spool", port)
        self.addCleanup(thaw.kill)
        self.feed(thaw, 24)
        stats = thaw.until(lambda stats: stats["hosts"] and stats["hosts"][0]["breaker_open"])
        jsonschema.validate(stats, SCHEMA)
        balance(self, stats)
        self.assertEqual(stats["envelopes"]["waiting"], 24)
        self.assertGreater(stats["envelopes"]["oldest_waiting_ms"], 0)
        metrics = samples(thaw.get("/metrics"))
        self.assertEqual(metrics["thaw_breaker_open", frozenset({("host", f"http://127.0.0.1:{port}")})], 1)

    def test_the_line_at_the_end_of_a_lambda_sandbox(self):
        run = sandbox.run("python", "invoke*4 spindown", thaw=True, events=[{"errors": 1, "flush": True}],
                          options=["--freeze", "live", "--gap-ms", "100"])
        jsonschema.validate(run.stats, SCHEMA)
        self.assertEqual((run.stats["invokes"], len(run.stats["held"]["recent"])), (4, 4))
        self.assertEqual(sum(invoke["delivered"] for invoke in run.stats["held"]["recent"]), 4)
        self.assertEqual(run.stats["settings"]["THAW_SPOOL_DIR"][-5:], "/thaw")
        self.assertNotIn(sandbox.KEY, json.dumps(run.stats))


if __name__ == "__main__":
    unittest.main(verbosity=2)
