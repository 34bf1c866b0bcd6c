"""Takes in notifications, pushed or pulled: what is announced is queued, what is not is logged."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from postroom.application.ports import Announced, Notification, NotificationReader, Rejected
from postroom.entrypoints.api.ingress import Batch, Services, queue_all
from postroom.entrypoints.telemetry.notifications import note

MAX_LOGGED = 10
"""Log lines at a time that say what was rejected; what is beyond them is summed up."""


async def take_in(
    services: Services,
    provider: str,
    reader: NotificationReader,
    notifications: Sequence[Notification],
) -> int:
    """How many were announced, once they are queued for good. Raises Unavailable."""
    if rejected := [each for each in notifications if isinstance(each, Rejected)]:
        log_rejected(services, provider, reader, rejected)
    batches: dict[tuple[str, str], Batch] = {}
    for each in notifications:
        if isinstance(each, Announced):
            key = each.route.tenant, each.route.id
            batches.setdefault(key, Batch(each.route, [])).pointers.append(each.pointer)
    if batches:
        await queue_all(services, list(batches.values()))
    return sum(len(batch.pointers) for batch in batches.values())


def log_rejected(
    services: Services, provider: str, reader: NotificationReader, rejected: Sequence[Rejected]
) -> None:
    shown = [
        replace(each, subscription_id=reader.loggable(each.subscription_id)) for each in rejected
    ]
    for each, count in _summed_up(shown).items():
        names = ("subscription_id", "tenant", "mailbox")
        fields = {name: value for name in names if (value := getattr(each, name))}
        note(services.telemetry, provider, each.result, count=count, **fields)


def _summed_up(rejected: Iterable[Rejected]) -> Counter[Rejected]:
    """How many of each: the most frequent MAX_LOGGED as they are, the rest by result."""
    ranked = Counter(rejected).most_common()
    summed_up = Counter(dict(ranked[:MAX_LOGGED]))
    for each, count in ranked[MAX_LOGGED:]:
        summed_up[Rejected(each.result)] += count
    return summed_up
