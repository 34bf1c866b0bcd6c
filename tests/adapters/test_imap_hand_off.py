"""What a hand-off is taken for. What becomes of it is in tests/unit/test_api_imap.py."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from postroom.adapters.http.standard_webhooks import InvalidSecret, key_of, sign
from postroom.adapters.imap.hand_off_proof import STATIC_HEADER, Signature, StaticHeader
from postroom.adapters.imap.notifications import HandOffReader
from postroom.adapters.imap.pointer import ImapPointer
from postroom.adapters.memory.clock import ManualClock
from postroom.application.ports import (
    Announced,
    InvalidWebhook,
    NotificationResult,
    Rejected,
    UnauthenticatedWebhook,
    UnknownMailbox,
    WebhookNotConfigured,
    WebhookRequest,
)
from postroom.domain.failure import Unavailable
from postroom.domain.mailbox import Mailbox, Pause, PausedBy
from tests.adapters.imap_rig import FOREIGN, account, mailbox
from tests.adapters.routes_rig import RegisteredRoutes

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
POINTER = {"folder": "INBOX", "uid": 7, "uid_validity": 1, "message_id": "a@b.example"}


def mailbox_of(tenant: str = "acme", name: str = "post") -> Mailbox:
    return replace(mailbox(account(993)), tenant=tenant, id=name)


class Rig:
    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.routes = RegisteredRoutes()
        self.reader = HandOffReader(Signature({"acme": SECRET}, clock))

    def headers(self, body: bytes, *, age: timedelta = timedelta()) -> dict[str, str]:
        timestamp = str(int((self.clock.now() - age).timestamp()))
        signature = sign(key_of(SECRET), message_id="msg_1", timestamp=timestamp, body=body)
        return {
            "postroom-tenant": "acme",
            "webhook-id": "msg_1",
            "webhook-timestamp": timestamp,
            "webhook-signature": signature,
        }

    async def read(self, body: object) -> Sequence[Announced]:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return await self.read_signed(self.headers(content), content)

    async def read_signed(self, headers: Mapping[str, str], body: bytes) -> Sequence[Announced]:
        return await self.reader.read(WebhookRequest("", headers, {}, body), self.routes)


@pytest.fixture
async def rig(clock: ManualClock) -> Rig:
    rig = Rig(clock)
    await rig.routes.add(mailbox_of())
    return rig


def hand_off(*pointers: object, mailbox: str = "post") -> dict[str, Any]:
    return {"mailbox": mailbox, "pointers": pointers}


BODY = json.dumps(hand_off(POINTER)).encode()


def test_a_hand_off_comes_to_one_place_and_is_accepted(clock: ManualClock) -> None:
    reader = Rig(clock).reader

    assert (reader.paths, reader.accepted) == (("",), 202)


async def test_pointers_that_are_handed_off_are_announced_in_order(rig: Rig) -> None:
    second = {"folder": "INBOX", "uid": 8, "uid_validity": 1}

    announced = await rig.read(hand_off(POINTER, second))

    assert [(each.route.tenant, each.route.id, each.pointer) for each in announced] == [
        ("acme", "post", ImapPointer("INBOX", 7, 1, "a@b.example")),
        ("acme", "post", ImapPointer("INBOX", 8, 1)),
    ]
    assert rig.routes.queries == 1


# --- Who sent it --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "broken",
    [
        {"webhook-signature": "v1,bm90IHRoZSBzaWduYXR1cmU="},
        {"webhook-signature": ""},
        {"webhook-id": "msg_2"},
        {"webhook-id": ""},
        {"webhook-timestamp": "yesterday"},
    ],
)
async def test_what_is_not_signed_right_is_refused_before_anything_is_looked_up(
    rig: Rig, broken: dict[str, str]
) -> None:
    with pytest.raises(UnauthenticatedWebhook, match="webhook-") as caught:
        await rig.read_signed({**rig.headers(BODY), **broken}, BODY)

    assert caught.value.rejected == Rejected(NotificationResult.BAD_SIGNATURE, tenant="acme")
    assert rig.routes.queries == 0


@pytest.mark.parametrize("missing", ["webhook-signature", "webhook-id", "webhook-timestamp"])
async def test_a_header_that_is_missing_is_named(rig: Rig, missing: str) -> None:
    headers = {name: value for name, value in rig.headers(BODY).items() if name != missing}

    with pytest.raises(UnauthenticatedWebhook, match=f"{missing}.* is missing"):
        await rig.read_signed(headers, BODY)


async def test_a_changed_body_is_refused(rig: Rig) -> None:
    other = json.dumps(hand_off({**POINTER, "uid": 8})).encode()

    with pytest.raises(UnauthenticatedWebhook, match="is wrong"):
        await rig.read_signed(rig.headers(BODY), other)


async def test_a_hand_off_cannot_be_replayed_later(rig: Rig) -> None:
    old = rig.headers(BODY, age=timedelta(minutes=5, seconds=1))

    with pytest.raises(UnauthenticatedWebhook, match="5 minutes"):
        await rig.read_signed(old, BODY)


@pytest.mark.parametrize("tenant", ["globex", "", "acme "])
async def test_a_tenant_without_a_secret_is_told_which_setting_is_missing(
    rig: Rig, tenant: str
) -> None:
    with pytest.raises(WebhookNotConfigured, match="POSTROOM_HANDOFF_SECRETS") as caught:
        await rig.read_signed({**rig.headers(BODY), "postroom-tenant": tenant}, BODY)

    assert caught.value.rejected is None
    assert rig.routes.queries == 0


async def test_without_the_header_no_tenant_has_a_secret(rig: Rig) -> None:
    with pytest.raises(WebhookNotConfigured, match="Postroom-Tenant"):
        await rig.read_signed({}, BODY)


def test_a_secret_that_is_none_is_refused_at_start_with_the_settings_name(
    clock: ManualClock,
) -> None:
    with pytest.raises(InvalidSecret) as caught:
        Signature({"acme": "whsec_short"}, clock)

    assert str(caught.value) == (
        "POSTROOM_HANDOFF_SECRETS: use whsec_ and the base64 of 24 to 64 random bytes"
    )


# --- What it says -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"", "the body"),
        (b"not json", "the body"),
        ([], "the body"),
        ({}, "mailbox"),
        (hand_off(), "pointers"),
        (hand_off(POINTER, mailbox=""), "mailbox"),
        (hand_off({**POINTER, "subject": "hello"}), "pointers.0.subject"),
        ({**hand_off(POINTER), "tenant": "globex"}, "tenant"),
        (hand_off({**POINTER, "uid": 0}), "pointers.0.uid"),
        (hand_off({**POINTER, "uid": 2**32}), "pointers.0.uid"),
        (hand_off({**POINTER, "uid": "seven"}), "pointers.0.uid"),
        (hand_off({**POINTER, "uid_validity": 0}), "pointers.0.uid_validity"),
        (hand_off({**POINTER, "folder": ""}), "pointers.0.folder"),
        (hand_off({**POINTER, "folder": "x" * 1025}), "pointers.0.folder"),
        (hand_off({"uid": 7, "uid_validity": 1}), "pointers.0.folder"),
        (hand_off(POINTER, {**POINTER, "uid": 0}), "pointers.1.uid"),
        (hand_off(*[POINTER] * 501), "pointers"),
    ],
)
async def test_what_does_not_fit_the_schema_is_refused_by_the_field(
    rig: Rig, body: object, field: str
) -> None:
    with pytest.raises(InvalidWebhook) as caught:
        await rig.read(body)

    assert str(caught.value).startswith(f"{field}: ")
    assert not {"seven", "hello", "globex"} & set(str(caught.value).split())
    assert caught.value.__suppress_context__
    assert rig.routes.queries == 0


@pytest.mark.parametrize("name", ["unknown", "info"])
async def test_an_unknown_mailbox_and_one_of_another_provider_are_not_found(
    rig: Rig, name: str
) -> None:
    await rig.routes.add(FOREIGN)

    with pytest.raises(UnknownMailbox, match="no IMAP mailbox of that name") as caught:
        await rig.read(hand_off(POINTER, mailbox=name))

    assert caught.value.rejected == Rejected(NotificationResult.UNKNOWN_MAILBOX, tenant="acme")


async def test_a_mailbox_of_another_tenant_is_not_found(rig: Rig) -> None:
    await rig.routes.add(mailbox_of("globex", "theirs"))

    with pytest.raises(UnknownMailbox):
        await rig.read(hand_off(POINTER, mailbox="theirs"))


async def test_a_paused_mailbox_is_announced_as_such(clock: ManualClock) -> None:
    rig = Rig(clock)
    pause = Pause(PausedBy.OPERATOR, "wrong password", clock.now())
    await rig.routes.add(replace(mailbox_of(), paused=pause))

    [announced] = await rig.read(hand_off(POINTER))

    assert announced.route.is_paused


# --- Senders that cannot sign -------------------------------------------------------------------

STATIC = "a secret of another system"


class StaticRig(Rig):
    def __init__(self, clock: ManualClock) -> None:
        super().__init__(clock)
        self.reader = HandOffReader(StaticHeader({"acme": STATIC}))

    async def show(self, secret: str | None, *, tenant: str = "acme") -> Sequence[Announced]:
        shown = {} if secret is None else {STATIC_HEADER: secret}
        return await self.read_signed({"postroom-tenant": tenant, **shown}, BODY)


@pytest.fixture
async def static(clock: ManualClock) -> StaticRig:
    rig = StaticRig(clock)
    await rig.routes.add(mailbox_of())
    return rig


async def test_a_secret_that_is_shown_is_taken_for_a_proof(static: StaticRig) -> None:
    [announced] = await static.show(STATIC)

    assert announced.pointer == ImapPointer("INBOX", 7, 1, "a@b.example")
    assert STATIC_HEADER == "x-imap-webhook-secret"


async def test_it_proves_nothing_about_the_body_and_can_be_repeated(static: StaticRig) -> None:
    other = json.dumps(hand_off({**POINTER, "uid": 8})).encode()
    headers = {"postroom-tenant": "acme", STATIC_HEADER: STATIC}

    first = await static.read_signed(headers, BODY)
    static.clock.advance(timedelta(days=365))
    again, changed = [await static.read_signed(headers, each) for each in (BODY, other)]

    assert again == first
    assert changed != first


@pytest.mark.parametrize("secret", [None, "", STATIC[:-1], STATIC + "x", "\xe9\u20ac"])
async def test_a_wrong_secret_is_refused_before_anything_is_looked_up(
    static: StaticRig, secret: str | None
) -> None:
    with pytest.raises(UnauthenticatedWebhook, match=STATIC_HEADER) as caught:
        await static.show(secret)

    assert caught.value.rejected == Rejected(NotificationResult.BAD_SIGNATURE, tenant="acme")
    assert STATIC not in str(caught.value)
    assert static.routes.queries == 0


async def test_a_secret_is_its_tenants_and_nobody_elses(static: StaticRig) -> None:
    with pytest.raises(Unavailable, match="POSTROOM_HANDOFF_SECRETS"):
        await static.show(STATIC, tenant="globex")

    assert static.routes.queries == 0


async def test_a_signature_is_no_proof_where_the_secret_is_to_be_shown(static: StaticRig) -> None:
    with pytest.raises(UnauthenticatedWebhook, match="is missing"):
        await static.read_signed(static.headers(BODY), BODY)


async def test_a_shown_secret_is_no_proof_where_hand_offs_are_signed(rig: Rig) -> None:
    headers = {"postroom-tenant": "acme", STATIC_HEADER: SECRET}

    with pytest.raises(UnauthenticatedWebhook, match="is missing"):
        await rig.read_signed(headers, BODY)


def test_a_short_secret_is_refused_at_start_with_the_settings_name() -> None:
    with pytest.raises(InvalidSecret, match="POSTROOM_HANDOFF_SECRETS: use at least 16 random"):
        StaticHeader({"acme": "short"})


async def test_the_description_says_what_is_shown(static: StaticRig) -> None:
    proof = static.reader.description.proof

    assert proof
    assert proof.header == STATIC_HEADER
    assert "proves nothing about the body" in proof.description
