"""The results as Markdown: what must be shown, and the figures of all in tables."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from benchmarks.contestants import ALL, Kind
from benchmarks.goals import OURS, Verdict, judge
from benchmarks.results import Results

Row = Sequence[str]

KINDS = {contestant.name: contestant.kind for contestant in ALL}
NONE = "-"


@dataclass(frozen=True, slots=True)
class Column:
    """A figure of a scenario; *form* is how a value is written."""

    title: str
    scenario: str
    figure: str
    form: str = "{:,.0f}"
    spread: bool = False

    def cell(self, results: Results, contestant: str) -> str:
        values = results.values(self.scenario, contestant, self.figure)
        middle = results.median(self.scenario, contestant, self.figure)
        if middle is None:
            return NONE
        shown = self.form.format(middle)
        if not self.spread or len(values) == 1:
            return shown
        return f"{shown} [{self.form.format(min(values))}-{self.form.format(max(values))}]"


RATES = (
    Column("enqueue, 1 caller", "enqueue_1", "jobs_per_second", spread=True),
    Column("enqueue, 64 callers", "enqueue_64", "jobs_per_second", spread=True),
    Column("enqueue, 100 a call", "enqueue_batch", "jobs_per_second", spread=True),
    Column("drain, no-op", "drain", "jobs_per_second", spread=True),
    Column("drain, 10 ms", "drain_10ms", "jobs_per_second", spread=True),
)

WAITS = (
    Column("p50 ms", "latency", "p50_ms", "{:.2f}", spread=True),
    Column("p99 ms", "latency", "p99_ms", "{:.2f}", spread=True),
    Column("longest ms", "latency", "max_ms", "{:.2f}", spread=True),
)

WEBHOOK = (
    Column("requests/s", "webhook", "requests_per_second", spread=True),
    Column("p50 ms", "webhook", "p50_ms", "{:.1f}", spread=True),
    Column("p99 ms", "webhook", "p99_ms", "{:.1f}", spread=True),
    Column("CPU of the web server, µs a request", "webhook", "web_server_us_per_request"),
    Column("of its sender, share of one CPU", "webhook", "sender_cpu", "{:.2f}"),
)

COSTS = (
    Column("enqueue: commands", "enqueue_1", "commands_per_job", "{:.1f}"),
    Column("on the wire", "enqueue_1", "wire_bytes_per_job"),
    Column("in the file", "enqueue_1", "file_bytes_per_job"),
    Column("drain: commands", "drain", "commands_per_job", "{:.1f}"),
    Column("on the wire", "drain", "wire_bytes_per_job"),
    Column("in the file", "drain", "file_bytes_per_job"),
    Column("server CPU µs", "drain", "server_us_per_job"),
    Column("memory, of 100,000", "memory", "memory_bytes_per_job"),
    Column("of 1,000,000", "memory_million", "memory_bytes_per_job"),
)

CRASHES = (
    Column("kills", "worker_crash", "kills"),
    Column("jobs in hand", "worker_crash", "in_hand"),
    Column("not done in 90 s", "worker_crash", "missing"),
    Column("first again after s", "worker_crash", "redelivered_first_s", "{:.1f}"),
    Column("last again after s", "worker_crash", "redelivered_s", "{:.1f}"),
    Column("all done after s", "worker_crash", "done_after_s", "{:.1f}"),
    Column("done twice", "worker_crash", "doubled"),
)


@dataclass(frozen=True, slots=True)
class Grid:
    """Figures of our own. A row gives the name of a figure, which a column completes."""

    corner: str
    scenario: str
    columns: tuple[tuple[str, str, str], ...]
    rows: tuple[tuple[str, str], ...]

    def table(self, results: Results) -> str:
        cells = [
            [
                Column("", self.scenario, name.format(figure), form, spread=True).cell(
                    results, OURS
                )
                for _, name, form in self.columns
            ]
            for _, figure in self.rows
        ]
        rows = [[title, *row] for (title, _), row in zip(self.rows, cells, strict=True)]
        header = [self.corner, *(title for title, _, _ in self.columns)]
        return _table(header, [row for row in rows if set(row[1:]) != {NONE}])


DEPTH = Grid(
    "µs an operation",
    "depth",
    columns=(
        ("among 1,000 jobs", "shallow_{}", "{:.1f}"),
        ("among 1,000,000", "deep_{}", "{:.1f}"),
        ("times", "{}_ratio", "{:.2f}"),
    ),
    rows=(
        ("enqueue, as the client sees it", "enqueue_client_us"),
        ("enqueue, server CPU", "enqueue_server_us"),
        ("claim and settle, as the client sees it", "work_off_client_us"),
        ("claim and settle, server CPU", "work_off_server_us"),
    ),
)

NEIGHBOUR = Grid(
    "ms from enqueue to start",
    "neighbour",
    columns=(
        ("all jobs await 10 ms", "10ms_{}", "{:.2f}"),
        ("no-op jobs", "noop_{}", "{:.2f}"),
    ),
    rows=(
        ("alone, p50", "alone_p50_ms"),
        ("alone, p99", "alone_p99_ms"),
        ("beside the backlog, p50", "beside_p50_ms"),
        ("beside the backlog, p99", "beside_p99_ms"),
    ),
)

WORKER_KILLS = Grid(
    "workers of Postroom",
    "worker_crash",
    columns=(("count", "{}", "{:,.0f}"),),
    rows=(
        ("killed", "kills"),
        ("stopped, and let go on when another had done their jobs", "freezes"),
        ("jobs that these then tried to settle", "stale_tries"),
        ("jobs that were settled twice", "settled_twice"),
        ("jobs that were lost", "missing"),
    ),
)

SERVER_KILLS = Grid(
    "the server under Postroom",
    "server_crash",
    columns=(("count", "{}", "{:,.0f}"),),
    rows=(
        ("kills", "kills"),
        ("jobs whose enqueueing was acknowledged", "accepted"),
        ("of these lost", "lost"),
        ("jobs that came back, though their settling was acknowledged", "came_back"),
        ("jobs whose settling was sent, and the answer lost", "uncertain"),
    ),
)


def tables(results: Results) -> str:
    """All of them, as they stand in docs/benchmarks.md; what was not measured is left out."""
    sections = {
        "What the queue has to show": _goals(judge(results)),
        "Jobs a second": _by_contestant(results, RATES),
        "From enqueue to start, at 200 jobs/s": _by_contestant(results, WAITS),
        "The webhook of Microsoft Graph, over 64 connections": _by_contestant(results, WEBHOOK),
        "What a job costs the server": _by_contestant(results, COSTS),
        "A worker is killed": _by_contestant(results, CRASHES),
        "Workers are killed, and stopped, time after time": WORKER_KILLS.table(results),
        "The server is killed, time after time": SERVER_KILLS.table(results),
        "A queue with few jobs, and with very many": DEPTH.table(results),
        "A quiet mailbox beside a busy one": NEIGHBOUR.table(results),
        "Versions": _versions(results),
    }
    shown = [f"### {title}\n\n{table}" for title, table in sections.items() if table]
    return "\n\n".join([_conditions(results), *shown])


def _conditions(results: Results) -> str:
    machine, settings = results.machine, results.settings
    pinned = "the server on a CPU of its own" if settings["pinned"] else "no process bound to one"
    conditions = (
        f"Measured on {results.date}: {machine['cpu']}, {machine['cpus']} CPUs,"
        f" {machine['memory_gib']:.0f} GiB, {machine['system']}, Python {machine['python']};"
        f" {machine['server']} with `appendfsync {settings['appendfsync']}`"
        f" (an append takes {machine['fdatasync_us']:.0f} µs to be on disk), {pinned}."
    )
    runs = settings["runs"]
    counted = f"Medians [and extremes] of {runs} runs." if runs > 1 else "One run."
    lines = [conditions, counted]
    if settings["scale"] != "full":
        lines.insert(0, "**A trial with few jobs: these figures are no measurement.**")
    lines += [f"Left out: {name} ({why})." for name, why in results.left_out.items()]
    lines += [
        f"Failed: {one.scenario} of {one.contestant}, run {one.run} (`{one.failure}`)."
        for one in results.failures
    ]
    return "\n".join(lines)


def _goals(verdicts: Iterable[Verdict]) -> str:
    words = {True: "yes", False: "**no**", None: NONE}
    rows = [[one.what, one.target, one.shown, words[one.met]] for one in verdicts]
    return _table(["what", "target", "measured", "met"], rows)


def _by_contestant(results: Results, columns: Sequence[Column]) -> str:
    rows = []
    for name in results.contestants:
        cells = [column.cell(results, name) for column in columns]
        if set(cells) != {NONE}:
            shown = f"**{name}**" if KINDS[name] is Kind.OURS else name
            rows.append([shown, KINDS[name], *cells])
    return _table(["queue", "kind", *(column.title for column in columns)], rows)


def _versions(results: Results) -> str:
    rows = [
        [name, ", ".join(f"{package} {version}" for package, version in packages.items())]
        for name, packages in results.versions.items()
    ]
    return _table(["queue", "packages"], rows)


def _table(header: Row, rows: Sequence[Row]) -> str:
    """Empty if there are no rows."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines) if rows else ""
