"""The other system's list beside ours, while both see the same mail and one of them handles it."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

LATE = timedelta(seconds=60)
"""A folder that is polled is synced once in that time."""

BY_MESSAGE_ID = "rfc5322:"
"""How the name of an identity begins that both systems can know: see `domain/identity.py`."""


class Result(StrEnum):
    """What has become of a message, or would."""

    HANDLED = "handled"
    SKIPPED = "skipped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Theirs:
    """A line of the other system's list. *mailbox* is an address in lower case.

    *identity* is the name that the message's identity has here.
    """

    line: int
    identity: str
    mailbox: str
    handled_at: datetime
    result: Result = Result.HANDLED


@dataclass(frozen=True, slots=True, kw_only=True)
class Ours:
    """A message that was accepted in shadow."""

    tenant: str
    mailbox: str
    identity: str
    accepted_at: datetime
    result: Result = Result.HANDLED


@dataclass(slots=True)
class Comparison:
    """*same* counts the messages of which both say the same; a pair may be late and different.

    *unnamed* counts ours without a Message-ID, which no list of another system can name.
    """

    only_there: list[Theirs] = field(default_factory=list)
    only_here: list[Ours] = field(default_factory=list)
    late: list[tuple[Theirs, Ours]] = field(default_factory=list)
    different: list[tuple[Theirs, Ours]] = field(default_factory=list)
    same: int = 0
    unnamed: int = 0

    def add(self, other: "Comparison") -> None:
        """What is to be said of another mailbox."""
        self.only_there += other.only_there
        self.only_here += other.only_here
        self.late += other.late
        self.different += other.different
        self.same += other.same
        self.unnamed += other.unnamed


def compare(
    theirs: Iterable[Theirs], ours: Iterable[Ours], *, since: datetime, until: datetime
) -> Comparison:
    """Both lists of one mailbox. What one has from outside of *since* to *until* only explains.

    Of several messages under one Message-ID the first of both are one, then the second, and so on.
    """
    found = Comparison()
    waiting: defaultdict[str, list[Ours]] = defaultdict(list)
    for mine in sorted(ours, key=lambda each: each.accepted_at, reverse=True):
        if mine.identity.startswith(BY_MESSAGE_ID):
            waiting[mine.identity].append(mine)
        else:
            found.unnamed += since <= mine.accepted_at <= until
    for its in sorted(theirs, key=lambda each: each.handled_at):
        if mine_too := waiting.get(its.identity):
            _add_pair(found, its, mine_too.pop())
        elif since <= its.handled_at <= until:
            found.only_there.append(its)
    left = [
        each for some in waiting.values() for each in some if since <= each.accepted_at <= until
    ]
    found.only_here = sorted(left, key=lambda each: each.accepted_at)
    return found


def _add_pair(found: Comparison, its: Theirs, mine: Ours) -> None:
    is_late = mine.accepted_at > its.handled_at + LATE
    is_different = mine.result is not its.result
    if is_late:
        found.late.append((its, mine))
    if is_different:
        found.different.append((its, mine))
    found.same += not (is_late or is_different)
