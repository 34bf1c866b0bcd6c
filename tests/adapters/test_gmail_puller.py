"""What is made of the messages of a subscription that is pulled."""

import base64
import json
from collections.abc import Sequence

import pytest

from postroom.adapters.google.announcements import announcements
from postroom.application.ports import Announced, NotificationResult, Rejected
from tests.adapters.routes_rig import RegisteredRoutes
from tests.adapters.test_gmail_notifications import SUBSCRIPTION, mailbox

MALFORMED = Rejected(NotificationResult.MALFORMED, SUBSCRIPTION)
UNKNOWN = Rejected(NotificationResult.UNKNOWN_MAILBOX, SUBSCRIPTION)


@pytest.fixture
async def routes() -> RegisteredRoutes:
    routes = RegisteredRoutes()
    for name in ("sales", "info"):
        await routes.add(mailbox(name))
    return routes


def message(address: str, history_id: object = "7") -> dict[str, str]:
    said = {"emailAddress": address, "historyId": history_id}
    return {"data": base64.b64encode(json.dumps(said).encode()).decode(), "messageId": "1"}


def shown(found: Sequence[Announced | Rejected]) -> list[object]:
    return [each.route.id if isinstance(each, Announced) else each for each in found]


async def test_each_message_is_read_for_itself_and_all_are_looked_up_at_once(
    routes: RegisteredRoutes,
) -> None:
    messages: list[object] = [
        message("sales@acme.example"),
        {"attributes": {}},
        message("nobody@acme.example"),
        message("INFO@acme.example"),
        None,
        message("sales@acme.example", -1),
        message("sales@acme.example", 8),
    ]

    found = await announcements(SUBSCRIPTION, messages, routes)

    assert shown(found) == ["sales", MALFORMED, UNKNOWN, "info", MALFORMED, MALFORMED, "sales"]
    assert routes.queries == 1


async def test_for_nothing_that_can_be_read_nothing_is_looked_up(routes: RegisteredRoutes) -> None:
    assert await announcements(SUBSCRIPTION, [], routes) == []
    assert await announcements(SUBSCRIPTION, [7], routes) == [MALFORMED]
    assert routes.queries == 0
