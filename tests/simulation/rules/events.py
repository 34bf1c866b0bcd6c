"""A subscriber hears of each outcome of a message, and of nothing else, under one id each."""

import json
from collections import Counter
from collections.abc import Iterator

from postroom.adapters.memory.database import Tables
from tests.simulation.applications import SUBSCRIBER
from tests.simulation.mailboxes import TENANTS
from tests.simulation.trace import Violation
from tests.simulation.world import World

HEARD = "each outcome is heard of"
MADE_UP = "what is heard of has happened"

Fact = tuple[object, object, object]
"""Job, type, attempt."""


def of_outcomes(world: World) -> Iterator[Violation]:
    """What may still become well."""
    stated, heard = _stated(world), _heard(world)
    if missing := stated - heard:
        yield Violation(HEARD, f"{missing.total()} of {stated.total()} were not")
    if strange := heard - stated:
        yield Violation(MADE_UP, f"{strange.total()} of {heard.total()} have not")


def left_over(world: World) -> Iterator[Violation]:
    """Nothing is in the outbox, or waits for a subscriber that is well."""
    for tables in _tables(world):
        waiting = sum(row.job is None for row in tables.handovers.values())
        if tables.events or waiting:
            yield Violation(HEARD, f"{len(tables.events)} undistributed, {waiting} undelivered")


def _stated(world: World) -> Counter[Fact]:
    events = [each.event for tables in _tables(world) for each in tables.outcomes]
    return Counter(
        (each.data["jobId"], each.type.value, each.data["attempt"]) for each in events if each
    )


def _heard(world: World) -> Counter[Fact]:
    bodies = map(json.loads, world.peers.by_name[SUBSCRIBER].events.values())
    return Counter(
        (body["data"]["jobId"], body["type"], body["data"]["attempt"])
        for body in bodies
        if body["type"].startswith("message.")
    )


def _tables(world: World) -> list[Tables]:
    return [world.stores.database.read(tenant) for tenant in ("", *TENANTS)]
