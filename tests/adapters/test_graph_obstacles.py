"""What keeps Graph's notifications from ever reaching us: our URL, or whose the mailbox is."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from postroom.adapters.http.public_url import NO_PUBLIC_URL
from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.microsoft.account import DelegatedAccess
from postroom.adapters.microsoft.subscriptions import SHARED, GraphSubscriptions
from postroom.domain.account import Secret
from tests.adapters.graph_rig import ACCOUNT, USER, Rig, a_mailbox, graph_rig

MAILBOX = a_mailbox()
CLERK = "clerk@example.org"


@pytest.fixture
async def rig(clock: ManualClock) -> AsyncIterator[Rig]:
    async with graph_rig(clock) as rig:
        yield rig


@pytest.mark.parametrize(
    ("public_url", "obstacle"),
    [
        ("https://postroom.example", ""),
        ("https://postroom.example:8443/mail/", ""),
        ("https://8.8.8.8", ""),
        ("https://[2606:4700::1111]", ""),
        ("", NO_PUBLIC_URL),
        ("https://", NO_PUBLIC_URL),
        ("http://postroom.example", NO_PUBLIC_URL),
        ("postroom.example", NO_PUBLIC_URL),
        ("https://localhost", NO_PUBLIC_URL),
        ("https://postroom", NO_PUBLIC_URL),
        ("https://postroom.", NO_PUBLIC_URL),
        ("https://mail.LOCALHOST", NO_PUBLIC_URL),
        ("https://postroom.local", NO_PUBLIC_URL),
        ("https://postroom.corp.internal.", NO_PUBLIC_URL),
        ("https://127.0.0.1", NO_PUBLIC_URL),
        ("https://10.1.2.3:8443", NO_PUBLIC_URL),
        ("https://192.168.0.9", NO_PUBLIC_URL),
        ("https://100.64.0.1", NO_PUBLIC_URL),
        ("https://169.254.1.1", NO_PUBLIC_URL),
        ("https://[::1]", NO_PUBLIC_URL),
        ("https://[fe80::1]", NO_PUBLIC_URL),
        ("https://[oops", NO_PUBLIC_URL),
    ],
)
async def test_graph_needs_a_url_that_is_open_to_the_internet(
    rig: Rig, public_url: str, obstacle: str
) -> None:
    assert rig.subscriptions(public_url).obstacle(MAILBOX) == obstacle


@pytest.mark.parametrize(
    ("graph_url", "public_url", "obstacle"),
    [
        ("http://127.0.0.1:8100", "http://127.0.0.1:8080", ""),
        ("https://[::1]:8100", "http://postroom", ""),
        ("http://127.0.0.1:8100", "", NO_PUBLIC_URL),
        ("https://graph.microsoft.us", "http://127.0.0.1:8080", NO_PUBLIC_URL),
        ("https://graph.microsoft.us", "https://postroom.example", ""),
    ],
)
async def test_a_graph_on_this_machine_reaches_whatever_is_here(
    rig: Rig, graph_url: str, public_url: str, obstacle: str
) -> None:
    client = replace(rig.client, graph_url=graph_url)
    subscriptions = GraphSubscriptions(client, rig.clock, public_url)

    assert subscriptions.obstacle(MAILBOX) == obstacle


@pytest.mark.parametrize(
    ("access", "obstacle"),
    [
        (DelegatedAccess(Secret("r")), ""),  # nobody has noted who it was
        (DelegatedAccess(Secret("r"), "object-1", USER.upper()), ""),
        (DelegatedAccess(Secret("r"), USER, ""), ""),
        (DelegatedAccess(Secret("r"), "object-1", CLERK), SHARED),
        (DelegatedAccess(Secret("r"), "object-1"), SHARED),
    ],
)
async def test_a_mailbox_that_is_shared_with_who_signed_in_gets_no_notices(
    rig: Rig, access: DelegatedAccess, obstacle: str
) -> None:
    mailbox = a_mailbox("Support@Example.org", replace(ACCOUNT, credentials=access))

    assert rig.subscriptions().obstacle(mailbox) == obstacle
