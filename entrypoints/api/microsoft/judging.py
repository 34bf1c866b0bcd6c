"""What is to become of a notice: each is judged for itself, by the secret that it shows."""

import hashlib
import hmac
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from postroom.application.ports import Subscriber
from postroom.domain.pointer import InvalidPointer, MicrosoftPointer
from postroom.domain.reception import Request
from postroom.entrypoints.api.microsoft.payload import Notice
from postroom.entrypoints.telemetry.notices import Verdict

REQUESTS = {
    "reauthorizationRequired": Request.RENEW,
    "subscriptionRemoved": Request.RECREATE,
    "missed": Request.RECONCILE,
}
"""learn.microsoft.com/graph/change-notifications-lifecycle-events"""


@dataclass(frozen=True, slots=True)
class Announced:
    """There is a new message."""

    subscriber: Subscriber
    pointer: MicrosoftPointer

    @property
    def subscription_id(self) -> str:
        return self.pointer.subscription_id


@dataclass(frozen=True, slots=True)
class Asked:
    """Graph asks for something to be done about a subscription."""

    subscriber: Subscriber
    subscription_id: str
    request: Request


@dataclass(frozen=True, slots=True)
class Refused:
    """Nothing comes of it. *subscription_id* is what it claims, and empty if that is unreadable."""

    verdict: Verdict
    subscription_id: str = ""


Judgement = Announced | Asked | Refused


def judge(notice: Notice | None, subscribers: Mapping[str, Subscriber]) -> Judgement:
    """What becomes of *notice*, which is None if it could not be read.

    *subscribers* are by subscription id, for the notices that show a secret at all.
    """
    if notice is None:
        return Refused(Verdict.MALFORMED)
    subscription_id = notice.subscription_id
    if not notice.client_state:
        return Refused(Verdict.BAD_SIGNATURE, subscription_id)
    subscriber = subscribers.get(subscription_id)
    if subscriber is None or subscriber.provider != "microsoft":
        return Refused(Verdict.UNKNOWN_SUBSCRIPTION, subscription_id)
    if not _proves(notice.client_state, subscriber.secret_digest):
        return Refused(Verdict.BAD_SIGNATURE, subscription_id)
    return _heed(notice, subscriber)


def attested(judgement: Judgement, applications: Collection[str]) -> Judgement:
    """*judgement* of an item whose notification has tokens, which are made out to *applications*.

    An item of any other application's mailbox is refused.
    """
    if isinstance(judgement, Refused) or judgement.subscriber.application in applications:
        return judgement
    return Refused(Verdict.BAD_SIGNATURE, judgement.subscription_id)


def _proves(shown: str, secret_digest: str) -> bool:
    """Compared in constant time; where there is no secret, nothing is proven."""
    digest = hashlib.sha256(shown.encode()).hexdigest()
    return bool(secret_digest) and hmac.compare_digest(digest, secret_digest)


def _heed(notice: Notice, subscriber: Subscriber) -> Judgement:
    subscription_id = notice.subscription_id
    if notice.lifecycle_event is not None:
        request = REQUESTS.get(notice.lifecycle_event)
        if request is None:
            return Refused(Verdict.IGNORED, subscription_id)
        return Asked(subscriber, subscription_id, request)
    if notice.change_type != "created":
        return Refused(Verdict.IGNORED, subscription_id)
    try:
        return Announced(subscriber, notice.pointer())
    except InvalidPointer:
        return Refused(Verdict.MALFORMED, subscription_id)
