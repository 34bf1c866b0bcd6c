"""What becomes of a notification, at either end point: judge, queue, note, tell."""

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence

from postroom.application.ports import Subscriber, Unauthenticated
from postroom.domain.pointer import MicrosoftPointer
from postroom.entrypoints.api.ingress import Batch, queue_all
from postroom.entrypoints.api.microsoft.judging import (
    Announced,
    Asked,
    Judgement,
    Refused,
    attested,
    judge,
)
from postroom.entrypoints.api.microsoft.payload import read_notification
from postroom.entrypoints.api.microsoft.subscribers import Subscribers
from postroom.entrypoints.api.problems import INVALID_REQUEST
from postroom.entrypoints.api.services import Services
from postroom.entrypoints.telemetry.notices import Verdict, note

MOST_TOLD = 10
"""Log lines of one request that name a subscription; what is beyond them is summed up."""

_GUID = re.compile(r"[0-9A-Fa-f-]{36}")


class Intake:
    """Takes notifications in. It asks no provider, unless one is rich and its keys are not known.

    Messages are only queued: nothing is written to the database, and nothing there is locked.
    """

    def __init__(self, services: Services) -> None:
        self._services = services
        self._subscribers = Subscribers(services.receptions, services.clock)

    async def __call__(self, body: bytes) -> None:
        """Return when all that deserves it is queued, or noted, for good.

        Raises the problem `invalid-request`, or a Failure: then the sender is to send all again.
        """
        notification = read_notification(body)
        if notification is None:
            raise INVALID_REQUEST("The body is not a Graph change notification.")
        notices = notification.notices()
        shown = {each.subscription_id for each in notices if each and each.client_state}
        subscribers = await self._subscribers.find(shown) if shown else {}
        judged = [judge(notice, subscribers) for notice in notices]
        if notification.tokens:
            judged = await self._attested(judged, notification.tokens)
        if refused := [each for each in judged if isinstance(each, Refused)]:
            self._tell(refused)
        if notices and not any(notices):
            raise INVALID_REQUEST("No item of the notification could be read.")
        await queue_all(self._services, _by_mailbox(judged))
        if asked := [each for each in judged if isinstance(each, Asked)]:
            await self._note(asked)

    async def _attested(
        self, judged: Sequence[Judgement], tokens: Sequence[str]
    ) -> list[Judgement]:
        """Strangers, who know no secret, have no token looked at."""
        if all(isinstance(each, Refused) for each in judged):
            return list(judged)
        applications = await self._applications(tokens)
        return [attested(each, applications) for each in judged]

    async def _applications(self, tokens: Sequence[str]) -> Collection[str]:
        """Those that *tokens* are made out to; none if one of the tokens proves nothing."""
        try:
            return {await self._services.verify_notice(token) for token in tokens}
        except Unauthenticated:
            return ()

    async def _note(self, asked: Sequence[Asked]) -> None:
        """Have the next round see what Graph asks for. Raises Unavailable."""
        for one, count in Counter(asked).items():
            verdict = Verdict.UNAVAILABLE
            try:
                known = await self._services.receptions.request(
                    one.subscription_id, one.request, self._services.clock.now()
                )
                verdict = Verdict(one.request.value) if known else Verdict.UNKNOWN_SUBSCRIPTION
            finally:
                note(
                    self._services.telemetry,
                    "microsoft",
                    verdict,
                    count=count,
                    tenant=one.subscriber.tenant,
                    mailbox=one.subscriber.id,
                    subscription_id=one.subscription_id,
                )

    def _tell(self, refused: Sequence[Refused]) -> None:
        for (verdict, subscription_id), count in _summed_up(refused).items():
            told = {"subscription_id": subscription_id} if subscription_id else {}
            note(self._services.telemetry, "microsoft", verdict, count=count, **told)


def _summed_up(refused: Iterable[Refused]) -> Counter[tuple[Verdict, str]]:
    """How many, by verdict and subscription: the most frequent MOST_TOLD, the rest by verdict."""
    counted = Counter((one.verdict, _tellable(one.subscription_id)) for one in refused)
    for (verdict, subscription_id), count in counted.most_common()[MOST_TOLD:]:
        del counted[verdict, subscription_id]
        counted[verdict, ""] += count
    return counted


def _tellable(subscription_id: str) -> str:
    """Only what looks like the id of a subscription is told: anybody can write anything there."""
    return subscription_id if _GUID.fullmatch(subscription_id) else ""


def _by_mailbox(judged: Iterable[Judgement]) -> list[Batch]:
    pointers: defaultdict[tuple[str, str], list[MicrosoftPointer]] = defaultdict(list)
    addressees: dict[tuple[str, str], Subscriber] = {}
    for one in judged:
        if isinstance(one, Announced):
            key = one.subscriber.tenant, one.subscriber.id
            addressees[key] = one.subscriber
            pointers[key].append(one.pointer)
    return [
        Batch(addressee, pointers[key], is_paused=addressee.is_paused)
        for key, addressee in addressees.items()
    ]
