"""How far a long command is, on standard error: a bar in a terminal, else a line now and then."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

EVERY = 5
"""Seconds from one line to the next."""

Report = Callable[[int], None]
"""Takes how much is done."""


@contextmanager
def progress(
    doing: str,
    total: int | None = None,
    *,
    console: Console | None = None,
    clock: Callable[[], float] = monotonic,
) -> Iterator[Report]:
    """Show how much of *total* (None: nobody knows yet) is done while the block runs."""
    shown_on = console or Console(stderr=True, highlight=False)
    if shown_on.is_terminal:
        with _bar(doing, total, shown_on) as report:
            yield report
    else:
        yield _lines(doing, total, shown_on, clock)


@contextmanager
def _bar(doing: str, total: int | None, console: Console) -> Iterator[Report]:
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    with Progress(*columns, TimeRemainingColumn(), console=console, transient=True) as bar:
        task = bar.add_task(doing, total=total)
        yield lambda done: bar.update(task, completed=done)


def _lines(doing: str, total: int | None, console: Console, clock: Callable[[], float]) -> Report:
    due = clock() + EVERY

    def report(done: int) -> None:
        nonlocal due
        if clock() >= due:
            due = clock() + EVERY
            console.print(f"{doing}: {done}" + (f" of {total}" if total is not None else ""))

    return report
