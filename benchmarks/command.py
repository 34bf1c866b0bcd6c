"""The command line: `python -m benchmarks`."""

import argparse
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import NoReturn

from benchmarks import machine, report
from benchmarks.contestants import ALL as CONTESTANTS
from benchmarks.contestants import Contestant
from benchmarks.environments import ROOT, LeftOutError, versions_of
from benchmarks.plan import Forecast, Step, plan
from benchmarks.results import Measurement, Results, rounded
from benchmarks.scenarios import ALL as SCENARIOS
from benchmarks.scenarios.scenario import FULL, QUICK, Bench, Scenario
from benchmarks.server import on_cpus
from benchmarks.tables import tables
from postroom.adapters.clock import SystemClock

DOCS = ROOT / "docs"


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    if options.report:
        report.write(Results.load(options.report), options.docs or DOCS)
        return 0
    options.data.mkdir(parents=True, exist_ok=True)
    scenarios, contestants = _chosen(options.only)
    results, present = _prepare(options, contestants)
    server_cpus, other_cpus = machine.split_cpus() if options.pin else (frozenset(), frozenset())
    bench = Bench(
        data=options.data,
        scale=QUICK if options.quick else FULL,
        appendfsync=options.appendfsync,
        server_cpus=server_cpus,
        concurrency=options.concurrency,
    )
    with on_cpus(other_cpus):
        _measure(bench, plan(scenarios, present, options.runs), results)
    docs = options.docs or (None if options.quick or options.only else DOCS)
    if docs:
        report.write(results, docs)
        _say(f"written: {docs / report.PAGE}, {docs / report.RESULTS}")
    else:
        sys.stdout.write(f"{tables(results)}\n")
    return 1 if results.failures else 0


def _parser() -> argparse.ArgumentParser:
    names = ", ".join([one.name for one in CONTESTANTS] + [one.name for one in SCENARIOS])
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="Measure this queue beside others."
    )
    parser.add_argument("--runs", type=int, default=3, help="how often all is measured (3)")
    parser.add_argument("--quick", action="store_true", help="a trial with few jobs")
    parser.add_argument(
        "--only", nargs="+", default=[], metavar="NAME", help=f"queues, scenarios, or both: {names}"
    )
    parser.add_argument(
        "--appendfsync", choices=["always", "everysec", "no"], default="always", help="(always)"
    )
    parser.add_argument(
        "--no-pin", dest="pin", action="store_false", help="do not give the server its own CPU"
    )
    parser.add_argument(
        "--concurrency", type=int, default=0, help="of every worker, to find the best one"
    )
    parser.add_argument(
        "--data",
        type=Path,
        default=ROOT / ".bench",
        help="on a real disk (.bench)",
    )
    parser.add_argument(
        "--docs",
        type=Path,
        help="where to write what is found (docs, unless --quick or --only is given)",
    )
    parser.add_argument(
        "--report", type=Path, metavar="FILE", help="measure nothing: write FILE down again"
    )
    return parser


def _chosen(names: Sequence[str]) -> tuple[Sequence[Scenario], Sequence[Contestant]]:
    """What is asked for; all scenarios, or all contestants, where none is named."""
    known = {one.name for one in SCENARIOS} | {one.name for one in CONTESTANTS}
    if unknown := set(names) - known:
        sys.exit(f"benchmarks: there is no {', '.join(sorted(unknown))}; see --help")
    return (
        [one for one in SCENARIOS if one.name in names] or SCENARIOS,
        [one for one in CONTESTANTS if one.name in names] or CONTESTANTS,
    )


def _prepare(
    options: argparse.Namespace, contestants: Sequence[Contestant]
) -> tuple[Results, Sequence[Contestant]]:
    """Results that are still empty, and the contestants that can be measured here."""
    versions, left_out = {}, {}
    for contestant in contestants:
        try:
            versions[contestant.name] = versions_of(contestant)
        except LeftOutError as why:
            left_out[contestant.name] = str(why)
            _say(f"{contestant.name} is left out: {why}")
    results = Results(
        date=SystemClock().now().date().isoformat(),
        machine=machine.describe(options.data),
        settings={
            "scale": "quick" if options.quick else "full",
            "runs": options.runs,
            "appendfsync": options.appendfsync,
            "pinned": options.pin and bool(machine.split_cpus()[0]),
        },
        versions=versions,
        left_out=left_out,
    )
    return results, [one for one in contestants if one.name in versions]


def _measure(bench: Bench, steps: Sequence[Step], results: Results) -> None:
    """Take each step, and keep what is found so far beside the servers' data."""
    forecast = Forecast()
    _say(
        f"{len(steps)} steps, about {forecast.of(steps) / 60:.0f} minutes in the full benchmark;"
        f" the load of this machine is {os.getloadavg()[0]:.1f}, and should be near 0"
    )
    for number, step in enumerate(steps):
        left = forecast.of(steps[number:])
        _say(
            f"{number + 1}/{len(steps)} {step.name}, run {step.run},"
            f" about {left / 60:.0f} min left … ",
            end="",
        )
        begun = time.monotonic()
        results.measurements += _take(bench, step)
        _say(f"{forecast.learn(step, begun):.1f} s", prefix="")
        results.save(bench.data / "results.json")


def _take(bench: Bench, step: Step) -> Sequence[Measurement]:
    name, run = step.scenario.name, step.run
    try:
        found = step.scenario.measure(bench, step.contestants)
    except Exception as error:  # noqa: BLE001 - a queue that fails is a result, too
        failure = f"{type(error).__name__}: {error}"
        return [
            Measurement(scenario=name, contestant=one.name, run=run, failure=failure)
            for one in step.contestants
        ]
    return [
        Measurement(scenario=name, contestant=one, run=run, figures=rounded(figures))
        for one, figures in found.items()
    ]


def leave(_number: int, _frame: FrameType | None) -> NoReturn:
    """As Ctrl-C does: every block is left, so that no server and no worker is left behind."""
    raise SystemExit(128 + signal.SIGTERM)


def _say(text: str, *, prefix: str = "benchmarks: ", end: str = "\n") -> None:
    sys.stderr.write(f"{prefix}{text}{end}")
    sys.stderr.flush()
