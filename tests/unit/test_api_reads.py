from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from litestar.testing import AsyncTestClient

from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.microsoft.pointer import MicrosoftPointer
from postroom.application.ports import OutcomeRecord
from postroom.domain.dead_letter import DeadLetter
from postroom.domain.helpdesk.ticket import Comment, Document
from postroom.domain.mail.message import Address
from postroom.domain.outcome import (
    Accepted,
    Completed,
    Dead,
    Duplicate,
    Effect,
    Expanded,
    Final,
    Skipped,
)
from postroom.domain.pointer import PointerJob
from postroom.entrypoints.api.app import create_app
from postroom.entrypoints.views.dead_letters import DeadLetterView, ReasonView, dead_letter_view
from tests.unit.api_providers import (
    APPLICATION,
    google_mailbox,
    imap_mailbox,
    microsoft_mailbox,
    open_rig,
)
from tests.unit.api_rig import API_TOKEN, SUBSCRIPTION, Rig, problem

Client = AsyncTestClient[Any]
AT = datetime(2029, 12, 31, tzinfo=UTC)
PATHS = [
    "/api/v1/mailboxes",
    "/api/v1/queue",
    "/api/v1/dead-letters",
    "/api/v1/dead-letters/1",
    "/api/v1/outcomes",
    "/api/v1/tickets",
    "/api/v1/tickets/1",
    "/api/v1/tickets/1/documents/abc",
]


@pytest.fixture
def rig(clock: ManualClock) -> Iterator[Rig]:
    with open_rig(clock) as opened:
        yield opened


@pytest.fixture
async def client(rig: Rig) -> AsyncIterator[Client]:
    async with AsyncTestClient(rig.app()) as opened:
        opened.headers["Authorization"] = f"Bearer {API_TOKEN}"
        yield opened


def job(*, tenant: str = "acme", mailbox: str = "support", name: str = "j1") -> PointerJob:
    pointer = MicrosoftPointer("subscription", "AAMk")
    return PointerJob(id=name, tenant=tenant, mailbox=mailbox, pointer=pointer, enqueued_at=AT)


def record(outcome: Final, *, identity: str = "", **of_job: str) -> OutcomeRecord:
    return OutcomeRecord(job=job(**of_job), outcome=outcome, attempt=2, at=AT, identity=identity)


def comment(*documents: Document, original: str = "") -> Comment:
    return Comment(
        identity="rfc5322:a@b.example",
        digest="d",
        message_id="a@b.example",
        references=(),
        author=Address("Alice", "alice@b.example"),
        subject="Broken chair",
        text="It broke.",
        html="<p>It broke.</p>",
        received_at=AT,
        documents=documents,
        original=original,
        original_size=3 if original else 0,
        headers=(("Subject", "Broken chair"),),
    )


async def put(
    rig: Rig,
    content: bytes,
    *,
    filename: str = "chair.png",
    content_type: str = "image/png",
) -> Document:
    key = await rig.blobs.put("acme", content)
    return Document(filename=filename, content_type=content_type, size=len(content), blob=key)


# --- Who may read


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("header", [None, "Bearer ", "Bearer wrong", f"Basic {API_TOKEN}"])
async def test_without_a_right_token_nothing_is_read(
    client: Client, path: str, header: str | None
) -> None:
    del client.headers["Authorization"]

    response = await client.get(path, headers={"Authorization": header} if header else {})

    assert response.status_code == 401
    assert response.headers["www-authenticate"].startswith("Bearer")
    assert problem(response)["type"] == "urn:postroom:problem:unauthenticated"


async def test_who_shows_no_token_learns_nothing_of_parameters_either(client: Client) -> None:
    del client.headers["Authorization"]

    response = await client.get("/api/v1/tickets?limit=0")

    assert response.status_code == 401


async def test_an_empty_token_in_the_settings_lets_nobody_in(rig: Rig) -> None:
    app = create_app(replace(rig.services(), api_tokens={"": "acme"}))
    async with AsyncTestClient(app) as client:
        response = await client.get("/api/v1/tickets", headers={"Authorization": "Bearer  "})

    assert response.status_code == 401


async def test_another_tenants_things_are_not_there(client: Client, rig: Rig) -> None:
    await rig.registry.add(microsoft_mailbox())
    await rig.helpdesk.open_ticket(microsoft_mailbox(), comment())
    await rig.outcomes.record(record(Duplicate()))
    client.headers["Authorization"] = "Bearer token-of-globex"

    for path in ("mailboxes", "outcomes", "tickets"):
        response = await client.get(f"/api/v1/{path}")
        assert (response.status_code, response.json()) == (200, [])
    assert (await client.get("/api/v1/tickets/1")).status_code == 404


# --- What they read


async def test_mailboxes_are_shown_without_their_credentials(client: Client, rig: Rig) -> None:
    paused = microsoft_mailbox(paused="consent is gone")
    subscription = await rig.subscribe(paused)
    for mailbox in (google_mailbox(), imap_mailbox()):
        await rig.registry.add(mailbox)

    response = await client.get("/api/v1/mailboxes")

    assert [mailbox["provider"] for mailbox in response.json()] == ["imap", "google", "microsoft"]
    assert response.json()[2] == {
        "tenant": "acme",
        "id": "support",
        "address": "support@acme.example",
        "provider": "microsoft",
        "state": "paused",
        "reason": "consent is gone",
        "since": "2029-12-01T00:00:00Z",
        "added_at": "2029-12-01T00:00:00Z",
        "account": {
            "directory": "contoso",
            "client_id": APPLICATION,
            "credentials": "secret",
            "user": "support",
        },
        "folders": [
            {
                "name": "inbox",
                "mode": "notifications",
                "polling_reason": "",
                "last_error": "",
                "subscription_id": SUBSCRIPTION,
                "expires_at": f"{subscription.expires_at:%Y-%m-%dT%H:%M:%SZ}",
                "synced_at": None,
            }
        ],
    }


async def test_the_queue_is_shown_by_mailbox(client: Client, rig: Rig, clock: ManualClock) -> None:
    await rig.queue.enqueue([job(name="1"), job(name="2"), job(tenant="globex", name="3")])
    await rig.queue.claim(1, timedelta(minutes=1))
    clock.advance(timedelta(seconds=5))
    await rig.queue.pause("acme", "support", "throttled", delay=timedelta(minutes=1))

    queue = (await client.get("/api/v1/queue")).json()

    [lane] = queue["lanes"]
    assert lane == {
        "tenant": "acme",
        "mailbox": "support",
        "ready": 1,
        "delayed": 0,
        "in_flight": 1,
        "dead": 0,
        "oldest_seconds": (clock.now() - AT).total_seconds(),
        "paused": "throttled",
        "paused_until": f"{clock.now() + timedelta(minutes=1):%Y-%m-%dT%H:%M:%SZ}",
        "waiting_seconds": None,
    }
    assert queue["totals"]["in_flight"] == 1
    assert [totals["tenant"] for totals in queue["tenants"]] == ["acme"]


async def test_dead_letters_are_shown_with_their_reasons(
    client: Client, rig: Rig, clock: ManualClock
) -> None:
    await rig.queue.enqueue([job(name="1"), job(tenant="globex", name="2")])
    for claim in await rig.queue.claim(2, timedelta(minutes=1)):
        await rig.queue.bury(claim, "HTTP 500")

    page = (await client.get("/api/v1/dead-letters")).json()

    [letter] = page["letters"]
    assert page["next"] == ""
    assert (letter["id"], letter["tenant"], letter["mailbox"]) == ("1", "acme", "support")
    assert letter["job"]["id"] == "1"
    assert letter["job"]["pointer"]["message_id"] == "AAMk"
    assert letter["attempts"] == 1
    assert letter["reasons"] == [{"at": "2030-01-01T00:00:00Z", "reason": "HTTP 500"}]
    assert letter["died_at"] == "2030-01-01T00:00:00Z"
    assert (await client.get("/api/v1/dead-letters/1")).json() == letter


async def test_a_dead_letter_of_nobody_or_of_another_tenant_is_not_found(
    client: Client, rig: Rig
) -> None:
    await rig.queue.enqueue([job(tenant="globex", name="2")])
    [claim] = await rig.queue.claim(1, timedelta(minutes=1))
    await rig.queue.bury(claim, "HTTP 500")

    for name in ("1", "2"):
        response = await client.get(f"/api/v1/dead-letters/{name}")
        assert response.status_code == 404
        assert problem(response)["type"] == "urn:postroom:problem:not-found"


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, ["2", "1"]),
        ({"mailbox": "sales"}, ["2"]),
        ({"mailbox": "other"}, []),
        ({"provider": "microsoft"}, ["2", "1"]),
        ({"provider": "imap"}, []),
        ({"reason": "http 404"}, ["2"]),
        ({"died_after": "2030-01-01T00:00:01Z"}, ["2"]),
        ({"died_after": "2030-01-01T00:00:01"}, ["2"]),
        ({"died_before": "2030-01-01T01:00:01+01:00"}, ["1"]),
        ({"died_before": "2030-01-01T00:00:01"}, ["1"]),
        ({"limit": "1"}, ["2"]),
    ],
)
async def test_dead_letters_are_found_by_what_is_true_of_them(
    client: Client, rig: Rig, clock: ManualClock, query: dict[str, str], found: list[str]
) -> None:
    await rig.queue.enqueue([job(name="1"), job(name="2", mailbox="sales"), job(tenant="globex")])
    [*claims] = await rig.queue.claim(3, timedelta(minutes=1))
    for claim in sorted(claims, key=lambda each: each.job.id):
        await rig.queue.bury(claim, "HTTP 404" if claim.job.id == "2" else "HTTP 500")
        clock.advance(timedelta(seconds=1))

    page = (await client.get("/api/v1/dead-letters", params=query)).json()

    assert [letter["id"] for letter in page["letters"]] == found


async def test_dead_letters_are_read_page_by_page(client: Client, rig: Rig) -> None:
    await rig.queue.enqueue([job(name=str(n)) for n in range(3)])
    for claim in await rig.queue.claim(3, timedelta(minutes=1)):
        await rig.queue.bury(claim, "HTTP 500")

    first = (await client.get("/api/v1/dead-letters?limit=2")).json()
    second = (await client.get(f"/api/v1/dead-letters?limit=2&after={first['next']}")).json()

    assert [letter["id"] for letter in first["letters"] + second["letters"]] == ["2", "1", "0"]
    assert second["next"] == ""


@pytest.mark.parametrize(
    "query", [{"after": "x"}, {"provider": "pigeon"}, {"died_after": "monday"}]
)
async def test_dead_letters_that_are_asked_for_wrongly_are_refused(
    client: Client, query: dict[str, str]
) -> None:
    response = await client.get("/api/v1/dead-letters", params=query)

    assert response.status_code == 400
    assert problem(response)["type"] == "urn:postroom:problem:invalid-request"


def test_a_dead_letter_that_cannot_be_read_is_shown_without_its_job() -> None:
    letter = DeadLetter(
        id="1",
        tenant="acme",
        mailbox="support",
        job=None,
        attempts=1,
        reasons=((AT, "unreadable record"),),
        died_at=AT,
        crashes=2,
    )

    assert dead_letter_view(letter) == DeadLetterView(
        id="1",
        tenant="acme",
        mailbox="support",
        job=None,
        attempts=1,
        crashes=2,
        reasons=[ReasonView(AT, "unreadable record")],
        died_at=AT,
    )


@pytest.mark.parametrize(
    ("outcome", "told"),
    [
        (Completed(Effect.TICKET, "17"), ("completed", "ticket", "17")),
        (Accepted("crm"), ("accepted", None, "crm")),
        (Duplicate(), ("duplicate", None, "")),
        (Skipped("source unavailable"), ("skipped", None, "source unavailable")),
        (Expanded(3), ("expanded", None, "3 messages")),
        (Dead("gave up"), ("dead", None, "gave up")),
    ],
)
async def test_every_outcome_is_shown(
    client: Client, rig: Rig, outcome: Final, told: tuple[str, str | None, str]
) -> None:
    await rig.outcomes.record(record(outcome))

    [shown] = (await client.get("/api/v1/outcomes")).json()
    assert (shown["outcome"], shown["effect"], shown["detail"]) == told
    assert (shown["attempt"], shown["job"]["id"]) == (2, "j1")


@pytest.mark.parametrize(
    "query",
    [
        {"mailbox": "sales"},
        {"job": "j2"},
        {"identity": "rfc5322:X@b.example"},
        {"identity": "<X@B.example>"},
        {"mailbox": "sales", "job": "j2", "identity": "<X@b.example>"},
    ],
)
async def test_outcomes_are_found_by_mailbox_job_and_message(
    client: Client, rig: Rig, query: dict[str, str]
) -> None:
    await rig.outcomes.record(record(Duplicate(), identity="rfc5322:Y@b.example"))
    await rig.outcomes.record(
        record(Duplicate(), mailbox="sales", name="j2", identity="rfc5322:X@b.example")
    )

    response = await client.get("/api/v1/outcomes", params=query)

    assert [shown["job"]["id"] for shown in response.json()] == ["j2"]


async def test_tickets_are_listed_and_shown_with_comments_and_documents(
    client: Client, rig: Rig
) -> None:
    chair = await put(rig, b"PNG")
    await rig.helpdesk.open_ticket(microsoft_mailbox(), comment(chair))

    [summary] = (await client.get("/api/v1/tickets")).json()
    ticket = (await client.get("/api/v1/tickets/1")).json()

    assert summary["requester"] == {"name": "Alice", "email": "alice@b.example"}
    assert (summary["number"], summary["comments"], summary["documents"]) == (1, 1, 1)
    assert ticket["subject"] == "Broken chair"
    [shown] = ticket["comments"]
    assert shown["html"] == "<p>It broke.</p>"
    assert shown["documents"] == [
        {
            "key": chair.blob,
            "filename": "chair.png",
            "content_type": "image/png",
            "size": 3,
            "content_id": "",
            "inline": False,
        }
    ]


async def test_the_original_of_a_comment_is_saved_as_a_message(client: Client, rig: Rig) -> None:
    key = await rig.blobs.put("acme", b"Raw")
    await rig.helpdesk.open_ticket(microsoft_mailbox(), comment(original=key))

    [shown] = (await client.get("/api/v1/tickets/1")).json()["comments"]
    response = await client.get(f"/api/v1/tickets/1/documents/{shown['original']['key']}")

    assert (shown["original"]["size"], shown["headers"]) == (3, [["Subject", "Broken chair"]])
    assert response.content == b"Raw"
    assert response.headers["content-type"] == "message/rfc822"
    assert response.headers["content-disposition"] == "attachment; filename*=UTF-8''message.eml"
    assert response.headers["x-content-type-options"] == "nosniff"


async def test_what_was_filed_before_originals_were_stored_has_none(
    client: Client, rig: Rig
) -> None:
    await rig.helpdesk.open_ticket(microsoft_mailbox(), comment())

    [shown] = (await client.get("/api/v1/tickets/1")).json()["comments"]

    assert shown["original"] is None


@pytest.mark.parametrize("number", ["2", "0", "-1", "99999999999999999999"])
async def test_a_ticket_that_is_not_there_is_not_found(client: Client, number: str) -> None:
    response = await client.get(f"/api/v1/tickets/{number}")

    assert response.status_code == 404
    assert problem(response)["type"] == "urn:postroom:problem:not-found"


# --- Documents


@pytest.mark.parametrize(
    ("content_type", "sent_as"),
    [
        ("image/png", "image/png"),
        ("IMAGE/JPEG", "image/jpeg"),
        ("application/pdf; name=x", "application/pdf"),
        ("text/html", "application/octet-stream"),
        ("image/svg+xml", "application/octet-stream"),
        ("text/xml", "application/octet-stream"),
        ("application/xhtml+xml", "application/octet-stream"),
        ("", "application/octet-stream"),
        ("image/png\r\nSet-Cookie: x=1", "application/octet-stream"),
    ],
)
async def test_a_document_is_saved_and_never_shown(
    client: Client, rig: Rig, content_type: str, sent_as: str
) -> None:
    document = await put(rig, b"<script>", content_type=content_type)
    await rig.helpdesk.open_ticket(microsoft_mailbox(), comment(document))

    response = await client.get(f"/api/v1/tickets/1/documents/{document.blob}")

    assert response.status_code == 200
    assert response.content == b"<script>"
    assert response.headers["content-type"].partition(";")[0] == sent_as
    assert response.headers["content-disposition"].startswith("attachment;")
    assert response.headers["x-content-type-options"] == "nosniff"
    assert "set-cookie" not in response.headers


@pytest.mark.parametrize(
    ("filename", "told"),
    [
        ("chair.png", "chair.png"),
        ("Stuhl für Ä.png", "Stuhl%20f%C3%BCr%20%C3%84.png"),
        ('a"; filename=b.exe\r\nX: y', "a%22%3B%20filename%3Db.exe%0D%0AX%3A%20y"),
        ("", "document"),
    ],
)
async def test_a_strangers_file_name_cannot_break_out_of_the_header(
    client: Client, rig: Rig, filename: str, told: str
) -> None:
    document = await put(rig, b"x", filename=filename)
    await rig.helpdesk.open_ticket(microsoft_mailbox(), comment(document))

    response = await client.get(f"/api/v1/tickets/1/documents/{document.blob}")

    assert response.headers["content-disposition"] == f"attachment; filename*=UTF-8''{told}"


async def test_a_document_is_reached_through_its_own_ticket_only(client: Client, rig: Rig) -> None:
    document = await put(rig, b"x")
    await rig.helpdesk.open_ticket(microsoft_mailbox(), comment(document))
    await rig.helpdesk.open_ticket(microsoft_mailbox(), comment())
    lost = Document(filename="x", content_type="text/plain", size=1, blob="0" * 64)
    await rig.helpdesk.open_ticket(microsoft_mailbox(), comment(lost))

    for path in (f"2/documents/{document.blob}", f"3/documents/{lost.blob}", "1/documents/..%2f"):
        response = await client.get(f"/api/v1/tickets/{path}")
        assert response.status_code == 404
        problem(response)


# --- Parameters


@pytest.mark.parametrize("path", ["tickets", "outcomes", "dead-letters"])
@pytest.mark.parametrize("limit", ["0", "1001", "-1", "many", ""])
async def test_limits_are_bounded(client: Client, path: str, limit: str) -> None:
    response = await client.get(f"/api/v1/{path}", params={"limit": limit})

    assert response.status_code == 400
    told = problem(response)
    assert told["type"] == "urn:postroom:problem:invalid-request"
    assert told["errors"][0]["key"] == "limit"


async def test_the_limit_is_heeded(client: Client, rig: Rig) -> None:
    for _ in range(3):
        await rig.helpdesk.open_ticket(microsoft_mailbox(), comment())

    response = await client.get("/api/v1/tickets?limit=2")

    assert [ticket["number"] for ticket in response.json()] == [3, 2]


async def test_a_name_longer_than_any_is_refused_and_not_repeated(client: Client) -> None:
    response = await client.get("/api/v1/outcomes", params={"identity": "a" * 1025})

    assert response.status_code == 400
    assert "aaa" not in response.text
