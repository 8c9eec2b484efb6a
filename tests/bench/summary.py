"""The page of `make bench`: first what was promised, then each part's own section. Text out of what the parts have left;
nothing is measured here."""

COLUMNS = ["promised", "wanted", "seen", "kept", "measured", "again"]
ELSEWHERE = ("What no machine changes is a test instead: system calls up to the first next, what an envelope costs in "
             "instructions, allocations and system calls (`make test`). Fuzzers: `make fuzz`, lines run: `make coverage`.")


def command(name, measured=""):
    """What measures one part alone, at the same length."""
    return f"`make bench PARTS={name}{' FULL=1' if ', full' in measured else ''}`"


def verdict(kept):
    """One word."""
    return "not measured" if kept is None else "PASS" if kept else "**FAIL**"


def rows(name, result):
    """Those of one part, of which there may be no result."""
    if result is None:
        yield [f"*{name}*", "", "", verdict(None), "", command(name)]
        return
    measured = result.get("measured", "by hand")
    for one in result["promises"]:
        seen = one["seen"] + (f" (by CPU {one['by_cpu']})" if one.get("by_cpu") else "")
        yield [one["what"], one["wanted"], seen, verdict(one["kept"]), measured, command(name, measured)]


def table(parts, results):
    """All promises, in the order of `parts`."""
    lines = [COLUMNS, ["---"] * len(COLUMNS)]
    lines += [[cell.replace("|", "\\|") for cell in row] for name in parts for row in rows(name, results.get(name))]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def tally(parts, results):
    """One sentence."""
    kept = [one["kept"] for result in results.values() for one in result["promises"]]
    missing = [name for name in parts if name not in results]
    said = f"**{kept.count(True)} of {len(kept)} promises were kept"
    if kept.count(None):
        said += f", {kept.count(None)} could not be measured"
    return said + (f"; without a result: {', '.join(missing)}.**" if missing else ".**")


def page(parts, results, sections, machine, picture):
    """The whole in Markdown. `results` and `sections` by part, as far as there are any."""
    yield "# What Thaw costs\n"
    yield (f"{tally(parts, results)} Measured on: {machine}; *load* is its average of a minute when the part began. "
           f"{ELSEWHERE}\n")
    if picture:
        yield f"![Thaw beside its peers]({picture})\n"
    yield table(parts, results) + "\n"
    yield from (sections[name] for name in parts if name in sections)
