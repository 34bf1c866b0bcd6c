"""A message that is to be handed over to one application, from its acceptance to its end.

`waiting` -> `calling` -> `done`, `duplicate`, `skipped`, `refused` or `dead`; `held` waits for a
person, and `shadow` for the day of the change. What has `moved` is its fallback's (`fallback.py`).
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from postroom.domain.handover.answer import (
    Answer,
    Busy,
    Done,
    Duplicate,
    Failed,
    InProgress,
    Refused,
    Skipped,
    Unreachable,
    is_sure,
)
from postroom.domain.handover.application import WhenUnsure
from postroom.domain.handover.health import FIRST_PAUSE, LONGEST_PAUSE, LONGEST_WISH, Health

KEY_GOOD_FOR = timedelta(days=37)
"""For so long after its acceptance (or its redrive) a message may be called with by itself."""

MARGIN = timedelta(seconds=15)
"""By which a lease outlasts the longest call."""

CHARGES = tuple(
    timedelta(minutes=minutes) for minutes in (1, 5, 30, 2 * 60, 5 * 60, 8 * 60, 10 * 60)
)
"""How long a message waits that is at fault. When it has been so once more, it is dead."""

MOST_FORGIVEN = 3
"""Failures that are taken for an outage's: messages that always fail together must be found."""

STRUGGLING = 3
"""Charges after which a person is to hear of it."""

IN_PROGRESS_WAITS = (timedelta(seconds=2), timedelta(seconds=10), timedelta(minutes=1))


class State(StrEnum):
    WAITING = "waiting"
    CALLING = "calling"
    DONE = "done"
    DUPLICATE = "duplicate"
    SKIPPED = "skipped"
    REFUSED = "refused"
    DEAD = "dead"
    HELD = "held"
    SHADOW = "shadow"
    MOVED = "moved"


DEAD_LETTERS = frozenset({State.REFUSED, State.DEAD})

ENDED = DEAD_LETTERS | {State.DONE, State.DUPLICATE, State.SKIPPED, State.MOVED}

BACKLOG = frozenset({State.WAITING, State.CALLING})

COUNTED = BACKLOG | {State.HELD}
"""Against the limits of an application: what waits for a person fills a disk, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Handover:
    """*key* names it for the application: see `handover_key`.

    *fence* counts the calls begun, and proves whose call it is; *unsure* counts those whose end is
    not known. *failed_began* is when the last call began, if it failed and is not judged yet;
    *failures* counts such calls in a row. *charged* counts those that were its own fault, and
    *forgiven* those that were an outage's.
    *may_be_handled* is False as long as the application has surely not handled it. *sequence* is
    its place among those of its mailbox, where the application wants an order. *redriven_at* is
    when a person had it called with again.
    """

    tenant: str
    application: str
    key: str
    mailbox: str
    identity: str
    received_at: datetime
    accepted_at: datetime
    state: State
    due_at: datetime
    fence: int = 0
    lease_until: datetime | None = None
    began_at: datetime | None = None
    failed_began: datetime | None = None
    failures: int = 0
    unsure: int = 0
    charged: int = 0
    forgiven: int = 0
    may_be_handled: bool = False
    sequence: int | None = None
    reference: str = ""
    url: str = ""
    reason: str = ""
    ended_at: datetime | None = None
    redriven_at: datetime | None = None

    @property
    def keep_key_until(self) -> datetime:
        return self.accepted_at + KEY_GOOD_FOR

    @property
    def lane(self) -> str:
        """What takes turns with others of its application: a mailbox. A tenant holds no slash."""
        return f"{self.tenant}/{self.mailbox}"

    @property
    def is_of_event(self) -> bool:
        """An event is in no mailbox: so whoever looks for the mail of one finds none."""
        return not self.mailbox

    @property
    def has_ended(self) -> bool:
        return self.state in ENDED

    def is_due(self, now: datetime) -> bool:
        match self.state:
            case State.WAITING:
                return self.due_at <= now
            case State.CALLING:
                return self.lease_until is not None and self.lease_until <= now
            case _:
                return False

    def before_call(self, health: Health, when_unsure: WhenUnsure, now: datetime) -> "Handover":
        """What is to be done with it, which is due: call (`is_callable`), or what else it becomes.

        A call whose worker has died is one whose end is not known.
        """
        found = self._abandoned(when_unsure, now) if self.state is State.CALLING else self
        if found.state is not State.WAITING:
            return found
        if now >= (self.redriven_at or self.accepted_at) + KEY_GOOD_FOR:
            return found.held("its key may be forgotten by now", now)
        if found.failed_began is None:
            return found
        if found.forgiven < MOST_FORGIVEN and health.forgives(found.failed_began):
            return replace(found, failed_began=None, forgiven=found.forgiven + 1)
        return found._charged(now) if health.proves_at_fault(found.failed_began) else found

    def _abandoned(self, when_unsure: WhenUnsure, now: datetime) -> "Handover":
        found = replace(
            self,
            state=State.WAITING,
            lease_until=None,
            unsure=self.unsure + 1,
            may_be_handled=True,
            reason="the worker that called was lost",
        )
        return found.held(found.reason, now) if when_unsure is WhenUnsure.HOLD else found

    def _charged(self, now: datetime) -> "Handover":
        charged = replace(self, charged=self.charged + 1, failed_began=None, failures=0)
        if charged.charged > len(CHARGES):
            reason = f"{charged.charged} calls failed while other messages were taken"
            return replace(
                charged, state=State.DEAD, ended_at=now, reason=f"{reason}: {self.reason}"
            )
        return replace(charged, due_at=now + CHARGES[charged.charged - 1])

    def held(self, reason: str, now: datetime) -> "Handover":
        """As it waits for a person, who is to do what *reason* says."""
        return replace(self, state=State.HELD, lease_until=None, due_at=now, reason=reason)

    def is_callable(self, now: datetime) -> bool:
        return self.state is State.WAITING and self.due_at <= now

    def calling(self, now: datetime, timeout: timedelta) -> "Handover":
        return replace(
            self,
            state=State.CALLING,
            fence=self.fence + 1,
            began_at=now,
            lease_until=now + timeout + MARGIN,
        )

    def settled(
        self, answer: Answer, *, fence: int, when_unsure: WhenUnsure, now: datetime, draw: float
    ) -> "Handover":
        """After *answer* to its call of that *fence*.

        A final answer holds whoever brings it: what the application said of a key is true. The
        first one stays, but that `done` replaces `refused`. Any other counts for the latest call.
        """
        match answer:
            case Done(reference=reference, url=url):
                return self._ended(State.DONE, now, reference=reference, url=url)
            case Duplicate(reference=reference, url=url):
                return self._ended(State.DUPLICATE, now, reference=reference, url=url)
            case Skipped(reason=reason):
                return self._ended(State.SKIPPED, now, reason=reason)
            case Refused(reason=reason):
                return self._ended(State.REFUSED, now, reason=reason or "the application refused")
            case _ if self.state is not State.CALLING or self.fence != fence:
                return self
            case _:
                return self._again(answer, when_unsure, now, draw)

    def moved(self, to: State, reason: str, now: datetime) -> "Handover":
        """As a person wants it: `waiting`, as if it had never been called with, or ended.

        The fence goes on: an answer to an earlier call is none to a later one. So does what is
        known of the application: a call that is on its way may have its effect.
        """
        is_out = self.state is State.CALLING
        moved = replace(
            self,
            state=to,
            due_at=now,
            lease_until=None,
            failed_began=None,
            reason=reason,
            may_be_handled=self.may_be_handled or is_out or to is State.DONE,
            ended_at=now,
        )
        return moved if moved.has_ended else moved._fresh(now)

    def _fresh(self, now: datetime) -> "Handover":
        return replace(
            self,
            began_at=None,
            failures=0,
            unsure=0,
            charged=0,
            forgiven=0,
            reference="",
            url="",
            ended_at=None,
            redriven_at=now,
        )

    def _ended(
        self, state: State, now: datetime, *, reference: str = "", url: str = "", reason: str = ""
    ) -> "Handover":
        replaces = self.state is State.REFUSED and state in (State.DONE, State.DUPLICATE)
        if self.has_ended and not replaces and self.state is not State.DEAD:
            return self
        return replace(
            self,
            state=state,
            lease_until=None,
            failed_began=None,
            reference=reference,
            url=url,
            reason=reason,
            may_be_handled=state in (State.DONE, State.DUPLICATE),
            ended_at=now,
        )

    def _again(
        self, answer: Answer, when_unsure: WhenUnsure, now: datetime, draw: float
    ) -> "Handover":
        sure = is_sure(answer)
        again = replace(
            self,
            state=State.WAITING,
            lease_until=None,
            unsure=self.unsure + (not sure),
            may_be_handled=self.may_be_handled or not sure,
            reason=_reason(answer),
        )
        if not sure and when_unsure is WhenUnsure.HOLD:
            return again.held(again.reason, now)
        match answer:
            case InProgress(retry_after=wish):
                wait = wish or IN_PROGRESS_WAITS[min(self.failures, len(IN_PROGRESS_WAITS) - 1)]
                later = replace(again, failures=self.failures + 1)
                return replace(later, due_at=now + min(wait, LONGEST_WISH))
            case Failed():
                wait = min(FIRST_PAUSE * 2 ** min(self.failures, 16), LONGEST_PAUSE)
                return replace(
                    again,
                    failed_began=self.began_at,
                    failures=self.failures + 1,
                    due_at=now + wait * (1 - draw / 4),
                )
            case _:  # the application is paused, and the message is not at fault
                return replace(again, due_at=now)


def _reason(answer: Answer) -> str:
    match answer:
        case InProgress():
            return "the application is working on it"
        case Busy(status=status):
            return f"the application asks for time ({status})"
        case Failed(reason=reason) | Unreachable(reason=reason):
            return reason
        case _:
            return ""
