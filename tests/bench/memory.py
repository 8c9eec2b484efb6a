#!/usr/bin/env python3
"""What stays in memory: of each extension while nothing happens, and of Thaw as it works. `resident` is what Lambda
counts; `anonymous` is what is nobody else's, the rest are pages of the file; `peak` the most so far.

Usage: tests/bench/memory.py [--quick]. Markdown on standard output, figures in build/bench/memory.json.
"""

import argparse
import pathlib
import re
import socket
import ssl
import subprocess
import tempfile

import figures
import peers
import relaying
import sandbox

MOST_IDLE_KIB = 4 * 1024
LEAST_OF_NODE = 14
CONNECTIONS = 100
QUEUED = 10_000
BODY = 2_000
FUNCTION = {"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128"}
FIELDS = ["resident", "Pss", "anonymous", "peak"]


def memory(pid):
    """KiB of FIELDS; proc(5), /proc/pid/smaps_rollup and status."""
    rollup = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return {name: int(re.search(rf"^{key}:\s+(\d+)", text, re.MULTILINE)[1]) for name, key, text in
            zip(FIELDS, ["Rss", "Pss", "Anonymous", "VmHWM"], [rollup] * 3 + [status])}


def idle(found):
    """Of each peer after its first next."""
    result = {}
    for peer in found:
        with peers.started(peer) as times:
            result[peer.name] = memory(times["pid"])
    return result


class TlsUpstream(relaying.Upstream):
    """The same behind TLS, with a root of its own."""

    def __init__(self, folder):
        super().__init__()
        self.root = f"{folder}/root.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-subj", "/CN=upstream", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2",
                        "-keyout", f"{folder}/key.pem", "-out", self.root], check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.root, f"{folder}/key.pem")
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)


def after_tls(folder):
    """Before and after the first delivery over TLS, and after a hundred."""
    upstream = TlsUpstream(folder)
    thaw = relaying.Thaw(f"{folder}/tls", upstream.port, {
        **FUNCTION, "THAW_CA_FILE": upstream.root, "THAW_COMPRESSION": "zstd",
        "THAW_UPSTREAM_DSN": f"https://{sandbox.KEY}@127.0.0.1:{upstream.port}/{sandbox.PROJECT}"})
    client, result = relaying.Client(thaw.port), {"serving, no delivery yet": memory(thaw.process.pid)}
    for count in (1, 100):
        for number in range(count):
            client.post(relaying.event(number, BODY))
        thaw.until(lambda stats: stats["envelopes"]["waiting"] == 0 and stats["envelopes"]["delivered"] >= count)
        result[f"after {count} over TLS"] = memory(thaw.process.pid)
    thaw.stop()
    upstream.close()
    return result


def under_load(folder, queued, journal):
    """As many envelopes waiting as it takes."""
    thaw = relaying.Thaw(f"{folder}/queue-{journal}", relaying.free_port(), {**FUNCTION, "THAW_JOURNAL": journal})
    client = relaying.Client(thaw.port)
    for number in range(queued):
        client.post(relaying.event(number, BODY))
    waiting = thaw.stats()["envelopes"]["waiting"]
    result = memory(thaw.process.pid)
    thaw.kill()
    return {f"{waiting:,} of {queued:,} of 2 KB waiting, journal {journal}": result}


def per_connection(folder, journal, request):
    """KiB that an idle SDK connection costs, after `request`, or before any."""
    thaw = relaying.Thaw(f"{folder}/idle", relaying.free_port(), {"THAW_JOURNAL": journal})
    before = memory(thaw.process.pid)["anonymous"]
    opened = []
    for _ in range(CONNECTIONS):
        peer = socket.create_connection(("127.0.0.1", thaw.port), timeout=20)
        opened.append(peer)
        if request:
            peer.sendall(request)
            assert peer.recv(4096).startswith(b"HTTP/1.1 200")
    thaw.stats()  # answered behind them all: they have been accepted
    cost = (memory(thaw.process.pid)["anonymous"] - before) / CONNECTIONS
    for peer in opened:
        peer.close()
    thaw.kill()
    return cost


def report(page, title, rows):
    """One table in KiB."""
    page.table([title, *FIELDS], [[name, *(f"{row[field]:,}" for field in FIELDS)] for name, row in rows.items()])


def main():
    """All of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a tenth of the envelopes")
    queued = QUEUED // 10 if parser.parse_args().quick else QUEUED
    peers.enter()
    peers.build_tools()
    page = figures.Page()
    page.say("## Memory")
    request = (f"GET /api/relay/healthcheck/live/ HTTP/1.1\r\nHost: x\r\n\r\n").encode()
    with tempfile.TemporaryDirectory(prefix="thaw-memory-") as folder:
        found, missing = peers.peers(folder)
        for reason in missing:
            page.say(f"- not measured: {reason}")
        resting = idle(found)
        report(page, "KiB, idle after the first next", resting)
        working = {**after_tls(folder), **under_load(folder, queued, "on"), **under_load(folder, queued, "off")}
        report(page, "KiB, Thaw at work in a 128 MB function", working)
        connection = {"before its first request": per_connection(folder, "on", b""),
                      "after one": per_connection(folder, "on", request)}
    for name, cost in connection.items():
        page.say(f"- an idle SDK connection, {name}: {cost:.1f} KiB")
    mine = resting["Thaw"]["resident"]
    what = "resident, idle after the first next"
    node = next((row for name, row in resting.items() if "Node" in name), None)
    page.promise(what, f"at most {MOST_IDLE_KIB:,} KiB", f"{mine:,} KiB", mine <= MOST_IDLE_KIB)
    page.promise(what, f"at most 1/{LEAST_OF_NODE} of Sentry's Node extension",
                 f"1/{node['resident'] / mine:.1f}" if node else "Sentry's extension is missing",
                 mine * LEAST_OF_NODE <= node["resident"] if node else None)
    page.leave("memory", {"idle": resting, "at_work": working, "connection_kib": connection})


if __name__ == "__main__":
    main()
