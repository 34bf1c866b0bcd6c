"""The connections to applications.

One application's calls take no connection of another's: there is no bound on connections but the
calls that are allowed. What operators and what tenants have named goes through pools of their own,
since a connection that an operator may have must not serve a tenant.
"""

import ssl
from collections.abc import Mapping

import httpcore

from postroom.adapters.webhook.addresses import is_public
from postroom.adapters.webhook.guard import GuardedNetwork
from postroom.adapters.webhook.names import Resolver
from postroom.domain.handover.application import SetBy

MOST_IDLE = 100
IDLE_FOR = 1.0
"""Seconds. A server that ends an idle connection as we send leaves the end of that call unknown;
servers do so after 2 seconds (Gunicorn), 5 (uvicorn, Node.js) or more."""


def make_pools(
    tls: ssl.SSLContext, resolve: Resolver, network: httpcore.AsyncNetworkBackend
) -> Mapping[SetBy, httpcore.AsyncConnectionPool]:
    return {
        SetBy.OPERATOR: _pool(tls, GuardedNetwork(network, resolve, _anywhere)),
        SetBy.TENANT: _pool(tls, GuardedNetwork(network, resolve, is_public)),
    }


def _pool(
    tls: ssl.SSLContext, network: httpcore.AsyncNetworkBackend
) -> httpcore.AsyncConnectionPool:
    return httpcore.AsyncConnectionPool(
        ssl_context=tls,
        max_connections=None,
        max_keepalive_connections=MOST_IDLE,
        keepalive_expiry=IDLE_FOR,
        network_backend=network,
    )


def _anywhere(_address: str) -> bool:
    return True
