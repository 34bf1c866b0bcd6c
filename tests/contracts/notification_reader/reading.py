"""Reads a request as the suite of NotificationReader wants every one to be read."""

import traceback
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import pytest

from postroom.adapters.redis.wire import WireFormat
from postroom.application.ports import (
    Announced,
    Handshake,
    Notification,
    NotificationResult,
    Rejected,
    WebhookError,
    WebhookRequest,
)
from postroom.domain.pointer import PointerJob, job_id
from tests.contracts.notification_reader.imap import KEYS
from tests.contracts.notification_reader.mailboxes import Mailboxes
from tests.contracts.notification_reader.stage import ANOTHERS, GUESS, SECRET, Stage
from tests.providers import POINTERS
from tests.toy_provider import ToyPointer

WIRE = WireFormat({**POINTERS, "toy": ToyPointer})
UNKNOWN = {NotificationResult.UNKNOWN_MAILBOX, NotificationResult.UNKNOWN_SUBSCRIPTION}

is_ours = pytest.mark.usefixtures("_is_ours")


async def read(
    stage: Stage, mailboxes: Mailboxes, request: WebhookRequest
) -> Sequence[Notification] | WebhookError:
    """What *request* holds, or why it is refused; neither that nor a traceback shows a secret."""
    found: Sequence[Notification] | WebhookError
    try:
        result = await stage.reader.read(request, mailboxes.routes)
        assert not isinstance(result, Handshake)
        found = result
    except WebhookError as error:
        found = error
    _, _, token = request.headers.get("authorization", "").partition(" ")
    hidden = {SECRET, GUESS, ANOTHERS, *KEYS.values(), token} - {""}
    assert not [text for text in hidden if text in _shown(found)]
    return found


def _shown(found: Sequence[Notification] | WebhookError) -> str:
    """All that may be logged of a request but the subscription that it claims to be of."""
    if isinstance(found, WebhookError):
        return "".join(traceback.format_exception(found)) + repr(found.rejected)
    return repr([replace(each, subscription_id="") for each in found if isinstance(each, Rejected)])


def announced(found: Sequence[Notification] | WebhookError) -> Sequence[Announced]:
    if isinstance(found, WebhookError):
        return []
    return [each for each in found if isinstance(each, Announced)]


def results(found: Sequence[Notification] | WebhookError) -> set[NotificationResult]:
    """Why nothing was announced."""
    if isinstance(found, WebhookError):
        assert str(found)
        return {found.rejected.result} if found.rejected else set()
    assert all(isinstance(each, Rejected) for each in found)
    return {each.result for each in found if isinstance(each, Rejected)}


def check_can_be_queued(announced: Announced, now: datetime) -> None:
    """It is a job that goes over the wire, with no number in which a text could hide."""
    route, pointer = announced.route, announced.pointer
    assert all(value < 2**64 for value in pointer.packed() if isinstance(value, int))
    id_ = job_id(route.tenant, route.id, pointer)
    job = PointerJob(
        id=id_, tenant=route.tenant, mailbox=route.id, pointer=pointer, enqueued_at=now
    )
    assert WIRE.unpack(*WIRE.pack(job)) == job
