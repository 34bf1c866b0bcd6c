"""Check that an application takes each message once, as far as its answers show.

A sample is sent, and again; another is sent several times at once; and one as a forger would.
What a crash of the application costs cannot be seen from here.
"""

import asyncio
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

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
)

AT_ONCE = 8
"""Calls of one key, as many as an application has by default (`Application.in_flight`)."""


@dataclass(frozen=True, slots=True)
class Sample:
    """*has_effect* is False for what an application is only to say 200 to (`postroom.test`)."""

    key: str
    body: bytes
    has_effect: bool = True


class Send(Protocol):
    @abstractmethod
    async def __call__(self, sample: Sample, *, forged: bool = False) -> Answer:
        """Call the application; *forged* is signed with a secret that it does not know."""


@dataclass(frozen=True, slots=True)
class CheckApplication:
    send: Send

    async def __call__(self, one: Sample, another: Sample) -> Sequence[str]:
        """What is wrong, a sentence each. *another* has a key of its own.

        What the application answers is quoted, and not to be trusted.
        """
        first = await self.send(one)
        if not isinstance(first, Done):
            return [_not_taken(first)]
        second = await self.send(one)
        together = await asyncio.gather(*(self.send(another) for _ in range(AT_ONCE)))
        forged = await self.send(one, forged=True)
        wrong = (_in_turn(first, second, one), _at_once(together), _forged(forged))
        return [sentence for sentence in wrong if sentence]


def _not_taken(first: Answer) -> str:
    if isinstance(first, Duplicate):
        return (
            "The first call of a key was answered as one that is known:"
            " an application that takes every key for known loses all mail."
        )
    return f"The first call was not taken: {_described(first)}."


def _in_turn(first: Done, second: Answer, sample: Sample) -> str:
    match second:
        case Done() | Duplicate() if second.reference != first.reference:
            return (
                f"The second call of a key was answered with the reference {second.reference!r},"
                f" the first with {first.reference!r}: store the key, and the reference beside it."
            )
        case Done() if second.status != first.status:
            return (
                f"The first call of a key was answered {first.status}, the second {second.status}:"
                " answer 208, or what the first was answered."
            )
        case Done() if sample.has_effect and not second.reference:
            return (
                "The second call of a key was answered as the first, and neither has a reference:"
                " whether there was a second effect cannot be seen. Answer 208."
            )
        case Done() | Duplicate():
            return ""
        case _:
            return f"The second call of a key was not taken: {_described(second)}."


def _at_once(answers: Sequence[Answer]) -> str:
    taken = [each for each in answers if isinstance(each, Done | Duplicate)]
    references = len({each.reference for each in taken})
    if references > 1:
        return (
            f"{len(answers)} calls of one key at once were answered with {references} references:"
            " have a unique constraint on the key, in the transaction of the effect."
        )
    if taken and not any(isinstance(each, Done) for each in taken):
        return "Of several calls of a new key at once, none was answered as the first."
    failed = [each for each in answers if not isinstance(each, _BEARABLE)]
    if failed or not taken:
        described = _described((failed or answers)[0])
        return f"Of {len(answers)} calls of one key at once, not all were taken: {described}."
    return ""


_BEARABLE = (Done, Duplicate, InProgress, Busy)
"""Of several calls of one key at once, as long as one of them is taken."""


def _forged(answer: Answer) -> str:
    if not isinstance(answer, Done | Duplicate | Skipped):
        return ""
    return "A call that was signed with another secret was taken: verify the signature."


def _described(answer: Answer) -> str:
    match answer:
        case Failed(reason=reason) | Unreachable(reason=reason):
            return reason
        case Skipped(reason=reason):
            return f"it was skipped ({reason!r})"
        case Refused(reason=reason):
            return f"it was refused ({reason!r})"
        case Done() | Duplicate() | InProgress() | Busy():
            return f"it was answered {answer.status}"
