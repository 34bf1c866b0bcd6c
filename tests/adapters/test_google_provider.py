"""Google's provider as the core gets it: whole, on one HTTP client."""

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import httpx
import pytest

from postroom.adapters.google import provider
from postroom.adapters.google.account import FOLDER
from postroom.adapters.http.deps import ProviderDeps
from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.memory.database import InMemoryDatabase
from postroom.adapters.memory.registry import InMemoryMailboxRegistry
from postroom.application.ports import Announced, Handshake, Provider, WebhookRequest
from postroom.application.providers import Providers
from postroom.domain.failure import Unprocessable
from postroom.domain.mail.authentication import authentication_of
from postroom.entrypoints.emulators.gmail import GmailEmulator, PushSubscription
from tests.adapters.gmail_rig import MAIL, SUPPORT, URL, Rig, gmail_rig
from tests.adapters.routes_rig import RegisteredRoutes
from tests.mail import message
from tests.threads import sign_ins

PUBLIC_URL = "https://postroom.test"
PUSH = PushSubscription(endpoint=f"{PUBLIC_URL}/webhooks/google")


@pytest.fixture
async def rig(clock: ManualClock) -> AsyncIterator[Rig]:
    async with gmail_rig(clock) as rig:
        yield rig


@pytest.fixture
async def gmail(rig: Rig, clock: ManualClock) -> AsyncIterator[Provider]:
    async with (
        httpx.AsyncClient(transport=rig.gmail.transport()) as http,
        AsyncExitStack() as resources,
    ):
        deps = ProviderDeps(
            http=http,
            sign_ins=sign_ins(clock),
            clock=clock,
            registry=InMemoryMailboxRegistry(InMemoryDatabase()),
            resources=resources,
            public_url=PUBLIC_URL,
            max_message_bytes=1024,
        )
        yield provider(deps, gmail_url=URL, certs_url=f"{URL}/oauth2/v1/certs")


async def test_it_can_stand_among_the_providers(gmail: Provider) -> None:
    assert list(Providers([gmail])) == ["google"]
    assert gmail.title == "Gmail"


async def test_it_fetches_what_it_has_listed(gmail: Provider, rig: Rig) -> None:
    mailbox = rig.mailbox()
    position = await gmail.changes.position(mailbox, FOLDER)
    message_id = rig.gmail.deliver(SUPPORT, MAIL)

    [page] = [page async for page in gmail.changes.since(mailbox, FOLDER, position)]
    [arrival] = page.arrivals
    fetched = await gmail.fetcher.fetch(mailbox, arrival.pointer)

    assert (fetched.source, fetched.raw) == (f"google:{message_id}", MAIL)


async def test_a_message_over_the_limit_is_not_fetched(gmail: Provider, rig: Rig) -> None:
    mailbox = rig.mailbox()
    position = await gmail.changes.position(mailbox, FOLDER)
    rig.gmail.deliver(SUPPORT, b"x" * 1025)
    [page] = [page async for page in gmail.changes.since(mailbox, FOLDER, position)]

    with pytest.raises(Unprocessable, match="larger than 1024 bytes"):
        await gmail.fetcher.fetch(mailbox, page.arrivals[0].pointer)


async def test_a_push_for_our_public_url_announces_a_change_of_the_folder(
    gmail: Provider, rig: Rig
) -> None:
    mailbox, routes = rig.mailbox(), RegisteredRoutes()
    await routes.add(mailbox)
    assert gmail.notifications

    read = await gmail.notifications.read(pushed(rig.gmail), routes)

    assert not isinstance(read, Handshake)
    [announced] = read
    assert isinstance(announced, Announced)
    assert announced.pointer.changed_folder in mailbox.account.folders
    assert announced.pointer.is_reached_by(await gmail.changes.position(mailbox, FOLDER))


async def test_a_mailbox_is_checked(gmail: Provider, rig: Rig) -> None:
    topic = rig.gmail.pubsub.create_topic()
    rig.gmail.pubsub.subscribe(
        PushSubscription(topic=topic, endpoint=f"{PUBLIC_URL}/webhooks/google")
    )
    steps = [step async for step in gmail.check.check(rig.mailbox())]

    assert not [step for step in steps if step.failed]


def pushed(gmail: GmailEmulator) -> WebhookRequest:
    envelope = gmail.pubsub.envelope(PUSH, SUPPORT, gmail.history_id(SUPPORT))
    headers = {"authorization": f"Bearer {gmail.pubsub.token(PUSH)}"}
    return WebhookRequest("", headers, {}, json.dumps(envelope).encode())


RESULTS = "Authentication-Results: {}; dmarc={} header.from=example.org"


@pytest.mark.parametrize(
    ("lines", "verdict"),
    [
        (
            (RESULTS.format("mx.google.com", "fail"), RESULTS.format("mx.google.com", "pass")),
            "fail",
        ),
        ((RESULTS.format("mx.evil.test", "pass"), RESULTS.format("mx.google.com", "pass")), None),
        ((), None),
    ],
    ids=["forged below", "a stranger's on top", "none"],
)
async def test_what_google_has_found_is_in_the_topmost_field(
    gmail: Provider, rig: Rig, lines: tuple[str, ...], verdict: str | None
) -> None:
    trusted = gmail.trusted_servers(rig.mailbox().account)

    found = authentication_of(message(*lines, "From: jo@example.org"), trusted)

    assert (found and found.verified.value) == verdict
