"""What is linked into a binary, by the linker's own word: the archives in its map, and whose they are.

Debian's packages for most; OpenSSL and simdjson from their sources under build/deps; headers that leave code behind,
and the root certificates, which no map names.
"""

import dataclasses
import pathlib
import re
import subprocess
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parents[1]

# Debian package -> SPDX licence of what is taken from it. A package that is not here stops the build: someone has
# to read its licence first.
LICENSES = {
    "ca-certificates": "MPL-2.0",
    "libboost1.81-dev": "BSL-1.0",
    "libbrotli-dev": "MIT",
    "libc-ares-dev": "MIT",
    "libc6-dev": "LGPL-2.1-or-later",
    "libgcc-12-dev": "GPL-3.0-or-later WITH GCC-exception-3.1",
    "libstdc++-12-dev": "GPL-3.0-or-later WITH GCC-exception-3.1",
    "libzstd-dev": "BSD-3-Clause",
    "zlib1g-dev": "Zlib",
}
# Root certificates and headers: for both architectures from the machine that builds.
UNMAPPED = ("ca-certificates", "libboost1.81-dev")
# Boost's licence asks for no copy beside machine code, and the package's file has two megabytes.
WITHOUT_TEXT = ("libboost1.81-dev",)
SOURCES = {"openssl": "LICENSE.txt", "simdjson": "LICENSE"}


@dataclasses.dataclass(frozen=True, order=True)
class Component:
    """One thing that is linked in."""

    name: str
    version: str
    license: str
    purl: str  # github.com/package-url/purl-spec
    text: pathlib.Path | None  # its copyright file or licence


def query(root, *arguments):
    """dpkg-query over the packages of `root`."""
    done = subprocess.run(["dpkg-query", f"--root={root}", *arguments], capture_output=True, text=True, check=True)
    return done.stdout


def packaged(root, package):
    """A Debian package of `root` as a component."""
    if package not in LICENSES:
        raise SystemExit(f"{package} is linked in and layer/linked.py does not know its licence")
    version, arch = query(root, "-W", "-f=${Version} ${Architecture}\\n", package).splitlines()[0].split()
    purl = f"pkg:deb/debian/{urllib.parse.quote(package)}@{urllib.parse.quote(version)}?arch={arch}&distro=debian-12"
    text = pathlib.Path(root) / "usr/share/doc" / package / "copyright"
    return Component(package, version, LICENSES[package], purl, None if package in WITHOUT_TEXT else text)


def from_source(name, folder):
    """A library that `.ci/install` built or unpacked."""
    version = (folder / "version.txt").read_text().strip()
    return Component(name, version, "Apache-2.0", f"pkg:generic/{name}@{version}", folder / SOURCES[name])


def files_of(link_map):
    """Archives and object files that the map names and that are not Thaw's own."""
    found = set(re.findall(r"\s(/\S+?\.[ao])(?:\(\S+?\))?:\(", link_map.read_text()))
    found |= set(re.findall(r"\s(\S+\.a)\(\S+?\):\(", link_map.read_text()))
    return {pathlib.Path(link_map.parents[1], name).resolve() for name in found}


def components(link_map, root):
    """Each once, sorted. `root`: where the packages lie that were linked in, "/" for this machine's."""
    root = pathlib.Path(root).resolve()
    packages, found = set(), set()
    for file in files_of(link_map):
        if file.name == "libsimdjson.a":
            found.add(from_source("simdjson", ROOT / "build/deps/simdjson"))
        elif (file.parent / "version.txt").is_file():
            found.add(from_source("openssl", file.parent))
        else:
            packages.add(query(root, "-S", f"/{file.relative_to(root)}").split(":")[0])
    if not packages or len(found) != len(SOURCES):
        raise SystemExit(f"{link_map}: not a map of a static Thaw")
    found |= {packaged(root, package) for package in packages}
    found |= {packaged("/", package) for package in UNMAPPED}
    return sorted(found)
