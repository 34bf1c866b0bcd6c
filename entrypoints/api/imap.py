"""`POST /webhooks/imap`: a listener elsewhere hands off pointers, signed with its tenant's secret.

The tenant stands in a header, so that nothing is read and nothing is looked up before the
signature is verified. Whoever gets no 2xx must hand off again: no cursor may move before.
"""

from collections.abc import Mapping

from litestar import Request, Router, post
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.handlers import BaseRouteHandler
from litestar.params import JSONBody
from litestar.types import Guard
from pydantic import BaseModel, ConfigDict, Field

from postroom.application.ports import Clock
from postroom.domain.mailbox import ImapAccount
from postroom.domain.pointer import MAX_TEXT, ImapPointer
from postroom.entrypoints.api.bearer import Connection
from postroom.entrypoints.api.ingress import BODY_LIMIT, Batch, queue_all
from postroom.entrypoints.api.problems import (
    BAD_SIGNATURE,
    INVALID_REQUEST,
    NOT_CONFIGURED,
    NOT_FOUND,
    TOO_LARGE,
    UNAVAILABLE,
    described,
)
from postroom.entrypoints.api.services import Services
from postroom.entrypoints.api.standard_webhooks import (
    InvalidSecret,
    InvalidSignature,
    key_of,
    verify,
)
from postroom.entrypoints.telemetry.notifications import NotificationResult, note

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


def signed_by_tenant(services: Services) -> Guard:
    """Let in what is signed with the secret of the tenant it names (`request.auth`)."""
    keys = _keys(services.handoff_secrets)

    async def guard(connection: Connection, _: BaseRouteHandler) -> None:
        tenant = connection.headers.get(TENANT, "")
        if tenant not in keys:
            raise NOT_CONFIGURED(
                f"The tenant that the header {TENANT} names has no secret in"
                " POSTROOM_HANDOFF_SECRETS."
            )
        try:
            await _verify(connection, keys[tenant], services.clock)
        except InvalidSignature as error:
            note(services.telemetry, "imap", NotificationResult.BAD_SIGNATURE, tenant=tenant)
            raise BAD_SIGNATURE(f"{error}.") from None
        connection.scope["auth"] = tenant

    return guard


def _keys(secrets: Mapping[str, str]) -> dict[str, bytes]:
    try:
        return {tenant: key_of(secret) for tenant, secret in secrets.items()}
    except InvalidSecret as error:
        raise InvalidSecret(f"POSTROOM_HANDOFF_SECRETS: {error}") from None


async def _verify(connection: Connection, key: bytes, clock: Clock) -> None:
    assert isinstance(connection, Request)  # Litestar hands a guard of an HTTP route its request
    header = connection.headers
    verify(
        key,
        message_id=header.get("webhook-id", ""),
        timestamp=header.get("webhook-timestamp", ""),
        signatures=header.get("webhook-signature", ""),
        body=await connection.body(),
        now=clock.now(),
    )


@post(
    "/webhooks/imap",
    status_code=202,
    tags=["webhooks"],
    security=[{"signature": []}],
    responses=described(
        INVALID_REQUEST, BAD_SIGNATURE, NOT_CONFIGURED, NOT_FOUND, TOO_LARGE, UNAVAILABLE
    ),
)
async def receive_hand_off(
    request: Request[object, str, State],
    data: JSONBody[HandOff],
    services: NamedDependency[Services],
) -> dict[str, int]:
    """Queue pointers to messages that a listener elsewhere saw; the answer says how many."""
    mailbox = await services.registry.get(request.auth, data.mailbox)
    if mailbox is None or not isinstance(mailbox.account, ImapAccount):
        note(services.telemetry, "imap", NotificationResult.UNKNOWN_MAILBOX, tenant=request.auth)
        raise NOT_FOUND("The tenant has no IMAP mailbox of that name: see `postroom mailbox list`.")
    pointers = [ImapPointer(**handed.model_dump()) for handed in data.pointers]
    await queue_all(services, [Batch(mailbox, pointers, is_paused=mailbox.paused is not None)])
    return {"accepted": len(pointers)}


def routes(services: Services) -> Router:
    return Router(
        "/",
        route_handlers=[receive_hand_off],
        guards=[signed_by_tenant(services)],
        request_max_body_size=BODY_LIMIT,
    )
