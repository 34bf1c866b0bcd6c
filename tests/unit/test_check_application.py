"""What the check says of applications that answer rightly, and of those that do not."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pytest

from postroom.application.check_application import AT_ONCE, CheckApplication, Sample, Send
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

ONE, ANOTHER = Sample("msg_one", b"{}"), Sample("msg_another", b"{}")
FORBIDDEN = Failed(status=401, reason="the application answered 401", sure=True)


@dataclass
class Keeper(Send):
    """It keeps its keys. *of_known* is its answer to one that it knows."""

    of_known: Callable[[str], Answer] = lambda ticket: Duplicate(status=208, reference=ticket)
    tickets: dict[str, str] = field(default_factory=dict)

    async def __call__(self, sample: Sample, *, forged: bool = False) -> Answer:
        if forged:
            return FORBIDDEN
        if sample.key in self.tickets:
            return self.of_known(self.tickets[sample.key])
        self.tickets[sample.key] = str(len(self.tickets))
        return Done(status=201, reference=self.tickets[sample.key])


@dataclass
class Forgetful(Send):
    """It makes a ticket at each call, or has done so when it looks whether it should."""

    looks: bool
    tickets: dict[str, int] = field(default_factory=dict)
    count: int = 0

    async def __call__(self, sample: Sample, *, forged: bool = False) -> Answer:
        if forged:
            return FORBIDDEN
        if self.looks and sample.key in self.tickets:
            return Duplicate(status=208, reference=f"{self.tickets[sample.key]}")
        await asyncio.sleep(0)
        self.count += 1
        self.tickets[sample.key] = self.count
        return Done(status=201, reference=f"{self.count}")


@dataclass
class Scripted(Send):
    """It gives these answers, one after the other, and then the last one."""

    answers: Sequence[Answer]
    forged: Answer = FORBIDDEN
    calls: int = 0

    async def __call__(self, sample: Sample, *, forged: bool = False) -> Answer:  # noqa: ARG002
        if forged:
            return self.forged
        self.calls += 1
        return self.answers[min(self.calls, len(self.answers)) - 1]


NEW, KNOWN = Done(status=201, reference="7"), Duplicate(status=208, reference="7")
PLAIN = Done(status=200)


async def found(send: Send, one: Sample = ONE, another: Sample = ANOTHER) -> Sequence[str]:
    return await CheckApplication(send)(one, another)


async def test_nothing_is_wrong_with_one_that_keeps_its_keys() -> None:
    assert await found(Keeper()) == []


async def test_or_with_one_that_repeats_its_answer() -> None:
    assert await found(Keeper(lambda ticket: Done(status=201, reference=ticket))) == []


async def test_or_with_one_that_has_most_calls_at_once_wait() -> None:
    waiting: list[Answer] = [InProgress(status=409), Busy(status=503, sure=False)]

    assert await found(Scripted([NEW, KNOWN, NEW, *waiting, KNOWN])) == []


async def test_a_sample_without_effect_is_said_200_to() -> None:
    samples = [Sample(key, b"{}", has_effect=False) for key in ("msg_one", "msg_another")]

    assert await found(Scripted([PLAIN]), *samples) == []


@pytest.mark.parametrize(
    ("first", "sentence"),
    [
        (KNOWN, "takes every key for known loses all mail."),
        (FORBIDDEN, "was not taken: the application answered 401."),
        (Unreachable(reason="connection refused"), "was not taken: connection refused."),
        (Skipped(status=200, reason="spam"), "was not taken: it was skipped ('spam')."),
        (Refused(status=422, reason="spam"), "was not taken: it was refused ('spam')."),
        (Busy(status=503, sure=False), "was not taken: it was answered 503."),
    ],
)
async def test_if_the_first_call_is_not_taken_no_other_is_made(
    first: Answer, sentence: str
) -> None:
    application = Scripted([first])

    [said] = await found(application)

    assert said.endswith(sentence)
    assert application.calls == 1


@pytest.mark.parametrize(
    ("second", "sentence"),
    [
        (Done(status=201, reference="8"), "with the reference '8', the first with '7'"),
        (Duplicate(status=208), "with the reference '', the first with '7'"),
        (Done(status=200, reference="7"), "answered 201, the second 200: answer 208"),
        (FORBIDDEN, "The second call of a key was not taken: the application answered 401."),
    ],
)
async def test_a_second_answer_that_is_neither_208_nor_the_same(
    second: Answer, sentence: str
) -> None:
    [said] = await found(Scripted([NEW, second, NEW]))

    assert sentence in said


async def test_two_answers_without_a_reference_prove_nothing() -> None:
    [said] = await found(Scripted([Done(status=201)]))

    assert "cannot be seen" in said


async def test_one_that_keeps_no_keys_is_found_twice() -> None:
    in_turn, at_once = await found(Forgetful(looks=False))

    assert "with the reference '2', the first with '1'" in in_turn
    assert f"{AT_ONCE} calls of one key at once were answered with {AT_ONCE} references" in at_once


async def test_one_that_looks_before_it_stores_is_found_by_calls_at_once() -> None:
    [said] = await found(Forgetful(looks=True))

    assert "have a unique constraint" in said


@pytest.mark.parametrize(
    ("at_once", "sentence"),
    [
        ([KNOWN], "none was answered as the first"),
        ([NEW, FORBIDDEN], "not all were taken: the application answered 401."),
        ([InProgress(status=409)], "not all were taken: it was answered 409."),
    ],
)
async def test_calls_at_once_of_which_one_must_be_the_first(
    at_once: Sequence[Answer], sentence: str
) -> None:
    [said] = await found(Scripted([NEW, KNOWN, *at_once]))

    assert sentence in said


@pytest.mark.parametrize("forged", [NEW, KNOWN, PLAIN, Skipped(status=200)])
async def test_a_forged_call_must_not_be_taken(forged: Answer) -> None:
    [said] = await found(Scripted([NEW, KNOWN, NEW, KNOWN], forged))

    assert "verify the signature" in said
