#!/usr/bin/env python3
"""What `make layer` left in build/layer: what is in the zips, that each binary needs nothing around it, and that
the arm64 one works, in emulation.

`-k NAME` picks a case. Needs root, for the empty root; without, those cases are skipped and say so.
"""

import hashlib
import json
import os
import pathlib
import shutil
import stat
import subprocess
import sys
import tempfile
import unittest
import zipfile

import relaying
import sandbox
import scenes
from authority import Authority

LAYER = sandbox.BUILD / "layer"
LIMIT_MIB = 3
QEMU = shutil.which("qemu-aarch64-static")
USER, GROUP = 993, 990  # as the platform's functions
SKIPPED = 77  # for ctest
NAME = "upstream.test"


def binary_of(arch, folder):
    """extensions/thaw of a zip, unpacked with its mode."""
    with zipfile.ZipFile(LAYER / f"thaw-{arch}.zip") as layer:
        entry = layer.getinfo("extensions/thaw")
        path = pathlib.Path(layer.extract(entry, folder))
    path.chmod(entry.external_attr >> 16 & 0o777)
    return path


class Folder(unittest.TestCase):
    """A folder for each case, in build/: the sandbox hides /tmp."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="layer-test-", dir=sandbox.BUILD))
        self.folder.chmod(0o755)
        self.addCleanup(shutil.rmtree, self.folder)


class Zips(Folder):
    """Each case for both architectures."""

    def each(self):
        """(architecture, opened zip)."""
        for arch in ("x86_64", "arm64"):
            with self.subTest(arch), zipfile.ZipFile(LAYER / f"thaw-{arch}.zip") as layer:
                yield arch, layer

    def test_contents_and_modes(self):
        for _, layer in self.each():
            modes = {entry.filename: entry.external_attr >> 16 for entry in layer.infolist()}
            programs = {name for name, mode in modes.items() if mode == stat.S_IFREG | 0o755}
            self.assertEqual(programs, {"extensions/thaw", "thaw-exec"})
            others = set(modes) - programs
            self.assertEqual({modes[name] for name in others}, {stat.S_IFREG | 0o644})
            self.assertTrue(all(name.startswith("thaw/licenses/") for name in others), others)

    def test_small_enough(self):
        for arch, layer in self.each():
            size = (LAYER / f"thaw-{arch}.zip").stat().st_size / 2**20
            parts = [(entry.compress_size, entry.filename) for entry in layer.infolist()]
            print(f"thaw-{arch}.zip: {size:.2f} MiB;", *(f"{name} {n}," for n, name in sorted(parts, reverse=True)[:5]))
            self.assertLessEqual(size, LIMIT_MIB)

    def test_a_static_binary_of_its_architecture(self):
        machines = {"x86_64": "X86-64", "arm64": "AArch64"}
        for arch, _ in self.each():
            said = subprocess.run(["readelf", "--file-header", "--program-headers", "--dynamic", "--wide",
                                   binary_of(arch, self.folder)], capture_output=True, text=True, check=True).stdout
            self.assertRegex(said, f"Machine: .*{machines[arch]}")
            # It loads itself to wherever it lies, without anybody's help.
            for word in ("INTERP", "NEEDED"):
                self.assertNotIn(word, said)

    def test_nothing_of_the_machine_that_built_it(self):
        for arch, _ in self.each():
            self.assertNotIn(str(sandbox.ROOT).encode(), binary_of(arch, self.folder).read_bytes())

    def test_every_component_has_its_licence(self):
        for arch, layer in self.each():
            bill = json.loads((LAYER / f"thaw-{arch}.cdx.json").read_text())
            names = {component["name"] for component in bill["components"]}
            self.assertLessEqual({"libc6-dev", "openssl", "simdjson", "libzstd-dev", "ca-certificates"}, names)
            for name in names - {"libboost1.81-dev"}:
                self.assertGreater(layer.getinfo(f"thaw/licenses/{name}").file_size, 500)
            digest = hashlib.sha256(layer.read("extensions/thaw")).hexdigest()
            self.assertEqual(bill["metadata"]["component"]["hashes"][0]["content"], digest)

    def test_checksums(self):
        subprocess.run(["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"], cwd=LAYER, check=True)
        listed = {line.split()[1] for line in (LAYER / "SHA256SUMS").read_text().splitlines()}
        self.assertEqual(listed | {"SHA256SUMS"}, {file.name for file in LAYER.iterdir()})

    def test_packed_again_it_is_the_same(self):
        sources = {"x86_64": (sandbox.BUILD / "thaw", "release", "/"),
                   "arm64": (sandbox.BUILD / "release-arm64/bin/thaw", "release-arm64",
                             sandbox.BUILD / "deps/sysroot-arm64")}
        for arch, _ in self.each():
            binary, build, root = sources[arch]
            subprocess.run([sandbox.ROOT / "layer/pack", arch, binary, sandbox.BUILD / build / "bin/thaw.map", root,
                            self.folder], check=True, stdout=subprocess.DEVNULL)
            for name in (f"thaw-{arch}.zip", f"thaw-{arch}.cdx.json"):
                self.assertEqual((self.folder / name).read_bytes(), (LAYER / name).read_bytes(), name)


def emptied(root, command):
    """`thaw serve` with nothing but itself, /tmp, /dev and /proc, without privileges. The mounts go with it."""
    mounts = "".join(f"mount --bind /{name} {root}/{name} && " for name in ("dev", "proc"))
    enter = f"exec chroot --userspec={USER}:{GROUP} {root} {command} serve"
    return ["/usr/bin/unshare", "--mount", "/bin/sh", "-c", f"PATH=/usr/sbin:/usr/bin:/sbin:/bin; {mounts}{enter}"]


@unittest.skipIf(os.geteuid() != 0, "needs root: chroot, and mounts of its own")
class EmptyRoot(Folder):
    """One event over TLS: the same in each root."""

    def setUp(self):
        super().setUp()
        self.root = self.folder / "root"
        for name in ("tmp", "dev", "proc", "etc"):
            (self.root / name).mkdir(parents=True)
        (self.root / "tmp").chmod(0o1777)
        authority = Authority(self.folder)
        shutil.copy(authority.root, self.root / "tmp/ca.pem")
        self.upstream = relaying.Upstream(context=authority.context(names=(NAME,)))
        self.addCleanup(self.upstream.close)

    def deliver(self, arch, host):
        """One event through a Thaw in the empty root."""
        shutil.copy(binary_of(arch, self.folder), self.root / "thaw")
        command = "/thaw"
        if arch == "arm64":
            shutil.copy(QEMU, self.root / "qemu")
            command = "/qemu /thaw"
        env = {"THAW_UPSTREAM_DSN": f"https://{sandbox.KEY}@{host}:{self.upstream.port}/{sandbox.PROJECT}",
               "THAW_CA_FILE": "/tmp/ca.pem"}
        thaw = relaying.Thaw("/tmp/thaw", self.upstream.port, env, command=emptied(self.root, command))
        try:
            status = pathlib.Path(f"/proc/{thaw.process.pid}/status").read_text()
            self.assertIn(f"Uid:\t{USER}\t{USER}\t{USER}\t{USER}", status)
            client = relaying.Client(thaw.port)
            self.assertEqual(client.post(relaying.event(1))[0], 200)
            stats = thaw.until(lambda now: now["envelopes"]["delivered"] == 1)
            relaying.balance(self, stats)
            self.assertTrue(stats["durable"])
            client.close()
        finally:
            thaw.stop()
        self.assertEqual(thaw.process.returncode, 0)
        self.assertEqual(self.upstream.event_ids(), [relaying.event_id(1)])

    def test_nothing_in_etc(self):
        self.deliver("x86_64", "127.0.0.1")

    def test_without_resolv_conf(self):
        (self.root / "etc/hosts").write_text(f"127.0.0.1 {NAME}\n")
        self.deliver("x86_64", NAME)

    def test_with_both(self):
        (self.root / "etc/hosts").write_text(f"127.0.0.1 {NAME}\n")
        (self.root / "etc/resolv.conf").write_text("nameserver 127.0.0.1\n")
        self.deliver("x86_64", NAME)

    @unittest.skipUnless(QEMU, "qemu-user-static is not there: .ci/install layer")
    def test_arm64(self):
        self.deliver("arm64", "127.0.0.1")

    @unittest.skipUnless(QEMU, "qemu-user-static is not there: .ci/install layer")
    def test_arm64_with_hosts(self):
        (self.root / "etc/hosts").write_text(f"127.0.0.1 {NAME}\n")
        self.deliver("arm64", NAME)


@unittest.skipUnless(QEMU, "qemu-user-static is not there: .ci/install layer")
class Arm64(Folder):
    """Some of the scenes, word for word, with the emulated binary. It is run by name: the kernel need not know it."""

    function = "python"
    play, check_lost = scenes.Scenes.play, scenes.Scenes.check_lost

    def setUp(self):
        super().setUp()
        self.binary = binary_of("arm64", self.folder)
        self.thaw = self.folder / "thaw"
        self.thaw.write_text(f'#!/bin/sh\nexec {QEMU} -0 "$0" {self.binary} "$@"\n')
        self.thaw.chmod(0o755)

    def test_version(self):
        native = subprocess.run([sandbox.BUILD / "thaw", "--version"], capture_output=True, text=True, check=True)
        emulated = subprocess.run([self.thaw, "--version"], capture_output=True, text=True, check=True)
        self.assertEqual(emulated.stdout, native.stdout)


SMOKE = ("connections live, without flush", "killed without SHUTDOWN", "503 for the first ten requests",
         "TLS, connections live", "TLS, connections cut in each freeze")
for _scene in scenes.SCENES:
    if _scene.name in SMOKE:
        setattr(Arm64, "test_" + _scene.name.replace(" ", "_").replace(",", ""), scenes.method(_scene))


if __name__ == "__main__":
    result = unittest.main(verbosity=2, exit=False).result
    skipped_all = result.testsRun == len(result.skipped)
    sys.exit(1 if not result.wasSuccessful() else SKIPPED if skipped_all else 0)
