"""Runs thaw-sandbox with a function and without or with Thaw, and reads its report."""

import json
import os
import pathlib
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"
# The binary under test; another one with THAW_BINARY. One with sanitizers says so with THAW_SANITIZED: its memory is its own.
THAW = pathlib.Path(os.environ.get("THAW_BINARY", BUILD / "thaw")).resolve()
SANITIZED = "THAW_SANITIZED" in os.environ
KEY = "abcdef0123456789abcdef0123456789"
PROJECT = 42

# The upstream speaks TLS (thaw-sandbox --tls) and Thaw trusts its root.
TLS = {"THAW_UPSTREAM_DSN": f"https://{KEY}@{{upstream}}/{PROJECT}", "THAW_CA_FILE": "{ca}"}

FUNCTIONS = {
    "python": [BUILD / "functions/python/bin/python", ROOT / "tests/functions/python/handler.py"],
    "node": [BUILD / "functions/node/node", ROOT / "tests/functions/node/handler.js"],
    "missing": ["/nonexistent/runtime", "handler"],
}


class Run:
    """One run of the sandbox: what the function sent, what arrived, what it cost."""

    def __init__(self, report):
        self.report = report
        self.invokes = report["invokes"]
        self.sent = [event for invoke in self.invokes for event in self.sent_by(invoke)]
        self.arrivals = [
            normal(arrival["event_id"])
            for arrival in report["arrivals"]
            if "event" in arrival["items"]
        ]
        self.arrived_at = {}  # epoch ms of the first arrival
        for arrival in report["arrivals"]:
            self.arrived_at.setdefault(normal(arrival["event_id"]), arrival["at_ms"])
        # Epoch ms of the error and of the answer the SDK got, where the function has told.
        self.captured_at = self.told("captured")
        self.handed_over_at = self.told("handed_over")
        self.stats = summary_line(report["extension_log"])

    def told(self, what):
        """Moments by event, out of the function's answers."""
        return {normal(event): at for invoke in self.invokes for event, at in told_by(invoke).get(what, [])}

    @staticmethod
    def sent_by(invoke):
        """Events that the function says it sent in one invoke."""
        return [normal(event) for event in told_by(invoke).get("sent", [])]

    @property
    def arrived(self):
        """Events that arrived, each once."""
        return set(self.arrivals) & set(self.sent)

    @property
    def duplicates(self):
        """Arrivals beyond the first of an event."""
        return len(self.arrivals) - len(set(self.arrivals))

    @property
    def handed_over(self):
        """Events Thaw acknowledged; None without a summary line (no Thaw, or killed)."""
        if self.stats is None:
            return None
        return self.stats["items"].get("error", {}).get("accepted", 0)

    def p50(self, field):
        """The median of one measure over the invokes, in milliseconds."""
        values = sorted(invoke[field] for invoke in self.invokes if invoke[field] is not None)
        return values[len(values) // 2]


def told_by(invoke):
    """The function's answer; nothing where it did not come to one."""
    return invoke["response"] if isinstance(invoke["response"], dict) else {}


def normal(event_id):
    """Event ids as 32 hex digits: SDKs differ in dashes."""
    return (event_id or "").replace("-", "").lower()


def summary_line(log):
    """The last of Thaw's SHUTDOWN lines; None without one."""
    lines = summary_lines(log)
    return lines[-1] if lines else None


def summary_lines(log):
    """Thaw's SHUTDOWN lines, one a process: log lines that are a JSON object with `items`."""
    found = []
    for line in log:
        text = line if isinstance(line, str) else line.get("line", "")
        start = text.find('{"')
        if start < 0:
            continue
        try:
            value = json.loads(text[start:])
        except ValueError:
            continue
        if "items" in value:
            found.append(value)
    return found


def events_in(envelope):
    """Payloads of the items of type event."""
    _, _, rest = envelope.partition(b"\n")
    while rest.strip():
        line, _, rest = rest.partition(b"\n")
        header = json.loads(line)
        length = header.get("length", rest.find(b"\n") % (len(rest) + 1))
        payload, rest = rest[:length], rest[length + 1:]
        if header["type"] == "event":
            yield json.loads(payload)


def exception_type(event):
    """Of its first exception."""
    values = event.get("exception", {}).get("values", [])
    return values[0].get("type", "") if values else ""


def run(function, script, *, thaw, options=(), events=None, env=None, wrapper=(), inside=(), timeout=170,
        code=0):
    """Runs `script` and returns a Run.

    `function`: a name of FUNCTIONS, or a command. `thaw`: True for THAW as extension and the DSN at
    localhost, a path for another binary. `env` goes to both sides and wins over what is set here; a value of
    None leaves a variable out. `wrapper`: what starts the function; `inside`: what starts the sandbox. `code`: the sandbox's own, 1 where a
    program cannot be started.
    """
    command = FUNCTIONS[function] if isinstance(function, str) else function
    with tempfile.TemporaryDirectory() as folder:
        report = pathlib.Path(folder) / "report.json"
        arguments = [*inside, str(BUILD / "thaw-sandbox"), "--report", str(report), "--script", script]
        upstream = f"http://{KEY}@{{upstream}}/{PROJECT}"
        variables = {"SENTRY_DSN": upstream}
        if thaw:
            arguments += ["--extension", str(THAW if thaw is True else thaw)]
            variables = {
                "THAW_PORT": "{port}",
                "THAW_SPOOL_DIR": "{tmp}/thaw",
                "THAW_UPSTREAM_DSN": upstream,
                "SENTRY_DSN": f"http://{KEY}@127.0.0.1:{{port}}/{PROJECT}",
            }
        for name, value in {**variables, **(env or {})}.items():
            if value is not None:
                arguments += ["--env", f"{name}={value}"]
        if function == "node":
            arguments += ["--function-env", f"NODE_PATH={BUILD / 'functions/node/node_modules'}"]
        if events is not None:
            file = pathlib.Path(folder) / "events"
            file.write_text("".join(json.dumps(event) + "\n" for event in events))
            arguments += ["--event-file", str(file)]
        arguments += [*options, "--", *wrapper, *map(str, command)]
        done = subprocess.run(arguments, capture_output=True, text=True, timeout=timeout, check=False)
        if done.returncode != code or not report.exists():
            raise RuntimeError(f"sandbox failed ({done.returncode}): {done.stdout}{done.stderr}")
        return Run(json.loads(report.read_text()))
