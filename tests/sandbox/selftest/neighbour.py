"""Another vendor's extension, whose file name says how it lives: crash-on-N exits with 1 when it gets its Nth
INVOKE, kills-OTHER-on-N ends the extension OTHER then, -after-MS behind both so much later, eats-N holds so many MiB,
anything else just lives. Its last line is how it was told to end.

AWS docs, "Using the Lambda Extensions API to create extensions".
"""

import http.client
import json
import os
import pathlib
import re
import signal
import sys
import time

NAME = os.path.basename(sys.argv[0])
BASE = "/2020-01-01/extension"


def kill_sibling(name):
    """Of the same parent, so that no other sandbox's is hit."""
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            status = (folder / "status").read_text()
        except OSError:
            continue  # it has just ended
        if re.search(rf"^Name:\t{name}$", status, re.M) and f"\nPPid:\t{os.getppid()}\n" in status:
            os.kill(int(folder.name), signal.SIGKILL)


def main():
    platform = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    platform.request("POST", BASE + "/register", json.dumps({"events": ["INVOKE", "SHUTDOWN"]}),
                     {"Lambda-Extension-Name": NAME})
    answer = platform.getresponse()
    answer.read()
    me = {"Lambda-Extension-Identifier": answer.headers["Lambda-Extension-Identifier"]}
    fate = re.fullmatch(r"(?:crash|kills-(?P<other>\w+))-on-(?P<on>\d+)(?:-after-(?P<after>\d+))?", NAME)
    left = int(fate["on"]) if fate else 0
    held = b"x" * (int(NAME.removeprefix("eats-")) << 20) if NAME.startswith("eats-") else b""
    while True:
        platform.request("GET", BASE + "/event/next", headers=me)
        event = json.loads(platform.getresponse().read())
        if event["eventType"] == "SHUTDOWN":
            print(NAME, event["shutdownReason"], len(held) or "", flush=True)
            return
        left -= 1
        if left == 0:
            time.sleep(int(fate["after"] or 0) / 1000)
            if not fate["other"]:
                sys.exit(1)
            kill_sibling(fate["other"])


main()
