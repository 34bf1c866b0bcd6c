"""The emulated messages: their forms, labels, threads and moves, by Google's own client."""

import base64
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from googleapiclient.errors import HttpError
from googleapiclient.http import BatchHttpRequest

from postroom.adapters.memory.clock import ManualClock
from postroom.entrypoints.emulators.gmail import GmailEmulator
from postroom.entrypoints.emulators.gmail.access import MODIFY_MAIL, READ_MAIL, READ_METADATA
from postroom.entrypoints.emulators.gmail.methods import METHODS, STANDARD_PARAMETERS
from tests.emulators.discovery import document, methods, served
from tests.emulators.gmail_rig import (
    MAIL,
    SUPPORT,
    Answer,
    Receiver,
    Service,
    Users,
    emulated,
    execute,
    gmail_service,
)

LETTER = b"""\
From: =?utf-8?q?Anna_M=C3=BCller?= <anna@example.net>
Message-ID: <1@example.net>
Subject: The printer
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=b

--b
Content-Type: multipart/alternative; boundary=c

--c
Content-Type: text/plain; charset=utf-8

It is   on
fire.
--c
Content-Type: text/html

<p>It is on fire.</p>
--c--
--b
Content-Type: application/pdf; name=bill.pdf
Content-Disposition: attachment; filename=bill.pdf
Content-Transfer-Encoding: base64

JVBERg==
--b--
""".replace(b"\n", b"\r\n")


def reply(number: int, answered: int) -> bytes:
    return (
        f"From: anna@example.net\r\nMessage-ID: <{number}@example.net>\r\n"
        f"In-Reply-To: <{answered}@example.net>\r\n\r\nStill.\r\n"
    ).encode()


@pytest.fixture
async def gmail(clock: ManualClock) -> AsyncIterator[GmailEmulator]:
    async with emulated(clock, Receiver()) as gmail:
        yield gmail


@pytest.fixture
async def url(gmail: GmailEmulator) -> AsyncIterator[str]:
    async with served(gmail) as url:
        yield url


@pytest.fixture
async def service(gmail: GmailEmulator, url: str) -> AsyncIterator[Service]:
    service = await gmail_service(gmail, url)
    yield service
    service.close()


@pytest.fixture
def users(service: Service) -> Users:
    return service.users()


async def get(users: Users, message_id: str, form: str, **parameters: object) -> Answer:
    request = users.messages().get(userId="me", id=message_id, format=form, **parameters)
    return await execute(request)


async def refusal(request: Answer) -> tuple[int, str]:
    with pytest.raises(HttpError) as caught:
        await execute(request)
    return caught.value.status_code, caught.value.reason


# --- Forms --------------------------------------------------------------------------------------


async def test_the_full_form_has_the_parts(gmail: GmailEmulator, users: Users) -> None:
    message = await get(users, gmail.deliver(SUPPORT, LETTER), "full")

    payload = message["payload"]
    assert payload["mimeType"] == "multipart/mixed"
    assert {"name": "Subject", "value": "The printer"} in payload["headers"]
    letter, bill = payload["parts"]
    assert [each["partId"] for each in letter["parts"]] == ["0.0", "0.1"]
    assert base64.urlsafe_b64decode(letter["parts"][0]["body"]["data"]) == b"It is   on\r\nfire."
    assert (bill["partId"], bill["filename"], bill["body"]["size"]) == ("1", "bill.pdf", 4)
    assert "data" not in bill["body"]
    assert message["snippet"] == "It is on fire."


async def test_the_metadata_are_the_headers_that_are_wanted(
    gmail: GmailEmulator, users: Users
) -> None:
    message_id = gmail.deliver(SUPPORT, LETTER)

    some = await get(users, message_id, "metadata", metadataHeaders=["subject", "X-None"])
    every = await get(users, message_id, "metadata")

    assert some["payload"]["headers"] == [{"name": "Subject", "value": "The printer"}]
    assert len(every["payload"]["headers"]) == 5
    assert "parts" not in every["payload"]


@pytest.mark.parametrize(("form", "has"), [("minimal", set()), ("raw", {"raw"})])
async def test_the_other_forms_hold_nothing_that_was_parsed(
    gmail: GmailEmulator, users: Users, form: str, has: set[str]
) -> None:
    message = await get(users, gmail.deliver(SUPPORT, LETTER), form)

    every = {"id", "threadId", "labelIds", "snippet", "historyId", "internalDate", "sizeEstimate"}
    assert set(message) == every | has


async def test_mail_that_is_none_has_every_form_all_the_same(
    gmail: GmailEmulator, users: Users
) -> None:
    for raw in (b"", b"\x00\xff", MAIL, b"Content-Type: multipart/mixed\r\n\r\nno parts"):
        message_id = gmail.deliver(SUPPORT, raw)
        for form in ("full", "metadata", "minimal", "raw"):
            assert (await get(users, message_id, form))["id"] == message_id


# --- Scopes and parameters ----------------------------------------------------------------------


async def test_who_may_see_metadata_alone_sees_no_content(gmail: GmailEmulator, url: str) -> None:
    message_id = gmail.deliver(SUPPORT, LETTER)
    service = await gmail_service(gmail, url, scopes=[READ_METADATA])
    messages = service.users().messages()

    assert (await refusal(messages.get(userId="me", id=message_id, format="raw")))[0] == 403
    assert (await refusal(messages.list(userId="me", q="in:inbox")))[0] == 403
    request = messages.get(userId="me", id=message_id, format="metadata")
    assert (await execute(request))["id"] == message_id
    service.close()


async def test_who_may_read_may_not_change(gmail: GmailEmulator, url: str) -> None:
    message_id = gmail.deliver(SUPPORT, MAIL)
    service = await gmail_service(gmail, url, scopes=[READ_MAIL])

    request = service.users().messages().trash(userId="me", id=message_id)

    assert await refusal(request) == (403, "Request had insufficient authentication scopes.")
    service.close()


@pytest.mark.parametrize("name", sorted(METHODS))
def test_every_method_has_googles_parameters_and_scopes(name: str) -> None:
    [method] = [each for each in methods("gmail.v1") if each["id"] == f"gmail.users.{name}"]

    in_query = {
        parameter
        for parameter, described in method.get("parameters", {}).items()
        if described["location"] == "query"
    }
    assert METHODS[name].parameters == in_query
    assert METHODS[name].scopes <= set(method["scopes"])
    assert set(document("gmail.v1")["parameters"]) == STANDARD_PARAMETERS


async def test_a_service_account_has_no_mailbox_of_its_own(
    gmail: GmailEmulator, service: Service
) -> None:
    service._http.credentials = service._http.credentials.with_subject(None)

    refused = await refusal(service.users().getProfile(userId="me"))

    assert refused == (400, "Precondition check failed.")


# --- Labels -------------------------------------------------------------------------------------


async def test_labels_have_ids_and_names(gmail: GmailEmulator, users: Users) -> None:
    label = gmail.add_label(SUPPORT, "Customers/Urgent")

    listed = (await execute(users.labels().list(userId="me")))["labels"]

    kinds = {each["id"]: (each["name"], each["type"]) for each in listed}
    assert kinds["INBOX"] == ("INBOX", "system")
    assert kinds[label] == ("Customers/Urgent", "user")


async def test_a_move_of_labels_is_in_the_history(gmail: GmailEmulator, users: Users) -> None:
    message_id = gmail.deliver(SUPPORT, MAIL, labels=["SPAM", "UNREAD"])
    start = str(gmail.history_id(SUPPORT))
    body = {"addLabelIds": ["INBOX"], "removeLabelIds": ["SPAM"]}

    moved = await execute(users.messages().modify(userId="me", id=message_id, body=body))

    assert set(moved["labelIds"]) == {"INBOX", "UNREAD"}
    page = await execute(users.history().list(userId="me", startHistoryId=start))
    assert page["history"][0]["labelsAdded"][0]["labelIds"] == ["INBOX"]
    assert page["history"][1]["labelsRemoved"][0]["labelIds"] == ["SPAM"]


async def test_what_is_thrown_away_can_be_taken_back(gmail: GmailEmulator, users: Users) -> None:
    message_id = gmail.deliver(SUPPORT, MAIL)
    messages = users.messages()

    thrown = await execute(messages.trash(userId="me", id=message_id))
    hidden = await execute(messages.list(userId="me"))
    shown = await execute(messages.list(userId="me", labelIds=["TRASH"]))
    taken = await execute(messages.untrash(userId="me", id=message_id))

    assert set(thrown["labelIds"]) == {"TRASH", "UNREAD"}
    assert "messages" not in hidden
    assert [each["id"] for each in shown["messages"]] == [message_id]
    assert taken["labelIds"] == ["UNREAD"]


async def test_many_are_moved_at_once(gmail: GmailEmulator, users: Users) -> None:
    ids = [gmail.deliver(SUPPORT, MAIL) for _ in range(3)]
    body = {"ids": [*ids, "gone"], "removeLabelIds": ["INBOX"]}

    await execute(users.messages().batchModify(userId="me", body=body))

    assert all(gmail.mailbox(SUPPORT).message(each).labels == ("UNREAD",) for each in ids)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"addLabelIds": ["Nonsense"]},
        {"removeLabelIds": ["SENT"]},
        {"labels": ["INBOX"]},
    ],
)
async def test_a_move_that_makes_no_sense_is_refused(
    gmail: GmailEmulator, users: Users, body: dict[str, object]
) -> None:
    message_id = gmail.deliver(SUPPORT, MAIL)

    request = users.messages().modify(userId="me", id=message_id, body=body)

    assert (await refusal(request))[0] == 400


# --- Threads ------------------------------------------------------------------------------------


async def test_what_answers_each_other_is_one_thread(
    gmail: GmailEmulator, users: Users, clock: ManualClock
) -> None:
    ids = []
    for raw in (LETTER, reply(2, 1), reply(3, 2), reply(9, 8)):
        ids.append(gmail.deliver(SUPPORT, raw))
        clock.advance(timedelta(seconds=1))

    thread = await execute(users.threads().get(userId="me", id=ids[0], format="minimal"))
    listed = await execute(users.threads().list(userId="me"))

    assert [each["id"] for each in thread["messages"]] == ids[:3]
    assert [each["id"] for each in listed["threads"]] == [ids[3], ids[0]]
    assert (await execute(users.getProfile(userId="me")))["threadsTotal"] == 2
    assert (await refusal(users.threads().get(userId="me", id="none")))[0] == 404


# --- Batches ------------------------------------------------------------------------------------


async def test_a_batch_is_many_calls_each_with_its_own_answer(
    gmail: GmailEmulator, service: Service, url: str
) -> None:
    ids = [gmail.deliver(SUPPORT, MAIL) for _ in range(3)]
    messages = service.users().messages()
    answers: dict[str, Any] = {}

    def answered(number: str, answer: Answer, error: HttpError | None) -> None:
        answers[number] = error.status_code if error else answer["id"]

    await execute(service.users().getProfile(userId="me"))  # have a token
    batch = BatchHttpRequest(callback=answered, batch_uri=f"{url}/batch/gmail/v1")
    for message_id in (*ids, "gone"):
        batch.add(messages.get(userId="me", id=message_id, format="raw"))
    body = {"removeLabelIds": ["UNREAD"]}
    batch.add(messages.modify(userId="me", id=ids[0], body=body))
    await execute(batch)

    assert list(answers.values()) == [*ids, 404, ids[0]]
    assert gmail.mailbox(SUPPORT).message(ids[0]).labels == ("INBOX",)
    assert gmail.calls["messages.get"] == 4


# --- Addresses ----------------------------------------------------------------------------------


async def test_an_alias_leads_to_the_mailbox_which_states_its_own_address(
    gmail: GmailEmulator, url: str
) -> None:
    gmail.add_alias("help@example.org", SUPPORT)
    service = await gmail_service(gmail, url, "help@example.org", [READ_MAIL])

    profile = await execute(service.users().getProfile(userId="help@example.org"))

    assert profile["emailAddress"] == SUPPORT
    service.close()


async def test_a_user_who_is_renamed_has_the_same_mailbox_under_both_addresses(
    gmail: GmailEmulator, users: Users, url: str
) -> None:
    gmail.pubsub.create_topic()
    gmail.watch(SUPPORT)
    message_id = gmail.deliver(SUPPORT, MAIL)

    gmail.rename(SUPPORT, "service@example.org")

    assert (await execute(users.getProfile(userId="me")))["emailAddress"] == "service@example.org"
    assert len(gmail.watches("service@example.org")) == 1
    service = await gmail_service(gmail, url, "service@example.org", [READ_MAIL, MODIFY_MAIL])
    request = service.users().messages().get(userId="me", id=message_id)
    assert (await execute(request))["id"] == message_id
    service.close()
