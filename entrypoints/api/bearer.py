"""Bearer tokens (RFC 6750)."""

import hashlib
import hmac
from collections.abc import Mapping

from litestar.connection import ASGIConnection
from litestar.datastructures import State
from litestar.handlers import BaseRouteHandler
from litestar.types import Guard

from postroom.entrypoints.api.problems import UNAUTHENTICATED

Connection = ASGIConnection[object, object, object, State]
CHALLENGE = {"WWW-Authenticate": "Bearer"}


def bearer_token(connection: Connection) -> str:
    """The token that was sent. Raises the problem `unauthenticated` if there is none."""
    scheme, _, token = connection.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise UNAUTHENTICATED("Send `Authorization: Bearer <token>`.", headers=CHALLENGE)
    return token.strip()


def tenant_by_token(tokens: Mapping[str, str]) -> Guard:
    """Let in who shows one of *tokens*, as its tenant (`request.auth`)."""
    digests = [(_digest(token), tenant) for token, tenant in tokens.items() if token]

    def guard(connection: Connection, _: BaseRouteHandler) -> None:
        shown = _digest(bearer_token(connection))
        # Every one is compared, in constant time, so that the time taken tells nothing.
        found = [tenant for digest, tenant in digests if hmac.compare_digest(digest, shown)]
        if not found:
            raise UNAUTHENTICATED(
                "The token is not one of POSTROOM_API_TOKENS.",
                headers={"WWW-Authenticate": 'Bearer error="invalid_token"'},
            )
        connection.scope["auth"] = found[0]

    return guard


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
