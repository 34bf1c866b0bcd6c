"""`POST /webhooks/microsoft`: Graph's change notifications of new messages.

https://learn.microsoft.com/graph/change-notifications-delivery-webhooks: answer within 3 seconds,
202 for what is queued; after a 5xx the whole batch is sent again, for up to 4 hours.
"""

import hmac
import re
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated

from litestar import MediaType, Response, Router, post
from litestar.di import NamedDependency
from litestar.openapi import ResponseSpec
from litestar.params import QueryParameter, RawBody
from pydantic import BaseModel, Field, ValidationError

from application.ports import MailboxRegistry
from domain.mailbox import Mailbox, MicrosoftAccount
from domain.pointer import InvalidPointer, MicrosoftPointer
from entrypoints.api.ingress import BODY_LIMIT, Batch, queue_all
from entrypoints.api.problems import INVALID_REQUEST, TOO_LARGE, UNAVAILABLE, described
from entrypoints.api.services import Services
from entrypoints.telemetry.notices import Verdict, note

MAX_TOKEN = 4096
"""Characters of a validation token. Graph's are some hundreds long."""

MAX_NOTICES = 1000
"""Notices of one request: each costs a look at the registry, whoever sent it."""

_GUID = re.compile(r"[0-9A-Fa-f-]{36}")
_MESSAGE = re.compile(r"/messages(?:/|\(')([^/')?]+)", re.IGNORECASE)


class ResourceData(BaseModel):
    id: str | None = None


class Notice(BaseModel):
    """One item of a notification. Graph may add fields at any time: unknown ones are ignored."""

    subscription_id: str = Field(alias="subscriptionId", min_length=1, max_length=128)
    client_state: str | None = Field(default=None, alias="clientState")
    change_type: str | None = Field(default=None, alias="changeType")
    resource: str | None = None
    resource_data: ResourceData | None = Field(default=None, alias="resourceData")

    def pointer(self) -> MicrosoftPointer:
        """Where the new message is. Raises InvalidPointer."""
        resource = self.resource or ""
        in_path = _MESSAGE.search(resource)
        message_id = (self.resource_data and self.resource_data.id) or (in_path and in_path[1])
        return MicrosoftPointer(self.subscription_id, message_id or "", resource)


class Notification(BaseModel):
    """The items are read one by one, so that a bad one does not cost the others."""

    value: list[object] = Field(max_length=MAX_NOTICES)


@post(
    "/webhooks/microsoft",
    status_code=202,
    media_type=MediaType.TEXT,
    tags=["webhooks"],
    responses={
        200: ResponseSpec(str, description="The validation token.", media_type=MediaType.TEXT),
        **described(INVALID_REQUEST, TOO_LARGE, UNAVAILABLE),
    },
)
async def receive_notification(
    body: RawBody,
    services: NamedDependency[Services],
    token: Annotated[str | None, QueryParameter(name="validationToken")] = None,
) -> Response[str]:
    """Queue the messages that Graph announces, or answer its validation handshake."""
    if token is not None:
        return _validated(token)
    try:
        notification = Notification.model_validate_json(body)
    except ValidationError:
        raise INVALID_REQUEST("The body is not a Graph change notification.") from None
    await _receive(services, notification.value)
    return Response("")


def _validated(token: str) -> Response[str]:
    """Prove that we want notices: the token as it is, as text that no browser takes for HTML."""
    if not 0 < len(token) <= MAX_TOKEN or not token.isprintable():
        raise INVALID_REQUEST("validationToken is empty, too long, or has control characters.")
    return Response(
        token,
        status_code=200,
        headers={"X-Content-Type-Options": "nosniff"},
    )


@dataclass(frozen=True, slots=True)
class Accepted:
    mailbox: Mailbox
    pointer: MicrosoftPointer


@dataclass(frozen=True, slots=True)
class Refused:
    verdict: Verdict
    subscription_id: str = ""


async def _receive(services: Services, items: Sequence[object]) -> None:
    find = _remembering(services.registry)
    judged = [await _judge(item, find) for item in items]
    refused = [one for one in judged if isinstance(one, Refused)]
    _tell(services, refused)
    if items and all(one.verdict is Verdict.MALFORMED for one in refused) and refused == judged:
        raise INVALID_REQUEST("No item of the notification could be read.")
    await queue_all(services, _by_mailbox(one for one in judged if isinstance(one, Accepted)))


Find = Callable[[str], Awaitable[Mailbox | None]]


def _remembering(registry: MailboxRegistry) -> Find:
    """The mailbox of a subscription, looked up once for all the items of a request."""
    found: dict[str, Mailbox | None] = {}

    async def find(subscription_id: str) -> Mailbox | None:
        if subscription_id not in found:
            found[subscription_id] = await registry.of_subscription(subscription_id)
        return found[subscription_id]

    return find


async def _judge(item: object, find: Find) -> Accepted | Refused:
    try:
        notice = Notice.model_validate(item)
    except ValidationError:
        return Refused(Verdict.MALFORMED)
    mailbox = await _authenticate(notice, find)
    if isinstance(mailbox, Refused):
        return mailbox
    if notice.change_type != "created":
        return Refused(Verdict.IGNORED, notice.subscription_id)
    try:
        return Accepted(mailbox, notice.pointer())
    except InvalidPointer:
        return Refused(Verdict.MALFORMED, notice.subscription_id)


async def _authenticate(notice: Notice, find: Find) -> Mailbox | Refused:
    """The mailbox whose subscription's secret *notice* shows. Without one nobody is looked up."""
    if not notice.client_state:
        return Refused(Verdict.BAD_SIGNATURE, notice.subscription_id)
    mailbox = await find(notice.subscription_id)
    if mailbox is None or not isinstance(mailbox.account, MicrosoftAccount):
        return Refused(Verdict.UNKNOWN_SUBSCRIPTION, notice.subscription_id)
    if not _same(notice.client_state, mailbox.account.client_state.value):
        return Refused(Verdict.BAD_SIGNATURE, notice.subscription_id)
    return mailbox


def _same(shown: str, secret: str) -> bool:
    """Compared in constant time; an empty secret proves nothing."""
    return bool(secret) and hmac.compare_digest(shown.encode(), secret.encode())


def _by_mailbox(accepted: Iterable[Accepted]) -> list[Batch]:
    pointers: defaultdict[tuple[str, str], list[MicrosoftPointer]] = defaultdict(list)
    mailboxes: dict[tuple[str, str], Mailbox] = {}
    for one in accepted:
        key = (one.mailbox.tenant, one.mailbox.id)
        mailboxes[key] = one.mailbox
        pointers[key].append(one.pointer)
    return [(mailbox, pointers[key]) for key, mailbox in mailboxes.items()]


def _tell(services: Services, refused: Iterable[Refused]) -> None:
    for one, count in Counter(refused).items():
        # Only what looks like a subscription id is told: anybody can write anything there.
        known = {"subscription_id": one.subscription_id}
        told = known if _GUID.fullmatch(one.subscription_id) else {}
        note(services.telemetry, "microsoft", one.verdict, count=count, **told)


def routes() -> Router:
    return Router("/", route_handlers=[receive_notification], request_max_body_size=BODY_LIMIT)
