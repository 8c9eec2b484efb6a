#!/usr/bin/env python3
"""The real binary behind a real proxy (tinyproxy): what was handed over arrives once and by that way; a proxy that
refuses, is dead or hangs costs the function no more than any upstream that does not answer.

The upstream's name is in the proxy's /etc/hosts and nowhere else, so whatever arrives came through it. That takes
mount namespaces, and those root. `-k NAME` picks a case.
"""

import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import relaying
import sandbox

NAME = "upstream.test"  # in the certificate of thaw-sandbox
USER, PASSWORD = "layer", "s3cret.2"
ENCODED = f"{USER}:s3cret%2E2"
CREDENTIALS = f"BasicAuth {USER} {PASSWORD}"
INVOKES = 5
# With an upstream that does not answer an invoke may cost the budget (1 s), and what a busy machine adds.
MOST_MS = 1000 + 700
UNSHARE = ["unshare", "--mount"]


class Tinyproxy:
    """One on a port of its own, or on the one of its forerunner; `more`: further lines of its own."""

    def __init__(self, folder, more="", port=None):
        self.port = port or relaying.free_port()
        settings = pathlib.Path(folder, "tinyproxy.conf")
        settings.write_text(
            f"Port {self.port}\nListen 127.0.0.1\nTimeout 60\nMaxClients 50\nLogLevel Connect\n{more}\n")
        hosts = pathlib.Path(folder, "hosts")
        hosts.write_text(f"127.0.0.1 localhost {NAME}\n")
        self.log = pathlib.Path(folder, f"log-{self.port}")
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [*UNSHARE, "sh", "-c", 'mount --bind "$0" /etc/hosts && exec tinyproxy -d -c "$1"', hosts, settings],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.await_listener()

    def await_listener(self):
        """Returns when connections are taken."""
        end = time.monotonic() + 10
        while time.monotonic() < end and self.process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.01)
        raise RuntimeError(f"no tinyproxy: {self.log.read_text()}")

    def seen(self, text):
        """How often the log has it."""
        return self.log.read_text().count(text)

    def close(self):
        """It is gone, and so are its connections."""
        self.process.kill()
        self.process.wait()


class Proxies(unittest.TestCase):
    """Each test is one way out of the network."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def proxy(self, **more):
        """A proxy that ends with the test."""
        proxy = Tinyproxy(self.folder, **more)
        self.addCleanup(proxy.close)
        return proxy

    def play(self, variables, *, tls=True, host=NAME, script=f"invoke*{INVOKES} spindown", said=None):
        """Runs the function, Thaw with these variables, and checks what holds whatever becomes of the proxy.
        `said`: stands in exactly one line of Thaw's log; None: it says nothing."""
        scheme = "https" if tls else "http"
        dsn = f"{scheme}://{sandbox.KEY}@{host}:{{upstream_port}}/{sandbox.PROJECT}"
        alone = [option for name, value in variables.items() for option in ("--extension-env", f"{name}={value}")]
        run = sandbox.run(
            "python", script, thaw=True, events=[{"errors": 1, "flush": True}],
            env={"THAW_UPSTREAM_DSN": dsn, "THAW_CA_FILE": "{ca}" if tls else None},
            options=["--freeze", "live", "--upstream-latency-ms", "40", "--gap-ms", "100", "--timeout-ms", "10000",
                     *(["--tls"] if tls else []), *alone])
        self.assertEqual(run.report["problems"], [])
        self.assertEqual(len(run.sent), len(run.invokes))
        for invoke in run.invokes:
            self.assertEqual(invoke["status"], "success")
            self.assertLess(invoke["billed_ms"] - invoke["response_ms"], MOST_MS)
        self.assertEqual(run.duplicates, 0)
        relaying.balance(self, run.stats)
        lines = [line for line in run.report["extension_log"] if not line.startswith("{")]
        if said is None:
            self.assertEqual(lines, [])
        else:
            self.assertEqual(len([line for line in lines if said in line]), 1, lines)
        for secret in (PASSWORD, ENCODED.split(":")[1], "wrong"):
            self.assertNotIn(secret, str(run.report["extension_log"]))
        for arrival in run.report["arrivals"]:
            self.assertEqual(arrival["problems"], [])
            self.assertNotIn("proxy-authorization", str(arrival).lower())
        return run

    def all_arrived(self, run):
        """Once each: duplicates are looked for in every run."""
        self.assertEqual(set(run.sent) - run.arrived, set(), "lost")

    def none_arrived(self, run):
        """And what was lost at the environment's end is counted."""
        self.assertEqual(run.arrived, set())
        self.assertEqual(run.stats["items"]["error"]["dropped"], {"network_error": len(run.sent)})

    def test_tls_by_connect(self):
        proxy = self.proxy()
        self.all_arrived(self.play({"HTTPS_PROXY": f"http://127.0.0.1:{proxy.port}"}))
        # One connection for all of them, freezes notwithstanding.
        self.assertEqual(proxy.seen(f"CONNECT {NAME}:"), 1, proxy.log.read_text())

    def test_tls_by_connect_with_credentials(self):
        proxy = self.proxy(more=CREDENTIALS)
        self.all_arrived(self.play({"https_proxy": f"http://{ENCODED}@127.0.0.1:{proxy.port}"}))
        self.assertEqual(proxy.seen(f"CONNECT {NAME}:"), 1)

    def test_plain_by_absolute_form(self):
        proxy = self.proxy()
        self.all_arrived(self.play({"http_proxy": f"http://127.0.0.1:{proxy.port}"}, tls=False))
        self.assertEqual(proxy.seen(f"POST http://{NAME}:"), INVOKES, proxy.log.read_text())

    def test_plain_by_absolute_form_with_credentials(self):
        proxy = self.proxy(more=CREDENTIALS)
        self.all_arrived(self.play({"THAW_PROXY": f"{ENCODED}@127.0.0.1:{proxy.port}"}, tls=False))
        self.assertEqual(proxy.seen(f"POST http://{NAME}:"), INVOKES)

    def test_wrong_credentials(self):
        for tls, name in ((True, "https_proxy"), (False, "http_proxy")):
            with self.subTest(name):
                proxy = self.proxy(more=CREDENTIALS)
                run = self.play({name: f"http://{USER}:wrong@127.0.0.1:{proxy.port}"}, tls=tls,
                                said=f"of {name} answered 401")  # tinyproxy's word for it
                self.none_arrived(run)
                # Then the breaker: a second until the next try.
                self.assertGreater(run.stats["upstream"]["breaker_openings"], 0)

    def test_no_credentials_until_the_proxy_heals(self):
        for tls, name in ((True, "https_proxy"), (False, "http_proxy")):
            with self.subTest(name):
                proxy = self.proxy(more=CREDENTIALS)

                def heal():
                    while proxy.seen("Request") < 2:
                        time.sleep(0.01)
                    proxy.close()
                    self.proxy(port=proxy.port)

                healer = threading.Thread(target=heal)
                healer.start()
                run = self.play({name: f"http://127.0.0.1:{proxy.port}"}, tls=tls, script="invoke*8 spindown",
                                said=f"of {name} answered 407")
                healer.join()
                self.all_arrived(run)

    def test_a_host_that_the_proxy_does_not_let_through(self):
        proxy = self.proxy(more="ConnectPort 443")
        self.none_arrived(self.play({"https_proxy": f"http://127.0.0.1:{proxy.port}"},
                                    said="of https_proxy answered 403"))

    def test_no_proxy(self):
        proxy = self.proxy()
        variables = {"THAW_PROXY": f"http://127.0.0.1:{proxy.port}"}
        # Loopback never has one.
        self.all_arrived(self.play(variables, host="127.0.0.1"))
        with hosts(f"127.0.0.1 localhost {NAME}\n"):
            self.all_arrived(self.play({**variables, "NO_PROXY": "10.0.0.0/8, .test"}))
            self.all_arrived(self.play({"THAW_PROXY": "direct", "https_proxy": variables["THAW_PROXY"]}))
            self.assertEqual(proxy.seen("Request"), 0, proxy.log.read_text())
            self.all_arrived(self.play({**variables, "no_proxy": "upstream.test:1, another.test"}))
            self.assertGreater(proxy.seen(f"CONNECT {NAME}:"), 0)

    def test_a_dead_proxy(self):
        self.none_arrived(self.play({"https_proxy": f"http://127.0.0.1:{relaying.free_port()}"},
                                    said="of https_proxy cannot be reached: Connection refused"))

    def test_a_proxy_that_hangs(self):
        with socket.socket() as mute:
            mute.bind(("127.0.0.1", 0))
            mute.listen(100)
            self.none_arrived(self.play({"https_proxy": f"http://127.0.0.1:{mute.getsockname()[1]}"},
                                        said="does not answer"))

    def test_a_proxy_we_cannot_speak_to(self):
        with hosts(f"127.0.0.1 localhost {NAME}\n"):
            self.all_arrived(self.play({"HTTPS_PROXY": f"https://{ENCODED}@127.0.0.1:1"},
                                       said="HTTPS_PROXY: only http:// proxies are supported"))


class hosts:
    """Our own /etc/hosts, and Thaw's, for a while: this process has a mount namespace to itself."""

    def __init__(self, text):
        self.file = tempfile.NamedTemporaryFile("w")
        self.file.write(text)
        self.file.flush()
        os.chmod(self.file.name, 0o644)  # Thaw has a user of its own

    def __enter__(self):
        subprocess.run(["mount", "--bind", self.file.name, "/etc/hosts"], check=True)

    def __exit__(self, *_):
        subprocess.run(["umount", "/etc/hosts"], check=True)
        self.file.close()


if __name__ == "__main__":
    if "THAW_TEST_APART" not in os.environ:
        if subprocess.run([*UNSHARE, "true"], stderr=subprocess.DEVNULL, check=False).returncode != 0:
            print("skipped: mount namespaces need root")
            sys.exit(77)
        os.execvpe("unshare", [*UNSHARE, sys.executable, *sys.argv], {**os.environ, "THAW_TEST_APART": "1"})
    unittest.main(verbosity=2)
