"""Sentry's own layer for Node, its extension included, and a room to run it in: its port, 9000 of every address, is
fixed, and so is its place in /opt. The room is a network and an /opt of its own, for which it takes root."""

import os
import subprocess
import sys

import sandbox

LAYER = sandbox.BUILD / "sentry-layer"
EXTENSION = "/opt/extensions/sentry-extension"
MODULES = "/opt/nodejs/node_modules"
NODE = sandbox.FUNCTIONS["node"][0]
# On Lambda /var/lang/bin is in it, where its Node is.
EXTENSION_OPTIONS = ["--extension", EXTENSION, "--extension-env", f"PATH={NODE.parent}:/usr/bin:/bin"]

MISSING = "build/sentry-layer is missing: .ci/install sentry-layer"

UNSHARE = ["unshare", "--mount", "--net"]
# In front of a command that is to run in the room.
ROOM = [*UNSHARE, "sh", "-ec", 'mount --bind "$1" /opt; ip link set lo up; shift; exec "$@"', "sh", str(LAYER)]


def why_not():
    """Why there can be no room here; None if there can."""
    if os.geteuid() != 0:
        return "needs root: a network and an /opt of its own"
    if not (LAYER / "extensions").exists():
        return MISSING
    for needed in str(sandbox.ROOT), sys.executable:
        if needed.startswith("/opt/"):
            return f"would hide {needed}"
    tried = subprocess.run([*UNSHARE, "true"], capture_output=True, text=True, check=False)
    return f"no namespaces of its own here: {tried.stderr.strip()}" if tried.returncode != 0 else None
