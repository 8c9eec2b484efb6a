"""What can happen to telemetry on its way: lost, doubled, late, in disorder, forged, held back by a freeze, refused.

AWS docs, "Accessing real-time telemetry data for extensions using the Telemetry API": delivery is best effort.

Usage: telemetry.py PATH/TO/thaw-sandbox [unittest arguments]
"""

import json
import os
import sys
import unittest

import failures
import run


class Faults(failures.FailureTest):
    def types(self, result):
        """What the extension got, in order, without "platform."."""
        return [event["type"].removeprefix("platform.") for _, event in self.news(result)]

    def news(self, result):
        """(epoch ms of the delivery, event), in order."""
        lines = [line.split(" ", 2) for line in result.said("TELEMETRY")]
        return [(int(at), json.loads(event)) for _, at, event in lines]

    def test_an_event_that_is_lost(self):
        result = self.play("--telemetry-lose", "runtimeDone", "--script", "invoke*2 spindown")
        self.assertNotIn("runtimeDone", self.types(result))
        for kind in ("initStart", "initRuntimeDone", "initReport", "start", "report"):
            self.assertIn(kind, self.types(result))
        self.assertEqual(result.statuses(), ["success"] * 2)

    def test_several_that_are_lost(self):
        result = self.play("--telemetry-lose", "runtimeDone", "--telemetry-lose", "initStart", "--script", "invoke spindown")
        self.assertFalse({"runtimeDone", "initStart"} & set(self.types(result)))
        self.assertIn("report", self.types(result))

    def test_who_waits_for_a_lost_one_waits_until_the_timeout(self):
        result = self.play("--telemetry-lose", "runtimeDone", "--timeout-ms", "600", "--script", "invoke", EXT_WAIT_DONE="1")
        self.assertEqual(result.statuses(), ["timeout"])
        self.assertTrue(result.invokes[0]["response"]["ok"])

    def test_doubled_and_late(self):
        result = self.play("--telemetry-repeat", "2", "--telemetry-delay-ms", "200", "--script", "invoke thaw:400",
                           EXT_WAIT_DONE="1")
        self.assertEqual(len(self.told(result, "runtimeDone")), 2)
        self.assertGreaterEqual(result.invokes[0]["billed_ms"], 225)

    def test_the_newest_first(self):
        result = self.play("--telemetry-reverse", "--script", "invoke thaw:100 spindown")
        types = self.types(result)
        self.assertEqual(sorted(types), sorted(self.types(self.play("--script", "invoke thaw:100 spindown"))))
        self.assertLess(types.index("telemetrySubscription"), types.index("initStart"))

    def test_forged_ones_come_while_the_function_runs(self):
        result = self.play("--telemetry-forge", "--script", "invoke spindown", events=[{"sleep_ms": 300}])
        mine, = (invoke["request_id"] for invoke in result.invokes)
        for kind in ("runtimeDone", "report"):
            forged, real = self.told(result, kind)
            self.assertNotEqual(forged["requestId"], mine)
            self.assertEqual([forged["status"], real["requestId"]], ["success", mine])
        at = next(at for at, event in self.news(result) if event["type"] == "platform.runtimeDone")
        self.assertLess(at, result.invokes[0]["start_ms"] + 300)

    def test_batches_are_held_until_the_freeze_is_over(self):
        for held in (0, 1, 2):
            with self.subTest(held):
                result = self.play("--telemetry-hold", str(held), "--script", "invoke freeze:200 thaw:150 freeze:200 thaw:150",
                                   EXT_BUSY_MS="150")
                thaws = [0] + [end for _, end in result.freezes]
                first = self.news(result)[0]
                self.assertGreaterEqual(first[0], thaws[min(held, 1)] - 1)
                done = next(at for at, event in self.news(result) if event["type"] == "platform.runtimeDone")
                self.assertGreaterEqual(done, thaws[held] - 1)
                self.assertLess(done, thaws[held + 1])
                self.assertEqual(len(self.told(result, "runtimeDone")), 1)

    def test_who_asks_for_them_gets_the_lines_of_the_function(self):
        logs = [{"print": "charging card"}, {"print": '{"level": "WARN", "message": "slow"}'}]
        for types in ("platform", "platform,function"):
            result = self.play("--script", "invoke*2 spindown", events=logs, EXT_TELEMETRY_TYPES=types)
            lines = [event["record"] for _, event in self.news(result) if event["type"] == "function" and event["record"] != "SIGTERM"]
            self.assertEqual(lines, ["charging card", {"level": "WARN", "message": "slow"}] if "," in types else [])

    def test_later_schemas_are_refused(self):
        versions = ["2022-07-01", "2022-12-13", "2025-01-29"]
        me = {"Lambda-Extension-Identifier": "MY_ID"}
        calls = [["PUT", "/2022-07-01/telemetry", me, json.dumps({
            "schemaVersion": version, "types": ["platform"], "buffering": {},
            "destination": {"protocol": "HTTP", "URI": "http://sandbox:1"}})] for version in versions]
        for known in range(1, 4):
            result = self.run_sandbox("--telemetry-schema-max", versions[known - 1], "--script", "freeze:1",
                                      EXT_CALLS=json.dumps(calls))
            self.assertEqual([json.loads(line)[0] for line in result.said("CALL")], [200] * known + [400] * (3 - known))


if __name__ == "__main__":
    run.SANDBOX = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=1)
