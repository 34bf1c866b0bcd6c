"""What is read from Graph's notifications, and who is believed: each item for itself."""

import hashlib
import json
from dataclasses import dataclass, replace
from typing import Literal

import pytest

from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.microsoft.pointer import MicrosoftPointer
from postroom.application.ports import (
    Announced,
    InvalidWebhook,
    NotificationResult,
    Rejected,
    Route,
    by_subscription,
)
from postroom.domain.account import Account
from postroom.domain.failure import Unavailable
from postroom.domain.mailbox import Pause, PausedBy
from tests.adapters.graph_notifications import CLIENT_STATE, OTHER, SUBSCRIPTION, notification
from tests.adapters.notification_rig import BAD_SIGNATURE, Rig, mailbox_of

IGNORED = Rejected(NotificationResult.IGNORED, SUBSCRIPTION, "acme", "support")
MALFORMED = Rejected(NotificationResult.MALFORMED)
UNKNOWN = Rejected(NotificationResult.UNKNOWN_SUBSCRIPTION, OTHER)


@pytest.fixture
def rig(clock: ManualClock) -> Rig:
    return Rig(clock)


@pytest.fixture
async def route(rig: Rig) -> Route:
    """The mailbox that SUBSCRIPTION is of."""
    return await rig.subscribe(mailbox_of())


def pointer(message_id: str) -> MicrosoftPointer:
    resource = str(notification(message_id)["resource"])
    return MicrosoftPointer(SUBSCRIPTION, message_id, resource)


def test_both_kinds_of_notifications_have_a_path_and_are_acknowledged_with_202(rig: Rig) -> None:
    assert list(rig.reader.paths) == ["", "/lifecycle"]
    assert rig.reader.accepted == 202


# --- The handshake ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "token",
    ["Validation: Testing client/reachability", "<script>alert(1)</script>", "a" * 4096],
)
@pytest.mark.parametrize("path", ["", "/lifecycle"])
async def test_a_validation_token_is_wanted_back_as_it_is(rig: Rig, token: str, path: str) -> None:
    assert await rig.handshake(token, path=path) == token
    assert rig.routes.queries == []


@pytest.mark.parametrize(
    "token",
    ["", "a" * 4097, "a" * 10_000_000, "a\r\nSet-Cookie: x=1", "nul\0", "escape\x1b[2J", "\x85"],
    ids=["empty", "long", "10 megabytes", "line break", "nul", "escape", "C1 control"],
)
async def test_a_token_that_graph_never_sends_is_refused(rig: Rig, token: str) -> None:
    with pytest.raises(InvalidWebhook) as raised:
        await rig.handshake(token)

    assert str(raised.value) == "validationToken is empty, too long, or has control characters."


# --- What is accepted ---------------------------------------------------------------------------


async def test_a_notification_announces_a_message(rig: Rig, route: Route) -> None:
    [announced] = await rig.read(notification("AAMkAD"))

    assert announced == Announced(
        route,
        MicrosoftPointer(
            SUBSCRIPTION,
            "AAMkAD",
            "users/622eaaff-0683-4862-9de4-f2ec83c2bd98/messages/AAMkAD",
        ),
    )
    assert (route.tenant, route.id, route.folder) == ("acme", "support", "inbox")


@pytest.mark.parametrize(
    "resource",
    ["users/u/messages/AAMk=", "Users/u/Messages('AAMk=')", "me/mailFolders/x/messages/AAMk=?y"],
)
async def test_without_resource_data_the_message_id_is_read_from_the_resource(
    rig: Rig, route: Route, resource: str
) -> None:
    read = await rig.read(notification(resource=resource, resourceData=None))

    assert read == [Announced(route, MicrosoftPointer(SUBSCRIPTION, "AAMk=", resource))]


async def test_notifications_of_several_mailboxes_in_one_request_are_looked_up_together(
    rig: Rig, route: Route
) -> None:
    other = await rig.subscribe(mailbox_of("globex", "info"), subscription_id=OTHER)

    read = await rig.read(
        notification("1"),
        notification("2", subscriptionId=OTHER),
        notification("3"),
        notification("4"),
    )

    assert [each.route for each in read if isinstance(each, Announced)] == [
        route,
        other,
        route,
        route,
    ]
    assert rig.routes.queries == [sorted(map(by_subscription, (SUBSCRIPTION, OTHER)))]


async def test_unknown_fields_of_graph_are_ignored(rig: Rig, route: Route) -> None:
    item = notification("1", newInSpring={"a": 1})
    body = {"value": [item], "validationTokens": None, "x": 1}

    assert await rig.read_body(json.dumps(body).encode()) == [Announced(route, pointer("1"))]


async def test_a_paused_mailbox_is_one_that_is_announced_to(rig: Rig, clock: ManualClock) -> None:
    pause = Pause(PausedBy.OPERATOR, "access revoked", clock.now())
    await rig.subscribe(replace(mailbox_of(), paused=pause))

    [announced] = await rig.read(notification())

    assert isinstance(announced, Announced)
    assert announced.route.is_paused


async def test_an_empty_notification_holds_nothing(rig: Rig) -> None:
    assert await rig.read() == []
    assert rig.routes.queries == []


# --- What is rejected, each for itself ----------------------------------------------------------


@pytest.mark.parametrize("state", ["wrong", "", None, CLIENT_STATE + " ", CLIENT_STATE[:-1], "ä"])
async def test_a_wrong_client_state_is_rejected(rig: Rig, route: Route, state: str | None) -> None:
    assert await rig.read(notification(clientState=state)) == [BAD_SIGNATURE]


async def test_without_client_state_nobody_is_looked_up(rig: Rig, route: Route) -> None:
    unsigned = notification()
    del unsigned["clientState"]

    assert await rig.read(unsigned) == [BAD_SIGNATURE]
    assert rig.routes.queries == []


async def test_a_subscription_without_a_secret_accepts_nobody(rig: Rig) -> None:
    await rig.subscribe(mailbox_of(), client_state="")

    read = await rig.read(notification(clientState=""), notification(clientState="x"))

    assert read == [BAD_SIGNATURE, BAD_SIGNATURE]


async def test_an_unknown_subscription_is_named(rig: Rig, route: Route) -> None:
    assert await rig.read(notification(subscriptionId=OTHER)) == [UNKNOWN]


@pytest.mark.parametrize("state", [CLIENT_STATE, ""])
async def test_what_is_no_subscription_id_is_not_repeated(
    rig: Rig, route: Route, state: str
) -> None:
    item = notification(subscriptionId="alice@example.org", clientState=state)

    [rejected] = await rig.read(item)

    assert isinstance(rejected, Rejected)
    assert rejected.subscription_id == ""


async def test_the_digest_that_is_stored_is_no_secret_to_show(rig: Rig, route: Route) -> None:
    digest = hashlib.sha256(CLIENT_STATE.encode()).hexdigest()

    assert await rig.read(notification(clientState=digest)) == [BAD_SIGNATURE]


async def test_one_mailbox_s_secret_does_not_open_another(rig: Rig, route: Route) -> None:
    await rig.subscribe(mailbox_of(name="info"), subscription_id=OTHER, client_state="another")

    read = await rig.read(notification(subscriptionId=OTHER))

    assert read == [Rejected(NotificationResult.BAD_SIGNATURE, OTHER)]


@dataclass(frozen=True, slots=True)
class ElsewhereAccount(Account):
    folders: tuple[str, ...] = ("inbox",)
    provider: Literal["elsewhere"] = "elsewhere"


async def test_a_subscription_at_another_provider_is_unknown(rig: Rig) -> None:
    await rig.subscribe(replace(mailbox_of(), account=ElsewhereAccount()), subscription_id=OTHER)

    assert await rig.read(notification(subscriptionId=OTHER)) == [UNKNOWN]


@pytest.mark.parametrize("change", ["updated", "deleted", "", None])
async def test_other_changes_than_created_are_ignored(
    rig: Rig, route: Route, change: str | None
) -> None:
    assert await rig.read(notification(changeType=change)) == [IGNORED]


async def test_one_bad_item_does_not_cost_the_others(rig: Rig, route: Route) -> None:
    read = await rig.read(
        notification("1"),
        {"subscriptionId": 7},
        "no object",
        notification("2", clientState="wrong"),
        notification("3", resource=None, resourceData=None),
        notification("4", resourceData={"id": "x" * 1025}),
        notification("5"),
    )

    of_support = replace(IGNORED, result=NotificationResult.MALFORMED)
    assert read == [
        Announced(route, pointer("1")),
        MALFORMED,
        MALFORMED,
        BAD_SIGNATURE,
        of_support,
        of_support,
        Announced(route, pointer("5")),
    ]


async def test_a_flood_of_wrong_client_states_is_one_look_up_and_repeats_none(
    rig: Rig, route: Route
) -> None:
    flood = [notification(str(n), clientState=f"guess-{n}") for n in range(1000)]

    read = await rig.read(*flood)

    assert read == [BAD_SIGNATURE] * 1000
    assert rig.routes.queries == [[by_subscription(SUBSCRIPTION)]]
    assert "guess" not in repr(read)
    assert CLIENT_STATE not in repr(read)


async def test_a_flood_of_unknown_subscriptions_is_one_look_up(rig: Rig, route: Route) -> None:
    flood = [
        notification(subscriptionId=f"{n:08x}{OTHER[8:]}", clientState="guess") for n in range(1000)
    ]

    read = await rig.read(*flood)

    assert {each.result for each in read if isinstance(each, Rejected)} == {UNKNOWN.result}
    assert len(read) == 1000
    assert len(rig.routes.queries) == 1


# --- What is refused as a whole -----------------------------------------------------------------

NONE = "The body is not a Graph change notification."
UNREADABLE = "No item of the notification could be read."


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", NONE),
        (b"not json", NONE),
        (b"\xff\xfe", NONE),
        (b"[]", NONE),
        (b"{}", NONE),
        (b'{"value": null}', NONE),
        (b'{"value": {}}', NONE),
        (b'{"value": [1]}', UNREADABLE),
        (b'{"value": [{"subscriptionId": "\\ud800"}]}', UNREADABLE),
        (b'{"value": [{"subscriptionId": "a\\u0000b", "clientState": "x"}]}', UNREADABLE),
        (b'{"value": [{"subscriptionId": "", "clientState": "x"}]}', UNREADABLE),
        (b'{"value": [], "validationTokens": "one"}', NONE),
        (b'{"value": [], "validationTokens": [7]}', NONE),
        (json.dumps({"value": [], "validationTokens": [""] * 101}).encode(), NONE),
        (json.dumps({"value": [], "validationTokens": ["a" * 16385]}).encode(), NONE),
        (b'{"value": ' + b"[" * 5000, NONE),
        (json.dumps({"value": [{}] * 1001}).encode(), NONE),
    ],
)
@pytest.mark.parametrize("path", ["", "/lifecycle"])
async def test_what_is_no_notification_is_refused(
    rig: Rig, route: Route, path: str, body: bytes, reason: str
) -> None:
    refusal = await rig.refusal_of(body, path=path)

    assert str(refusal) == reason
    assert refusal.rejected == (MALFORMED if reason == UNREADABLE else None)
    assert rig.routes.queries == []


async def test_routes_that_cannot_be_looked_up_have_the_notification_sent_again(
    rig: Rig, route: Route
) -> None:
    rig.routes.failure = Unavailable("postgres")

    with pytest.raises(Unavailable):
        await rig.read(notification())
