"""Reads what a listener elsewhere hands off: pointers, signed with its tenant's secret.

The tenant stands in a header, so that nothing is read and nothing is looked up before the
signature is verified. Whoever gets no 2xx must hand off again: no position may move before.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from postroom.adapters.http.standard_webhooks import (
    InvalidSecret,
    InvalidSignature,
    key_of,
    verify,
)
from postroom.adapters.imap.account import NAME
from postroom.adapters.imap.pointer import ImapPointer
from postroom.application.ports import (
    Announced,
    Clock,
    InvalidWebhook,
    NotificationReader,
    NotificationResult,
    Rejected,
    Route,
    Routes,
    SenderProof,
    UnauthenticatedWebhook,
    UnknownMailbox,
    WebhookDescription,
    WebhookNotConfigured,
    WebhookRequest,
    by_mailbox,
)
from postroom.domain.pointer import MAX_TEXT

TENANT = "Postroom-Tenant"
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


DESCRIPTION = WebhookDescription(
    text="Queue pointers to messages that a listener elsewhere saw; the response says how many.",
    body=HandOff.model_json_schema(),
    proof=SenderProof(
        "Standard Webhooks, version 1, with the secret of the tenant that the header"
        f" {TENANT} names.",
        header="webhook-signature",
    ),
)


class HandOffReader(NotificationReader):
    """*secrets*: `whsec_…` by tenant. Raises InvalidSecret if one is none."""

    def __init__(self, secrets: Mapping[str, str], clock: Clock) -> None:
        self._keys = _keys(secrets)
        self._clock = clock

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
        return DESCRIPTION

    async def read(self, request: WebhookRequest, routes: Routes) -> Sequence[Announced]:
        tenant = self._sender(request)
        hand_off = _read(request.body)
        route = await _find(routes, tenant, hand_off.mailbox)
        return [Announced(route, ImapPointer(**each.model_dump())) for each in hand_off.pointers]

    def _sender(self, request: WebhookRequest) -> str:
        """The tenant who has signed the request."""
        tenant = request.headers.get(TENANT.lower(), "")
        if tenant not in self._keys:
            raise WebhookNotConfigured(
                f"The tenant that the header {TENANT} names has no secret in"
                " POSTROOM_HANDOFF_SECRETS."
            )
        try:
            self._verify(self._keys[tenant], request)
        except InvalidSignature as error:
            rejected = Rejected(NotificationResult.BAD_SIGNATURE, tenant=tenant)
            raise UnauthenticatedWebhook(f"{error}.", rejected) from None
        return tenant

    def _verify(self, key: bytes, request: WebhookRequest) -> None:
        verify(
            key,
            message_id=request.headers.get("webhook-id", ""),
            timestamp=request.headers.get("webhook-timestamp", ""),
            signatures=request.headers.get("webhook-signature", ""),
            body=request.body,
            now=self._clock.now(),
        )


def _keys(secrets: Mapping[str, str]) -> dict[str, bytes]:
    try:
        return {tenant: key_of(secret) for tenant, secret in secrets.items()}
    except InvalidSecret as error:
        raise InvalidSecret(f"POSTROOM_HANDOFF_SECRETS: {error}") from None


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
