#!/usr/bin/env python3
"""Thaw in the networks that functions meet: private roots, IPv6, name servers that are slow, broken or gone, roads
that lead nowhere and come back. The function notices none of it, and nothing is lost.

The real binary, a real SDK, the sandbox, in namespaces of the test's own. One row a case; `networks.py CLASS`, `-k
NAME` picks a row, ALL=1 adds the long ones. Needs root; without, each case is skipped and says so.
"""

import os
import pathlib
import shutil
import sys
import tempfile
import threading
import time
import unittest

import far_side
import internet
import relaying
import sandbox
from authority import Authority
from far_side import NAME
from internet import FAR4, FAR6, MOVED4, NOBODY4, SERVER4, SERVER6

SKIPPED = 77  # for ctest
REASON = internet.why_not()
INVOKES = 4
BUDGET_MS, SLACK_MS = 1000, 700
# What two cores that others use, too, may add to an invoke.
NOISE_MS = 250
# And to half of them, the SDK's flush() to localhost included.
FLUSH_MS = 100
# Where relay/trust.hpp looks, in this order.
SYSTEM_ROOTS = ["/etc/pki/tls/certs/ca-bundle.crt", "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
                "/etc/ssl/certs/ca-certificates.crt", "/etc/ssl/cert.pem"]
# Idle for longer than upstream keeps a connection.
CUT = "invoke freeze:400 invoke freeze:400 invoke spindown"
BACK = "invoke*5 freeze:2500 invoke*2 spindown"
CA_FILE = "/etc/private/root.pem"
RESOLV_CONF, HOSTS = pathlib.Path("/etc/resolv.conf"), pathlib.Path("/etc/hosts")
TRUSTED = {"THAW_CA_FILE": CA_FILE}
LOCALHOST = {"SENTRY_DSN": f"http://{sandbox.KEY}@localhost:{{port}}/{sandbox.PROJECT}"}
SUFFIX = {**TRUSTED, "THAW_UPSTREAM_DSN": None, "THAW_ALLOWED_HOSTS": ".thaw-test.com",
          "SENTRY_DSN": f"http://{sandbox.KEY}@127.0.0.1:{{port}}/{NAME}/{sandbox.PROJECT}"}


class Row:
    """A network, and what comes of it."""

    def __init__(self, name, *, tls=None, host=NAME, names=None, dns=None, link=None, ipv6=True, resolv=None,
                 hosts=None, roots=(), env=None, script=None, changes=(), arrives=True, duplicates=0, says=None,
                 check=None, idle=None, port=0, long=False):
        self.name = name
        self.tls = tls  # far_side.Authority.context's; None: http
        self.host = host
        self.names = {NAME: [FAR4]} if names is None else names
        self.dns = dns or {}  # far_side.NameServer's members
        self.link = link or {}  # internet.Link's
        self.ipv6 = ipv6
        self.resolv = [SERVER4] if resolv is None else resolv  # "": no such file
        self.hosts = hosts  # lines of /etc/hosts
        self.roots = roots  # files that hold the private root
        self.env = env or {}
        self.script = script or f"invoke*{INVOKES} spindown"
        self.changes = changes  # (how many invokes are over, what happens to the world then)
        self.arrives = arrives
        self.says = says  # in one line of the log; None: nothing is said
        self.check = check  # (test, world, run)
        self.duplicates = duplicates  # at most
        self.idle, self.port = idle, port  # far_side.Upstream's
        self.long = long  # left out unless ALL is set


class World:
    """The network of one row."""

    def __init__(self, row, folder):
        self.row = row
        authority = Authority(folder) if row.tls is not None else None
        for path in SYSTEM_ROOTS:
            pathlib.Path(path).unlink(missing_ok=True)
        for path in map(pathlib.Path, (*row.roots, CA_FILE) if authority else ()):
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(authority.root, path)
        RESOLV_CONF.unlink(missing_ok=True)
        if row.resolv:
            RESOLV_CONF.write_text("".join(f"nameserver {server}\n" for server in row.resolv))
        HOSTS.write_text(row.hosts or "127.0.0.1 localhost\n::1 localhost\n")
        self.networks = internet.Networks(ipv6=row.ipv6)
        self.link = self.networks.link
        for member, value in row.link.items():
            setattr(self.link, member, value)
        self.names = far_side.NameServer(self.networks, dict(row.names), **row.dns)
        context = None
        if authority is not None:
            context = authority.context(**{"names": (NAME,), "addresses": (FAR4, FAR6), **row.tls})
        self.upstream = far_side.Upstream(self.networks, context, row.idle, row.port)
        self.dsn = (f"{'https' if authority else 'http'}://{sandbox.KEY}@{row.host}:{self.upstream.port}"
                    f"/{sandbox.PROJECT}")

    def follow(self, log, over):
        """Changes the world when so many invokes are over."""
        left, ended = list(self.row.changes), 0
        while left and not over.wait(0.01):
            ended = log.read_text().count(" platform: REPORT ") if log.exists() else 0
            while left and ended >= left[0][0]:
                left.pop(0)[1](self)

    def close(self):
        """All of it."""
        self.upstream.close()
        self.names.close()
        self.networks.close()


@unittest.skipIf(REASON, REASON)
class Case(unittest.TestCase):
    """What is asked of every row."""

    @classmethod
    def setUpClass(cls):
        run = sandbox.run("python", f"invoke*{INVOKES} spindown", thaw=False, events=[{"errors": 1}],
                          env={"SENTRY_DSN": None}, options=["--upstream", "none", "--gap-ms", "50"])
        cls.alone = [invoke["response_ms"] for invoke in run.invokes[1:]]

    def play(self, row):
        """Runs it."""
        folder = tempfile.TemporaryDirectory(prefix="thaw-networks-")
        self.addCleanup(folder.cleanup)
        begun = time.monotonic()
        world = World(row, folder.name)
        log, over = pathlib.Path(folder.name, "log"), threading.Event()
        follower = threading.Thread(target=world.follow, args=(log, over))
        follower.start()
        try:
            run = sandbox.run(
                "python", row.script, thaw=True, events=[{"errors": 1, "flush": True}],
                env={"THAW_UPSTREAM_DSN": world.dsn, "THAW_COMPRESSION": "none", **row.env},
                options=["--upstream", "none", "--gap-ms", "100", "--timeout-ms", "10000", "--log", str(log)])
        finally:
            over.set()
            follower.join()
            world.close()
        self.figures(row, world, run, time.monotonic() - begun)
        self.unnoticed(run)
        self.told(row, run)
        self.arrived(row, world, run)
        if row.check:
            row.check(self, world, run)

    def figures(self, row, world, run, seconds):
        """For the reader."""
        held = [invoke["billed_ms"] - invoke["response_ms"] for invoke in run.invokes]
        print(f"\n{row.name}: {len(world.upstream.event_ids())} of {len(run.sent)} arrived; invokes "
              f"{run.p50('response_ms'):.0f} ms (alone {sorted(self.alone)[len(self.alone) // 2]:.0f}), held "
              f"{', '.join(f'{one:.0f}' for one in held)} ms; {seconds:.1f} s in all", flush=True)

    def unnoticed(self, run):
        """The caller of the function sees what it sees without Thaw; a hold never goes beyond its budget."""
        self.assertEqual(run.report["problems"], [])
        for invoke in run.invokes:
            self.assertEqual(invoke["status"], "success", invoke)
            self.assertLess(invoke["billed_ms"] - invoke["response_ms"], BUDGET_MS + SLACK_MS)
        for invoke in run.invokes[1:]:
            self.assertLess(invoke["response_ms"], max(self.alone) + NOISE_MS)
        self.assertLess(run.p50("response_ms"), sorted(self.alone)[len(self.alone) // 2] + FLUSH_MS)
        held = run.stats["held"]
        self.assertLessEqual(held["probe"]["invokes"], run.stats["upstream"]["probes"])
        if run.stats["upstream"]["breaker_openings"]:
            self.assertLessEqual(held["delivery"]["invokes"], 3 + run.stats["upstream"]["probes"])

    def told(self, row, run):
        """What there is to say is said once, and no line comes twice."""
        lines = [line for line in run.report["extension_log"] if not line.startswith("{")]
        self.assertEqual(len(lines), len(set(lines)), lines)
        self.assertLessEqual(len(lines), 3, lines)
        if row.says is None:
            self.assertEqual(lines, [])
        else:
            self.assertEqual(len([line for line in lines if row.says in line]), 1, lines)

    def arrived(self, row, world, run):
        """All or nothing, each once, and the books balance."""
        relaying.balance(self, run.stats)
        self.assertEqual(run.handed_over, len(run.sent))
        arrived = [sandbox.normal(event) for event in world.upstream.event_ids()]
        self.assertEqual(set(arrived), set(run.sent) if row.arrives else set())
        self.assertLessEqual(len(arrived) - len(set(arrived)), row.duplicates, "duplicates")
        self.assertEqual(run.stats["envelopes"]["lost"], 0 if row.arrives else len(run.sent))


def certificate_named(name):
    """The upstream was told this name in each handshake."""
    def check(test, world, _):
        test.assertTrue(world.upstream.named)
        test.assertEqual(set(world.upstream.named), {name})
    return check


def spoke(version):
    """The version of TLS."""
    def check(test, world, _):
        test.assertEqual({connection["version"] for connection in world.upstream.connections}, {version})
    return check


def went_to(address):
    """Every connection."""
    def check(test, world, _):
        test.assertEqual({connection["to"] for connection in world.upstream.connections}, {address})
    return check


def asked_over_tcp(test, world, _):
    """The name server."""
    test.assertIn("tcp", {road for _, _, road in world.names.asked})


def connected_to_nobody(test, world, _):
    """Not even to be refused by it."""
    test.assertEqual(world.upstream.connections, [])


def resumed_after_the_first(test, world, run):
    """A connection an invoke; one full handshake."""
    resumed = world.upstream.resumed()
    print(f"    {resumed.count(False)} full handshakes, {resumed.count(True)} resumed", flush=True)
    test.assertEqual(resumed, [False, *[True] * (len(resumed) - 1)])
    test.assertEqual(len(resumed), len(run.sent))


class Trust(Case):
    """TLS."""

    rows = [
        Row("a private root, by THAW_CA_FILE", tls={}, env=TRUSTED, check=certificate_named(NAME)),
        Row("a private root, by SSL_CERT_FILE", tls={}, env={"SSL_CERT_FILE": CA_FILE}),
        *(Row(f"a private root, in {path}", tls={}, roots=[path]) for path in SYSTEM_ROOTS),
        Row("a private root that nobody named", tls={}, arrives=False,
            says="(roots: embedded); if it is right, name its root with THAW_CA_FILE"),
        Row("a literal, IPv4", tls={}, host=FAR4, env=TRUSTED, check=certificate_named(None)),
        Row("a literal, IPv6", tls={}, host=f"[{FAR6}]", env=TRUSTED, check=certificate_named(None)),
        Row("TLS 1.2 alone", tls={"most": "TLSv1_2"}, env=TRUSTED, check=spoke("TLSv1.2")),
        Row("TLS 1.3 alone", tls={"least": "TLSv1_3"}, env=TRUSTED, check=spoke("TLSv1.3")),
        Row("TLS 1.1 alone", tls={"least": "TLSv1", "most": "TLSv1_1"}, env=TRUSTED, arrives=False,
            says="TLS 1.2"),
        Row("a certificate that has expired", tls={"days": -1}, env=TRUSTED, arrives=False, says="has expired"),
        Row("a certificate for another name", tls={"names": ["other.thaw-test.com"]}, env=TRUSTED, arrives=False,
            says="ostname mismatch"),
        *(Row(f"connections cut in each freeze are resumed, {version}", tls={"least": version, "most": version},
              env=TRUSTED, idle=0.05, script=CUT, check=resumed_after_the_first) for version in ("TLSv1_2", "TLSv1_3")),
    ]


class Families(Case):
    """IPv4 and IPv6."""

    rows = [
        Row("upstream on IPv6 alone", names={NAME: [FAR6]}, check=went_to(FAR6)),
        Row("on both, IPv6 is dead", names={NAME: [FAR6, FAR4]}, link={"dead": {6}}, check=went_to(FAR4)),
        Row("on both, IPv4 is dead", names={NAME: [FAR6, FAR4]}, resolv=[SERVER6], link={"dead": {4}},
            check=went_to(FAR6)),
        Row("the IPv6 answer comes first", names={NAME: [FAR6, FAR4]}, dns={"late": {"A": 0.2}}, check=went_to(FAR4)),
        Row("a literal, IPv6, over http", host=f"[{FAR6}]", check=went_to(FAR6)),
        Row("localhost is ::1", hosts="::1 localhost\n", env=LOCALHOST),
        Row("no IPv6 here at all", ipv6=False, env=LOCALHOST),
        Row("no IPv6 here, and upstream has one", ipv6=False, names={NAME: [FAR6, FAR4]}, check=went_to(FAR4)),
    ]


class Names(Case):
    """Name servers."""

    rows = [
        Row("300 ms for each answer", dns={"delay": 0.3}),
        Row("server failure", dns={"result": far_side.SERVFAIL}, arrives=False, says="no name server answered"),
        Row("no such name", dns={"result": far_side.NXDOMAIN}, arrives=False, says="no such host name"),
        Row("no answer", dns={"silent": {"A", "AAAA"}}, arrives=False, says="Connection timed out", long=True),
        Row("no answer, and answers again", dns={"silent": {"A", "AAAA"}}, script=BACK,
            changes=[(5, lambda world: world.names.silent.clear())], says="does not answer"),
        Row("no answer about IPv6", dns={"silent": {"AAAA"}}),
        Row("no answer about IPv4, but about IPv6", names={NAME: [FAR6]}, dns={"silent": {"A"}}),
        Row("the first of two is dead", resolv=[NOBODY4, SERVER4]),
        Row("answers cut short, whole over TCP", dns={"truncates": True}, check=asked_over_tcp),
        Row("no /etc/resolv.conf", resolv="", arrives=False, says="no name server answered", long=True),
        Row("another address after a freeze", idle=0.05, script=CUT,
            changes=[(2, lambda world: world.names.names.update({NAME: [MOVED4]}))],
            check=lambda test, world, _: test.assertEqual(
                [connection["to"] for connection in world.upstream.connections], [FAR4, FAR4, MOVED4])),
        Row("a name that its suffix allows", tls={}, port=443, env=SUFFIX),
        *(Row(f"a name that its suffix allows points {where}", tls={}, port=443, names={NAME: addresses}, env=SUFFIX,
              arrives=False, says="not public", check=connected_to_nobody)
          for where, addresses in (("inward", ["10.0.0.5"]), ("outward and inward", [FAR4, "169.254.169.254"]))),
    ]


def dead(world):
    """Packets vanish."""
    world.link.dead = {4, 6}


def alive(world):
    """They no longer do."""
    world.link.dead = set()


def route(change):
    """Changes the function's route to upstream."""
    return lambda _: internet.configure(f"route {change}")


class Roads(Case):
    """A VPC without a route, and worse."""

    rows = [
        Row("packets vanish", host=FAR4, link={"dead": {4, 6}}, script="invoke*8 spindown", arrives=False,
            says="timed out", long=True),
        Row("packets vanish, and no longer", host=FAR4, link={"dead": {4, 6}}, script=BACK, changes=[(5, alive)],
            says="does not answer"),
        *(Row(f"no route ({kind}), and one again", host=FAR4, script="invoke " + BACK,
              changes=[(1, route(f"add {kind} {FAR4}/32")), (6, route(f"del {kind} {FAR4}/32"))], idle=0.05,
              says=says, long=kind != "unreachable")
          for kind, says in (("unreachable", "No route to host"), ("blackhole", "Invalid argument"),
                             ("prohibit", "Permission denied"))),
        Row("lost while a connection lives, and back", script="invoke*2 " + BACK,
            changes=[(2, dead), (7, alive)], duplicates=1, says="does not answer"),
        Row("120 ms for each round trip", tls={}, env=TRUSTED, link={"delay": 0.06}),
        Row("5 % of the packets are lost", tls={}, env=TRUSTED, link={"delay": 0.02, "loss": 0.05}),
    ]


def method(row):
    """A test method for one row."""
    return lambda self: self.play(row)


for _class in (Trust, Families, Names, Roads):
    for _row in _class.rows:
        if _row.long and "ALL" not in os.environ:
            continue
        setattr(_class, "test_" + "".join(c if c.isalnum() else "_" for c in _row.name), method(_row))
del _class


if __name__ == "__main__":
    if REASON is None:
        internet.enter()
    run_of_all = unittest.main(verbosity=2, exit=False)
    if REASON:
        print(f"skipped: {REASON}")
        sys.exit(SKIPPED)
    sys.exit(not run_of_all.result.wasSuccessful())
