"""What the methods share: who calls, and what a request may say."""

from dataclasses import dataclass
from typing import Any

from litestar import Request
from litestar.di import NamedDependency

from postroom.application.ports import Clock
from postroom.entrypoints.emulators.gmail.access import Caller
from postroom.entrypoints.emulators.gmail.faults import Faults
from postroom.entrypoints.emulators.gmail.mailbox import GmailMailbox
from postroom.entrypoints.emulators.gmail.pubsub import PubSub
from postroom.entrypoints.emulators.gmail.token_endpoint import TokenEndPoint
from postroom.entrypoints.emulators.gmail.watches import Watches
from postroom.entrypoints.emulators.gmail.wire import GoogleError, Json

Call = Request[Any, Any, Any]

USER = "/gmail/v1/users/{user:str}"


@dataclass(frozen=True)
class Backend:
    clock: Clock
    mailboxes: dict[str, GmailMailbox]
    tokens: TokenEndPoint
    pubsub: PubSub
    watches: Watches
    faults: Faults

    def caller(self, request: Call) -> Caller:
        """Raises GoogleError."""
        return self.tokens.access.caller(request.headers.get("Authorization", ""))

    def mailbox(self, request: Call, user: str) -> GmailMailbox:
        """The caller's own. Raises GoogleError."""
        address = self.caller(request).address
        if address not in self.mailboxes:
            raise GoogleError(400, "failedPrecondition", "Precondition check failed.")
        if user not in ("me", address):
            raise GoogleError(403, "forbidden", f"Delegation denied for {address}")
        return self.mailboxes[address]


TheBackend = NamedDependency[Backend]


async def json_body(request: Call) -> Json:
    """What was sent, or nothing. Raises GoogleError."""
    try:
        body = await request.json() if await request.body() else {}
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise GoogleError(400, "parseError", "Invalid JSON payload received.")
    return body
