#!/usr/bin/env python3
"""The README's table of settings is that of the binary: the same variables, with the same defaults."""

import re
import subprocess
import unittest

import sandbox

# Read by thaw-exec, before there is a Thaw.
NOT_THE_BINARYS = {"THAW_EXEC_WRAPPER_NEXT"}
UNITS = (" ms", " MiB", " min")


def of_the_binary():
    """{variable: default, "" for none}, out of its help."""
    text = subprocess.run([sandbox.BUILD / "thaw", "--help"], capture_output=True, text=True, check=True).stdout
    rows = re.findall(r"^  ([A-Z_]+)(?: = (.*))?$", text, re.MULTILINE)
    defaults = {}
    for name, default in rows:
        for unit in UNITS:
            default = default.removesuffix(unit)
        defaults[name] = default
    return defaults


def of_the_readme():
    """The same, out of its table; a row may be of two variables."""
    text = (sandbox.ROOT / "README.md").read_text()
    table = text.split("\n## Settings\n", 1)[1].split("\n## ", 1)[0]
    defaults = {}
    for names, default in re.findall(r"^\| (`[A-Z_` /]+`) \|([^|]*)\|", table, re.MULTILINE):
        for name, value in zip(names.split(" / "), default.split(" / ")):
            defaults[name.strip("`")] = value.strip().replace("`", "")
    return defaults


class Readme(unittest.TestCase):
    """Each setting has its row."""

    def test_the_settings(self):
        binary, readme = of_the_binary(), of_the_readme()
        self.assertGreater(len(binary), 30)
        self.assertEqual(set(readme) - NOT_THE_BINARYS, set(binary))
        for name, default in binary.items():
            if default:
                # The README may say more: what another world's default is.
                self.assertEqual(re.split(r"[,;] |$", readme[name])[0], re.split(r"[,;] |$", default)[0], name)


if __name__ == "__main__":
    unittest.main(verbosity=2)
