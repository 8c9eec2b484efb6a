"""The sandbox's other worlds: provisioned concurrency, streaming.

Usage: worlds.py PATH/TO/thaw-sandbox [unittest arguments]
"""

import json
import os
import sys
import unittest

import run


class WorldsTest(run.SandboxTest):
    def events(self, result):
        """[epoch ms of its arrival, event] of all telemetry."""
        return [(int(at), json.loads(text)) for at, text in
                (line.split(" ", 2)[1:] for line in result.said("TELEMETRY"))]

    def records(self, result, kind):
        return [event["record"] for _, event in self.events(result) if event["type"] == "platform." + kind]

    def shutdowns(self, result):
        return [line.split()[0] for line in result.said("SHUTDOWN")]

    def environment_of_extension(self, result):
        return json.loads(result.said("START")[0].split("] ", 1)[1].split(" ", 1)[1])


class Early(WorldsTest):
    """Environments that are there long before their first invoke, or never see one."""

    def test_provisioned_concurrency_initialises_long_before_the_first_invoke(self):
        result = self.run_sandbox("--init-type", "provisioned-concurrency", "--script",
                                  "init freeze:400 invoke spindown", EXT_TELEMETRY="1")
        self.assertEqual(self.environment_of_extension(result)["AWS_LAMBDA_INITIALIZATION_TYPE"],
                         "provisioned-concurrency")
        self.assertEqual({r["initializationType"] for r in self.records(result, "initStart")},
                         {"provisioned-concurrency"})
        self.assertGreaterEqual(result.invokes[0]["start_ms"] - result.happened("init done")[0], 399)
        self.assertEqual([i["phase"] for i in result.invokes], ["warm"])
        self.assertEqual(len(result.said("REGISTERED")), 1)

    def test_an_environment_may_see_nothing_but_shutdown(self):
        for kind in ("on-demand", "provisioned-concurrency", "lambda-managed-instances"):
            with self.subTest(kind):
                result = self.run_sandbox("--init-type", kind, "--script", "init spindown init spindown",
                                          EXT_EVENTS="SHUTDOWN")
                self.assertEqual(result.invokes, [])
                self.assertEqual(self.shutdowns(result), ["spindown"] * 2)
                self.assertEqual(len(result.freezes), 0 if kind == "lambda-managed-instances" else 2)

    def test_init_freezes_at_once(self):
        result = self.run_sandbox("--script", "init freeze:200 spindown")
        self.assertEqual(len(result.freezes), 1)
        self.assertLess(result.freezes[0][0] - result.happened("init done")[0], 50)

    def test_rest_is_not_followed_by_a_freeze(self):
        result = self.run_sandbox("--script", "invoke rest:200 spindown")
        self.assertEqual(len(result.freezes), 1)
        self.assertGreaterEqual(result.happened("shutdown")[0] - result.freezes[0][1], 199)

    def test_a_timeout_of_fifteen_minutes(self):
        result = self.run_sandbox("--script", "invoke", "--timeout-ms", "900000")
        invoke = result.invokes[0]
        self.assertEqual(invoke["deadline_ms"] - invoke["start_ms"], 900000)
        left = int(result.said("INVOKE")[0].split()[1])
        self.assertTrue(899000 < left <= 900000, left)
        self.assertEqual(self.environment_of_extension(result)["AWS_LAMBDA_INITIALIZATION_TYPE"], "on-demand")


class Streaming(WorldsTest):
    def run_stream(self, event, *options, **env):
        return self.run_sandbox("--script", "invoke freeze:1 thaw:100", *options, events=[event], EXT_TELEMETRY="1",
                                **env)

    def test_the_response_ends_with_its_last_chunk(self):
        result = self.run_stream({"stream": 4, "stream_ms": 100}, EXT_WAIT_DONE="1")
        invoke = result.invokes[0]
        self.assertEqual(invoke["status"], "success")
        self.assertTrue(invoke["response"]["ok"])
        self.assertGreaterEqual(invoke["response_ms"] - invoke["begun_ms"], 399)
        self.assertGreaterEqual(invoke["billed_ms"], invoke["response_ms"] + 25)
        done = self.records(result, "runtimeDone")
        self.assertEqual([d["status"] for d in done], ["success"])
        self.assertGreaterEqual(done[0]["metrics"]["durationMs"], invoke["response_ms"])

    def test_a_stream_that_fails_half_way_says_so_in_its_trailers(self):
        result = self.run_stream({"stream": 2, "fail_stream": "Function.Broke"})
        invoke = result.invokes[0]
        self.assertEqual([invoke["status"], invoke["error_type"]], ["error", "Function.Broke"])
        self.assertEqual(json.loads(invoke["error_body"]), {"errorMessage": "half-way"})
        self.assertTrue(invoke["response"]["ok"], "the caller has had what came before")
        self.assertIn("stream answered 202", result.function_log)

    def test_a_stream_may_be_larger_than_a_buffered_response(self):
        result = self.run_stream({"stream": 5, "big": 7 << 20})
        self.assertEqual(result.statuses(), ["success"])

    def test_there_is_no_other_mode(self):
        result = self.run_stream({"stream": 1, "mode": "dripping"})
        self.assertEqual(result.invokes[0]["error_type"], "Runtime.InvalidResponseModeHeader")
        self.assertIn("stream answered 400", result.function_log)

    def test_a_stream_that_does_not_end_in_time_is_a_timeout(self):
        result = self.run_stream({"stream": 5, "stream_ms": 200}, "--timeout-ms", "500")
        self.assertEqual(result.statuses(), ["timeout"])


class SideBySide(WorldsTest):
    def others(self, count):
        """Options for so many extensions beside the first."""
        options = []
        for number in range(count):
            path = os.path.join(self.dir.name, f"other-{number}")
            os.link(self.extension, path)
            options += ["--extension", path]
        return options

    def test_the_tenth_of_them_may_be_an_internal_one_but_not_the_eleventh(self):
        script = ("import json,os,urllib.error,urllib.request as u;a='http://'+os.environ['AWS_LAMBDA_RUNTIME_API'];"
                  "r=u.Request(a+'/2020-01-01/extension/register',b'{}',{'Lambda-Extension-Name':'inside'})"
                  "\ntry: x=u.urlopen(r);print(x.status,flush=True)"
                  "\nexcept urllib.error.HTTPError as e: print(e.code,json.loads(e.read())['errorType'],flush=True)"
                  "\nelse: u.urlopen(u.Request(a+'/2020-01-01/extension/event/next',headers={'Lambda-Extension-Identifier'"
                  ":x.headers['Lambda-Extension-Identifier']}),timeout=0.2)")
        others = self.others(9)
        for count, answer in ((8, "200"), (9, "403 Extension.TooManyExtensions")):
            with self.subTest(count):
                result = self.run_sandbox(*others[:2 * count], "--script", "init", function=[run.PYTHON, "-c", script])
                self.assertEqual(result.function_log[0], answer)


class Tmp(WorldsTest):
    def test_it_outlives_a_reset_but_not_a_spindown(self):
        look = {"shell": "cat {tmp}/mark 2>/dev/null; echo here >> {tmp}/mark"}
        result = self.run_sandbox("--timeout-ms", "1500", "--script", "invoke*5 spindown invoke",
                                  events=[look, {"sleep_ms": 9000}, look, {"exit": 1}, look, look])
        seen = [i["response"].get("shell") for i in result.invokes]
        self.assertEqual(seen, [[], None, ["here"], None, ["here", "here"], []])
        self.assertEqual([result.invokes[n]["phase"] for n in (2, 4, 5)], ["invoke", "invoke", "init"])


if __name__ == "__main__":
    run.SANDBOX = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=1)
