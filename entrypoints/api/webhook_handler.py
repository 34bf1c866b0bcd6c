"""What becomes of what is posted to a webhook: it is queued, noted for the next run, or logged."""

from collections import Counter
from collections.abc import Mapping, Sequence

from litestar.plugins.problem_details import ProblemDetailsException

from postroom.application.ports import (
    ForbiddenWebhook,
    Handshake,
    Lifecycle,
    NotificationReader,
    NotificationResult,
    Routes,
    UnauthenticatedWebhook,
    UnknownMailbox,
    WebhookError,
    WebhookNotConfigured,
    WebhookRequest,
)
from postroom.entrypoints.api.bearer import CHALLENGE
from postroom.entrypoints.api.deadline import Deadline
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
from postroom.entrypoints.api.take_in import log_rejected, take_in
from postroom.entrypoints.telemetry.notifications import note

RESPOND_WITHIN = 1.5
"""Seconds. Some providers wait for 3, and send less and less where responses take longer."""

RETRY_WHILE_OFF = 300
"""Seconds after which a sender may try again while ingress of its provider is off."""

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
                log_rejected(self._services, self._provider, self._reader, [error.rejected])
            raise self._problem(error) from None
        if isinstance(found, Handshake):
            return found
        announced = await take_in(self._services, self._provider, self._reader, found)
        if lifecycle := [each for each in found if isinstance(each, Lifecycle)]:
            await self._note(lifecycle)
        return announced

    def _problem(self, error: WebhookError) -> ProblemDetailsException:
        proof = self._reader.description.proof
        if isinstance(error, UnauthenticatedWebhook) and not error.rejected:  # nothing was shown
            challenge = CHALLENGE if proof and not proof.header else None
            return UNAUTHENTICATED(str(error), headers=challenge)
        problems = (each for kind, each in _PROBLEMS.items() if isinstance(error, kind))
        return next(problems, INVALID_REQUEST)(str(error))

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
