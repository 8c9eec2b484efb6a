"""Who Thaw is measured beside as an extension, how each is started, and in how much of a processor."""

import contextlib
import dataclasses
import json
import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))
# pylint: disable=wrong-import-position
import relaying
import sandbox

BIN = sandbox.BUILD / "release/bin"
GO = sandbox.BUILD / "functions-go/python/bin/go"
INSIDE = "THAW_BENCH_INSIDE"


@dataclasses.dataclass(frozen=True)
class Peer:
    """A program that binds `port`, registers and asks for next."""

    name: str
    command: list
    env: dict
    port: int


def thaw(folder):
    """build/thaw, as Lambda starts it."""
    port = relaying.free_port()
    return Peer("Thaw", [sandbox.BUILD / "thaw"],
                {"THAW_PORT": str(port), "THAW_SPOOL_DIR": f"{folder}/spool",
                 "THAW_UPSTREAM_DSN": f"https://{sandbox.KEY}@o1.ingest.us.sentry.io/{sandbox.PROJECT}"}, port)


def build_tools():
    """What takes the times, and the floor."""
    subprocess.run(["cmake", "--build", "--preset", "release", "--target", "bench_watch", "bench_start_floor"],
                   cwd=sandbox.ROOT, stdout=subprocess.DEVNULL, check=True)


def build_go(folder):
    """The program of tests/bench/start/go."""
    subprocess.run([GO, "build", "-trimpath", "-ldflags=-s -w", "-o", f"{folder}/go", "."],
                   cwd=sandbox.ROOT / "tests/bench/start/go", env={**os.environ, "CGO_ENABLED": "0", "GOTOOLCHAIN": "local"},
                   check=True)


def peers(folder):
    """All that are installed, the floor first; and why the others are missing."""
    found, missing = [], []
    port = relaying.free_port()
    found.append(Peer("static C, the floor", [BIN / "bench_start_floor"], {"PORT": str(port)}, port))
    found.append(thaw(folder))
    if GO.exists():
        build_go(folder)
        port = relaying.free_port()
        found.append(Peer("Go, net/http", [f"{folder}/go"], {"PORT": str(port)}, port))
    else:
        missing.append("Go: not installed (.ci/install bench)")
    node = [sandbox.BUILD / "functions/node/node", sandbox.BUILD / "sentry-layer/sentry-extension/index.mjs"]
    with contextlib.closing(relaying.socket.socket()) as probe:
        taken = probe.connect_ex(("127.0.0.1", 9000)) == 0
    if taken:
        missing.append("Sentry's Node extension: its port 9000 is taken")
    elif all(file.exists() for file in node):
        dsn = f"https://{sandbox.KEY}@o1.ingest.us.sentry.io/{sandbox.PROJECT}"
        found.append(Peer("Sentry's Node extension", node, {"SENTRY_DSN": dsn}, 9000))
    else:
        missing.append("Sentry's Node extension: not installed (.ci/install functions sentry-layer)")
    return found, missing


@contextlib.contextmanager
def started(peer, group=None, listening=False):
    """A process that has asked for its first next and is left idle: its times, and its `pid`."""
    options = ["--group", group] if group else []
    if listening:
        options += ["--listening", str(peer.port)]
    watch = subprocess.Popen([BIN / "bench_watch", *options, *peer.command], env=peer.env,
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        line = watch.stdout.readline()
        if not line:
            raise RuntimeError(f"{peer.name} has not asked for next: exit code {watch.wait()}")
        yield json.loads(line)
    finally:
        watch.stdin.close()
        watch.wait()
        watch.stdout.close()


def _own_group(controller):
    """Mount point and our place below it, version 2 (kernel docs, admin-guide/cgroup-v2) or 1."""
    places = {}
    for line in pathlib.Path("/proc/self/cgroup").read_text().splitlines():
        _, names, place = line.split(":", 2)
        places.update({name: place for name in names.split(",")})
    for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines():
        before, after = (part.split() for part in line.split(" - "))
        kind = after[0]
        if kind == "cgroup2" and controller in _text(pathlib.Path(before[4], "cgroup.subtree_control")).split():
            return 2, pathlib.Path(before[4] + places[""])
        if kind == "cgroup" and controller in after[2].split(","):
            return 1, pathlib.Path(before[4] + places[controller])
    raise OSError(f"no {controller} controller is mounted")


def _text(path):
    return path.read_text() if path.exists() else ""


@contextlib.contextmanager
def quota(cores, period_us=20000):
    """A control group that has no more than this share of a processor, in short slices as Lambda's: the file whose
    writers are in it. OSError with the reason where that cannot be."""
    version, parent = _own_group("cpu")
    group = parent / f"thaw-bench-{os.getpid()}"
    group.mkdir()
    try:
        if version == 2:
            (group / "cpu.max").write_text(f"{int(cores * period_us)} {period_us}")
        else:
            (group / "cpu.cfs_period_us").write_text(str(period_us))
            (group / "cpu.cfs_quota_us").write_text(str(int(cores * period_us)))
        yield str(group / "cgroup.procs")
    finally:
        group.rmdir()


def enter():
    """Runs this program again in a network of its own, where root may make one: port 9000 is free there, and nobody
    else's traffic is in the way. Returns where that cannot be, or is so already."""
    if INSIDE in os.environ or os.geteuid() != 0:
        return
    if subprocess.run(["unshare", "--net", "true"], capture_output=True, check=False).returncode == 0:
        os.environ[INSIDE] = "1"
        os.execvp("unshare", ["unshare", "--net", "sh", "-ec", 'ip link set lo up; exec "$@"', "sh",
                              sys.executable, *sys.argv])
