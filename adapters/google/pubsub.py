"""Requests to Pub/Sub: about a subscription that is pulled, and how it and its topic are set up.

https://cloud.google.com/pubsub/docs/reference/rest/v1/projects.subscriptions/pull
"""

from collections.abc import Sequence
from datetime import timedelta
from http import HTTPStatus
from typing import Any

import httpx
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from postroom.adapters.google.account import GoogleAccount
from postroom.adapters.google.errors import FailureOf
from postroom.adapters.google.pauses import Pauses
from postroom.adapters.google.pubsub_errors import pubsub_failure_of, pull_failure_of
from postroom.adapters.google.tokens import AccessTokens
from postroom.adapters.http.downloads import DownloadLimits
from postroom.adapters.http.exchange import Response, TooLarge, exchange
from postroom.adapters.http.sign_ins import SignIns
from postroom.application.ports import Clock
from postroom.domain.failure import Unavailable

PUBSUB_URL = "https://pubsub.googleapis.com"

SCOPE = "https://www.googleapis.com/auth/pubsub"

WAITS_FOR = timedelta(seconds=120)
"""For the response to a pull. Pub/Sub gives an empty one after some 90 seconds."""

DEADLINE = timedelta(seconds=30)
"""For any other response."""

MAX_MESSAGES = 100
"""At a time. All must be queued within the subscription's ack deadline, which is 10 seconds."""

MAX_BYTES = 16 * 2**20
"""Of a response. One message has 10 MB at the most, in base64; one of Gmail's has 300 bytes."""


class ReceivedMessage(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)

    ack_id: str = Field(alias="ackId", min_length=1)
    message: Any = None


class _PullResponse(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)

    received: tuple[ReceivedMessage, ...] = Field(default=(), alias="receivedMessages")


class _Permissions(BaseModel):
    permissions: tuple[str, ...] = ()


class PubsubClient:
    """Pulls as the service account of a mailbox itself, which needs no delegation for that."""

    def __init__(
        self, http: httpx.AsyncClient, clock: Clock, sign_ins: SignIns, base_url: str = PUBSUB_URL
    ) -> None:
        self._http = http
        self._clock = clock
        self._base_url = base_url
        self._tokens = AccessTokens(http, clock, sign_ins)
        self._pauses = Pauses()
        self._downloads = DownloadLimits(rate=0)  # of what is waited for, nothing may come for long

    async def pull(self, account: GoogleAccount) -> Sequence[ReceivedMessage]:
        """Wait for messages of the account's subscription: perhaps none.

        Raises NotificationsRefused, AccessFailed, Throttled, Unavailable.
        """
        try:
            response = await self._pull(account, MAX_MESSAGES)
        except TooLarge:  # somebody else publishes there; one message always fits
            response = await self._pull(account, 1)
        try:
            return _PullResponse.model_validate_json(response.body).received
        except ValidationError:
            raise Unavailable("pubsub sent an unreadable response") from None

    async def acknowledge(self, account: GoogleAccount, ack_ids: Sequence[str]) -> None:
        """Raises as `pull`. What is not acknowledged comes again."""
        await self._post(account, "acknowledge", {"ackIds": list(ack_ids)}, DEADLINE)

    async def read(self, account: GoogleAccount, resource: str) -> bytes:
        """A topic, or a subscription, as Pub/Sub shows it.

        Raises Refused (there is none, say), AccessFailed, Throttled, Unavailable.
        """
        request = self._request("GET", resource, None, DEADLINE)
        return (await self._answer(account, request, DEADLINE, pubsub_failure_of)).body

    async def may(self, account: GoogleAccount, permission: str, resource: str) -> bool:
        """Whether the service account has a *permission*. Raises as `read`."""
        body = {"permissions": [permission]}
        request = self._request("POST", f"{resource}:testIamPermissions", body, DEADLINE)
        response = await self._answer(account, request, DEADLINE, pubsub_failure_of)
        try:
            return permission in _Permissions.model_validate_json(response.body).permissions
        except ValidationError:
            raise Unavailable("pubsub sent an unreadable response") from None

    async def _pull(self, account: GoogleAccount, most: int) -> Response:
        return await self._post(account, "pull", {"maxMessages": most}, WAITS_FOR)

    async def _post(
        self, account: GoogleAccount, verb: str, body: object, within: timedelta
    ) -> Response:
        request = self._request("POST", f"{account.pubsub_subscription}:{verb}", body, within)
        return await self._answer(account, request, within, pull_failure_of)

    def _request(self, method: str, path: str, body: object, within: timedelta) -> httpx.Request:
        timeout = httpx.Timeout(within.total_seconds(), connect=10)
        url = f"{self._base_url}/v1/{path}"
        return self._http.build_request(method, url, json=body, timeout=timeout)

    async def _answer(
        self, account: GoogleAccount, request: httpx.Request, within: timedelta, failure: FailureOf
    ) -> Response:
        token = await self._tokens.of_itself(account, SCOPE)
        response = await self._send(request, token, within)
        if response.status == HTTPStatus.UNAUTHORIZED:  # revoked before its time: once more
            token = await self._tokens.of_itself(account, SCOPE, rejected=token)
            response = await self._send(request, token, within)
        self._raise_for_status(account, response, failure)
        return response

    def _raise_for_status(
        self, account: GoogleAccount, response: Response, failure: FailureOf
    ) -> None:
        now, key = self._clock.now(), ("", account.pubsub_subscription)
        if response.status == HTTPStatus.OK:
            self._pauses.end(key)
            return
        raise failure(
            response.status,
            response.headers,
            response.body,
            now,
            lambda: self._pauses.next(key, now),
        )

    async def _send(self, request: httpx.Request, token: str, within: timedelta) -> Response:
        request.headers["Authorization"] = f"Bearer {token}"
        return await exchange(
            self._http,
            request,
            peer=request.url.host,
            max_bytes=MAX_BYTES,
            deadline=within,
            downloads=self._downloads,
            headers_within=within,
        )
