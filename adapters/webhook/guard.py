"""Connects to addresses that were checked, and to no others.

The name is looked up here, all its addresses are checked, and one of them is connected to: there
is no second lookup between, whose answer could be another (DNS rebinding). The name stays where
TLS and HTTP have it (SNI, certificate, Host), since the driver above knows of nothing else.
"""

from collections.abc import Callable, Iterable, Sequence

import httpcore

from postroom.adapters.webhook.names import Resolver
from postroom.adapters.webhook.stream import BoundedStream

MOST_ADDRESSES = 4
"""So many are tried, each for its share of the time."""


class NotPublic(httpcore.ConnectError):
    """The name leads to an address that the URL's owner may not make us connect to."""


class GuardedNetwork(httpcore.AsyncNetworkBackend):
    """*network* connects; *is_allowed* must hold for every address of a name."""

    def __init__(
        self,
        network: httpcore.AsyncNetworkBackend,
        resolve: Resolver,
        is_allowed: Callable[[str], bool],
    ) -> None:
        self._network = network
        self._resolve = resolve
        self._is_allowed = is_allowed

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        addresses = await self._addresses(host)
        share = None if timeout is None else timeout / len(addresses)
        failure: Exception | None = None
        for address in addresses:
            try:
                return BoundedStream(
                    await self._network.connect_tcp(
                        address, port, share, local_address, socket_options
                    )
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure or httpcore.ConnectError

    async def _addresses(self, host: str) -> Sequence[str]:
        try:
            found = await self._resolve(host)
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError from error
        if not found or not all(map(self._is_allowed, found)):
            raise NotPublic
        return found[:MOST_ADDRESSES]
