"""What the journal of workers (see probe.py) says of jobs whose worker was killed or stopped."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Entry:
    """What a worker, by its process id, told of a job; *moment* is `payload.now`."""

    what: str
    number: int
    moment: int
    worker: int


def read(journal: Path) -> list[Entry]:
    """What stands there so far; a line that is being written does not count."""
    if not journal.exists():
        return []
    whole, _, _ = journal.read_text().rpartition("\n")
    return [_entry(*line.split()) for line in whole.splitlines()]


def _entry(what: str, number: str, moment: str, worker: str) -> Entry:
    return Entry(what, int(number), int(moment), int(worker))


def numbers(entries: Iterable[Entry], what: str) -> set[int]:
    return {entry.number for entry in entries if entry.what == what}


def more_than_once(entries: Iterable[Entry], what: str) -> int:
    """How many times too often *what* was told of a job."""
    told = Counter(entry.number for entry in entries if entry.what == what)
    return told.total() - len(told)


def waits_for_redelivery(entries: Iterable[Entry], worker: int, stopped: int) -> dict[int, float]:
    """Seconds from the moment that *worker* was *stopped* until each job in its hands began again.

    In its hands are the jobs that it had begun and not ended; those that never began again are
    not told of.
    """
    before = [entry for entry in entries if entry.worker == worker and entry.moment <= stopped]
    in_hand = numbers(before, "begun") - numbers(before, "ended")
    waits: dict[int, float] = {}
    for entry in entries:
        if entry.what == "begun" and entry.number in in_hand and entry.worker != worker:
            waits.setdefault(entry.number, (entry.moment - stopped) / 1e9)
    return waits
