"""What the journal of workers (see probe.py) says of jobs whose worker was killed or stopped."""

from collections import Counter
from collections.abc import Iterable, Sequence
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


def ended(journal: Path) -> int:
    """How many jobs have ended so far, repetitions included. Quicker than to read it all."""
    return journal.read_bytes().count(b"ended ") if journal.exists() else 0


def numbers(entries: Iterable[Entry], what: str) -> set[int]:
    return {entry.number for entry in entries if entry.what == what}


def more_than_once(entries: Iterable[Entry], what: str) -> int:
    """How many times too often *what* was told of a job."""
    told = Counter(entry.number for entry in entries if entry.what == what)
    return told.total() - len(told)


def in_hand(entries: Iterable[Entry], worker: int, moment: int) -> set[int]:
    """The jobs that *worker* had begun, and not ended, at that *moment*."""
    before = [entry for entry in entries if entry.worker == worker and entry.moment <= moment]
    return numbers(before, "begun") - numbers(before, "ended")


def waits_for_redelivery(entries: Sequence[Entry], worker: int, stopped: int) -> dict[int, float]:
    """Seconds from the moment that *worker* was *stopped* until a job of its began with another.

    By the job's number. So may begin again what it had in hand, and what it had done, but not told
    the queue of.
    """
    its = numbers([entry for entry in entries if entry.worker == worker], "begun")
    waits: dict[int, float] = {}
    for entry in entries:
        if entry.what == "begun" and entry.number in its and entry.worker != worker:
            waits.setdefault(entry.number, (entry.moment - stopped) / 1e9)
    return waits
