"""Draws runs of the sandbox as one self-contained page: lanes for invokes, freezes, hand-overs, deliveries."""

import html

WIDTH = 1160
LEFT = 110
RIGHT = 10
LANE = 24
TOP = 24
LANES = ["invokes", "frozen", "handed over", "delivered", "lost"]  # the last one only where there is need
INVOKES, FROZEN, HANDED_OVER, DELIVERED, LOST = range(len(LANES))

STYLE = """
:root { color-scheme: light dark; --ink:#1d2433; --soft:#5b647c; --paper:#fff; --line:#dfe3ec;
  --run:#3f6fd8; --hold:#a9c1f5; --ice:#bfe3f5; --handed:#7a5cc9; --arrived:#1f9d61; --lost:#d23f3f; }
@media (prefers-color-scheme: dark) { :root { --ink:#e8ebf3; --soft:#a5aec4; --paper:#161a23;
  --line:#2c3342; --run:#6d97f0; --hold:#3c5796; --ice:#24506b; --handed:#b39bf5; --arrived:#41c98a;
  --lost:#f06b6b; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  max-width: 1200px; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2.5rem; }
.wide { overflow-x: auto; } table { border-collapse: collapse; margin: .8rem 0 1.2rem; }
th, td { padding: .25rem .8rem; text-align: right; border-bottom: 1px solid var(--line); }
th:first-child, td:first-child { text-align: left; } th { color: var(--soft); font-weight: 500; }
td.lost { color: var(--lost); font-weight: 700; }
svg { width: 100%; min-width: 700px; height: auto; display: block; margin-bottom: .8rem; }
text { fill: var(--soft); font-size: 12px; } .name { fill: var(--ink); font-size: 14px; font-weight: 600; }
.rail { stroke: var(--line); } .tick { font-size: 11px; } .ice { fill: var(--ice); } .run { fill: var(--run); }
.hold { fill: var(--hold); } .handed { fill: var(--handed); } .arrived { fill: var(--arrived); }
.gone { fill: none; stroke: var(--lost); stroke-width: 2; }
.way { fill: none; stroke: var(--soft); opacity: .6; }
.key { color: var(--soft); } .key span { white-space: nowrap; margin-right: 1.3em; }
.key i { display: inline-block; width: .8em; height: .8em; margin-right: .4em; border-radius: 2px; }
.key i.dot { border-radius: 50%; } .key i.ring { box-sizing: border-box; border: 2px solid var(--lost); }
"""

LEGEND = """<p class="key"><span><i style="background:var(--run)"></i>function runs, the caller waits</span>
<span><i style="background:var(--hold)"></i>answered, held for Sentry: billed, the caller does not wait</span>
<span><i style="background:var(--ice)"></i>frozen</span>
<span><i class="dot" style="background:var(--handed)"></i>handed over: the SDK has its answer, from
localhost or, alone, from upstream</span>
<span><i class="dot" style="background:var(--arrived)"></i>event delivered</span>
<span><i class="dot ring"></i>event lost</span></p>
<p class="key">An invoke tells with its answer which hand-overs its SDK has seen so far. Without flush() those
after the last answer are seen by nobody and not drawn.</p>"""

def page(blocks, header):
    """The whole page. A block's rows are cells under `header`."""
    parts = ["<!doctype html><html lang='en'><meta charset='utf-8'>",
             "<meta name='viewport' content='width=device-width'>",
             f"<title>Thaw: the same function, four ways</title><style>{STYLE}</style>",
             "<h1>The same function, four ways</h1>", LEGEND]
    for block in blocks:
        parts.append(f"<h2>{html.escape(block.title)}</h2><p class='key'>{html.escape(block.note)}</p>")
        parts.append(table(block.rows(), header))
        parts.extend(f"<p>{html.escape(f'{name}: skipped, {reason}')}</p>" for name, reason in block.skipped)
        # One scale for all of a block, so that lengths can be compared.
        length = max((span(run) for _, run in block.runs), default=0)
        parts.extend(f"<div class='wide'>{Drawing(run, length).svg(way.name)}</div>" for way, run in block.runs)
    parts.append("</html>")
    return "".join(parts)


def table(rows, header):
    """The figures above the drawings."""
    lost = header.index("lost")
    lines = ["<div class='wide'><table><tr>",
             *(f"<th>{html.escape(cell)}</th>" for cell in header), "</tr>"]
    for cells in rows:
        lines.append("<tr>" + "".join(
            f"<td{' class=lost' if i == lost and cell != '0' else ''}>{html.escape(cell)}</td>"
            for i, cell in enumerate(cells)) + "</tr>")
    return "".join(lines) + "</table></div>"


def span(run):
    """Milliseconds from the first invoke to the last thing seen."""
    begin = run.invokes[0]["start_ms"]
    ends = [invoke["start_ms"] + invoke["billed_ms"] for invoke in run.invokes]
    ends += [arrival["at_ms"] for arrival in run.report["arrivals"]]
    return max(ends) - begin


class Drawing:
    """One run: what the platform did on top, below it the way of each event from invoke to delivery."""

    def __init__(self, run, length):
        self.run = run
        self.begin = run.invokes[0]["start_ms"]
        self.end = self.begin + span(run)
        self.scale = (WIDTH - LEFT - RIGHT) / max(length, 1)
        self.lanes = LANES if set(run.sent) - run.arrived else LANES[:LOST]
        self.marks = []

    def svg(self, name):
        """The whole drawing, under its name."""
        self.seconds()
        self.rails()
        self.freezes()
        self.events()
        self.invokes()
        height = TOP + len(self.lanes) * LANE
        return (f"<svg viewBox='0 0 {WIDTH} {height}' role='img' aria-label='{html.escape(name)}'>"
                f"<text class='name' x='0' y='15'>{html.escape(name)}</text>{''.join(self.marks)}</svg>")

    def x(self, at):
        """Where a moment is."""
        return LEFT + (at - self.begin) * self.scale

    @staticmethod
    def y(lane):
        """The middle of a lane."""
        return TOP + lane * LANE + LANE / 2

    def box(self, kind, start, end, lane, title):
        """Something that lasts."""
        self.marks.append(
            f"<rect class='{kind}' x='{self.x(start):.1f}' y='{self.y(lane) - 8:.0f}' "
            f"width='{max(1.0, (end - start) * self.scale):.1f}' height='16'>"
            f"<title>{html.escape(title)}</title></rect>")

    def dot(self, kind, at, lane, title):
        """Something that happens."""
        self.marks.append(f"<circle class='{kind}' cx='{self.x(at):.1f}' cy='{self.y(lane):.0f}' r='3.5'>"
                          f"<title>{html.escape(title)}</title></circle>")

    def seconds(self):
        """The scale, which is the same for all of a block."""
        bottom = TOP + len(self.lanes) * LANE
        for second in range(1, int((WIDTH - RIGHT - LEFT) / self.scale / 1000) + 1):
            x = self.x(self.begin + 1000 * second)
            self.marks.append(f"<line class='rail' x1='{x:.1f}' x2='{x:.1f}' y1='{TOP}' y2='{bottom}'/>"
                              f"<text class='tick' x='{x:.1f}' y='{TOP - 7}' text-anchor='middle'>"
                              f"{second} s</text>")

    def rails(self):
        """The lanes and what they are called."""
        for lane, label in enumerate(self.lanes):
            self.marks.append(
                f"<text x='{LEFT - 12}' y='{self.y(lane) + 4:.0f}' text-anchor='end'>{label}</text>"
                f"<line class='rail' x1='{LEFT}' x2='{WIDTH - RIGHT}' y1='{self.y(lane):.0f}' "
                f"y2='{self.y(lane):.0f}'/>")

    def freezes(self):
        """From the first invoke to the last thing seen."""
        for start, end in self.run.report["freezes"]:
            if self.begin <= start < self.end:
                self.box("ice", start, min(end, self.end), FROZEN, f"frozen {end - start:.0f} ms")

    def invokes(self):
        """What the caller waited for, and what was billed beyond."""
        for number, invoke in enumerate(self.run.invokes, 1):
            start = invoke["start_ms"]
            answered = start + invoke["response_ms"]
            self.box("hold", answered, start + invoke["billed_ms"], INVOKES,
                     f"invoke {number}: billed {invoke['billed_ms']:.0f} ms")
            self.box("run", start, answered, INVOKES,
                     f"invoke {number}: caller waited {invoke['response_ms']:.0f} ms")

    def events(self):
        """Each event from its invoke's answer on; the hand-over only where it was observed."""
        for number, invoke in enumerate(self.run.invokes, 1):
            answered = invoke["start_ms"] + invoke["response_ms"]
            for event in self.run.sent_by(invoke):
                handed_over = self.run.handed_over_at.get(event)
                arrived = self.run.arrived_at.get(event)
                if handed_over is not None:
                    self.dot("handed", handed_over, HANDED_OVER,
                             f"invoke {number}: handed over {relative(handed_over, answered)}")
                if arrived is None:
                    self.dot("gone", answered, LOST, f"invoke {number}: lost")
                    continue
                self.way([(answered, INVOKES), (handed_over, HANDED_OVER), (arrived, DELIVERED)])
                self.dot("arrived", arrived, DELIVERED,
                         f"invoke {number}: delivered {relative(arrived, answered)}")

    def way(self, stations):
        """A line through the stations that there are."""
        points = [f"{self.x(at):.1f},{self.y(lane):.0f}" for at, lane in stations if at is not None]
        self.marks.append(f"<polyline class='way' points='{' '.join(points)}'/>")


def relative(at, answered):
    """A moment beside the answer of its invoke."""
    return f"{abs(at - answered):.0f} ms {'before' if at < answered else 'after'} the answer"
