"""The ways that the demo compares: one function with Sentry's SDK, and what brings its events to Sentry."""

import dataclasses

import sandbox
import sentry_layer

UPSTREAM = f"http://{sandbox.KEY}@{{upstream}}/{sandbox.PROJECT}"
WORK_MS = 20


@dataclasses.dataclass(frozen=True)
class Python:
    """In Python: a loop of its own, one error each invoke."""

    name: str
    thaw: bool = False
    flush: bool = False  # in the handler

    def why_not(self):
        """It can be played everywhere."""

    def play(self, invokes, options):
        """A run, to its end."""
        return sandbox.run("python", f"invoke*{invokes} spindown", thaw=self.thaw, options=options,
                           events=[{"errors": 1, "work_ms": WORK_MS, "flush": self.flush}])


@dataclasses.dataclass(frozen=True)
class Node:
    """In Node, with the SDK of Sentry's layer.

    `preload`: NODE_OPTIONS makes Node load a module of the layer, which initialises the SDK and puts a wrapper around
    the handler that waits for flush() (Sentry's documentation, "Lambda Layer"). Theirs says --import, which does not look
    at NODE_PATH; --require is what their tests have for CommonJS (getsentry/sentry-javascript:
    dev-packages/e2e-tests/test-applications/aws-serverless/src/stack.ts).
    """

    name: str
    thaw: bool = False
    preload: bool = False
    extension: bool = False  # Sentry's

    def why_not(self):
        """Why it cannot be played here; None if it can."""
        if self.extension:
            return sentry_layer.why_not()
        return None if sentry_layer.LAYER.exists() else sentry_layer.MISSING

    def env(self):
        """What a user would set, and what the platform would."""
        modules = sentry_layer.MODULES if self.extension else sentry_layer.LAYER / "nodejs/node_modules"
        env = {"NODE_PATH": modules, "LAMBDA_TASK_ROOT": sandbox.ROOT / "tests/functions/node",
               "_HANDLER": "order.handler", "SENTRY_PACKAGE": "@sentry/node"}
        if self.preload:
            env |= {"SENTRY_PACKAGE": "@sentry/aws-serverless",
                    "NODE_OPTIONS": "--require @sentry/aws-serverless/awslambda-auto"}
        if not self.extension and not self.thaw:  # thaw-exec sets it itself
            env["SENTRY_LAYER_EXTENSION"] = "false"
        return env

    def play(self, invokes, options):
        """A run, to its end."""
        options = [*options, *(sentry_layer.EXTENSION_OPTIONS if self.extension else [])]
        for name, value in self.env().items():
            options += ["--function-env", f"{name}={value}"]
        return sandbox.run([sentry_layer.NODE, sandbox.ROOT / "tests/functions/node/runtime.js"],
                           f"invoke*{invokes} spindown", thaw=self.thaw, options=options,
                           events=[{"work_ms": WORK_MS}],
                           env={"SENTRY_DSN": UPSTREAM, "THAW_UPSTREAM_DSN": None},
                           wrapper=[str(sandbox.ROOT / "layer/thaw-exec")] if self.thaw else (),
                           inside=sentry_layer.ROOM if self.extension else ())


PYTHON = [
    Python("SDK alone"),
    Python("SDK with flush()", flush=True),
    Python("SDK with Thaw", thaw=True),
    Python("SDK with Thaw, flush() to localhost", thaw=True, flush=True),
]

NODE = [
    Node("SDK alone"),
    Node("SDK with flush()", preload=True),
    Node("SDK with Sentry's extension", preload=True, extension=True),
    Node("SDK with Thaw", preload=True, thaw=True),
]
