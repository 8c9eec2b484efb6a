"""The requests of a long day: of every kind and coding, for several projects, malformed ones among them. Each item has a
mark of its own, `soak-CATEGORY-NUMBER`, to be found again upstream. CATEGORY as Thaw counts it."""

import dataclasses
import json
import os
import re

import codings

MARK = re.compile(rb"soak-([a-z_]+)-[0-9a-f]+")
TYPES = {"event": "error", "transaction": "transaction", "check_in": "monitor", "session": "session", "feedback": "feedback",
         "log": "log_item", "span": "span", "attachment": "attachment", "a_type_to_come": "default"}
WEIGHTS = (8, 6, 2, 3, 1, 3, 2, 2, 1)
SIZES, SIZE_WEIGHTS = (0, 2_000, 60_000, 600_000), (60, 25, 5, 1)
MAY_BE_LARGE = ("event", "transaction", "attachment")
TAKEN = (200, 202)
REFUSED_FOR_NOW = (429, 503)


@dataclasses.dataclass
class Request:
    """What is sent, what it carries, and the answers that are right."""

    path: str
    body: bytes
    headers: dict
    marks: list
    right: tuple = TAKEN + REFUSED_FOR_NOW
    method: str = "POST"
    chunked: bool = False


class Maker:
    """Makes them. `chance` is the only source of choice; marks differ between processes all the same."""

    def __init__(self, chance, key, project, foreign):
        self.chance = chance
        self.auth = {"X-Sentry-Auth": f"Sentry sentry_key={key}, sentry_version=7, sentry_client=soak/1"}
        self.base = f"/api/{project}/"
        self.foreign = f"/{foreign}/api/"
        self.life = os.urandom(6).hex()
        self.number = 0

    def mark(self, category):
        """Never the same twice."""
        self.number += 1
        return f"soak-{category}-{self.life}{self.number:08x}"

    def one(self):
        """The next request."""
        make = self.chance.choices((self.envelope, self.opaque, self.wrong), (90, 4, 6))[0]
        return make()

    def item(self, kind):
        """Its bytes and its mark."""
        mark = self.mark(TYPES[kind])
        size = self.chance.choices(SIZES, SIZE_WEIGHTS)[0] if kind in MAY_BE_LARGE else 0
        payload = json.dumps({"message": mark, "ballast": os.urandom(size // 2).hex()})
        header = {"type": kind, "length": len(payload)}
        if kind == "log":
            payload = json.dumps({"items": [{"body": mark}] * 3})
            header = {"type": kind, "item_count": 3, "length": len(payload),
                      "content_type": "application/vnd.sentry.items.log+json"}
        if kind == "attachment":
            header["filename"] = "core\u00e9.bin"
        return json.dumps(header).encode() + b"\n" + payload.encode() + b"\n", mark

    def envelope(self):
        """One to three items, for our own project or another's."""
        chance = self.chance
        kinds = [chance.choices(list(TYPES), WEIGHTS)[0]]
        if kinds[0] in ("event", "transaction") and chance.random() < 0.2:
            kinds += chance.sample(("attachment", "log", "session"), chance.randint(1, 2))
        items, marks = zip(*map(self.item, kinds))
        body = json.dumps({"event_id": os.urandom(16).hex()}).encode() + b"\n" + b"".join(items)
        path = f"{self.foreign}{chance.randint(1, 8)}/envelope/" if chance.random() < 0.3 else self.base + "envelope/"
        headers = dict(self.auth)
        if chance.random() < 0.5:
            coding = chance.choice(list(codings.ENCODE))
            headers["Content-Encoding"] = coding
            body = codings.ENCODE[coding](body)
        return Request(path, body, headers, list(marks), chunked=chance.random() < 0.2)

    def opaque(self):
        """Another endpoint."""
        kind, category = self.chance.choice((("integration/otlp/v1/traces/", "default"), ("minidump/", "default"),
                                             ("security/", "default"), ("cron/nightly/", "monitor")))
        mark = self.mark(category)
        if category == "monitor":
            return Request(f"{self.base}{kind}?status=ok&environment={mark}", b"", self.auth, [mark], method="GET")
        return Request(self.base + kind, f'{{"soak":"{mark}"}}'.encode(),
                       {**self.auth, "Content-Type": "application/json"}, [mark])

    def wrong(self):
        """One that is refused, each for a reason of its own."""
        path = self.base + "envelope/"
        lie = {**self.auth, "Content-Encoding": "gzip"}
        return self.chance.choice((
            Request(path, b"nonsense", self.auth, [], (400,)),
            Request(path, b'{}\n{"type":"event","length":900}\n{}', self.auth, [], (400,)),
            Request(path, b'{}\n{"type":"event"}\n{}', {}, [], (401, 403)),
            Request("/api/77/envelope/", b'{}\n{"type":"event"}\n{}', self.auth, [], (403,)),
            Request(path, b"no gzip at all", lie, [], (400,)),
            Request(path, b"{}", {**self.auth, "Content-Encoding": "rot13"}, [], (415,)),
            Request(path, codings.ENCODE["gzip"](bytes(24 << 20)), lie, [], (413,)),
            Request("/nowhere/at/all", b"{}", self.auth, [], (404,)),
        ))
