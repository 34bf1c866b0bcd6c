"""Messages that are handed over once more, over the adapters in memory."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from postroom.adapters.memory.clock import ManualClock
from postroom.application import replay_handovers
from postroom.application.ports import HandoverFilter
from postroom.application.replay_handovers import Progress
from postroom.domain.handover.handover import KEY_GOOD_FOR, State
from tests.contracts.handing_over import CRM, new_handover
from tests.contracts.samples import imap_mailbox
from tests.unit.replay_rig import EVERY, Hub, last


@pytest.fixture
def hub(clock: ManualClock) -> Hub:
    return Hub(clock)


async def test_the_same_keys_and_bytes_come_again(hub: Hub) -> None:
    first = await hub.handed_over("a", "b")

    assert await hub.replayed() == Progress(matched=2, done=2)

    again = await hub.all_taken()
    assert {(call.handover.key, call.body) for call in again} == {
        (call.handover.key, call.body) for call in first
    }


async def test_only_what_was_chosen_is_replayed(hub: Hub, clock: ManualClock) -> None:
    await hub.handed_over("a")
    clock.advance(timedelta(hours=1))
    between = clock.now()
    await hub.handed_over("b")

    await hub.replayed(replace(EVERY, since=between))

    assert [await hub.state_of(key) for key in "ab"] == [State.DONE, State.WAITING]


async def test_pages_end_where_the_next_begin(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay_handovers, "PAGE", 2)
    await hub.handed_over(*"abcde")

    assert await last(hub.replay.survey(EVERY)) == Progress(matched=5)
    assert await hub.replayed() == Progress(matched=5, done=5)
    assert len(await hub.all_taken()) == 5


async def test_a_survey_says_how_many_keys_may_be_forgotten(hub: Hub, clock: ManualClock) -> None:
    await hub.handed_over("a")
    clock.advance(KEY_GOOD_FOR)
    await hub.handed_over("b")

    assert await last(hub.replay.survey(EVERY)) == Progress(matched=2, forgotten=1)
    assert [await hub.state_of(key) for key in "ab"] == [State.DONE, State.DONE]


async def test_what_changes_meanwhile_is_left_and_said(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    await hub.handed_over("a")
    [record] = await hub.records.find(EVERY)
    await hub.records.move(record, State.SKIPPED, "by hand")

    async def found(chosen: HandoverFilter, *, limit: int = 1, after: str = "") -> Any:  # noqa: ANN401
        return [] if after else [record]

    monkeypatch.setattr(hub.records, "find", found)

    assert await hub.replayed() == Progress(matched=1, left=(("it changed just now", 1),))


async def test_no_more_come_in_a_second_than_the_rate(hub: Hub, clock: ManualClock) -> None:
    await hub.handed_over(*"abcd")
    began = clock.now()

    await hub.replayed(rate=2)

    assert clock.now() - began == timedelta(seconds=2)


async def test_as_new_it_has_a_key_of_its_own_and_says_whose_it_is(hub: Hub) -> None:
    await hub.registry.add(imap_mailbox())
    await hub.handed_over("a")

    assert await hub.replayed(as_new=True) == Progress(matched=1, done=1)

    [call] = await hub.all_taken()
    data = json.loads(call.body)["data"]
    assert call.handover.key == data["key"] == data["email"]["id"] == "a_r1"
    assert data["replay"] == {"of": "a", "number": 1}
    assert data["email"]["subject"] == "Order"
    assert data["authentication"]["verdict"] == "pass"
    assert (data["source"]["labels"], data["email"]["keywords"]) == (["INBOX"], {"$seen": True})
    assert data["content"]["textUrl"].startswith("https://postroom.example/")
    assert data["keepKeyUntil"] > "2026"
    assert await hub.state_of("a") is State.DONE


async def test_as_new_once_more_it_has_the_next_number_and_replays_are_not_replayed(
    hub: Hub,
) -> None:
    await hub.registry.add(imap_mailbox())
    await hub.handed_over("a")
    await hub.replayed(as_new=True)
    await hub.all_taken()

    assert await hub.replayed(as_new=True) == Progress(matched=1, done=1)

    assert [call.handover.key for call in await hub.all_taken()] == ["a_r2"]


async def test_what_cannot_be_rendered_any_more_is_said_and_the_others_go_on(
    hub: Hub, clock: ManualClock
) -> None:
    await hub.registry.add(imap_mailbox())
    await hub.handed_over("a", "c")
    new = new_handover("b", clock.now())  # its original is nowhere
    await hub.handovers.accept(CRM, new)
    await hub.handovers.accept(CRM, new_handover("d", clock.now(), mailbox="gone"))
    await hub.all_taken()

    assert await hub.replayed(as_new=True) == Progress(
        matched=4,
        done=2,
        left=(("its mailbox was removed", 1), ("its original is not stored any more", 1)),
    )
