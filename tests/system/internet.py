"""Networks of the test's own making: a namespace for the function's side and one for the far side, a link between
them that the test can cut, slow down and make lossy, and an /etc that may be written to. Needs root.
"""

import contextlib
import ctypes
import fcntl
import os
import pathlib
import random
import selectors
import shutil
import struct
import subprocess
import sys
import threading
import time

INSIDE = "THAW_NETWORKS_INSIDE"
UNSHARE = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
# A copy of /etc that may be changed, and nothing of the host's trust or names in it.
ROOM = """
umask 022
mount -t tmpfs tmpfs /mnt
cp -a /etc/. /mnt
mount --move /mnt /etc
exec "$@"
"""
# Addresses of the public Internet, for the address rules; nothing leaves the namespaces.
HERE4, HERE6 = "11.0.1.2", "2a00:1::2"
FAR4, FAR6 = "11.0.2.9", "2a00:2::9"
MOVED4, NOBODY4 = "11.0.2.10", "11.0.2.66"
SERVER4, SERVER6 = "11.0.2.53", "2a00:2::53"
_CLONE_NEWNET = 0x40000000
_TUNSETIFF, _IFF_TUN_WITHOUT_INFO = 0x400454CA, 0x1001
_LIBC = ctypes.CDLL(None, use_errno=True)


def why_not():
    """Why there can be no such networks here; None if there can."""
    if os.geteuid() != 0:
        return "needs root: networks of its own"
    for program in ("ip", "openssl", "unshare"):
        if shutil.which(program) is None:
            return f"needs the program {program}"
    if not os.path.exists("/dev/net/tun"):
        return "needs /dev/net/tun"
    tried = subprocess.run([*UNSHARE, "--net", "true"], capture_output=True, text=True, check=False)
    return f"no namespaces of its own here: {tried.stderr.strip()}" if tried.returncode else None


def enter():
    """Runs this program again, inside. Returns only if it runs inside already."""
    if INSIDE in os.environ:
        return
    os.environ[INSIDE] = "1"
    os.execvp(UNSHARE[0], [*UNSHARE, "sh", "-ec", ROOM, "sh", sys.executable, *sys.argv])


def configure(*commands):
    """Lines of ip(8)."""
    subprocess.run(["ip", "-batch", "-"], input="\n".join(commands), text=True, check=True)


class Link:
    """Two ends, in two namespaces, with all packets passing through here."""

    def __init__(self):
        self.dead = set()  # IP versions of which no packet arrives
        self.delay = 0.0  # seconds, each way
        self.loss = 0.0  # of every packet
        self._chance = random.Random(1)
        self._late = []
        self._ends = []
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._carry, daemon=True)

    def add_end(self, name):
        """In the namespace that is ours now."""
        end = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC | os.O_NONBLOCK)
        fcntl.ioctl(end, _TUNSETIFF, struct.pack("16sH22x", name.encode(), _IFF_TUN_WITHOUT_INFO))
        self._ends.append(end)

    def start(self):
        """Both ends are there."""
        self._thread.start()

    def close(self):
        """The interfaces go with their descriptors."""
        self._stopped.set()
        self._thread.join()
        for end in self._ends:
            os.close(end)

    def _carry(self):
        with selectors.DefaultSelector() as ready:
            for end, other in zip(self._ends, reversed(self._ends)):
                ready.register(end, selectors.EVENT_READ, other)
            while not self._stopped.is_set():
                for key, _ in ready.select(0.002 if self._late else 0.05):
                    self._take(key.fd, key.data)
                while self._late and self._late[0][0] <= time.monotonic():
                    self._deliver(*self._late.pop(0)[1:])

    def _take(self, end, other):
        packet = os.read(end, 65536)  # one at a time
        if packet[0] >> 4 in self.dead or self._chance.random() < self.loss:
            return
        if self.delay:
            self._late.append((time.monotonic() + self.delay, other, packet))
        else:
            self._deliver(other, packet)

    @staticmethod
    def _deliver(end, packet):
        # Lost where the interface is not up yet, or full.
        with contextlib.suppress(OSError):
            os.write(end, packet)


class Networks:
    """The function's side, which the main thread and what it starts are in from now on, and the far side (`far`)."""

    def __init__(self, *, ipv6=True):
        self.link = Link()
        self._unshare()
        self._far = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        self.link.add_end("far")
        configure("link set lo up", "link set far up",
                  *(f"addr add {address}/32 dev lo" for address in (FAR4, MOVED4, SERVER4)),
                  *(f"addr add {address}/128 dev lo nodad" for address in (FAR6, SERVER6)),
                  f"route add {HERE4}/32 dev far", f"route add {HERE6}/128 dev far")
        self._unshare()
        self._here = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        if not ipv6:
            pathlib.Path("/proc/sys/net/ipv6/conf/all/disable_ipv6").write_text("1")
            pathlib.Path("/proc/sys/net/ipv6/conf/default/disable_ipv6").write_text("1")
        self.link.add_end("wan")
        configure("link set lo up", "link set wan up", f"addr add {HERE4}/32 dev wan", "route add default dev wan",
                  *([f"addr add {HERE6}/128 dev wan nodad", "route add ::/0 dev wan"] if ipv6 else []))
        self.link.start()

    @staticmethod
    def _unshare():
        if _LIBC.unshare(_CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "unshare")

    @contextlib.contextmanager
    def far(self):
        """Sockets that are made inside belong to the far side."""
        _LIBC.setns(self._far, _CLONE_NEWNET)
        try:
            yield
        finally:
            _LIBC.setns(self._here, _CLONE_NEWNET)

    def close(self):
        """Whoever still listens must be closed before."""
        self.link.close()
        os.close(self._far)
        os.close(self._here)
