#!/usr/bin/env python3
"""Lambda's other worlds, each with the real binary and a real SDK: Managed Instances, SnapStart, environments made
ahead of demand or for nothing, resets, company, streams, fifteen minutes, very little processor time.

In each nothing that was handed over is lost or comes twice, and the accounts balance; the cases say what is special.
"""

import json
import os
import pathlib
import shutil
import sys
import tempfile
import unittest

import relaying
import sandbox

LATENCY_MS = 40
# The TCP handshake, and half a round trip for the request (tests/sandbox/README.md, "The road").
FIRST_MS = 1.5 * LATENCY_MS
# What two cores that others use, too, may add to a millisecond's work.
NOISE_MS = 250
LIMIT_MS = 50  # from acceptance to departure, continuous
LATE_MS = 250  # THAW_LATE_MS
RUNTIME_DONE_MS = 25
MANAGED = ["--init-type", "lambda-managed-instances"]
NEIGHBOUR = sandbox.ROOT / "tests/sandbox/selftest/neighbour.py"
ONE = {"errors": 1, "flush": True}


class World(unittest.TestCase):
    """What is asked of every run."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="thaw-worlds-"))
        self.folder.chmod(0o755)  # the function's user starts what lies in it
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def play(self, script, *options, events=(ONE,), timeout_ms=10000, latency_ms=LATENCY_MS, duplicates=0, lost=(),
             **env):
        """Runs it, and checks all but what is special. `lost`: errors that do not arrive, by number as sent."""
        bodies = pathlib.Path(tempfile.mkdtemp(dir=self.folder))
        run = sandbox.run(
            "python", script, thaw=True, events=events, env=env,
            options=["--gap-ms", "100", "--timeout-ms", str(timeout_ms), "--upstream-latency-ms", str(latency_ms),
                     "--bodies", str(bodies), *options])
        run.failures = failure_events(bodies)
        self.assertEqual(run.report["problems"], [])
        for arrival in run.report["arrivals"]:
            self.assertEqual(arrival["problems"], [])
        self.assertEqual(set(run.sent) - run.arrived, {run.sent[number] for number in lost}, "lost")
        self.assertLessEqual(run.duplicates, duplicates, "duplicates")
        run.lines = sandbox.summary_lines(run.report["extension_log"])
        for line in run.lines:
            relaying.balance(self, line)
            self.assertEqual(line["task_failures"], 0)
        run.said = [line for line in run.report["extension_log"] if not line.startswith("{")]
        return run

    def shares(self, run):
        """How long each arrival took from the SDK's answer on, in milliseconds, the longest last."""
        return sorted(run.arrived_at[event] - at for event, at in run.handed_over_at.items())

    def ended_well(self, run, processes=1):
        """Each Thaw was told to go, and went by itself within two seconds."""
        told = times(run, "SHUTDOWN to thaw")
        gone = times(run, "exit thaw: exit code 0")
        self.assertEqual((len(told), len(gone)), (processes, processes))
        for begin, end in zip(told, gone):
            self.assertLess(end - begin, 2000)


def times(run, what):
    """When the platform did something, epoch ms."""
    return [event["at_ms"] for event in run.report["platform"] if event["what"].startswith(what)]


def failure_events(bodies):
    """[type, request id, timeout in seconds] of the events that Thaw made itself."""
    found = []
    for file in sorted(bodies.iterdir()):
        lines = file.read_bytes().splitlines()
        # The header, then pairs of an item's header and its payload, each on one line.
        for payload in map(json.loads, lines[2::2]):
            (error,) = payload.get("exception", {}).get("values", [{}])
            if error.get("type", "").startswith("Lambda."):
                lambda_context = payload["contexts"]["aws.lambda"]
                found.append([error["type"], lambda_context.get("aws_request_id"),
                              lambda_context.get("timeout_in_seconds")])
    return sorted(found, key=str)


class ManagedInstances(World):
    """AWS docs, "Understanding the Lambda Managed Instances execution environment"."""

    def play_managed(self, script, *options, workers, **more):
        """Nothing is frozen, no INVOKE comes; telemetry is taken in schema 2025-01-29 alone."""
        run = self.play(script, *MANAGED, *options, WORKERS=str(workers), **more)
        self.assertEqual(run.report["freezes"], [])
        for line in run.lines:
            self.assertEqual((line["pace"], line["invokes"], line["telemetry"]["state"]), ("continuous", 0, "on"))
            self.assertEqual(line["telemetry"]["other_request"], 0)
        return run

    def test_64_at_once(self):
        run = self.play_managed("burst*64 burst*64 burst*64 rest:100 spindown", workers=64, latency_ms=0,
                                events=[{"errors": 1, "flush": True, "work_ms": 300}])
        shares = self.shares(run)
        print(f"arrival behind the hand-over: {shares[len(shares) // 2]:.1f} ms, at most {shares[-1]:.1f} ms")
        self.assertLessEqual(shares[-1], LIMIT_MS + NOISE_MS)
        self.assertEqual([invoke["status"] for invoke in run.invokes], ["success"] * 192)
        self.assertEqual(run.handed_over, 192)
        self.assertEqual(run.failures, [])
        self.ended_well(run)

    def test_an_envelope_leaves_within_50_ms(self):
        run = self.play_managed("burst*4 burst*4 burst*4 burst*4 rest:100 spindown", workers=4,
                                events=[{"errors": 1, "flush": True, "work_ms": 200, "after_ms": 50}])
        shares = self.shares(run)
        print(f"arrival behind the hand-over: {shares[len(shares) // 2]:.1f} ms, at most {shares[-1]:.1f} ms; "
              f"latency {LATENCY_MS} ms")
        self.assertEqual(len(shares), 16)
        self.assertLessEqual(shares[len(shares) // 2], LIMIT_MS + FIRST_MS)
        self.assertLessEqual(shares[-1], LIMIT_MS + FIRST_MS + NOISE_MS)

    def test_a_timeout_is_a_failure_event_and_a_handled_error_is_none(self):
        # The code behind the timeout goes on, and so does its error.
        run = self.play_managed("burst*3 rest:1200 invoke spindown", timeout_ms=1000, workers=4,
                                events=[{"work_ms": 1500}, {**ONE, "then": "raise"}, ONE, ONE])
        late = next(invoke for invoke in run.invokes if invoke["status"] == "timeout")
        self.assertEqual(run.failures, [["Lambda.Timeout", late["request_id"], None]])
        self.assertEqual(run.handed_over, 4 + 1)
        self.assertEqual(len(run.sent), 3, "the one behind the timeout is in no answer")
        self.assertEqual(len(set(run.arrivals)), 4 + 1)

    def test_a_runtime_that_exits(self):
        run = self.play_managed("burst*4 burst*4 spindown", workers=4,
                                events=[*[{"errors": 1, "after_ms": 5000}] * 3,
                                        {"errors": 1, "work_ms": 300, "flush": True, "then": "exit:3"},
                                        *[ONE] * 4])
        broken = [invoke["request_id"] for invoke in run.invokes if invoke["status"] == "error"]
        self.assertEqual(len(broken), 4)
        self.assertEqual(run.failures, [["Lambda.RuntimeExit", request, None] for request in sorted(broken)])
        # All that the SDK had handed over, and one report each, before SHUTDOWN was over.
        self.assertEqual([line["envelopes"]["delivered"] for line in run.lines], [4 + 4, 4])
        self.ended_well(run, processes=2)


class SnapStart(World):
    """AWS docs, "Improving startup performance with Lambda SnapStart"."""

    def play_snapshot(self, *options, init_ms=200, **more):
        """An error in the init, a little before the snapshot, and one in each of three invokes."""
        return self.play("restore:300 invoke*3 spindown", "--init-type", "snap-start", *options,
                         SEND_AT_INIT="1", INIT_MS=str(init_ms), **more)

    def test_what_the_init_brings_leaves_before_the_snapshot(self):
        run = self.play_snapshot()
        self.assertEqual(len(run.sent), 1 + 3)
        self.assertLess(run.arrived_at[run.sent[0]], run.report["freezes"][0][0])
        self.assertEqual(run.stats["envelopes"]["lost"], 0)
        self.assertEqual(run.said, [])

    def test_what_it_could_not_send_is_dropped_and_said_once(self):
        # What the one connection before the snapshot meets; the next would come half a second later.
        run = self.play_snapshot("--upstream-fault", "refuse*1", init_ms=50, lost=[0])
        self.assertEqual(run.stats["items"]["error"]["dropped"], {"snapshot": 1})
        self.assertEqual(run.stats["envelopes"]["delivered"], 3)
        self.assertEqual([line for line in run.said if "snapshot" in line], run.said)
        self.assertEqual(len(run.said), 1)
        self.assertEqual([arrival["client_reports"] for arrival in run.report["arrivals"] if arrival["client_reports"]],
                         [], "each copy would report it")

    def test_it_is_restored_to_fresh_connections(self):
        run = self.play_snapshot("--freeze", "live", THAW_PACE="prompt")
        restored = times(run, "restored")[0]
        behind = {arrival["connection"] for arrival in run.report["arrivals"] if arrival["at_ms"] > restored}
        before = {arrival["connection"] for arrival in run.report["arrivals"]} - behind
        self.assertEqual((len(before), len(behind)), (1, 1), "only the restore has cut")
        self.assertEqual(run.stats["upstream"]["cuts"], 0)
        self.assertEqual([invoke["phase"] for invoke in run.invokes], ["warm"] * 3)


class Early(World):
    """Environments that are there before there is work, or without any."""

    def play_provisioned(self, *options, **more):
        """Three seconds between the init and the first invoke."""
        return self.play("init freeze:3000 invoke*2 spindown", "--init-type", "provisioned-concurrency", *options,
                         SEND_AT_INIT="1", **more)

    def test_provisioned_concurrency(self):
        # The freeze comes while the connection is being made, or with it.
        for settled_ms in ("0", "200"):
            with self.subTest(settled_ms):
                run = self.play_provisioned(INIT_MS=settled_ms, duplicates=1)
                self.assertEqual(len(run.sent), 1 + 2)
                self.assertEqual(run.stats["envelopes"]["lost"], 0)

    def test_provisioned_concurrency_while_the_upstream_is_away(self):
        run = self.play_provisioned("--upstream-fault", "refuse*1", INIT_MS="50")
        self.assertGreater(run.arrived_at[run.sent[0]], run.invokes[0]["start_ms"])
        self.assertEqual(run.stats["items"]["error"]["dropped"], {})

    def test_nothing_but_shutdown(self):
        for kind in ("on-demand", "provisioned-concurrency", "snap-start", "lambda-managed-instances"):
            with self.subTest(kind):
                idle = self.play("init freeze:100 spindown", "--init-type", kind)
                self.ended_well(idle)
                self.assertEqual(idle.report["extension_log"], [])
                busy = self.play("init freeze:100 spindown", "--init-type", kind, SEND_AT_INIT="1", duplicates=1)
                self.ended_well(busy)
                self.assertEqual(len(set(busy.arrivals)), 1)
                self.assertEqual(busy.stats["envelopes"]["delivered"], 1)


class Reset(World):
    """A timeout; what follows starts in the same /tmp, inside the next invoke."""

    def test_the_next_process_delivers_what_the_first_had_accepted(self):
        for kind in ("on-demand", "provisioned-concurrency", "snap-start"):
            with self.subTest(kind):
                self.play_reset(kind)

    def play_reset(self, kind):
        """A timeout while the upstream is down, and nothing is lost."""
        # Three until the breaker opens, probes, and one try for each of the three at SHUTDOWN. No resets: what
        # was written three times without an answer is given up.
        run = self.play("invoke*3 spindown", "--init-type", kind, "--upstream-fault", "status:503*8", timeout_ms=1500,
                        events=[{"errors": 2, "flush": True, "then": "hang"}, ONE, ONE])
        self.assertEqual([invoke["phase"] for invoke in run.invokes[1:]], ["invoke", "warm"])
        self.assertEqual(run.failures, [["Lambda.Timeout", run.invokes[0]["request_id"], 2]])
        first, second = (line["items"]["error"] for line in run.lines)
        print(f"{kind}: {first['waiting']} of {first['accepted']} left to the next process")
        self.assertEqual((first["accepted"], second["accepted"]), (3, 2))
        self.assertGreater(first["waiting"], 0, "nothing was left to recover")
        self.assertEqual((second["recovered"], second["waiting"]), (first["waiting"], 0))
        self.assertEqual(len(set(run.arrivals)), 5)
        self.ended_well(run, processes=2)


class Company(World):
    """AWS docs, "Using the Lambda Extensions API to create extensions": ten at most."""

    def neighbours(self, *names):
        """Options for more extensions, which live as their names say."""
        options = []
        for name in names:
            path = self.folder / name
            path.write_text(f"#!{sys.executable}\n{NEIGHBOUR.read_text()}")
            path.chmod(0o755)
            options += ["--extension", str(path)]
        return options

    def test_nine_others(self):
        run = self.play("invoke*6 spindown", *self.neighbours(*(f"lives-{number}" for number in range(9))))
        self.assertEqual([invoke["status"] for invoke in run.invokes], ["success"] * 6)
        self.assertEqual(run.handed_over, 6)
        self.ended_well(run)

    def test_one_of_them_crashes_in_an_invoke(self):
        others = (*(f"lives-{number}" for number in range(8)), "crash-on-2-after-300")
        run = self.play("invoke*3 spindown", *self.neighbours(*others),
                        events=[ONE, {"errors": 2, "flush": True, "after_ms": 5000}, ONE])
        self.assertEqual([invoke["error_type"] for invoke in run.invokes], ["", "Extension.Crash", ""])
        # The two of the invoke that failed are in no answer.
        self.assertEqual(len(set(run.arrivals)), 1 + 2 + 1 + 1)
        self.assertEqual([failure[:2] for failure in run.failures],
                         [["Lambda.Failure", run.invokes[1]["request_id"]]])
        self.ended_well(run, processes=2)


class Streaming(World):
    """AWS docs, "Response streaming for Lambda functions"."""

    def test_next_is_asked_behind_the_last_chunk(self):
        # What is captured before and in mid-stream has arrived long before that.
        run = self.play("invoke*3 spindown", latency_ms=0, THAW_PACE="prompt",
                        events=[{"errors": 1, "stream": "capture"}] * 2 + [ONE])
        self.assertEqual(len(run.sent), 1 + 2 + 2)
        for invoke, halfway in zip(run.invokes[:2], (run.sent[1], run.sent[3])):
            last_chunk = invoke["start_ms"] + invoke["response_ms"]
            self.assertLess(invoke["start_ms"] + invoke["begun_ms"], run.arrived_at[halfway])
            self.assertLess(run.arrived_at[halfway], last_chunk)
            asked = min(at for at in times(run, "next thaw") if at > invoke["start_ms"])
            self.assertGreaterEqual(asked - last_chunk, RUNTIME_DONE_MS)
        self.assertEqual([one["for"] for one in run.stats["held"]["recent"]], ["telemetry"] * 3)


class FifteenMinutes(World):
    """The longest timeout there is."""

    def play_long(self, pace, before=0):
        """The run, and its one long invoke, whose error is at its beginning."""
        run = self.play(f"invoke*{before + 1} spindown", timeout_ms=900000, THAW_PACE=pace,
                        events=[{"errors": 0}] * before + [{"errors": 1, "flush": True, "after_ms": 2000}])
        return run, run.invokes[-1]

    def test_an_early_error_is_delivered_while_the_function_runs(self):
        for pace in ("prompt", "adaptive", "overlap"):
            with self.subTest(pace):
                run, invoke = self.play_long(pace)
                (share,) = self.shares(run)
                print(f"{pace}: arrival {share:.0f} ms behind the hand-over")
                self.assertLess(run.arrived_at[run.sent[0]], invoke["start_ms"] + invoke["response_ms"])
                self.assertLessEqual(share, FIRST_MS + NOISE_MS)

    def test_where_the_next_invoke_is_soon_too(self):
        for pace in ("adaptive", "overlap"):
            with self.subTest(pace):
                run, invoke = self.play_long(pace, before=9)
                (share,) = self.shares(run)
                print(f"{pace}, soon: arrival {share:.0f} ms behind the hand-over")
                self.assertLess(run.arrived_at[run.sent[0]], invoke["start_ms"] + invoke["response_ms"])
                self.assertLessEqual(share, LATE_MS + FIRST_MS + NOISE_MS)

    def test_the_deadline_is_believed(self):
        run = self.play("invoke*2 spindown", timeout_ms=900000, events=[{**ONE, "then": "exit:1"}, ONE])
        self.assertEqual(run.failures, [["Lambda.RuntimeExit", run.invokes[0]["request_id"], 900]])
        self.assertEqual(len(set(run.arrivals)), 3)


class Small(World):
    """What 128 MB get of a processor: 1/14 of one (1,769 MB are one: AWS docs, "Configure Lambda function memory")."""

    def test_a_fourteenth_of_a_core(self):
        run = self.play("init invoke*5 spindown", "--cpu", "0.07", "--memory-mb", "128",
                        "--init-type", "provisioned-concurrency")  # whose init may take longer than ten seconds
        isolation = run.report["isolation"]
        if "cpu" not in isolation["done"]:
            self.skipTest(f"no quota: {isolation['not_done'].get('cpu')}")
        self.assertEqual([invoke["status"] for invoke in run.invokes], ["success"] * 5)
        self.assertEqual(len(run.sent), 5)
        print(f"billed: {[round(invoke['billed_ms']) for invoke in run.invokes]} ms")
        self.ended_well(run)


if __name__ == "__main__":
    os.environ.pop("SENTRY_DSN", None)
    unittest.main(verbosity=2)
