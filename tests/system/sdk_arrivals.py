"""What of an SDK's data has arrived: the markers of tests/system/sdk_functions.py, found again in envelopes."""

import collections
import json
import re
import zlib

MARKER = r"[a-z0-9]{12}(?:-\d+)?"
LARGE = 64 * 1024


class Sightings:
    """Counts of (what, marker): ("error", MARKER), ("log", MARKER-0), ("check_in ok", MARKER) and so on."""

    def __init__(self, envelopes):
        self.counts = collections.Counter()
        self.sessions = []  # payloads, whatever they say
        self.traces = collections.Counter()  # spans by trace
        self.trace_of = {}  # of a segment's name
        self.large = set()  # names of errors whose envelope stays above the limit even when compressed
        for envelope in envelopes:
            for header, payload in items_of(envelope):
                self._see(header, payload, envelope)

    def _see(self, header, payload, envelope):
        kind = header["type"]
        if kind == "attachment":
            for marker in re.findall(MARKER, payload.decode(errors="replace")):
                self.counts["attachment", marker] += 1
        see = getattr(self, f"_see_{kind}", None)
        if see:
            see(json.loads(payload), envelope)

    def _see_event(self, event, envelope):
        values = event.get("exception", {})
        for value in values.get("values", []) if isinstance(values, dict) else values:
            name = (value.get("value") or "").strip()
            self.counts["error", name] += 1
            if len(envelope) > LARGE and len(zlib.compress(envelope, 6)) > LARGE:
                self.large.add(name)

    def _see_transaction(self, transaction, _):
        self.counts["transaction", transaction.get("transaction", "")] += 1
        self.counts["children", transaction.get("transaction", "")] += len(transaction.get("spans", []))

    def _see_span(self, container, _):
        """Streamed spans: segments are told by their flag, their children by the trace."""
        for span in container["items"]:
            self.traces[span["trace_id"]] += 1
            if span.get("is_segment"):
                self.counts["transaction", span["name"]] += 1
                self.trace_of[span["name"]] = span["trace_id"]

    def _see_log(self, container, _):
        for log in container["items"]:
            self.counts["log", log.get("body", "")] += 1

    def _see_check_in(self, check_in, _):
        self.counts[f"check_in {check_in['status']}", check_in["monitor_slug"]] += 1

    def _see_session(self, session, _):
        self.sessions.append(json.dumps(session, sort_keys=True))

    _see_sessions = _see_session

    def children(self, name):
        """Spans below a transaction or segment."""
        if name in self.trace_of:
            return self.traces[self.trace_of[name]] - 1
        return self.counts["children", name]

    def sessions_of(self, marker):
        """Those with the marker in them; with None all."""
        return [session for session in self.sessions if marker is None or marker in session]


def items_of(envelope):
    """(header, payload) of each item."""
    _, _, rest = envelope.partition(b"\n")
    while rest.strip():
        line, _, rest = rest.partition(b"\n")
        header = json.loads(line)
        length = header.get("length")
        if length is None:
            length = rest.find(b"\n") if b"\n" in rest else len(rest)
        yield header, rest[:length]
        rest = rest[length + 1:]


def expected(case, marker, count):
    """What one invoke of a case must bring, each exactly once."""
    if case == "logs":
        return [("log", f"{marker}-{number}") for number in range(3)]
    if case == "check_in":
        return [("check_in in_progress", marker), ("check_in ok", marker)]
    if case == "burst":
        return [("error", f"{marker}-{number}") for number in range(count)]
    if case == "attachment":
        return [("error", marker), ("attachment", marker)]
    if case == "session":
        return []  # an SDK may send one session in several steps: see check_session
    return [("transaction" if case == "transaction" else "error", marker)]
