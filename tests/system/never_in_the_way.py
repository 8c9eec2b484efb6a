#!/usr/bin/env python3
"""Promise P3, case by case: whatever is wrong with Thaw or its surroundings, every invoke of the function
succeeds, Thaw lives until SHUTDOWN, and the log says once what to do.

The real binary, a real SDK, the sandbox. `-k NAME` picks a case.
"""

import pathlib
import shutil
import socket
import tempfile
import unittest

import sandbox

INVOKES = 4
# With nothing wrong an invoke ends well below this; with something wrong it may cost the budget (1 s) once.
BUDGET_MS = 1000
SLACK_MS = 700


def texts(log):
    """Log lines as text."""
    return [line if isinstance(line, str) else line.get("line", "") for line in log]


class NeverInTheWay(unittest.TestCase):
    """Each test is one trouble."""

    def play(self, *, thaw=True, env=None, options=(), script=None, advice=None, arrives=None):
        """Runs the function with the trouble and checks what P3 promises."""
        run = sandbox.run(
            "python", script or f"invoke*{INVOKES} spindown", thaw=thaw, env=env,
            events=[{"errors": 1, "flush": True}],
            options=["--freeze", "live", "--gap-ms", "50", "--timeout-ms", "10000", *options])
        self.assertEqual(len(run.invokes), INVOKES)
        for invoke in run.invokes:
            self.assertEqual(invoke["status"], "success", invoke)
            self.assertLess(invoke["billed_ms"] - invoke["response_ms"], BUDGET_MS + SLACK_MS)
        self.assertEqual(self.extension_exits(run), ["exit code 0"], "Thaw ends once, after SHUTDOWN")
        if advice is not None:
            said = [line for line in texts(run.report["extension_log"]) if advice in line]
            self.assertEqual(len(said), 1, run.report["extension_log"])
        if arrives is not None:
            self.assertEqual(len(run.arrived), arrives)
        return run

    def extension_exits(self, run):
        """How extension processes ended, in the sandbox's words."""
        return [event["what"].split(": ", 1)[1] for event in run.report["platform"]
                if event["what"].startswith("exit ") and not event["what"].startswith("exit function")]

    def test_nothing_wrong(self):
        self.play(arrives=INVOKES)

    def test_no_dsn(self):
        self.play(env={"THAW_UPSTREAM_DSN": None}, arrives=0)

    def test_malformed_settings(self):
        self.play(env={"THAW_BUDGET_MS": "soon", "THAW_CONNECTIONS": "-1", "THAW_PACE": "quick",
                       "THAW_UPSTREAM_DSN": "htp:/nonsense"}, advice="THAW_BUDGET_MS")

    def test_port_taken(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            self.play(env={"THAW_PORT": str(taken.getsockname()[1])}, advice="THAW_PORT")

    def test_no_tmp(self):
        self.play(env={"THAW_SPOOL_DIR": "/proc/thaw"}, advice="THAW_SPOOL_DIR", arrives=INVOKES)

    def test_log_pipe_full(self):
        self.play(env={"THAW_LOG": "debug"}, options=["--stdout", "stop"], arrives=INVOKES)

    def test_log_pipe_closed(self):
        self.play(env={"THAW_LOG": "debug"}, options=["--stdout", "close"], arrives=INVOKES)

    def test_upstream_refuses_connections(self):
        self.play(options=["--upstream-fault", "refuse"], arrives=0)

    def test_upstream_hangs(self):
        self.play(options=["--upstream-fault", "hang"])

    def test_upstream_not_trusted(self):
        self.play(env={**sandbox.TLS, "THAW_CA_FILE": None}, options=["--tls"], advice="THAW_CA_FILE",
                  arrives=0)

    def test_registration_refused_for_a_while(self):
        for status in ("403", "500"):
            with self.subTest(status):
                self.play(options=["--register-answer", f"{status}:5"], arrives=INVOKES)

    def test_next_refused_for_a_while(self):
        for status in ("403", "500"):
            with self.subTest(status):
                self.play(options=["--next-answer", f"{status}:1"], arrives=INVOKES)

    def test_another_file_name(self):
        with tempfile.TemporaryDirectory() as folder:
            other = pathlib.Path(folder) / "sentry-relay.bin"
            shutil.copy(sandbox.BUILD / "thaw", other)
            self.play(thaw=other, arrives=INVOKES)

    def test_out_of_descriptors(self):
        # From too few to accept a client up to too few to reach upstream. Without telemetry: its listener
        # needs descriptors of its own, and a runtimeDone that cannot come is waited for.
        for limit in ("10", "11", "12", "13"):
            with self.subTest(limit):
                self.play(env={"THAW_TELEMETRY": "off"}, options=["--nofile", limit])

    def test_lost_next_connection(self):
        self.play(script="invoke drop-next invoke*3 spindown", arrives=INVOKES)


if __name__ == "__main__":
    unittest.main(verbosity=2)
