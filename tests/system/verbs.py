#!/usr/bin/env python3
"""The Makefile's verbs and .ci/install on a machine that lacks something: what is missing is said, and nothing goes on.

In a copy of the two, with a PATH of its own.
"""

import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

import sandbox

TOOLS = ("bash", "sh", "make", "dirname", "basename", "id", "grep", "sed", "sort", "mkdir", "rmdir", "sleep", "nproc", "env", "sha256sum",
         "dpkg", "git", "xargs", "expand")
# dpkg-query's answer for whatever is asked.
INSTALLED = "#!/bin/sh\necho 'install ok installed'\n"
# Takes a step that nobody else may take meanwhile.
ALONE = """#!/bin/sh
mkdir "$LOCK"
sleep 0.1
rmdir "$LOCK"
"""


class Pinned(unittest.TestCase):
    """What pip has installed, here, is what is written down."""

    def test_every_package(self):
        here = sandbox.ROOT / "tests/functions"
        exactly = (here / "constraints").read_text().split()
        asked_for = re.findall(r"^[A-Z0-9_]+=([\w.]+)$", (here / "versions").read_text(), re.MULTILINE)
        pythons = [*sandbox.BUILD.glob("*/bin/python"), *sandbox.BUILD.glob("*/python/bin/python")]
        self.assertIn(sandbox.BUILD / "functions/python/bin/python", pythons)
        for python in pythons:
            done = subprocess.run([python, "-m", "pip", "freeze"], capture_output=True, text=True, check=True)
            for line in done.stdout.split():
                self.assertTrue(line in exactly or line.split("==")[1] in asked_for, f"{python}: {line}")


class Verbs(unittest.TestCase):
    """A folder of its own."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="thaw-verbs-"))
        self.addCleanup(shutil.rmtree, self.folder)
        (self.folder / ".ci").mkdir()
        (self.folder / "bin").mkdir()
        for name in "Makefile", ".ci/install":
            shutil.copy(sandbox.ROOT / name, self.folder / name)
        for name in TOOLS:
            (self.folder / "bin" / name).symlink_to(shutil.which(name))

    def tool(self, name, text):
        """One more tool in PATH."""
        file = self.folder / "bin" / name
        file.write_text(text)
        file.chmod(0o755)

    def run_it(self, *command, **env):
        """In the copy."""
        return subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False, timeout=60,
                              env={"PATH": str(self.folder / "bin"), **env})

    def test_install_without_a_word_or_with_a_wrong_one_does_nothing_and_says_so(self):
        for words in [], ["all"], [""], ["--help"]:
            done = self.run_it(".ci/install", *words)
            self.assertEqual((done.returncode, done.stdout), (2, ""), words)
            self.assertRegex(done.stderr, r"^usage: \.ci/install debug\|build\|")

    def test_every_word_is_in_the_usage(self):
        text = (sandbox.ROOT / ".ci/install").read_text()
        words = re.findall(r"^    ([a-z-]+)\)", text[text.index('\nfor what in "$@"'):], re.MULTILINE)
        usage = re.search(r"^# Usage: \.ci/install (.*)$", text, re.MULTILINE)[1]
        self.assertEqual(words, usage.split("|"))

    def test_without_apt_get_each_verb_says_what_it_lacks(self):
        for verb in ("build", "demo", "serve", "test", "test-all", "test-rest", "test-gcc", "lint", "format", "bench", "layer",
                     "fuzz", "coverage", "soak"):
            done = self.run_it("make", "-s", verb)
            self.assertNotEqual(done.returncode, 0, verb)
            self.assertIn("no apt-get here", done.stderr, verb)
            self.assertIn("clang", done.stderr, verb)

    def test_an_archive_without_the_source_is_named(self):
        self.tool("dpkg-query", INSTALLED)
        for name in "apt-get", "apt-cache":  # no network: a warning, and success
            self.tool(name, "#!/bin/sh\n")
        done = self.run_it("make", "-s", "serve")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("no source of simdjson is to be had", done.stderr)

    def test_flags_of_the_shell_do_not_get_into_the_binary(self):
        for name in "install", "publish-binaries":
            shutil.copy(shutil.which("true"), self.folder / ".ci" / name)
        self.tool("cmake", "#!/bin/sh\nenv\n")
        flags = dict.fromkeys(("CFLAGS", "CXXFLAGS", "CPPFLAGS", "LDFLAGS", "CPATH", "LIBRARY_PATH"), "-march=native")
        done = self.run_it("make", "-s", "build", **flags)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("PATH=", done.stdout)
        self.assertNotIn("-march=native", done.stdout)

    def test_two_verbs_at_once_take_turns(self):
        shutil.copy(shutil.which("true"), self.folder / ".ci/install")
        for name in "cmake", "ctest", "python3":
            self.tool(name, ALONE)
        done = self.run_it("make", "-s", "-j4", "fuzz", "coverage", "test-gcc", LOCK=str(self.folder / "lock"))
        self.assertEqual((done.returncode, done.stderr), (0, ""))


if __name__ == "__main__":
    unittest.main(verbosity=2)
