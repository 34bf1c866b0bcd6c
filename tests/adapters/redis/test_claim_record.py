"""A claim that is handed to another process."""

from datetime import timedelta

import pytest

from postroom.adapters.redis.claim_record import ClaimRecords
from postroom.application.ports import Claim
from tests.contracts.pointer_queue.samples import job
from tests.providers import WIRE

RECORDS = ClaimRecords(WIRE)


@pytest.mark.parametrize("probation", [None, timedelta(), timedelta(hours=1)])
def test_it_is_the_same_there(probation: timedelta | None) -> None:
    claim = Claim(
        job("a"),
        3,
        1_900_000_000_000_000,
        crashes=2,
        solo_crashes=1,
        since_first=timedelta(minutes=5),
        probation=probation,
    )

    assert RECORDS.unpack(RECORDS.pack(claim)) == claim


def test_it_is_one_line() -> None:
    assert RECORDS.pack(Claim(job("a"), 1, 1)).count(b"\n") == 1
