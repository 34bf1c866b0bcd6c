"""What becomes of a notification, at either endpoint: classify, queue, note, tell."""

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence

from postroom.application.ports import SubscribedFolder, Unauthenticated
from postroom.domain.pointer import MicrosoftPointer
from postroom.entrypoints.api.ingress import Batch, queue_all
from postroom.entrypoints.api.microsoft.classification import (
    Classified,
    Lifecycle,
    NewMessage,
    Rejected,
    classify,
    verified,
)
from postroom.entrypoints.api.microsoft.responses import read_collection
from postroom.entrypoints.api.microsoft.subscription_cache import SubscriptionCache
from postroom.entrypoints.api.problems import INVALID_REQUEST
from postroom.entrypoints.api.services import Services
from postroom.entrypoints.telemetry.notifications import NotificationResult, note

MAX_LOGGED = 10
"""Log lines of one request that name a subscription; what is beyond them is summed up."""

_GUID = re.compile(r"[0-9A-Fa-f-]{36}")


class NotificationHandler:
    """Takes notifications in. It asks no provider, unless one is rich and its keys are not known.

    Messages are only queued: nothing is written to the database, and nothing there is locked.
    """

    def __init__(self, services: Services) -> None:
        self._services = services
        self._subscribed_folders = SubscriptionCache(services.folder_syncs, services.clock)

    async def __call__(self, body: bytes) -> None:
        """Return when all that deserves it is queued, or noted, for good.

        Raises the problem `invalid-request`, or a Failure: then the sender is to send all again.
        """
        collection = read_collection(body)
        if collection is None:
            raise INVALID_REQUEST("The body is not a Graph change notification.")
        notifications = collection.notifications()
        shown = {each.subscription_id for each in notifications if each and each.client_state}
        subscribed_folders = await self._subscribed_folders.find(shown) if shown else {}
        classified = [classify(notification, subscribed_folders) for notification in notifications]
        if collection.tokens:
            classified = await self._verified(classified, collection.tokens)
        if refused := [each for each in classified if isinstance(each, Rejected)]:
            self._log(refused)
        if notifications and not any(notifications):
            raise INVALID_REQUEST("No item of the notification could be read.")
        await queue_all(self._services, _by_mailbox(classified))
        if asked := [each for each in classified if isinstance(each, Lifecycle)]:
            await self._note(asked)

    async def _verified(
        self, classified: Sequence[Classified], tokens: Sequence[str]
    ) -> list[Classified]:
        """Strangers, who know no secret, have no token looked at."""
        if all(isinstance(each, Rejected) for each in classified):
            return list(classified)
        applications = await self._applications(tokens)
        return [verified(each, applications) for each in classified]

    async def _applications(self, tokens: Sequence[str]) -> Collection[str]:
        """Those that *tokens* are made out to; none if one of the tokens proves nothing."""
        try:
            return {await self._services.verify_notification(token) for token in tokens}
        except Unauthenticated:
            return ()

    async def _note(self, asked: Sequence[Lifecycle]) -> None:
        """Have the next round see what Graph asks for. Raises Unavailable."""
        for one, count in Counter(asked).items():
            result = NotificationResult.UNAVAILABLE
            try:
                known = await self._services.folder_syncs.request(
                    one.subscription_id, one.request, self._services.clock.now()
                )
                result = (
                    NotificationResult(one.request.value)
                    if known
                    else NotificationResult.UNKNOWN_SUBSCRIPTION
                )
            finally:
                note(
                    self._services.telemetry,
                    "microsoft",
                    result,
                    count=count,
                    tenant=one.subscribed_folder.tenant,
                    mailbox=one.subscribed_folder.id,
                    subscription_id=one.subscription_id,
                )

    def _log(self, refused: Sequence[Rejected]) -> None:
        for (result, subscription_id), count in _summed_up(refused).items():
            told = {"subscription_id": subscription_id} if subscription_id else {}
            note(self._services.telemetry, "microsoft", result, count=count, **told)


def _summed_up(refused: Iterable[Rejected]) -> Counter[tuple[NotificationResult, str]]:
    """How many, by result and subscription: the most frequent MAX_LOGGED, the rest by result."""
    counted = Counter((one.result, _loggable(one.subscription_id)) for one in refused)
    for (result, subscription_id), count in counted.most_common()[MAX_LOGGED:]:
        del counted[result, subscription_id]
        counted[result, ""] += count
    return counted


def _loggable(subscription_id: str) -> str:
    """Only what looks like the id of a subscription is told: anybody can write anything there."""
    return subscription_id if _GUID.fullmatch(subscription_id) else ""


def _by_mailbox(classified: Iterable[Classified]) -> list[Batch]:
    pointers: defaultdict[tuple[str, str], list[MicrosoftPointer]] = defaultdict(list)
    mailboxes: dict[tuple[str, str], SubscribedFolder] = {}
    for one in classified:
        if isinstance(one, NewMessage):
            key = one.subscribed_folder.tenant, one.subscribed_folder.id
            mailboxes[key] = one.subscribed_folder
            pointers[key].append(one.pointer)
    return [
        Batch(mailbox, pointers[key], is_paused=mailbox.is_paused)
        for key, mailbox in mailboxes.items()
    ]
