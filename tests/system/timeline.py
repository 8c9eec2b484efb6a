"""Draws runs of the sandbox as one self-contained page: lanes for invokes, freezes, answers, deliveries."""

import html

WIDTH = 1160
LEFT = 150
LANE = 22

STYLE = """
:root { color-scheme: light dark; --ink:#1d2433; --soft:#68718a; --paper:#fff; --line:#dfe3ec;
  --run:#3f6fd8; --hold:#9db8f2; --ice:#cfe9f7; --arrived:#1f9d61; --lost:#d23f3f; }
@media (prefers-color-scheme: dark) { :root { --ink:#e8ebf3; --soft:#98a2bb; --paper:#161a23;
  --line:#2c3342; --run:#6d97f0; --hold:#35508f; --ice:#1d3d52; --arrived:#41c98a; --lost:#f06b6b; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  max-width: 1200px; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2.5rem; }
table { border-collapse: collapse; margin: .8rem 0 1.2rem; }
th, td { padding: .25rem .8rem; text-align: right; border-bottom: 1px solid var(--line); }
th:first-child, td:first-child { text-align: left; } th { color: var(--soft); font-weight: 500; }
td.lost { color: var(--lost); font-weight: 700; } svg { width: 100%; height: auto; display: block; }
text { fill: var(--soft); font-size: 11px; } .name { fill: var(--ink); font-size: 13px; }
.ice { fill: var(--ice); } .run { fill: var(--run); } .hold { fill: var(--hold); }
.arrived { fill: var(--arrived); } .gone { fill: none; stroke: var(--lost); stroke-width: 2; }
.way { stroke: var(--arrived); stroke-width: 1; opacity: .55; }
.key span { display: inline-block; width: .9em; height: .9em; margin: 0 .35em 0 1.2em;
  vertical-align: -.1em; border-radius: 2px; }
"""

LEGEND = """<p class="key"><span style="background:var(--run)"></span>function runs
<span style="background:var(--hold)"></span>after the answer: held, billed, the caller does not wait
<span style="background:var(--ice)"></span>frozen
<span style="background:var(--arrived)"></span>event arrived
<span style="border:2px solid var(--lost);border-radius:50%"></span>event lost</p>"""


def page(blocks, header, row):
    """The whole page. `row(name, run)` gives a run's cells under `header`."""
    parts = ["<!doctype html><html lang='en'><meta charset='utf-8'>",
             "<meta name='viewport' content='width=device-width'>",
             f"<title>Thaw: the same function, four ways</title><style>{STYLE}</style>",
             "<h1>The same function, four ways</h1>", LEGEND]
    for title, runs in blocks:
        parts.append(f"<h2>{html.escape(title)}</h2>")
        parts.append(table([row(name, run) for name, run in runs], header))
        # One scale for all four, so that lengths can be compared.
        length = max(span(run) for _, run in runs)
        parts.extend(drawing(name, run, length) for name, run in runs)
    parts.append("</html>")
    return "".join(parts)


def table(rows, header):
    """The figures above the drawings."""
    lost = header.index("lost")
    lines = ["<table><tr>" + "".join(f"<th>{html.escape(cell)}</th>" for cell in header) + "</tr>"]
    for cells in rows:
        lines.append("<tr>" + "".join(
            f"<td{' class=lost' if i == lost and cell != '0' else ''}>{html.escape(cell)}</td>"
            for i, cell in enumerate(cells)) + "</tr>")
    return "".join(lines) + "</table>"


def span(run):
    """Milliseconds from the first invoke to the last thing seen."""
    begin = run.invokes[0]["start_ms"]
    ends = [invoke["start_ms"] + invoke["billed_ms"] for invoke in run.invokes]
    ends += [arrival["at_ms"] for arrival in run.report["arrivals"]]
    return max(ends) - begin


def drawing(name, run, length):
    """One run: invokes and freezes on top, the answers each event came with, arrivals below."""
    begin = run.invokes[0]["start_ms"]
    scale = (WIDTH - LEFT - 10) / max(length, 1)

    def x(at):
        return LEFT + (at - begin) * scale

    def box(kind, start, end, lane, height=LANE - 6, title=""):
        tip = f"<title>{html.escape(title)}</title>" if title else ""
        return (f"<rect class='{kind}' x='{x(start):.1f}' y='{lane}' "
                f"width='{max(1.0, (end - start) * scale):.1f}' height='{height}'>{tip}</rect>")

    marks = []
    bottom = begin + span(run)
    for start, end in run.report["freezes"]:
        if start >= begin and start < bottom:
            marks.append(box("ice", start, min(end, bottom), 0, 3 * LANE, f"frozen {end - start:.0f} ms"))
    arrived_at = {}
    for arrival in run.report["arrivals"]:
        arrived_at.setdefault((arrival["event_id"] or "").replace("-", ""), arrival["at_ms"])
    for number, invoke in enumerate(run.invokes, 1):
        start = invoke["start_ms"]
        answered = start + invoke["response_ms"]
        marks.append(box("run", start, answered, 3, title=f"invoke {number}: caller waited "
                                                         f"{invoke['response_ms']:.0f} ms"))
        marks.append(box("hold", answered, start + invoke["billed_ms"], 3,
                         title=f"invoke {number}: billed {invoke['billed_ms']:.0f} ms"))
        sent = invoke["response"].get("sent", []) if isinstance(invoke["response"], dict) else []
        for event in sent:
            at = arrived_at.get(event.replace("-", ""))
            if at is None:
                marks.append(f"<circle class='gone' cx='{x(answered):.1f}' cy='{LANE + 11}' r='4'>"
                             f"<title>invoke {number}: lost</title></circle>")
                continue
            marks.append(f"<line class='way' x1='{x(answered):.1f}' y1='{LANE + 11}' "
                         f"x2='{x(at):.1f}' y2='{2 * LANE + 11}'/>")
            marks.append(f"<circle class='arrived' cx='{x(at):.1f}' cy='{2 * LANE + 11}' r='3.5'>"
                         f"<title>invoke {number}: arrived {at - answered:.0f} ms after the answer"
                         "</title></circle>")
    labels = "".join(f"<text x='{LEFT - 8}' y='{lane * LANE + 15}' text-anchor='end'>{text}</text>"
                     for lane, text in enumerate(["invokes, freezes", "answered", "arrived"]))
    return (f"<svg viewBox='0 0 {WIDTH} {3 * LANE + 30}' role='img' aria-label='{html.escape(name)}'>"
            f"<text class='name' x='0' y='14'>{html.escape(name)}</text><g transform='translate(0 22)'>"
            f"{''.join(marks)}{labels}</g></svg>")
