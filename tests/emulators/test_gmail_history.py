"""The emulated history: what it lists, what it refuses, and what is wrong with it on demand."""

from collections.abc import AsyncIterator

import pytest
from googleapiclient.errors import HttpError

from postroom.adapters.memory.clock import ManualClock
from postroom.entrypoints.emulators.gmail import GmailEmulator
from tests.emulators.discovery import served
from tests.emulators.gmail_rig import (
    MAIL,
    SUPPORT,
    Answer,
    Receiver,
    Users,
    emulated,
    execute,
    gmail_service,
)


@pytest.fixture
async def gmail(clock: ManualClock) -> AsyncIterator[GmailEmulator]:
    async with emulated(clock, Receiver()) as gmail:
        yield gmail


@pytest.fixture
async def users(gmail: GmailEmulator) -> AsyncIterator[Users]:
    async with served(gmail) as url:
        service = await gmail_service(gmail, url)
        yield service.users()
        service.close()


async def history(users: Users, start: int | str, **parameters: object) -> Answer:
    request = users.history().list(userId="me", startHistoryId=str(start), **parameters)
    return await execute(request)


async def refusal(request: Answer) -> tuple[int, str]:
    """The status, and what Gmail says."""
    with pytest.raises(HttpError) as caught:
        await execute(request)
    return caught.value.status_code, caught.value.reason


def added(page: Answer) -> list[str]:
    return [
        change["message"]["id"]
        for record in page.get("history", [])
        for change in record.get("messagesAdded", [])
    ]


# --- What it lists ------------------------------------------------------------------------------


async def test_a_history_can_be_of_one_label(gmail: GmailEmulator, users: Users) -> None:
    start = gmail.history_id(SUPPORT)
    gmail.deliver(SUPPORT, MAIL, labels=["SENT"])
    inbound = gmail.deliver(SUPPORT, MAIL)

    assert added(await history(users, start, labelId="INBOX")) == [inbound]


async def test_several_kinds_of_change_can_be_wanted(gmail: GmailEmulator, users: Users) -> None:
    start = gmail.history_id(SUPPORT)
    message_id = gmail.deliver(SUPPORT, MAIL, labels=["SPAM"])
    gmail.relabel(SUPPORT, message_id, add=["INBOX"], remove=["SPAM"])

    page = await history(users, start, historyTypes=["messageAdded", "labelAdded"])

    kinds = [set(record) - {"id", "messages"} for record in page["history"]]
    assert kinds == [{"messagesAdded"}, {"labelsAdded"}]


# --- What it refuses ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "reason"),
    [
        ("", "Invalid value at 'startHistoryId' (TYPE_UINT64), \"\""),
        ("0", "Missing/invalid parameter: startHistoryId"),
        ("-1", "Invalid value at 'startHistoryId' (TYPE_UINT64), \"-1\""),
        ("one", "Invalid value at 'startHistoryId' (TYPE_UINT64), \"one\""),
        ("1.5", "Invalid value at 'startHistoryId' (TYPE_UINT64), \"1.5\""),
        (str(2**64), f"Invalid value at 'startHistoryId' (TYPE_UINT64), \"{2**64}\""),
    ],
)
async def test_an_id_that_is_none_is_refused(users: Users, start: str, reason: str) -> None:
    request = users.history().list(userId="me", startHistoryId=start)

    assert await refusal(request) == (400, reason)


async def test_an_id_must_be_given(users: Users) -> None:
    request = users.history().list(userId="me")

    assert await refusal(request) == (400, "Missing/invalid parameter: startHistoryId")


async def test_an_id_that_is_yet_to_come_has_an_empty_history_that_ends_before_it(
    gmail: GmailEmulator, users: Users
) -> None:
    gmail.deliver(SUPPORT, MAIL)
    now = gmail.history_id(SUPPORT)

    assert await history(users, now + 1000) == {"historyId": str(now)}
    assert await history(users, 2**64 - 1) == {"historyId": str(now)}


async def test_an_id_that_is_yet_to_come_may_not_be_found(
    gmail: GmailEmulator, users: Users
) -> None:
    gmail.manners.finds_future_history = False
    request = users.history().list(userId="me", startHistoryId=str(gmail.history_id(SUPPORT) + 1))

    assert await refusal(request) == (404, "Requested entity was not found.")


@pytest.mark.parametrize("is_listed", [True, False])
async def test_a_404_has_the_list_of_errors_or_not(
    gmail: GmailEmulator, users: Users, *, is_listed: bool
) -> None:
    gmail.manners.legacy_errors = is_listed
    start = gmail.history_id(SUPPORT)
    gmail.deliver(SUPPORT, MAIL)
    gmail.expire_history(SUPPORT)

    with pytest.raises(HttpError) as caught:
        await history(users, start)

    assert caught.value.status_code == 404
    assert (b'"errors"' in caught.value.content) is is_listed
    assert b'"NOT_FOUND"' in caught.value.content


@pytest.mark.parametrize(
    "parameters",
    [
        {"labelId": "Nonsense"},
        {"maxResults": 2**32},
        {"pageToken": "nonsense"},
    ],
)
async def test_parameters_that_make_no_sense_are_refused(
    users: Users, parameters: dict[str, object]
) -> None:
    request = users.history().list(userId="me", startHistoryId="1000", **parameters)

    assert (await refusal(request))[0] == 400


@pytest.mark.parametrize("parameter", ["historyType=messageAdded", "historyTypes=mail"])
async def test_parameters_that_there_are_not_are_refused(users: Users, parameter: str) -> None:
    request = users.history().list(userId="me", startHistoryId="1000")
    request.uri += f"&{parameter}"

    status, reason = await refusal(request)

    assert status == 400
    assert "Unknown name" in reason or "Invalid value at 'history_types'" in reason


# --- What goes wrong ----------------------------------------------------------------------------


async def test_a_page_token_can_expire_half_way(gmail: GmailEmulator, users: Users) -> None:
    start = gmail.history_id(SUPPORT)
    for _ in range(3):
        gmail.deliver(SUPPORT, MAIL)
    first = users.history().list(userId="me", startHistoryId=str(start), maxResults=2)
    following = users.history().list_next(first, await execute(first))

    gmail.pages.expire()

    assert await refusal(following) == (400, "Invalid pageToken")


async def test_a_page_token_is_for_the_list_that_it_was_given_for(
    gmail: GmailEmulator, users: Users
) -> None:
    start = gmail.history_id(SUPPORT)
    for _ in range(3):
        gmail.deliver(SUPPORT, MAIL)
    token = (await history(users, start, maxResults=2))["nextPageToken"]

    other = users.history().list(
        userId="me", startHistoryId=str(start), labelId="INBOX", pageToken=token
    )

    assert await refusal(other) == (400, "Invalid pageToken")


async def test_pages_can_be_without_an_end(gmail: GmailEmulator, users: Users) -> None:
    start = gmail.history_id(SUPPORT)
    message_id = gmail.deliver(SUPPORT, MAIL)
    gmail.pages.endless.add("history.list")

    pages = []
    request = users.history().list(userId="me", startHistoryId=str(start))
    for _ in range(5):
        pages.append(await execute(request))
        request = users.history().list_next(request, pages[-1])

    assert [added(page) for page in pages] == [[message_id]] * 5
    assert len({page["nextPageToken"] for page in pages}) == 5


async def test_a_replica_that_lags_knows_nothing_of_what_is_new(
    gmail: GmailEmulator, users: Users
) -> None:
    start = gmail.history_id(SUPPORT)
    gmail.fall_behind(SUPPORT)
    message_id = gmail.deliver(SUPPORT, MAIL)
    later = gmail.history_id(SUPPORT)
    messages = users.messages()

    assert await history(users, start) == {"historyId": str(start)}
    assert await history(users, later) == {"historyId": str(start)}
    assert (await execute(users.getProfile(userId="me")))["historyId"] == str(start)
    assert await execute(messages.list(userId="me")) == {"resultSizeEstimate": 0}
    assert (await refusal(messages.get(userId="me", id=message_id)))[0] == 404

    gmail.catch_up(SUPPORT)

    assert added(await history(users, start)) == [message_id]
    assert (await execute(messages.get(userId="me", id=message_id)))["id"] == message_id


async def test_one_of_two_replicas_may_lag(gmail: GmailEmulator, users: Users) -> None:
    start = gmail.history_id(SUPPORT)
    gmail.fall_behind(SUPPORT, every=2)
    gmail.deliver(SUPPORT, MAIL)

    reached = [int((await history(users, start))["historyId"]) for _ in range(4)]

    later = gmail.history_id(SUPPORT)
    assert reached == [later, start, later, start]


async def test_a_mailbox_that_is_made_again_begins_with_lower_ids_and_other_messages(
    gmail: GmailEmulator, users: Users
) -> None:
    old = gmail.deliver(SUPPORT, MAIL)
    reached = gmail.history_id(SUPPORT)

    gmail.recreate_mailbox(SUPPORT)
    new = gmail.deliver(SUPPORT, MAIL, labels=["INBOX"])

    profile = await execute(users.getProfile(userId="me"))
    assert int(profile["historyId"]) <= reached
    assert new != old
    assert (await refusal(users.messages().get(userId="me", id=old)))[0] == 404
