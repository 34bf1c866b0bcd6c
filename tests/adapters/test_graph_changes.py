"""What Graph's lists of changes do beside the contract: expire, shift, lead elsewhere."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.microsoft.changes import GraphChanges
from postroom.adapters.microsoft.client import GraphClient
from postroom.adapters.microsoft.pointer import MicrosoftPointer
from postroom.application.ports import (
    Arrival,
    BackfillPage,
    ChangesPage,
    NoProgress,
    PositionExpired,
    PositionRefused,
)
from postroom.domain.failure import AccessFailed, Throttled, Unavailable
from postroom.entrypoints.emulators.graph import RecordedRequest, delta
from tests.adapters.graph_rig import ACCOUNT, RAW, USER, Rig, a_mailbox, graph_rig

MAILBOX = a_mailbox()
LINK = "https://graph.microsoft.com/v1.0/d"


@pytest.fixture
async def rig(clock: ManualClock) -> AsyncIterator[Rig]:
    async with graph_rig(clock) as rig:
        rig.graph.add_folder(USER, "Inbox/Orders")
        yield rig


def changes(rig: Rig) -> GraphChanges:
    return GraphChanges(rig.client)


async def ids(pages: AsyncIterator[ChangesPage]) -> list[str]:
    return [_id(arrival) async for page in pages for arrival in page.arrivals]


async def dated(pages: AsyncIterator[BackfillPage]) -> list[str]:
    return [_id(arrival) async for page in pages for arrival in page.arrivals]


def _id(arrival: Arrival) -> str:
    assert isinstance(arrival.pointer, MicrosoftPointer)
    return arrival.pointer.message_id


async def position_of(rig: Rig, folder: str = "inbox") -> str:
    """Behind all that is in the folder: the end of a first round."""
    start = await changes(rig).position(MAILBOX, folder)
    return [page async for page in changes(rig).since(MAILBOX, folder, start)][-1].position


def rounds(rig: Rig) -> list[RecordedRequest]:
    """The requests for pages of delta queries."""
    return [each for each in rig.graph.requests if "/delta" in each.path]


def message(message_id: str) -> dict[str, str]:
    return {"id": message_id, "receivedDateTime": "2030-01-01T00:00:00Z"}


@asynccontextmanager
async def responding(rig: Rig, body: dict[str, Any]) -> AsyncIterator[GraphClient]:
    """A Graph that has one answer to everything; nobody else may be asked."""

    def respond(request: httpx.Request) -> httpx.Response:
        assert request.url.host == "graph.microsoft.com"
        return httpx.Response(200, json=body)

    async with httpx.AsyncClient(transport=httpx.MockTransport(respond)) as http:
        yield GraphClient(http, rig.tokens, rig.clock)


# --- Positions ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (410, ""),
        (410, "Gone"),
        (410, "SyncStateNotFound"),
        (410, "resyncRequired"),
        (404, "syncStateNotFound"),
        (400, "SyncStateNotFound"),
        (400, "syncStateInvalid"),
        (400, "ResyncRequired"),
    ],
)
async def test_whatever_says_that_the_sync_state_is_lost_expires_the_position(
    rig: Rig, status: int, code: str
) -> None:
    position = await position_of(rig)
    rig.graph.fail("delta", status=status, code=code)

    with pytest.raises(PositionExpired):
        await ids(changes(rig).since(MAILBOX, "inbox", position))


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "BadRequest"),
        (400, "ErrorInvalidIdMalformed"),
        (404, "UnknownError"),
        (405, ""),
        (409, "Conflict"),
        (422, "Unprocessable"),
    ],
)
async def test_a_refusal_that_says_nothing_of_the_state_may_be_of_the_position(
    rig: Rig, status: int, code: str
) -> None:
    position = await position_of(rig)
    rig.graph.fail("delta", status=status, code=code)

    with pytest.raises(PositionRefused, match=f"Graph answered {status}"):
        await ids(changes(rig).since(MAILBOX, "inbox", position))


@pytest.mark.parametrize(
    ("status", "remedy"),
    [(401, AccessFailed), (403, AccessFailed), (429, Throttled), (500, Unavailable)],
)
async def test_what_says_something_of_the_mailbox_says_nothing_of_the_position(
    rig: Rig, status: int, remedy: type[Exception]
) -> None:
    position = await position_of(rig)
    rig.graph.fail("delta", status=status, times=9)

    with pytest.raises(remedy) as raised:
        await ids(changes(rig).since(MAILBOX, "inbox", position))

    assert not isinstance(raised.value, PositionRefused)


@pytest.mark.parametrize("code", ["SyncStateNotFound", "SyncStateInvalid", "resyncRequired"])
async def test_the_ways_in_which_graph_forgets_expire_the_position(rig: Rig, code: str) -> None:
    position = await position_of(rig)
    rig.graph.expire_delta_tokens(code)

    with pytest.raises(PositionExpired):
        await ids(changes(rig).since(MAILBOX, "inbox", position))


async def test_a_position_of_another_cloud_is_expired_and_nobody_gets_our_token(rig: Rig) -> None:
    start, position = await changes(rig).position(MAILBOX, "inbox"), await position_of(rig)
    others = [each.replace("graph.test", "graph.test.evil.example") for each in (start, position)]
    sent = len(rig.graph.requests)

    for elsewhere in (*others, "", "delta"):
        with pytest.raises(PositionExpired):
            await ids(changes(rig).since(MAILBOX, "inbox", elsewhere))

    assert len(rig.graph.requests) == sent


async def test_every_page_is_asked_for_with_immutable_ids_and_a_bounded_size(rig: Rig) -> None:
    position = await position_of(rig)
    for _ in range(150):
        rig.graph.deliver(USER, RAW)
    await ids(changes(rig).since(MAILBOX, "inbox", position))

    assert len(rounds(rig)) == 3
    assert {each.headers["prefer"] for each in rounds(rig)} == {
        'IdType="ImmutableId", odata.maxpagesize=100'
    }


async def test_a_start_asks_for_the_folder_alone(rig: Rig) -> None:
    await changes(rig).position(MAILBOX, "inbox")

    [request] = rig.graph.requests
    assert request.path.endswith("/mailFolders/inbox")


async def test_what_graph_has_lost_before_the_first_page_expires_a_start_too(rig: Rig) -> None:
    start = await changes(rig).position(MAILBOX, "inbox")
    rig.graph.fail("delta", status=410, code="resyncRequired")

    with pytest.raises(PositionExpired):
        await ids(changes(rig).since(MAILBOX, "inbox", start))


async def test_a_first_round_that_fails_goes_on_where_it_stood(rig: Rig) -> None:
    start = await changes(rig).position(MAILBOX, "inbox")
    delivered = [rig.graph.deliver(USER, RAW) for _ in range(250)]
    pages = changes(rig).since(MAILBOX, "inbox", start)
    first = await anext(pages)
    rig.graph.fail("delta", status=500)
    with pytest.raises(Unavailable):
        await anext(pages)

    rest = await ids(changes(rig).since(MAILBOX, "inbox", first.position))

    assert len(first.arrivals) == 100
    assert sorted([*map(_id, first.arrivals), *rest]) == sorted(delivered)


async def test_a_position_ends_with_its_folder_if_another_of_the_name_is_made(rig: Rig) -> None:
    mailbox = a_mailbox(account=replace(ACCOUNT, folders=("Inbox/Orders",)))
    position = await position_of(rig, "Inbox/Orders")
    rig.graph.fail("delta", status=404, code="ErrorItemNotFound")

    with pytest.raises(PositionExpired):
        await ids(changes(rig).since(mailbox, "Inbox/Orders", position))


# --- What is listed -----------------------------------------------------------------------------


async def test_what_was_deleted_or_moved_away_meanwhile_is_passed_over(rig: Rig) -> None:
    gone = rig.graph.deliver(USER, RAW)
    position = await position_of(rig)
    stays, leaves, dies = (rig.graph.deliver(USER, RAW) for _ in range(3))
    rig.graph.move(leaves, "archive")
    rig.graph.delete(dies)
    rig.graph.delete(gone)
    rig.graph.mark_read(stays)

    assert await ids(changes(rig).since(MAILBOX, "inbox", position)) == [stays]


async def test_what_was_there_and_is_only_read_is_not_listed_again(rig: Rig) -> None:
    known = rig.graph.deliver(USER, RAW)
    position = await position_of(rig)
    rig.graph.mark_read(known)

    assert await ids(changes(rig).since(MAILBOX, "inbox", position)) == []


async def test_items_that_graph_calls_removed_are_passed_over(rig: Rig) -> None:
    body = {
        "value": [{"id": "gone", "@removed": {"reason": "deleted"}}, message("here")],
        "@odata.deltaLink": LINK,
    }
    async with responding(rig, body) as client:
        found = await ids(GraphChanges(client, max_pages=3).since(MAILBOX, "inbox", LINK))

    assert found == ["here"]


async def test_messages_that_are_deleted_during_a_list_by_date_make_it_leave_out_none(
    rig: Rig, clock: ManualClock
) -> None:
    start, delivered = clock.now(), []
    for _ in range(250):
        delivered.append(rig.graph.deliver(USER, RAW))
        clock.advance(timedelta(seconds=1))

    pages = changes(rig).received_after(MAILBOX, "inbox", start)
    first = await anext(pages)
    for message_id in delivered[:60]:
        rig.graph.delete(message_id)

    assert len(first.arrivals) == 100
    assert set(await dated(pages)) >= set(delivered[100:])


async def test_a_page_of_a_list_by_date_reaches_the_date_of_its_last_message(
    rig: Rig, clock: ManualClock
) -> None:
    start = clock.now()
    _deliver(rig, 150, timedelta(seconds=1))

    pages = [page async for page in changes(rig).received_after(MAILBOX, "inbox", start)]

    last = [timedelta(seconds=99), timedelta(seconds=149)]
    assert [page.reached for page in pages] == [start + each for each in last]


async def test_a_page_without_messages_reaches_nothing(rig: Rig, clock: ManualClock) -> None:
    [page] = [page async for page in changes(rig).received_after(MAILBOX, "inbox", clock.now())]

    assert page == BackfillPage([])


async def test_a_first_round_does_not_go_through_the_whole_folder(
    rig: Rig, clock: ManualClock
) -> None:
    for _ in range(500):
        rig.graph.deliver(USER, RAW)
    clock.advance(timedelta(hours=2))

    await position_of(rig)

    assert len(rounds(rig)) == 1


async def test_a_first_round_leaves_mail_from_before_the_mailbox_was_added_alone(
    rig: Rig, clock: ManualClock
) -> None:
    rig.graph.deliver(USER, RAW)
    clock.advance(timedelta(minutes=6))
    mailbox = replace(MAILBOX, added_at=clock.now())
    start = await changes(rig).position(mailbox, "inbox")
    new = rig.graph.deliver(USER, RAW)

    assert await ids(changes(rig).since(mailbox, "inbox", start)) == [new]


async def test_a_message_that_is_received_by_a_clock_behind_ours_is_listed(
    rig: Rig, clock: ManualClock
) -> None:
    start = await changes(rig).position(MAILBOX, "inbox")
    clock.time -= timedelta(minutes=59)
    message_id = rig.graph.deliver(USER, RAW)

    assert await ids(changes(rig).since(MAILBOX, "inbox", start)) == [message_id]


async def test_an_hour_of_more_messages_than_a_filter_lists_hides_no_later_one(
    rig: Rig, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delta, "MOST_FILTERED", 400)  # 5,000 are the same, and take 20 s
    hour = clock.now()
    there = _deliver(rig, 450, timedelta(seconds=7))
    start = await changes(rig).position(MAILBOX, "inbox")
    by_date = await dated(changes(rig).received_after(MAILBOX, "inbox", hour))
    before = _deliver(rig, 150, timedelta(seconds=1))

    pages = changes(rig).since(MAILBOX, "inbox", start)
    first = await anext(pages)
    between = _deliver(rig, 1, timedelta(seconds=1))
    others = [page async for page in pages]
    later = await ids(changes(rig).since(MAILBOX, "inbox", others[-1].position))

    listed = [_id(each) for page in (first, *others) for each in page.arrivals]
    assert set(by_date) == set(there)
    assert len(listed) == 400
    assert set(before) <= set(listed)
    assert later == between


def _deliver(rig: Rig, messages: int, every: timedelta) -> list[str]:
    delivered = []
    for _ in range(messages):
        delivered.append(rig.graph.deliver(USER, RAW))
        rig.clock.advance(every)
    return delivered


async def test_a_message_of_the_same_second_is_not_lost_for_its_fraction(
    rig: Rig, clock: ManualClock
) -> None:
    message_id = rig.graph.deliver(USER, RAW)
    moment = clock.now() + timedelta(milliseconds=500)

    assert await dated(changes(rig).received_after(MAILBOX, "inbox", moment)) == [message_id]


async def test_a_folder_that_goes_during_a_list_by_date_is_a_matter_of_access(rig: Rig) -> None:
    for _ in range(150):
        rig.graph.deliver(USER, RAW, "Inbox/Orders")
    pages = changes(rig).received_after(MAILBOX, "Inbox/Orders", rig.clock.now())
    await anext(pages)
    rig.graph.remove_folder(USER, "Inbox/Orders")

    with pytest.raises(AccessFailed):
        await anext(pages)


async def test_a_change_without_a_date_holds_up_no_other(rig: Rig) -> None:
    body = {"value": [{"id": "undated"}, message("dated")], "@odata.deltaLink": LINK}
    async with responding(rig, body) as client:
        [page] = [page async for page in GraphChanges(client).since(MAILBOX, "inbox", LINK)]

    assert [each.pointer for each in page.arrivals] == [
        MicrosoftPointer("", "undated"),
        MicrosoftPointer("", "dated"),
    ]
    assert page.arrivals[0].received_at == rig.clock.now()


# --- Nonsense -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        {"value": [message("")], "@odata.deltaLink": LINK},
        {"value": [message("x" * 2000)], "@odata.deltaLink": LINK},
        {"value": [message("m")]},
        {"value": [message("m")], "@odata.nextLink": "https://evil.example/v1.0/d"},
        {"value": [message("m")], "@odata.nextLink": LINK},
    ],
    ids=["no id", "long id", "no link", "link elsewhere", "circle"],
)
async def test_nonsense_is_unavailable(rig: Rig, body: dict[str, Any]) -> None:
    async with responding(rig, body) as client:
        with pytest.raises(Unavailable):
            await ids(GraphChanges(client, max_pages=3).since(MAILBOX, "inbox", LINK))


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"<h1>Please wait</h1>", b'{"id": "m", "subject": "Hi"}']
)
async def test_a_200_that_is_no_list_is_asked_for_again(rig: Rig, body: bytes) -> None:
    answer = httpx.Response(200, content=body)
    async with httpx.AsyncClient(transport=httpx.MockTransport(lambda _: answer)) as http:
        changes = GraphChanges(GraphClient(http, rig.tokens, rig.clock), max_pages=3)

        with pytest.raises(Unavailable):
            await changes.position(MAILBOX, "inbox")
        with pytest.raises(Unavailable):
            await ids(changes.since(MAILBOX, "inbox", LINK))
        with pytest.raises(Unavailable):
            await dated(changes.received_after(MAILBOX, "inbox", rig.clock.now()))


async def test_a_page_that_leads_to_itself_gets_nowhere(rig: Rig) -> None:
    async with responding(rig, {"value": [message("m")], "@odata.nextLink": LINK}) as client:
        with pytest.raises(NoProgress, match="leads to itself"):
            await ids(GraphChanges(client).since(MAILBOX, "inbox", LINK))


async def test_a_list_by_date_does_not_go_on_from_a_message_without_a_date(rig: Rig) -> None:
    async with responding(
        rig, {"value": [{"id": "m"}], "displayName": "Inbox", "id": "f"}
    ) as client:
        with pytest.raises(Unavailable):
            await dated(GraphChanges(client).received_after(MAILBOX, "inbox", rig.clock.now()))


async def test_a_list_by_date_that_leads_in_a_circle_is_left(rig: Rig) -> None:
    circle = {"value": [message("m")], "@odata.nextLink": LINK}

    def respond(request: httpx.Request) -> httpx.Response:
        folder = {"id": "f", "displayName": "Inbox"}
        is_folder = request.url.path.endswith("/inbox")
        return httpx.Response(200, json=folder if is_folder else circle)

    async with httpx.AsyncClient(transport=httpx.MockTransport(respond)) as http:
        client = GraphClient(http, rig.tokens, rig.clock)
        with pytest.raises(NoProgress, match="leads to itself"):
            await dated(GraphChanges(client).received_after(MAILBOX, "inbox", rig.clock.now()))


# --- Clocks that differ -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "ahead", [timedelta(minutes=10), timedelta(minutes=-10), timedelta(days=3)]
)
async def test_mail_is_listed_from_when_on_it_is_wanted_whatever_our_clock_says(
    rig: Rig, clock: ManualClock, ahead: timedelta
) -> None:
    """As of a mailbox that has just been added: mail of the first minutes was never listed."""
    rig.graph.deliver(USER, RAW)
    clock.advance(timedelta(minutes=5))
    ours = ManualClock(clock.now() + ahead)
    client = replace(rig.client, clock=ours)
    added = replace(MAILBOX, added_at=ours.now())
    clock.advance(timedelta(minutes=1))
    ours.advance(timedelta(minutes=1))
    wanted = rig.graph.deliver(USER, RAW)

    by_date = [
        page
        async for page in GraphChanges(client).received_after(
            added, "inbox", ours.now() - timedelta(minutes=1)
        )
    ]

    assert [_id(each) for page in by_date for each in page.arrivals] == [wanted]
    [received_at] = [each.received_at for page in by_date for each in page.arrivals]
    assert received_at is not None
    assert abs(received_at - ours.now()) <= timedelta(seconds=1), "by our clock"
    start = await GraphChanges(client).position(added, "inbox")
    assert wanted in await ids(GraphChanges(client).since(added, "inbox", start))
