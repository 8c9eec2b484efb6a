"""The functions of the SDK matrix, an entry a language, read by sdks.py. Versions: tests/functions/versions, or the
language's own manifest.

Each runs in thaw-sandbox under the runtime client that is named, and speaks one contract.

Environment: SENTRY_DSN (localhost, Thaw), SENTRY_RELEASE. Event: {"case": NAME, "marker": TEXT, "count": N}; the
function makes the case's data, flushes its SDK, and answers {"sent": [markers]}, or {"skipped": "SDK has none"}:

| case | what is made | where the marker is |
|---|---|---|
| error | an exception, captured | its value |
| transaction | a transaction, or segment, with three child spans | its name |
| logs | three structured logs | their texts: MARKER-0, MARKER-1, MARKER-2 |
| check_in | in_progress, then ok, of one monitor | the monitor's slug |
| session | one, begun and ended with what the SDK offers for it | release, environment or did, where it can |
| attachment | an error with an attachment | the error's value, the attachment's content |
| large | an error of more than 64 KB on the way to Thaw, whatever the SDK compresses | its value |
| burst | COUNT errors in one invoke | their values: MARKER-0 and so on |
| limited | an error | its value |
"""

import dataclasses
import pathlib
import re

import sandbox

FUNCTIONS_FOLDER = sandbox.ROOT / "tests/functions"
NONE = "SDK has none"


def versions():
    """The pins, by name."""
    text = (FUNCTIONS_FOLDER / "versions").read_text()
    return dict(re.findall(r"^([A-Z_0-9]+)=(\S+)$", text, flags=re.MULTILINE))


def pinned_in(manifest, name):
    """The version behind a name in a language's own manifest."""
    text = (FUNCTIONS_FOLDER / manifest).read_text()
    return re.search(re.escape(name) + r"\D+([0-9.]+)", text)[1]


PINNED = versions()
NODE_PACKAGES = sandbox.BUILD / "functions-node/node_modules"
NODE_COMMAND = [sandbox.BUILD / "functions-node/bin/node", NODE_PACKAGES / "aws-lambda-ric/index.mjs"]
# aws-lambda-ric takes its handler from the environment alone.
NODE_HANDLER = {"LAMBDA_TASK_ROOT": str(FUNCTIONS_FOLDER / "node"), "_HANDLER": "sdk.handler"}
OWN_LOOP = "a loop of its own"
JAVA = sandbox.BUILD / "functions-java"
JAVA_CLIENT = "aws-lambda-java-runtime-interface-client"
REPLAY = [pathlib.Path("/usr/bin/python3"), FUNCTIONS_FOLDER / "replay/function.py"]


@dataclasses.dataclass
class Function:
    """One language. `command` is the runtime's process; its first part must exist, else the row is skipped."""

    title: str  # the language, as the table has it
    sdk: str  # package and version
    client: str  # what speaks the Runtime API
    command: list
    env: dict = dataclasses.field(default_factory=dict)  # for the function only; {dsn} is the upstream's
    without: dict = dataclasses.field(default_factory=dict)  # case: why it is not made
    quirks: str = ""  # one line for the table: what a user of this SDK should know on localhost
    replayed: bool = False  # requests as the SDK was seen to make them, not the SDK itself
    session_marker: bool = True  # False: sessions carry no marker, they are counted


FUNCTIONS = {
    "python": Function(
        title="Python",
        sdk=f"sentry-sdk {PINNED['SENTRY_PYTHON']}",
        client=f"awslambdaric {PINNED['AWSLAMBDARIC']}",
        command=[sandbox.BUILD / "functions/python/bin/python", "-m", "awslambdaric", "sdk.handle"],
        env={"PYTHONPATH": str(FUNCTIONS_FOLDER / "python")},
        quirks="Obeys `HTTP_PROXY` even for localhost: set `NO_PROXY`. With `[::1]` in the DSN nothing is sent.",
    ),
    "node": Function(
        title="Node",
        sdk=f"@sentry/node {PINNED['SENTRY_NODE']}",
        client=f"aws-lambda-ric {PINNED['AWS_LAMBDA_RIC']}",
        command=NODE_COMMAND,
        env={**NODE_HANDLER, "NODE_PATH": str(sandbox.BUILD / "functions/node/node_modules"),
             "SDK": "@sentry/node"},
        quirks="Obeys lower-case `http_proxy` even for localhost: set `no_proxy`. Always chunked, spans are streamed.",
    ),
    "node-tunnel": Function(
        title="Node, `tunnel`",
        sdk=f"@sentry/aws-serverless {PINNED['SENTRY_LAYER']}",
        client=f"aws-lambda-ric {PINNED['AWS_LAMBDA_RIC']}",
        command=NODE_COMMAND,
        env={**NODE_HANDLER, "NODE_PATH": str(NODE_PACKAGES), "SDK": "@sentry/aws-serverless",
             "SENTRY_DSN": "{dsn}", "TUNNEL": "http://localhost:{port}/envelope"},
        quirks="Keeps the real DSN, which the envelope names. Closes its connection after each envelope.",
    ),
    "go": Function(
        title="Go",
        sdk=f"sentry-go {pinned_in('go/go.mod', 'sentry-go')}",
        client=f"aws-lambda-go {pinned_in('go/go.mod', 'aws-lambda-go')}",
        command=[sandbox.BUILD / "functions-go/function"],
        without={"session": NONE},
        quirks="With `[::1]` in the DSN each envelope names it without the brackets and is refused: `127.0.0.1`.",
    ),
    "java": Function(
        title="Java",
        sdk=f"io.sentry:sentry {pinned_in('java/pom.xml', '>sentry<')}",
        client=f"{JAVA_CLIENT} {pinned_in('java/pom.xml', JAVA_CLIENT)}",
        command=[JAVA / "java", "-cp", f"{JAVA}/classes:{JAVA}/jars/*",
                 "com.amazonaws.services.lambda.runtime.api.client.AWSLambda", "Function::handleRequest"],
        quirks="Call `Sentry.flush` yourself. Queues 30 envelopes, drops what is more: `setMaxQueueSize`.",
        session_marker=False,
    ),
    "rust": Function(
        title="Rust",
        sdk=f"sentry {pinned_in('rust/Cargo.toml', 'sentry = ')}",
        client=f"lambda_runtime {pinned_in('rust/Cargo.toml', 'lambda_runtime')}",
        command=[sandbox.BUILD / "functions-rust/debug/thaw-test-function"],
        quirks="Obeys `HTTP_PROXY` even for localhost and with `NO_PROXY`: unset it. Call `Client::flush(None)` "
               "yourself. Queues 30 envelopes, drops what is more: `transport_channel_capacity`.",
    ),
    "ruby": Function(
        title="Ruby of Debian 12",
        sdk="ruby-sentry-ruby 5.3.0, of 2022",
        client=OWN_LOOP,
        command=[sandbox.BUILD / "functions-ruby/ruby", FUNCTIONS_FOLDER / "ruby/function.rb"],
        without={"logs": NONE, "check_in": NONE, "attachment": NONE},
        quirks="Set `background_worker_threads = 0`, or what its thread has queued is frozen, and dropped beyond 30.",
        session_marker=False,
    ),
    "ruby-replayed": Function(
        title="Ruby",
        sdk="sentry-ruby 6.6.2",
        client=OWN_LOOP,
        command=[*REPLAY, "ruby"],
        replayed=True,
        quirks="A connection for each envelope; an empty `Content-Encoding`; waits 2 s at most for an answer.",
    ),
    "php-replayed": Function(
        title="PHP",
        sdk="sentry-php 4.29.0",
        client=OWN_LOOP,
        command=[*REPLAY, "php"],
        without={"session": NONE, "attachment": NONE},
        replayed=True,
        quirks="Sends inside each capturing call. Obeys lower-case `http_proxy` even for localhost: set `no_proxy`.",
    ),
}


def why_not(name):
    """Why a language cannot run here; None if it can."""
    command = pathlib.Path(FUNCTIONS[name].command[0])
    if not command.exists():
        return f"{command} is missing: tests/functions/install {name}"
    return None
