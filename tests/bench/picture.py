"""The picture of `make bench`: an SVG that is readable in light and dark, out of what the parts have left. Bars on a
logarithmic scale, since what is compared lies orders of magnitude apart; shorter is better, but for what is delivered."""

import math
from xml.sax.saxutils import escape

THAW, NODE = "Thaw", "Sentry's Node extension"
WIDTH, MARGIN, GAP, LABEL, BAR, ROW = 980, 24, 36, 150, 226, 26
PANEL = (WIDTH - 2 * MARGIN - GAP) // 2
HEAD, FOOT = 52, 40

STYLE = """
text { font: 13px system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; fill: #1f2328;
       stroke: #ffffff; stroke-width: 3px; stroke-linejoin: round; paint-order: stroke; }
.head { font-size: 19px; font-weight: 600; } .title { font-weight: 600; font-size: 15px; }
.small { font-size: 11.5px; fill: #59636e; } .thaw { font-weight: 600; }
.paper { fill: #ffffff; } .bar { fill: #afb8c1; } .bar.thaw { fill: #0969da; }
line { stroke: #d1d9e0; } .mark { stroke: #1f2328; stroke-width: 2.5; }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3; stroke: #0d1117; } .small { fill: #9198a1; } .paper { fill: #0d1117; } .bar { fill: #545d68; }
.bar.thaw { fill: #4493f8; } line { stroke: #30363d; } .mark { stroke: #e6edf3; } }
"""


def number(value):
    """Three digits, as one reads them."""
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def text(x, y, words, kind="", anchor="start"):
    """One line of it."""
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}" text-anchor="{anchor}">{escape(words)}</text>'


class Panel:
    """Bars with a common scale. `rows`: label, value, and a mark to be compared with or None."""

    def __init__(self, title, remark, unit, rows):
        self.title, self.remark, self.unit, self.rows = title, remark, unit, rows
        values = [value for _, *pair in rows for value in pair if value]
        # A bar of the smallest value is to be seen, too.
        self.low = math.floor(math.log10(min(values) / 2))
        self.high = max(self.low + 1, math.ceil(math.log10(max(values))))
        self.height = HEAD + ROW * len(rows) + FOOT

    def along(self, value):
        """How far a value is along the scale, in pixels."""
        share = (math.log10(value) - self.low) / (self.high - self.low) if value > 0 else 0
        return BAR * max(0.0, share)

    def draw(self, left, top):
        """Its elements."""
        yield text(left, top + 14, self.title, "title")
        yield text(left, top + 32, self.remark, "small")
        begin, bottom = left + LABEL, top + HEAD + ROW * len(self.rows)
        for power in range(self.low, self.high + 1):
            x = begin + self.along(10.0 ** power)
            yield f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{top + HEAD - 4}" y2="{bottom + 2}"/>'
            yield text(x, bottom + 17, f"{10.0 ** power:,g}", "small", "middle")
        yield text(begin + BAR + 26, bottom + 17, self.unit, "small")
        for row, (label, value, mark) in enumerate(self.rows):
            y = top + HEAD + ROW * row
            kind = "thaw" if label.startswith(THAW) or mark else ""
            said = number(value) if mark is None else f"{value:,} of {mark:,.0f}"
            yield text(begin - 8, y + 15, label, kind, "end")
            yield f'<rect x="{begin}" y="{y + 2}" width="{self.along(value):.1f}" height="18" class="bar {kind}"/>'
            if mark:
                x = begin + self.along(mark)
                yield f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{y - 1}" y2="{y + 23}" class="mark"/>'
            yield text(begin + max(self.along(value), self.along(mark or 0)) + 7, y + 15, said, kind)


def short(name):
    """As it fits beside a bar."""
    return {"static C, the floor": "floor, static C", "Go, net/http": "Go", NODE: "Sentry's, in Node",
            "floor": "floor, bare epoll"}.get(name, name)


def panels(figures):
    """All for which there are figures."""
    if start := figures.get("start"):
        yield Panel("Cold start", "exec to the first next, one processor", "ms",
                    [(short(name), row["next_ms"], None) for name, row in start["full"].items()])
    if memory := figures.get("memory"):
        yield Panel("Memory", "resident, idle after the first next", "MiB",
                    [(short(name), row["resident"] / 1024, None) for name, row in memory["idle"].items()])
    for cell in figures.get("accept", {}).get("cells", []):
        if (cell["body"], cell["encoding"], cell["connections"]) == ("10 KB", "plain", 8):
            yield Panel("Accepting an envelope", "CPU of the server, 10 KB, 8 connections", "µs",
                        [(short(name), row["cpu_us"], None) for name, row in cell["servers"].items()])
    many = [row for row in figures.get("drain", {}).get("formula", []) if row["waiting"] == 10_000]
    if many:
        yield Panel("Delivered at SHUTDOWN by 4 connections",
                    "10,000 wait, TLS; mark: 4 × (1.3 s − handshakes) / round trip", "",
                    [(f"{row['trip_ms']} ms away", row["delivered"], row["formula"]) for row in many])


def headline(figures):
    """The message, as the figures have it."""
    start, memory = figures.get("start", {}).get("full", {}), figures.get("memory", {}).get("idle", {})
    if NODE not in start or NODE not in memory:
        return "What Thaw costs beside its peers"
    return (f"Thaw starts {start[NODE]['next_of_thaw']:.0f} times as fast as Sentry's own extension, "
            f"in 1/{memory[NODE]['resident'] / memory[THAW]['resident']:.0f} of its memory")


def draw(figures):
    """The whole, or nothing where nothing was measured. `figures`: by part, what its JSON file says."""
    shown = list(panels(figures))
    if not shown:
        return ""
    elements, top = [text(MARGIN, 36, headline(figures), "head"),
                     text(MARGIN, 56, "Logarithmic scales. Shorter bars are better; of what is delivered at SHUTDOWN, longer ones.", "small")], 88
    for begin in range(0, len(shown), 2):
        for column, panel in enumerate(shown[begin:begin + 2]):
            elements += panel.draw(MARGIN + column * (PANEL + GAP), top)
        top += max(panel.height for panel in shown[begin:begin + 2]) + 10
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top}" width="{WIDTH}" height="{top}" '
            f'role="img" aria-label="{escape(headline(figures))}"><style>{STYLE}</style>\n'
            '<rect width="100%" height="100%" class="paper"/>\n' + "\n".join(elements) + "</svg>\n")
