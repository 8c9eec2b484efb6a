#!/usr/bin/env python3
"""What a function downloads at each cold start stays small: build/thaw, deflated as a layer's zip has it."""

import unittest
import zlib

import sandbox

LIMIT_MIB = 2.8


class Size(unittest.TestCase):
    """One limit."""

    def test_zipped(self):
        zipped = len(zlib.compress((sandbox.BUILD / "thaw").read_bytes(), 9)) / 2**20
        self.assertLess(
            zipped, LIMIT_MIB,
            f"build/thaw is {zipped:.2f} MiB zipped: see what was linked in lately, `bloaty -d symbols "
            "build/release/bin/thaw` shows who is large")


if __name__ == "__main__":
    unittest.main(verbosity=1)
