"""What the stores promise together: a process may die at any moment of a message's way.

The next one goes on, and an application that keeps the keys has one effect of each message.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from postroom.adapters.memory.application_caller import InMemoryApplicationCaller
from postroom.application.ports import ApplicationCaller, Call, Handovers, IdempotencyLedger
from postroom.domain.handover.answer import Answer, Done, Failed
from postroom.domain.handover.application import Application, Order
from tests.contracts.conftest import Storage, in_memory
from tests.contracts.crash_world import Result, Scenario
from tests.contracts.crashing import expected, result_of_death
from tests.contracts.handing_over import CRM
from tests.contracts.samples import imap_mailbox
from tests.crash_points import Moment
from tests.databases import empty
from tests.simulation.mutations import MUTATIONS

PORTS = {IdempotencyLedger, Handovers, ApplicationCaller}

SUPPORT = replace(imap_mailbox(), application="crm")
SALES = replace(imap_mailbox(name="sales"), application="crm")
DESK = imap_mailbox(name="desk")
ARCHIVE = replace(CRM, name="archive", destination="https://archive.example/")


def _loses_answers(caller: InMemoryApplicationCaller) -> None:
    """Of the first two calls: what they ask for is done."""

    async def behaviour(application: Application, call: Call | None) -> Answer | None:
        if call is None or len(caller.calls) > 2:
            return None
        caller.take(application, call)
        return Failed(reason="the connection was lost", sure=False)

    caller.behaviour = behaviour


def _is_down(caller: InMemoryApplicationCaller) -> None:
    """For four calls, so that a ping asks after three."""

    async def behaviour(_: Application, call: Call | None) -> Answer | None:
        is_down = call is not None and len(caller.calls) <= 4
        return Failed(reason="HTTP 500", sure=False, status=500) if is_down else None

    caller.behaviour = behaviour


def _keeps_no_keys(caller: InMemoryApplicationCaller) -> None:
    async def behaviour(application: Application, call: Call | None) -> Answer | None:
        if call is not None:
            caller.effects[application.tenant, application.name].append(call.handover.key)
        return Done(status=200)

    caller.behaviour = behaviour


ONE = Scenario([SUPPORT], [CRM], [("support", 1)])
PINGED = replace(ONE, prepare=_is_down)
SCENARIOS = {
    "several messages, with copies, and some for the help desk": Scenario(
        [SUPPORT, SALES, DESK],
        [replace(CRM, copies=("archive",)), ARCHIVE],
        [("support", 1), ("support", 2), ("sales", 3), ("support", 1), ("desk", 4), ("desk", 5)],
    ),
    "messages in order": Scenario(
        [SUPPORT], [replace(CRM, order=Order.MAILBOX)], [("support", 1), ("support", 2)]
    ),
    "answers that are lost": replace(ONE, prepare=_loses_answers),
    "an application that is down, and is sent a ping": PINGED,
}


Fresh = Callable[[], Storage]
"""Stores without a row."""


@pytest.fixture
def fresh(emptied_url: str, storage: Storage) -> Fresh:
    def emptied() -> Storage:
        empty(emptied_url)
        return storage

    return emptied if emptied_url else in_memory


async def test_whoever_dies_wherever_a_message_has_one_effect(fresh: Fresh) -> None:
    correct, moments = await expected(fresh(), ONE)

    assert await wrong_after(fresh, ONE, correct, moments) == []
    assert [len(keys) for keys in correct.effects.values()] == [1]


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS)
async def test_so_it_has_with_others_and_under_faults(scenario: Scenario) -> None:
    correct, moments = await expected(in_memory(), scenario)

    assert await wrong_after(in_memory, scenario, correct, moments) == []
    assert set(correct.effects) == {application.name for application in scenario.applications}


async def test_the_whole_way_is_watched() -> None:
    _, moments = await expected(in_memory(), PINGED)

    assert {str(moment) for moment in moments} >= {
        f"{stage} call 1 of {call}"
        for stage in ("before", "after")
        for call in (
            "PointerQueue.claim",
            "MessageFetcher.fetch",
            "BlobStore.put",
            "IdempotencyLedger.once",
            "Handovers.accept",
            "PointerQueue.acknowledge",
            "Handovers.claim",
            "ApplicationCaller.call",
            "Handovers.settle",
            "ApplicationCaller.ping",
            "Handovers.pinged",
        )
    }


@pytest.mark.parametrize(
    ("broken", "found_at"),
    [
        ("acknowledge before the commit", "at the end of call 1 of IdempotencyLedger.once"),
        ("settle before the call", "before call 1 of ApplicationCaller.call"),
    ],
)
async def test_a_wrong_order_is_found(broken: str, found_at: str) -> None:
    [mutation] = [each for each in MUTATIONS if each.name == broken]
    correct, _ = await expected(in_memory(), ONE)

    with mutation.applied():
        unharmed, moments = await expected(in_memory(), ONE)
        wrong = await wrong_after(in_memory, ONE, correct, moments)

    assert unharmed == correct
    assert found_at in wrong


async def test_an_application_that_keeps_no_keys_is_seen_to_double() -> None:
    scenario = replace(ONE, prepare=_keeps_no_keys)
    correct, moments = await expected(in_memory(), scenario)

    assert await wrong_after(in_memory, scenario, correct, moments) == [
        "after call 1 of ApplicationCaller.call",
        "before call 1 of Handovers.settle",
    ]


async def wrong_after(
    fresh: Fresh, scenario: Scenario, correct: Result, moments: Sequence[Moment]
) -> list[str]:
    """The moments at which nobody may die."""
    return [
        str(moment)
        for moment in moments
        if await result_of_death(fresh(), scenario, moment) != correct
    ]
