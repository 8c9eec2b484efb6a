#!/usr/bin/env python3
"""THAW_DISABLED, the kill switch, sentence by sentence: the real binary, a real SDK, the sandbox.

`-k NAME` picks a case.
"""

import http.client
import pathlib
import tempfile
import unittest

import relaying
import sandbox

INVOKES = 4
OFF = {"THAW_DISABLED": "1"}
UPSTREAM = f"http://{sandbox.KEY}@{{upstream}}/{sandbox.PROJECT}"
LIMIT = "60::organization"
THAW_EXEC = sandbox.ROOT / "layer/thaw-exec"


def play(env=None, options=(), wrapper=()):
    """Invokes with an error each, Thaw switched off."""
    return sandbox.run("python", f"invoke*{INVOKES} spindown", thaw=True, env={**OFF, **(env or {})},
                       events=[{"errors": 1, "flush": True}], options=["--gap-ms", "50", *options],
                       wrapper=wrapper)


def told(run, start):
    """What the platform has noted that begins so."""
    return [event["what"] for event in run.report["platform"] if event["what"].startswith(start)]


class PointedAtIt(unittest.TestCase):
    """An SDK whose DSN names Thaw: it neither fails nor works for nothing."""

    @classmethod
    def setUpClass(cls):
        cls.run_ = play()

    def test_invokes_succeed_and_thaw_lives_until_shutdown(self):
        self.assertEqual([invoke["status"] for invoke in self.run_.invokes], ["success"] * INVOKES)
        self.assertEqual(self.run_.report["problems"], [])
        self.assertEqual(told(self.run_, "exit thaw"), ["exit thaw: exit code 0"])

    def test_it_registers_for_shutdown_only(self):
        self.assertEqual(told(self.run_, "EXTENSION Name: thaw"),
                         ["EXTENSION Name: thaw State: Ready Events: [SHUTDOWN]"])

    def test_no_upstream_connection(self):
        self.assertEqual(self.run_.report["upstream"]["connections"], 0)

    def test_no_telemetry(self):
        self.assertEqual(told(self.run_, "subscribe"), [])
        self.assertEqual(self.run_.stats["telemetry"]["state"], "off")

    def test_one_log_line(self):
        lines = [line for line in self.run_.report["extension_log"] if not line.startswith('{"')]
        self.assertEqual(len(lines), 1, lines)
        self.assertIn("THAW_DISABLED", lines[0])

    def test_the_sdk_stops_sending_after_the_first_answer(self):
        """And what it has sent is accounted for."""
        error = self.run_.stats["items"]["error"]
        self.assertEqual(error["accepted"], 1)
        self.assertEqual(error["dropped"], {"disabled": 1})
        self.assertEqual(self.run_.stats["rejected"], {})
        relaying.balance(self, self.run_.stats)

    def test_the_summary_says_that_it_is_disabled(self):
        self.assertIs(self.run_.stats["disabled"], True)


class Disabled(unittest.TestCase):
    """What else there is to say."""

    def test_no_journal_and_no_ready_file(self):
        with tempfile.TemporaryDirectory() as folder:
            spool = pathlib.Path(folder) / "thaw"
            for env, there in (OFF, False), ({"THAW_DISABLED": "0"}, True):
                run = play({**env, "THAW_SPOOL_DIR": str(spool)}, ["--isolation", "off"])
                self.assertEqual(run.stats["durable"], there)
                self.assertEqual(spool.exists(), there)

    def test_an_sdk_whose_dsn_is_sentrys_goes_straight_there(self):
        run = play({"SENTRY_DSN": UPSTREAM})
        self.assertEqual((len(run.arrived), run.duplicates), (INVOKES, 0))
        self.assertIsNone(run.stats, "nothing came by Thaw, so there is nothing to say")

    def test_thaw_exec_leaves_the_dsn_alone(self):
        run = play({"SENTRY_DSN": UPSTREAM}, wrapper=[str(THAW_EXEC)])
        self.assertEqual((len(run.arrived), run.duplicates), (INVOKES, 0))
        self.assertIsNone(run.stats, "nothing came by Thaw")

    def test_a_reset_is_survived(self):
        run = sandbox.run("python", "invoke*3 spindown", thaw=True, env=OFF,
                          events=[{"errors": 1, "flush": True}, {"then": "crash"}], options=["--gap-ms", "50"])
        self.assertEqual([invoke["status"] for invoke in run.invokes], ["success", "error", "success"])
        self.assertEqual(run.report["upstream"]["connections"], 0, "nor is the failure reported")
        self.assertEqual(told(run, "exit thaw"), ["exit thaw: exit code 0"] * 2)

    def test_whatever_is_sent_is_answered_alike_and_stats_show_it(self):
        upstream = relaying.Upstream()
        self.addCleanup(upstream.close)
        with tempfile.TemporaryDirectory() as folder:
            thaw = relaying.Thaw(pathlib.Path(folder) / "thaw", upstream.port, env={"THAW_DISABLED": "yes"})
            try:
                for path, body in ((relaying.EVENT_PATH, relaying.event(1)), (relaying.EVENT_PATH, b"nonsense"),
                                   ("/envelope", relaying.event(2)), ("/api/1/store/", b"{}"),
                                   ("/api/42/cron/nightly/", b"")):
                    self.assertEqual(self.post(thaw.port, path, body), (200, b"{}", LIMIT), path)
                stats = thaw.stats()
                self.assertIs(stats["disabled"], True)
                self.assertEqual(stats["items"]["error"]["dropped"], {"disabled": 2})
                self.assertEqual(stats["items"]["monitor"]["dropped"], {"disabled": 1})
                relaying.balance(self, stats)
            finally:
                thaw.stop()
        self.assertEqual(upstream.bodies(), [])
        self.assertEqual(len([line for line in thaw.lines if "THAW_DISABLED is set" in line]), 1)

    @staticmethod
    def post(port, path, body):
        """Status, body and limits."""
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request("POST", path, body)
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        return answer.status, text, answer.getheader("X-Sentry-Rate-Limits")


if __name__ == "__main__":
    unittest.main(verbosity=2)
