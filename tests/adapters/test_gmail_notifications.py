"""What a Pub/Sub push is taken for. What becomes of it is in tests/unit/test_api_google.py."""

import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from postroom.adapters.google.account import GoogleAccount
from postroom.adapters.google.notifications import GmailNotificationReader
from postroom.adapters.google.pointer import GooglePointer
from postroom.adapters.google.push import PushVerifier
from postroom.application.ports import (
    Announced,
    ForbiddenWebhook,
    NotificationResult,
    Rejected,
    Unauthenticated,
    UnauthenticatedWebhook,
    WebhookRequest,
)
from postroom.domain.account import Secret
from postroom.domain.failure import Failure, Unavailable
from postroom.domain.mailbox import Mailbox, Pause, PausedBy
from tests.adapters.routes_rig import RegisteredRoutes

SUBSCRIPTION = "projects/acme/subscriptions/postroom"
PUSHER = "pusher@acme.iam.gserviceaccount.com"
STRANGER = "stranger@elsewhere.iam.gserviceaccount.com"
TOKEN = "header.payload.signature"
ADDED = datetime(2029, 12, 1, tzinfo=UTC)


@dataclass
class FakeVerifier(PushVerifier):
    """Knows one token, of *email*."""

    email: str = PUSHER
    failure: Failure | None = None

    async def __call__(self, token: str) -> str:
        if self.failure:
            raise self.failure
        if token != TOKEN:
            raise Unauthenticated("the signature is wrong")
        return self.email


def mailbox(
    name: str = "sales", *, paused: bool = False, pusher: str = PUSHER, primary: str = ""
) -> Mailbox:
    account = GoogleAccount(
        service_account=Secret("{}"),
        pubsub_subscription=SUBSCRIPTION,
        push_service_account=pusher,
        primary_address=primary,
    )
    return Mailbox(
        tenant="acme",
        id=name,
        address=f"{name}@acme.example",
        account=account,
        added_at=ADDED,
        paused=Pause(PausedBy.OPERATOR, "access revoked", ADDED) if paused else None,
    )


class Rig:
    def __init__(self) -> None:
        self.routes = RegisteredRoutes()
        self.verifier = FakeVerifier()
        self.reader = GmailNotificationReader(self.verifier)

    async def read(
        self, body: object, authorization: str | None = f"Bearer {TOKEN}"
    ) -> Sequence[Announced | Rejected]:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {} if authorization is None else {"authorization": authorization}
        return await self.reader.read(WebhookRequest("", headers, {}, content), self.routes)

    async def announced(self, body: object) -> Announced:
        [notification] = await self.read(body)
        assert isinstance(notification, Announced)
        return notification


@pytest.fixture
async def rig() -> Rig:
    rig = Rig()
    await rig.routes.add(mailbox())
    return rig


def encoded(data: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(data).encode()).decode()


def push(
    address: str = "sales@acme.example", history_id: object = "9876543210", **changes: object
) -> dict[str, Any]:
    """As in Google's documentation of Pub/Sub push."""
    return {
        "message": {
            "attributes": {},
            "data": encoded({"emailAddress": address, "historyId": history_id}),
            "messageId": "2070443601311540",
            "message_id": "2070443601311540",
            "publishTime": "2021-02-26T19:13:55.749Z",
            "publish_time": "2021-02-26T19:13:55.749Z",
        },
        "subscription": SUBSCRIPTION,
        "deliveryAttempt": 5,
        **changes,
    }


def test_a_push_comes_to_one_place_and_is_acknowledged_without_a_body() -> None:
    reader = Rig().reader

    assert (reader.paths, reader.accepted) == (("",), 204)


# --- Who sent it --------------------------------------------------------------------------------


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic dXNlcjpwYXNz"])
async def test_without_a_token_nothing_is_read_and_nobody_is_looked_up(
    rig: Rig, header: str | None
) -> None:
    with pytest.raises(UnauthenticatedWebhook, match="Send `Authorization") as caught:
        await rig.read(b"not json", header)

    assert caught.value.rejected is None
    assert rig.routes.queries == 0


async def test_a_token_that_google_did_not_sign_is_refused(rig: Rig) -> None:
    with pytest.raises(UnauthenticatedWebhook, match="not a valid one of Google") as caught:
        await rig.read(push(), "Bearer forged")

    assert caught.value.rejected == Rejected(NotificationResult.BAD_SIGNATURE)
    assert "forged" not in str(caught.value)
    assert rig.routes.queries == 0


@pytest.mark.parametrize("scheme", ["bearer", "BEARER"])
async def test_the_name_of_the_scheme_may_be_in_any_case(rig: Rig, scheme: str) -> None:
    assert await rig.read(push(), f"{scheme}  {TOKEN} ")


async def test_without_googles_certificates_the_push_is_to_be_sent_again(rig: Rig) -> None:
    rig.verifier.failure = Unavailable("certificates: HTTP 500")

    with pytest.raises(Unavailable):
        await rig.read(push())
    assert rig.routes.queries == 0


@pytest.mark.parametrize("address", ["sales@acme.example", "nobody@acme.example"])
@pytest.mark.parametrize("pushers", [set(), {PUSHER}])
async def test_a_strangers_token_is_refused_whatever_the_mailbox(
    rig: Rig, pushers: set[str], address: str
) -> None:
    rig.reader = GmailNotificationReader(rig.verifier, pushers)
    rig.verifier.email = STRANGER

    for body in (push(address=address), b"not json"):
        with pytest.raises(ForbiddenWebhook, match="no mailbox here") as caught:
            await rig.read(body)

        assert caught.value.rejected == Rejected(NotificationResult.BAD_SIGNATURE)
        assert "@" not in str(caught.value)
    assert rig.routes.queries == 0


async def test_another_service_account_than_the_mailboxs_is_refused(rig: Rig) -> None:
    await rig.routes.add(mailbox("info", pusher=STRANGER))
    rig.verifier.email = STRANGER

    with pytest.raises(ForbiddenWebhook, match="than the mailbox's") as caught:
        await rig.read(push())

    assert caught.value.rejected == Rejected(
        NotificationResult.BAD_SIGNATURE, SUBSCRIPTION, tenant="acme", mailbox="sales"
    )
    assert "@" not in str(caught.value)


async def test_the_service_account_is_the_same_in_any_case(rig: Rig) -> None:
    rig.verifier.email = PUSHER.upper()

    assert (await rig.announced(push())).route.id == "sales"


# --- What it says -------------------------------------------------------------------------------


async def test_a_push_announces_that_the_mailbox_has_changed(rig: Rig) -> None:
    announced = await rig.announced(push())

    assert (announced.route.tenant, announced.route.id) == ("acme", "sales")
    assert announced.pointer == GooglePointer(
        history_id=9876543210,
        address="sales@acme.example",
        pubsub_message_id="2070443601311540",
    )


@pytest.mark.parametrize("history_id", ["1710", 1710])
async def test_a_history_id_may_be_a_string_or_a_number(rig: Rig, history_id: object) -> None:
    announced = await rig.announced(push(history_id=history_id))

    assert isinstance(announced.pointer, GooglePointer)
    assert announced.pointer.history_id == 1710


@pytest.mark.parametrize("padding", ["=", ""])
@pytest.mark.parametrize("alphabet", [base64.b64encode, base64.urlsafe_b64encode])
async def test_data_may_be_base64_of_either_alphabet_padded_or_not(
    rig: Rig, alphabet: Callable[[bytes], bytes], padding: str
) -> None:
    # U+00FE and U+00FF make both 62 and 63 appear in the encoding.
    said = {"emailAddress": "sales@acme.example", "historyId": "7", "x": "þÿþÿ~~~???"}
    data = alphabet(json.dumps(said, ensure_ascii=False).encode()).decode().rstrip("=")

    announced = await rig.announced(push(message={"data": data + padding * (-len(data) % 4)}))

    assert announced.pointer == GooglePointer(7, "sales@acme.example")


async def test_the_address_is_found_in_any_case(rig: Rig) -> None:
    announced = await rig.announced(push(address="Sales@ACME.example"))

    assert announced.route.id == "sales"


async def test_a_mailbox_that_was_added_under_an_alias_is_found_by_its_own_address() -> None:
    rig = Rig()
    await rig.routes.add(mailbox("alias", primary="Sales@acme.example"))

    assert (await rig.announced(push())).route.id == "alias"
    assert await rig.read(push(address="alias@acme.example")) == [
        Rejected(NotificationResult.UNKNOWN_MAILBOX, SUBSCRIPTION)
    ]


async def test_a_second_mailbox_behind_one_subscription_gets_its_own(rig: Rig) -> None:
    await rig.routes.add(mailbox("info"))

    announced = await rig.announced(push(address="info@acme.example"))

    assert announced.route.id == "info"


async def test_a_paused_mailbox_is_announced_as_such() -> None:
    rig = Rig()
    await rig.routes.add(mailbox(paused=True))

    assert (await rig.announced(push())).route.is_paused


@pytest.mark.parametrize(
    "body",
    [
        push(address="nobody@acme.example"),
        push(subscription="projects/acme/subscriptions/other"),
    ],
)
async def test_an_unknown_mailbox_is_acknowledged_as_such(
    rig: Rig, body: dict[str, object]
) -> None:
    assert await rig.read(body) == [
        Rejected(NotificationResult.UNKNOWN_MAILBOX, str(body["subscription"]))
    ]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        None,
        [],
        {},
        push(message=None),
        push(message={}),
        push(message={"data": ""}),
        push(message={"data": "*not base64*"}),
        push(message={"data": "bäse64"}),
        push(message={"data": "AAAAA"}),
        push(message={"data": base64.b64encode(b"\xff\xfe").decode()}),
        push(message={"data": encoded([1])}),
        push(message={"data": encoded({"historyId": "1"})}),
        push(address=""),
        push(address="x" * 1025),
        push(history_id=None),
        push(history_id="0"),
        push(history_id=-1),
        push(history_id="9" * 5000),
        push(history_id="abc"),
        push(history_id=2**64),
        push(subscription=""),
        push(subscription=None),
    ],
)
async def test_a_malformed_push_is_acknowledged_as_such(rig: Rig, body: object) -> None:
    named = body.get("subscription") if isinstance(body, dict) else None

    assert await rig.read(body) == [Rejected(NotificationResult.MALFORMED, str(named or ""))]
    assert rig.routes.queries == 0


@pytest.mark.parametrize(
    ("headers", "subscription"),
    [({}, ""), ({"x-goog-pubsub-subscription-name": SUBSCRIPTION}, SUBSCRIPTION)],
)
async def test_a_push_without_its_envelope_is_acknowledged_as_such(
    rig: Rig, headers: dict[str, str], subscription: str
) -> None:
    body = json.dumps({"emailAddress": "sales@acme.example", "historyId": 7}).encode()
    request = WebhookRequest("", {"authorization": f"Bearer {TOKEN}", **headers}, {}, body)

    assert await rig.reader.read(request, rig.routes) == [
        Rejected(NotificationResult.UNWRAPPED, subscription)
    ]
    assert rig.routes.queries == 0


@pytest.mark.parametrize(
    ("named", "is_shown"),
    [
        (SUBSCRIPTION, True),
        ("projects/example.com:my-project/subscriptions/Gmail_2.push~a+b", True),
        ("projects/acme/subscriptions/sales@acme.example", False),
        ("projects/acme/subscriptions/sales%40acme.example", False),
        ("projects/acme/topics/postroom", False),
        ("sales", False),
        ("", False),
    ],
)
def test_only_a_name_of_pubsub_is_logged(named: str, is_shown: bool) -> None:  # noqa: FBT001
    assert Rig().reader.loggable(named) == (named if is_shown else "")
