"""Listing a Gmail mailbox: what is inbound, how it is requested, and what refusals mean.

What it has in common with other providers is in tests/contracts/test_change_source.py.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta

import httpx
import pytest

from postroom.adapters.google import GmailClient, GmailFetcher
from postroom.adapters.google.account import FOLDER
from postroom.adapters.google.changes import GmailChanges
from postroom.adapters.google.pointer import GooglePointer
from postroom.adapters.memory.clock import ManualClock
from postroom.application.ports import (
    Arrival,
    BackfillPage,
    ChangesPage,
    ListBehind,
    NoProgress,
    PositionExpired,
    PositionRefused,
)
from postroom.domain.failure import (
    AccessFailed,
    Failure,
    FolderMissing,
    Throttled,
    Unavailable,
)
from postroom.domain.mailbox import Mailbox
from postroom.entrypoints.emulators.gmail import GoogleError
from tests.adapters.gmail_rig import MAIL, SUPPORT, URL, Rig, gmail_rig, pointer, responding
from tests.threads import sign_ins

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
async def rig(clock: ManualClock) -> AsyncIterator[Rig]:
    async with gmail_rig(clock) as rig:
        yield rig


@pytest.fixture
def changes(rig: Rig, clock: ManualClock) -> GmailChanges:
    return GmailChanges(rig.client, clock)


def ids(arrivals: Sequence[Arrival]) -> list[str]:
    return [
        message_id
        for arrival in arrivals
        if isinstance(arrival.pointer, GooglePointer)
        for message_id in arrival.pointer.message_ids
    ]


async def by_history(changes: GmailChanges, mailbox: Mailbox, position: int | str) -> list[str]:
    pages = changes.since(mailbox, FOLDER, str(position))
    return [message_id async for page in pages for message_id in ids(page.arrivals)]


async def by_date(changes: GmailChanges, mailbox: Mailbox, moment: datetime) -> list[str]:
    pages = changes.received_after(mailbox, FOLDER, moment)
    return [message_id async for page in pages for message_id in ids(page.arrivals)]


async def test_each_arrival_points_at_one_message_and_has_no_date(
    rig: Rig, changes: GmailChanges, clock: ManualClock
) -> None:
    mailbox, start = rig.mailbox(), rig.gmail.history_id(SUPPORT)
    wanted = Arrival(pointer(rig.gmail.deliver(SUPPORT, MAIL)))

    [page] = [page async for page in changes.since(mailbox, FOLDER, str(start))]
    [dated] = [page async for page in changes.received_after(mailbox, FOLDER, clock.now())]

    assert list(page.arrivals) == list(dated.arrivals) == [wanted]


async def test_a_gmail_mailbox_has_one_folder(rig: Rig, changes: GmailChanges) -> None:
    mailbox = rig.mailbox()
    assert mailbox.account.folders == (FOLDER,)

    with pytest.raises(FolderMissing):
        await changes.position(mailbox, "INBOX")
    with pytest.raises(FolderMissing):
        await anext(changes.since(mailbox, "INBOX", "1"))
    with pytest.raises(FolderMissing):
        await anext(changes.received_after(mailbox, "INBOX", mailbox.added_at))


# --- By history ---------------------------------------------------------------------------------


async def test_the_position_is_where_the_history_stands(rig: Rig, changes: GmailChanges) -> None:
    mailbox = rig.mailbox()
    rig.gmail.deliver(SUPPORT, MAIL)

    assert await changes.position(mailbox, FOLDER) == str(rig.gmail.history_id(SUPPORT))


async def test_what_came_in_after_a_position_is_listed_oldest_first(
    rig: Rig, changes: GmailChanges
) -> None:
    mailbox = rig.mailbox()
    rig.gmail.deliver(SUPPORT, MAIL)
    start = await changes.position(mailbox, FOLDER)
    wanted = [rig.gmail.deliver(SUPPORT, MAIL) for _ in range(3)]

    [page] = [page async for page in changes.since(mailbox, FOLDER, start)]

    assert ids(page.arrivals) == wanted
    assert page.position == str(rig.gmail.history_id(SUPPORT))


async def test_a_mailbox_where_nothing_came_in_stands_where_it_stood(
    rig: Rig, changes: GmailChanges
) -> None:
    mailbox = rig.mailbox()
    start = await changes.position(mailbox, FOLDER)

    pages = [page async for page in changes.since(mailbox, FOLDER, start)]

    assert pages == [ChangesPage((), start, is_last=True)]


async def test_a_change_of_labels_is_not_a_message_that_came_in(
    rig: Rig, changes: GmailChanges
) -> None:
    message_id = rig.gmail.deliver(SUPPORT, MAIL)
    start = rig.gmail.history_id(SUPPORT)
    rig.gmail.relabel(SUPPORT, message_id, add=["STARRED"], remove=["UNREAD"])

    pages = [page async for page in changes.since(rig.mailbox(), FOLDER, str(start))]

    assert pages == [ChangesPage((), str(rig.gmail.history_id(SUPPORT)), is_last=True)]


async def test_a_message_that_was_deleted_since_is_listed_and_found_gone_later(
    rig: Rig, changes: GmailChanges
) -> None:
    mailbox, start = rig.mailbox(), rig.gmail.history_id(SUPPORT)
    message_id = rig.gmail.deliver(SUPPORT, MAIL)
    rig.gmail.delete(SUPPORT, message_id)

    assert await by_history(changes, mailbox, start) == [message_id]


async def test_as_much_is_requested_at_once_as_gmail_gives(
    rig: Rig, changes: GmailChanges, clock: ManualClock
) -> None:
    mailbox, start = rig.mailbox(), rig.gmail.history_id(SUPPORT)
    for _ in range(501):
        rig.gmail.deliver(SUPPORT, MAIL)

    await by_history(changes, mailbox, start)
    await by_date(changes, mailbox, clock.now())

    assert rig.gmail.calls["history.list"] == 2
    assert rig.gmail.calls["messages.list"] == 2


async def test_a_long_list_comes_in_pages_without_repeats(
    rig: Rig, changes: GmailChanges, clock: ManualClock
) -> None:
    mailbox, start = rig.mailbox(), rig.gmail.history_id(SUPPORT)
    wanted = [rig.gmail.deliver(SUPPORT, MAIL) for _ in range(1200)]

    history = [page async for page in changes.since(mailbox, FOLDER, str(start))]
    dated = [page async for page in changes.received_after(mailbox, FOLDER, clock.now())]

    for listed in ([page.arrivals for page in history], [page.arrivals for page in dated]):
        assert [len(arrivals) for arrivals in listed] == [500, 500, 200]
        assert [message_id for arrivals in listed for message_id in ids(arrivals)] == wanted


async def test_what_comes_in_during_a_list_is_listed_by_the_next(
    rig: Rig, changes: GmailChanges
) -> None:
    mailbox, position = rig.mailbox(), str(rig.gmail.history_id(SUPPORT))
    wanted = {rig.gmail.deliver(SUPPORT, MAIL) for _ in range(600)}
    listed = set[str]()
    async for page in changes.since(mailbox, FOLDER, position):
        listed |= set(ids(page.arrivals))
        wanted.add(rig.gmail.deliver(SUPPORT, MAIL))
        position = page.position

    assert listed | set(await by_history(changes, mailbox, position)) == wanted


def listing(*message_ids: str, record: int = 7, end: object = 900, token: str = "") -> object:
    """A page of history.list. A number is a number here, as Gmail has been seen to write it."""
    added = [{"message": {"id": each, "labelIds": ["INBOX"]}} for each in message_ids]
    records = [{"id": record, "messages": [], "messagesAdded": added, "labelsAdded": []}]
    page: dict[str, object] = {"history": records, "historyId": end}
    return page | ({"nextPageToken": token} if token else {})


async def listed_from(
    rig: Rig, clock: ManualClock, pages: dict[str, object], position: str = "7"
) -> list[ChangesPage]:
    """What is listed of *pages*, by their tokens (empty: the first)."""

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=pages[request.url.params.get("pageToken", "")])

    async with responding(clock, answer) as client:
        since = GmailChanges(client, clock).since(rig.mailbox(), FOLDER, position)
        return [page async for page in since]


async def test_a_message_that_the_history_repeats_is_listed_once(
    rig: Rig, clock: ManualClock
) -> None:
    pages = {"": listing("a", "b", "a", token="2"), "2": listing("b", "c")}

    listed = await listed_from(rig, clock, pages)

    assert [ids(page.arrivals) for page in listed] == [["a", "b"], ["c"]]


async def test_a_page_without_history_does_not_end_the_list(rig: Rig, clock: ManualClock) -> None:
    pages = {"": {"historyId": "900", "nextPageToken": "2"}, "2": listing("a")}

    first, last = await listed_from(rig, clock, pages)

    assert (first.position, first.is_last) == ("7", False)
    assert (ids(last.arrivals), last.is_last) == (["a"], True)


async def test_a_page_that_leads_to_itself_gets_nowhere(rig: Rig, clock: ManualClock) -> None:
    pages = {"": listing("a", token="2"), "2": listing("b", token="2")}

    with pytest.raises(NoProgress, match="leads to itself"):
        await listed_from(rig, clock, pages)


async def test_a_list_that_is_cut_off_goes_on_from_the_last_record_of_a_page(
    rig: Rig, clock: ManualClock
) -> None:
    pages = {
        "": listing("a", record=70, token="2"),
        "2": listing("b", record=80, token="3"),
        "3": listing("c", record=90),
    }

    listed = await listed_from(rig, clock, pages)

    assert [page.position for page in listed] == ["70", "80", "900"]


async def test_at_its_end_a_list_stands_where_the_history_stood_at_its_beginning(
    rig: Rig, clock: ManualClock
) -> None:
    pages = {"": listing("a", token="2"), "2": listing("b", end="950")}

    assert (await listed_from(rig, clock, pages))[-1].position == "900"


async def test_a_position_never_goes_back(rig: Rig, clock: ManualClock) -> None:
    """The last page lists what came in while the others were read."""
    pages = {"": listing("a", token="2"), "2": listing("b", record=920, end="950")}

    assert (await listed_from(rig, clock, pages))[-1].position == "920"


async def test_a_history_that_lags_stands_where_its_list_ends(
    rig: Rig, changes: GmailChanges
) -> None:
    mailbox, start = rig.mailbox(), rig.gmail.history_id(SUPPORT)
    seen = rig.gmail.deliver(SUPPORT, MAIL)
    reached = rig.gmail.history_id(SUPPORT)
    rig.gmail.lag(SUPPORT, 1)
    unseen = rig.gmail.deliver(SUPPORT, MAIL)

    [page] = [page async for page in changes.since(mailbox, FOLDER, str(start))]

    assert (ids(page.arrivals), page.position) == ([seen], str(reached))
    assert await by_history(changes, mailbox, reached) == [unseen]


async def test_a_history_id_that_is_forgotten_is_expired(rig: Rig, changes: GmailChanges) -> None:
    mailbox = rig.mailbox()
    start = await changes.position(mailbox, FOLDER)
    rig.gmail.deliver(SUPPORT, MAIL)
    rig.gmail.expire_history(SUPPORT)

    with pytest.raises(PositionExpired):
        await by_history(changes, mailbox, start)


async def test_a_history_id_that_the_mailbox_has_not_reached_is_ahead_of_its_list(
    rig: Rig, changes: GmailChanges
) -> None:
    mailbox = rig.mailbox()
    for _ in range(5):
        rig.gmail.deliver(SUPPORT, MAIL)
    start = await changes.position(mailbox, FOLDER)
    rig.gmail.recreate_mailbox(SUPPORT)
    rig.gmail.deliver(SUPPORT, MAIL)

    with pytest.raises(ListBehind):
        await by_history(changes, mailbox, start)


async def test_each_message_has_the_number_of_the_record_by_which_it_came_in(
    rig: Rig, clock: ManualClock
) -> None:
    pages = {"": listing("a", "b", record=70, token="2"), "2": listing("b", "c", record=80)}

    first, last = await listed_from(rig, clock, pages)

    assert [(*ids([each]), each.number) for page in (first, last) for each in page.arrivals] == [
        ("a", 70),
        ("b", 70),
        ("c", 80),
    ]


# --- By date ------------------------------------------------------------------------------------


async def test_a_list_by_date_leaves_out_what_came_in_before(
    rig: Rig, changes: GmailChanges, clock: ManualClock
) -> None:
    mailbox = rig.mailbox()
    rig.gmail.deliver(SUPPORT, MAIL)
    clock.advance(MINUTE)
    moment = clock.now()
    wanted = [rig.gmail.deliver(SUPPORT, MAIL)]
    clock.advance(MINUTE)
    wanted.append(rig.gmail.deliver(SUPPORT, MAIL))

    assert await by_date(changes, mailbox, moment) == wanted


async def test_a_list_by_date_finds_what_has_left_the_history(
    rig: Rig, changes: GmailChanges, clock: ManualClock
) -> None:
    mailbox = rig.mailbox()
    wanted = rig.gmail.deliver(SUPPORT, MAIL)
    rig.gmail.expire_history(SUPPORT)

    start = await changes.position(mailbox, FOLDER)

    assert await by_date(changes, mailbox, clock.now()) == [wanted]
    assert await by_history(changes, mailbox, start) == []


async def test_mail_to_oneself_is_listed_by_date_with_the_rest(
    rig: Rig, changes: GmailChanges, clock: ManualClock
) -> None:
    mailbox, moment = rig.mailbox(), clock.now()
    delivered = set()
    for labels in (["INBOX"], ["INBOX", "SENT"], ["INBOX"]):
        delivered.add(rig.gmail.deliver(SUPPORT, MAIL, labels=labels))
        clock.advance(SECOND)

    listed = await by_date(changes, mailbox, moment)

    assert len(listed) == 3
    assert set(listed) == delivered


async def test_what_came_in_at_the_very_moment_is_listed_by_date(
    rig: Rig, changes: GmailChanges, clock: ManualClock
) -> None:
    clock.advance(timedelta(milliseconds=999))
    message_id = rig.gmail.deliver(SUPPORT, MAIL)

    assert await by_date(changes, rig.mailbox(), clock.now()) == [message_id]


async def dated_pages(
    changes: GmailChanges, mailbox: Mailbox, moment: datetime
) -> list[BackfillPage]:
    return [page async for page in changes.received_after(mailbox, FOLDER, moment)]


async def test_a_list_by_date_goes_by_windows_of_time_the_oldest_first(
    rig: Rig, changes: GmailChanges, clock: ManualClock
) -> None:
    """A day, and wider ones where there is little mail; the last one is open-ended."""
    mailbox, start = rig.mailbox(), clock.now()
    wanted = [rig.gmail.deliver(SUPPORT, MAIL, at=start + n * 10 * DAY) for n in range(10)]
    clock.advance(100 * DAY)

    pages = await dated_pages(changes, mailbox, start)

    ends = [(page.reached - start) / DAY if page.reached else None for page in pages]
    assert ends == [1, 3, 7, 15, 31, 61, 91, None]
    assert [message_id for page in pages for message_id in ids(page.arrivals)] == wanted


async def test_after_a_window_with_much_mail_a_narrow_one_follows(
    rig: Rig, changes: GmailChanges, clock: ManualClock
) -> None:
    mailbox, start = rig.mailbox(), clock.now()
    for _ in range(500):
        rig.gmail.deliver(SUPPORT, MAIL, at=start + 2 * DAY)
    clock.advance(10 * DAY)

    pages = await dated_pages(changes, mailbox, start)

    ends = [(page.reached - start) / DAY if page.reached else None for page in pages]
    assert ends == [1, 3, 4, 6, None]


async def test_only_a_window_that_is_complete_has_been_reached(
    rig: Rig, clock: ManualClock
) -> None:
    mailbox, start = rig.mailbox(), clock.now()
    for _ in range(25):
        rig.gmail.deliver(SUPPORT, MAIL, at=start + HOUR)
    clock.advance(2 * DAY)

    pages = await dated_pages(GmailChanges(rig.client, clock, page_size=10), mailbox, start)

    assert [len(page.arrivals) for page in pages] == [10, 10, 5, 0]
    assert [page.reached for page in pages] == [None, None, start + DAY, None]


@pytest.mark.parametrize("milliseconds", [0, 1, 500, 999])
async def test_what_came_in_at_the_edge_of_a_window_is_listed(
    rig: Rig, changes: GmailChanges, clock: ManualClock, milliseconds: int
) -> None:
    """A search has whole seconds, so it reaches further; what it finds twice is handled once."""
    fraction = timedelta(milliseconds=milliseconds)
    mailbox, start = rig.mailbox(), clock.now() + fraction
    edge = start + DAY
    at = [edge + n * SECOND / 10 for n in range(-20, 21)]
    wanted = [rig.gmail.deliver(SUPPORT, MAIL, at=moment) for moment in at]
    clock.advance(3 * DAY)

    pages = await dated_pages(changes, mailbox, start)

    before, after = (set(ids(page.arrivals)) for page in pages)
    assert before | after == set(wanted)
    assert {wanted[at.index(moment)] for moment in at if moment < edge} <= before
    assert len(before & after) <= 20  # two seconds


async def test_what_comes_in_after_the_last_window_began_is_in_it(
    rig: Rig, changes: GmailChanges, clock: ManualClock
) -> None:
    """Our clock may be behind that of Gmail."""
    message_id = rig.gmail.deliver(SUPPORT, MAIL, at=clock.now() + HOUR)

    assert await by_date(changes, rig.mailbox(), clock.now() - HOUR) == [message_id]
    assert await by_date(changes, rig.mailbox(), clock.now() + HOUR) == [message_id]


@pytest.mark.parametrize("body", [b"", b"[]", b"<h1>Please wait</h1>", b'{"historyId": "soon"}'])
async def test_a_200_that_is_no_list_is_asked_for_again(
    rig: Rig, clock: ManualClock, body: bytes
) -> None:
    async with responding(clock, lambda _: httpx.Response(200, content=body)) as client:
        changes = GmailChanges(client, clock)

        with pytest.raises(Unavailable):
            await changes.position(rig.mailbox(), FOLDER)
        with pytest.raises(Unavailable):
            await by_history(changes, rig.mailbox(), 1000)


@pytest.mark.parametrize("body", [b"", b"[]", b"<h1>Please wait</h1>"])
async def test_a_200_that_is_no_list_by_date_is_asked_for_again(
    rig: Rig, clock: ManualClock, body: bytes
) -> None:
    async with responding(clock, lambda _: httpx.Response(200, content=body)) as client:
        with pytest.raises(Unavailable):
            await by_date(GmailChanges(client, clock), rig.mailbox(), clock.now())


# --- Refusals -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "remedy"),
    [
        (GoogleError(404, "notFound"), PositionExpired),
        (GoogleError(404, "elsewhere"), PositionRefused),
        (GoogleError(400, "invalidArgument"), PositionRefused),
        (GoogleError(400, "failedPrecondition"), AccessFailed),
        (GoogleError(403, "insufficientPermissions"), AccessFailed),
        (GoogleError(403, "userRateLimitExceeded"), Throttled),
        (GoogleError(429, "rateLimitExceeded"), Throttled),
        (GoogleError(503, "backendError"), Unavailable),
    ],
)
async def test_each_refusal_of_the_history_has_its_remedy(
    rig: Rig, changes: GmailChanges, fault: GoogleError, remedy: type[Exception]
) -> None:
    rig.gmail.fail("history.list", fault)

    with pytest.raises(remedy) as caught:
        await by_history(changes, rig.mailbox(), 1000)

    assert type(caught.value) is remedy


REFUSALS = [
    (GoogleError(404, "notFound"), Unavailable),
    (GoogleError(403, "insufficientPermissions"), AccessFailed),
    (GoogleError(403, "userRateLimitExceeded"), Throttled),
]


@pytest.mark.parametrize(("fault", "remedy"), REFUSALS)
async def test_each_refusal_of_a_list_by_date_has_its_remedy(
    rig: Rig, changes: GmailChanges, clock: ManualClock, fault: GoogleError, remedy: type[Failure]
) -> None:
    rig.gmail.fail("messages.list", fault)

    with pytest.raises(remedy):
        await by_date(changes, rig.mailbox(), clock.now())


@pytest.mark.parametrize(("fault", "remedy"), REFUSALS)
async def test_each_refusal_of_a_position_has_its_remedy(
    rig: Rig, changes: GmailChanges, fault: GoogleError, remedy: type[Failure]
) -> None:
    rig.gmail.fail("getProfile", fault)

    with pytest.raises(remedy):
        await changes.position(rig.mailbox(), FOLDER)


# --- Clocks that differ -------------------------------------------------------------------------


@pytest.mark.parametrize("ahead", [10 * MINUTE, -10 * MINUTE, 3 * DAY])
async def test_mail_is_listed_from_when_on_it_is_wanted_whatever_our_clock_says(
    rig: Rig, clock: ManualClock, ahead: timedelta
) -> None:
    ours = ManualClock(clock.now() + ahead)
    client = GmailClient(rig.client._http, ours, sign_ins(ours), URL)
    rig.gmail.deliver(SUPPORT, MAIL)
    clock.advance(5 * MINUTE)
    ours.advance(5 * MINUTE)
    added_at = ours.now()
    wanted = rig.gmail.deliver(SUPPORT, MAIL, at=clock.now() + MINUTE)
    clock.advance(2 * MINUTE)
    ours.advance(2 * MINUTE)

    pages = GmailChanges(client, ours).received_after(rig.mailbox(), FOLDER, added_at)

    assert [each async for page in pages for each in ids(page.arrivals)] == [wanted]
    fetched = await GmailFetcher(client, 1024).fetch(rig.mailbox(), pointer(wanted))
    assert fetched.received_at is not None
    assert abs(fetched.received_at - (added_at + MINUTE)) <= SECOND, "by our clock"
