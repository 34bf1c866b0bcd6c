"""Graph's subscriptions beside the contract: what is asked for, refused, and there already."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.microsoft.client import GraphClient
from postroom.adapters.microsoft.subscriptions import TAKEN, GraphSubscriptions
from postroom.application.ports import NotificationsRefused, SubscriptionGone
from postroom.domain.failure import AccessFailed, FolderMissing, Throttled, Unavailable
from tests.adapters.graph_rig import (
    PUBLIC_URL,
    RAW,
    USER,
    EmulatorTokens,
    Rig,
    a_mailbox,
    graph_rig,
    remote,
)

MAILBOX = a_mailbox()
HOOK = f"{PUBLIC_URL}/webhooks/microsoft"
CLERK = "clerk@example.org"


@pytest.fixture
async def rig(clock: ManualClock) -> AsyncIterator[Rig]:
    async with graph_rig(clock) as rig:
        rig.graph.add_folder(USER, "Inbox/Orders")
        yield rig


@asynccontextmanager
async def responding(rig: Rig, body: dict[str, Any]) -> AsyncIterator[GraphSubscriptions]:
    """Subscriptions to a Graph that has one answer to everything."""
    folder = {"id": "f", "displayName": "Inbox"}
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json=folder | body))
    async with httpx.AsyncClient(transport=transport) as http:
        client = GraphClient(http, rig.tokens, rig.clock)
        yield GraphSubscriptions(client, rig.clock, PUBLIC_URL)


# --- What is asked for --------------------------------------------------------------------------


async def test_notices_of_the_folder_and_of_the_life_cycle_are_asked_for(rig: Rig) -> None:
    made = await rig.subscriptions().create(MAILBOX, "Inbox/Orders")

    [held] = rig.graph.subscriptions
    folder = rig.graph.add_folder(USER, "Inbox/Orders")
    assert held["id"] == made.id
    assert held["changeType"] == "created"
    assert held["resource"] == f"/users/{USER}/mailFolders/{folder}/messages"
    assert held["notificationUrl"] == HOOK
    assert held["lifecycleNotificationUrl"] == f"{HOOK}/lifecycle"
    assert held["expirationDateTime"] == "2030-01-07T00:00:00.0000000Z"
    assert len(held["clientState"]) == 43
    assert [str(each.url.copy_with(query=None)) for each in rig.subscribed_folder.handshakes] == [
        HOOK,
        f"{HOOK}/lifecycle",
    ]


async def test_notices_come_with_immutable_ids_and_the_secret(rig: Rig) -> None:
    await rig.subscriptions().create(MAILBOX, "inbox")
    message = rig.graph.deliver(USER, RAW)

    await rig.graph.notify(message)

    [(url, body)] = rig.subscribed_folder.notifications
    assert url == HOOK
    assert body["value"][0]["resourceData"]["id"] == message
    assert body["value"][0]["clientState"] == rig.graph.subscriptions[0]["clientState"]


async def test_a_public_url_may_end_in_a_slash(rig: Rig) -> None:
    assert rig.subscriptions(f"{PUBLIC_URL}/").endpoint == HOOK


async def test_a_user_whose_name_has_marks_stays_one_segment(rig: Rig) -> None:
    guest = "a/b_c#EXT#@example.org"
    rig.graph.add_folder(guest, "Inbox/Orders")
    bodies: list[bytes] = []

    async def record(request: httpx.Request) -> None:
        bodies.append(await request.aread())

    rig.client.http.event_hooks["request"].append(record)
    rig.graph.fail("subscriptions", status=500)
    with pytest.raises(Unavailable):
        await rig.subscriptions().create(a_mailbox(guest), "inbox")

    assert b'"/users/a%2Fb_c%23EXT%23@example.org/mailFolders/' in bodies[-1]


async def test_the_expiry_is_the_one_that_graph_grants(rig: Rig, clock: ManualClock) -> None:
    granted = {"id": "s", "expirationDateTime": "2030-01-03T00:00:00.1234567Z"}
    async with responding(rig, granted) as subscriptions:
        made = await subscriptions.create(MAILBOX, "inbox")

        renewed = await subscriptions.renew(MAILBOX, replace(made, expires_at=clock.now()))

    for each in (made, renewed):
        assert each.expires_at - clock.now() == timedelta(days=2, microseconds=123456)


# --- What is refused ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "code", "failure"),
    [
        (400, "ValidationError", NotificationsRefused),
        (400, "InvalidRequest", NotificationsRefused),
        (400, "ExtensionError", NotificationsRefused),
        (400, "", NotificationsRefused),
        (403, "ExtensionError", NotificationsRefused),
        (403, "ErrorAccessDenied", NotificationsRefused),
        (404, "ErrorInvalidUser", AccessFailed),
        (404, "ErrorItemNotFound", AccessFailed),  # the folder, since it was found
        (404, "ExtensionError", AccessFailed),
        (500, "ExtensionError", Unavailable),
        (502, "", Unavailable),
        (503, "ServiceUnavailable", Unavailable),
        (503, "ErrorMailboxStoreUnavailable", Throttled),
        (504, "", Unavailable),
    ],
)
async def test_what_keeps_notices_from_being_sent_is_told_from_trouble(
    rig: Rig, status: int, code: str, failure: type[Exception]
) -> None:
    rig.graph.fail("subscriptions", status=status, code=code)

    with pytest.raises(Exception, match=f"Graph answered {status} {code}".strip()) as raised:
        await rig.subscriptions().create(MAILBOX, "inbox")

    assert type(raised.value) is failure


@pytest.mark.parametrize(
    ("silence", "repeat", "media_type"),
    [
        (None, "something else", "text/plain"),
        (None, None, "text/html"),
        (httpx.ReadTimeout("late"), None, "text/plain"),
        (httpx.ConnectError("away"), None, "text/plain"),
    ],
)
async def test_a_url_that_does_not_prove_itself_is_named_as_the_reason(
    rig: Rig, silence: httpx.RequestError | None, repeat: str | None, media_type: str
) -> None:
    subscribed_folder = rig.subscribed_folder
    subscribed_folder.silence, subscribed_folder.repeat, subscribed_folder.media_type = (
        silence,
        repeat,
        media_type,
    )

    with pytest.raises(NotificationsRefused) as raised:
        await rig.subscriptions().create(MAILBOX, "inbox")

    assert raised.value.reason == (
        "Graph answered 400 ValidationError: "
        "the public URL did not answer Graph's validation request"
    )
    assert rig.graph.subscriptions == []


async def test_a_missing_folder_is_told_with_those_that_there_are(rig: Rig) -> None:
    with pytest.raises(FolderMissing) as raised:
        await rig.subscriptions().create(MAILBOX, "Orders")

    assert "Inbox/Orders" in raised.value.paths


async def test_a_person_who_may_read_a_mailbox_and_not_subscribe_to_it_is_refused(
    rig: Rig,
) -> None:
    rig.graph.share(USER, CLERK)
    client = replace(rig.client, tokens=EmulatorTokens(rig.graph, CLERK))

    with pytest.raises(NotificationsRefused, match="403 ExtensionError"):
        await GraphSubscriptions(client, rig.clock, PUBLIC_URL).create(MAILBOX, "inbox")


@pytest.mark.parametrize("status", [404, 410])
async def test_whatever_graph_does_not_find_is_gone(rig: Rig, status: int) -> None:
    subscriptions = rig.subscriptions()
    made = await subscriptions.create(MAILBOX, "inbox")
    rig.graph.fail("subscriptions", status=status, code="ResourceNotFound", times=2)

    with pytest.raises(SubscriptionGone):
        await subscriptions.renew(MAILBOX, made)
    await subscriptions.remove(MAILBOX, made.id)


@pytest.mark.parametrize("code", ["ErrorAccessDenied", "ExtensionError"])
async def test_a_renewal_that_is_forbidden_is_a_matter_of_access(rig: Rig, code: str) -> None:
    subscriptions = rig.subscriptions()
    made = await subscriptions.create(MAILBOX, "inbox")
    rig.graph.fail("subscriptions", status=403, code=code, times=3)

    with pytest.raises(AccessFailed):
        await subscriptions.renew(MAILBOX, made)
    with pytest.raises(AccessFailed):
        await subscriptions.remove(MAILBOX, made.id)
    with pytest.raises(AccessFailed):
        await subscriptions.ids(MAILBOX)


# --- What is there already ----------------------------------------------------------------------


async def test_a_subscription_whose_answer_was_lost_is_replaced_the_next_time(rig: Rig) -> None:
    async with remote(rig) as far:
        rig.graph.cut("subscriptions")
        with pytest.raises(Unavailable):
            await far.subscriptions().create(MAILBOX, "inbox")
        [lost] = rig.graph.subscriptions

        made = await far.subscriptions().create(MAILBOX, "inbox")

        assert [each["id"] for each in rig.graph.subscriptions] == [made.id]
        assert made.id != lost["id"]


async def test_one_that_is_there_is_found_on_whatever_page_it_is_listed(rig: Rig) -> None:
    others = [await rig.graph.subscribe(f"user{n}@example.org", HOOK, "theirs") for n in range(45)]
    subscriptions = rig.subscriptions()
    old = await subscriptions.create(MAILBOX, "inbox")

    new = await subscriptions.create(MAILBOX, "inbox")

    assert sorted(await subscriptions.ids(MAILBOX)) == sorted([*others, new.id])
    assert old.id not in others


async def test_one_that_is_there_is_ours_in_whatever_case_its_resource_is_written(rig: Rig) -> None:
    await rig.subscriptions().create(a_mailbox(USER.upper()), "inbox")

    made = await rig.subscriptions().create(MAILBOX, "inbox")

    assert [each["id"] for each in rig.graph.subscriptions] == [made.id]


async def test_a_conflict_with_something_that_is_not_shown_is_told(rig: Rig) -> None:
    rig.graph.fail("subscriptions", status=409, code="ExtensionError")
    rig.graph.fail("subscriptions", status=409, code="ExtensionError", every=2)  # after the list

    with pytest.raises(NotificationsRefused) as raised:
        await rig.subscriptions().create(MAILBOX, "inbox")

    assert raised.value.reason == TAKEN


async def test_a_token_that_is_rejected_is_replaced_and_one_subscription_is_made(rig: Rig) -> None:
    subscriptions = rig.subscriptions()
    await subscriptions.ids(MAILBOX)
    rig.graph.revoke_tokens()

    await subscriptions.create(MAILBOX, "inbox")

    assert len(rig.graph.subscriptions) == 1
    assert rig.tokens.issued == 2


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"expirationDateTime": "soon"},
        {"id": "", "expirationDateTime": "2030-01-03T00:00:00Z"},
        {"value": [{"id": 7}]},
    ],
)
async def test_nonsense_is_unavailable(rig: Rig, body: dict[str, Any]) -> None:
    made = await rig.subscriptions().create(MAILBOX, "inbox")
    async with responding(rig, body) as subscriptions:
        with pytest.raises(Unavailable):
            await subscriptions.renew(MAILBOX, made)
        with pytest.raises(Unavailable):
            await subscriptions.ids(MAILBOX)


async def test_a_stranger_in_the_list_may_lack_what_ours_have(rig: Rig) -> None:
    stranger = {"id": "s", "expirationDateTime": "2030-01-03T00:00:00Z", "notificationUrl": None}
    async with responding(rig, {"value": [stranger]}) as subscriptions:
        assert await subscriptions.ids(MAILBOX) == []
