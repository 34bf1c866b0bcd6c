"""What the methods share: who calls, what a request may say, and what befalls it."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from litestar import Request
from litestar.di import NamedDependency

from postroom.application.ports import Clock
from postroom.entrypoints.emulators.gmail.access import Caller
from postroom.entrypoints.emulators.gmail.faults import Faults
from postroom.entrypoints.emulators.gmail.mailbox import GmailMailbox
from postroom.entrypoints.emulators.gmail.mailboxes import Mailboxes
from postroom.entrypoints.emulators.gmail.messages import StoredMessage
from postroom.entrypoints.emulators.gmail.methods import METHODS, STANDARD_PARAMETERS
from postroom.entrypoints.emulators.gmail.pages import Pages
from postroom.entrypoints.emulators.gmail.pubsub import PubSub
from postroom.entrypoints.emulators.gmail.quota import Quota
from postroom.entrypoints.emulators.gmail.token_endpoint import TokenEndPoint
from postroom.entrypoints.emulators.gmail.watches import Watches
from postroom.entrypoints.emulators.gmail.wire import GoogleError, Json

Call = Request[Any, Any, Any]

USER = "/gmail/v1/users/{user:str}"
MOST, USUALLY = 500, 100


@dataclass
class Manners:
    """What Gmail does one way or the other.

    *legacy_errors* lists the errors a second time; *finds_future_history* answers an id that is
    yet to come by an empty history, and not by a 404.
    """

    legacy_errors: bool = True
    finds_future_history: bool = True


@dataclass(frozen=True)
class Entered:
    """A call of a method on a mailbox, which sees it up to the history id *seen*."""

    caller: Caller
    mailbox: GmailMailbox
    seen: int

    def messages(self) -> list[StoredMessage]:
        return [each for each in self.mailbox.messages.values() if each.added_id <= self.seen]

    def message(self, message_id: str) -> StoredMessage:
        """Raises GoogleError."""
        found = self.mailbox.message(message_id)
        if found.added_id > self.seen:
            raise GoogleError(404, "notFound", "Requested entity was not found.")
        return found


@dataclass(frozen=True)
class Backend:
    clock: Clock
    faults: Faults
    mailboxes: Mailboxes
    manners: Manners
    pages: Pages
    pubsub: PubSub
    quota: Quota
    tokens: TokenEndPoint
    watches: Watches

    def meet(self, request: Call, *names: str) -> None:
        """Count the call, and let it meet what was planned for it."""
        self.faults.meet(request.scope, names)

    def caller(self, request: Call) -> Caller:
        """Raises GoogleError."""
        return self.tokens.caller(request.headers.get("Authorization", ""))

    def enter(self, request: Call, user: str, name: str, *targets: str) -> Entered:
        """A call of the method *name* on the caller's own mailbox. Raises GoogleError."""
        self.meet(request, name, *targets)
        caller, method = self.caller(request), METHODS[name]
        if not caller.scopes & method.scopes:
            raise GoogleError(
                403, "insufficientPermissions", "Request had insufficient authentication scopes."
            )
        mailbox = self._own(caller, user)
        _check_parameters(request, method.parameters)
        self.quota.spend(mailbox.address, method.units)
        return Entered(caller, mailbox, mailbox.seen())

    def _own(self, caller: Caller, user: str) -> GmailMailbox:
        if caller.address not in self.mailboxes:
            raise GoogleError(400, "failedPrecondition", "Precondition check failed.")
        mailbox = self.mailboxes[caller.address]
        if user != "me" and self.mailboxes.get(user) is not mailbox:
            raise GoogleError(403, "forbidden", f"Delegation denied for {caller.address}")
        return mailbox


TheBackend = NamedDependency[Backend]


async def json_body(request: Call, known: Collection[str] | None) -> Json:
    """What was sent, or nothing; it has no fields but those that are *known*.

    Raises GoogleError.
    """
    try:
        body = await request.json() if await request.body() else {}
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise GoogleError(400, "parseError", "Invalid JSON payload received.")
    if known is not None and (unknown := sorted(set(body).difference(known))):
        raise invalid(
            f'Invalid JSON payload received. Unknown name "{unknown[0]}": Cannot find field.'
        )
    return body


def page_size(request: Call) -> int:
    return min(whole_number(request, "maxResults", USUALLY, 2**32) or USUALLY, MOST)


def whole_number(request: Call, name: str, default: int, limit: int) -> int:
    """A parameter that is below *limit*. Raises GoogleError."""
    text = request.query_params.get(name, str(default))
    if text.isascii() and text.isdecimal() and int(text) < limit:
        return int(text)
    raise invalid(f"Invalid value at '{name}' (TYPE_UINT{limit.bit_length() - 1}), \"{text}\"")


def invalid(message: str) -> GoogleError:
    return GoogleError(400, "invalidArgument", message)


def _check_parameters(request: Call, known: frozenset[str]) -> None:
    if unknown := sorted(set(request.query_params) - known - STANDARD_PARAMETERS):
        raise invalid(
            f'Invalid JSON payload received. Unknown name "{unknown[0]}": Cannot bind query '
            f"parameter. Field '{unknown[0]}' could not be found in request message."
        )
