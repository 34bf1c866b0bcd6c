"""What the messages of a Pub/Sub subscription announce, pushed or pulled."""

from collections.abc import Sequence

from pydantic import ValidationError

from postroom.adapters.google.account import NAME, route_of
from postroom.adapters.google.envelope import PubsubMessage, read_message
from postroom.adapters.google.pointer import GooglePointer
from postroom.application.ports import Announced, NotificationResult, Rejected, Routes, by_account


async def announcements(
    subscription: str, messages: Sequence[PubsubMessage | object], routes: Routes
) -> Sequence[Announced | Rejected]:
    """One for each of *messages*, as they are in JSON. Raises Unavailable."""
    pointers = [_pointer(each) for each in messages]
    keys = {each.address: _key(subscription, each.address) for each in pointers if each}
    found = await routes.find(list(dict.fromkeys(keys.values()))) if keys else {}
    announced: list[Announced | Rejected] = []
    for pointer in pointers:
        route = found.get(keys[pointer.address]) if pointer else None
        if pointer is None:
            announced.append(Rejected(NotificationResult.MALFORMED, subscription))
        elif route is None:
            announced.append(Rejected(NotificationResult.UNKNOWN_MAILBOX, subscription))
        else:
            announced.append(Announced(route, pointer))
    return announced


def _key(subscription: str, address: str) -> str:
    return by_account(NAME, route_of(subscription, address))


def _pointer(message: object) -> GooglePointer | None:
    try:
        return read_message(PubsubMessage.model_validate(message))
    except (ValidationError, ValueError):  # of the JSON, the base64, or the pointer
        return None
