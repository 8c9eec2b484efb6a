#!/usr/bin/env python3
"""What `thaw --version --verbose` says is linked in, and what the bill of materials would say of the same binary:
the same, name by name and version by version."""

import os
import re
import subprocess
import sys
import tempfile
import unittest

import sandbox

sys.path.insert(0, str(sandbox.ROOT / "layer"))
import linked  # pylint: disable=wrong-import-position,wrong-import-order

MAP = sandbox.BUILD / "release/bin/thaw.map"
# Of the bill -> of the binary.
NAMES = {
    "ca-certificates": "roots of ca-certificates",
    "libboost1.81-dev": "Boost",
    "libbrotli-dev": "brotli",
    "libc-ares-dev": "c-ares",
    "libc6-dev": "glibc",
    "libgcc-12-dev": "libstdc++ and libgcc",
    "libstdc++-12-dev": "libstdc++ and libgcc",
    "libzstd-dev": "zstd",
    "openssl": "OpenSSL",
    "simdjson": "simdjson",
    "zlib1g-dev": "zlib",
}


def said():
    """Name -> version, of the lines below the first."""
    done = subprocess.run([sandbox.BUILD / "thaw", "--version", "--verbose"], capture_output=True, text=True, check=True)
    return dict(re.split(r"\s{2,}", line.strip()) for line in done.stdout.splitlines()[1:])


def upstream(version):
    """A Debian version without what is the distribution's: epoch, revision, the words for a changed archive."""
    return re.match(r"(?:\d+:)?(\d+(?:\.\d+)*)", version)[1]


class Supply(unittest.TestCase):
    """One binary, two lists."""

    def setUp(self):
        self.said = said()
        self.bill = linked.components(MAP.resolve(), "/")

    def test_names(self):
        self.assertEqual({NAMES[component.name] for component in self.bill}, set(self.said))

    def test_versions(self):
        for component in self.bill:
            with self.subTest(component.name):
                mine = self.said[NAMES[component.name]]
                if component.name == "ca-certificates":
                    self.assertEqual(mine, component.version)
                else:
                    # GCC's headers tell the first number only.
                    self.assertTrue(f"{upstream(component.version)}.".startswith(f"{mine}."), (mine, component.version))

    def test_a_binary_of_another_architecture_is_not_packed(self):
        other = "x86_64" if os.uname().machine == "aarch64" else "arm64"
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run([sandbox.ROOT / "layer/pack", other, sandbox.BUILD / "thaw", MAP, "/", folder],
                                  capture_output=True, text=True, check=False)
            self.assertEqual((done.returncode, os.listdir(folder)), (1, []))
        self.assertIn(f"is not made for {other}", done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
