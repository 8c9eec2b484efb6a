"""One sandbox of the soak: the real binary, the soak's function, an upstream with moods. Samples what Thaw uses and says."""

import collections
import http.client
import json
import os
import pathlib
import random
import signal
import subprocess
import time


import relaying
import sandbox
from authority import Authority
from soak_parts import FOLDER
from soak_upstream import SoakUpstream

INVOKE_MS = 350
EVENTS = 200
Sample = collections.namedtuple("Sample", "at rss_kib descriptors unshared spool_kib segments")
STATS_TIMEOUT = 5  # seconds: a frozen Thaw says nothing


class Lane:
    """`rough`: Thaw is killed, the function times out and crashes, but upstream is kind. Otherwise the other way round: one process to the end."""

    def __init__(self, name, folder, seed, minutes, rough, moods):
        self.name = name
        self.rough = rough
        self.folder = pathlib.Path(folder)
        self.spool = self.folder / "spool"
        self.chance = random.Random(seed)
        # Where one process lives from begin to end, TLS's memory has to stay flat, too.
        authority = None if rough else Authority(folder)
        self.upstream = SoakUpstream(moods, seed, authority and authority.context())
        self.port = relaying.free_port()
        self.samples = []
        self.snapshots = 0
        self.stats = {}
        self.deaths = 0
        self.most_waiting = 0
        self.pids = set()
        self.environment = {
            "THAW_PORT": str(self.port), "THAW_SPOOL_DIR": str(self.spool),
            "THAW_UPSTREAM_DSN": self.upstream.dsn(),
            "THAW_ALLOWED_HOSTS": self.upstream.address,
        }
        if authority is not None:
            self.environment["THAW_CA_FILE"] = str(authority.root)
        self.start(minutes)

    def start(self, minutes):
        """The sandbox, with more to do than there is time for."""
        (self.folder / "events").write_text("".join(json.dumps(self.event()) + "\n" for _ in range(EVENTS)))
        function = {
            "SOAK_PORT": self.port, "SOAK_KEY": sandbox.KEY, "SOAK_PROJECT": sandbox.PROJECT,
            "SOAK_FOREIGN": f"127.0.0.1:{self.upstream.port}", "SOAK_NOTES": self.folder / "notes",
            "SOAK_STOP": self.folder / "stop",
        }
        command = [sandbox.BUILD / "thaw-sandbox", "--isolation", "off", "--upstream", "none", "--log", self.folder / "full",
                   "--timeout-ms", "4000" if self.rough else "60000", "--extension", sandbox.THAW, "--script", self.script(minutes), "--event-file", self.folder / "events"]
        for name, value in self.environment.items():
            command += ["--extension-env", f"{name}={value}"]
        for name, value in function.items():
            command += ["--function-env", f"{name}={value}"]
        with (self.folder / "log").open("w") as log:
            self.sandbox = subprocess.Popen(
                list(map(str, [*command, "--", "/usr/bin/python3", FOLDER / "function.py"])), stdout=log, stderr=log)

    def event(self):
        """What one invoke is told to do."""
        event = {"seed": self.chance.getrandbits(32), "ms": self.chance.randint(50, 2 * INVOKE_MS)}
        if self.chance.random() < 0.08:
            event["burst"] = self.chance.choice((100, 800))
        if self.rough and self.chance.random() < 0.04:
            event["then"] = self.chance.choice(("hang", "crash"))
        return event

    def script(self, minutes):
        """Twice the time, at least: who is held or slow has less to do."""
        steps, seconds = [], 0
        while seconds < 120 * minutes + 120:
            count, frozen = self.chance.randint(1, 8), self.chance.choice((200, 500, 1500))
            steps += [f"invoke*{count}", f"{self.chance.choices(('freeze', 'thaw'), (4, 1))[0]}:{frozen}"]
            seconds += count * INVOKE_MS / 1000 + frozen / 1000
            if self.rough and self.chance.random() < 0.1:
                steps.append("kill")
        return " ".join(steps)

    def thaw_pid(self):
        """Of the extension now running; None between two."""
        for child in children(self.sandbox.pid):
            try:
                if os.path.samefile(f"/proc/{child}/exe", sandbox.THAW):
                    return child
            except OSError:
                pass
        return None

    def kill_thaw(self):
        """At whatever instruction it is."""
        pid = self.thaw_pid()
        if pid is not None:
            os.kill(pid, signal.SIGKILL)
            self.deaths += 1

    def sample(self):
        """What the system says of the process and its folder; a process may be gone meanwhile."""
        pid = self.thaw_pid()
        try:
            status = pathlib.Path(f"/proc/{pid}/status").read_text()
            descriptors, unshared = descriptors_of(pid)
            rss = int(status.split("VmRSS:")[1].split()[0])
            segments = [path.stat().st_size for path in self.spool.glob("*.seg")]
        except (OSError, IndexError):
            return
        self.pids.add(pid)
        self.samples.append(Sample(time.monotonic(), rss, descriptors, unshared, sum(segments) // 1024, len(segments)))

    def look(self, test):
        """One snapshot of /stats, if it can be had: it balances."""
        try:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=STATS_TIMEOUT)
            connection.request("GET", "/stats")
            stats = json.loads(connection.getresponse().read())
            connection.close()
        except (OSError, http.client.HTTPException, ValueError):
            return
        self.stats = stats
        self.snapshots += 1
        self.most_waiting = max(self.most_waiting, stats["envelopes"]["waiting"])
        relaying.balance(test, stats)
        test.assertEqual(stats["task_failures"], 0)
        test.assertEqual(stats["journal"]["write_failures"], 0)
        test.assertEqual(stats["journal"]["unreadable"], 0)

    def requests(self):
        """So far."""
        return (self.folder / "notes").read_bytes().count(b"\n")

    def notes(self):
        """Marks of what was acknowledged, all statuses with their counts, and the lines of wrong answers."""
        acknowledged, statuses, wrong = set(), collections.Counter(), []
        for line in (self.folder / "notes").read_text().splitlines():
            status, verdict, _, _, marks = line.split(" ")
            statuses[int(status)] += 1
            if verdict == "WRONG":
                wrong.append(line)
            if status in ("200", "202"):
                acknowledged |= set(marks.split(","))
        return acknowledged - {""}, statuses, wrong

    def end(self, test):
        """Nothing more is sent, upstream is well: what waits leaves. First in the sandbox, then, after whatever end that
        took, in one more process. Returns the last figures of the sandbox's and of that one."""
        self.upstream.turn("well")
        (self.folder / "stop").touch()
        end = time.monotonic() + 100
        while time.monotonic() < end and self.sandbox.poll() is None:
            self.look(test)
            self.sample()
            if self.stats["envelopes"]["waiting"] == 0 and self.stats["envelopes"]["in_flight"] == 0:
                break
            time.sleep(0.2)
        self.sample()
        self.stop()
        last = relaying.Thaw(self.spool, self.upstream.port, self.environment)
        try:
            # It recovers a little later than it answers: files tell.
            emptied = last.until(lambda stats: stats["envelopes"]["waiting"] == 0 and not list(self.spool.glob("*.seg")),
                                 timeout=100)
            relaying.balance(test, emptied)
            last.stop()
        finally:
            last.process.kill()
        return self.stats, emptied

    def stop(self):
        """The sandbox ends, with all it started."""
        if self.sandbox.poll() is None:
            self.sandbox.terminate()
        self.sandbox.wait(timeout=30)


def descriptors_of(pid):
    """How many a process has, and how many of them are no connection that its peer keeps, too: those come and go with
    what upstream and the SDKs' pools do, the others are its own."""
    table = pathlib.Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]
    established = {f"socket:[{row[9]}]" for row in map(str.split, table) if row[3] == "01"}  # proc_pid_net(5)
    links = []
    for descriptor in os.listdir(f"/proc/{pid}/fd"):
        try:
            links.append(os.readlink(f"/proc/{pid}/fd/{descriptor}"))
        except FileNotFoundError:
            pass  # closed meanwhile
    return len(links), sum(link not in established for link in links)


def children(pid):
    """Of a process with one thread or more."""
    found = []
    for task in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += map(int, task.read_text().split())
        except OSError:
            pass
    return found
