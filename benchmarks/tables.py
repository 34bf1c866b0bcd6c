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
    Column("all jobs done after s", "worker_crash", "done_after_s", "{:.1f}"),
    Column("missing then", "worker_crash", "missing"),
    Column("done twice", "worker_crash", "doubled"),
)

DEPTH = (
    ("enqueue, client", "enqueue_client_us"),
    ("enqueue, server CPU", "enqueue_server_us"),
    ("claim and settle, client", "work_off_client_us"),
    ("claim and settle, server CPU", "work_off_server_us"),
)

NEIGHBOUR = (
    ("alone, p50", "alone_{}_p50_ms"),
    ("alone, p99", "alone_{}_p99_ms"),
    ("beside a backlog, p50", "beside_{}_p50_ms"),
    ("beside a backlog, p99", "beside_{}_p99_ms"),
)


def tables(results: Results) -> str:
    """All of them, as they stand in docs/benchmarks.md."""
    parts = [
        _conditions(results),
        "### What the queue has to show",
        _goals(judge(results)),
        "### Jobs a second",
        _by_contestant(results, RATES),
        "### From enqueue to start, at 200 jobs/s",
        _by_contestant(results, WAITS),
        "### What a job costs the server",
        _by_contestant(results, COSTS),
        "### When a worker is killed",
        _by_contestant(results, CRASHES),
        "### Postroom alone",
        _depth(results),
        _neighbour(results),
        "### Versions",
        _versions(results),
    ]
    return "\n\n".join(part for part in parts if part)


def _conditions(results: Results) -> str:
    machine, settings = results.machine, results.settings
    pinned = "the server on a CPU of its own" if settings["pinned"] else "no process bound to one"
    conditions = (
        f"Measured on {results.date}: {machine['cpu']}, {machine['cpus']} CPUs,"
        f" {machine['memory_gib']:.0f} GiB, {machine['system']}, Python {machine['python']};"
        f" {machine['server']} with `appendfsync {settings['appendfsync']}`"
        f" (an append takes {machine['fdatasync_us']:.0f} µs to be on disk), {pinned}."
    )
    lines = [conditions, f"Medians [and extremes] of {settings['runs']} runs."]
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


def _depth(results: Results) -> str:
    def cell(figure: str, form: str) -> str:
        return Column("", "depth", figure, form).cell(results, OURS)

    rows = [
        [
            title,
            cell(f"shallow_{figure}", "{:.1f}"),
            cell(f"deep_{figure}", "{:.1f}"),
            cell(f"{figure}_ratio", "{:.2f}"),
        ]
        for title, figure in DEPTH
    ]
    return _table(["µs an operation", "among 1,000", "among 1,000,000", "times"], rows)


def _neighbour(results: Results) -> str:
    rows = [
        [
            title,
            *(
                Column("", "neighbour", figure.format(work), "{:.2f}", spread=True).cell(
                    results, OURS
                )
                for work in ("10ms", "noop")
            ),
        ]
        for title, figure in NEIGHBOUR
    ]
    return _table(["quiet mailbox, ms to start", "jobs await 10 ms", "no-op jobs"], rows)


def _versions(results: Results) -> str:
    rows = [
        [name, ", ".join(f"{package} {version}" for package, version in packages.items())]
        for name, packages in results.versions.items()
    ]
    return _table(["queue", "packages"], rows)


def _table(header: Row, rows: Sequence[Row]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
