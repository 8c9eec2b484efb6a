#!/usr/bin/env python3
"""The page and the picture from given figures, and that each part knows the arguments that bench.py gives it."""

import argparse
import pathlib
import re
import runpy
import sys
import unittest
import xml.etree.ElementTree
from unittest import mock

import bench
import picture
import summary

HERE = pathlib.Path(__file__).resolve().parent
SVG = "{http://www.w3.org/2000/svg}"

GOOD = {"what": "memory, idle", "wanted": "at most 4 MiB", "seen": "3 MiB", "kept": True}
RESULTS = {
    "start": {"measured": "2026-11-29 10:00, full, load 0.1", "promises": [{**GOOD, "what": "start", "kept": False}],
              "full": {"static C, the floor": {"next_ms": 0.5}, "Thaw": {"next_ms": 1.1},
                       "Sentry's Node extension": {"next_ms": 330.0, "next_of_thaw": 300.4}}},
    "memory": {"measured": "2026-11-29 11:00, quick", "promises": [GOOD, {**GOOD, "kept": None}],
               "idle": {"Thaw": {"resident": 3000}, "Sentry's Node extension": {"resident": 60_000}}},
    "accept": {"promises": [{**GOOD, "by_cpu": "0.7"}], "cells": []},
    "drain": {"measured": "2026-11-29 12:00, quick", "promises": [], "formula": [
        {"waiting": 10_000, "trip_ms": 50, "delivered": 91, "formula": 96.0},
        {"waiting": 10_000, "trip_ms": 10, "delivered": 0, "formula": 512.0}]},
}


def page(results):
    """As bench.py makes it, by line."""
    parts = ["start", "memory", "accept", "drain", "turns"]
    return "\n".join(summary.page(parts, results, {"memory": "## Memory\n"}, "a machine", "bench.svg")).splitlines()


class Page(unittest.TestCase):
    """Out of RESULTS."""

    def test_tells_how_many_promises_were_kept_and_which_parts_are_missing(self):
        self.assertIn("**2 of 4 promises were kept, 1 could not be measured; without a result: turns.**", page(RESULTS)[2])

    def test_has_a_row_for_each_promise_with_its_verdict_and_how_to_see_it_again(self):
        lines = page(RESULTS)
        for row in (
                "| start | at most 4 MiB | 3 MiB | **FAIL** | 2026-11-29 10:00, full, load 0.1 | `make bench PARTS=start FULL=1` |",
                "| memory, idle | at most 4 MiB | 3 MiB | PASS | 2026-11-29 11:00, quick | `make bench PARTS=memory` |",
                "| memory, idle | at most 4 MiB | 3 MiB | not measured | 2026-11-29 11:00, quick | `make bench PARTS=memory` |",
                "| memory, idle | at most 4 MiB | 3 MiB (by CPU 0.7) | PASS | by hand | `make bench PARTS=accept` |",
                "| *turns* |  |  | not measured |  | `make bench PARTS=turns` |"):
            self.assertIn(row, lines)

    def test_shows_the_picture_before_the_table_and_sections_behind_it(self):
        lines = page(RESULTS)
        places = [lines.index(line) for line in ("![Thaw beside its peers](bench.svg)", "|" + " --- |" * 6, "## Memory")]
        self.assertEqual(places, sorted(places))

    def test_a_bar_in_a_text_does_not_split_its_cell(self):
        results = {"start": {"promises": [{**GOOD, "seen": "a|b"}]}}
        self.assertIn("a\\|b", "\n".join(page(results)))


class Picture(unittest.TestCase):
    """Out of RESULTS, too."""

    def test_is_svg_with_a_bar_for_each_figure(self):
        drawn = xml.etree.ElementTree.fromstring(picture.draw(RESULTS))
        widths = [float(bar.get("width")) for bar in drawn.iter(f"{SVG}rect") if "bar" in bar.get("class")]
        self.assertEqual(len(widths), 7)
        self.assertEqual(widths, sorted(widths[:3]) + sorted(widths[3:5]) + widths[5:])
        self.assertGreater(min(widths[:5]), 0)
        self.assertEqual(widths[6], 0, "nothing was delivered")

    def test_says_what_the_figures_say(self):
        self.assertEqual(picture.headline(RESULTS),
                         "Thaw starts 300 times as fast as Sentry's own extension, in 1/20 of its memory")

    def test_is_none_without_figures(self):
        self.assertEqual(picture.draw({"views": {"promises": []}}), "")


class Understood(Exception):
    """A part has taken its arguments."""


class Parts(unittest.TestCase):
    """What bench.py starts."""

    def test_those_in_python_know_their_arguments(self):
        parse = argparse.ArgumentParser.parse_args

        def understand(parser):
            parse(parser)
            raise Understood

        for name, (_, file), arguments in self.commands(".py"):
            with self.subTest(name, arguments=arguments), mock.patch.object(sys, "argv", [str(file), *arguments]), \
                    mock.patch.object(argparse.ArgumentParser, "parse_args", understand):
                self.assertRaises(Understood, runpy.run_path, str(file), run_name="__main__")

    def test_those_in_cpp_are_built_and_know_their_arguments(self):
        known = set(re.findall(r'"(--\w+)"', (HERE / "arguments.hpp").read_text()))
        cmake = (HERE / "CMakeLists.txt").read_text()
        self.assertEqual({"--quick", "--json"}, known)
        for name, (program, *options), arguments in self.commands(""):
            with self.subTest(name, arguments=arguments):
                self.assertIn(program.name, re.search(r"set\(programs ([^)]*)\)", cmake)[1].split())
                self.assertIn("bench::Arguments", (HERE / f"{name}.cpp").read_text())
                self.assertLessEqual({word for word in [*options, *arguments] if str(word).startswith("--")}, known)

    def commands(self, suffix):
        """Each command of the parts whose program is such a file, twice: with its quick arguments, and its full ones."""
        found = [(name, part.command, arguments) for name, part in bench.PARTS.items()
                 for arguments in (part.quick, part.full)
                 if (".py" if part.command[0] == sys.executable else "") == suffix]
        self.assertTrue(found)
        return found


if __name__ == "__main__":
    unittest.main()
