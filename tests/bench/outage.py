"""Upstream away, refusing or silent, and back: which invokes are longer for it, and what closes the breaker."""

import contextlib
import math
import socket

import sandbox
from figures import ms

FAILURES = 3  # THAW_BREAKER_FAILURES
PROBE_MS = 500  # THAW_PROBE_MS
TOLERANCE_MS = 50
# Clearly more than to capture and to wait for runtimeDone, which is not upstream's doing.
LENGTHENED_MS = 100
# A backlog that waits for one probe after the other is not gone before the next pause, of 4 s, is over.
GONE_MS = 2500


@contextlib.contextmanager
def black_hole():
    """host:port of a listener whose queue is full: the kernel drops every further SYN."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        while True:
            filler = stack.enter_context(socket.socket())
            filler.settimeout(0.3)
            try:
                filler.connect(listener.getsockname())
            except TimeoutError:
                break
        yield "127.0.0.1:{}".format(listener.getsockname()[1])


def play(pace, invokes, work_ms, latency_ms, options=(), env=None, freeze="live"):
    """A run with an error in each invoke."""
    return sandbox.run(
        "python", f"invoke*{invokes} spindown", thaw=True, events=[{"errors": 1, "work_ms": work_ms}],
        env={"THAW_PACE": pace, **(env or {})},
        options=["--freeze", freeze, "--gap-ms", "100", "--timeout-ms", "10000",
                 "--upstream-latency-ms", str(latency_ms), *options])


def outage(page, invokes, work_ms, latency_ms, baseline):
    """Both kinds of silence under each pace: a table, and for each row what is promised of it."""
    header = ["", "billed p50", "lengthened", "longest of the first 3", "longest thereafter", "openings",
              "probes"]
    rows, verdicts = [], []
    for kind in ("refused", "black hole"):
        for pace in ("prompt", "adaptive"):
            name = f"{kind}, {pace}"
            run = silence(kind, pace, invokes, work_ms, latency_ms)
            added = [invoke["billed_ms"] - baseline for invoke in run.invokes]
            longer = [value for value in added if value > LENGTHENED_MS]
            first, rest = longer[:FAILURES], longer[FAILURES:]
            probes = run.stats["upstream"]["probes"]
            most = most_probes(run.invokes[-1]["start_ms"] - run.invokes[0]["start_ms"])
            rows.append([name, ms(run.p50("billed_ms")), str(len(longer)), ms(max(first, default=None)),
                         ms(max(rest, default=None)), str(run.stats["upstream"]["breaker_openings"]), str(probes)])
            verdicts.append((len(rest) <= probes <= most,
                             f"{name}: {len(longer)} of {invokes} invokes are lengthened, at most {FAILURES} and "
                             f"{probes} probes; the pauses allow {most}"))
            verdicts.append((max(rest, default=0) <= PROBE_MS + TOLERANCE_MS,
                             f"{name}: a probe lengthens by {PROBE_MS} ms at most: {ms(max(rest, default=0))}"))
    conclude(page, header, rows, verdicts)


def silence(kind, pace, invokes, work_ms, latency_ms):
    """A run in which upstream never answers."""
    if kind == "refused":
        return play(pace, invokes, work_ms, latency_ms, ["--upstream-fault", "refuse"])
    with black_hole() as address:
        upstream = f"http://{sandbox.KEY}@{address}/{sandbox.PROJECT}"
        return play(pace, invokes, work_ms, latency_ms, env={"THAW_UPSTREAM_DSN": upstream})


def most_probes(span_ms):
    """As many as the pauses of 1, 2, 4 … s allow. The tries at SHUTDOWN are none."""
    return int(math.log2(span_ms / 1000 + 1))


# Outages that end by themselves: name, paces, invokes, fault, what a freeze does to connections, TLS, work and latency
# in ms. Resets end after so many invokes, not connections: how many of those Thaw makes, for a request or ahead of one,
# is its own business, and each probe more that they last doubles the scene. Thirty invokes last at least until the
# second probe, so that the event that asks would be written whole once too often if that were three times.
RETURNS = [
    ("503 four times", ["adaptive"], 45, "status:503*4", "live", False, 20, 80),
    ("connections reset", ["adaptive"], 75, "refuse:until30", "live", False, 20, 80),
    ("503, TLS, 5 ms of work", ["prompt", "adaptive"], 45, "status:503*4", "live", True, 5, 150),
    ("503, TLS cut in each freeze, 5 ms", ["prompt", "adaptive"], 45, "status:503*4", "cut", True, 5, 150),
]


def comeback(page):
    """Upstream fails until the breaker has opened, and a probe later is well again."""
    header = ["", "openings", "probes", "away, ms", "backlog gone in, ms", "duplicates", "lost"]
    rows, verdicts = [], []
    for kind, paces, invokes, fault, freeze, tls, work_ms, latency_ms in RETURNS:
        for pace in paces:
            run = play(pace, invokes, work_ms, latency_ms, ["--upstream-fault", fault, *(["--tls"] if tls else [])],
                       sandbox.TLS if tls else None, freeze)
            openings, probes = (run.stats["upstream"][field] for field in ("breaker_openings", "probes"))
            back, gone = away(run)
            lost = len(set(run.sent) - run.arrived)
            rows.append([f"{kind}, {pace}", str(openings), str(probes), ms(back), ms(gone), str(run.duplicates),
                         str(lost)])
            span = run.invokes[-1]["start_ms"] - run.invokes[0]["start_ms"]
            most = most_probes(back)
            verdicts.append((openings > 0 and back < span and gone < GONE_MS and lost == 0 and probes <= most,
                             f"{kind}, {pace}: the first probe that succeeds closes the breaker; {probes} probes, the "
                             f"pauses allow {most}"))
    conclude(page, header, rows, verdicts)


def away(run):
    """From the first invoke to the first arrival, and from there to that of the last event made before it, in
    ms."""
    arrived = {event: at for event, at in run.arrived_at.items() if event in run.captured_at}
    back = min(arrived.values())
    waited = [at for event, at in arrived.items() if run.captured_at[event] < back]
    return back - run.invokes[0]["start_ms"], max(waited) - back


def conclude(page, header, rows, verdicts):
    """The table, then what it shows."""
    page.table(header, rows)
    for passed, text in verdicts:
        page.check(passed, text)
