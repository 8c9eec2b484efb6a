"""The sandbox's isolation, from inside: what needs root, and a kernel that lets root do it.

Usage: isolation.py PATH/TO/thaw-sandbox [Isolation|Quota|Memory]. Exit code 77: nothing could be tested here, the
reason is printed.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import unittest

import failures
import run

# The last four are a control group's: nobody may write there, or its controller is not handed down to us.
NO_FAULT_OF_OURS = ("needs root", "Operation not permitted", "not open to", "Read-only file system",
                    "no cgroup file system", "Permission denied", "No such file")


def reason_to_skip(*options):
    with tempfile.TemporaryDirectory() as folder:
        report = os.path.join(folder, "report.json")
        subprocess.run([run.SANDBOX, *options, "--report", report, "--script", "invoke", "--",
                        run.PYTHON, os.path.join(run.HERE, "function.py")], capture_output=True, check=False)
        with open(report) as file:
            missing = json.load(file)["isolation"]["not_done"]
    reasons = [f"{step}: {why}" for step, why in missing.items() if any(word in why for word in NO_FAULT_OF_OURS)]
    return "; ".join(reasons)


class Isolation(run.SandboxTest):
    @classmethod
    def setUpClass(cls):
        reason = reason_to_skip("--isolation", "require")
        if reason:
            raise unittest.SkipTest(reason)

    def shell(self, *commands, options=(), script=None, **env):
        """The answers, in lines, of a function to which each invoke is one of the commands; {tmp} is filled in."""
        result = self.run_sandbox("--script", script or f"invoke*{len(commands)} spindown", *options,
                                  events=[{"shell": command} for command in commands], **env)
        self.answers = [invoke["response"].get("shell") for invoke in result.invokes]
        return result

    def test_function_and_extension_are_nobody_in_particular(self):
        result = self.shell("id -u; id -g; id -G", EXT_SURROUNDINGS="1")
        self.assertEqual(self.answers, [["993", "990", "990"]])
        found = json.loads(result.said("SURROUNDINGS")[0])
        self.assertEqual(found["user"], [993, 993, 990, 990])
        self.assertEqual(found["groups"], [])
        self.assertEqual(found["descriptors"], ["0", "1", "2"])
        self.assertEqual(result.isolation, {
            "mode": "auto", "not_done": {},
            "done": {"root": "read-only", "tmp": "tmpfs of 512 MiB", "user": "993:990"}})
        self.assertEqual(result.errors, "")

    def test_the_root_is_read_only_whoever_asks(self):
        for user in ("993", "0"):
            with self.subTest(user):
                self.shell(f"echo > {run.HERE}/x", "echo > /x", "echo > /dev/shm/x", "echo > /dev/null && echo written",
                           options=["--user", user])
                for answer in self.answers[:3]:
                    self.assertRegex(answer[0], "Read-only file system|Permission denied" if user != "0" else "Read-only")
                self.assertEqual(self.answers[3], ["written"])

    def test_children_run_as_the_user_of_the_option(self):
        for mode in ("auto", "off"):
            result = self.run_sandbox("--user", "12345", "--isolation", mode, "--script", "freeze:1", "--env", "T={tmp}",
                                      extension=False,
                                      function=["/bin/sh", "-c", "id -u; id -g; echo > $T/x && echo written"])
            self.assertEqual(result.function_log[:3], ["12345", "12345", "written"])

    def test_tmp_is_shared_survives_resets_and_ends_with_its_environment(self):
        write, read = "echo seen > {tmp}/file; ls {tmp}", "ls {tmp}; ls -d {tmp}"
        result = self.shell(write, "sleep 9", read, read, read, options=["--timeout-ms", "1500"],
                            script="invoke*3 kill invoke spindown invoke")
        self.assertEqual(result.statuses(), ["success", "timeout"] + ["success"] * 3)
        tmp = self.answers[2][-1]
        self.assertEqual(self.answers, [["file"], None, ["file", tmp], ["file", tmp], [tmp]])
        self.assertFalse(os.path.exists(tmp))

    def test_the_function_sees_the_extensions_files(self):
        self.shell("cat {tmp}/hello", EXT_WRITE="{tmp}/hello")
        self.assertEqual(self.answers, [["993"]])

    def test_tmp_has_the_size_of_the_option(self):
        for mib in (1, 2):
            for excess, outcome in ((-8192, "0"), (0, "1")):  # a page or two go to the folders
                size = (mib << 20) + excess
                with self.subTest(size):
                    self.shell(f"head -c {size + 1} /dev/zero 2>&1 > {{tmp}}/x; echo $?",
                               options=["--tmp-mib", str(mib)], extension=False)
                    self.assertEqual(self.answers[0][-1], outcome)

    def test_tmp_can_be_read_only(self):
        for user in ("993", "0"):
            result = self.shell("echo > {tmp}/x", options=["--tmp", "ro", "--user", user])
            self.assertIn("Read-only file system", self.answers[0][0])
            self.assertEqual(result.isolation["done"]["tmp"], "tmpfs of 512 MiB, read-only")

    def test_of_our_own_tmp_only_what_is_needed_is_seen(self):
        with tempfile.NamedTemporaryFile() as seen, tempfile.NamedTemporaryFile() as unseen:
            self.shell(f"cat {seen.name} | wc -c; cat {unseen.name}; echo > {seen.name}; ls -A /tmp | wc -l; ls -A {{tmp}}",
                       options=["--show", seen.name, "--user", "0"])
        self.assertEqual(self.answers[0][0], "0")
        self.assertIn("No such file", self.answers[0][1])
        self.assertIn("Read-only", self.answers[0][2])
        # One more where this tree itself lies below /tmp: the function's program is shown, too.
        seen = "4" if pathlib.Path(__file__).resolve().is_relative_to("/tmp") else "3"
        self.assertEqual(self.answers[0][3:], [seen], "shown, the extension's folder, {tmp}'s")

    def test_a_function_of_our_own_tmp_has_what_lies_beside_it(self):
        os.chmod(self.dir.name, 0o755)
        for name in ("started.sh", "beside.sh"):
            with open(os.path.join(self.dir.name, name), "w") as file:
                file.write('. "$(dirname "$0")/beside.sh"\n' if name == "started.sh" else "id -u\n")
        result = self.run_sandbox("--script", "freeze:1", function=["sh", os.path.join(self.dir.name, "started.sh")],
                                  extension=False)
        self.assertEqual(result.function_log[:1], ["993"])

    def test_who_is_kept_out_by_permissions_stays_root_and_it_is_said(self):
        program = os.path.join(self.dir.name, "program")  # in a folder that is open to nobody else
        with open(program, "w") as file:
            file.write("#!/bin/sh\nid -u\necho > /x\n")
        os.chmod(program, 0o755)
        why = "not open to 993:990: " + self.dir.name
        for start in ([program], ["sh", program]):
            result = self.run_sandbox("--script", "freeze:1", function=start, extension=False)
            self.assertEqual(result.function_log[0], "0")
            self.assertIn("Read-only", result.function_log[1], "the rest of the isolation stands")
            self.assertEqual(result.isolation["not_done"], {"user": why})
            self.assertEqual(result.errors.count(why), 1)
        required = self.run_sandbox("--isolation", "require", "--script", "freeze:1", function=[program],
                                    extension=False, code=1)
        self.assertEqual(required.function_log, [])
        self.assertEqual(required.problems, ["isolation is required: user: " + why])

    def test_what_the_kernel_forbids_root_is_said_and_the_rest_goes_on(self):
        report = os.path.join(self.dir.name, "report.json")
        done = subprocess.run(
            ["setpriv", "--bounding-set", "-sys_admin", run.SANDBOX, "--report", report, "--script", "freeze:1", "--",
             "/bin/sh", "-c", "id -u"], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(report) as file:
            result = json.load(file)
        why = "setns: Operation not permitted"
        self.assertEqual(result["isolation"], {
            "mode": "auto", "done": {"user": "993:990"}, "not_done": {"root": why, "tmp": why}})
        self.assertEqual(done.stderr, f"thaw-sandbox: not isolated: root: {why}; tmp: {why}\n")
        self.assertEqual(result["function_log"], ["993"])

    def test_off_is_off(self):
        result = self.shell("id -u; df /tmp | tail -1 | cut -d' ' -f1", options=["--isolation", "off"])
        self.assertEqual(self.answers[0][0], "0")
        self.assertEqual(result.isolation, {"mode": "off", "done": {}, "not_done": {}})

    def test_the_authority_to_trust_is_readable_inside(self):
        result = self.shell("cat {ca} | head -1", options=["--tls", "--extension-env", "CA={ca}"])
        self.assertEqual(self.answers[0], ["-----BEGIN CERTIFICATE-----"])
        self.assertEqual(result.isolation["done"]["user"], "993:990")

    def test_what_we_write_ourselves_is_written_outside(self):
        log = os.path.join(self.dir.name, "log")
        result = self.run_sandbox("--log", log, "--bodies", self.dir.name, "--script", "invoke", extension=False,
                                  events=[run.post_event()])
        self.assertEqual(len(result.arrivals), 1)
        self.assertTrue(os.path.getsize(log) > 0)
        self.assertIn("000001.envelope", os.listdir(self.dir.name))


def groups():
    return [folder for folder, _, _ in os.walk("/sys/fs/cgroup") if "thaw-sandbox-" in folder]


class Quota(run.SandboxTest):
    @classmethod
    def setUpClass(cls):
        reason = reason_to_skip("--isolation", "off", "--cpu", "1")
        if reason:
            raise unittest.SkipTest(reason)

    def test_the_quota_holds_and_its_group_is_removed_with_who_is_left_in_it(self):
        before = groups()
        work = "import time;b=time.time()\nwhile time.process_time()<0.2:pass\nprint(time.time()-b)"
        shell = f"setsid sleep 60 >/dev/null 2>&1 & {run.PYTHON} -S -c '{work}'"
        result = self.run_sandbox("--cpu", "0.1", "--script", "invoke", "--timeout-ms", "20000",
                                  events=[{"shell": shell}], EXT_TELEMETRY="1")
        self.assertRegex(result.isolation["done"]["cpu"], r"^0\.1, cgroup v[12]$")
        self.assertGreater(float(result.invokes[0]["response"]["shell"][0]), 1, "0.2 s of work at a tenth of a processor")
        self.assertEqual(groups(), before)

    def test_the_group_is_removed_when_we_are_told_to_end(self):
        before = groups()
        with subprocess.Popen([run.SANDBOX, "--cpu", "0.07", "--script", "thaw:60000", "--", "/bin/sh", "-c",
                               "echo here; sleep 60"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as sandbox:
            limit = time.monotonic() + 10
            while groups() == before and sandbox.poll() is None and time.monotonic() < limit:
                time.sleep(0.01)
            self.assertNotEqual(groups(), before)
            sandbox.terminate()
            self.assertEqual(sandbox.wait(20), 130)
        self.assertEqual(groups(), before)


class Memory(failures.FailureTest):
    """The kernel kills when the limit is reached. How that is told: DataDog/datadog-lambda-extension, pull requests
    776 and 1241 (Runtime.OutOfMemory, maxMemoryUsedMB equal to memorySizeMB; others show a killed runtime only)."""

    @classmethod
    def setUpClass(cls):
        reason = reason_to_skip("--isolation", "off", "--memory-limit-mib", "64")
        if reason:
            raise unittest.SkipTest(reason)

    def eat(self, *options, limit=64, script="invoke*3 spindown", events=({}, {"eat": True}, {}), **more):
        return self.play("--memory-mb", "128", "--memory-limit-mib", str(limit), "--script", script, *options,
                         events=list(events), **more)

    def used(self, result):
        return [record["metrics"]["maxMemoryUsedMB"] for record in self.told(result, "report")]

    def test_the_function_is_killed_and_all_are_told_why(self):
        before = groups()
        result = self.eat()
        self.assertRegex(result.isolation["done"]["memory"], r"^64 MiB, cgroup v[12]$")
        wanted = [["success", None], ["error", "Runtime.OutOfMemory"], ["success", None]]
        self.assertEqual(self.ends(result, "runtimeDone"), wanted)
        self.assertEqual(self.ends(result, "report"), wanted)
        self.assertEqual(result.invokes[1]["response"]["errorType"], "Runtime.OutOfMemory")
        self.assertTrue(result.invokes[1]["response"]["errorMessage"].endswith("signal: killed"))
        self.assertEqual(self.shutdowns(result), ["failure", "spindown"])
        self.assertEqual(len(result.happened("exit function: signal: killed")), 1)
        self.assertEqual(result.invokes[2]["phase"], "invoke")
        used = self.used(result)
        self.assertEqual(used[1], 128, "all of it")
        self.assertTrue(0 < used[0] <= 64, "measured")
        self.assertEqual(groups(), before)

    def test_other_runtimes_just_exit(self):
        result = self.eat("--oom-as", "exit")
        self.assertEqual(self.ends(result, "runtimeDone")[1], ["error", "Runtime.ExitError"])
        self.assertTrue(result.invokes[1]["response"]["errorMessage"].endswith("exited with error: signal: killed"))
        self.assertEqual(self.used(result)[1], 128)

    def test_a_kill_that_was_not_the_kernels_is_an_exit(self):
        result = self.eat(events=[{"eat": True}, {"kill": True}, {}])
        self.assertEqual(self.ends(result, "runtimeDone"),
                         [["error", "Runtime.OutOfMemory"], ["error", "Runtime.ExitError"], ["success", None]])
        self.assertLess(self.used(result)[1], 128)

    def test_the_function_dies_even_if_an_extension_has_more(self):
        for victim, kind, who in (("function", "Runtime.OutOfMemory", "function"), ("extension", "Extension.Crash", "eats"),
                                  ("largest", "Extension.Crash", "eats")):
            with self.subTest(victim):
                result = self.eat("--oom-victim", victim, *self.neighbour("eats-70"), limit=128,
                                  script="invoke*2", events=[{}, {"eat_mib": 60}])
                self.assertEqual([invoke["error_type"] for invoke in result.invokes], ["", kind])
                self.assertEqual(len(result.happened(f"exit {who}")), 1)
                self.assertEqual(self.used(result)[1], 128)

    def test_running_out_of_it_in_the_init(self):
        result = self.eat("--function-env", "FAIL_AT_INIT=eat", script="invoke")
        self.assertEqual(self.ends(result, "initRuntimeDone"), [["error", "Runtime.OutOfMemory"]] * 2)
        self.assertEqual(result.invokes[0]["error_type"], "Runtime.OutOfMemory")

    def test_beside_a_share_of_the_processor(self):
        result = self.eat("--cpu", "1", script="invoke", events=[{"eat": True}])
        self.assertEqual(result.invokes[0]["error_type"], "Runtime.OutOfMemory")
        self.assertEqual(set(result.isolation["done"]) & {"cpu", "memory"}, {"cpu", "memory"})


if __name__ == "__main__":
    run.SANDBOX = os.path.abspath(sys.argv.pop(1))
    outcome = unittest.main(verbosity=2, exit=False).result
    if outcome.wasSuccessful() and outcome.skipped and len(outcome.skipped) >= outcome.testsRun:
        sys.exit(77)
    sys.exit(0 if outcome.wasSuccessful() else 1)
