"""What the contracts of receptions share: taking one, and what a round makes of it."""

from dataclasses import replace
from datetime import datetime, timedelta

from postroom.application.ports import Receptions
from postroom.domain.reception import Reception
from tests.contracts.samples import NOON, subscription

HOLD = timedelta(minutes=10)
LATER = NOON + timedelta(minutes=1)
TOMORROW = NOON + timedelta(days=1)


async def take_one(receptions: Receptions, now: datetime) -> Reception:
    """The one reception that is due."""
    [reception] = await receptions.take_due(now, 10, HOLD)
    return reception


def told(reception: Reception, name: str = "subscription-1") -> Reception:
    """What a round has made of *reception* that ended well."""
    return replace(
        reception.subscribed(subscription(name)),
        due_at=TOMORROW,
        reconciled_at=NOON,
        requests=frozenset(),
    )
