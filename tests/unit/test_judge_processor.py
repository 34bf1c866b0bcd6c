"""A message that its processor fails at costs an attempt, and is dead when it has none left."""

from dataclasses import replace
from typing import Any

from postroom.application.judge_failure import JudgeFailure
from postroom.application.ports import Claim
from postroom.domain.failure import ProcessorFailed
from postroom.domain.outcome import Dead, Retry
from postroom.domain.retry import RetryPolicy
from tests.contracts.samples import JOB, imap_mailbox

NOBODY: Any = None
FAILURE = ProcessorFailed("the processor tickets failed: ValueError")


async def test_it_is_charged_whatever_the_mailbox_and_its_provider_do() -> None:
    judge = JudgeFailure(
        *(NOBODY,) * 6, policy=RetryPolicy(max_attempts=2, draw=lambda: 0.0), draw=lambda: 0.0
    )
    claim = Claim(job=JOB, token=1, attempt=1)

    first = await judge(claim, imap_mailbox(), FAILURE, mark=NOBODY)
    last = await judge(replace(claim, attempt=2), imap_mailbox(), FAILURE, mark=NOBODY)

    assert isinstance(first, Retry)
    assert first.reason == FAILURE.reason
    assert isinstance(last, Dead)
