"""The emulated Gmail is one that Google's own libraries take for Gmail."""

import base64
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from google.auth.exceptions import RefreshError
from googleapiclient.errors import HttpError

from postroom.adapters.memory.clock import ManualClock
from postroom.entrypoints.emulators.gmail import GmailEmulator, GoogleError
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
async def url(gmail: GmailEmulator) -> AsyncIterator[str]:
    async with served(gmail) as url:
        yield url


@pytest.fixture
async def users(gmail: GmailEmulator, url: str) -> AsyncIterator[Users]:
    service = await gmail_service(gmail, url)
    yield service.users()
    service.close()


# --- The API ------------------------------------------------------------------------------------


async def test_googles_client_reads_a_message(gmail: GmailEmulator, users: Users) -> None:
    at = datetime(2029, 12, 31, 1, 2, 3, 456000, tzinfo=UTC)
    message_id = gmail.deliver(SUPPORT, MAIL, at=at)

    message = await execute(users.messages().get(userId="me", id=message_id, format="raw"))

    assert base64.urlsafe_b64decode(message["raw"]) == MAIL
    assert message["id"] == message_id
    assert message["labelIds"] == ["INBOX", "UNREAD"]
    assert message["internalDate"] == str(int(at.timestamp() * 1000))
    assert message["sizeEstimate"] == len(MAIL)


async def test_a_minimal_message_has_no_content(gmail: GmailEmulator, users: Users) -> None:
    message_id = gmail.deliver(SUPPORT, MAIL)

    message = await execute(users.messages().get(userId=SUPPORT, id=message_id, format="minimal"))

    assert "raw" not in message
    assert message["historyId"] == str(gmail.history_id(SUPPORT))


async def test_googles_client_lists_messages_newest_first_in_pages(
    gmail: GmailEmulator, users: Users, clock: ManualClock
) -> None:
    delivered = []
    for _ in range(5):
        delivered.append(gmail.deliver(SUPPORT, MAIL))
        clock.advance(timedelta(seconds=1))
    gmail.deliver(SUPPORT, MAIL, labels=["SPAM"])
    gmail.deliver(SUPPORT, MAIL, labels=["SENT"])
    after = int(clock.now().timestamp()) - 60
    messages = users.messages()

    listed: list[str] = []
    request = messages.list(userId="me", q=f"after:{after} -in:sent", maxResults=2)
    while request:
        page = await execute(request)
        listed += [message["id"] for message in page["messages"]]
        request = messages.list_next(request, page)

    assert listed == delivered[::-1]


async def test_a_search_has_two_edges_and_finds_what_came_in_between(
    gmail: GmailEmulator, users: Users, clock: ManualClock
) -> None:
    start = int(clock.now().timestamp())
    delivered = []
    for _ in range(5):
        delivered.append(gmail.deliver(SUPPORT, MAIL))
        clock.advance(timedelta(seconds=1))

    search = f"after:{start} before:{start + 3}"
    page = await execute(users.messages().list(userId="me", q=search))

    assert [message["id"] for message in page["messages"]] == [delivered[2], delivered[1]]


async def test_a_search_without_a_find_has_no_messages(gmail: GmailEmulator, users: Users) -> None:
    page = await execute(users.messages().list(userId="me", q="in:drafts"))

    assert page == {"resultSizeEstimate": 0}


async def test_a_term_that_the_emulator_does_not_know_is_refused(users: Users) -> None:
    with pytest.raises(HttpError, match="does not know"):
        await execute(users.messages().list(userId="me", q="from:anna"))


async def test_googles_client_lists_the_history_in_pages(
    gmail: GmailEmulator, users: Users
) -> None:
    start = gmail.history_id(SUPPORT)
    first, second = gmail.deliver(SUPPORT, MAIL), gmail.deliver(SUPPORT, MAIL)
    gmail.relabel(SUPPORT, first, add=["STARRED"], remove=["UNREAD"])
    gmail.delete(SUPPORT, second)
    history = users.history()

    records: list[Answer] = []
    request = history.list(userId="me", startHistoryId=str(start), maxResults=2)
    while request:
        page = await execute(request)
        records += page["history"]
        request = history.list_next(request, page)

    kinds = [set(record) - {"id", "messages"} for record in records]
    assert kinds == [
        {"messagesAdded"},
        {"messagesAdded"},
        {"labelsAdded"},
        {"labelsRemoved"},
        {"messagesDeleted"},
    ]
    assert records[0]["messagesAdded"] == [
        {"message": {"id": first, "threadId": first, "labelIds": ["INBOX", "UNREAD"]}}
    ]
    assert records[2]["labelsAdded"][0]["labelIds"] == ["STARRED"]
    assert page["historyId"] == records[-1]["id"] == str(gmail.history_id(SUPPORT))


async def test_only_the_kinds_of_change_that_are_wanted_are_listed(
    gmail: GmailEmulator, users: Users
) -> None:
    message_id = gmail.deliver(SUPPORT, MAIL)
    start = str(gmail.history_id(SUPPORT))
    gmail.relabel(SUPPORT, message_id, add=["STARRED"])

    page = await execute(
        users.history().list(userId="me", startHistoryId=start, historyTypes=["messageAdded"])
    )

    assert page == {"historyId": str(gmail.history_id(SUPPORT))}


async def test_a_forgotten_history_is_not_found(gmail: GmailEmulator, users: Users) -> None:
    start = str(gmail.history_id(SUPPORT))
    gmail.deliver(SUPPORT, MAIL)
    gmail.expire_history(SUPPORT)

    with pytest.raises(HttpError) as caught:
        await execute(users.history().list(userId="me", startHistoryId=start))

    assert caught.value.status_code == 404
    assert caught.value.error_details[0]["reason"] == "notFound"


async def test_a_lagging_index_shows_the_message_a_little_later(
    gmail: GmailEmulator, users: Users
) -> None:
    start = str(gmail.history_id(SUPPORT))
    gmail.lag(SUPPORT, 1)
    gmail.deliver(SUPPORT, MAIL)
    request = users.history().list(userId="me", startHistoryId=start)

    early, late = await execute(request), await execute(request)

    assert early == {"historyId": start}
    assert len(late["history"]) == 1


async def test_googles_client_reads_the_profile(gmail: GmailEmulator, users: Users) -> None:
    gmail.deliver(SUPPORT, MAIL)

    profile = await execute(users.getProfile(userId="me"))

    assert profile == {
        "emailAddress": SUPPORT,
        "messagesTotal": 1,
        "threadsTotal": 1,
        "historyId": str(gmail.history_id(SUPPORT)),
    }


# --- Refusals -----------------------------------------------------------------------------------


async def test_googles_client_understands_a_refusal(gmail: GmailEmulator, users: Users) -> None:
    gmail.fail("getProfile", GoogleError(403, "rateLimitExceeded", "Slow down."))

    with pytest.raises(HttpError) as caught:
        await execute(users.getProfile(userId="me"))

    assert caught.value.status_code == 403
    assert caught.value.reason == "Slow down."
    assert caught.value.error_details == [
        {"message": "Slow down.", "domain": "usageLimits", "reason": "rateLimitExceeded"}
    ]


async def test_googles_client_gets_another_token_for_a_revoked_one(
    gmail: GmailEmulator, users: Users
) -> None:
    await execute(users.getProfile(userId="me"))
    gmail.revoke_tokens(SUPPORT)

    await execute(users.getProfile(userId="me"))

    assert gmail.calls["token"] == 2


async def test_another_users_mailbox_is_closed(gmail: GmailEmulator, users: Users) -> None:
    gmail.mailbox("sales@example.org")

    with pytest.raises(HttpError, match="Delegation denied"):
        await execute(users.getProfile(userId="sales@example.org"))


async def test_google_auth_understands_that_nothing_is_delegated(
    gmail: GmailEmulator, users: Users, url: str
) -> None:
    gmail.service_account_key(url, scopes=())

    with pytest.raises(RefreshError, match="unauthorized_client"):
        await execute(users.getProfile(userId="me"))
