"""Each way a Lambda function can fail, caused for real: what the caller, the runtime and the extensions are told.

AWS docs, "Lambda Telemetry API Event schema reference" (status, errorType) and "Understanding the Lambda execution
environment lifecycle" (failures during the init and the invoke phase); the order of it all from
aws/aws-lambda-runtime-interface-emulator: internal/lambda/rapid/handlers.go, the names from
internal/lambda/fatalerror/fatalerror.go there.

Usage: failures.py PATH/TO/thaw-sandbox [unittest arguments]
"""

import json
import os
import sys
import unittest

import run

LARGEST = (6 << 20) + 100  # internal/lambda/interop/model.go: MaxPayloadSize


class FailureTest(run.SandboxTest):
    def play(self, *options, **more):
        """With telemetry, and time at the end to hear of the last invoke."""
        return self.run_sandbox(*options, **{"EXT_TELEMETRY": "1", "EXT_SHUTDOWN_MS": "150", **more})

    def neighbour(self, name):
        """The options for one more extension of this name."""
        path = os.path.join(self.dir.name, name)
        with open(os.path.join(run.HERE, "neighbour.py")) as source, open(path, "w") as target:
            target.write("#!" + run.PYTHON + "\n" + source.read())
        os.chmod(path, 0o755)
        return ["--extension", path]

    def told(self, result, kind):
        """The records of one type that the extension got, in order."""
        events = [json.loads(line.split(" ", 2)[2]) for line in result.said("TELEMETRY")]
        return [event["record"] for event in events if event["type"] == "platform." + kind]

    def ends(self, result, kind):
        """[status, errorType] of each such record."""
        return [[record["status"], record.get("errorType")] for record in self.told(result, kind)]

    def shutdowns(self, result):
        return [line.split()[0] for line in result.said("SHUTDOWN")]


class Invokes(FailureTest):
    """During the invoke."""

    def test_an_answer_that_is_too_large_is_the_functions_error_and_no_reset(self):
        # internal/lambda/rapi/handler/invocationresponse.go: the runtime gets 413 and goes on.
        sizes = [LARGEST - 1, LARGEST, LARGEST + 1]
        result = self.play("--script", "invoke*4 spindown", events=[*({"exact": size} for size in sizes), {}])
        self.assertEqual([line.split()[1] for line in result.function_log if line.startswith("exact")],
                         ["202", "202", "413"])
        self.assertIn("RequestEntityTooLarge", result.function_log[2])
        self.assertEqual(result.statuses(), ["success", "success", "error", "success"])
        self.assertEqual(result.invokes[2]["response"]["errorType"], "Function.ResponseSizeTooLarge")
        wanted = [["success", None]] * 2 + [["error", "Function.ResponseSizeTooLarge"], ["success", None]]
        self.assertEqual(self.ends(result, "runtimeDone"), wanted)
        self.assertEqual(self.ends(result, "report"), wanted)
        self.assertEqual([invoke["phase"] for invoke in result.invokes], ["init", "warm", "warm", "warm"])
        self.assertEqual(self.shutdowns(result), ["spindown"])

    def test_a_handled_error_is_a_success_with_a_type_of_the_platforms(self):
        # internal/lambda/fatalerror/fatalerror.go: GetValidRuntimeOrFunctionErrorType
        given = ["Function.Oops", "Runtime.Oops", "Function.", "ValueError"]
        result = self.play("--script", "invoke*4 spindown", events=[{"error": name} for name in given])
        self.assertEqual([invoke["error_type"] for invoke in result.invokes],
                         ["Function.Oops", "Runtime.Oops", "Function.Unknown", "Runtime.Unknown"])
        self.assertEqual([invoke["response"]["errorType"] for invoke in result.invokes], given, "the body is as it came")
        self.assertEqual(self.ends(result, "runtimeDone"), [["success", None]] * 4)
        self.assertEqual(self.ends(result, "report"), [["success", None]] * 4)

    def test_an_exit_is_told_with_its_type_whatever_the_way(self):
        ways = [{"exit": 0}, {"exit": 7}, {"abort": True}, {"kill": True}]
        result = self.play("--script", "invoke*4", events=ways)
        self.assertEqual([invoke["response"]["errorMessage"].split("Error: ")[1] for invoke in result.invokes],
                         ["Runtime exited without providing a reason", "Runtime exited with error: exit status 7",
                          "Runtime exited with error: signal: aborted", "Runtime exited with error: signal: killed"])
        self.assertEqual({invoke["response"]["errorType"] for invoke in result.invokes}, {"Runtime.ExitError"})
        for kind in ("runtimeDone", "report"):
            self.assertEqual(self.ends(result, kind), [["error", "Runtime.ExitError"]] * 4)
        self.assertEqual(self.shutdowns(result), ["failure"] * 4)

    def test_who_waits_for_the_end_of_the_invoke_hears_of_it_before_shutdown(self):
        result = self.play("--script", "invoke", events=[{"sleep_ms": 100, "exit": 1}], EXT_WAIT_DONE="1")
        lines = [line for line in result.extension_log if "runtimeDone" in line or line.startswith("SHUTDOWN")]
        self.assertEqual(len(lines), 2)
        self.assertIn("Runtime.ExitError", lines[0])
        self.assertRegex(lines[1], "^SHUTDOWN failure")
        self.assertGreater(int(lines[1].split()[2]), 1500, "the two seconds began with the exit")

    def test_who_does_not_wait_hears_of_it_while_it_shuts_down(self):
        result = self.play("--script", "invoke", events=[{"sleep_ms": 100, "exit": 1}])
        told = [int(line.split()[1]) for line in result.said("TELEMETRY") if "runtimeDone" in line]
        died = result.happened("exit function")[0]
        self.assertEqual(len(told), 1)
        self.assertGreaterEqual(told[0], died + 24)
        self.assertLess(told[0], result.happened("exit test-ext")[0])
        self.assertTrue(self.told(result, "report"))

    def test_an_exit_after_the_answer_fails_the_invoke_but_not_the_caller(self):
        result = self.play("--script", "invoke", events=[{"respond_then_exit": 1}])
        self.assertTrue(result.invokes[0]["response"]["ok"])
        self.assertEqual(self.ends(result, "runtimeDone"), [["error", "Runtime.ExitError"]])


class Inits(FailureTest):
    """A runtime that cannot start: the init, and once more inside the first invoke."""

    def test_a_runtime_that_exits(self):
        result = self.play("--script", "invoke*2", "--function-env", "FAIL_AT_INIT=exit:1")
        self.assertEqual(self.ends(result, "initRuntimeDone"), [["error", "Runtime.ExitError"]] * 3)
        self.assertEqual([record["phase"] for record in self.told(result, "initRuntimeDone")],
                         ["init", "invoke", "invoke"])
        self.assertEqual([invoke["response"]["errorType"] for invoke in result.invokes], ["Runtime.ExitError"] * 2)
        self.assertTrue(result.invokes[0]["response"]["errorMessage"].endswith("exit status 1"))
        self.assertEqual(self.shutdowns(result), ["spindown", "failure", "failure"])
        ids = [invoke["request_id"] for invoke in result.invokes]
        for kind in ("start", "runtimeDone", "report"):
            self.assertEqual([record["requestId"] for record in self.told(result, kind)], ids)
        self.assertEqual(self.ends(result, "runtimeDone"), [["error", "Runtime.ExitError"]] * 2)
        self.assertEqual(result.said("INVOKE"), [])

    def test_a_runtime_that_says_why(self):
        # internal/lambda/rapidcore/server.go, SendInitErrorResponse: the body is the caller's answer.
        for given, told in (("Runtime.ImportModuleError", "Runtime.ImportModuleError"), ("Oops", "Runtime.Unknown")):
            with self.subTest(given):
                result = self.play("--script", "invoke", "--function-env", "FAIL_AT_INIT=error:" + given)
                self.assertEqual(result.function_log, ["init/error 202 403"] * 2, "it may not ask for work then")
                self.assertEqual(self.ends(result, "initRuntimeDone"), [["error", told]] * 2)
                self.assertEqual(result.invokes[0]["error_type"], told)
                self.assertEqual(result.invokes[0]["response"], {"errorType": given, "errorMessage": "cannot start"})
                self.assertEqual(self.ends(result, "runtimeDone"), [["error", told]])
                self.assertEqual(self.shutdowns(result), ["spindown", "failure"])

    def test_init_error_is_for_the_init(self):
        calls = [["POST", "/2018-06-01/runtime/init/error", {}, "{}"]]
        result = self.play("--script", "invoke", events=[{"calls": calls}])
        self.assertEqual(result.invokes[0]["response"]["calls"][0][0], 403)
        self.assertEqual(result.statuses(), ["success"])

    def test_a_runtime_that_does_not_exist(self):
        result = self.play("--script", "invoke*2", function=["/nonexistent/function"], code=1)
        self.assertEqual(self.ends(result, "initRuntimeDone"), [["error", "Runtime.InvalidEntrypoint"]] * 3)
        self.assertEqual([invoke["error_type"] for invoke in result.invokes], ["Runtime.InvalidEntrypoint"] * 2)
        self.assertEqual(self.shutdowns(result), ["spindown", "failure", "failure"])
        self.assertEqual(len(result.problems), 1)

    def test_a_runtime_that_starts_at_the_second_attempt(self):
        shell = f"[ -e $T ] && exec {run.PYTHON} {run.HERE}/function.py; echo > $T; exit 1"
        result = self.play("--script", "invoke*2 spindown", "--function-env", "T={tmp}/seen",
                           function=["/bin/sh", "-c", shell])
        self.assertEqual(self.ends(result, "initRuntimeDone"), [["error", "Runtime.ExitError"], ["success", None]])
        self.assertEqual(result.statuses(), ["success"] * 2)
        self.assertEqual([invoke["phase"] for invoke in result.invokes], ["invoke", "warm"])
        self.assertEqual(self.shutdowns(result), ["spindown", "spindown"])

    def test_an_init_that_takes_too_long_inside_the_invoke(self):
        # internal/lambda/rapid/handlers.go, getFirstFatalError: nothing was fatal, so it is Runtime.Unknown.
        shell = "[ -e $T ] && exec sleep 60; echo > $T; exit 1"
        result = self.play("--script", "invoke", "--timeout-ms", "700", "--function-env", "T={tmp}/seen",
                           function=["/bin/sh", "-c", shell])
        self.assertEqual(self.ends(result, "initRuntimeDone"), [["error", "Runtime.ExitError"], ["error", "Runtime.Unknown"]])
        self.assertEqual([record["status"] for record in self.told(result, "initReport")], ["error", "timeout"])
        self.assertEqual(result.statuses(), ["timeout"])
        self.assertEqual(self.ends(result, "runtimeDone"), [["timeout", None]])
        self.assertEqual(self.ends(result, "report"), [["timeout", None]])
        self.assertEqual(self.shutdowns(result), ["spindown", "timeout"])


class Neighbours(FailureTest):
    """Another extension fails. AWS docs, "Using the Lambda Extensions API", failure handling."""

    def test_its_crash_in_mid_invoke_fails_it_and_resets(self):
        result = self.play(*self.neighbour("crash-on-2"), *self.neighbour("lives"), "--script", "invoke*3 spindown",
                           events=[{}, {"sleep_ms": 9000}, {}])
        self.assertEqual([invoke["error_type"] for invoke in result.invokes], ["", "Extension.Crash", ""])
        self.assertTrue(result.invokes[1]["response"]["errorMessage"].endswith("exit status 1"))
        wanted = [["success", None], ["error", "Extension.Crash"], ["success", None]]
        self.assertEqual(self.ends(result, "runtimeDone"), wanted)
        self.assertEqual(self.ends(result, "report"), wanted)
        self.assertEqual(self.shutdowns(result), ["failure", "spindown"])
        self.assertEqual(result.said("lives"), ["failure", "spindown"], "each survivor is told")
        self.assertEqual(result.said("crash-on-2"), ["spindown"])
        self.assertEqual(result.invokes[2]["phase"], "invoke")

    def test_its_crash_after_the_answer_changes_the_report_not_the_answer(self):
        result = self.play(*self.neighbour("crash-on-1-after-300"), "--script", "invoke")
        self.assertTrue(result.invokes[0]["response"]["ok"])
        self.assertEqual(result.invokes[0]["error_type"], "Extension.Crash")
        self.assertEqual(self.ends(result, "runtimeDone"), [["success", None]])
        self.assertEqual(self.ends(result, "report"), [["error", "Extension.Crash"]])
        self.assertEqual(self.shutdowns(result), ["failure"])

    def test_its_end_between_invokes_is_told_of_the_next(self):
        result = self.play(*self.neighbour("lives"), "--script", "invoke thaw:300 invoke", EXT_EXIT_AFTER_NEXT="0.1")
        self.assertEqual([invoke["error_type"] for invoke in result.invokes], ["", "Extension.Crash"])
        self.assertEqual(result.said("lives"), ["failure"])

    def test_ten_extensions_live_together_and_eleven_do_not(self):
        # internal/lambda/rapid/handlers.go, doInitExtensions; internal/lambda/core/registrations.go: MaxAgentsAllowed
        nine = [option for number in range(9) for option in self.neighbour(f"lives-{number}")]
        result = self.play(*nine, *self.neighbour("lives-9"), "--script", "invoke")
        self.assertEqual(result.invokes[0]["error_type"], "Extension.LaunchError")
        self.assertEqual(result.happened("start function"), [])
        result = self.play(*nine, "--script", "invoke*2 spindown")
        self.assertEqual(result.statuses(), ["success"] * 2)
        for number in range(9):
            self.assertEqual(result.said(f"lives-{number} "), ["spindown"])
        self.assertEqual(self.shutdowns(result), ["spindown"])


if __name__ == "__main__":
    run.SANDBOX = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=1)
