#!/usr/bin/env python3
"""The README's table of settings is made of the code, and is as the code is now: names, defaults and what each is for out
of `thaw --help`; what else there is to know of one, out of the `///` above its row in settings_rows.cpp.

`readme.py --write` puts it between the README's two marks."""

import re
import subprocess
import sys
import unittest

import sandbox

README = sandbox.ROOT / "README.md"
ROWS = sandbox.ROOT / "extension/settings_rows.cpp"
BEGIN, END = "<!-- settings -->\n", "<!-- /settings -->\n"
HEAD = "| variable | default | meaning; what happens at the limit |\n|---|---|---|\n"
UNITS = re.compile(r" (ms|MiB|min)$")


def of_the_help():
    """(variable, default, meaning) each, out of the binary."""
    text = subprocess.run([sandbox.BUILD / "thaw", "--help"], capture_output=True, text=True, check=True).stdout
    for name, default, meaning in re.findall(r"^  ([A-Z_]+)(?: = (.*))?\n      (.*)$", text, re.MULTILINE):
        yield name, UNITS.sub("", default), re.sub(r" \(\d+ to \d+\)$", "", meaning)


def beside_the_rows():
    """{variable: what the `///` above its row says}."""
    rows = re.findall(r'((?:^    /// .*\n)*)(?:^    // .*\n)*^    \{\.info =\s*\{"([A-Z_]+)"', ROWS.read_text(), re.MULTILINE)
    return {name: " ".join(line.strip(" /") for line in doc.splitlines()) for doc, name in rows}


def code(text):
    """A word that is typed as it stands: a variable's name or the value of a choice."""
    return f"`{text}`"


def marked(meaning):
    """Help is plain text: its names and, behind the last colon, its choices."""
    what, colon, choices = meaning.rpartition(": ")
    if colon and re.fullmatch(r"[a-z]+(, [a-z]+)+", choices):
        meaning = what + colon + ", ".join(map(code, choices.split(", ")))
    return re.sub(r"\b[A-Za-z]+(_[A-Za-z]+)+\b", lambda name: code(name[0]), meaning)


def table():
    """All settings, a row each, in the order of the help."""
    rows, more = [], beside_the_rows()
    for name, default, meaning in of_the_help():
        default = code(default) if re.fullmatch(r"[a-z/]+", default) else default
        meaning = ". ".join(filter(None, [marked(meaning), more[name].removesuffix(".")]))
        rows.append(f"| {code(name)} | {default}{' ' if default else ''}| {meaning} |\n")
    return HEAD + "".join(rows)


def parts():
    """The README before, between and behind the marks."""
    before, rest = README.read_text().split(BEGIN)
    inside, behind = rest.split(END)
    return before + BEGIN, inside, END + behind


class Settings(unittest.TestCase):
    """The table, and what it is made of."""

    def test_the_table_is_that_of_the_code(self):
        self.maxDiff = None
        self.assertEqual(parts()[1], table(), "readme.py --write makes it anew")

    def test_every_row_of_the_source_is_in_the_help(self):
        names = [name for name, _, _ in of_the_help()]
        self.assertGreater(len(names), 30)
        self.assertEqual(names, list(beside_the_rows()))


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        above, _, below = parts()
        README.write_text(above + table() + below)
        sys.exit()
    unittest.main(verbosity=2)
