"""Microsoft's own client for Python, pointed at the emulator.

It is as an application would have it: its middleware and its request adapter, and the addresses of
the real Graph. Only the transport below leads to the emulator, so that nothing leaves the process.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx
from azure.core.credentials import AccessToken
from kiota_abstractions.base_request_configuration import RequestConfiguration
from kiota_authentication_azure.azure_identity_authentication_provider import (
    AzureIdentityAuthenticationProvider,
)
from msgraph.graph_request_adapter import GraphRequestAdapter, options
from msgraph.graph_service_client import GraphServiceClient
from msgraph_core import GraphClientFactory

from postroom.application.ports import Clock
from postroom.entrypoints.emulators.graph import GraphEmulator
from postroom.entrypoints.emulators.loopback import AsgiApp


class IssuedCredential:
    """A token without a sign-in."""

    def __init__(self, graph: GraphEmulator, clock: Clock) -> None:
        self._graph = graph
        self._clock = clock

    async def get_token(self, *scopes: str, **_: object) -> AccessToken:
        assert scopes == ("https://graph.microsoft.com/.default",)
        until = self._clock.now() + timedelta(hours=1)
        return AccessToken(self._graph.issue_token(), int(until.timestamp()))

    async def close(self) -> None:
        pass


@asynccontextmanager
async def graph_sdk(app: AsgiApp, credential: object) -> AsyncIterator[GraphServiceClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app)) as http:
        client = GraphClientFactory.create_with_default_middleware(client=http, options=options)
        provider = AzureIdentityAuthenticationProvider(credential)
        yield GraphServiceClient(request_adapter=GraphRequestAdapter(provider, client))


def asking(parameters: object = None, **headers: str) -> RequestConfiguration[Any]:
    """The configuration of one request."""
    configuration = RequestConfiguration[Any](query_parameters=parameters)
    for name, value in headers.items():
        configuration.headers.add(name, value)
    return configuration
