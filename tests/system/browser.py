"""A headless Chromium, spoken to over its DevTools pipe: JSON with a zero byte behind each message, no library, no port."""

import base64
import json
import os
import queue
import shutil
import subprocess
import tempfile
import threading

COMMAND = shutil.which("chromium")


class Browser:
    """One page at a time; `problems` and `requests` hold what it complained about and asked for."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="thaw-browser-")
        read, self.write = os.pipe()
        self.read, write = os.pipe()
        # Chromium reads from descriptor 3 and writes to 4.
        pipes = f"exec {COMMAND} \"$@\" 3<&{read} 4>&{write}"
        self.process = subprocess.Popen(
            ["bash", "-c", pipes, "chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
             "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking", "--remote-debugging-pipe",
             f"--user-data-dir={self.folder}", "about:blank"],
            pass_fds=(read, write), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(read)
        os.close(write)
        self.number = 0
        self.session = None
        self.problems = []
        self.requests = []
        self.answers = {}
        self.events = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def _listen(self):
        rest = b""
        while chunk := os.read(self.read, 1 << 16):
            *whole, rest = (rest + chunk).split(b"\0")
            for text in whole:
                self._take(json.loads(text))
        self.events.put({"id": None, "error": "Chromium is gone"})

    def _take(self, message):
        method, params = message.get("method"), message.get("params", {})
        if "id" in message or method == "Page.loadEventFired":
            self.events.put(message)
        elif method == "Log.entryAdded":
            self.problems.append(params["entry"]["text"])
        elif method == "Runtime.exceptionThrown":
            self.problems.append(params["exceptionDetails"]["text"])
        elif method == "Runtime.consoleAPICalled":
            self.problems.append(str(params["args"]))
        elif method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])

    def _until(self, wanted):
        while True:
            message = self.events.get(timeout=30)
            if "error" in message:
                raise RuntimeError(message["error"])
            if wanted(message):
                return message

    def call(self, method, **params):
        """One DevTools command; returns its result."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.write, json.dumps(message).encode() + b"\0")
        return self._until(lambda answer: answer.get("id") == self.number)["result"]

    def look(self, width, height, dark=False, script=True):
        """How large the window is, and what the reader prefers."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
                  mobile=width < 600)
        self.call("Emulation.setEmulatedMedia",
                  features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        self.call("Emulation.setScriptExecutionDisabled", value=not script)

    def open(self, url):
        """Loads it."""
        self.call("Page.navigate", url=url)
        self._until(lambda message: message.get("method") == "Page.loadEventFired")

    def ask(self, expression):
        """A JavaScript expression's value; of a promise, its outcome."""
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise RuntimeError(result["exceptionDetails"])
        return result["result"].get("value")

    def press(self, key, code, text=""):
        """One key, down and up; `text`: what it types."""
        for kind in ("keyDown" if text else "rawKeyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code, text=text)

    def picture(self, file):
        """The whole page, as wide as the window."""
        file.parent.mkdir(parents=True, exist_ok=True)
        answer = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        file.write_bytes(base64.b64decode(answer["data"]))

    def close(self):
        """Ends it."""
        self.process.terminate()
        self.process.wait(timeout=20)
        os.close(self.write)
        shutil.rmtree(self.folder, ignore_errors=True)
