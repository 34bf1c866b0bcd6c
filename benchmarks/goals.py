"""What the queue has to show, as ratios within one run wherever there is a peer to compare with."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks.contestants import ALL, Contestant, Kind
from benchmarks.results import Results

OURS, RAW = "postroom", "raw"


@dataclass(frozen=True, slots=True)
class Found:
    """A value; *rival* is whom it is over, if that was not known before."""

    value: float
    rival: str = ""


Value = Callable[[Results], Found | None]
"""None if it was not measured."""


@dataclass(frozen=True, slots=True)
class Unit:
    name: str
    digits: int = 0

    def show(self, value: float) -> str:
        return f"{value:,.{self.digits}f}{self.name}"

    def limit(self, value: float) -> str:
        return f"{value:,g}{self.name}"


TIMES, MILLISECONDS, SECONDS = Unit(" times", 2), Unit(" ms", 2), Unit(" s", 1)
PER_SECOND, BYTES, COUNT = Unit("/s"), Unit(" bytes"), Unit("")


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """*value* must be *least* or more, or *most* or less. An *aim* is hoped for, not required."""

    what: str
    value: Value
    unit: Unit
    least: float | None = None
    most: float | None = None
    aim: bool = False

    @property
    def target(self) -> str:
        bound = "at most" if self.least is None else "at least"
        limit = self.most if self.least is None else self.least
        assert limit is not None
        return f"{'aim: ' if self.aim else ''}{bound} {self.unit.limit(limit)}"

    def is_met_by(self, value: float) -> bool:
        """By the value itself, not by what it is rounded to."""
        return (self.least is None or value >= self.least) and (
            self.most is None or value <= self.most
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """*met* is None for what was not measured."""

    what: str
    target: str
    value: float | None
    shown: str
    met: bool | None


def judge(results: Results) -> Sequence[Verdict]:
    return [_verdict(goal, goal.value(results)) for goal in GOALS]


def _verdict(goal: Goal, found: Found | None) -> Verdict:
    if found is None:
        return Verdict(
            what=goal.what, target=goal.target, value=None, shown="not measured", met=None
        )
    shown = goal.unit.show(found.value)
    return Verdict(
        what=goal.what,
        target=goal.target,
        value=found.value,
        shown=f"{shown} ({found.rival})" if found.rival else shown,
        met=goal.is_met_by(found.value),
    )


# --- Values


def ours(scenario: str, *figures: str) -> Value:
    """Ours; of several figures the greatest."""

    def value(results: Results) -> Found | None:
        found = [results.median(scenario, OURS, figure) for figure in figures]
        known = [one for one in found if one is not None]
        return Found(max(known)) if len(known) == len(found) else None

    return value


def over_best(
    scenario: str,
    figure: str,
    is_rival: Callable[[Contestant], bool],
    best: Callable[[Iterable[tuple[float, str]]], tuple[float, str]] = max,
) -> Value:
    """Ours over that of the best rival. *best* is `min` where less is better."""
    rivals = [contestant.name for contestant in ALL if is_rival(contestant)]

    def value(results: Results) -> Found | None:
        mine = results.median(scenario, OURS, figure)
        theirs = [(results.median(scenario, rival, figure), rival) for rival in rivals]
        known = [(value, rival) for value, rival in theirs if value is not None]
        if mine is None or not known:
            return None
        value, rival = best(known)
        return Found(mine / value, rival)

    return value


def ratio(scenario: str, figure: str, base: str) -> Value:
    """Of two figures of ours, run by run, and of these ratios the median."""

    def value(results: Results) -> Found | None:
        runs = zip(
            results.values(scenario, OURS, figure),
            results.values(scenario, OURS, base),
            strict=True,
        )
        ratios = [one / other for one, other in runs]
        return Found(median(ratios)) if ratios else None

    return value


def beside(scenario: str, figure: str, rival: str) -> Value:
    """Ours over that of *rival*, run by run, and of these ratios the median."""

    def value(results: Results) -> Found | None:
        mine, theirs = (results.by_run(scenario, name, figure) for name in (OURS, rival))
        ratios = [mine[run] / theirs[run] for run in mine.keys() & theirs.keys()]
        return Found(median(ratios), rival) if ratios else None

    return value


# --- Rivals


def asyncio_peer(contestant: Contestant) -> bool:
    return contestant.kind is Kind.ASYNCIO


def python_peer(contestant: Contestant) -> bool:
    return contestant.is_python


def at_least_once_python_peer(contestant: Contestant) -> bool:
    return contestant.is_python and contestant.at_least_once


def bullmq(contestant: Contestant) -> bool:
    return contestant.kind is Kind.NODE


def bare_xadd(contestant: Contestant) -> bool:
    return contestant.kind is Kind.LIMIT


RATE = "jobs_per_second"

GOALS = (
    Goal(
        what="Enqueue, 64 callers: over the best asyncio Python peer",
        value=over_best("enqueue_64", RATE, asyncio_peer),
        unit=TIMES,
        least=4,
    ),
    Goal(
        what="Enqueue, 64 callers: over BullMQ",
        value=over_best("enqueue_64", RATE, bullmq),
        unit=TIMES,
        least=1.5,
    ),
    Goal(
        what="Enqueue, 64 callers",
        value=ours("enqueue_64", RATE),
        unit=PER_SECOND,
        least=40_000,
        aim=True,
    ),
    Goal(
        what="Enqueue, a lone caller: over a lone XADD by redis-py",
        value=over_best("enqueue_1", RATE, bare_xadd),
        unit=TIMES,
        least=1,
        aim=True,
    ),
    Goal(
        what="Drain of no-op jobs: over the best Python peer that delivers at least once",
        value=over_best("drain", RATE, at_least_once_python_peer),
        unit=TIMES,
        least=4,
    ),
    Goal(
        what="Drain of no-op jobs: over BullMQ",
        value=over_best("drain", RATE, bullmq),
        unit=TIMES,
        least=1,
    ),
    Goal(
        what="Drain of no-op jobs",
        value=ours("drain", RATE),
        unit=PER_SECOND,
        least=25_000,
        aim=True,
    ),
    Goal(
        what="Drain of jobs that await 10 ms: over the best Python peer",
        value=over_best("drain_10ms", RATE, python_peer),
        unit=TIMES,
        least=2,
    ),
    Goal(
        what="Drain of jobs that await 10 ms",
        value=ours("drain_10ms", RATE),
        unit=PER_SECOND,
        least=15_000,
        aim=True,
    ),
    Goal(
        what="From enqueue to start at 200 jobs/s, p50",
        value=ours("latency", "p50_ms"),
        unit=MILLISECONDS,
        most=0.6,
    ),
    Goal(
        what="The same, over the best asyncio Python peer",
        value=over_best("latency", "p50_ms", asyncio_peer, min),
        unit=TIMES,
        most=1,
    ),
    Goal(
        what="From enqueue to start at 200 jobs/s, p99",
        value=ours("latency", "p99_ms"),
        unit=MILLISECONDS,
        most=2,
    ),
    Goal(
        what="Webhook, 64 connections: requests over those of a bare handler with one XADD",
        value=beside("webhook", "requests_per_second", RAW),
        unit=TIMES,
        least=0.8,
    ),
    Goal(
        what="Webhook, 64 connections, p99",
        value=ours("webhook", "p99_ms"),
        unit=MILLISECONDS,
        most=100,
    ),
    Goal(
        what="Client time of an operation among 1,000,000 jobs: over that among 1,000",
        value=ours("depth", "enqueue_client_us_ratio", "work_off_client_us_ratio"),
        unit=TIMES,
        most=1.3,
    ),
    Goal(
        what="Server CPU of an operation among 1,000,000 jobs: over that among 1,000",
        value=ours("depth", "enqueue_server_us_ratio", "work_off_server_us_ratio"),
        unit=TIMES,
        most=1.3,
    ),
    Goal(
        what="Memory a waiting job, of 100,000",
        value=ours("memory", "memory_bytes_per_job"),
        unit=BYTES,
        most=500,
    ),
    Goal(
        what="Memory a waiting job, of 1,000,000",
        value=ours("memory_million", "memory_bytes_per_job"),
        unit=BYTES,
        most=500,
    ),
    Goal(
        what="Quiet mailbox, p99 beside a backlog that awaits 10 ms a job: over p99 alone",
        value=ratio("neighbour", "10ms_beside_p99_ms", "10ms_alone_p99_ms"),
        unit=TIMES,
        most=2,
    ),
    Goal(
        what="Quiet mailbox, p99 beside a backlog of no-op jobs: over p99 alone",
        value=ratio("neighbour", "noop_beside_p99_ms", "noop_alone_p99_ms"),
        unit=TIMES,
        most=2,
    ),
    Goal(
        what="Workers killed with SIGKILL",
        value=ours("worker_crash", "kills"),
        unit=COUNT,
        least=50,
    ),
    Goal(
        what="The longest until another, started then, had done all that they left",
        value=ours("worker_crash", "done_after_s"),
        unit=SECONDS,
        most=6,
    ),
    Goal(
        what="Jobs of theirs that were lost",
        value=ours("worker_crash", "missing"),
        unit=COUNT,
        most=0,
    ),
    Goal(
        what="Jobs that a stale worker has settled",
        value=ours("worker_crash", "settled_twice"),
        unit=COUNT,
        most=0,
    ),
    Goal(
        what="Kills of the server with SIGKILL under load",
        value=ours("server_crash", "kills"),
        unit=COUNT,
        least=50,
    ),
    Goal(
        what="Jobs whose enqueueing was acknowledged, and that were lost",
        value=ours("server_crash", "lost"),
        unit=COUNT,
        most=0,
    ),
    Goal(
        what="Jobs whose settling was acknowledged, and that came back",
        value=ours("server_crash", "came_back"),
        unit=COUNT,
        most=0,
    ),
)
