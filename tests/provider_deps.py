"""What a provider is made of, in a test: what it asks over the network is answered by nobody."""

from contextlib import AsyncExitStack

import httpx

from postroom.adapters.http.deps import ProviderDeps
from postroom.application.ports import Clock, MailboxRegistry
from tests.threads import sign_ins


def provider_deps(
    clock: Clock,
    registry: MailboxRegistry,
    *,
    public_url: str = "https://postroom.test",
    http: httpx.AsyncClient | None = None,
) -> ProviderDeps:
    nowhere = httpx.MockTransport(_refuse)
    return ProviderDeps(
        http=http or httpx.AsyncClient(transport=nowhere),
        sign_ins=sign_ins(clock),
        clock=clock,
        registry=registry,
        resources=AsyncExitStack(),
        public_url=public_url,
        max_message_bytes=1024 * 1024,
    )


def _refuse(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("there is no network in this test", request=request)
