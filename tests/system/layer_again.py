#!/usr/bin/env python3
"""`make layer` in another folder, from nothing but the sources and the packages, gives the same bytes."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

import sandbox


class Again(unittest.TestCase):
    """Minutes: OpenSSL too is built once more, and no compiler cache helps."""

    def test_the_same_bytes(self):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="again-in-a-longer-path-", dir=sandbox.BUILD))
        self.addCleanup(shutil.rmtree, folder)
        self.copy_sources(folder)
        for name in ("simdjson", "sysroot-arm64"):
            shutil.copytree(sandbox.BUILD / "deps" / name, folder / "build/deps" / name, symlinks=True)
        subprocess.run(["make", "--no-print-directory", "layer"], cwd=folder, check=True,
                       env={**os.environ, "CCACHE_DISABLE": "1"})
        for file in sorted((folder / "build/layer").iterdir()):
            self.assertEqual(file.read_bytes(), (sandbox.BUILD / "layer" / file.name).read_bytes(), file.name)

    def copy_sources(self, folder):
        """What is, or would be, in the repository."""
        listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                                cwd=sandbox.ROOT, capture_output=True, text=True, check=True).stdout
        for name in filter(None, listed.split("\0")):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(sandbox.ROOT / name, folder / name)


if __name__ == "__main__":
    unittest.main(verbosity=2)
