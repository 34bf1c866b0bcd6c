"""Bearer tokens (RFC 6750)."""

import hashlib
import hmac
from collections.abc import Callable, Mapping
from typing import Any

from litestar.connection import ASGIConnection
from litestar.datastructures import State
from litestar.handlers import BaseRouteHandler
from litestar.types import Guard

from postroom.entrypoints.api.problems import UNAUTHENTICATED

Connection = ASGIConnection[Any, Any, Any, State]
CHALLENGE = {"WWW-Authenticate": "Bearer"}
REFUSED = {"WWW-Authenticate": 'Bearer error="invalid_token"'}


def bearer_token(connection: Connection) -> str:
    """The token that was sent. Raises the problem `unauthenticated` if there is none."""
    scheme, _, token = connection.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise UNAUTHENTICATED("Send `Authorization: Bearer <token>`.", headers=CHALLENGE)
    return token.strip()


def tenants_by_token(tokens: Mapping[str, str]) -> Callable[[str], str | None]:
    """Whose a token is that somebody shows: the tenant's, by *tokens*, or nobody's."""
    digests = [(_digest(token), tenant) for token, tenant in tokens.items() if token]

    def find(token: str) -> str | None:
        shown = _digest(token)
        # Every one is compared, in constant time, so that the time taken tells nothing.
        found = [tenant for digest, tenant in digests if hmac.compare_digest(digest, shown)]
        return found[0] if found else None

    return find


def tenant_by_token(tokens: Mapping[str, str]) -> Guard:
    """Let in who shows one of *tokens*, as its tenant (`request.auth`)."""
    find = tenants_by_token(tokens)

    def guard(connection: Connection, _: BaseRouteHandler) -> None:
        tenant = find(bearer_token(connection))
        if tenant is None:
            raise UNAUTHENTICATED("The token is not one of POSTROOM_API_TOKENS.", headers=REFUSED)
        connection.scope["auth"] = tenant

    return guard


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
