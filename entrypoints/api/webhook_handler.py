"""What becomes of what is posted to a webhook: it is queued, noted for the next run, or logged."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from litestar.plugins.problem_details import ProblemDetailsException

from postroom.application.ports import (
    Announced,
    ForbiddenWebhook,
    Handshake,
    Lifecycle,
    Notification,
    NotificationReader,
    NotificationResult,
    Rejected,
    Routes,
    UnauthenticatedWebhook,
    UnknownMailbox,
    WebhookError,
    WebhookNotConfigured,
    WebhookRequest,
)
from postroom.entrypoints.api.bearer import CHALLENGE
from postroom.entrypoints.api.deadline import Deadline
from postroom.entrypoints.api.ingress import Batch, queue_all
from postroom.entrypoints.api.problems import (
    BAD_SIGNATURE,
    FORBIDDEN,
    INVALID_REQUEST,
    NOT_CONFIGURED,
    NOT_FOUND,
    UNAUTHENTICATED,
    UNAVAILABLE,
    Problem,
)
from postroom.entrypoints.api.services import Services
from postroom.entrypoints.telemetry.notifications import note

RESPOND_WITHIN = 1.5
"""Seconds. Some providers wait for 3, and send less and less where responses take longer."""

RETRY_WHILE_OFF = 300
"""Seconds after which a sender may try again while ingress of its provider is off."""

MAX_LOGGED = 10
"""Log lines of one request that say what was rejected; what is beyond them is summed up."""

_PLAIN_ID = re.compile(r"[0-9A-Fa-f-]{16,64}")

_PROBLEMS: Mapping[type[WebhookError], Problem] = {  # INVALID_REQUEST of any other
    UnauthenticatedWebhook: BAD_SIGNATURE,
    ForbiddenWebhook: FORBIDDEN,
    UnknownMailbox: NOT_FOUND,
    WebhookNotConfigured: NOT_CONFIGURED,
}


class WebhookHandler:
    """Takes in what one provider posts. What it announces is only queued: no row is written."""

    def __init__(
        self, services: Services, provider: str, reader: NotificationReader, routes: Routes
    ) -> None:
        self._services = services
        self._provider = provider
        self._reader = reader
        self._routes = routes
        self._deadline = Deadline(RESPOND_WITHIN)

    async def __call__(self, request: WebhookRequest) -> Handshake | int:
        """The handshake, or how many were announced, once all is queued, or noted, for good.

        Raises a problem, or a Failure: then the sender is to send all again. It does so in time,
        whatever it waits for. What is being queued then is queued all the same, and known by its id
        when it comes again.
        """
        self._refuse_what_is_not_received()
        return await self._deadline.run(self._handle(request))

    def _refuse_what_is_not_received(self) -> None:
        ingress = self._services.providers.ingress
        if ingress.is_off(self._provider):
            note(self._services.telemetry, self._provider, NotificationResult.UNAVAILABLE)
            detail = f"{ingress.obstacle(self._provider)}."
            raise UNAVAILABLE(detail, headers={"Retry-After": str(RETRY_WHILE_OFF)})

    async def _handle(self, request: WebhookRequest) -> Handshake | int:
        try:
            found = await self._reader.read(request, self._routes)
        except WebhookError as error:
            if error.rejected:
                self._log([error.rejected])
            raise self._problem(error) from None
        return found if isinstance(found, Handshake) else await self._take_in(found)

    def _problem(self, error: WebhookError) -> ProblemDetailsException:
        proof = self._reader.description.proof
        if isinstance(error, UnauthenticatedWebhook) and not error.rejected:  # nothing was shown
            challenge = CHALLENGE if proof and not proof.header else None
            return UNAUTHENTICATED(str(error), headers=challenge)
        problems = (each for kind, each in _PROBLEMS.items() if isinstance(error, kind))
        return next(problems, INVALID_REQUEST)(str(error))

    async def _take_in(self, notifications: Sequence[Notification]) -> int:
        batches: dict[tuple[str, str], Batch] = {}
        lifecycle: list[Lifecycle] = []
        rejected: list[Rejected] = []
        for each in notifications:
            match each:
                case Announced(route, pointer):
                    batch = batches.setdefault((route.tenant, route.id), Batch(route, []))
                    batch.pointers.append(pointer)
                case Lifecycle():
                    lifecycle.append(each)
                case Rejected():
                    rejected.append(each)
        if rejected:
            self._log(rejected)
        if batches:
            await queue_all(self._services, list(batches.values()))
        if lifecycle:
            await self._note(lifecycle)
        return len(notifications) - len(lifecycle) - len(rejected)

    async def _note(self, lifecycle: Sequence[Lifecycle]) -> None:
        """Have the next run see what is requested. Raises Unavailable."""
        routes = {each.subscription_id: each.route for each in lifecycle}
        requested = Counter((each.subscription_id, each.request) for each in lifecycle)
        for (subscription_id, request), count in requested.items():
            result = NotificationResult.UNAVAILABLE
            try:
                known = await self._services.folder_syncs.request_by_subscription(
                    subscription_id, request, self._services.clock.now()
                )
                result = (
                    NotificationResult(request.value)
                    if known
                    else NotificationResult.UNKNOWN_SUBSCRIPTION
                )
            finally:
                note(
                    self._services.telemetry,
                    self._provider,
                    result,
                    count=count,
                    tenant=routes[subscription_id].tenant,
                    mailbox=routes[subscription_id].id,
                    subscription_id=subscription_id,
                )

    def _log(self, rejected: Sequence[Rejected]) -> None:
        for each, count in _summed_up(rejected).items():
            names = ("subscription_id", "tenant", "mailbox")
            fields = {name: value for name in names if (value := getattr(each, name))}
            note(self._services.telemetry, self._provider, each.result, count=count, **fields)


def _summed_up(rejected: Iterable[Rejected]) -> Counter[Rejected]:
    """How many of each: the most frequent MAX_LOGGED as they are, the rest by result."""
    counted = Counter(
        replace(each, subscription_id=_loggable(each.subscription_id)) for each in rejected
    )
    ranked = counted.most_common()
    summed_up = Counter(dict(ranked[:MAX_LOGGED]))
    for each, count in ranked[MAX_LOGGED:]:
        summed_up[Rejected(each.result)] += count
    return summed_up


def _loggable(subscription_id: str) -> str:
    """Only what looks like an id is logged: anybody can write anything there."""
    return subscription_id if _PLAIN_ID.fullmatch(subscription_id) else ""
