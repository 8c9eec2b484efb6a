#!/usr/bin/env python3
"""What a function downloads at each cold start stays small: build/thaw, deflated as a layer's zip has it."""

import unittest
import zlib

import sandbox

LIMIT_MIB = 2.75


class Size(unittest.TestCase):
    """One limit, and what is never in it."""

    def test_zipped(self):
        zipped = len(zlib.compress((sandbox.BUILD / "thaw").read_bytes(), 9)) / 2**20
        self.assertLess(
            zipped, LIMIT_MIB,
            f"build/thaw is {zipped:.2f} MiB zipped: see what was linked in lately, `bloaty -d symbols "
            "build/release/bin/thaw` shows who is large")

    def test_no_streams(self):
        binary = (sandbox.BUILD / "thaw").read_bytes()
        for word in (b"ios_base", b"St6locale"):
            self.assertNotIn(
                word, binary,
                "iostreams are linked in: a quarter of a MiB, and locales made before main; the linker's --trace-symbol "
                "says whose they are")


if __name__ == "__main__":
    unittest.main(verbosity=1)
