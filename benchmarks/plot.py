"""The results as pictures: bars, in SVG that reads well on a light page and on a dark one."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from benchmarks.contestants import Kind
from benchmarks.results import Results
from benchmarks.tables import KINDS

WIDTH, MARGIN, LABEL, VALUE = 860, 20, 90, 70
BAR, GAP, TITLE, PANEL_TITLE, PANEL_GAP = 15, 5, 40, 26, 18
COLUMN_GAP = 24

STYLE = """
  text { font: 12px system-ui, -apple-system, 'Segoe UI', sans-serif; fill: #24292f; }
  .title { font-size: 15px; font-weight: 600; }
  .panel { font-weight: 600; }
  .note, .value { fill: #57606a; }
  .label { text-anchor: end; }
  .bar { fill: #a8b3bf; }
  .ours { fill: #1f6feb; }
  text.ours { fill: #0a53c4; font-weight: 600; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    .note, .value { fill: #9198a1; }
    .bar { fill: #57606a; }
    .ours { fill: #4493f8; }
    text.ours { fill: #79b8ff; }
  }
"""


@dataclass(frozen=True, slots=True)
class Panel:
    """The medians of one figure of a scenario, the best on top."""

    title: str
    scenario: str
    figure: str
    form: str = "{:,.0f}"
    more_is_better: bool = True

    def bars(self, results: Results) -> Sequence[tuple[str, float]]:
        known = [
            (name, value)
            for name in results.contestants
            if KINDS[name] is not Kind.LIMIT
            and (value := results.median(self.scenario, name, self.figure)) is not None
        ]
        return sorted(known, key=lambda bar: bar[1], reverse=self.more_is_better)


RATE = "jobs_per_second"

PICTURES = {
    "throughput.svg": (
        "Jobs a second (more is better)",
        (
            Panel("Enqueue, one call a job, 64 callers", "enqueue_64", RATE),
            Panel("Enqueue, one call a job, 1 caller", "enqueue_1", RATE),
            Panel("Drain of no-op jobs, one worker process", "drain", RATE),
            Panel("Drain of jobs that await 10 ms, one worker process", "drain_10ms", RATE),
        ),
    ),
    "latency.svg": (
        "Milliseconds from enqueue to start at 200 jobs/s (less is better)",
        (
            Panel("p50", "latency", "p50_ms", "{:.2f}", more_is_better=False),
            Panel("p99", "latency", "p99_ms", "{:.2f}", more_is_better=False),
        ),
    ),
    "footprint.svg": (
        "What a job costs the server (less is better)",
        (
            Panel(
                "Memory while it waits, bytes",
                "memory",
                "memory_bytes_per_job",
                more_is_better=False,
            ),
            Panel(
                "Commands to work it off",
                "drain",
                "commands_per_job",
                "{:.1f}",
                more_is_better=False,
            ),
        ),
    ),
}
"""By file name: a title, and panels that are set in two columns."""


def draw(results: Results) -> dict[str, str]:
    """The pictures, by file name."""
    return {name: _picture(results, title, panels) for name, (title, panels) in PICTURES.items()}


def _picture(results: Results, title: str, panels: Sequence[Panel]) -> str:
    drawn = [(panel, bars) for panel in panels if (bars := panel.bars(results))]
    width = (WIDTH - 2 * MARGIN - COLUMN_GAP) / 2
    parts, top = [_text(MARGIN, MARGIN + 8, title, "title")], float(TITLE + MARGIN)
    for start in range(0, len(drawn), 2):
        row = drawn[start : start + 2]
        for column, (panel, bars) in enumerate(row):
            left = MARGIN + column * (width + COLUMN_GAP)
            parts += _panel(panel, bars, left, top, width)
        most = max(len(bars) for _, bars in row)
        top += PANEL_TITLE + most * (BAR + GAP) + PANEL_GAP
    described = f'role="img" aria-label="{escape(title)}"'
    box = f'viewBox="0 0 {WIDTH} {top:.0f}" width="{WIDTH}" height="{top:.0f}"'
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {box} {described}>\n'
        f"<style>{STYLE}</style>\n{body}\n</svg>\n"
    )


def _panel(
    panel: Panel, bars: Sequence[tuple[str, float]], left: float, top: float, width: float
) -> Iterable[str]:
    yield _text(left, top, panel.title, "panel")
    longest = max(value for _, value in bars)
    room = width - LABEL - VALUE
    for place, (name, value) in enumerate(bars):
        y = top + PANEL_TITLE - BAR + place * (BAR + GAP)
        ours = " ours" if KINDS[name] is Kind.OURS else ""
        length = max(room * value / longest, 1)
        start = left + LABEL
        yield _text(start - 8, y + BAR - 3, name, f"label{ours}")
        yield (
            f'<rect class="bar{ours}" x="{start:.1f}" y="{y:.1f}"'
            f' width="{length:.1f}" height="{BAR}" rx="2"/>'
        )
        yield _text(start + length + 6, y + BAR - 3, panel.form.format(value), f"value{ours}")


def _text(x: float, y: float, text: str, kind: str) -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}">{escape(text)}</text>'
