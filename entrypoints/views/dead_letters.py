"""Dead letters, with what ended each delivery."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from postroom.application.ports import DeadLetterPage
from postroom.domain.dead_letter import DeadLetter
from postroom.entrypoints.views.jobs import JobView, job_view


@dataclass(frozen=True, slots=True)
class ReasonView:
    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class DeadLetterView:
    """*id* is the job's; *job* is null where its record cannot be read. *kind* is `pointer`.

    Or *kind* is `handover`: a message that was accepted, and that *application* has not taken; the
    *id* is its name, a colon, and the handover's key. *may_be_handled* is false if the application
    has surely not handled it.

    *reasons* holds what ended each delivery, oldest first. *attempts* and *crashes* count since it
    was last queued.
    """

    id: str
    tenant: str
    mailbox: str
    job: JobView | None
    attempts: int
    crashes: int
    reasons: Sequence[ReasonView]
    died_at: datetime
    kind: str = "pointer"
    application: str = ""
    may_be_handled: bool = False


def dead_letter_view(letter: DeadLetter) -> DeadLetterView:
    return DeadLetterView(
        id=letter.id,
        tenant=letter.tenant,
        mailbox=letter.mailbox,
        job=job_view(letter.job) if letter.job else None,
        attempts=letter.attempts,
        crashes=letter.crashes,
        reasons=[ReasonView(at, reason) for at, reason in letter.reasons],
        died_at=letter.died_at,
        kind="handover" if letter.application else "pointer",
        application=letter.application,
        may_be_handled=letter.may_be_handled,
    )


@dataclass(frozen=True, slots=True)
class DeadLettersView:
    """*next* as `after` brings what follows: empty at the end.

    A page may hold fewer letters than `limit`, or none, and still have a next one.
    """

    letters: Sequence[DeadLetterView]
    next: str


def dead_letters_view(page: DeadLetterPage) -> DeadLettersView:
    return DeadLettersView([dead_letter_view(letter) for letter in page.letters], page.next)
