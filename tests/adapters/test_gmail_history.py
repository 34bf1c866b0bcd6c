"""Listing a Gmail mailbox: what is inbound, how it is asked for, and what refusals mean."""

from collections.abc import AsyncIterator, Collection
from datetime import timedelta

import httpx
import pytest

from postroom.adapters.google import GmailHistory
from postroom.adapters.memory.clock import ManualClock
from postroom.application.ports import HistoryExpired, HistoryPage
from postroom.domain.failure import AccessFailed, Failure, Throttled, Unavailable
from postroom.entrypoints.emulators.gmail import GoogleError
from tests.adapters.gmail_rig import MAIL, SUPPORT, Rig, gmail_rig, responding


@pytest.fixture
async def rig(clock: ManualClock) -> AsyncIterator[Rig]:
    async with gmail_rig(clock) as rig:
        yield rig


async def ids(pages: AsyncIterator[HistoryPage]) -> list[str]:
    return [message_id async for page in pages for message_id in page.message_ids]


LABELS = [
    (["INBOX", "UNREAD", "CATEGORY_UPDATES"], True),
    (["UNREAD"], True),  # a rule archived it as it came in
    ([], True),
    (["Label_7"], True),
    (["INBOX", "SENT"], True),  # to oneself
    (["SENT"], False),
    (["DRAFT"], False),
    (["SPAM", "UNREAD"], False),
    (["TRASH"], False),
    (["TRASH", "INBOX"], False),
    (["INBOX", "SENT", "TRASH"], False),
]


@pytest.mark.parametrize(("labels", "inbound"), LABELS)
async def test_what_was_sent_drafted_or_thrown_away_is_not_listed(
    rig: Rig, clock: ManualClock, labels: Collection[str], *, inbound: bool
) -> None:
    mailbox, start = rig.mailbox(), rig.gmail.history_id(SUPPORT)
    message_id = rig.gmail.deliver(SUPPORT, MAIL, labels=labels)
    history = GmailHistory(rig.client)

    by_history = await ids(history.since(mailbox, start))
    by_date = await ids(history.received_after(mailbox, clock.now()))

    assert by_history == by_date == ([message_id] if inbound else [])


async def test_a_change_of_labels_is_not_a_message_that_came_in(rig: Rig) -> None:
    message_id = rig.gmail.deliver(SUPPORT, MAIL)
    start = rig.gmail.history_id(SUPPORT)
    rig.gmail.relabel(SUPPORT, message_id, add=["STARRED"], remove=["UNREAD"])

    pages = [page async for page in GmailHistory(rig.client).since(rig.mailbox(), start)]

    assert pages == [HistoryPage((), rig.gmail.history_id(SUPPORT))]


async def test_a_message_that_was_deleted_since_is_listed_and_found_gone_later(rig: Rig) -> None:
    mailbox, start = rig.mailbox(), rig.gmail.history_id(SUPPORT)
    message_id = rig.gmail.deliver(SUPPORT, MAIL)
    rig.gmail.delete(SUPPORT, message_id)

    assert await ids(GmailHistory(rig.client).since(mailbox, start)) == [message_id]


async def test_as_much_is_asked_for_at_once_as_gmail_gives(rig: Rig, clock: ManualClock) -> None:
    mailbox, start = rig.mailbox(), rig.gmail.history_id(SUPPORT)
    for _ in range(501):
        rig.gmail.deliver(SUPPORT, MAIL)

    await ids(GmailHistory(rig.client).since(mailbox, start))
    await ids(GmailHistory(rig.client).received_after(mailbox, clock.now()))

    assert rig.gmail.calls["history.list"] == 2
    assert rig.gmail.calls["messages.list"] == 3  # two pages of what came in, one of own mail


async def test_the_history_id_is_read_before_a_listing_by_date(
    rig: Rig, clock: ManualClock
) -> None:
    mailbox = rig.mailbox()
    rig.gmail.fail("messages.list", GoogleError(500, "backendError"))

    with pytest.raises(Unavailable):
        await ids(GmailHistory(rig.client).received_after(mailbox, clock.now()))

    assert rig.gmail.calls["getProfile"] == 1


async def test_mail_to_oneself_is_listed_by_date_with_the_rest(
    rig: Rig, clock: ManualClock
) -> None:
    mailbox = rig.mailbox()
    delivered = set()
    for labels in (["INBOX"], ["INBOX", "SENT"], ["INBOX"]):
        delivered.add(rig.gmail.deliver(SUPPORT, MAIL, labels=labels))
        clock.advance(timedelta(seconds=1))

    listed = await ids(GmailHistory(rig.client).received_after(mailbox, mailbox.added_at))

    assert len(listed) == 3
    assert set(listed) == delivered


async def test_what_came_in_at_the_very_moment_is_listed_by_date(
    rig: Rig, clock: ManualClock
) -> None:
    moment = clock.now() + timedelta(milliseconds=999)
    clock.advance(timedelta(milliseconds=999))
    message_id = rig.gmail.deliver(SUPPORT, MAIL)

    assert await ids(GmailHistory(rig.client).received_after(rig.mailbox(), moment)) == [message_id]


def listing(*message_ids: str, token: str = "") -> dict[str, object]:
    """A page of history.list. A number is a number here, as Gmail has been seen to write it."""
    added = [{"message": {"id": message_id, "threadId": "t"}} for message_id in message_ids]
    record = {"id": 7, "messages": [], "messagesAdded": added, "labelsAdded": []}
    page: dict[str, object] = {"history": [record], "historyId": 900}
    return page | ({"nextPageToken": token} if token else {})


async def test_a_message_that_the_history_repeats_is_listed_once(
    rig: Rig, clock: ManualClock
) -> None:
    pages = {"": listing("a", "b", "a", token="2"), "2": listing("b", "c")}

    def respond(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=pages[request.url.params.get("pageToken", "")])

    async with responding(clock, respond) as client:
        listed = [page async for page in GmailHistory(client).since(rig.mailbox(), 7)]

    assert listed == [HistoryPage(("a", "b"), 900), HistoryPage(("c",), 900)]


async def test_a_page_without_history_does_not_end_the_listing(
    rig: Rig, clock: ManualClock
) -> None:
    pages = {"": {"historyId": "900", "nextPageToken": "2"}, "2": listing("a")}

    def respond(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=pages[request.url.params.get("pageToken", "")])

    async with responding(clock, respond) as client:
        assert await ids(GmailHistory(client).since(rig.mailbox(), 7)) == ["a"]


async def test_all_pages_have_the_history_id_of_the_first(rig: Rig, clock: ManualClock) -> None:
    pages = {"": listing("a", token="2"), "2": listing("b") | {"historyId": "950"}}

    def respond(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=pages[request.url.params.get("pageToken", "")])

    async with responding(clock, respond) as client:
        listed = [page async for page in GmailHistory(client).since(rig.mailbox(), 7)]

    assert [page.history_id for page in listed] == [900, 900]


@pytest.mark.parametrize(
    ("fault", "remedy"),
    [
        (GoogleError(404, "notFound"), HistoryExpired),
        (GoogleError(404, "elsewhere"), Unavailable),
        (GoogleError(400, "failedPrecondition"), AccessFailed),
        (GoogleError(403, "insufficientPermissions"), AccessFailed),
        (GoogleError(403, "userRateLimitExceeded"), Throttled),
        (GoogleError(429, "rateLimitExceeded"), Throttled),
        (GoogleError(503, "backendError"), Unavailable),
    ],
)
async def test_each_refusal_of_the_history_has_its_remedy(
    rig: Rig, fault: GoogleError, remedy: type[Exception]
) -> None:
    rig.gmail.fail("history.list", fault)

    with pytest.raises(remedy) as caught:
        await ids(GmailHistory(rig.client).since(rig.mailbox(), 1000))

    assert type(caught.value) is remedy


@pytest.mark.parametrize("method", ["getProfile", "messages.list"])
@pytest.mark.parametrize(
    ("fault", "remedy"),
    [
        (GoogleError(404, "notFound"), Unavailable),
        (GoogleError(403, "insufficientPermissions"), AccessFailed),
        (GoogleError(403, "userRateLimitExceeded"), Throttled),
    ],
)
async def test_each_refusal_of_a_listing_by_date_has_its_remedy(
    rig: Rig, clock: ManualClock, method: str, fault: GoogleError, remedy: type[Failure]
) -> None:
    rig.gmail.fail(method, fault)

    with pytest.raises(remedy):
        await ids(GmailHistory(rig.client).received_after(rig.mailbox(), clock.now()))
