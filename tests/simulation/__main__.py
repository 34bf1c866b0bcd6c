"""python -m tests.simulation [SEEDS]: see --help, and `make simulate`."""

import os
import sys
import time
from argparse import ArgumentParser, Namespace
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial

if os.environ.get("PYTHONHASHSEED") != "0":  # the order in a set of texts is a part of the run
    os.environ["PYTHONHASHSEED"] = "0"
    os.execv(sys.executable, [sys.executable, "-m", "tests.simulation", *sys.argv[1:]])

from postroom.entrypoints.telemetry.sdk import Telemetry, open_telemetry
from tests.simulation.draw import draw_plan
from tests.simulation.plan import Plan
from tests.simulation.run import Report, run
from tests.simulation.search import medians
from tests.simulation.shrink import as_code, shrink

TOLD_EVERY = 10.0
"""Seconds between two lines of progress."""

SHOWN = 60
"""Lines of a trace that lead up to what was broken."""


SEARCHES = 5
"""For each mutation, each with other seeds."""


def main() -> int:
    chosen = _arguments()
    if chosen.mutations:
        return _search_for_mutations(chosen.mutations)
    found: defaultdict[str, list[int]] = defaultdict(list)
    hours, begun, told = [], time.perf_counter(), time.perf_counter()
    with open_telemetry() as telemetry:
        for seed in chosen.seeds:
            if time.perf_counter() - begun > 60 * chosen.minutes:
                break
            report = run(_plan(seed, chosen), telemetry)
            hours.append(report.hours)
            _collect(report, found)
            if chosen.trace:
                print("\n".join(report.trace.lines))
            if chosen.digests:
                print(seed, report.trace.digest, len(report.trace.lines), "lines")
            elif report.broken:
                print("\n".join(_told(report, telemetry, shrunk=not chosen.all)), flush=True)
                if not chosen.all:
                    break
            if time.perf_counter() - told > TOLD_EVERY:
                told = time.perf_counter()
                rate = len(hours) / (told - begun)
                print(f"seed {seed}: {len(hours)} run, {rate:.1f} a second", flush=True)
    _sum_up(hours, time.perf_counter() - begun, found)
    return 1 if found else 0


def _search_for_mutations(most: int) -> int:
    with open_telemetry() as telemetry:
        for name, said in medians(telemetry, times=SEARCHES, most=most):
            print(f"{name}: {said}", flush=True)
    return 0


def _arguments() -> Namespace:
    parser = ArgumentParser(prog="python -m tests.simulation")
    parser.add_argument(
        "seeds", type=_seeds, nargs="?", default=range(200), help="a number, or a range: 100-149"
    )
    parser.add_argument("--all", action="store_true", help="go on after a seed that breaks a rule")
    parser.add_argument("--wire", action="store_true", help="with real adapters in every seed")
    parser.add_argument("--trace", action="store_true", help="show all that happens")
    parser.add_argument("--digests", action="store_true", help="show a digest of each trace")
    parser.add_argument(
        "--mutations", type=int, nargs="?", const=200, help="how soon would broken rules be found?"
    )
    parser.add_argument("--minutes", type=float, default=1e9, help="after which no seed is begun")
    return parser.parse_args()


def _seeds(text: str) -> Iterable[int]:
    first, dash, last = text.partition("-")
    return range(int(first), int(last) + 1) if dash else range(int(text))


def _plan(seed: int, chosen: Namespace) -> Plan:
    plan = draw_plan(seed)
    return replace(plan, on_the_wire=True) if chosen.wire else plan


def _collect(report: Report, found: defaultdict[str, list[int]]) -> None:
    patterns = {each.pattern for each in report.trace.violations if each.rule in report.broken}
    for pattern in sorted(patterns):
        found[pattern].append(report.plan.seed)


def _told(report: Report, telemetry: Telemetry, *, shrunk: bool) -> Iterator[str]:
    """The seed, what it broke, and (if it is the one to look at) how, and by what little."""
    plan = report.plan
    yield f"\nseed {plan.seed}: {'; '.join(map(str, plan.faults))}; {len(plan.mails)} mails"
    broken = [each for each in report.trace.violations if each.rule in report.broken]
    for rule, count in Counter(each.rule for each in broken).items():
        first = next(each for each in broken if each.rule == rule)
        yield f"    {count} x {first} (at {first.at:.0f} s)"
    if not shrunk:
        return
    rule = broken[0].rule
    small = shrink(plan, partial(_breaks, rule, telemetry))
    again = run(small, telemetry)
    yield f"\nThe trace of the smallest plan that breaks “{rule}”, its last {SHOWN} lines:"
    yield from again.trace.lines[-SHOWN:]
    yield from (str(each) for each in again.trace.violations if each.rule == rule)
    yield f"\nThe plan:\n{as_code(small)}"


def _breaks(rule: str, telemetry: Telemetry, plan: Plan) -> bool:
    return rule in run(plan, telemetry).broken


def _sum_up(hours: list[float], wall: float, found: defaultdict[str, list[int]]) -> None:
    cpu = time.process_time()
    print(
        f"{len(hours)} seeds, {sum(hours):.0f} simulated hours, {wall:.0f} s, {cpu:.0f} s of CPU,"
        f" {len(hours) / max(wall, 0.001):.1f} seeds a second"
    )
    for pattern, seeds in sorted(found.items()):
        print(f"{len(seeds):6} {pattern}: {seeds[:8]}")


if __name__ == "__main__":
    sys.exit(main())
