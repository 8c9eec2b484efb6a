"""The sandbox's other worlds: Managed Instances, SnapStart, provisioned concurrency, streaming.

Usage: worlds.py PATH/TO/thaw-sandbox [unittest arguments]
"""

import json
import os
import subprocess
import sys
import unittest

import run

REGISTER = "/2020-01-01/extension/register"


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


class ManagedInstances(WorldsTest):
    def run_managed(self, script, *options, workers=8, **more):
        env = {"EXT_EVENTS": "SHUTDOWN", "EXT_TELEMETRY": "1"}
        env.update(more.pop("env", {}))
        return self.run_sandbox("--init-type", "lambda-managed-instances", "--function-env", f"WORKERS={workers}",
                                "--script", script, *options, **more, **env)

    def test_a_burst_runs_side_by_side_and_nothing_is_ever_frozen(self):
        result = self.run_managed("burst*8 freeze:100 rest:100 thaw:100 invoke*2 spindown", events=[{"sleep_ms": 400}])
        burst, single = result.invokes[:8], result.invokes[8:]
        self.assertEqual(result.statuses(), ["success"] * 10)
        self.assertLess(max(i["start_ms"] for i in burst), min(i["start_ms"] + i["response_ms"] for i in burst),
                        "all of them had begun before the first was over")
        self.assertGreaterEqual(single[1]["start_ms"], single[0]["start_ms"] + 400)
        self.assertEqual(result.freezes, [])
        self.assertEqual(result.said("INVOKE"), [])
        self.assertEqual(self.shutdowns(result), ["spindown"])
        self.assertGreater(int(result.said("SHUTDOWN")[0].split()[1]), 1300)

    def test_what_the_children_find(self):
        result = self.run_managed("invoke", "--max-concurrency", "7", events=[{"echo_env": True}],
                                  env={"EXT_SURROUNDINGS": "1"})
        for env in (self.environment_of_extension(result), result.invokes[0]["response"]["env"]):
            self.assertEqual(env["AWS_LAMBDA_INITIALIZATION_TYPE"], "lambda-managed-instances")
            self.assertEqual(env["AWS_LAMBDA_MAX_CONCURRENCY"], "7")
        self.assertEqual(json.loads(result.said("SURROUNDINGS")[0])["limit"], [4096, 4096])

    def test_extensions_may_not_register_for_invokes(self):
        call = ["POST", REGISTER, {"Lambda-Extension-Name": "test-ext"}, '{"events":["INVOKE"]}']
        result = self.run_managed("invoke", env={"EXT_CALLS": json.dumps([call])})
        status, body, _ = json.loads(result.said("CALL")[0])
        self.assertEqual([status, json.loads(body)["errorType"]], [403, "Extension.InvalidEventType"])

    def test_only_the_newest_telemetry_schema_is_taken(self):
        def subscribe(version):
            body = {"schemaVersion": version, "types": ["platform"], "buffering": {},
                    "destination": {"protocol": "HTTP", "URI": "http://sandbox:1"}}
            return ["PUT", "/2022-07-01/telemetry", {"Lambda-Extension-Identifier": "MY_ID"}, json.dumps(body)]
        calls = [subscribe(version) for version in ("2022-07-01", "2022-12-13", "2025-01-29")]
        result = self.run_managed("invoke", env={"EXT_CALLS": json.dumps(calls), "EXT_TELEMETRY": ""})
        self.assertEqual([json.loads(line)[0] for line in result.said("CALL")], [400, 400, 200])

    def test_telemetry_has_a_start_and_a_report_of_each_invoke(self):
        events = [{"sleep_ms": 300}, {"error": "Function.Oops"}, {"error": "no such thing"}, {}]
        result = self.run_managed("burst*4 rest:100 spindown", events=events)
        ids = [i["request_id"] for i in result.invokes]
        self.assertEqual({r["requestId"] for r in self.records(result, "start")}, set(ids))
        reports = {r["requestId"]: r for r in self.records(result, "report")}
        self.assertEqual(sorted((r["status"], r.get("errorType", "")) for r in reports.values()),
                         [("error", "Function.Oops"), ("error", "Runtime.Unknown"), ("success", ""), ("success", "")])
        self.assertEqual([s["name"] for s in reports[ids[0]]["spans"]], ["responseLatency", "responseDuration"])
        self.assertEqual({tuple(r["metrics"]) for r in reports.values()}, {("durationMs",)})
        self.assertTrue(self.records(result, "start")[0]["functionArn"].startswith("arn:aws:lambda:"))
        self.assertEqual(self.records(result, "runtimeDone"), [])

    def test_telemetry_that_waits_is_delivered_before_shutdown(self):
        result = self.run_managed("invoke spindown", "--telemetry-delay-ms", "30000")
        lines = [line.split()[0] for line in result.extension_log]
        self.assertEqual(len(self.records(result, "report")), 1)
        self.assertLess(len(lines) - 1 - lines[::-1].index("TELEMETRY"), lines.index("SHUTDOWN"))

    def test_a_timeout_answers_the_caller_and_the_code_goes_on(self):
        result = self.run_managed("burst*2 rest:700 invoke spindown", "--timeout-ms", "300", workers=2,
                                  events=[{"sleep_ms": 800, "print": "still here"}, {}, {}])
        self.assertEqual(sorted(result.statuses()), ["success", "success", "timeout"])
        late = next(i for i in result.invokes if i["status"] == "timeout")
        self.assertEqual(late["response"], {"errorType": "Sandbox.Timedout",
                                            "errorMessage": "Task timed out after 0.30 seconds"})
        self.assertAlmostEqual(late["response_ms"], 300, delta=150)
        self.assertIn("still here", result.function_log)
        self.assertIn("response refused 410", " ".join(result.function_log))
        self.assertEqual(len({i["response"]["pid"] for i in result.invokes if i["status"] == "success"}), 1)
        report = next(r for r in self.records(result, "report") if r["requestId"] == late["request_id"])
        self.assertEqual([report["status"], report["errorType"]], ["timeout", "Sandbox.Timedout"])
        self.assertEqual(self.shutdowns(result), ["spindown"], "no reset")

    def test_no_more_run_at_once_than_there_are_workers_and_than_the_limit_allows(self):
        for workers, limit, width, run_at_once in ((4, 64, 3, 3), (4, 64, 4, 4), (4, 64, 5, 4), (8, 4, 5, 4)):
            with self.subTest(workers=workers, limit=limit, width=width):
                result = self.run_managed(f"burst*{width} invoke", "--max-concurrency", str(limit), workers=workers,
                                          events=[{"sleep_ms": 200}])
                refused = [i for i in result.invokes if i["error_type"] == "Runtime.Unavailable"]
                self.assertEqual(result.statuses().count("success"), run_at_once + 1)
                self.assertEqual(len(refused), width - run_at_once)
                self.assertEqual(len(self.records(result, "start")), run_at_once + 1)

    def test_a_burst_waits_for_workers_that_are_on_their_way(self):
        result = self.run_managed("burst*4", "--function-env", "WORKER_PAUSE_MS=100", workers=4)
        self.assertEqual(result.statuses(), ["success"] * 4)

    def test_a_runtime_that_exits_takes_all_invokes_with_it_and_the_environment_is_replaced(self):
        shell = "cat {tmp}/mark; echo old > {tmp}/mark"
        events = [{"shell": shell}, {"sleep_ms": 5000}, {"sleep_ms": 200, "exit": 7}, {"shell": shell}]
        result = self.run_managed("invoke burst*2 invoke spindown", events=events)
        self.assertEqual(result.statuses(), ["success", "error", "error", "success"])
        for broken in result.invokes[1:3]:
            self.assertEqual(broken["response"], {"errorType": "Runtime.ExitError",
                                                  "errorMessage": "Runtime exited with error: exit status 7"})
        self.assertEqual(self.shutdowns(result), ["failure", "spindown"])
        self.assertEqual(result.invokes[3]["phase"], "init")
        self.assertIn("No such file", " ".join(result.invokes[3]["response"]["shell"]), "its /tmp is new, too")

    def test_an_extension_that_exits_ends_the_environment(self):
        other = os.path.join(self.dir.name, "other")
        with open(other, "w") as file:
            file.write(f"#!{run.PYTHON}\nimport os, threading\nthreading.Timer(0.6, os._exit, [3]).start()\n"
                       f"exec(open({self.extension!r}).read())\n")
        os.chmod(other, 0o755)
        result = self.run_managed("burst*2", "--extension", other, events=[{"sleep_ms": 5000}])
        self.assertEqual([i["error_type"] for i in result.invokes], ["Extension.Crash"] * 2)
        self.assertEqual(self.shutdowns(result), ["failure"], "the surviving extension's")
        self.assertEqual({(r["status"], r["errorType"]) for r in self.records(result, "report")},
                         {("error", "Extension.Crash")})

    def test_what_dies_between_two_invokes_is_replaced_at_once(self):
        result = self.run_managed("invoke rest:600 invoke", workers=1, events=[{"respond_then_exit": 1}, {}])
        self.assertEqual(result.statuses(), ["success"] * 2)
        self.assertEqual(self.shutdowns(result), ["failure"])
        self.assertLess(result.happened("shutdown (failure)")[0], result.invokes[0]["start_ms"] + 500)


class SnapStart(WorldsTest):
    def run_snapshot(self, script, *options, **more):
        return self.run_sandbox("--init-type", "snap-start", "--script", script, *options, EXT_TELEMETRY="1", **more)

    def test_a_restore_is_told_before_the_first_invoke(self):
        result = self.run_snapshot("restore:300 invoke*2 thaw:100 spindown")
        self.assertEqual(result.statuses(), ["success"] * 2)
        types = [event["type"].split(".")[1] for _, event in self.events(result)]
        order = ["initReport", "restoreStart", "restoreRuntimeDone", "restoreReport", "start"]
        self.assertEqual([t for t in types if t in order][:5], order)
        begin, end = result.freezes[0]
        self.assertGreaterEqual(end - begin, 299)
        self.assertGreaterEqual(min(at for at, e in self.events(result) if "restore" in e["type"]), end - 1)
        start, done = self.records(result, "restoreStart")[0], self.records(result, "restoreRuntimeDone")[0]
        self.assertEqual(start, {"functionName": "test_function", "functionVersion": "$LATEST"})
        self.assertEqual(done, {"status": "success"})
        self.assertIn("durationMs", self.records(result, "restoreReport")[0]["metrics"])
        self.assertEqual({r["phase"] for r in self.records(result, "initStart")}, {"snap-start"})
        metrics = [r["metrics"] for r in self.records(result, "report")]
        self.assertIn("restoreDurationMs", metrics[0])
        self.assertNotIn("initDurationMs", metrics[0])
        self.assertNotIn("restoreDurationMs", metrics[1])

    def test_the_type_is_in_the_environment_and_the_restore_needs_no_step(self):
        result = self.run_snapshot("invoke", events=[{"echo_env": True}])
        for env in (self.environment_of_extension(result), result.invokes[0]["response"]["env"]):
            self.assertEqual(env["AWS_LAMBDA_INITIALIZATION_TYPE"], "snap-start")
        self.assertLess(result.happened("restored")[0], result.invokes[0]["start_ms"])

    def test_connections_are_cut_even_if_freezes_leave_them_alone(self):
        script = ("import http.client as h,os,time;"
                  "u=h.HTTPConnection(os.environ['U']);u.request('POST','/api/1/other/','x');u.getresponse().read();"
                  "p=h.HTTPConnection(os.environ['AWS_LAMBDA_RUNTIME_API']);"
                  "p.request('GET','/2018-06-01/runtime/restore/next');print('restored',p.getresponse().status,flush=True)"
                  "\ntry:\n u.request('POST','/api/1/other/','x');u.getresponse();print('alive',flush=True)"
                  "\nexcept OSError as e: print('cut',flush=True)"
                  "\np.request('GET','/2018-06-01/runtime/invocation/next');p.getresponse().read();time.sleep(9)")
        result = self.run_snapshot("restore:50 thaw:200", "--freeze", "live", "--env", "U={upstream}",
                                   function=[run.PYTHON, "-c", script])
        self.assertEqual(result.function_log[:2], ["restored 200", "cut"])

    def test_restore_hooks_run_before_the_first_invoke(self):
        result = self.run_snapshot("init freeze:200 restore:0 thaw:100 invoke", "--function-env",
                                   "RESTORE_HOOK_MS=300")
        self.assertEqual(result.statuses(), ["success"])
        self.assertGreaterEqual(int(result.function_log[0].split()[1]), result.freezes[0][1] - 1)
        self.assertGreaterEqual(self.records(result, "restoreReport")[0]["metrics"]["durationMs"], 299)
        self.assertGreaterEqual(result.invokes[0]["restore_ms"], 299)
        self.assertLess(result.invokes[0]["response_ms"], 300)

    def test_a_restore_that_fails_fails_the_invoke(self):
        result = self.run_snapshot("restore thaw:100 invoke", "--function-env", "RESTORE_HOOK_MS=0",
                                   "--function-env", "RESTORE_ERROR=Runtime.AfterRestoreError")
        self.assertEqual(result.invokes[0]["error_type"], "Runtime.AfterRestoreError")
        self.assertEqual(self.records(result, "restoreRuntimeDone"),
                         [{"status": "error", "errorType": "Runtime.AfterRestoreError"}])

    def test_after_a_reset_the_runtime_is_restored_again(self):
        result = self.run_snapshot("invoke*2", "--function-env", "RESTORE_HOOK_MS=0", events=[{"exit": 1}, {}])
        self.assertEqual(result.statuses(), ["error", "success"])
        self.assertEqual(result.invokes[1]["phase"], "invoke")

    def test_runtimes_elsewhere_know_no_restore(self):
        result = self.run_sandbox("--script", "invoke", extension=False, events=[
            {"calls": [["POST", "/2018-06-01/runtime/restore/error"], ["GET", "/2018-06-01/runtime/restore/next"]]}])
        self.assertEqual([answer[0] for answer in result.invokes[0]["response"]["calls"]], [404, 405])


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
        for kind in ("on-demand", "provisioned-concurrency", "snap-start", "lambda-managed-instances"):
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

    def test_steps_of_another_world_are_usage_errors(self):
        for wrong in (["--script", "burst*2"], ["--script", "restore"], ["--script", "burst*"],
                      ["--init-type", "warm"], ["--max-concurrency", "0"],
                      ["--init-type", "snap-start", "--script", "burst*2"],
                      ["--managed-instances", "--script", "restore"]):
            done = subprocess.run([run.SANDBOX, *wrong, "--", "true"], capture_output=True, check=False)
            self.assertEqual(done.returncode, 2, wrong)


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

    def test_streams_run_side_by_side(self):
        result = self.run_sandbox("--managed-instances", "--function-env", "WORKERS=3", "--script", "burst*3",
                                  events=[{"stream": 4, "stream_ms": 100}], EXT_EVENTS="SHUTDOWN")
        self.assertEqual(result.statuses(), ["success"] * 3)
        self.assertLess(max(i["start_ms"] + i["begun_ms"] for i in result.invokes),
                        min(i["start_ms"] + i["response_ms"] for i in result.invokes))


class SideBySide(WorldsTest):
    def others(self, count):
        """Options for so many extensions beside the first."""
        options = []
        for number in range(count):
            path = os.path.join(self.dir.name, f"other-{number}")
            os.link(self.extension, path)
            options += ["--extension", path]
        return options

    def test_an_eleventh_leaves_managed_instances_without_an_environment(self):
        result = self.run_sandbox("--managed-instances", *self.others(10), "--script", "init invoke")
        self.assertEqual(result.invokes[0]["error_type"], "Runtime.Unavailable")
        self.assertEqual(len(result.happened("init failed: TooManyExtensions")), 2)
        self.assertEqual(result.happened("start function"), [])

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
