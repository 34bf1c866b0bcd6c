"""How a dead letter says to a person what has been tried."""

import pytest

from postroom.adapters.memory.clock import ManualClock
from postroom.entrypoints.cli.dead_output import print_letter
from postroom.entrypoints.views.dead_letters import DeadLetterView, ReasonView


@pytest.mark.parametrize(
    ("attempts", "crashes", "said"),
    [
        (1, 0, "after 1 attempt\n"),
        (10, 0, "after 10 attempts\n"),
        (1, 1, "after 1 attempt and 1 crash\n"),
        (2, 3, "after 2 attempts and 3 crashes\n"),
    ],
)
def test_attempts_and_crashes_are_counted_apart(
    capsys: pytest.CaptureFixture[str], clock: ManualClock, attempts: int, crashes: int, said: str
) -> None:
    letter = DeadLetterView(
        id="j1",
        tenant="acme",
        mailbox="support",
        job=None,
        attempts=attempts,
        crashes=crashes,
        reasons=[ReasonView(clock.now(), "broken")],
        died_at=clock.now(),
    )

    print_letter(letter)

    assert said in capsys.readouterr().out
