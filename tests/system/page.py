#!/usr/bin/env python3
"""The page at / on the real binary, in a real browser: in health, under a limit, with upstream away, of a function with its
freezes, of a crowd, and of what was captured; each by axe-core, too. Pictures of each are left in build/page/."""

import http.client
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.parse
import xml.etree.ElementTree

import accessibility
import browser
import crowd
import relaying
import sandbox
from relaying import Client, Thaw, Upstream, event

SIZES = {"phone": (390, 844), "desk": (1280, 900)}
KINDS = ["event", "transaction", "session", "check_in", "log", "profile", "feedback", "brand_new"]
HOSTILE = "\"'><script>document.title='hacked'</script><img src=x onerror=alert(1)>\u202e"
# Every figure with its place in /stats.
FIGURES = "Object.fromEntries([...document.querySelectorAll('[data-stat]')].map(e => [e.dataset.stat, +e.value]))"
# What does not fit: nothing may be wider than the window.
WIDTH = "[document.documentElement.scrollWidth, innerWidth]"
# Each text with its colour and what is behind it, as the browser has computed them.
CONTRAST = """[...document.querySelectorAll('main *, header *, footer *')].filter(e =>
  [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim()) && e.checkVisibility()).map(e => {
  let b = e; while (getComputedStyle(b).backgroundColor === 'rgba(0, 0, 0, 0)') b = b.parentElement;
  return [e.tagName + '.' + e.className, getComputedStyle(e).color, getComputedStyle(b).backgroundColor]; })"""
# Whatever the keyboard has to reach.
CONTROLS = "[...document.querySelectorAll('a, button, summary, [tabindex]')]"


def at(stats, path):
    """A member of /stats, None where there is none."""
    for name in path.split("/"):
        stats = stats[int(name)] if isinstance(stats, list) else stats.get(name)
    return stats


def luminance(colour):
    """Of "rgb(1, 2, 3)" (WCAG 2.2, relative luminance)."""
    parts = [int(part) / 255 for part in colour[colour.index("(") + 1:-1].split(",")[:3]]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(first, second):
    """WCAG 2.2, 1.4.3: at least 4.5 for text."""
    light, dark = sorted((luminance(first), luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


class Page(unittest.TestCase):
    """Each state once."""

    @classmethod
    def setUpClass(cls):
        cls.browser = browser.Browser()

    @classmethod
    def tearDownClass(cls):
        cls.browser.close()

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="thaw-page-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.browser.problems.clear()
        self.browser.requests.clear()

    def upstream(self, status=200):
        """One that the test closes."""
        upstream = Upstream()
        self.addCleanup(upstream.close)
        upstream.status = status
        return upstream

    def thaw(self, port, **env):
        """A Thaw that the test ends."""
        thaw = Thaw(self.folder / "spool", port, env)
        self.addCleanup(thaw.kill)
        return thaw

    def feed(self, thaw, envelopes):
        """Posts so many, of every kind in turn."""
        client = Client(thaw.port)
        for number in range(envelopes):
            client.post(event(number, size=100 + 10 * number, kind=KINDS[number % len(KINDS)]))
        client.close()

    def look(self, port, name):
        """The page in each size and colour, with a picture: it fits, nobody is shut out, nothing fails or is loaded."""
        url = f"http://127.0.0.1:{port}/"
        for size, (width, height) in SIZES.items():
            for dark in (False, True):
                self.browser.look(width, height, dark)
                self.browser.open(url)
                self.browser.picture(sandbox.BUILD / f"page/{name}-{size}{'-dark' if dark else ''}.png")
                needed, there = self.browser.ask(WIDTH)
                self.assertLessEqual(needed, there, f"{name} {size} is wider than the window")
                for element, front, back in self.browser.ask(CONTRAST):
                    self.assertGreaterEqual(contrast(front, back), 4.5, f"{element}: {front} on {back}")
                # Not renewed while it is looked at.
                self.browser.ask("document.getElementById('pause').click()")
                self.assertEqual(accessibility.findings(self.browser), [], f"{name} {size}, dark: {dark}")
        self.assertEqual(self.browser.problems, [])
        for request in self.browser.requests:
            self.assertTrue(request.startswith((url, "data:image/svg+xml")), request)

    def show(self, port, name, stats):
        """The same; its figures are those of /stats."""
        self.look(port, name)
        self.check_figures(stats)

    def check_figures(self, stats):
        """What /stats has under the place that each figure names."""
        figures = self.browser.ask(FIGURES)
        self.assertGreater(len(figures), 40)
        for path, value in figures.items():
            # Those go on changing: the browser's own, what waits, connections that are made anew for the next envelope.
            if not path.startswith(("local/connections", "oldest", "upstream/connects")):
                self.assertEqual(value, at(stats, path), path)
        for category, items in stats["items"].items():
            for fate in ("accepted", "recovered", "delivered", "waiting"):
                self.assertIn(f"items/{category}/{fate}", figures)
            for way in ("refused", "dropped"):
                for reason in items[way]:
                    self.assertIn(f"items/{category}/{way}/{reason}", figures)

    def headline(self):
        """The first line, as shown."""
        return self.browser.ask("document.querySelector('h1').innerText")

    def test_all_delivered(self):
        thaw = self.thaw(self.upstream().port)
        self.feed(thaw, 400)
        stats = thaw.until(lambda stats: stats["envelopes"]["waiting"] == 0)
        self.show(thaw.port, "healthy", stats)
        self.assertEqual(self.headline(), "All delivered")

    def test_under_a_limit(self):
        upstream = self.upstream()
        thaw = self.thaw(upstream.port)
        self.feed(thaw, 40)
        thaw.until(lambda stats: stats["envelopes"]["waiting"] == 0)
        upstream.answer_to = lambda _: (429, {"X-Sentry-Rate-Limits": "60:transaction;log_item:organization"})
        self.feed(thaw, 24)
        thaw.until(lambda stats: stats["envelopes"]["waiting"] == 0)
        self.feed(thaw, 24)
        stats = thaw.until(lambda stats: stats["envelopes"]["waiting"] == 0)
        self.assertTrue(stats["limits"])
        self.show(thaw.port, "limited", stats)
        self.assertRegex(self.headline(), r"^\d+ of 88 items lost, all else delivered$")
        self.assertIn("Sentry wants no transaction of", self.browser.ask("document.body.innerText"))
        self.assertNotIn(sandbox.KEY, self.browser.ask("document.documentElement.outerHTML"))

    def test_upstream_away(self):
        thaw = self.thaw(relaying.free_port())
        self.feed(thaw, 24)
        thaw.until(lambda stats: stats["hosts"] and stats["hosts"][0]["breaker_open"])
        self.look(thaw.port, "broken")
        self.assertEqual(self.headline(), "24 envelopes waiting")
        text = self.browser.ask("document.querySelector('main').innerText")
        self.assertIn("does not answer", text)
        self.assertIn("What to do: check the function's way to the internet", text)

    def test_a_crowd(self):
        upstream = self.upstream()
        thaw = self.thaw(upstream.port, **crowd.settings(upstream))
        stats = crowd.play(thaw, upstream, 2000)
        self.assertGreater(len(stats["items"]), 8)
        self.assertTrue(stats["rejected"])
        self.show(thaw.port, "crowd", stats)
        self.assertEqual(self.browser.ask("document.querySelectorAll('img, script').length"), 1)

    def test_a_function_with_its_freezes(self):
        port = relaying.free_port()
        upstream = f"http://{sandbox.KEY}@{{upstream}}/{sandbox.PROJECT}"
        events = self.folder / "events"
        events.write_text("".join(json.dumps({"errors": n % 3, "flush": True}) + "\n" for n in range(12)))
        variables = {"THAW_PORT": port, "THAW_SPOOL_DIR": "{tmp}/thaw", "THAW_UPSTREAM_DSN": upstream,
                     "THAW_PACE": "prompt", "SENTRY_DSN": f"http://{sandbox.KEY}@127.0.0.1:{port}/{sandbox.PROJECT}"}
        options = [option for name, value in variables.items() for option in ("--env", f"{name}={value}")]
        process = subprocess.Popen(
            [sandbox.BUILD / "thaw-sandbox", "--extension", sandbox.BUILD / "thaw", "--event-file", events,
             "--upstream-latency-ms", "40", "--gap-ms", "150", *options,
             "--script", "invoke*4 freeze:1500 invoke*8 rest:120000", "--", *sandbox.FUNCTIONS["python"]],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.terminate)
        stats = self.wait_for_invokes(port, 12)
        self.show(port, "lambda", stats)
        self.assertEqual(self.headline(), "All delivered")
        rows = self.browser.ask("document.querySelectorAll('#timeline tbody tr').length")
        self.assertEqual(rows, 12)

    def wait_for_invokes(self, port, invokes):
        """Polls /stats until so many are over and quiet; it is not there before the first, nor in a freeze."""
        end = time.monotonic() + 60
        while time.monotonic() < end:
            try:
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
                self.addCleanup(connection.close)
                connection.request("GET", "/stats")
                stats = json.loads(connection.getresponse().read())
                if len(stats["held"]["recent"]) == invokes and stats["envelopes"]["waiting"] == 0:
                    return stats
            except (OSError, http.client.HTTPException):
                pass
            time.sleep(0.1)
        raise AssertionError(f"not {invokes} invokes in time")

    def test_it_is_whole_without_a_script(self):
        thaw = self.thaw(self.upstream().port)
        self.feed(thaw, 16)
        stats = thaw.until(lambda stats: stats["envelopes"]["waiting"] == 0)
        page = thaw.get("/")
        tree = xml.etree.ElementTree.fromstring(page)
        for figure in tree.iterfind(".//data[@data-stat]"):
            self.assertEqual(int(figure.get("value")), at(stats, figure.get("data-stat")), figure.get("data-stat"))
        self.check_tables(tree)
        for landmark in ("header", "nav", "main", "footer"):
            self.assertEqual(len(list(tree.iter(landmark))), 1, landmark)
        self.assertEqual(len(list(tree.iter("h1"))), 1)
        ids = [element.get("id") for element in tree.iter() if element.get("id")]
        self.assertEqual(len(ids), len(set(ids)))
        self.browser.look(*SIZES["phone"], script=False)
        self.browser.open(f"http://127.0.0.1:{thaw.port}/")
        # Chromium says of itself that scripts are off; nothing else.
        self.assertFalse([problem for problem in self.browser.problems if "Blocked script" not in problem])
        self.browser.look(*SIZES["phone"])

    def check_tables(self, tree):
        """Each says what it is of, and so does each of its heads."""
        for table in tree.iter("table"):
            self.assertIsNotNone(table.find("caption"))
            self.assertTrue(all(head.get("scope") for head in table.iter("th")))

    def test_it_renews_itself_and_can_be_paused(self):
        thaw = self.thaw(self.upstream().port)
        self.browser.look(*SIZES["desk"])
        self.browser.open(f"http://127.0.0.1:{thaw.port}/")
        self.assertEqual(self.headline(), "Nothing yet")
        self.feed(thaw, 8)
        self.until("document.querySelector('h1').innerText === 'All delivered'")
        self.assertEqual(self.browser.ask("document.title"), "All delivered · Thaw")
        self.browser.ask("document.getElementById('pause').click()")
        self.assertEqual(self.browser.ask("document.getElementById('live').textContent"), "Paused")
        self.browser.ask("document.getElementById('pause').click()")
        thaw.kill()
        self.until("document.getElementById('live').textContent.includes('does not answer')")

    def until(self, condition):
        """Polls a JavaScript condition."""
        end = time.monotonic() + 20
        while not self.browser.ask(condition):
            self.assertLess(time.monotonic(), end, condition)
            time.sleep(0.05)

    def test_the_keyboard_reaches_every_control(self):
        thaw = self.thaw(self.upstream().port)
        self.feed(thaw, 8)
        thaw.until(lambda stats: stats["envelopes"]["waiting"] == 0)
        self.browser.look(*SIZES["phone"])
        self.open_paused(thaw)
        self.tab_through_all()

    def open_paused(self, thaw):
        """What has the focus is not renewed away."""
        self.browser.open(f"http://127.0.0.1:{thaw.port}/")
        self.browser.ask("document.getElementById('pause').click()")

    def tab_through_all(self):
        """From the page's begin to its end, in order, each visibly."""
        controls = self.browser.ask(f"{CONTROLS}.length")
        reached = []
        for _ in range(controls):
            self.browser.press("Tab", 9)
            reached.append(self.browser.ask(f"{CONTROLS}.indexOf(document.activeElement)"))
            outline = self.browser.ask("getComputedStyle(document.activeElement).outlineStyle")
            self.assertEqual(outline, "solid", reached)
        self.assertEqual(reached, list(range(controls)))

    def tab_to(self, selector):
        """The next that it names."""
        for _ in range(self.browser.ask(f"{CONTROLS}.length")):
            self.browser.press("Tab", 9)
            if self.browser.ask(f"document.activeElement.matches('{selector}')"):
                return
        self.fail(f"the keyboard does not reach {selector}")

    def test_the_keyboard_opens_what_was_captured(self):
        thaw = self.capturing([event(1), event(2)])
        self.browser.look(*SIZES["phone"])
        self.open_paused(thaw)
        self.tab_through_all()
        self.open_paused(thaw)
        self.tab_to("summary")
        self.assertFalse(self.browser.ask("document.querySelector('details').open"))
        self.browser.press("Enter", 13, "\r")
        self.assertTrue(self.browser.ask("document.querySelector('details').open"))
        self.open_paused(thaw)
        self.tab_to('a[href="/captured/2"]')
        self.browser.press("Enter", 13, "\r")
        self.until("location.pathname === '/captured/2'")

    def test_hostile_content_is_text(self):
        thaw = self.thaw(self.upstream().port, THAW_EXTENSION_NAME=HOSTILE, THAW_CA_FILE=f"/{HOSTILE}")
        client = Client(thaw.port)
        payload = json.dumps({"message": HOSTILE})
        client.post(f'{json.dumps({"event_id": HOSTILE, "trace": {"environment": HOSTILE}})}\n'
                    f'{json.dumps({"type": HOSTILE, "length": len(payload)})}\n{payload}\n'.encode(),
                    path=f"/api/42/envelope/?sentry_client={urllib.parse.quote(HOSTILE)}")
        client.close()
        stats = thaw.stats()
        self.browser.look(*SIZES["desk"])
        self.browser.open(f"http://127.0.0.1:{thaw.port}/")
        self.assertNotEqual(self.browser.ask("document.title"), "hacked")
        self.assertEqual(self.browser.ask("document.querySelectorAll('img, script').length"), 1)
        shown = HOSTILE.replace("\u202e", "\ufffd")
        self.assertIn("THAW_CA_FILE", stats["settings"])
        self.assertIn(shown, self.browser.ask("document.getElementById('settings').innerText"))
        self.assertEqual(self.browser.problems, [])

    def capturing(self, bodies):
        """A Thaw that has captured them."""
        thaw = Thaw(self.folder / "spool", 1, command=(
            "bash", "-c", f"exec {sandbox.BUILD / 'thaw'} serve --capture 2>&1"))
        self.addCleanup(thaw.kill)
        client = Client(thaw.port)
        for body in bodies:
            client.post(body)
        client.close()
        thaw.until(lambda stats: stats["envelopes"]["delivered"] == len(bodies))
        return thaw

    def test_what_was_captured_stands_on_it_as_text(self):
        payload = json.dumps({"message": HOSTILE, "level": HOSTILE, "exception": {"values": [{"type": HOSTILE}]}})
        hostile = f'{{}}\n{{"type":"event","length":{len(payload.encode())}}}\n{payload}\n'.encode()
        thaw = self.capturing([*(event(1, kind=kind) for kind in KINDS), hostile])
        self.check_tables(xml.etree.ElementTree.fromstring(thaw.get("/")))
        self.look(thaw.port, "captured")
        self.assertEqual(self.headline(), "All delivered")
        self.assertNotEqual(self.browser.ask("document.title"), "hacked")
        self.assertEqual(self.browser.ask("document.querySelectorAll('img, script').length"), 1)
        self.assertIn("<script>document", self.browser.ask("document.getElementById('captured').innerText"))


if __name__ == "__main__":
    if browser.COMMAND is None or not accessibility.SCRIPT.exists():
        print("skipped: no chromium or no axe-core; .ci/install browser")
        sys.exit(77)
    unittest.main(verbosity=2)
