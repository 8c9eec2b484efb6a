"""Another vendor's extension, whose file name says how it lives: crash-on-N exits with 1 when it gets its Nth
INVOKE, crash-on-N-after-MS so much later, eats-N holds so many MiB, anything else just lives. Its last line is how
it was told to end.

AWS docs, "Using the Lambda Extensions API to create extensions".
"""

import http.client
import json
import os
import re
import sys
import time

NAME = os.path.basename(sys.argv[0])
BASE = "/2020-01-01/extension"


def main():
    platform = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    platform.request("POST", BASE + "/register", json.dumps({"events": ["INVOKE", "SHUTDOWN"]}),
                     {"Lambda-Extension-Name": NAME})
    answer = platform.getresponse()
    answer.read()
    me = {"Lambda-Extension-Identifier": answer.headers["Lambda-Extension-Identifier"]}
    crash = re.fullmatch(r"crash-on-(\d+)(?:-after-(\d+))?", NAME)
    left = int(crash[1]) if crash else 0
    held = b"x" * (int(NAME.removeprefix("eats-")) << 20) if NAME.startswith("eats-") else b""
    while True:
        platform.request("GET", BASE + "/event/next", headers=me)
        event = json.loads(platform.getresponse().read())
        if event["eventType"] == "SHUTDOWN":
            print(NAME, event["shutdownReason"], len(held) or "", flush=True)
            return
        left -= 1
        if left == 0:
            time.sleep(int(crash[2] or 0) / 1000)
            sys.exit(1)


main()
