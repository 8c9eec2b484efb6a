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


def cell(function, case, passed):
    """One cell; a run that failed is said, so that it cannot be copied into the README unseen."""
    if not passed:
        return "FAILED"
    return function.without.get(case) or ("replayed" if function.replayed else "ok")


def rows():
    """(function, whether it passed) of each language that has been run."""
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
                   *(cell(function, case, passed) for case in CASES)]) for function, passed in rows()]
    quirks = [line([function.title, function.quirks]) for function, _ in rows()]
    return "".join([line(heads), "|---" * len(heads) + "|\n", *cells, "\n",
                    line(["", "to know on localhost"]), "|---|---|\n", *quirks])


def write(name, passed):
    """One more language has been run: build/sdks.md."""
    ROWS.mkdir(parents=True, exist_ok=True)
    (ROWS / f"{name}.json").write_text(json.dumps(passed))
    TABLE.write_text(text())


def between_marks(readme):
    """Where the README has its table, as (begin, end); None without marks."""
    begin_at, end_at = readme.find(BEGIN), readme.find(END)
    return None if begin_at < 0 or end_at < begin_at else (begin_at + len(BEGIN), end_at)


def write_readme():
    """Puts the tables into the README, when every language has been run and passed."""
    readme = README.read_text()
    place = between_marks(readme)
    if place is None:
        print(f"README.md has no {BEGIN.strip()} and {END.strip()}")
        return 1
    missing = [name for name in sdk_functions.FUNCTIONS if not (ROWS / f"{name}.json").exists()]
    if missing or "FAILED" in text():
        print(f"not written: not run: {missing}; run:\n{text()}")
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
