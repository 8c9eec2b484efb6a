"""The tables of SDKs: written by the runs of sdks.py, a row each, and copied into the README between two marks."""

import json
import re

import sandbox
import sdk_functions

CASES = ["error", "transaction", "logs", "check_in", "session", "attachment", "large", "burst", "limited"]
HEADS = {"transaction": "transaction with spans", "check_in": "check-in", "large": "> 64 KB", "burst": "burst of 100",
         "limited": "rate limited"}
TABLE = sandbox.BUILD / "sdks.md"
ROWS = sandbox.BUILD / "sdks"
README = sandbox.ROOT / "README.md"
BEGIN, END = "<!-- sdks -->\n", "<!-- /sdks -->\n"
SKIPPED = 77  # for ctest


def begin(name):
    """Forgets what an earlier run of this language has shown."""
    ROWS.mkdir(parents=True, exist_ok=True)
    (ROWS / f"{name}.json").write_text("[]")


def passed(name, case):
    """A cell holds."""
    ROWS.mkdir(parents=True, exist_ok=True)
    file = ROWS / f"{name}.json"
    cases = json.loads(file.read_text()) if file.exists() else []
    file.write_text(json.dumps(sorted({*cases, case})))


def cell(function, case, held):
    """One cell; what did not hold is said, so that it cannot be copied into the README unseen."""
    if case in function.without:
        return function.without[case]
    if case not in held:
        return "FAILED"
    return "replayed" if function.replayed else "ok"


def rows():
    """(function, cases that held) of each language that has been run."""
    for name, function in sdk_functions.FUNCTIONS.items():
        file = ROWS / f"{name}.json"
        if file.exists():
            yield function, json.loads(file.read_text())


def line(cells):
    """One line of a table."""
    return f"| {' | '.join(cells)} |\n"


def text():
    """What has been run, and what a user of each SDK should know."""
    heads = ["SDK", "runtime client", *(HEADS.get(case, case) for case in CASES)]
    cells = [line([f"{function.title}: {function.sdk}", function.client,
                   *(cell(function, case, held) for case in CASES)]) for function, held in rows()]
    quirks = [line([function.title, function.quirks]) for function, _ in rows()]
    return "".join([line(heads), "|---" * len(heads) + "|\n", *cells, "\n",
                    line(["", "to know on localhost"]), "|---|---|\n", *quirks])


def write():
    """build/sdks.md."""
    TABLE.write_text(text())


def between_marks(readme):
    """Where the README has its table, as (begin, end); None without marks."""
    begin_at, end_at = readme.find(BEGIN), readme.find(END)
    return None if begin_at < 0 or end_at < begin_at else (begin_at + len(BEGIN), end_at)


def write_readme():
    """Puts the tables into the README."""
    readme = README.read_text()
    place = between_marks(readme)
    if place is None:
        print(f"README.md has no {BEGIN.strip()} and {END.strip()}")
        return 1
    if "FAILED" in text():
        print("not written: a run has failed\n" + text())
        return 1
    README.write_text(readme[:place[0]] + text() + readme[place[1]:])
    return 0


def without_versions(table):
    """Newer versions change nothing that the table says."""
    return re.sub(r"\d+(\.\d+)+", "N", table)


def check_readme():
    """Each row that has been run is in the README, word for word but for versions."""
    place = between_marks(README.read_text())
    if place is None:
        print(f"skipped: README.md has no {BEGIN.strip()}")
        return SKIPPED
    if not ROWS.exists():
        print("skipped: no row has been run")
        return SKIPPED
    there = without_versions(README.read_text()[slice(*place)]).splitlines()
    missing = [ours for ours in text().splitlines() if without_versions(ours) not in there]
    for ours in missing:
        print(f"not in README.md (sdks.py --write-readme puts it there): {ours}")
    return 1 if missing else 0
