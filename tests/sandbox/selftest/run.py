"""The sandbox, tested with itself: what the platform promises, step by step.

Usage: run.py PATH/TO/thaw-sandbox [unittest arguments]
"""

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
SANDBOX = ""
KEY = "abcdef0123456789abcdef0123456789"
ID = "0123456789abcdef0123456789abcdef"
ENVELOPE = '{"event_id":"%s","sent_at":"NOW"}\n{"type":"event"}\n{"message":"hello"}' % ID
AUTH = {"X-Sentry-Auth": f"Sentry sentry_key={KEY}, sentry_version=7, sentry_client=selftest/1",
        "Content-Type": "application/x-sentry-envelope"}


def open_to_all(path):
    path = os.path.realpath(path)
    above = [path[:at] for at, letter in enumerate(path) if letter == "/" and at > 0]
    return os.stat(path).st_mode & 0o5 == 0o5 and all(os.stat(folder).st_mode & 0o1 for folder in above)


# The children's: they may be someone else, whom a private installation keeps out.
PYTHON = next((path for path in (sys.executable, "/usr/bin/python3") if os.path.exists(path) and open_to_all(path)),
              sys.executable)


def post_event(**more):
    return {"post": {"url": "http://{upstream}/api/42/envelope/", "body": ENVELOPE, "headers": AUTH}, **more}


class Result:
    def __init__(self, code, report, errors):
        self.code, self.errors = code, errors
        self.__dict__.update(report)

    def said(self, word):
        """The extension's lines that begin with `word`, without it."""
        return [line[len(word):].strip() for line in self.extension_log if line.startswith(word)]

    def happened(self, text):
        return [e["at_ms"] for e in self.platform if text in e["what"]]

    def statuses(self):
        return [i["status"] for i in self.invokes]


class SandboxTest(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.TemporaryDirectory()
        self.addCleanup(self.dir.cleanup)
        self.extension = os.path.join(self.dir.name, "test-ext")
        with open(os.path.join(HERE, "extension.py")) as source, open(self.extension, "w") as target:
            target.write("#!" + PYTHON + "\n" + source.read())
        os.chmod(self.extension, 0o755)

    def run_sandbox(self, *options, events=None, function=None, extension=True, code=0, **env):
        report = os.path.join(self.dir.name, "report.json")
        command = [SANDBOX, "--report", report]
        if extension:
            command += ["--extension", self.extension if extension is True else extension]
        for name, value in env.items():
            command += ["--extension-env", f"{name}={value}"]
        if events is not None:
            path = os.path.join(self.dir.name, "events")
            with open(path, "w") as file:
                file.write("\n".join(json.dumps(e) for e in events))
            command += ["--event-file", path]
        command += [*options, "--", *(function or [PYTHON, os.path.join(HERE, "function.py")])]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, code, done.stderr)
        with open(report) as file:
            return Result(done.returncode, json.load(file), done.stderr)


class Lifecycle(SandboxTest):
    def test_invokes_freeze_between_and_end_with_spindown(self):
        result = self.run_sandbox("--gap-ms", "60")
        self.assertEqual(result.statuses(), ["success"] * 3)
        self.assertEqual([i["phase"] for i in result.invokes], ["init", "warm", "warm"])
        self.assertEqual(len(result.freezes), 3)
        for begin, end in result.freezes[:2]:
            self.assertGreaterEqual(end - begin, 59)
        self.assertEqual(result.invokes[0]["freeze_begin_ms"], result.freezes[0][0])
        self.assertEqual(result.invokes[0]["freeze_end_ms"], result.freezes[0][1])
        self.assertTrue(result.invokes[0]["response"]["ok"])
        self.assertEqual(len({i["response"]["pid"] for i in result.invokes}), 1)
        self.assertEqual(result.said("SHUTDOWN")[0].split()[0], "spindown")
        self.assertIn("SIGTERM", result.function_log)
        self.assertEqual(result.problems, [])

    def test_the_runtime_starts_after_registration_and_ends_before_shutdown(self):
        result = self.run_sandbox("--script", "invoke spindown")
        self.assertLess(result.happened("register test-ext")[0], result.happened("start function")[0])
        self.assertLess(result.happened("exit function")[0], result.happened("SHUTDOWN to test-ext")[0])

    def test_nothing_runs_while_frozen(self):
        result = self.run_sandbox("--script", "invoke freeze:300 thaw:50 spindown", EXT_TELEMETRY="1")
        begin, end = result.freezes[0]
        self.assertGreaterEqual(end - begin, 299)
        times = [int(line.split()[1]) for line in result.said("TELEMETRY")]
        self.assertFalse([t for t in times if begin + 25 < t < end - 1])
        self.assertTrue([t for t in times if t >= end - 1], "the report arrives after the thaw")

    def test_who_left_its_process_group_is_frozen_too_and_ends_with_the_environment(self):
        # The first lives on alone, an orphan in a session of its own.
        stray = "setsid sh -c 'echo $$; while :; do date +%s%3N >>{tmp}/ticks; done' 2>&1 & sleep 0.2"
        result = self.run_sandbox("--script", "invoke freeze:400 invoke spindown invoke", events=[
            {"shell": f"({stray}) >{{tmp}}/out </dev/null"}, {"shell": "cat {tmp}/out {tmp}/ticks"}, {}])
        stray, *ticks = map(int, result.invokes[1]["response"]["shell"])
        begin, end = result.freezes[0]
        self.assertGreater(len([at for at in ticks if at < begin]), 3)
        self.assertGreater(len([at for at in ticks if at > end]), 0)
        self.assertEqual([at for at in ticks if begin + 5 < at < end - 1], [])
        self.assertFalse(os.path.exists(f"/proc/{stray}"))

    def test_an_extension_gets_exactly_the_platforms_variables(self):
        result = self.run_sandbox("--script", "invoke", "--env", "DSN=http://{upstream}/1", "--env", "_HIDDEN=1",
                                  "--env", "AWS_EXECUTION_ENV=set", "--env", "LAMBDA_TASK_ROOT=/var/task",
                                  "--function-env", "ONLY=function", events=[{"echo_env": True}])
        argv, rest = result.said("START")[0].split("] ", 1)
        cwd, env = rest.split(" ", 1)
        env = json.loads(env)
        self.assertEqual(json.loads(argv + "]"), [self.extension])
        self.assertEqual(cwd, "/")
        env.pop("LC_CTYPE", None)  # Python's own
        self.assertEqual(set(env), {
            "DSN", "TZ", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION",
            "AWS_DEFAULT_REGION", "AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_VERSION",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_RUNTIME_API", "AWS_LAMBDA_INITIALIZATION_TYPE",
            "AWS_LAMBDA_LOG_FORMAT"})
        self.assertRegex(env["DSN"], r"^http://127\.0\.0\.1:\d+/1$")
        function = result.invokes[0]["response"]["env"]
        for name in ["PATH", "_HANDLER", "LAMBDA_TASK_ROOT", "AWS_EXECUTION_ENV", "_HIDDEN", "ONLY", "DSN"]:
            self.assertIn(name, function)

    def test_the_port_is_free_for_a_listener_and_tmp_is_empty_after_spindown(self):
        script = ("import os,socket,urllib.request as u;"
                  "s=socket.socket();s.setsockopt(socket.SOL_SOCKET,socket.SO_REUSEADDR,1);"
                  "s.bind(('127.0.0.1',int(os.environ['P'])));s.listen();print('files',os.listdir(os.environ['T']),"
                  "flush=True);open(os.environ['T']+'/x','w');"
                  "u.urlopen('http://'+os.environ['AWS_LAMBDA_RUNTIME_API']+'/2018-06-01/runtime/invocation/next')"
                  ";import time;time.sleep(9)")
        result = self.run_sandbox("--script", "freeze:1 kill freeze:1 spindown freeze:1 kill", "--env", "P={port}",
                                  "--env", "T={tmp}", function=[PYTHON, "-c", script])
        self.assertEqual(result.function_log, ["files []", "files ['x']", "files []"])

    def test_kill_comes_without_a_word_and_a_fresh_environment_follows(self):
        result = self.run_sandbox("--script", "invoke kill invoke spindown")
        self.assertEqual([i["phase"] for i in result.invokes], ["init", "init"])
        self.assertEqual(len(result.said("SHUTDOWN")), 1)
        self.assertEqual(len(result.said("REGISTERED")), 2)
        killed, thawed = result.happened("SIGKILL test-ext")[0], result.happened("thaw")[0]
        self.assertGreaterEqual(killed - thawed, 499)

    def test_billed_time_includes_the_extension_the_response_does_not(self):
        result = self.run_sandbox("--script", "invoke", EXT_BUSY_MS="700")
        self.assertLess(result.invokes[0]["response_ms"], 600)
        self.assertGreaterEqual(result.invokes[0]["billed_ms"], 699)

    def test_gap_zero_means_no_freeze_between_invokes(self):
        result = self.run_sandbox("--gap-ms", "0", "--script", "invoke*3")
        self.assertEqual(len(result.freezes), 1)

    def test_registered_for_shutdown_only_is_not_waited_for(self):
        result = self.run_sandbox(EXT_EVENTS="SHUTDOWN")
        self.assertEqual(result.statuses(), ["success"] * 3)
        self.assertEqual(result.said("INVOKE"), [])
        self.assertEqual(len(result.said("SHUTDOWN")), 1)

    def test_not_registered_for_shutdown_is_killed_at_once(self):
        result = self.run_sandbox(EXT_EVENTS="INVOKE")
        self.assertEqual(result.said("SHUTDOWN"), [])
        killed, began = result.happened("not registered for SHUTDOWN")[0], result.happened("shutdown (")[0]
        self.assertLess(killed - began, 550)

    def test_two_extensions(self):
        second = os.path.join(self.dir.name, "other")
        os.link(self.extension, second)
        result = self.run_sandbox("--extension", second)
        self.assertEqual(len(result.said("INVOKE")), 6)
        self.assertEqual(len(result.said("SHUTDOWN")), 2)

    def test_a_function_alone_is_killed_without_sigterm(self):
        result = self.run_sandbox(extension=False)
        self.assertEqual(result.statuses(), ["success"] * 3)
        self.assertEqual(result.happened("SIGTERM"), [])

    def test_a_program_that_cannot_start_fails_the_run(self):
        os.chmod(self.extension, stat.S_IRUSR)
        result = self.run_sandbox(code=1)
        self.assertIn("permission denied", result.problems[0].lower())
        os.chmod(self.extension, 0o755)
        self.run_sandbox(function=["/nonexistent/function"], code=1)

    def test_what_the_kernel_cannot_run_is_not_handed_to_a_shell(self):
        program = os.path.join(self.dir.name, "without-mark")
        with open(program, "w") as file:
            file.write("echo run by a shell\n")
        os.chmod(program, 0o755)
        for options in {"function": [program], "extension": False}, {"extension": program}:
            result = self.run_sandbox(code=1, **options)
            self.assertIn("exec format error", result.problems[0].lower())
            self.assertEqual(result.function_log + result.extension_log, [])

    def test_managed_instances_neither_freeze_nor_tell_extensions_of_invokes(self):
        calls = [["POST", "/2020-01-01/extension/register", {"Lambda-Extension-Name": "test-ext"},
                  '{"events":["INVOKE"]}']]
        result = self.run_sandbox("--managed-instances", EXT_EVENTS="SHUTDOWN", EXT_TELEMETRY="1",
                                  EXT_CALLS=json.dumps(calls))
        self.assertEqual(json.loads(json.loads(result.said("CALL")[0])[1]),
                         {"errorType": "Extension.InvalidEventType", "errorMessage": "INVOKE: ErrorInvalidEventType"})
        self.assertEqual(result.freezes, [])
        self.assertEqual(result.statuses(), ["success"] * 3)
        types = [json.loads(line.split(" ", 2)[2])["type"] for line in result.said("TELEMETRY")]
        self.assertIn("platform.report", types)
        self.assertNotIn("platform.runtimeDone", types)

    def test_usage_errors_exit_with_2(self):
        for wrong in (["--script", "dance"], ["--upstream-fault", "what"], ["--env", "x"], ["--freeze", "warm"]):
            done = subprocess.run([SANDBOX, *wrong, "--", "true"], capture_output=True, check=False)
            self.assertEqual(done.returncode, 2, wrong)


class Surroundings(SandboxTest):
    """What an extension finds around it; its variables are in Lifecycle."""

    def found(self, *options, **more):
        result = self.run_sandbox("--script", "invoke", *options, EXT_SURROUNDINGS="1", **more)
        return json.loads(result.said("SURROUNDINGS")[0]), result

    def test_it_leads_a_process_group_of_its_own(self):
        found, result = self.found(events=[{"shell": "cut -d' ' -f5 /proc/$PPID/stat"}])
        self.assertTrue(found["leads its group"])
        self.assertNotEqual(result.invokes[0]["response"]["shell"], [str(found["group"])], "the function's is another")
        self.assertNotEqual(found["group"], os.getpgrp())

    def test_its_input_is_empty_and_its_outputs_are_pipes(self):
        found, _ = self.found()
        self.assertEqual(found["input"], "/dev/null")
        self.assertEqual(found["pipes"], [True, True])

    def test_its_output_is_read_line_by_line(self):
        with open(self.extension, "w") as file:
            file.write("#!/bin/sh\nprintf 'whole\\nhalf'; sleep 0.1; printf ' and half\\n\\n'; printf 'no end'\n")
        result = self.run_sandbox("--script", "freeze:1")
        self.assertEqual(result.extension_log, ["whole", "half and half", "", "no end"])

    def test_nothing_of_the_sandboxes_leaks_in(self):
        found, _ = self.found()
        self.assertEqual(found["descriptors"], ["0", "1", "2"])

    def test_no_signal_is_ignored_whatever_we_ignore(self):
        for number in signal.SIGHUP, signal.SIGTERM:  # as nohup does
            self.addCleanup(signal.signal, number, signal.signal(number, signal.SIG_IGN))
        result = self.run_sandbox("--script", "invoke", events=[{"shell": "grep SigIgn /proc/self/status"}])
        (line,) = result.invokes[0]["response"]["shell"]
        # 32 and 33 are the C library's own, which it lets nobody set (signal(7)).
        self.assertEqual(int(line.removeprefix("SigIgn:"), 16) & ~(0b11 << 31), 0, line)

    def test_it_may_open_1024_files_or_what_the_option_says(self):
        self.assertEqual(self.found()[0]["limit"], [1024, 1024])
        self.assertEqual(self.found("--nofile", "77")[0]["limit"], [77, 77])

    def test_an_extension_registers_under_its_file_name_only(self):
        result = self.run_sandbox("--script", "freeze:1", EXT_NAME="Test-Ext")
        self.assertEqual(result.happened("init done"), [])
        status, body = result.said("REGISTERED")[0].split(" ", 1)
        self.assertEqual(status, "403")
        self.assertTrue(json.loads(body)["errorType"].startswith("Extension."), body)

    def test_what_could_not_be_isolated_is_said(self):
        for mode, code, missing in (("auto", 0, {"root", "tmp", "user"}), ("require", 1, {"root", "tmp", "user"}),
                                    ("off", 0, set())):
            with self.subTest(mode):
                done = self.as_nobody("--isolation", mode)
                self.assertEqual(done.returncode, code)
                report = json.loads(done.stdout)
                self.assertEqual(report["isolation"],
                                 {"mode": mode, "done": {}, "not_done": dict.fromkeys(missing, "needs root")})
                self.assertEqual(done.stderr.count("needs root"), len(missing))
                self.assertEqual(report["function_log"], [] if code else ["/"])

    def test_a_control_group_that_cannot_be_had_is_said(self):
        for mode, code in (("auto", 0), ("require", 1), ("off", 0)):
            for step, option, value in (("cpu", "--cpu", "0.07"), ("memory", "--memory-limit-mib", "64")):
                with self.subTest(mode=mode, step=step):
                    done = self.as_nobody("--isolation", mode, option, value)
                    self.assertEqual(done.returncode, code)
                    why = json.loads(done.stdout)["isolation"]["not_done"][step]
                    self.assertEqual(done.stderr.count(f"{step}: {why}"), 1)

    def as_nobody(self, *options):
        """Runs as nobody, whoever we are, a copy in a folder that is open to nobody."""
        def become_nobody():
            if os.geteuid() == 0:
                os.setgroups([])
                os.setgid(65534)
                os.setuid(65534)
        sandbox = os.path.join(self.dir.name, "thaw-sandbox")
        shutil.copy(SANDBOX, sandbox)
        os.chmod(self.dir.name, 0o755)
        return subprocess.run(
            [sandbox, *options, "--report", "-", "--script", "freeze:1", "--", "/bin/sh", "-c", "pwd"],
            capture_output=True, text=True, check=False, preexec_fn=become_nobody, cwd="/")


class Failures(SandboxTest):
    def test_timeout_resets_with_suppressed_init(self):
        result = self.run_sandbox("--timeout-ms", "2000", "--script", "invoke*3 spindown",
                                  events=[{}, {"sleep_ms": 9000}, {}])
        self.assertEqual(result.statuses(), ["success", "timeout", "success"])
        self.assertIn("Task timed out after 2.00 seconds", result.invokes[1]["response"]["errorMessage"])
        self.assertAlmostEqual(result.invokes[1]["billed_ms"], 2000, delta=300)
        self.assertEqual(result.invokes[2]["phase"], "invoke")
        self.assertGreater(result.invokes[2]["billed_ms"], 20, "the suppressed init is part of it")
        self.assertEqual([line.split()[0] for line in result.said("SHUTDOWN")], ["timeout", "spindown"])
        self.assertGreater(int(result.said("SHUTDOWN")[0].split()[1]), 1300)

    def test_an_extension_that_hangs_is_killed_without_shutdown(self):
        result = self.run_sandbox("--timeout-ms", "500", "--script", "invoke", EXT_HANG_ON="1")
        self.assertEqual(result.statuses(), ["timeout"])
        self.assertTrue(result.invokes[0]["response"]["ok"], "the caller has had its answer")
        self.assertEqual(result.said("SHUTDOWN"), [])
        killed, began = result.happened("SIGKILL test-ext")[0], result.happened("shutdown (timeout)")[0]
        self.assertAlmostEqual(killed - began, 2000, delta=150)

    def test_runtime_exit_fails_the_invoke(self):
        result = self.run_sandbox(events=[{"exit": 7}, {"exit": 0}, {"kill": True}])
        self.assertEqual([i["error_type"] for i in result.invokes], ["Runtime.ExitError"] * 3)
        messages = [i["response"]["errorMessage"].split("Error: ")[1] for i in result.invokes]
        self.assertEqual(messages, ["Runtime exited with error: exit status 7",
                                    "Runtime exited without providing a reason",
                                    "Runtime exited with error: signal: killed"])
        self.assertEqual([line.split()[0] for line in result.said("SHUTDOWN")], ["failure"] * 3)

    def test_a_handled_error_is_the_callers_answer_and_no_reset(self):
        result = self.run_sandbox("--script", "invoke*2", events=[{"error": "Function.Oops"}, {}])
        self.assertEqual(result.statuses(), ["error", "success"])
        self.assertEqual(result.invokes[0]["response"], {"errorType": "Function.Oops"})
        self.assertEqual(result.invokes[1]["phase"], "warm")

    def test_extension_exit_in_an_invoke_is_a_crash(self):
        result = self.run_sandbox(EXT_EXIT_ON="2")
        self.assertEqual(result.statuses(), ["success", "error", "success"])
        self.assertEqual(result.invokes[1]["error_type"], "Extension.Crash")
        self.assertEqual(len(result.said("SHUTDOWN")), 1, "only the spindown's")

    def test_extension_exit_between_invokes_fails_the_next_at_once(self):
        result = self.run_sandbox("--script", "invoke thaw:300 invoke*2", EXT_EXIT_AFTER_NEXT="0.1")
        self.assertEqual(result.statuses(), ["success", "error", "success"])
        self.assertEqual(result.invokes[1]["response"]["errorType"], "Extension.Crash")
        self.assertTrue(result.invokes[1]["response"]["errorMessage"].endswith("Error: exit code 0"))
        self.assertEqual(result.invokes[2]["phase"], "invoke")

    def test_extension_exit_before_register_fails_every_init(self):
        os.remove(self.extension)
        with open(self.extension, "w") as file:
            file.write("#!/bin/sh\nexit 3\n")
        os.chmod(self.extension, 0o755)
        result = self.run_sandbox("--script", "invoke*2")
        self.assertEqual([i["error_type"] for i in result.invokes], ["Extension.Crash"] * 2)
        self.assertEqual(result.happened("start function"), [])

    def test_too_large_a_response(self):
        result = self.run_sandbox("--script", "invoke", events=[{"big": 7 << 20}])
        self.assertEqual(result.invokes[0]["error_type"], "Function.ResponseSizeTooLarge")

    def test_shutdown_budgets_when_nobody_listens(self):
        result = self.run_sandbox("--script", "invoke spindown", "--function-env", "IGNORE_SIGTERM=1",
                                  EXT_IGNORE_SHUTDOWN="1")
        began = result.happened("shutdown (spindown)")[0]
        self.assertAlmostEqual(result.happened("SIGKILL function")[0] - began, 600, delta=150)
        self.assertAlmostEqual(result.happened("SIGKILL test-ext")[0] - began, 2000, delta=150)
        self.assertAlmostEqual(int(result.said("SHUTDOWN")[0].split()[1]), 1394, delta=150)

    def test_a_signal_to_the_sandbox_ends_its_children(self):
        log = os.path.join(self.dir.name, "log")
        run = subprocess.Popen([SANDBOX, "--extension", self.extension, "--log", log, "--script", "thaw:60000", "--",
                                sys.executable, os.path.join(HERE, "function.py")], stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
        pids = []
        text = ""
        while "init done" not in text:
            self.assertIsNone(run.poll())
            if os.path.exists(log):
                with open(log) as file:
                    text = file.read()
        for line in text.splitlines():
            if " start " in line:
                pids.append(int(line.split()[-1]))
        run.terminate()
        self.assertEqual(run.wait(10), 130)
        self.assertEqual(len(pids), 2)
        for pid in pids:
            self.assertFalse(os.path.exists(f"/proc/{pid}"))


class ExtensionsApi(SandboxTest):
    def calls(self, *calls, **env):
        """[status, errorType, errorMessage] of each call, made after register and before next."""
        result = self.run_sandbox("--script", "invoke spindown", EXT_CALLS=json.dumps(calls), **env)
        answers = [json.loads(line) for line in result.said("CALL")]
        self.assertEqual(len(answers), len(calls))
        def short(status, text, allow):
            try:
                body = json.loads(text)
                return [status, body.get("errorType"), body.get("errorMessage")]
            except ValueError:
                return [status, text or allow]
        return [short(*a) for a in answers]

    def test_registration_is_checked(self):
        path = "/2020-01-01/extension/register"
        name = {"Lambda-Extension-Name": "test-ext"}
        other = {"Lambda-Extension-Name": "inside"}
        good = '{"events":["INVOKE"]}'
        self.assertEqual(self.calls(
            ["POST", path, {}, good],
            ["POST", path, name, '{"events":["FOO"]}'],
            ["POST", path, other, '{"events":["SHUTDOWN"]}'],
            ["POST", path, name, good],
            ["POST", path, name, '{"configurationKeys":["a"]}'],
            ["GET", path, name],
        ), [
            [403, "Extension.InvalidExtensionName", "Empty extension name"],
            [403, "Extension.InvalidEventType", "FOO: ErrorInvalidEventType"],
            [403, "Extension.InvalidEventType", "SHUTDOWN: ShutdownEventNotSupportedForInternalExtension"],
            [403, "Extension.InvalidExtensionState", "State transition from Registered to Registered failed for "
             "extension test-ext. Error: State transition is not allowed"],
            [403, "InvalidRequestFormat", "configurationKeys are deprecated; use environment variables instead"],
            [405, "POST"],
        ])
        bodies = ("", "{", '{"events":"INVOKE"}', '{"events":[1]}')
        self.assertEqual([a[:2] for a in self.calls(*(["POST", path, name, body] for body in bodies))],
                         [[403, "InvalidRequestFormat"]] * len(bodies))

    def test_internal_extensions_may_not_register_once_the_runtime_asked_for_work(self):
        result = self.run_sandbox("--script", "invoke", events=[{"calls": [
            ["POST", "/2020-01-01/extension/register", {"Lambda-Extension-Name": "inside"}, "{}"]]}])
        status, body = result.invokes[0]["response"]["calls"][0]
        self.assertEqual([status, json.loads(body)["errorType"]], [403, "Extension.RegistrationClosed"])

    def test_identifiers_are_checked(self):
        path = "/2020-01-01/extension/event/next"
        self.assertEqual(self.calls(
            ["GET", path, {}],
            ["GET", path, {"Lambda-Extension-Identifier": "x"}],
            ["GET", path, {"Lambda-Extension-Identifier": "00000000-0000-4000-8000-000000000000"}],
            ["POST", "/2020-01-01/extension/init/error", {"Lambda-Extension-Identifier": "MY_ID"}],
            ["GET", "/nowhere"],
            ["GET", "/2018-06-01/ping"],
        ), [
            [403, "Extension.MissingExtensionIdentifier", "Missing Lambda-Extension-Identifier header"],
            [403, "Extension.InvalidExtensionIdentifier", "Invalid Lambda-Extension-Identifier"],
            [403, "Extension.UnknownExtensionIdentifier", "Unknown Lambda-Extension-Identifier"],
            [403, "Extension.MissingHeader", "Lambda-Extension-Function-Error-Type not found"],
            [404, "404 page not found\n"],
            [200, "pong"],
        ])

    def test_init_error_is_fatal_once_the_process_ends(self):
        headers = {"Lambda-Extension-Identifier": "MY_ID", "Lambda-Extension-Function-Error-Type": "Extension.Bad"}
        result = self.run_sandbox("--script", "invoke", EXT_CALLS=json.dumps(
            [["POST", "/2020-01-01/extension/init/error", headers]] * 2))
        self.assertEqual([json.loads(c)[0] for c in result.said("CALL")][:2], [202, 202])
        self.assertIn("State transition from InitError to Ready failed", result.said("NEXT")[0])
        self.assertEqual(result.invokes[0]["error_type"], "Extension.InitError")

    def test_a_dropped_next_loses_one_invoke_and_a_retry_completes_it(self):
        result = self.run_sandbox("--script", "invoke drop-next thaw:200 invoke*2 spindown", EXT_RETRY="1")
        self.assertEqual(result.statuses(), ["success"] * 3)
        refusals = [line for line in result.said("NEXT") if line.startswith("403")]
        self.assertGreaterEqual(len(refusals), 2)
        for line in refusals:
            self.assertRegex(line, r"State transition from Ready to Ready failed for extension [-0-9a-f]{36}\. "
                                   r"Error: State transition is not allowed")
        self.assertEqual(len(result.said("INVOKE")), 2, "the event of the second invoke is lost")
        self.assertEqual([line.split()[0] for line in result.said("SHUTDOWN")], ["spindown"])

    def test_answers_by_option(self):
        result = self.run_sandbox("--register-answer", "500:2", "--next-answer", "403:3", EXT_RETRY="1")
        self.assertEqual([line.split()[0] for line in result.said("REGISTERED")], ["500", "500", "200"])
        self.assertEqual(len(result.said("NEXT")), 3)
        self.assertEqual(result.statuses(), ["success"] * 3)

    def test_the_runtime_api_checks_ids_and_states(self):
        result = self.run_sandbox("--script", "invoke", events=[{"calls": [
            ["POST", "/2018-06-01/runtime/invocation/wrong/response", {}, "{}"],
            ["GET", "/2018-06-01/runtime/invocation/next"],
            ["GET", "/2018-06-01/runtime/nothing"]]}])
        answers = result.invokes[0]["response"]["calls"]
        self.assertEqual([a[0] for a in answers], [400, 403, 405])
        self.assertEqual(json.loads(answers[0][1])["errorType"], "InvalidRequestID")


class Telemetry(SandboxTest):
    def events(self, result):
        return [json.loads(line.split(" ", 2)[2]) for line in result.said("TELEMETRY")]

    def test_runtime_done_comes_25_ms_after_the_response_and_the_report_with_the_next_invoke(self):
        result = self.run_sandbox("--script", "invoke*2 spindown", EXT_TELEMETRY="1", EXT_WAIT_DONE="1")
        events = self.events(result)
        types = [e["type"] for e in events]
        for wanted in ["initStart", "initRuntimeDone", "initReport", "start", "runtimeDone", "report"]:
            self.assertIn("platform." + wanted, types)
        for invoke in result.invokes:
            self.assertGreaterEqual(invoke["billed_ms"], invoke["response_ms"] + 25)
        done = [e["record"] for e in events if e["type"] == "platform.runtimeDone"]
        self.assertEqual([d["requestId"] for d in done], [i["request_id"] for i in result.invokes])
        self.assertEqual({d["status"] for d in done}, {"success"})
        self.assertTrue(result.said("TELEMETRY")[0].startswith("/secret "), "the path is kept")

    def test_who_listens_at_127_0_0_1_only_hears_nothing(self):
        for host, heard in ("127.0.0.1", False), ("127.0.0.2", True):
            result = self.run_sandbox("--script", "invoke thaw:100", EXT_TELEMETRY="1", EXT_TELEMETRY_HOST=host)
            self.assertEqual(bool(self.events(result)), heard)

    def test_batches_come_on_one_connection(self):
        result = self.run_sandbox("--script", "invoke*3 spindown", EXT_TELEMETRY="1", EXT_WAIT_DONE="1")
        self.assertEqual((len(result.said("CONNECTED")), result.statuses()), (1, ["success"] * 3))

    def test_only_what_was_asked_for_comes(self):
        result = self.run_sandbox("--script", "invoke*2 thaw:100", EXT_TELEMETRY="1", EXT_TELEMETRY_TYPES="function",
                                  events=[{"print": "charging card"}])
        self.assertEqual([event["record"] for event in self.events(result)], ["charging card"] * 2)

    def test_the_state_of_each_extension_is_told(self):
        result = self.run_sandbox("--script", "invoke thaw:100", EXT_TELEMETRY="1")
        told = [event["record"] for event in self.events(result) if event["type"] == "platform.extension"]
        self.assertEqual(told, [{"name": "test-ext", "state": "Ready", "events": ["INVOKE", "SHUTDOWN"]}])

    def test_the_delay_option(self):
        result = self.run_sandbox("--script", "invoke", "--telemetry-delay-ms", "200", EXT_TELEMETRY="1",
                                  EXT_WAIT_DONE="1")
        self.assertGreaterEqual(result.invokes[0]["billed_ms"], 225)

    def test_batches_repeated(self):
        result = self.run_sandbox("--script", "invoke thaw:100", "--telemetry-repeat", "2", EXT_TELEMETRY="1")
        done = [e for e in self.events(result) if e["type"] == "platform.runtimeDone"]
        self.assertEqual(len(done), 2)

    def test_modes(self):
        for mode, answer in {"off": "200", "202": "202", "403": "403"}.items():
            result = self.run_sandbox("--telemetry", mode, EXT_TELEMETRY="1")
            self.assertEqual(result.said("SUBSCRIBED")[0].split()[0], answer)
            self.assertEqual(result.said("TELEMETRY"), [])

    def test_a_timeout_is_told_with_its_status(self):
        result = self.run_sandbox("--script", "invoke", "--timeout-ms", "300", events=[{"sleep_ms": 9000}],
                                  EXT_TELEMETRY="1", EXT_SHUTDOWN_MS="200")
        done = [e["record"] for e in self.events(result) if e["type"] == "platform.runtimeDone"]
        self.assertEqual([d["status"] for d in done], ["timeout"])

    def test_subscriptions_are_checked(self):
        def body(**change):
            return json.dumps({"schemaVersion": "2022-12-13", "types": ["platform"], "buffering": {},
                               "destination": {"protocol": "HTTP", "URI": "http://sandbox:1"}, **change})
        me = {"Lambda-Extension-Identifier": "MY_ID"}
        bodies = [body(), body(schemaVersion="1"), body(types=[]), body(buffering={"timeoutMs": 24}),
                  body(destination={"protocol": "HTTP", "URI": "http://127.0.0.1:1"}), "[",
                  body(types=["platform", "logs"]), body(types=[1]), body(buffering=25),
                  body(destination={"URI": "http://sandbox:1"}),
                  body(destination={"protocol": "HTTP", "URI": "http://sandbox:1x"})]
        result = self.run_sandbox("--script", "invoke", EXT_CALLS=json.dumps(
            [["PUT", "/2022-07-01/telemetry", me, b] for b in bodies]))
        self.assertEqual([json.loads(c)[0] for c in result.said("CALL")], [200] + [400] * 10)


class Upstream(SandboxTest):
    def post(self, *options, script="invoke*2 freeze:150 spindown", **env):
        return self.run_sandbox(*options, "--script", script,
                                EXT_POST_URL="http://{upstream}/api/42/envelope/", EXT_POST_BODY=ENVELOPE, **env)

    def test_an_envelope_arrives_and_is_looked_at(self):
        result = self.post("--bodies", self.dir.name, script="invoke spindown")
        arrival = result.arrivals[0]
        with open(os.path.join(self.dir.name, "000001.envelope")) as file:
            self.assertTrue(file.read().endswith('{"type":"event"}\n{"message":"hello"}'))
        self.assertIn(["Content-Type", "application/x-sentry-envelope"], arrival["headers"])
        self.assertEqual(arrival["event_id"], ID)
        self.assertEqual(arrival["ids"], [ID])
        self.assertEqual(arrival["messages"], ["hello"])
        self.assertEqual(arrival["items"], ["event"])
        self.assertEqual(arrival["problems"], [])
        self.assertEqual(result.said("ANSWER"), ["200"])
        self.assertEqual(result.upstream["requests_completed"], 1)

    def test_what_is_wrong_with_a_request_is_said(self):
        head = '{"event_id":"%s"%s}\n{"type":"event"}\n{}'
        url = "http://{upstream}/api/42/envelope/"
        result = self.run_sandbox("--script", "invoke*4", extension=False, events=[
            {"post": {"url": url + "?sentry_key=" + KEY, "body": head % (ID, ""), "headers": AUTH}},
            {"post": {"url": url, "body": head % (ID, ',"sent_at":"2020-01-01T00:00:00Z"'),
                      "headers": {**AUTH, "Content-Type": "text/plain", "Cookie": "a=b"}}},
            {"post": {"url": url, "body": "no envelope", "headers": AUTH}},
            {"post": {"url": url, "body": head % (ID, ',"sent_at":"NOW"'), "headers": {}}},
        ])
        self.assertEqual([i["response"]["post"] for i in result.invokes], [401, 200, 400, 401])
        self.assertEqual(len(result.refused), 3)
        problems = " ".join(result.arrivals[0]["problems"])
        for word in ["sent_at is", "content-type", "Cookie"]:
            self.assertIn(word, problems)

    def test_latency_costs_two_round_trips_for_a_fresh_connection(self):
        result = self.post("--upstream-latency-ms", "80", script="invoke spindown")
        self.assertGreaterEqual(result.invokes[0]["billed_ms"], 160)
        self.assertLess(result.invokes[0]["billed_ms"], 1000)
        self.assertGreaterEqual(result.arrivals[0]["at_ms"] - result.invokes[0]["start_ms"], 119)

    def test_live_connections_survive_a_freeze(self):
        result = self.post("--freeze", "live", "--upstream-latency-ms", "60", EXT_POST_ASYNC="1",
                           script="invoke thaw:100 freeze:150 invoke thaw:100 freeze:150 thaw:200 spindown")
        self.assertEqual(len(result.arrivals), 2)
        self.assertEqual(result.said("ANSWER"), ["200", "200"])
        self.assertEqual(result.upstream["connections_cut"], 0)

    def test_bytes_not_yet_on_the_road_at_a_freeze_wait_for_the_thaw(self):
        result = self.post("--freeze", "live", "--upstream-latency-ms", "100", EXT_POST_ASYNC="1",
                           script="invoke freeze:400 thaw:300")
        begin, end = result.freezes[0]
        self.assertGreater(result.arrivals[0]["at_ms"], end, "its handshake stood still")

    def test_bytes_on_the_road_arrive_although_the_client_is_frozen_and_cut(self):
        # Frozen 500 ms after INVOKE: handshake (400) over, request under way (until 600), answer not back (800).
        result = self.post("--freeze", "cut", "--upstream-latency-ms", "400", EXT_POST_ASYNC="1", EXT_BUSY_MS="500",
                           script="invoke freeze:500 thaw:100")
        begin, end = result.freezes[0]
        self.assertEqual(len(result.arrivals), 1)
        self.assertTrue(begin < result.arrivals[0]["at_ms"] < end)
        self.assertEqual(result.upstream["connections_cut"], 1)
        self.assertEqual(result.upstream["answers_lost"], 1)
        self.assertNotEqual(result.said("ANSWER"), ["200"])

    def test_cut_loses_what_is_still_in_the_socket(self):
        result = self.post("--freeze", "cut", "--upstream-latency-ms", "100", EXT_POST_ASYNC="1",
                           script="invoke freeze:300 thaw:100")
        self.assertEqual(result.arrivals, [])
        self.assertEqual(result.said("ANSWER"), ["ConnectionResetError"])

    def test_a_short_freeze_is_over_before_a_late_cut(self):
        result = self.post("--freeze", "cut", "--cut-after-ms", "5000", "--upstream-latency-ms", "60",
                           EXT_POST_ASYNC="1", script="invoke freeze:100 thaw:300")
        self.assertEqual(result.said("ANSWER"), ["200"])

    def test_status_faults(self):
        result = self.post("--upstream-fault", "status:503*1", script="invoke*2")
        self.assertEqual(result.said("ANSWER"), ["503", "200"])
        self.assertEqual(len(result.arrivals), 1)
        self.assertEqual([r["status"] for r in result.refused], [503])

    def test_a_fault_until_invokes_are_over(self):
        result = self.post("--upstream-fault", "status:503until2", script="invoke*3")
        self.assertEqual(result.said("ANSWER"), ["503", "503", "200"])
        result = self.post("--upstream-fault", "refuse:until1", script="invoke*2")
        self.assertEqual([a == "200" for a in result.said("ANSWER")], [False, True])

    def test_resets(self):
        for fault, arrived in {"reset-before": 0, "reset-within": 1, "reset-after": 1, "reset": 1}.items():
            with self.subTest(fault):
                result = self.post("--upstream-fault", fault, script="invoke")
                self.assertEqual(len(result.arrivals), arrived)
                self.assertNotEqual(result.said("ANSWER"), ["200"])
        result = self.post("--upstream-fault", "reset:every2", script="invoke*4")
        self.assertEqual([a == "200" for a in result.said("ANSWER")], [True, False, True, False])

    def test_a_refused_connection_is_reset(self):
        script = ("import os,socket,urllib.request as u\n"
                  "s=socket.create_connection(('127.0.0.1',int(os.environ['P'])))\n"
                  "try: print('read',s.recv(1),flush=True)\n"
                  "except OSError as e: print('read',type(e).__name__,flush=True)\n"
                  "u.urlopen('http://'+os.environ['AWS_LAMBDA_RUNTIME_API']+'/2018-06-01/runtime/invocation/next')")
        result = self.run_sandbox("--upstream-fault", "refuse*1", "--script", "freeze:1", "--env", "P={upstream_port}",
                                  function=[PYTHON, "-c", script], extension=False)
        self.assertIn("read ConnectionResetError", result.function_log)

    def test_refuse_slow_and_hang(self):
        result = self.post("--upstream-fault", "slow:200", script="invoke")
        self.assertGreaterEqual(result.invokes[0]["billed_ms"], 200)
        result = self.run_sandbox("--upstream-fault", "refuse", "--script", "invoke", extension=False,
                                  events=[post_event()])
        self.assertEqual(result.invokes[0]["error_type"], "Runtime.ExitError")  # urllib's refusal
        self.assertIn("Connection refused", " ".join(result.function_log))
        result = self.post("--upstream-fault", "hang", "--timeout-ms", "400", script="invoke")
        self.assertEqual(result.statuses(), ["timeout"])

    def test_tls_with_the_runs_own_authority(self):
        script = ("import os,ssl,time;"
                  "import urllib.request as u;c=ssl.create_default_context(cafile=os.environ['CA']);"
                  "t=time.time();u.urlopen(u.Request('https://localhost:'+os.environ['P']+'/api/1/other/',b'x'),context=c).read();"
                  "print('took',round(1000*(time.time()-t)),flush=True);"
                  "u.urlopen('http://'+os.environ['AWS_LAMBDA_RUNTIME_API']+'/2018-06-01/runtime/invocation/next')"
                  ";time.sleep(9)")
        result = self.run_sandbox("--tls", "--upstream-latency-ms", "50", "--script", "freeze:1", "--env", "CA={ca}",
                                  "--env", "P={upstream_port}", function=[PYTHON, "-c", script], extension=False)
        self.assertEqual(result.others[0]["target"], "/api/1/other/")
        took = int(result.function_log[0].split()[1])
        self.assertGreaterEqual(took, 149, "TCP, TLS 1.3 and the request: three round trips")


class Pipes(SandboxTest):
    def test_nobody_reads_the_pipes(self):
        result = self.run_sandbox("--stdout", "stop", "--timeout-ms", "800", "--script", "invoke",
                                  events=[{"print_lines": 2000}])
        self.assertEqual(result.statuses(), ["timeout"], "a blocking writer hangs on the full pipe")

    def test_the_pipes_are_closed(self):
        result = self.run_sandbox("--stdout", "close", "--script", "invoke", extension=False, events=[{"print": "x"}])
        self.assertEqual(result.invokes[0]["error_type"], "Runtime.ExitError")


if __name__ == "__main__":
    SANDBOX = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=1)
