"""Calls applications over HTTP: one POST a message, and what its answer means."""

import ssl
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

import httpcore
import httpx

from postroom.adapters.http.standard_webhooks import InvalidSecret
from postroom.adapters.webhook import envelope
from postroom.adapters.webhook.answers import answer_of
from postroom.adapters.webhook.envelope import Headers
from postroom.adapters.webhook.errors import answer_without_reply
from postroom.adapters.webhook.exchange import NoReply, Reply, post
from postroom.adapters.webhook.names import Names, Resolver
from postroom.adapters.webhook.pools import make_pools
from postroom.adapters.webhook.targets import check_target
from postroom.application.ports import ApplicationCaller, Call, Clock
from postroom.domain.handover.answer import Answer, Done
from postroom.domain.handover.application import Application, InvalidApplication
from postroom.domain.handover.handover import Handover

ContentToken = Callable[[Handover], str]
"""What opens the links in the body of a message, for an hour."""


class WebhookCaller(ApplicationCaller):
    """Closed by `async with`. *version* is Postroom's own.

    *tls*, *resolve* and *network* are for tests, and for a network with ways of its own.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        content_token: ContentToken,
        version: str,
        tls: ssl.SSLContext | None = None,
        resolve: Resolver | None = None,
        network: httpcore.AsyncNetworkBackend | None = None,
    ) -> None:
        self._clock = clock
        self._content_token = content_token
        self._version = version
        self._pools = make_pools(
            tls or httpx.create_ssl_context(),
            resolve or Names(),
            network or httpcore.AnyIOBackend(),
        )

    @property
    def batch(self) -> int:
        return 1

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for pool in self._pools.values():
            await pool.aclose()

    async def call(self, application: Application, calls: Sequence[Call]) -> Sequence[Answer]:
        return [await self._call(application, each) for each in calls]

    async def ping(self, application: Application) -> Answer:
        """Whatever a 2xx says, the application takes calls."""
        key, body = envelope.ping(application, self._clock.now())
        reply = await self._post(application, key, body, {})
        if isinstance(reply, Reply) and httpx.codes.is_success(reply.status):
            return Done(status=reply.status)
        return self._read(reply)

    async def _call(self, application: Application, call: Call) -> Answer:
        if application.is_subscriber:
            own = envelope.of_event(call)
        else:
            own = envelope.of_call(call, self._content_token(call.handover))
        return self._read(await self._post(application, call.handover.key, call.body, own))

    async def _post(
        self, application: Application, key: str, body: bytes, own: Headers
    ) -> Reply | NoReply:
        try:
            url = check_target(application.destination, application.set_by)
            signed = envelope.signed(application, key, body, self._clock.now(), self._version)
        except (InvalidApplication, InvalidSecret) as error:
            return NoReply(error, sent=False)
        pool = self._pools[application.set_by]
        return await post(pool, url, {**signed, **own}, body, within=application.timeout)

    def _read(self, reply: Reply | NoReply) -> Answer:
        match reply:
            case Reply(status=status, headers=headers, body=body):
                return answer_of(status, headers, body, self._clock.now())
            case NoReply(error=error, sent=sent):
                return answer_without_reply(error, sent=sent)
