#!/usr/bin/env python3
"""layer/thaw-exec, sentence by sentence, under each shell that is there; and in front of a real function.

Whatever is odd, the command runs, and only what is promised is changed. `-k NAME` picks a case.
"""

import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import unittest

import relaying
import sandbox

THAW_EXEC = sandbox.ROOT / "layer/thaw-exec"
# What they are called as decides how they behave: program, command line.
SHELLS = [("dash", ["sh"]), ("bash", ["sh"]), ("bash", ["bash", "--posix"]), ("busybox", ["sh"])]
HERE = [(shutil.which(program), line) for program, line in SHELLS if shutil.which(program)]
KEY = sandbox.KEY
DSN = f"https://{KEY}@o1.ingest.us.sentry.io/42"
PORT = 9123
REWRITTEN = {"SENTRY_DSN": f"http://{KEY}@127.0.0.1:{PORT}/42", "SENTRY_LAYER_EXTENSION": "false"}
LOOPBACK = "127.0.0.1,localhost"
# What shells set or count themselves.
SHELLS_OWN = {"PWD", "OLDPWD", "SHLVL", "_", "PATH", "IFS"}
ENV = shutil.which("env")
NEXT = '#!/bin/sh\necho "next ${THAW_EXEC_WRAPPER_NEXT-unset}"\nexec "$@"\n'


class Started:
    """What the command found, and what was said meanwhile."""

    def __init__(self, done):
        self.code, self.said = done.returncode, done.stderr
        lines = done.stdout.split(b"\0")[:-1]
        self.env = dict(line.decode(errors="surrogateescape").split("=", 1) for line in lines)
        self.own = {name: value for name, value in self.env.items() if name not in SHELLS_OWN}


class Case(unittest.TestCase):
    """Runs the wrapper under each shell."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="thaw-exec-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.ready(f"{PORT}\n")

    def ready(self, text):
        """Thaw's ready file; None for none."""
        file = self.folder / "ready"
        file.unlink(missing_ok=True)
        if text is not None:
            file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return file

    def run_one(self, shell, command=(ENV, "-0"), env=None, script=THAW_EXEC, flags=(), **options):
        """One start. PATH leads nowhere: whatever is not the shell's own would be missed aloud."""
        program, line = shell
        variables = {**self.before(env), "PATH": (env or {}).get("PATH", "/nonexistent")}
        return subprocess.run(
            [*line, *flags, script, *command], executable=program, env=variables, check=False, timeout=20,
            **{"capture_output": True, **options})

    def before(self, env):
        """What the wrapper finds; a value of None leaves a variable out."""
        found = {"THAW_SPOOL_DIR": str(self.folder), "SENTRY_DSN": DSN, **(env or {})}
        return {name: value for name, value in found.items() if value is not None and name not in SHELLS_OWN}

    def rewritten(self, env=None, gives=None, flags=()):
        """Under each shell: changed is what is promised, and nothing is said."""
        for shell in HERE:
            with self.subTest(shell):
                started = Started(self.run_one(shell, env=env, flags=flags))
                self.assertEqual(started.own, {**self.before(env), **REWRITTEN, **(gives or {})})
                self.assertEqual((started.code, started.said), (0, b""))

    def untouched(self, env=None, says=b"thaw-exec: ", flags=()):
        """Under each shell: the command runs with what was there before; `says` None for silence."""
        for shell in HERE:
            with self.subTest(shell):
                started = Started(self.run_one(shell, env=env, flags=flags))
                self.assertEqual((started.own, started.code), (self.before(env), 0))
                self.assertIn(says or b"", started.said)
                self.assertEqual(started.said.count(b"\n"), 1 if says else 0, started.said)
                self.assertNotIn(KEY.encode(), started.said)


class Dsn(Case):
    """If THAW_DISABLED is unset and SENTRY_DSN parses, the SDK is sent to Thaw."""

    def test_a_key_of_another_length_is_said_to_be_what_is_wrong(self):
        self.untouched({"SENTRY_DSN": "https://KEY@o1.ingest.us.sentry.io/42"}, says=b"a key of 32 characters")

    def test_dsn_and_sentrys_own_extension(self):
        self.rewritten()

    def test_disabled(self):
        for value in "1", "true", "00", " ":
            self.untouched({"THAW_DISABLED": value}, says=None)

    def test_not_disabled(self):
        for value in "", "0":
            self.rewritten({"THAW_DISABLED": value})

    def test_no_dsn(self):
        for value in None, "":
            self.untouched({"SENTRY_DSN": value}, says=None)

    def test_key_and_project_are_kept_and_the_rest_is_thaws(self):
        key = "ABCDEF_-23456789abcdef0123456789"
        for dsn, rewritten in (
                (f"http://{KEY}@h/42", f"{KEY}@127.0.0.1:{PORT}/42"),
                (f"HTTPS://{key}@H.example/0", f"{key}@127.0.0.1:{PORT}/0"),
                (f"https://{key}:s3cr%t@h:8443/1", f"{key}@127.0.0.1:{PORT}/1"),
                (f"https://{KEY}:@h/a.b/~c/7", f"{KEY}@127.0.0.1:{PORT}/7"),
                (f"https://{KEY}@h:1/42//", f"{KEY}@127.0.0.1:{PORT}/42"),
                (f"https://{KEY}@h.:65535//42", f"{KEY}@127.0.0.1:{PORT}/42"),
                (f"https://{KEY}@[2001:DB8::1]/42", f"{KEY}@127.0.0.1:{PORT}/42"),
                (f"https://{KEY}@[::ffff:10.0.0.1]:9000/42", f"{KEY}@127.0.0.1:{PORT}/42"),
                (f"https://{KEY}@h/9999999999999999999", f"{KEY}@127.0.0.1:{PORT}/9999999999999999999")):
            with self.subTest(dsn):
                self.rewritten({"SENTRY_DSN": dsn}, gives={"SENTRY_DSN": f"http://{rewritten}"})

    def test_a_dsn_of_thaws_gets_the_port_and_keeps_its_way(self):
        for host in "127.0.0.1:9797", f"127.0.0.1:{PORT}", "localhost:9797", "[::1]:9797":
            for path in "/42", "/o1.ingest.us.sentry.io/42", "/o1.sentry.io/relay/42":
                with self.subTest(host + path):
                    self.rewritten({"SENTRY_DSN": f"http://{KEY}@{host}{path}"},
                                   gives={"SENTRY_DSN": f"http://{KEY}@127.0.0.1:{PORT}{path}"})

    def test_what_thaw_would_not_take_for_a_dsn(self):
        for dsn in (
                "garbage", " ", "none", f"ftp://{KEY}@h/1", f" https://{KEY}@h/1", f"https://{KEY}@h/1\n",
                f"https:{KEY}@h/1", f"://{KEY}@h/1", f"{KEY}@h/1", "https://h/1", "https://@h/1", "https://short@h/1",
                f"https://{KEY}0@h/1", f"https://{KEY[1:]}@h/1", f"https://{KEY[1:]}.@h/1", f"https://{KEY[1:]}é@h/1",
                f"https://:{KEY}@h/1", f"https://{KEY}:a\nb@h/1", f"https://{KEY}@/1", f"https://{KEY}@:80/1",
                f"https://{KEY}@./1", f"https://{KEY}@h../1", f"https://{KEY}@a b/1", f"https://{KEY}@a\tb/1",
                f"https://{KEY}@a%2eb/1", f"https://{KEY}@evil@h/1", f"https://{KEY}@hö/1", f"https://{KEY}@[::1/1",
                f"https://{KEY}@[]/1", f"https://{KEY}@[::1..]/1", f"https://{KEY}@[name]/1",
                f"https://{KEY}@[::1]x/1", f"https://{KEY}@::1/1",
                f"https://{KEY}@h:0/1", f"https://{KEY}@h:/1", f"https://{KEY}@h:65536/1", f"https://{KEY}@h:8o/1",
                f"https://{KEY}@h:-1/1", f"https://{KEY}@h:1:2/1", f"https://{KEY}@h:99999999999999999999/1",
                f"https://{KEY}@h", f"https://{KEY}@h/", f"https://{KEY}@h//", f"https://{KEY}@h/x",
                f"https://{KEY}@h/42abc", f"https://{KEY}@h/-1", f"https://{KEY}@h/18446744073709551616",
                f"https://{KEY}@h/10000000000000000000", f"https://{KEY}@h/42?x=1", f"https://{KEY}@h/42#x",
                f"https://{KEY}@h?/42", f"https://{KEY}@h\\x/42", f"https://{KEY}@h/a\r\nb/42",
                f"https://{KEY}@h/a b/42",
                f"https://h/{KEY}@h/42", f"{DSN},{DSN}", f"{DSN} {DSN}", f'"{DSN}"', f"{DSN}\r",
                f"https://{KEY}@$(x)/1", f"https://{KEY}@`x`/1", f"https://{KEY}@*/1",
                f"https://{KEY}@${{HOME}}/1", "\udcff\udcfe", "-n", "--"):
            with self.subTest(dsn):
                self.untouched({"SENTRY_DSN": dsn}, says=b"SENTRY_DSN is not")

    def test_bytes_of_another_encoding(self):
        for locale in "C", "C.UTF-8":
            self.untouched({"LC_ALL": locale, "SENTRY_DSN": f"https://{KEY}@h\udce9/1"}, says=b"SENTRY_DSN is not")


class Ready(Case):
    """… and the ready file exists: the port is its."""

    def test_ports(self):
        for text in "1", "65535", "9797\n", "9797\nmore\n", "9797":
            with self.subTest(text):
                self.ready(text)
                port = text.split("\n")[0]
                self.rewritten(gives={"SENTRY_DSN": f"http://{KEY}@127.0.0.1:{port}/42"})

    def test_no_port_in_it(self):
        for text in (None, "", "\n", "0", "65536", "099", "123456", "9797\r\n", " 9797\n", "9797 \n", "9797 1\n",
                     "-1", "+1", "9.9", "0x10", "port", "$(x)", "\\9797", "*", "9" * 100_000, b"\xff\xfe\x00"):
            with self.subTest(text):
                self.ready(text)
                self.untouched(says=b"no port in ")

    def test_no_plain_file(self):
        for make in (lambda file: file.mkdir(), os.mkfifo, lambda file: file.symlink_to("/dev/zero"),
                     lambda file: file.symlink_to("nowhere"), lambda file: file.symlink_to(file)):
            file = self.ready(None)
            make(file)
            self.untouched(says=b"no port in ")
            file.rmdir() if file.is_dir() else file.unlink()

    @unittest.skipIf(os.geteuid() != 0, "needs root: another user, who may not read")
    def test_not_ours_to_read(self):
        script = pathlib.Path(shutil.copy(THAW_EXEC, self.folder))
        self.ready(f"{PORT}\n").chmod(0o600)
        self.folder.chmod(0o755)
        for shell in HERE:
            done = self.run_one(shell, script=script, user=65534, group=65534, extra_groups=[])
            self.assertEqual(Started(done).env["SENTRY_DSN"], DSN)
            self.assertEqual(done.stderr.count(b"\n"), 1)

    def test_where_it_is(self):
        folder = self.folder / "with blanks\nand $(more) *"
        folder.mkdir()
        (folder / "ready").write_text("9124\n")
        self.rewritten({"THAW_SPOOL_DIR": str(folder)},
                       gives={"SENTRY_DSN": f"http://{KEY}@127.0.0.1:9124/42"})

    def test_where_it_is_without_the_setting(self):
        # As Thaw, which takes its default for what is no absolute path.
        text = THAW_EXEC.read_text()
        self.assertEqual(text.count("/tmp/thaw/"), 1)
        script = self.folder / "thaw-exec"
        script.write_text(text.replace("/tmp/thaw/", f"{self.folder}/"))
        for value in None, "", "relative":
            for shell in HERE:
                started = Started(self.run_one(shell, env={"THAW_SPOOL_DIR": value}, script=script))
                self.assertEqual(started.env["SENTRY_DSN"], REWRITTEN["SENTRY_DSN"])


class NoProxy(Case):
    """127.0.0.1,localhost is appended to NO_PROXY and no_proxy where they or a proxy variable are set."""

    def test_neither(self):
        self.rewritten()

    def test_a_proxy(self):
        for name in "http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY":
            with self.subTest(name):
                self.rewritten({name: "http://proxy:3128"}, gives={"NO_PROXY": LOOPBACK, "no_proxy": LOOPBACK})

    def test_one_of_them(self):
        for name in "NO_PROXY", "no_proxy":
            with self.subTest(name):
                self.rewritten({name: "corp.example"}, gives={name: f"corp.example,{LOOPBACK}"})
                self.rewritten({name: ""}, gives={name: LOOPBACK})

    def test_both(self):
        self.rewritten({"NO_PROXY": "a, b", "no_proxy": ".c d"},
                       gives={"NO_PROXY": f"a, b,{LOOPBACK}", "no_proxy": f".c d,{LOOPBACK}"})

    def test_a_new_one_does_not_hide_the_other(self):
        for name in "NO_PROXY", "no_proxy":
            with self.subTest(name):
                both = dict.fromkeys(("NO_PROXY", "no_proxy"), f"corp.example,{LOOPBACK}")
                self.rewritten({"https_proxy": "http://proxy", name: "corp.example"}, gives=both)

    def test_what_says_so_already(self):
        for value in "*", LOOPBACK, f"{LOOPBACK},x", f"x,{LOOPBACK}":
            with self.subTest(value):
                self.rewritten({"NO_PROXY": value})

    def test_nothing_of_it_where_the_dsn_stays(self):
        self.untouched({"SENTRY_DSN": None, "HTTP_PROXY": "http://proxy", "NO_PROXY": "x"}, says=None)


class Command(Case):
    """Then it executes the command, through THAW_EXEC_WRAPPER_NEXT if that is executable."""

    ARGUMENTS = ["", " ", "two words", "line\nline", "-n", "*", "$HOME", '"', "'", "\\", "é", "\udcff",
                 "--", "=x", "trail\n"]

    def test_arguments(self):
        show = "import os, sys; os.write(1, b'\\0'.join(map(os.fsencode, sys.argv[1:])))"
        for shell in HERE:
            done = self.run_one(shell, [sys.executable, "-c", show, *self.ARGUMENTS])
            self.assertEqual(done.stdout.split(b"\0"), list(map(os.fsencode, self.ARGUMENTS)))

    def test_the_process_is_the_commands(self):
        for program, line in HERE:
            for dsn in DSN, "garbage":
                process = subprocess.Popen(
                    [*line, THAW_EXEC, sys.executable, "-c", "import os; print(os.getpid())"], executable=program,
                    stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                    env={"SENTRY_DSN": dsn, "THAW_SPOOL_DIR": str(self.folder)})
                self.assertEqual(int(process.communicate()[0]), process.pid)

    def test_exit_code_and_input(self):
        for shell in HERE:
            copy = "import sys; sys.stdout.write(sys.stdin.read()); sys.exit(3)"
            done = self.run_one(shell, [sys.executable, "-c", copy], input=b"in\nput")
            self.assertEqual((done.returncode, done.stdout), (3, b"in\nput"))

    def test_a_command_that_is_not_there(self):
        for shell in HERE:
            done = self.run_one(shell, ["/nonexistent/runtime"])
            self.assertEqual(done.returncode, 127)
            self.assertIn(b"/nonexistent/runtime", done.stderr)

    def test_no_command(self):
        for shell in HERE:
            done = self.run_one(shell, [])
            self.assertEqual((done.returncode, done.stderr.count(b"\n")), (2, 1))
            self.assertIn(b"usage: thaw-exec COMMAND", done.stderr)

    def test_through_the_next_one(self):
        file = self.folder / "next wrapper"
        file.write_text(NEXT)
        file.chmod(0o755)
        for shell in HERE:
            done = self.run_one(shell, env={"THAW_EXEC_WRAPPER_NEXT": str(file)})
            head, rest = done.stdout.split(b"\n", 1)
            self.assertEqual((head, done.stderr), (b"next unset", b""))
            self.assertIn(f"SENTRY_DSN={REWRITTEN['SENTRY_DSN']}".encode(), rest.split(b"\0"))

    def test_through_the_next_one_where_the_dsn_stays(self):
        file = self.folder / "next"
        file.write_text(NEXT)
        file.chmod(0o755)
        for shell in HERE:
            done = self.run_one(shell, env={"THAW_EXEC_WRAPPER_NEXT": str(file), "THAW_DISABLED": "1"})
            self.assertEqual((done.stdout.split(b"\n")[0], done.stderr), (b"next unset", b""))

    def test_the_next_one_by_its_bare_name_is_a_file_here(self):
        (self.folder / "env").write_text(NEXT)
        (self.folder / "env").chmod(0o755)
        for shell in HERE:
            done = self.run_one(shell, cwd=self.folder, env={"THAW_EXEC_WRAPPER_NEXT": "env", "PATH": "/usr/bin:/bin"})
            self.assertEqual(done.stdout.split(b"\n")[0], b"next unset")

    def test_a_next_one_that_cannot_be_executed(self):
        plain = self.folder / "plain"
        plain.write_text(NEXT)
        plain.chmod(0o644)
        for path in plain, self.folder, self.folder / "missing", "":
            for shell in HERE:
                started = Started(self.run_one(shell, env={"THAW_EXEC_WRAPPER_NEXT": str(path)}))
                self.assertEqual((started.code, started.env["SENTRY_DSN"]), (0, REWRITTEN["SENTRY_DSN"]))
                self.assertEqual(b"THAW_EXEC_WRAPPER_NEXT" in started.said, path != "")

    def test_a_next_one_that_is_itself(self):
        for shell in HERE:
            done = self.run_one(shell, env={"THAW_EXEC_WRAPPER_NEXT": str(THAW_EXEC), "NO_PROXY": "x"})
            self.assertEqual(Started(done).env["SENTRY_DSN"], REWRITTEN["SENTRY_DSN"])
            self.assertEqual(Started(done).env["NO_PROXY"], f"x,{LOOPBACK}")


class Surroundings(Case):
    """What else may be odd in production."""

    def test_each_shell_is_here(self):
        missing = {program for program, _ in SHELLS} - {pathlib.Path(program).name for program, _ in HERE}
        self.assertTrue(HERE)
        if missing:
            self.skipTest(f"not tested under {', '.join(missing)}: not here")

    def test_no_external_command(self):
        # Nothing can be found, and a miss would be said.
        for path in "", "/nonexistent":
            self.rewritten({"PATH": path, "HTTP_PROXY": "x"}, gives={"NO_PROXY": LOOPBACK, "no_proxy": LOOPBACK})
            self.untouched({"PATH": path, "SENTRY_DSN": "garbage"})

    def test_strict_shells(self):
        for flags in ["-eu"], ["-f"], ["-C"]:
            self.rewritten(flags=flags)
            self.untouched({"SENTRY_DSN": None}, says=None, flags=flags)
            self.untouched({"SENTRY_DSN": "garbage"}, flags=flags)
        self.ready(None)
        self.untouched(flags=["-eu"])

    def test_variables_that_shells_know(self):
        self.rewritten({"IFS": "0123456789:/@", "ENV": "/nonexistent", "BASH_ENV": "/nonexistent", "CDPATH": "/",
                        "LC_ALL": "C.UTF-8"})

    def test_variables_of_the_function_with_plain_names(self):
        self.rewritten({name: "the function's" for name in (
            "key", "host", "port", "project", "prefix", "rest", "path", "proxy", "upper", "lower", "next", "ready",
            "list")})

    def test_a_log_that_nobody_reads(self):
        readable, writable = os.pipe()
        os.close(readable)
        for shell in HERE:
            for stderr in writable, None:
                done = self.run_one(
                    shell, env={"SENTRY_DSN": "garbage"}, capture_output=False, stdout=subprocess.PIPE, stderr=stderr,
                    preexec_fn=None if stderr else lambda: os.close(2), restore_signals=True)
                self.assertEqual(done.returncode, 0)
                self.assertIn(b"SENTRY_DSN=garbage", done.stdout.split(b"\0"))
        os.close(writable)

    def test_as_lambda_starts_it(self):
        done = subprocess.run([THAW_EXEC, ENV, "-0"], capture_output=True, check=False,
                              env={"SENTRY_DSN": DSN, "THAW_SPOOL_DIR": str(self.folder)})
        self.assertEqual(Started(done).env["SENTRY_DSN"], REWRITTEN["SENTRY_DSN"])

    @unittest.skipUnless(shutil.which("shellcheck"), "no shellcheck here: .ci/install lint")
    def test_shellcheck(self):
        done = subprocess.run(["shellcheck", THAW_EXEC], capture_output=True, text=True, check=False)
        self.assertEqual(done.stdout, "")


class Function(unittest.TestCase):
    """In front of a real function, whose only setting is Sentry's DSN as Sentry shows it."""

    INVOKES = 6

    def play(self, **env):
        """Runs it; each error arrives once."""
        run = sandbox.run(
            "python", f"invoke*{self.INVOKES} freeze:300 invoke spindown", thaw=True, wrapper=[str(THAW_EXEC)],
            events=[{"errors": 2, "flush": True}],
            options=["--tls", "--upstream-latency-ms", "20", "--gap-ms", "50", "--timeout-ms", "10000"],
            env={**sandbox.TLS, "SENTRY_DSN": sandbox.TLS["THAW_UPSTREAM_DSN"], "THAW_UPSTREAM_DSN": None, **env})
        self.assertEqual([invoke["status"] for invoke in run.invokes], ["success"] * (self.INVOKES + 1))
        self.assertEqual(len(run.sent), 2 * (self.INVOKES + 1))
        self.assertEqual(run.arrived, set(run.sent), "nothing is lost")
        self.assertEqual(run.duplicates, 0)
        self.assertEqual(run.handed_over, len(run.sent), "all of it went through Thaw")
        relaying.balance(self, run.stats)

    def test_its_dsn_is_untouched(self):
        self.play()

    def test_the_port_is_taken(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            self.play(THAW_PORT=str(taken.getsockname()[1]))

    def test_behind_a_proxy_variable(self):
        # Thaw's own way must not lead there either: its upstream is at localhost.
        self.play(HTTP_PROXY="http://127.0.0.1:9", http_proxy="http://127.0.0.1:9")

    def test_without_thaw_the_sdk_goes_its_own_way(self):
        run = sandbox.run("python", "invoke*2 spindown", thaw=False, wrapper=[str(THAW_EXEC)],
                          events=[{"errors": 1, "flush": True}], options=["--freeze", "live"])
        self.assertEqual((run.arrived, run.duplicates), (set(run.sent), 0))
        self.assertEqual(len(run.sent), 2)


if __name__ == "__main__":
    unittest.main(verbosity=2)
