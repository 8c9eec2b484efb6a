#!/usr/bin/env python3
"""A second opinion: Thaw under AWS's own platform code, the Runtime Interface Emulator, with AWS's own
runtime client and a real SDK. What it does not do as the platform does: tests/README.md.

`-k NAME` picks a case. Needs root, for namespaces; without, each case is skipped and says so.
"""

import concurrent.futures
import sys
import time
import unittest

import relaying
import rie
import sandbox

REASON = rie.why_not()
# The longest hold (THAW_BUDGET_MS), and what a slow machine needs beyond.
BUDGET, SLACK = 1.0, 0.7
SKIPPED = 77  # for ctest


@unittest.skipIf(REASON, REASON)
class Case(unittest.TestCase):
    """What every case ends with."""

    def done(self, answer, order):
        """An invoke that succeeded."""
        self.assertEqual((answer.status, answer.json()), (200, {"done": order}))

    def ended(self, run, orders, reasons, failure=None, request=None):
        """SIGTERM: the platform gave these reasons, all was delivered once, and the books balance. One event
        says that this request failed, or none that any did."""
        lines = run.stop()
        self.assertEqual(run.shutdown_reasons(), reasons)
        self.assertEqual(run.orders(), sorted(orders))
        self.assertEqual(len(lines), len(reasons), "a SHUTDOWN line of each process")
        for line in lines:
            relaying.balance(self, line)
            self.assertEqual(line["envelopes"]["lost"], 0)
        self.assertEqual(lines[-1]["envelopes"]["waiting"], 0)
        self.failed(run, lines, failure, request)

    def failed(self, run, lines, failure=None, request=None):
        """At most one event of a failure, with that exception and of that request."""
        told = [(sandbox.exception_type(event), event["tags"]["aws_request_id"])
                for event in run.failure_events()]
        self.assertEqual(told, [(failure, request)] if failure else [])
        self.assertEqual(sum(line["failures"]["reported"] for line in lines), len(told))


class Standard(Case):
    """One invoke at a time."""

    def test_register_and_invoke(self):
        with rie.Emulator() as run:
            for order in 1, 2, 3:
                self.done(run.invoke(order=order), order)
            (registered,) = run.says("External agent thaw")
            self.assertIn("subscribed to [INVOKE SHUTDOWN]", registered)
            self.ended(run, [1, 2, 3], ["SandboxTerminated"])

    def test_an_answer_is_held_until_thaw_asks_for_next(self):
        with rie.Emulator() as run:
            run.upstream.delay = 0.5
            begun = time.monotonic()
            # Nothing says that this one will make an event: next is asked at once.
            self.done(run.invoke(order=1), 1)
            answer = run.invoke(order=2)
            self.done(answer, 2)
            self.assertIn(1, run.orders(), "what waited has left before next")
            self.assertGreaterEqual(time.monotonic() - begun, 0.5)
            self.assertLess(answer.seconds, BUDGET + SLACK)
            self.ended(run, [1, 2], ["SandboxTerminated"])

    def test_nothing_is_held_past_the_budget_and_sigterm_drains(self):
        with rie.Emulator() as run:
            run.upstream.delay = 2 * BUDGET
            self.done(run.invoke(order=1), 1)
            answer = run.invoke(order=2)
            self.done(answer, 2)
            self.assertGreaterEqual(answer.seconds, BUDGET / 2)
            self.assertLess(answer.seconds, BUDGET + SLACK)
            self.assertEqual(run.orders(), [])
            run.upstream.delay = 0
            (line,) = run.stop()
            relaying.balance(self, line)
            self.assertEqual((line["envelopes"]["delivered"], line["envelopes"]["waiting"]), (2, 0))
            self.failed(run, [line])
            # What was on its way when the budget ended may have been sent again.
            self.assertEqual(set(run.orders()), {1, 2})

    def test_without_telemetry_silence_is_the_end_of_a_function(self):
        with rie.Emulator() as run:
            run.upstream.delay = 0.1
            # Longer at work than THAW_QUIET_MS: Thaw has asked for next before the second error.
            self.done(run.invoke(order=1, work_ms=200, late=True), 1)
            self.assertEqual(run.seen("subscribe"), [202])
            stats = run.stats()
            self.assertEqual(stats["telemetry"]["state"], "refused")
            self.assertEqual(stats["held"]["unknown"], 1)
            self.done(run.invoke(order=2), 2)
            self.ended(run, [1, 1, 2], ["SandboxTerminated"])

    def test_an_exception_of_the_handler_is_an_answer(self):
        with rie.Emulator() as run:
            answer = run.invoke(order=1, then="raise")
            self.assertEqual((answer.status, answer.json()["errorType"]), (200, "ValueError"))
            pid = run.thaw()
            self.done(run.invoke(order=2), 2)
            self.assertEqual(run.thaw(), pid)
            self.ended(run, [1, 1, 2], ["SandboxTerminated"])

    def test_a_function_past_its_timeout(self):
        with rie.Emulator(env={"AWS_LAMBDA_FUNCTION_TIMEOUT": "3"}) as run:
            answer = run.invoke(order=1, then="hang")
            self.assertEqual((answer.status, answer.text), (200, "Task timed out after 3.00 seconds"))
            self.assertLess(answer.seconds, 3 + SLACK)
            self.reset(run, "Timeout", [1], "Lambda.Timeout")

    def test_a_runtime_that_exits(self):
        for status, why in (0, "without providing a reason"), (7, "with error: exit status 7"):
            with self.subTest(status), rie.Emulator() as run:
                answer = run.invoke(order=1, then="exit", status=status)
                self.assertEqual((answer.status, answer.json()["errorType"]), (502, "Runtime.ExitError"))
                self.assertIn(why, answer.json()["errorMessage"])
                self.reset(run, "ReleaseFail", [1], "Lambda.RuntimeExit")

    def reset(self, run, reason, orders, failure):
        """Behind a failed invoke: a new Thaw with the next one, and events still flow."""
        self.assertEqual(run.shutdown_reasons(), [reason])
        self.assertEqual(run.orders(), orders, "delivered before the reset")
        self.done(run.invoke(order=8), 8)
        self.assertTrue(run.says("INIT START(type: on-demand, phase: invoke)"))
        pid = run.thaw()
        self.done(run.invoke(order=9), 9)
        self.assertEqual(run.thaw(), pid)
        self.ended(run, [*orders, 8, 9], [reason, "SandboxTerminated"], failure, run.request_ids()[0])

    def test_what_a_reset_left_in_tmp_is_delivered_by_the_next_process(self):
        with rie.Emulator() as run:
            self.done(run.invoke(order=1), 1)
            rie.until(lambda: run.orders() == [1], "delivered")
            run.upstream.status = 503
            run.invoke(order=2, then="exit", status=7)
            run.upstream.status = 200
            self.done(run.invoke(order=3), 3)
            # The function's error, and what Thaw says of its end.
            rie.until(lambda: run.stats()["items"]["error"]["recovered"] == 2, "recovered")
            first, second = run.stop()
            for line in first, second:
                relaying.balance(self, line)
            self.assertEqual(first["envelopes"]["waiting"], 2)
            self.assertEqual((second["envelopes"]["waiting"], second["envelopes"]["lost"]), (0, 0))
            self.assertEqual(set(run.orders()), {1, 2, 3})
            self.failed(run, [first, second], "Lambda.RuntimeExit", run.request_ids()[1])

    def test_a_lost_connection_of_next(self):
        with rie.Emulator() as run:
            self.done(run.invoke(order=1), 1)
            run.cut_next()
            try:
                rie.until(lambda: run.says("asking for the next event failed"), "cut", timeout=5)
            except AssertionError:
                self.skipTest("this kernel does not kill sockets (CONFIG_INET_DIAG_DESTROY)")
            for order in 2, 3, 4:
                answer = run.invoke(order=order)
                self.done(answer, order)
                self.assertLess(answer.seconds, BUDGET + SLACK)
            # The platform wrote the first of them to the dead connection; the others came as ever.
            self.assertEqual(run.stats()["invokes"], 3)
            self.assertGreaterEqual(run.stats()["platform_retries"], 1)
            self.ended(run, [1, 2, 3, 4], ["SandboxTerminated"])


class Layer(Case):
    """The layer's zip, unpacked to /opt and nothing else, with the function of layer/example."""

    @unittest.skipUnless(rie.LAYER.exists(), f"{rie.LAYER.name} is missing: make layer")
    def test_one_error_arrives_once(self):
        with rie.Emulator(layer=True) as run:
            answer = run.invoke()
            self.assertEqual((answer.status, answer.json()["errorType"]), (200, "ZeroDivisionError"))
            self.assertEqual(run.invoke(divisor=6).json(), {"quotient": 7})
            rie.until(run.events, "delivered")
            self.assertIn("thaw", [rie.name_of(pid) for pid in rie.others()])
            (line,) = run.stop()
            self.assertEqual([sandbox.exception_type(event) for event in run.events()], ["ZeroDivisionError"])
            self.assertEqual((line["items"]["error"]["accepted"], line["envelopes"]["delivered"]), (1, 1))
            relaying.balance(self, line)
            self.failed(run, [line])
            self.assertEqual(run.says("thaw-exec: "), [])


class ManagedInstance(Case):
    """Several invokes at a time, no INVOKE for extensions, the real Telemetry API."""

    WORKERS = 4

    def test_concurrent_invokes(self):
        with rie.Emulator(concurrency=self.WORKERS) as run:
            # None answers before all have begun.
            self.all_at_once(run, range(self.WORKERS), meet=self.WORKERS)
            self.joined(run)
            rie.until(lambda: len(self.reported(run, "success")) == self.WORKERS, "telemetry")
            self.ended(run, range(self.WORKERS), ["spindown"])

    def all_at_once(self, run, orders, **event):
        """Every order in an invoke of its own; all succeed."""
        with concurrent.futures.ThreadPoolExecutor(len(orders)) as pool:
            answers = pool.map(lambda order: run.invoke(order=order, **event), orders)
        for order, answer in zip(orders, answers):
            self.done(answer, order)

    def joined(self, run):
        """Thaw was refused INVOKE, took SHUTDOWN and holds nothing; telemetry is the platform's real one."""
        (refused,) = [line for line in run.says("ErrorInvalidEventType") if "agentName=thaw" in line]
        self.assertIn("event=INVOKE", refused)
        self.assertEqual(run.seen("register"), [403, 200])
        self.assertEqual(run.seen("subscribe"), [200])
        stats = run.stats()
        self.assertEqual((stats["pace"], stats["invokes"]), ("continuous", 0))
        # Thaw need not subscribe here; if it does, it must be heard.
        subscribed = [line for line in run.says("Telemetry subscription created")
                      if "agentName=thaw" in line]
        self.assertEqual(stats["telemetry"]["state"], "on" if subscribed else "off")

    def reported(self, run, status):
        """The platform's reports of one status."""
        return [record for record in run.seen("telemetry")
                if record["type"] == "platform.report" and record["record"]["status"] == status]

    def test_an_invoke_past_its_timeout_leaves_the_others_alone(self):
        with rie.Emulator(concurrency=2, env={"AWS_LAMBDA_FUNCTION_TIMEOUT": "3"}) as run:
            self.done(run.invoke(order=1), 1)
            pid = run.thaw()
            answer = run.invoke(order=2, then="hang")
            self.assertEqual(answer.json()["errorType"], "Sandbox.Timedout")
            self.done(run.invoke(order=3), 3)
            self.assertEqual(run.thaw(), pid)
            (report,) = rie.until(lambda: self.reported(run, "timeout"), "telemetry")
            rie.until(run.failure_events, "Thaw, too, has heard")
            self.ended(run, [1, 2, 3], ["spindown"], "Lambda.Timeout", report["record"]["requestId"])

    def test_an_exception_of_the_handler_is_reported_but_not_as_a_failure(self):
        with rie.Emulator(concurrency=1) as run:
            answer = run.invoke(order=1, then="raise")
            self.assertEqual((answer.status, answer.json()["errorType"]), (200, "ValueError"))
            (report,) = rie.until(lambda: self.reported(run, "error"), "telemetry")
            self.assertEqual(report["record"]["errorType"], "Runtime.Unknown")
            self.done(run.invoke(order=2), 2)
            # The SDK has seen the exception: it is not one that Thaw must report.
            self.failed(run, run.stop())

    def test_sigterm_drains(self):
        with rie.Emulator(concurrency=self.WORKERS) as run:
            self.done(run.invoke(order=0), 0)
            run.upstream.delay = 0.5
            self.all_at_once(run, range(1, self.WORKERS + 1))
            self.ended(run, range(self.WORKERS + 1), ["spindown"])


if __name__ == "__main__":
    if not REASON:
        rie.enter(__file__)
    result = unittest.main(verbosity=2, exit=False).result
    skipped_all = result.testsRun == len(result.skipped)
    sys.exit(1 if not result.wasSuccessful() else SKIPPED if skipped_all else 0)
