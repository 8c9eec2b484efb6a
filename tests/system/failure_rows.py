"""The rows of failures.py: what happens, and the events that must come of it."""

TIMEOUT = 2  # seconds
MEMORY = 128
BLIND = ["--telemetry", "202"]
LEISURE = "thaw:1500"  # telemetry of Managed Instances is a second late
# In the settings and in what the function is asked to do: none of it is an event's business.
SECRET = "4000056655665556"
WELL = {"errors": 1, "flush": True, "card": SECRET}


def ends(how, **more):
    """An event for a function that captures an error, and then fails."""
    return {**WELL, "then": how, **more}


class Failure:
    """An event that must come: of which invoke (None: of no request), in which words."""

    def __init__(self, kind, invoke, says, *, error=None, reason=None, phase=None, blind=False, told=True,
                 kept=False, log=()):
        self.kind = kind
        self.invoke = invoke
        self.says = says
        self.error = error  # the platform's errorType
        self.reason = reason  # what SHUTDOWN says, if that comes first
        self.phase = phase  # of an init
        self.blind = blind  # nothing but INVOKE and SHUTDOWN is heard
        self.told = told and phase is None  # there was an INVOKE
        self.kept = kept  # by a process that did not live to tell more than that
        self.log = list(log)  # level and text of its breadcrumbs

    def request_id(self, run):
        """Of the invoke that failed."""
        return None if self.invoke is None else run.invokes[self.invoke]["request_id"]


def timed_out(invoke, **more):
    """Past the function's timeout."""
    return Failure("Timeout", invoke, f"Task timed out after {TIMEOUT}.00 seconds", reason="timeout", **more)


def exited(invoke, *, blind=False):
    """The runtime is gone."""
    error = None if blind else "Runtime.ExitError"
    says = "Runtime exited or was killed" + (f": {error}" if error else "")
    return Failure("RuntimeExit", invoke, says, error=error, reason="failure", blind=blind)


def not_started(invoke, error, phase):
    """The runtime never asked for work."""
    return Failure("InitError", invoke, f"Initialization failed: {error}", error=error, reason="failure", phase=phase)


def never_started(error):
    """Two invokes: one event of the init, and one of the init inside each of them, in processes of their own."""
    return [not_started(None, error, "init"), not_started(0, error, "invoke"), not_started(1, error, "invoke")]


def out_of_memory(invoke, error):
    """Killed by the kernel."""
    says = f"Function ran out of its {MEMORY} MB memory"
    return Failure("OutOfMemory", invoke, says, error=error, reason="failure")


class Row:
    """What happens, and the events that come of it."""

    def __init__(self, name, failures, events, *, options=(), env=None, script=None, function="python", beside="",
                 starts=True, crosses=False, fails=None, says=None):
        self.name = name
        self.failures = failures
        self.events = events
        self.options = list(options)
        self.env = env or {}
        self.script = script or f"invoke*{len(events)} spindown"
        self.function = function
        self.beside = beside  # the name of another extension: sandbox/selftest/neighbour.py
        self.starts = starts  # the function gets as far as asking for work
        self.crosses = crosses  # the reset leaves the event to the next process
        self.fails = fails or [not starts or "then" in event for event in events]  # None: either
        self.says = says or {}  # what else the events say


ROWS = [
    Row("a plain run", [], [WELL] * 3),
    Row("a handled error", [], [ends("raise"), WELL]),
    Row("a kill without SHUTDOWN between invokes", [], [WELL] * 2, script="invoke kill invoke spindown"),
    Row("news of an invoke that never was", [], [WELL] * 3, options=["--telemetry-forge"]),

    Row("past its timeout", [timed_out(1)], [WELL, ends("hang"), WELL, WELL]),
    Row("past its timeout, with the last lines of its log",
        [timed_out(1, log=[(None, "charging card"), ("warning", "card is slow")])],
        [{**WELL, "say": ["of the invoke before"]},
         ends("hang", say=["one too many", "charging card", {"level": "WARN", "message": "card is slow"}])],
        env={"THAW_FAILURE_LOG_LINES": "2"}),
    Row("past its timeout, with a log of its own",
        [timed_out(1, log=[(None, "one")])], [{**WELL, "say": ["of the invoke before"]}, ends("hang", say=["one"])],
        env={"THAW_FAILURE_LOG_LINES": "100"}),
    Row("past its timeout, without telemetry", [timed_out(1, blind=True)], [WELL, ends("hang"), WELL],
        options=BLIND),
    Row("past its timeout, telemetry says nothing", [timed_out(1, blind=True)], [WELL, ends("hang"), WELL],
        options=["--telemetry", "off"]),
    Row("past its timeout, twice in a row", [timed_out(0), timed_out(1)], [ends("hang"), ends("hang"), WELL]),
    Row("past its timeout, next asked for at once", [timed_out(1)], [WELL, ends("hang"), WELL],
        env={"THAW_PACE": "overlap"}),
    Row("past its timeout, as a Managed Instance",
        [Failure("Timeout", 1, "Task timed out", error="Sandbox.Timedout", told=False)], [WELL, ends("hang")],
        options=["--managed-instances"], script=f"invoke*2 {LEISURE} spindown"),

    Row("exit 0", [exited(1)], [WELL, ends("exit:0"), WELL]),
    Row("exit 7", [exited(1)], [WELL, ends("exit:7"), WELL]),
    Row("abort", [exited(1)], [WELL, ends("abort"), WELL]),
    Row("SIGKILL", [exited(1)], [WELL, ends("kill"), WELL]),
    Row("exits in a row", [exited(0), exited(1), exited(2)], [ends("exit:1"), ends("abort"), ends("kill"), WELL]),
    Row("exit, without telemetry", [exited(1, blind=True)], [WELL, ends("exit:7"), WELL], options=BLIND),
    Row("exit, its runtimeDone is lost", [exited(1)], [WELL, ends("exit:7"), WELL],
        options=["--telemetry-lose", "runtimeDone"]),
    Row("exit, its report comes first", [exited(1)], [WELL, ends("exit:7"), WELL], options=["--telemetry-reverse"]),
    Row("exit, told three times", [exited(1)], [WELL, ends("exit:7"), WELL], options=["--telemetry-repeat", "3"]),
    Row("exit, told too late", [exited(1, blind=True)], [WELL, ends("exit:7"), WELL],
        options=["--telemetry-hold", "9"]),
    Row("exit while upstream is away", [exited(1)], [WELL, ends("exit:7"), WELL, WELL],
        options=["--upstream-fault", "status:503*10"], crosses=True),
    Row("exit, as a Managed Instance",
        [Failure("RuntimeExit", 1, "Runtime exited or was killed: Runtime.ExitError", error="Runtime.ExitError",
                 reason="failure", told=False)],
        [WELL, ends("exit:7"), WELL], options=["--managed-instances"], script=f"invoke*3 {LEISURE} spindown"),
    Row("a handled error, as a Managed Instance", [], [ends("raise"), WELL], options=["--managed-instances"],
        script=f"invoke*2 {LEISURE} spindown"),
    Row("exit, no journal", [exited(1)], [WELL, ends("exit:7"), WELL], env={"THAW_JOURNAL": "off"}),
    Row("exit, read-only disk", [exited(1)], [WELL, ends("exit:7"), WELL], options=["--tmp", "ro"]),
    Row("exit, release told by the SDK", [exited(1)], [WELL, ends("exit:7"), WELL],
        options=["--function-env", "SENTRY_RELEASE=shop@1.2.3", "--function-env", "SENTRY_ENVIRONMENT=staging"],
        says={"release": "shop@1.2.3", "environment": "staging"}),
    Row("exit, release told by the settings", [exited(1)], [WELL, ends("exit:7", errors=0), WELL],
        env={"SENTRY_RELEASE": "shop@1.2.4", "SENTRY_ENVIRONMENT": "canary"},
        says={"release": "shop@1.2.4", "environment": "canary"}),

    Row("a runtime that exits in the init", never_started("Runtime.ExitError"), [WELL] * 2,
        options=["--function-env", "FAIL_AT_INIT=exit:1"], starts=False),
    Row("a runtime that says why it cannot start", never_started("Runtime.ImportModuleError"), [WELL] * 2,
        options=["--function-env", "FAIL_AT_INIT=error"], starts=False),
    Row("a runtime that does not exist", never_started("Runtime.InvalidEntrypoint"), [WELL] * 2,
        function="missing", starts=False),
    Row("a runtime that exits in the init, without telemetry: nobody tells", [], [WELL] * 2,
        options=["--function-env", "FAIL_AT_INIT=exit:1", *BLIND], starts=False),

    Row("an answer too large",
        [Failure("ResponseTooLarge", 1, "Response is larger than Lambda delivers",
                 error="Function.ResponseSizeTooLarge")],
        [WELL, ends("oversized"), WELL]),
    Row("an answer too large, without telemetry: nobody tells", [], [WELL, ends("oversized"), WELL], options=BLIND),

    Row("another extension crashes",
        [Failure("Failure", 1, "An extension failed: Extension.Crash", error="Extension.Crash", reason="failure")],
        [WELL, ends("hang", work_ms=500), WELL], beside="crash-on-2-after-1000"),
    Row("another extension crashes, without telemetry: an exit", [exited(1, blind=True)],
        [WELL, ends("hang", work_ms=500), WELL], options=BLIND, beside="crash-on-2-after-1000"),
    Row("another extension crashes behind the answer", [], [WELL, WELL], beside="crash-on-2-after-300",
        fails=[False, None]),

    Row("Thaw itself is killed", [Failure("Failure", 1, "Invocation failed", blind=True, kept=True)],
        [WELL, ends("hang", work_ms=500), WELL], beside="kills-thaw-on-2-after-1000"),

    Row("switched off", [], [WELL, ends("exit:7"), ends("hang"), WELL], env={"THAW_REPORT_FAILURES": "0"}),
    Row("switched off, in the init", [], [WELL], env={"THAW_REPORT_FAILURES": "0"},
        options=["--function-env", "FAIL_AT_INIT=exit:1"], starts=False),
]

MEMORY_ROWS = [
    Row("the kernel kills", [out_of_memory(1, "Runtime.OutOfMemory")], [WELL, ends("oom"), WELL]),
    Row("the kernel kills, told as an exit with all memory used", [out_of_memory(1, "Runtime.ExitError")],
        [WELL, ends("oom"), WELL], options=["--oom-as", "exit"]),
    Row("the kernel kills, without telemetry: an exit", [exited(1, blind=True)], [WELL, ends("oom"), WELL],
        options=BLIND),
    Row("the kernel kills in the init", never_started("Runtime.OutOfMemory"), [WELL] * 2,
        options=["--function-env", "FAIL_AT_INIT=oom"], starts=False),
    Row("SIGKILL below the limit is an exit", [exited(1)], [WELL, ends("kill"), WELL]),
]
