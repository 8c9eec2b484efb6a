#!/usr/bin/env python3
"""The house rules that a compiler does not know: direction of includes, banned words, sizes of files."""

import pathlib
import re
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
ROOMS = {"proto": {"proto"}, "relay": {"proto", "relay"}, "extension": {"proto", "relay", "extension"}}

# word -> (why, files it is allowed in)
BANNED = {
    r"\bdetached\b": ("every task has an owner", {"extension/main.cpp"}),
    r"\bshared_from_this\b": ("every object has one owner", set()),
    r"\bstd::thread\b|\bstd::jthread\b": ("one thread", set()),
    r"\bstd::mutex\b|<mutex>": ("one thread", set()),
    r"\bip::tcp::resolver\b|\basync_resolve\b|\bgetaddrinfo\b": ("cannot be cancelled", set()),
    r"\bgetenv\b": ("settings are passed in", {"extension/main.cpp"}),
    r"::now\(\)": ("time is passed in", {"relay/clock.cpp"}),
    r"\bstd::cout\b|<iostream>": ("start-up time", set()),
    r"\bsleep_for\b": ("blocks the loop", set()),
}
MAX_LINES = 400


def sources(room):
    """Every C++ file of a room."""
    return sorted(path for path in (ROOT / room).rglob("*") if path.suffix in {".cpp", ".hpp"})


def code(path):
    """The file without its comments and string literals."""
    text = path.read_text()
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    text = re.sub(r'"(?:[^"\\\n]|\\.)*"', '""', text)
    return re.sub(r"//[^\n]*", "", text)


class House(unittest.TestCase):
    """Each rule over every file of the three rooms."""

    def test_rooms_depend_downwards_only(self):
        for room, allowed in ROOMS.items():
            for path in sources(room):
                for included in re.findall(r'#include "([a-z]+)/', path.read_text()):
                    if path.name == "main.cpp":
                        continue
                    self.assertIn(included, allowed, f"{path.relative_to(ROOT)} includes {included}/")

    def test_banned_words(self):
        for room in ROOMS:
            for path in sources(room):
                name = str(path.relative_to(ROOT))
                text = code(path)
                for pattern, (why, allowed) in BANNED.items():
                    if name not in allowed:
                        self.assertNotRegex(text, pattern, f"{name}: {why}")

    def test_no_file_outgrows_its_reason(self):
        for room in ROOMS:
            for path in sources(room):
                lines = len(path.read_text().splitlines())
                self.assertLessEqual(lines, MAX_LINES, f"{path.relative_to(ROOT)}: split it")

    def test_headers_do_not_pull_in_beast(self):
        for room in ROOMS:
            for path in sources(room):
                if path.suffix == ".hpp":
                    self.assertNotIn("boost/beast", path.read_text(), path.relative_to(ROOT))


if __name__ == "__main__":
    sys.exit(unittest.main(verbosity=1))
