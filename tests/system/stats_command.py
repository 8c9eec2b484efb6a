#!/usr/bin/env python3
"""`thaw stats` and the lines it reads, on the real binary: a running Thaw, the log of three sandboxes, hostile input; and
what else Thaw writes into a log: metrics when asked for, nothing secret, and nothing at all without a reason."""

import json
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

import jsonschema

import relaying
import sandbox
from relaying import Client, Thaw, Upstream, event

THAW = sandbox.BUILD / "thaw"
STREAM = "2026/11/25/[$LATEST]{:032x}"
# AWS docs, "Specification: Embedded metric format", of what is one directive there.
EMF = {
    "type": "object", "required": ["_aws"],
    "properties": {"_aws": {
        "type": "object", "required": ["Timestamp", "CloudWatchMetrics"],
        "properties": {
            "Timestamp": {"type": "integer", "minimum": 10**12},
            "CloudWatchMetrics": {"type": "array", "minItems": 1, "items": {
                "type": "object", "required": ["Namespace", "Dimensions", "Metrics"], "additionalProperties": False,
                "properties": {
                    "Namespace": {"type": "string", "minLength": 1, "maxLength": 1024},
                    "Dimensions": {"type": "array", "minItems": 1, "items": {
                        "type": "array", "minItems": 1, "maxItems": 30,
                        "items": {"type": "string", "minLength": 1, "maxLength": 250}}},
                    "Metrics": {"type": "array", "maxItems": 100, "items": {
                        "type": "object", "required": ["Name"],
                        "properties": {
                            "Name": {"type": "string", "minLength": 1, "maxLength": 1024},
                            "Unit": {"enum": ["Count", "Milliseconds"]}}}}}}}}}}}
SECRETS = (sandbox.KEY, "dsnsecret", "proxypassword")


def thaw_stats(*options, text=None):
    """Runs it; `text`: on standard input, else that is /dev/null."""
    given = {"stdin": subprocess.DEVNULL} if text is None else {"input": text}
    return subprocess.run([THAW, "stats", *options], capture_output=True, timeout=60, check=False, **given)


def totals(items, inherited="recovered"):
    """Items' fates, summed over what is lost for."""
    return {category: {"accepted": fates["accepted"], "inherited": fates[inherited], "delivered": fates["delivered"],
                       "waiting": fates["waiting"], "refused": sum(fates["refused"].values()),
                       "dropped": sum(fates["dropped"].values())}
            for category, fates in items.items()}


def added(all_stats):
    """Those of several processes, where none has left anything to the next."""
    sums = {}
    for stats in all_stats:
        for category, fates in totals(stats["items"]).items():
            into = sums.setdefault(category, dict.fromkeys(fates, 0))
            for fate, count in fates.items():
                into[fate] += count
    return sums


def log_lines(report):
    """What the extension wrote."""
    return [line if isinstance(line, str) else line.get("line", "") for line in report["extension_log"]]


class Case(unittest.TestCase):
    """With a folder and an upstream."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="thaw-stats-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.upstream = Upstream()
        self.addCleanup(lambda: self.upstream.close())

    def thaw(self, port=None, **env):
        """A Thaw that the test cleans up."""
        thaw = Thaw(self.folder / "spool", port or self.upstream.port, env)
        self.addCleanup(thaw.kill)
        return thaw

    def feed(self, thaw, envelopes):
        """Posts so many."""
        client = Client(thaw.port)
        for number in range(envelopes):
            client.post(event(number, size=100, kind=("event", "session")[number % 2]))
        client.close()

    def quiet(self, thaw):
        """Nothing waits any more."""
        return thaw.until(lambda stats: stats["envelopes"]["waiting"] == 0)

    def summary(self, thaw):
        """The line at the end, which a thread may still be reading."""
        before = len(thaw.lines)
        thaw.stop()
        end = time.monotonic() + 10
        while time.monotonic() < end:
            for line in thaw.lines[before:]:
                if line.startswith('{"schema"') and line.endswith("\n"):
                    return line
            time.sleep(0.01)
        raise AssertionError(f"no summary in {thaw.lines}")


class Running(Case):
    """A Thaw to be asked."""

    def test_the_same_figures_as_stats(self):
        thaw = self.thaw()
        self.feed(thaw, 11)
        stats = self.quiet(thaw)
        shown = thaw_stats("--port", str(thaw.port), "--json")
        self.assertEqual(shown.returncode, 0, shown.stderr)
        self.assertEqual(totals(json.loads(shown.stdout)["items"]), totals(stats["items"]))
        table = thaw_stats("--url", f"http://localhost:{thaw.port}/").stdout.decode()
        self.assertIn("All delivered.", table)
        self.assertRegex(table, r"(?m)^error +6 +0 +6 +0 +0 +0$")
        self.assertRegex(table, r"(?m)^all +11 +0 +11 +0 +0 +0$")
        self.assertRegex(table, r"(?m)^accept +11 ")

    def test_something_lost(self):
        self.upstream.status = 413
        thaw = self.thaw()
        self.feed(thaw, 2)
        self.quiet(thaw)
        shown = thaw_stats("--port", str(thaw.port))
        self.assertEqual(shown.returncode, 1)
        self.assertRegex(shown.stdout.decode(), r"(?m)^LOST: 2 of 2 items\.$")
        self.assertRegex(shown.stdout.decode(), r"(?m)^refused 413 +2  \w+")

    def test_nobody_there(self):
        port = relaying.free_port()
        self.assertEqual(thaw_stats("--port", str(port)).returncode, 2)
        for url, why in ((f"http://127.0.0.1:{self.upstream.port}", b"what answers there has no figures"),
                         (f"http://127.0.0.1:{self.thaw().port}/nosuch", b"what answers there has no figures"),
                         ("http://example.invalid:1/", b"a name is not looked up")):
            shown = thaw_stats("--url", url)
            self.assertEqual(shown.returncode, 2)
            self.assertIn(why, shown.stderr)
        self.assertEqual(thaw_stats("--nonsense").returncode, 2)

    def test_watching_ends_with_ctrl_c(self):
        thaw = self.thaw()
        process = subprocess.Popen([THAW, "stats", "--port", str(thaw.port), "--watch=1", "--json"],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        self.addCleanup(process.kill)
        for _ in range(2):
            self.assertEqual(json.loads(process.stdout.readline())["schema"], 1)
        process.send_signal(signal.SIGINT)
        process.stdout.close()
        self.assertEqual(process.wait(timeout=10), 0)


class Lines(Case):
    """A log to be added up."""

    def test_three_sandboxes(self):
        runs = [sandbox.run("python", f"invoke*{count} spindown", thaw=True, events=[{"errors": 1, "flush": True}],
                            options=["--freeze", "live", "--gap-ms", "50"]) for count in (1, 2, 3)]
        refused = sandbox.run("python", "invoke*2 spindown", thaw=True, events=[{"errors": 1, "flush": True}],
                              env={"THAW_UPSTREAM_DSN": f"http://{sandbox.KEY}@127.0.0.1:1/{sandbox.PROJECT}"})
        log = "".join(f"2026-11-25T13:00:00+00:00 {STREAM.format(number)} {line}\n"
                      for number, run in enumerate([*runs, refused]) for line in log_lines(run.report))
        expected = [run.stats for run in [*runs, refused]]
        shown = thaw_stats("--json", text=log.encode())
        got = json.loads(shown.stdout)
        self.assertEqual((got["processes"], got["sandboxes"]), (4, 4))
        self.assertEqual(totals(got["items"], "inherited"), added(expected))
        self.assertEqual(sum(got["held_ms"].values()), sum(stats["held"]["all"]["ms"] for stats in expected))
        self.assertEqual(got["counters"]["invokes"], 8)
        self.assertEqual(got["accept"]["count"], sum(stats["local"]["accept"]["count"] for stats in expected))
        self.assertGreater(got["lost"], 0)
        self.assertEqual(got["lost_most"][0]["sandbox"], STREAM.format(3))
        self.assertEqual(shown.returncode, 1)
        table = thaw_stats("-", text=log.encode()).stdout.decode()
        self.assertIn("4 processes of 4 sandboxes", table)
        self.assertIn("LOST MOST", table)

    def test_what_the_next_process_takes_over_is_counted_once(self):
        first = self.thaw(relaying.free_port())
        self.feed(first, 10)
        left = self.summary(first)
        self.assertEqual(json.loads(left)["envelopes"]["waiting"], 10)
        second = self.thaw()
        self.quiet(second)
        self.feed(second, 2)
        self.quiet(second)
        shown = thaw_stats("--json", text=(left + "noise\n" + self.summary(second)).encode())
        self.assertEqual(shown.returncode, 0)
        got = json.loads(shown.stdout)
        self.assertEqual(totals(got["items"], "inherited"), {
            category: {"accepted": 6, "inherited": 0, "delivered": 6, "waiting": 0, "refused": 0, "dropped": 0}
            for category in ("error", "session")})
        self.assertEqual(got["skipped"]["other"], 1)

    def test_what_cannot_be_written_is_no_success(self):
        thaw = self.thaw()
        self.feed(thaw, 1)
        self.quiet(thaw)
        line = self.summary(thaw)
        with open("/dev/full", "wb") as full:
            done = subprocess.run([THAW, "stats"], input=line, stdout=full, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 2)

    def test_no_line_and_unknown_ones(self):
        shown = thaw_stats(text=b"")
        self.assertEqual(shown.returncode, 2)
        self.assertIn(b"no line of Thaw's found", shown.stderr)
        # The last line's end may be missing.
        shown = thaw_stats(text=b'{"schema":7,"items":{}}')
        self.assertEqual(shown.returncode, 2)
        self.assertIn(b"schema 7", shown.stdout)

    def test_hostile_input(self):
        thaw = self.thaw()
        self.feed(thaw, 2)
        self.quiet(thaw)
        line = self.summary(thaw).encode()
        deep = b'{"schema":1,"items":' + b"[" * 10**6 + b"\n"
        beyond = line.replace(b'"accepted":1', b'"accepted":' + b"9" * 40)
        log = b"".join([b"\0\xff\xfe\n", deep, beyond, b'{"schema":1,"items":"' + b"x" * (3 << 20) + b'"}\n', line])
        shown = thaw_stats("--json", text=log)
        self.assertEqual(shown.returncode, 0)
        got = json.loads(shown.stdout)
        self.assertEqual(got["processes"], 1)
        self.assertEqual(got["skipped"], {"other": 1, "unreadable": 2, "too_long": 1, "unknown_schema": {}})

    def test_endless_input_is_bounded_and_ends_with_ctrl_c(self):
        process = subprocess.Popen([THAW, "stats", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.DEVNULL)
        self.addCleanup(process.kill)
        for _ in range(128):
            process.stdin.write(b"x" * (1 << 20))
        status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
        peak = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
        self.assertLess(peak, 32 * 1024)
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(timeout=10), 2)
        process.stdout.close()
        process.stdin.close()


class Written(Case):
    """What Thaw writes into the function's log."""

    def emf(self, env=None):
        """A run's metrics lines, parsed, and its summary."""
        run = sandbox.run("python", "invoke*2 spindown", thaw=True, events=[{"errors": 1, "flush": True}],
                          env={"THAW_EMF_MINUTES": "1", **(env or {})})
        lines = [json.loads(line) for line in log_lines(run.report) if line.startswith('{"_aws"')]
        return lines, run

    def check_emf(self, line, stats):
        """Valid, and the same figures."""
        jsonschema.validate(line, EMF)
        (directive,) = line["_aws"]["CloudWatchMetrics"]
        self.assertEqual((directive["Namespace"], directive["Dimensions"]), ("Thaw", [["FunctionName"]]))
        names = [metric["Name"] for metric in directive["Metrics"]]
        self.assertLessEqual(len(names), 12)
        self.assertEqual({"_aws", "FunctionName", *names}, set(line))
        self.assertTrue(all(isinstance(line[name], int) for name in names))
        error = stats["items"]["error"]
        self.assertEqual((line["Accepted"], line["Delivered"], line["Lost"], line["HeldTime"]),
                         (error["accepted"], error["delivered"], 0, stats["held"]["all"]["ms"]))

    def test_metrics(self):
        for env in ({}, {"AWS_LAMBDA_LOG_FORMAT": "JSON"}):
            with self.subTest(**env):
                (line,), run = self.emf(env)
                self.check_emf(line, run.stats)

    def test_no_metrics_by_default_and_one_line_where_something_came(self):
        _, run = self.emf({"THAW_EMF_MINUTES": "0"})
        self.assertEqual(len(log_lines(run.report)), 1, log_lines(run.report))
        self.assertIsNotNone(run.stats)

    def test_quiet_without_a_reason(self):
        run = sandbox.run("python", "invoke*2 spindown", thaw=True, events=[{"errors": 0}])
        self.assertEqual(log_lines(run.report), [])

    def test_nothing_secret(self):
        dsn = f"http://{sandbox.KEY}:dsnsecret@sentry.invalid/{sandbox.PROJECT}"
        thaw = self.thaw(THAW_UPSTREAM_DSN=dsn, SENTRY_DSN=dsn, THAW_LOG="debug",
                         THAW_PROXY="http://user:proxypassword@127.0.0.1:1")
        self.feed(thaw, 4)
        thaw.until(lambda stats: stats["upstream"]["failures"] > 0)
        self.summary(thaw)
        for secret in SECRETS:
            self.assertNotIn(secret, "".join(thaw.lines))


if __name__ == "__main__":
    unittest.main(verbosity=2)
