#!/usr/bin/env python3
"""Every SDK with Thaw, under real freezes: each kind of data it has arrives once; the table says so.

`sdks.py LANGUAGE` runs one row of sdk_functions.py and puts it into build/sdks.md; `sdks.py --write-readme` copies
that table into the README, `sdks.py --check-readme` tells whether it is the one there. `-k NAME` picks a test.
"""

import collections
import pathlib
import secrets
import sys
import tempfile
import unittest

import relaying
import sandbox
import sdk_arrivals
import sdk_functions
import sdk_table

SKIPPED = 77  # for ctest
BURST = 100
OPTIONS = ["--gap-ms", "200", "--timeout-ms", "20000", "--upstream-latency-ms", "40"]
LIMITED_CASES = ["limited", "limited", "transaction", "logs", "check_in", "limited", "session"]


class LimitingUpstream(relaying.Upstream):
    """Wants no errors, for longer than a run lasts: as Sentry says it, to whoever sends one."""

    LIMIT = {"X-Sentry-Rate-Limits": "600:error:key", "Retry-After": "600"}

    def __init__(self):
        self.accepted = []
        super().__init__()

    def answer_to(self, body):
        if any(header["type"] == "event" for header, _ in sdk_arrivals.items_of(body)):
            return 429, self.LIMIT
        self.accepted.append(body)
        return 200, {}


class Invoke:
    """One case's event, and what the function answered."""

    def __init__(self, case):
        self.case = case
        self.marker = secrets.token_hex(6)
        self.count = BURST if case == "burst" else 1
        self.answer = None

    @property
    def event(self):
        """As the function gets it."""
        return {"case": self.case, "marker": self.marker, "count": self.count}


class Sdk(unittest.TestCase):
    """One language; `name` is its key in the table."""

    name = "python"

    @property
    def function(self):
        """Its entry."""
        return sdk_functions.FUNCTIONS[self.name]

    def cases(self, wanted):
        """Those that the SDK has."""
        return [case for case in wanted if case not in self.function.without]

    def play(self, cases, options, upstream="{upstream}", env=None):
        """One invoke a case, frozen between any two. Returns the run, the invokes and what arrived of them."""
        dsn = f"http://{sandbox.KEY}@{upstream}/{sandbox.PROJECT}"
        invokes = [Invoke(case) for case in cases]
        with tempfile.TemporaryDirectory() as bodies:
            variables = [f"--function-env={name}={value.replace('{dsn}', dsn)}" for name, value in
                         {"SENTRY_RELEASE": "shop@1", **self.function.env}.items()]
            run = sandbox.run(
                self.function.command, f"invoke*{len(invokes)} spindown", thaw=True, timeout=280,
                env={"THAW_UPSTREAM_DSN": dsn, **(env or {})}, events=[invoke.event for invoke in invokes],
                options=[*OPTIONS, "--bodies", bodies, *variables, *options])
            arrived = sdk_arrivals.Sightings(
                path.read_bytes() for path in sorted(pathlib.Path(bodies).iterdir()))
        self.check_run(run, invokes)
        return run, invokes, arrived

    def check_run(self, run, invokes):
        """Nobody complains, all invokes were frozen apart and sent what they had to, and Thaw's books balance."""
        self.assertEqual(run.report["problems"], [])
        for arrival in run.report["arrivals"]:
            self.assertEqual(arrival["problems"], [])
        self.assertEqual(len(run.invokes), len(invokes))
        for invoke, told in zip(invokes, run.invokes):
            self.assertEqual(told["status"], "success", f"{invoke.case}: {told} {run.report['function_log'][-20:]}")
            invoke.answer = told["response"]
            self.assertTrue(invoke.answer.get("sent"), f"{invoke.case}: nothing was sent, which proves nothing")
        self.assertGreaterEqual(len(run.report["freezes"]), len(invokes) - 1)
        self.assertIsNotNone(run.stats, "no summary line of Thaw's")
        relaying.balance(self, run.stats)

    def check(self, invoke, arrived, duplicates):
        """All of one case is there, once."""
        for sight in sdk_arrivals.expected(invoke.case, invoke.marker, invoke.count):
            self.assertGreaterEqual(arrived.counts[sight], 1, f"{invoke.case}: lost {sight}")
            if not duplicates:
                self.assertEqual(arrived.counts[sight], 1, f"{invoke.case}: more than once: {sight}")
        if invoke.case == "transaction":
            self.assertGreaterEqual(arrived.children(invoke.marker), 3, "spans")
        if invoke.case == "large":
            self.assertIn(invoke.marker, arrived.large, "was not above 64 KB when it was compressed")
        if invoke.case == "session":
            self.check_session(invoke, arrived, duplicates)

    def check_session(self, invoke, arrived, duplicates):
        """Its steps differ from each other."""
        sessions = arrived.sessions_of(invoke.marker if self.function.session_marker else None)
        self.assertTrue(sessions, "session: lost")
        if not duplicates:
            twice = [session for session, count in collections.Counter(sessions).items() if count > 1]
            self.assertEqual(twice, [], "session: more than once")

    def all_delivered(self, stats, but=()):
        """Nothing that Thaw took was dropped or refused, in any other category than these."""
        for category, items in stats["items"].items():
            if category not in but:
                self.assertEqual(items["delivered"], items["accepted"], f"{category}: {items}")

    def test_connections_live(self):
        run, invokes, arrived = self.play(self.cases(sdk_table.CASES[:-1]), ["--freeze", "live"])
        for invoke in invokes:
            with self.subTest(case=invoke.case):
                self.check(invoke, arrived, duplicates=False)
        self.all_delivered(run.stats)
        errors = sum(count for (what, _), count in arrived.counts.items() if what == "error")
        self.assertEqual(run.stats["items"]["error"]["delivered"], errors, "not all came through Thaw")

    def test_connections_cut_in_each_freeze(self):
        _, invokes, arrived = self.play(self.cases(sdk_table.CASES[:-1]), ["--freeze", "cut"])
        for invoke in invokes:
            with self.subTest(case=invoke.case):
                self.check(invoke, arrived, duplicates=True)

    def test_rate_limited(self):
        upstream = LimitingUpstream()
        self.addCleanup(upstream.close)
        run, invokes, _ = self.play(
            self.cases(LIMITED_CASES), ["--freeze", "live", "--upstream", "none"],
            upstream=f"127.0.0.1:{upstream.port}", env={"THAW_COMPRESSION": "none"})
        arrived = sdk_arrivals.Sightings(upstream.accepted)
        for invoke in invokes:
            if invoke.case == "limited":
                self.assertEqual(arrived.counts["error", invoke.marker], 0, "a limited error arrived")
            else:
                self.check(invoke, arrived, duplicates=False)
        errors = run.stats["items"]["error"]
        # The first is refused; of the others the SDK holds back what it has been told of.
        held_back = 3 - errors["accepted"]
        self.assertIn(held_back, (0, 1, 2), errors)
        self.assertEqual(errors["refused"].get("429", 0), 1, errors)
        self.assertEqual(errors["dropped"].get("ratelimit_backoff", 0), errors["accepted"] - 1, errors)
        self.all_delivered(run.stats, but=["error"])


def main(arguments):
    """As the command line says."""
    if arguments[:1] == ["--write-readme"]:
        return sdk_table.write_readme()
    if arguments[:1] == ["--check-readme"]:
        return sdk_table.check_readme()
    Sdk.name = arguments[0]
    why = sdk_functions.why_not(Sdk.name)
    if why:
        print(f"skipped: {why}")
        return SKIPPED
    result = unittest.main(argv=[sys.argv[0], *arguments[1:]], verbosity=2, exit=False).result
    if "-k" not in arguments:
        sdk_table.write(Sdk.name, result.wasSuccessful())
    return 0 if result.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
