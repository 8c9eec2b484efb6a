#!/usr/bin/env python3
"""The tunnel: Sentry's Node SDK with the option `tunnel` at POST /envelope, in real freezes.

Its DSN is Sentry's own, and travels in the envelope. `-k NAME` picks a case.
"""

import unittest

import relaying
import sandbox

INVOKES = 8
UPSTREAM = f"http://{sandbox.KEY}@{{upstream}}/{sandbox.PROJECT}"
THROUGH = {"SENTRY_DSN": UPSTREAM, "THAW_UPSTREAM_DSN": None, "TUNNEL": "http://localhost:{port}/envelope"}


class Tunnel(unittest.TestCase):
    """Nothing that the SDK handed over is lost or comes twice."""

    def play(self, *, size=0, flush=True, env=None, options=("--freeze", "live"), arrive=True):
        """An error in each invoke."""
        run = sandbox.run("node", f"invoke*{INVOKES} spindown", thaw=True, env={**THROUGH, **(env or {})},
                          events=[{"errors": 1, "size": size, "flush": flush}],
                          options=["--gap-ms", "100", "--timeout-ms", "10000", *options])
        self.assertEqual([invoke["status"] for invoke in run.invokes], ["success"] * INVOKES)
        self.assertEqual(run.report["problems"], [])
        relaying.balance(self, run.stats)
        self.assertEqual(run.stats["rejected"], {})
        if arrive:
            self.assertEqual(len(run.sent), INVOKES)
            self.assertEqual((run.arrived, run.duplicates), (set(run.sent), 0))
        return run

    def test_flushed(self):
        self.play(options=["--freeze", "live", "--upstream-latency-ms", "80"])

    def test_larger_than_what_the_sdk_sends_plain(self):
        # Above 32 KiB it is gzip, which Sentry's extension answers with 500.
        self.play(size=100 * 1024)

    def test_a_host_named_in_the_envelope(self):
        self.play(env={"SENTRY_DSN": None, "THAW_ALLOWED_HOSTS": "http://{upstream}"},
                  options=["--function-env", f"SENTRY_DSN={UPSTREAM}"])

    def test_a_host_that_is_not_allowed(self):
        run = sandbox.run("node", "invoke*2 spindown", thaw=True, events=[{"errors": 1, "flush": True}],
                          env={**THROUGH, "SENTRY_DSN": None}, options=["--function-env", f"SENTRY_DSN={UPSTREAM}"])
        self.assertEqual([invoke["status"] for invoke in run.invokes], ["success"] * 2)
        self.assertEqual(run.report["upstream"]["connections"], 0)
        self.assertEqual(set(run.stats["rejected"]), {"not_allowed"})

    def test_limits_come_back(self):
        run = self.play(options=["--freeze", "live", "--upstream-fault", "status:429", "--upstream-fault",
                                 "header:X-Sentry-Rate-Limits=60:error:organization"], arrive=False)
        # Which answer tells depends on what else the SDK has sent by then.
        self.assertIn(run.stats["items"]["error"]["accepted"], (1, 2, 3))


if __name__ == "__main__":
    unittest.main(verbosity=2)
