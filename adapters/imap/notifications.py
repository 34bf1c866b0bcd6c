"""Reads what a listener elsewhere hands off: pointers, with a proof of whose they are.

The tenant stands in a header, so that nothing is read and nothing is looked up before the
proof is checked. Whoever gets no 2xx must hand off again: no position may move before.
"""

from collections.abc import Sequence
from http import HTTPStatus

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from postroom.adapters.http.standard_webhooks import InvalidSignature
from postroom.adapters.imap.account import NAME
from postroom.adapters.imap.hand_off_proof import TENANT, Proof
from postroom.adapters.imap.pointer import ImapPointer
from postroom.application.ports import (
    Announced,
    InvalidWebhook,
    NotificationReader,
    NotificationResult,
    Rejected,
    Route,
    Routes,
    UnauthenticatedWebhook,
    UnknownMailbox,
    WebhookDescription,
    WebhookRequest,
    by_mailbox,
)
from postroom.domain.pointer import MAX_TEXT

MAX_POINTERS = 500


class HandedPointer(BaseModel):
    """Where one message is; *uid* and *uid_validity* as in RFC 9051 section 2.3.1.1."""

    model_config = ConfigDict(extra="forbid")

    folder: str = Field(min_length=1, max_length=MAX_TEXT)
    uid: int = Field(gt=0, lt=2**32)
    uid_validity: int = Field(gt=0, lt=2**32)
    message_id: str = Field(default="", max_length=MAX_TEXT)


class HandOff(BaseModel):
    """What a listener saw in *mailbox*, in order of arrival."""

    model_config = ConfigDict(extra="forbid")

    mailbox: str = Field(min_length=1, max_length=63)
    pointers: list[HandedPointer] = Field(min_length=1, max_length=MAX_POINTERS)


TEXT = "Queue pointers to messages that a listener elsewhere saw; the response says how many."


class HandOffReader(NotificationReader):
    """*proof* says whose tenant's a hand-off is."""

    def __init__(self, proof: Proof) -> None:
        self._proof = proof
        self._description = WebhookDescription(
            text=TEXT, body=HandOff.model_json_schema(), proof=proof.description
        )

    @property
    def paths(self) -> Sequence[str]:
        return ("",)

    @property
    def accepted(self) -> int:
        return HTTPStatus.ACCEPTED

    @property
    def reports_count(self) -> bool:
        return True

    @property
    def description(self) -> WebhookDescription:
        return self._description

    async def read(self, request: WebhookRequest, routes: Routes) -> Sequence[Announced]:
        tenant = self._sender(request)
        hand_off = _read(request.body)
        route = await _find(routes, tenant, hand_off.mailbox)
        return [Announced(route, ImapPointer(**each.model_dump())) for each in hand_off.pointers]

    def _sender(self, request: WebhookRequest) -> str:
        """The tenant whose request it is proven to be. Raises Unavailable."""
        tenant = request.headers.get(TENANT.lower(), "")
        try:
            self._proof.check(tenant, request)
        except InvalidSignature as error:
            rejected = Rejected(NotificationResult.BAD_SIGNATURE, tenant=tenant)
            raise UnauthenticatedWebhook(f"{error}.", rejected) from None
        return tenant


def _read(body: bytes) -> HandOff:
    try:
        return HandOff.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        field = ".".join(map(str, first["loc"])) or "the body"
        raise InvalidWebhook(f"{field}: {first['msg']}.") from None


async def _find(routes: Routes, tenant: str, mailbox: str) -> Route:
    key = by_mailbox(tenant, mailbox)
    route = (await routes.find([key])).get(key)
    if route is None or route.provider != NAME:
        raise UnknownMailbox(
            "The tenant has no IMAP mailbox of that name: see `postroom mailbox list`.",
            Rejected(NotificationResult.UNKNOWN_MAILBOX, tenant=tenant),
        )
    return route
