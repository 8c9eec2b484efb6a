"""AWS's Runtime Interface Emulator with Thaw, a witness and a real function, in namespaces of their own.

It looks for extensions in /opt/extensions only and has fixed ports, so the tests run inside private mount,
network and process namespaces (`enter`): the tree at /mnt, everything else that is written on a tmpfs.
Its command line and paths: github.com/aws/aws-lambda-runtime-interface-emulator, cmd/aws-lambda-rie and
README.md; checked 2026-11.
"""

import contextlib
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import zipfile

import relaying
import sandbox

INSTALLED = sandbox.BUILD / "emulator/aws-lambda-rie"
LAYER = sandbox.BUILD / f"layer/thaw-{'arm64' if os.uname().machine == 'aarch64' else 'x86_64'}.zip"
INSIDE = "THAW_EMULATOR_INSIDE"
HOME = pathlib.Path("/opt/emulator")
WITNESS = pathlib.Path("/tmp/witness")
PORT, RUNTIME_API_PORT, THAW_PORT = 8080, 9001, 9797
INVOKE_PATH = "/2015-03-31/functions/function/invocations"
UNSHARE = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]
# The tree may lie below any of the folders that are hidden. The function runs without privileges as
# Managed Instances and must reach its Python.
ROOM = """
umask 022
mount --bind "$1" /mnt
for hidden in /opt /tmp /var; do mount -t tmpfs tmpfs $hidden; done
mkdir -p /opt/emulator /opt/extensions /var/task
mount --bind /mnt/build/emulator /opt/emulator
ip link set lo up
cd /mnt
shift
exec /opt/emulator/python/bin/python "$@"
"""


def why_not():
    """Why the emulator cannot run here; None if it can."""
    if os.geteuid() != 0:
        return "needs root: a network and an /opt of its own"
    if not INSTALLED.exists():
        return "build/emulator is missing: .ci/install emulator"
    tried = subprocess.run([*UNSHARE, "true"], capture_output=True, text=True, check=False)
    if tried.returncode != 0:
        return f"no namespaces of its own here: {tried.stderr.strip()}"
    return None


def enter(script):
    """Runs this script again, inside. Returns only if it runs inside already."""
    if INSIDE in os.environ:
        return
    inside = pathlib.Path("/mnt") / pathlib.Path(script).resolve().relative_to(sandbox.ROOT)
    os.environ[INSIDE] = "1"
    os.execvp(UNSHARE[0], [*UNSHARE, "sh", "-ec", ROOM, "sh", sandbox.ROOT, inside, *sys.argv[1:]])


def until(condition, what, timeout=10):
    """Polls; returns what the condition returned."""
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.01)
    raise AssertionError(f"not in {timeout} s: {what}")


class Answer:
    """What a caller got, and after how many seconds."""

    def __init__(self, status, text, seconds):
        self.status, self.text, self.seconds = status, text, seconds

    def json(self):
        """The body."""
        return json.loads(self.text)


class Emulator:
    """One emulator from start to end; `env` is the function's and Thaw's. With `concurrency` it is a
    Managed Instance. With `layer` Thaw comes out of the layer's zip, and starts the example function."""

    def __init__(self, *, concurrency=None, env=None, layer=False):
        prepare(layer)
        self.upstream = relaying.Upstream()
        self.lines = []
        command = [HOME / "aws-lambda-rie", "--log-level", "info"]
        if not concurrency:
            command += ["/opt/thaw-exec"] if layer else []
            command += [HOME / "python/bin/python", "-m", "awslambdaric", "handler.handle" if layer else "app.handle"]
        upstream = f"http://{sandbox.KEY}@127.0.0.1:{self.upstream.port}/{sandbox.PROJECT}"
        thaw = f"http://{sandbox.KEY}@127.0.0.1:{THAW_PORT}/{sandbox.PROJECT}"
        self.process = subprocess.Popen(
            command, cwd="/var/task", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, env={
                "PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1",
                **({"SENTRY_DSN": upstream} if layer else {"SENTRY_DSN": thaw, "THAW_UPSTREAM_DSN": upstream}),
                "THAW_COMPRESSION": "none", "AWS_LAMBDA_FUNCTION_TIMEOUT": "10",
                **({"AWS_LAMBDA_MAX_CONCURRENCY": str(concurrency)} if concurrency else {}),
                **(env or {})})
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        try:
            until(lambda: answers("GET", PORT, "/"), "the emulator listens")
        except AssertionError as failure:
            self.__exit__(failure)
            raise

    def _read(self):
        with self.process.stdout as stdout:
            for line in stdout:
                self.lines.append(line.rstrip())

    def __enter__(self):
        return self

    def __exit__(self, failure, *_):
        """Ends what is left, each process by its id."""
        if failure:
            print("\n".join(self.lines), file=sys.stderr)
        for pid in others():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()
        self.reader.join()
        self.upstream.close()

    def invoke(self, **event):
        """One at a time only: a second one makes it panic, unless it is a Managed Instance. There a caller
        asks again while no worker is ready."""
        def sent():
            begun = time.monotonic()
            status, text = request("POST", PORT, INVOKE_PATH, json.dumps(event))
            unready = status == 400 and "Runtime.Unavailable" in text
            return None if unready else Answer(status, text, time.monotonic() - begun)
        return until(sent, "a worker is ready")

    def stop(self):
        """SIGTERM, as at the end of a sandbox; returns Thaw's SHUTDOWN lines, one a process."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=10)
        until(lambda: not others(), "every process of the sandbox has ended")
        self.reader.join()
        return sandbox.summary_lines(self.lines)

    def stats(self):
        """/stats."""
        return json.loads(request("GET", THAW_PORT, "/stats")[1])

    def says(self, text):
        """Log lines of the emulator, Thaw and the function that contain it."""
        return [line for line in list(self.lines) if text in line]

    def seen(self, kind):
        """What the witness saw of one kind: register, subscribe, event, telemetry."""
        lines = WITNESS.read_text().splitlines() if WITNESS.exists() else []
        return [record[kind] for record in map(json.loads, lines) if kind in record]

    def request_ids(self):
        """Of the invokes, in order."""
        return [event["requestId"] for event in self.seen("event") if event["eventType"] == "INVOKE"]

    def shutdown_reasons(self):
        """As the platform words them."""
        return [event["shutdownReason"] for event in self.seen("event")
                if event["eventType"] == "SHUTDOWN"]

    def events(self):
        """Events that have arrived, as the SDK or Thaw wrote them."""
        return [event for body in self.upstream.bodies() for event in sandbox.events_in(body)]

    def orders(self):
        """The orders of the events that have arrived: the function's tag."""
        return sorted(int(event["tags"]["order"]) for event in self.events()
                      if "order" in event.get("tags", {}))

    def failure_events(self):
        """Those of Thaw's own making, about failures that no SDK can see; each once, however often sent."""
        return list({event["event_id"]: event for event in self.events()
                     if sandbox.exception_type(event).startswith("Lambda.")}.values())

    @staticmethod
    def thaw():
        """Thaw's process id."""
        (pid,) = [pid for pid in others() if name_of(pid) == "thaw"]
        return pid

    @staticmethod
    def cut_next():
        """Kills the connection on which Thaw waits for the next event, as a NAT or a freeze would."""
        server = f":{RUNTIME_API_PORT}"
        listed = subprocess.run(["ss", "-tnpH", "state", "established", "dport", "=", server],
                                capture_output=True, text=True, check=True).stdout
        (port,) = re.findall(r':(\d+)\s+\S+\s+users:\(\("thaw"', listed)
        subprocess.run(["ss", "-K", "state", "established", "sport", "=", f":{port}", "dport", "=", server],
                       capture_output=True, check=True)


def unpack(layer):
    """A layer at /opt, with the modes that its zip gives, as Lambda does."""
    with zipfile.ZipFile(layer) as archive:
        for entry in archive.infolist():
            os.chmod(archive.extract(entry, "/opt"), entry.external_attr >> 16)


def prepare(layer):
    """Folders as a new sandbox finds them; the function and both extensions in their places."""
    for folder in ("/tmp", "/var/task", "/opt/extensions"):
        for left in pathlib.Path(folder).iterdir():
            shutil.rmtree(left) if left.is_dir() else left.unlink()
    functions = sandbox.ROOT / "tests/functions/ric"
    for file, place in (
            *(() if layer else ((sandbox.BUILD / "thaw", "/opt/extensions/thaw"),)),
            (sandbox.ROOT / "layer/example/handler.py", "/var/task/handler.py"),
            (sandbox.ROOT / "tests/system/witness.py", "/opt/extensions/witness"),
            (functions / "app.py", "/var/task/app.py"), (functions / "bootstrap", "/var/task/bootstrap")):
        shutil.copy(file, place)
        os.chmod(place, 0o755)
    if layer:
        unpack(LAYER)


def request(method, port, path, body=None):
    """Status and text."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request(method, path, body)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def answers(method, port, path):
    """Whether anyone does."""
    try:
        return bool(request(method, port, path))
    except OSError:
        return False


def others():
    """Ids of the processes beside this one: the process namespace is our own. No zombies."""
    found = [int(entry.name) for entry in pathlib.Path("/proc").iterdir() if entry.name.isdigit()]
    return [pid for pid in found if pid != os.getpid() and state_of(pid) not in ("Z", None)]


def status_of(pid, field):
    """A line of /proc/PID/status; None if it has just ended."""
    try:
        text = pathlib.Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return re.search(rf"^{field}:\s*(\S+)", text, re.MULTILINE).group(1)


def state_of(pid):
    """One letter."""
    return status_of(pid, "State")


def name_of(pid):
    """Its file's name."""
    return status_of(pid, "Name")
