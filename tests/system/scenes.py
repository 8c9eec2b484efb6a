#!/usr/bin/env python3
"""The scenes: a real SDK in a real freeze, with Thaw, and nothing that the SDK handed over is lost.

One row a scene, one test a row and function. Run by ctest as `scenes.py FUNCTION`; `-k NAME` picks a row.
"""

import sys
import unittest

import relaying
import sandbox

COMMON = ["--gap-ms", "100", "--timeout-ms", "10000"]
INVOKES = 12


class Scene:
    """What happens, and what may come of it."""

    def __init__(self, name, options, *, script=None, size=0, flush=True, cuts=False, env=None):
        self.name = name
        self.options = options
        self.script = script or f"invoke*{INVOKES} spindown"
        self.size = size
        self.flush = flush
        self.cuts = cuts
        self.env = env or {}


SCENES = [
    Scene("connections live", ["--freeze", "live", "--upstream-latency-ms", "80"]),
    Scene("connections live, without flush",
          ["--freeze", "live", "--upstream-latency-ms", "80"], flush=False),
    Scene("connections cut in each freeze",
          ["--freeze", "cut", "--upstream-latency-ms", "80"], cuts=True),
    Scene("connections cut in each freeze, without flush",
          ["--freeze", "cut", "--upstream-latency-ms", "80"], cuts=True, flush=False),
    Scene("killed without SHUTDOWN", ["--freeze", "cut", "--upstream-latency-ms", "80"],
          script=f"invoke*{INVOKES} kill", cuts=True),
    Scene("upstream slow", ["--freeze", "cut", "--upstream-latency-ms", "400"], cuts=True),
    Scene("503 for the first ten requests",
          ["--freeze", "live", "--upstream-latency-ms", "40", "--upstream-fault", "status:503*10"],
          script="invoke*20 spindown"),
    Scene("every third request reset",
          ["--freeze", "live", "--upstream-latency-ms", "40", "--upstream-fault", "reset-before:every3"]),
    Scene("TLS, connections live",
          ["--tls", "--freeze", "live", "--upstream-latency-ms", "80"], env=sandbox.TLS),
    Scene("TLS, connections cut in each freeze",
          ["--tls", "--freeze", "cut", "--upstream-latency-ms", "80"], cuts=True, env=sandbox.TLS),
    Scene("60 KB bodies", ["--freeze", "cut", "--upstream-latency-ms", "80"], size=60 * 1024, cuts=True),
    Scene("no telemetry", ["--freeze", "live", "--telemetry", "202", "--upstream-latency-ms", "80"]),
]


class Scenes(unittest.TestCase):
    """Filled below: one method a scene."""

    function = "python"
    thaw = True  # or the path of another binary

    def play(self, scene):
        """Runs a scene; the function's answer says what was sent, the upstream what arrived."""
        run = sandbox.run(
            self.function, scene.script, thaw=self.thaw, env=scene.env,
            events=[{"errors": 1, "size": scene.size, "flush": scene.flush}],
            options=[*COMMON, *scene.options])
        self.assertTrue(run.sent, "the function sent nothing: the scene proves nothing")
        self.assertEqual(run.report["problems"], [])
        for arrival in run.report["arrivals"]:
            self.assertEqual(arrival["problems"], [])
        self.check_lost(scene, run)
        # A cut may cost a duplicate now and then; without cuts there is no excuse for one.
        allowed = len(run.sent) // 20 if scene.cuts else 0
        self.assertLessEqual(run.duplicates, allowed, "duplicates")

    def check_lost(self, scene, run):
        """Of what the SDK handed over nothing is lost; with flush() that is everything."""
        if scene.flush:
            self.assertEqual(set(run.sent) - run.arrived, set(), "lost")
        else:
            self.assertEqual(run.handed_over, len(run.arrived), "lost of what was handed over")
        if run.stats is None:
            return
        relaying.balance(self, run.stats)


def method(scene):
    """A test method for one row."""
    return lambda self: self.play(scene)


for _scene in SCENES:
    setattr(Scenes, "test_" + _scene.name.replace(" ", "_").replace(",", ""), method(_scene))


if __name__ == "__main__":
    Scenes.function = sys.argv.pop(1)
    unittest.main(verbosity=2)
