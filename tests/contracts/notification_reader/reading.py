"""Reads a request as the suite of NotificationReader wants every one to be read."""

import traceback
from collections.abc import Sequence
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
from tests.contracts.notification_reader.post import Post
from tests.contracts.notification_reader.stage import ANOTHERS, GUESS, SECRET, Stage
from tests.providers import POINTERS
from tests.toy_provider import ToyPointer

WIRE = WireFormat({**POINTERS, "toy": ToyPointer})
UNKNOWN = {NotificationResult.UNKNOWN_MAILBOX, NotificationResult.UNKNOWN_SUBSCRIPTION}

has_it = pytest.mark.usefixtures("_has_it")


async def read(
    stage: Stage, post: Post, request: WebhookRequest
) -> Sequence[Notification] | WebhookError:
    """What *request* holds, or why it is refused; neither that nor a traceback shows a secret."""
    found: Sequence[Notification] | WebhookError
    try:
        result = await stage.reader.read(request, post.routes)
        assert not isinstance(result, Handshake)
        found, shown = result, repr(result)
    except WebhookError as error:
        found, shown = error, "".join(traceback.format_exception(error))
        shown += repr(error.rejected)
    hidden = [SECRET, GUESS, ANOTHERS, *KEYS.values()]
    hidden += [part for part in request.headers.get("authorization", "").split(" ")[1:] if part]
    assert not [text for text in hidden if text in shown]
    return found


def results(found: Sequence[Notification] | WebhookError) -> set[NotificationResult]:
    """Why nothing was announced."""
    if isinstance(found, WebhookError):
        assert str(found)
        return {found.rejected.result} if found.rejected else set()
    assert all(isinstance(each, Rejected) for each in found)
    return {each.result for each in found if isinstance(each, Rejected)}


def check_can_be_queued(announced: Announced, now: datetime) -> None:
    route, pointer = announced.route, announced.pointer
    id_ = job_id(route.tenant, route.id, pointer)
    job = PointerJob(
        id=id_, tenant=route.tenant, mailbox=route.id, pointer=pointer, enqueued_at=now
    )
    assert WIRE.unpack(*WIRE.pack(job)) == job
