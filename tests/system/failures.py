#!/usr/bin/env python3
"""Each failure that no SDK can see ends as exactly one Sentry event that says what is known, and nothing else does.

The real binary, a real SDK, failures caused for real in the sandbox. One row a failure, one test a row:
`failures.py Failures`, and `failures.py Memory` for what needs a control group; `-k NAME` picks a row.
"""

import datetime
import json
import pathlib
import re
import sys
import tempfile
import unittest

import relaying
import sandbox
from failure_rows import MEMORY, MEMORY_ROWS, ROWS, SECRET, TIMEOUT

COMMON = ["--gap-ms", "50", "--timeout-ms", str(TIMEOUT * 1000), "--memory-mb", str(MEMORY)]
NAME, REGION, ACCOUNT = "test_function", "us-east-1", "123456789012"
ARN = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{NAME}"
WORDS = {"Timeout": "timeout", "OutOfMemory": "out_of_memory", "RuntimeExit": "runtime_exit",
         "InitError": "init_error", "ResponseTooLarge": "response_too_large", "Failure": "failure"}
SKIPPED = 77  # for ctest


class Envelope:
    """One that arrived: its header, its event and all of its bytes."""

    def __init__(self, file):
        self.bytes = file.read_bytes()
        self.header = json.loads(self.bytes.split(b"\n", 1)[0])
        (self.event,) = sandbox.events_in(self.bytes)
        self.is_failure = sandbox.exception_type(self.event).startswith("Lambda.")
        self.id = sandbox.normal(self.event["event_id"])
        self.at_ms = datetime.datetime.fromisoformat(self.event["timestamp"]).timestamp() * 1000


class Case(unittest.TestCase):
    """What every row ends with."""

    options = []

    def play(self, row):
        """Runs a row; everything that arrived is accounted for."""
        with tempfile.TemporaryDirectory() as folder:
            run = self.run_row(row, pathlib.Path(folder))
            came = [Envelope(file) for file in sorted(pathlib.Path(folder).glob("*.envelope"))]
        if "--tmp" in row.options and "tmp" in run.report["isolation"]["not_done"]:
            self.skipTest(run.report["isolation"]["not_done"]["tmp"])
        failed = [None if wanted is None else invoke["status"] != "success"
                  for wanted, invoke in zip(row.fails, run.invokes, strict=True)]
        self.assertEqual(failed, row.fails, "the row does not do what it says")
        for arrival in run.report["arrivals"]:
            self.assertEqual(arrival["problems"], [])
        sdk = [one for one in came if not one.is_failure]
        self.check_sdk(row, run, sdk)
        events = sorted((one for one in came if one.is_failure), key=lambda one: one.at_ms)
        self.assertEqual([(sandbox.exception_type(one.event), one.event["tags"].get("aws_request_id"))
                          for one in events],
                         [("Lambda." + failure.kind, failure.request_id(run)) for failure in row.failures])
        self.assertEqual(len({one.id for one in events}), len(events), "an id of its own each")
        for one, failure in zip(events, row.failures):
            self.check(one, failure, row, run)
            self.check_sdks_words(one, row, self.last_header(sdk, one, failure, run))
        self.check_told(row, run, came)

    def run_row(self, row, folder):
        """In the sandbox, with envelopes as files that can be read."""
        options = [*COMMON, *self.options, "--bodies", str(folder), *row.options]
        if row.beside:
            path = folder / row.beside
            source = sandbox.ROOT / "tests/sandbox/selftest/neighbour.py"
            path.write_text(f"#!{sandbox.FUNCTIONS['python'][0]}\n{source.read_text()}")
            path.chmod(0o755)
            options += ["--extension", str(path)]
        return sandbox.run(row.function, row.script, thaw=True, events=row.events, options=options,
                           env={"THAW_COMPRESSION": "none", "CARD": SECRET, **row.env},
                           code=1 if row.function == "missing" else 0)

    def check_sdk(self, row, run, envelopes):
        """What the SDK handed over before the end has arrived, too, each once."""
        captured = sum(event["errors"] for event in row.events) if row.starts else 0
        self.assertEqual(len(envelopes), captured)
        ids = {one.id for one in envelopes}
        self.assertEqual(len(ids), len(envelopes), "duplicates")
        self.assertEqual(set(run.sent) - ids, set(), "lost")

    @staticmethod
    def last_header(sdk, envelope, failure, run):
        """Of the last envelope of the SDK in the invoke that failed, if Thaw knew of the invoke."""
        if not failure.told or failure.kept:
            return {}
        begun = run.invokes[failure.invoke]["start_ms"]
        headers = [one.header for one in sdk if begun - 1 <= one.at_ms <= envelope.at_ms + 1]
        return headers[-1] if headers else {}

    def check_told(self, row, run, came):
        """The SHUTDOWN lines say the same and balance."""
        lines = sandbox.summary_lines(run.report["extension_log"])
        for line in lines:
            relaying.balance(self, line)
            self.assertEqual((line["envelopes"]["lost"], line["failures"]["unreported"]), (0, 0))
        self.assertEqual(sum(line["failures"]["reported"] for line in lines), len(row.failures))
        if row.crosses:
            self.assertGreater(lines[0]["envelopes"]["waiting"], 0)
        if "kill" not in row.script + row.beside:
            self.assertEqual(sum(line["envelopes"]["delivered"] for line in lines), len(came))

    def check(self, envelope, failure, row, run):
        """Every field of one event."""
        event = envelope.event
        self.assertEqual((event["level"], event["transaction"], event["server_name"]), ("fatal", NAME, NAME))
        self.assertEqual((event["sdk"]["name"], envelope.header["event_id"]), ("thaw", event["event_id"]))
        self.assertNotIn(SECRET.encode(), envelope.bytes)
        self.check_exception(event, failure)
        self.check_origin(event, failure, row)
        self.check_invoke(envelope, failure, run)
        self.check_measures(event["contexts"]["aws.lambda"], failure)
        self.check_links(event, failure, run)
        log = [(crumb.get("level"), crumb["message"]) for crumb in event.get("breadcrumbs", {}).get("values", [])]
        self.assertEqual(log, failure.log)

    def check_exception(self, event, failure):
        """What it is called and grouped by."""
        (value,) = event["exception"]["values"]
        self.assertEqual((value["type"], value["value"]), ("Lambda." + failure.kind, failure.says))
        self.assertIs(value["mechanism"]["handled"], False)
        data = value["mechanism"].get("data", {})
        self.assertEqual(data.get("error_type"), failure.error)
        reasons = [failure.reason] if failure.blind else [failure.reason, None]
        self.assertIn(data.get("shutdown_reason"), reasons)
        many = [failure.error] if failure.error and failure.kind in ("InitError", "Failure") else []
        self.assertEqual(event["fingerprint"], ["aws-lambda", WORDS[failure.kind], NAME, *many])
        self.assertEqual(event["tags"]["lambda.failure"], WORDS[failure.kind])

    def check_origin(self, event, failure, row):
        """The function; and what the row says besides."""
        context, cloud = event["contexts"]["aws.lambda"], event["contexts"]["cloud_resource"]
        self.assertEqual((context["function_name"], context["function_version"]), (NAME, "$LATEST"))
        self.assertEqual((cloud["cloud.region"], cloud["cloud.account.id"]), (REGION, ACCOUNT))
        self.assertEqual(event["tags"]["aws_region"], REGION)
        self.assertEqual(context.get("invoked_function_arn"), ARN if failure.told else None)
        self.assertEqual(event["tags"].get("cold_start") is not None, failure.told)
        for name, value in row.says.items():
            self.assertEqual(event[name], value)

    def check_invoke(self, envelope, failure, run):
        """Its request, and when."""
        tags = envelope.event["tags"]
        context = envelope.event["contexts"]["aws.lambda"]
        self.assertEqual(context.get("aws_request_id"), failure.request_id(run))
        self.assertRegex(tags.get("aws.xray.trace", ""), "^1-[0-9a-f]{8}-[0-9a-f]{24}$" if failure.told else "^$")
        if failure.invoke is not None:
            invoke = run.invokes[failure.invoke]
            self.assertTrue(invoke["start_ms"] - 1 <= envelope.at_ms <= invoke["deadline_ms"] + 500)

    def check_sdks_words(self, envelope, row, header):
        """Trace, release and environment are those of what the SDK sent in it; the settings go before."""
        event, trace = envelope.event, header.get("trace", {})
        self.assertEqual(event["contexts"].get("trace", {}).get("trace_id"), trace.get("trace_id"))
        for name in "release", "environment":
            self.assertEqual(event.get(name), row.env.get("SENTRY_" + name.upper(), trace.get(name)))

    def check_measures(self, context, failure):
        """What only the platform knows: nothing of it is made up."""
        self.assertEqual(context["memory_size_mb"], MEMORY)
        self.assertEqual(context.get("timeout_in_seconds"), TIMEOUT if failure.told else None)
        self.assertEqual(context.get("init_phase"), failure.phase)
        if failure.blind:
            self.assertNotIn("execution_duration_in_millis", context)
            self.assertNotIn("max_memory_used_mb", context)
            return
        self.assertTrue(0 < context["execution_duration_in_millis"] <= TIMEOUT * 1000 + 500)
        if failure.kind == "OutOfMemory":
            self.assertEqual(context["max_memory_used_mb"], MEMORY)
        if failure.told and failure.kind in ("Timeout", "RuntimeExit"):
            self.assertTrue(0 < context["max_memory_used_mb"] < MEMORY)

    def check_links(self, event, failure, run):
        """The way to the log."""
        logs = event["contexts"]["aws.cloudwatch.logs"]
        self.assertEqual(logs["log_group"], "/aws/lambda/" + NAME)
        self.assertTrue(logs["url"].startswith(
            f"https://console.aws.amazon.com/cloudwatch/home?region={REGION}#logsV2:log-groups/log-group/"
            f"$252Faws$252Flambda$252F{NAME}/log-events$3F"), logs["url"])
        self.assertIn("start$3D", logs["url"])
        wanted = failure.request_id(run)
        self.assertEqual("filterPattern" in logs["url"], wanted is not None)
        self.assertIn(wanted or "", logs["url"])


class Failures(Case):
    """Whatever the machine: filled below."""


class Memory(Case):
    """The kernel kills: with a limit in a control group."""

    options = ["--memory-limit-mib", "96"]

    @classmethod
    def setUpClass(cls):
        run = sandbox.run("python", "invoke", thaw=False, options=cls.options)
        why = run.report["isolation"]["not_done"].get("memory")
        if why:
            raise unittest.SkipTest(why)


def method(row):
    """A test method for one row."""
    return lambda self: self.play(row)


def fill(case, rows):
    """One method a row."""
    for row in rows:
        setattr(case, "test_" + re.sub(r"\W+", "_", row.name), method(row))


fill(Failures, ROWS)
fill(Memory, MEMORY_ROWS)


if __name__ == "__main__":
    result = unittest.main(verbosity=2, exit=False).result
    skipped_all = result.skipped and len(result.skipped) >= result.testsRun
    sys.exit(1 if not result.wasSuccessful() else SKIPPED if skipped_all else 0)
