"""The links of a message, over HTTP, on a fake of what looks handovers up."""

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import httpx
import pytest
from litestar import Litestar
from litestar.testing import AsyncTestClient

from postroom.adapters.memory.blobs import InMemoryBlobStore
from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.memory.offload import AtOnce
from postroom.application.open_links import OpenLinks, ReadContent
from postroom.application.ports import HandoverRecord
from postroom.domain.handover.application import Application
from postroom.domain.handover.content_token import ContentTokens, Links
from postroom.domain.handover.handover import Handover, State
from postroom.entrypoints.api.handover_links import links_of, routes
from postroom.entrypoints.api.problems import HANDLERS
from tests.samples import sample
from tests.unit.api_rig import problem
from tests.unit.fake_handovers import FakeApplications, FakeHandoverRecords

Client = AsyncTestClient[Any]
AT = datetime(2030, 1, 1, tzinfo=UTC)
KEY = "msg_ic4uclgu7j3ru5k5hkyx6us2sty4fy63"
OTHER_KEY = "msg_ob4uclgu7j3ru5k5hkyx6us2sty4fy63"
UNKNOWN_KEY = "msg_un4uclgu7j3ru5k5hkyx6us2sty4fy63"
RAW = sample("attachments")
PATHS = ["raw", "parts/1", "html", "text"]
TOKENS = ContentTokens([b"k" * 32])


def record(key: str = KEY, *, tenant: str = "acme", application: str = "crm") -> HandoverRecord:
    handover = Handover(
        tenant=tenant,
        application=application,
        key=key,
        mailbox="support",
        identity="rfc5322:a@x",
        received_at=AT,
        accepted_at=AT,
        state=State.WAITING,
        due_at=AT,
    )
    return HandoverRecord(
        handover,
        job=None,
        raw=sha256(RAW).hexdigest(),
        raw_size=len(RAW),
        body_size=0,
        last_answer={},
    )


def application(name: str) -> Application:
    return Application(tenant="", name=name, destination="https://crm.example", added_at=AT)


class Rig:
    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.records = FakeHandoverRecords([record(), record(OTHER_KEY, tenant="globex")])
        self.applications = FakeApplications([application("crm"), application("archive")])
        self.blobs = InMemoryBlobStore()

    def token(self, key: str = KEY, *, tenant: str = "acme", application: str = "crm") -> str:
        return TOKENS.make(Links(tenant, application, key), self.clock.now())

    def app(self) -> Litestar:
        open_links = OpenLinks(self.records, self.applications, TOKENS, self.clock)
        read = ReadContent(self.blobs, AtOnce())
        links = links_of(open_links, read, {"token-of-acme": "acme", "token-of-globex": "globex"})
        return Litestar([routes(links)], exception_handlers=HANDLERS, openapi_config=None)


@pytest.fixture
async def rig(clock: ManualClock) -> Rig:
    rig = Rig(clock)
    for tenant in ("acme", "globex"):
        await rig.blobs.put(tenant, RAW)
    return rig


@pytest.fixture
async def client(rig: Rig) -> AsyncIterator[Client]:
    async with AsyncTestClient(rig.app()) as opened:
        yield opened


async def get(
    client: Client, path: str, token: str, *, key: str = KEY, **headers: str
) -> httpx.Response:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    sent["Authorization"] = f"Bearer {token}"
    return await client.get(f"/api/v1/handovers/{key}/{path}", headers=sent)


# --- Who may follow them


@pytest.mark.parametrize("path", PATHS)
async def test_a_token_of_a_call_and_the_tenants_own_open_the_links(
    client: Client, rig: Rig, path: str
) -> None:
    for token in (rig.token(), "token-of-acme"):
        assert (await get(client, path, token)).status_code in (200, 404)
    assert (await get(client, "raw", rig.token())).content == RAW


@pytest.mark.parametrize("path", PATHS)
async def test_a_content_token_of_anything_else_is_refused_as_one_that_was_made_up(
    client: Client, rig: Rig, path: str
) -> None:
    made_up = await get(client, path, "v1.1.x")
    assert made_up.status_code == 401
    assert made_up.headers["www-authenticate"] == 'Bearer error="invalid_token"'

    for token, key in [
        (rig.token(OTHER_KEY), KEY),
        (rig.token(tenant="globex"), KEY),
        (rig.token(application="erp"), KEY),
        (rig.token(), OTHER_KEY),
        (rig.token(), UNKNOWN_KEY),
        (rig.token(UNKNOWN_KEY), UNKNOWN_KEY),
        (rig.token(application="archive"), KEY),  # which was not handed it
    ]:
        refused = await get(client, path, token, key=key)
        assert (refused.status_code, refused.content) == (401, made_up.content)


async def test_another_tenants_message_is_as_one_that_is_not_there(client: Client) -> None:
    missing = await get(client, "raw", "token-of-acme", key=UNKNOWN_KEY)
    others = await get(client, "raw", "token-of-acme", key=OTHER_KEY)

    assert missing.status_code == others.status_code == 404
    assert missing.content == others.content
    problem(missing)


@pytest.mark.parametrize("token", ["", "wrong", "token-of-acm", "V1.1.x"])
async def test_without_a_right_token_nothing_is_read(client: Client, token: str) -> None:
    for path in PATHS:
        response = await get(client, path, token)
        assert response.status_code == 401
        assert problem(response)["type"] == "urn:postroom:problem:unauthenticated"


async def test_a_token_in_the_url_opens_nothing(client: Client, rig: Rig) -> None:
    response = await client.get(f"/api/v1/handovers/{KEY}/raw?token={rig.token()}")

    assert response.status_code == 401


async def test_after_an_hour_a_content_token_opens_nothing_and_the_tenants_own_does(
    client: Client, rig: Rig, clock: ManualClock
) -> None:
    token = rig.token()
    clock.advance(timedelta(hours=1))

    assert (await get(client, "raw", token)).status_code == 401
    assert (await get(client, "raw", "token-of-acme")).status_code == 200


async def test_each_application_that_has_the_message_may_follow_its_own(
    client: Client, rig: Rig
) -> None:
    rig.records.records.append(record(application="archive"))

    for name in ("crm", "archive"):
        assert (await get(client, "raw", rig.token(application=name))).content == RAW


# --- What they lead to


async def test_the_original_is_sent_to_be_saved(client: Client, rig: Rig) -> None:
    response = await get(client, "raw", rig.token())

    assert response.headers["content-type"] == "message/rfc822"
    assert response.headers["content-disposition"] == "attachment; filename*=UTF-8''message.eml"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["content-security-policy"].startswith("sandbox")
    assert response.headers["etag"] == f'"{sha256(RAW).hexdigest()}"'
    assert response.headers["accept-ranges"] == "bytes"
    assert response.headers["content-length"] == str(len(RAW))


async def test_a_part_is_decoded_and_named(client: Client, rig: Rig) -> None:
    response = await get(client, "parts/2", rig.token())

    assert response.status_code == 200
    assert response.headers["content-type"] == "application/pdf"
    assert response.headers["etag"] == f'"{sha256(response.content).hexdigest()}"'
    assert re.search(
        r"filename\*=UTF-8''Antrag%20f%C3%BCr", response.headers["content-disposition"]
    )


async def test_html_is_sent_as_bytes_and_text_as_text(client: Client, rig: Rig) -> None:
    raw = b"Content-Type: text/html; charset=latin1\n\n<p onclick=x()>\xe4</p>"
    key = await rig.blobs.put("acme", raw)
    rig.records.records[0] = replace(record(), raw=key)

    html, text, part = [
        await get(client, path, rig.token()) for path in ("html", "text", "parts/1")
    ]

    assert html.headers["content-type"] == "application/octet-stream"
    assert html.content == "<p onclick=x()>ä</p>".encode()
    assert (text.headers["content-type"], text.text) == ("text/plain; charset=utf-8", "ä")
    assert part.headers["content-type"] == "application/octet-stream"
    assert part.content == b"<p onclick=x()>\xe4</p>"


async def test_a_text_part_is_not_said_to_be_in_our_charset(client: Client, rig: Rig) -> None:
    key = await rig.blobs.put("acme", b"Content-Type: text/plain; charset=koi8-r\n\n\xc1")
    rig.records.records[0] = replace(record(), raw=key)

    part = await get(client, "parts/1", rig.token())

    assert (part.headers["content-type"], part.content) == ("text/plain", b"\xc1")


@pytest.mark.parametrize("path", ["parts/99", "parts/x", "parts/1.1.1", "html"])
async def test_what_the_message_does_not_have_is_not_found(
    client: Client, rig: Rig, path: str
) -> None:
    response = await get(client, path, rig.token())

    assert response.status_code == 404
    problem(response)


@pytest.mark.parametrize("raw", ["", "0" * 64])
@pytest.mark.parametrize("path", PATHS)
async def test_what_is_no_longer_stored_is_not_found(
    client: Client, rig: Rig, path: str, raw: str
) -> None:
    rig.records.records[0] = replace(record(), raw=raw)

    assert (await get(client, path, rig.token())).status_code == 404


# --- Parts of them


async def test_a_download_that_was_cut_goes_on_where_it_ended(client: Client, rig: Rig) -> None:
    first = await get(client, "raw", rig.token(), range="bytes=0-99")
    etag = first.headers["etag"]
    rest = await get(client, "raw", rig.token(), range="bytes=100-", if_range=etag)

    assert (first.status_code, rest.status_code) == (206, 206)
    assert first.headers["content-range"] == f"bytes 0-99/{len(RAW)}"
    assert first.content + rest.content == RAW


async def test_what_has_changed_meanwhile_is_sent_whole(client: Client, rig: Rig) -> None:
    response = await get(client, "raw", rig.token(), range="bytes=100-", if_range='"other"')

    assert (response.status_code, response.content) == (200, RAW)


async def test_a_range_past_the_end_is_refused_with_the_size(client: Client, rig: Rig) -> None:
    response = await get(client, "raw", rig.token(), range=f"bytes={len(RAW)}-")

    assert response.status_code == 416
    assert response.headers["content-range"] == f"bytes */{len(RAW)}"
    assert problem(response)["type"] == "urn:postroom:problem:no-such-range"


async def test_what_the_client_has_already_is_not_sent(client: Client, rig: Rig) -> None:
    etag = f'"{sha256(RAW).hexdigest()}"'

    response = await get(client, "raw", rig.token(), if_none_match=etag)

    assert (response.status_code, response.content) == (304, b"")
    assert response.headers["etag"] == etag
