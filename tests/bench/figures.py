"""What a way of running a function costs: its runs, each beside the baseline of its round, and the figures."""

import json
import pathlib
import statistics

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "build/bench"
P50 = statistics.median

# What the tables call the milliseconds that two ways can be compared in.
HEADER = ["", "billed p50", "billed total, s", "+ with an error", "+ right after", "+ all others",
          "caller, with an error", "age p50", "age max", "duplicates", "lost"]


class Series:
    """One way over all rounds. Milliseconds added are those above the baseline: the p50 of the same function in
    the same round, with neither an error nor an extension, so that what capturing costs is seen, too. All but
    the totals of the table leave out the first `learning` invokes of a run."""

    def __init__(self, name, learning):
        self.name = name
        self.learning = learning
        self.runs = []
        self.pool = []  # (kind, invoke, ms added)

    def add(self, run, baseline):
        """One round's run."""
        self.runs.append(run)
        follows = False
        for number, invoke in enumerate(run.invokes):
            failed = bool(run.sent_by(invoke))
            kind = "error" if failed else "after" if follows else "other"
            follows = failed
            if number >= self.learning:
                self.pool.append((kind, invoke, invoke["billed_ms"] - baseline))

    def added(self, kind=None):
        """The median of the milliseconds added to one kind of invoke, or to all; None if there was none."""
        values = [added for its, _, added in self.pool if kind in (None, its)]
        return P50(values) if values else None

    def billed(self):
        """The median of what was billed."""
        return P50([invoke["billed_ms"] for _, invoke, _ in self.pool])

    def caller(self):
        """The median of what callers waited for an answer with an error behind it; None if there was none."""
        values = [invoke["response_ms"] for kind, invoke, _ in self.pool if kind == "error"]
        return P50(values) if values else None

    def totals(self, kept=1.0):
        """What was billed after the learning, a round, in ms; of the invokes, the fastest share `kept`."""
        sums = []
        for run in self.runs:
            billed = sorted(invoke["billed_ms"] for invoke in run.invokes[self.learning:])
            sums.append(sum(billed[:round(kept * len(billed))]))
        return sums

    def gain(self, other, kept=1.0):
        """How much larger the totals are than `other`'s of the same rounds: the median, in ms."""
        return P50([mine - theirs for mine, theirs in zip(self.totals(kept), other.totals(kept))])

    def errors(self):
        """Errors a round, after the learning."""
        return sum(kind == "error" for kind, _, _ in self.pool) / len(self.runs)

    def ages(self):
        """From the error to its arrival, in ms; of those that arrived."""
        return [run.arrived_at[event] - at
                for run in self.runs for event, at in run.captured_at.items() if event in run.arrived_at]

    def lost(self):
        """Events that never arrived."""
        return sum(len(set(run.sent) - run.arrived) for run in self.runs)

    def columns(self):
        """The milliseconds that are compared, by their names in HEADER. The largest age is one value: not here."""
        ages = self.ages()
        values = [self.billed(), self.added("error"), self.added("after"), self.added("other"), self.caller(),
                  P50(ages) if ages else None]
        return dict(zip([HEADER[1], *HEADER[3:8]], values))

    def row(self):
        """The cells under HEADER."""
        columns = self.columns()
        total = P50([sum(invoke["billed_ms"] for invoke in run.invokes) for run in self.runs])
        cells = {**{name: ms(value) for name, value in columns.items()},
                 HEADER[0]: self.name, HEADER[2]: f"{total / 1000:.2f}",
                 HEADER[8]: ms(max(self.ages(), default=None)),
                 HEADER[9]: str(sum(run.duplicates for run in self.runs)), HEADER[10]: str(self.lost())}
        return [cells[name] for name in HEADER]


def ms(value):
    """Milliseconds as a cell."""
    return "–" if value is None else f"{value:.1f}"


class Page:
    """Markdown on the terminal, and what was promised: for build/bench/NAME.json, out of which the page is made."""

    def __init__(self):
        self.passed = self.failed = 0
        self.promises = []

    @staticmethod
    def say(text=""):
        """One line."""
        print(text, flush=True)

    def table(self, header, rows):
        """Columns as wide as they need to be; numbers to the right."""
        lines = [header, *rows]
        widths = [max(3, *(len(line[i]) for line in lines)) for i in range(len(header))]
        rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
        self.say()
        for line in [header, rule, *rows]:
            cells = [line[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(line[1:], widths[1:]))]
            self.say("| " + " | ".join(cells) + " |")
        self.say()

    def check(self, passed, text):
        """A line that says whether what was expected was seen."""
        self.passed += passed
        self.failed += not passed
        self.say(f"- {'PASS' if passed else 'FAIL'}: {text}")

    def promise(self, what, wanted, seen, kept):
        """The same of a promise, which the page of all parts shows, too. `kept` is None where it could not be seen."""
        self.promises.append({"what": what, "wanted": wanted, "seen": seen, "kept": kept})
        if kept is None:
            self.say(f"- not measured: {what}: {seen}")
        else:
            self.check(kept, f"{what}: {seen}; wanted: {wanted}")

    def promise_checks(self, what):
        """All checks so far as one promise, and its line the last one."""
        self.promises.append({"what": what, "wanted": "all checks", "kept": not self.failed,
                              "seen": f"{self.passed} of {self.passed + self.failed}"})
        self.say(f"\n{self.passed} of {self.passed + self.failed} checks passed.")

    def leave(self, name, figures):
        """The figures for programs."""
        FOLDER.mkdir(parents=True, exist_ok=True)
        (FOLDER / f"{name}.json").write_text(json.dumps({"promises": self.promises, **figures}, indent=1) + "\n")

    def alike(self, one, other, within):
        """One check for all columns in which two series are to be the same."""
        theirs = other.columns()
        apart = {name: value - theirs[name] for name, value in one.columns().items()
                 if value is not None and theirs[name] is not None}
        name, worst = max(apart.items(), key=lambda item: abs(item[1]))
        self.check(abs(worst) <= within, f"{one.name} is within {within} ms of {other.name} in each column: "
                                         f"{worst:+.1f} ms at most, in *{name.strip('+ ')}*")
