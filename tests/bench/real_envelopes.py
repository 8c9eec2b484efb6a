"""Envelopes of about 1, 10 and 100 KB as Sentry's Python SDK writes them: the bytes that compression is measured on."""

import json
import re

import sentry_sdk
import sentry_sdk.transport
from burst import MODEL_ID


class Kept(sentry_sdk.transport.Transport):
    """Keeps what would be sent."""

    def __init__(self, options=None):
        super().__init__(options)
        self.envelopes = []

    def capture_envelope(self, envelope):
        self.envelopes.append(envelope.serialize())


def price(order, line):
    """Fails like code does, some calls deep, with variables to show."""
    total = {"order": order, "line": line, "currency": "EUR", "customer": {"id": 4711 * line, "country": "AT"}}
    if line == 0:
        raise LookupError(f"no price for article {order['articles'][line]}")
    return price(order, line - 1) or total


def small():
    """A message."""
    sentry_sdk.capture_message("payment provider answered 503, retrying")


def medium():
    """An exception with its frames, source lines, variables and breadcrumbs."""
    order = {"articles": [f"A-{number:05d}" for number in range(5)], "placed": "2026-11-24T10:00:00Z"}
    for number in range(12):
        sentry_sdk.add_breadcrumb(category="http", type="http", data={
            "url": f"https://api.example.com/v2/articles/{number * 7919}", "method": "GET", "status_code": 200})
    try:
        price(order, 4)
    except LookupError as error:
        sentry_sdk.capture_exception(error)


def large():
    """A transaction with some hundred spans."""
    with sentry_sdk.start_transaction(op="function.aws", name="GET /orders/{id}"):
        for number in range(215):
            query = f"SELECT id, total FROM orders WHERE id = {number * 7919}"
            with sentry_sdk.start_span(op="db.sql.query", name=query) as span:
                span.set_data("db.system", "postgresql")
                span.set_data("server.address", f"db-{number % 3}.internal")


def one(make):
    """The envelope that `make` leads to, with an id that can be found."""
    kept = Kept()
    with sentry_sdk.isolation_scope():
        sentry_sdk.init("https://abcdef0123456789abcdef0123456789@o1.ingest.us.sentry.io/42", transport=kept,
                        traces_sample_rate=1.0, release="shop@4.2.17", environment="production")
        make()
    envelope = max(kept.envelopes, key=len)
    event_id = json.loads(envelope.split(b"\n", 1)[0])["event_id"].encode()
    return re.sub(event_id, MODEL_ID, envelope)


def write(folder):
    """Their paths by size."""
    paths = {}
    for size, make in {"1 KB": small, "10 KB": medium, "100 KB": large}.items():
        paths[size] = folder / f"{make.__name__}.envelope"
        paths[size].write_bytes(one(make))
    return paths
