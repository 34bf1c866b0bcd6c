"""What the endpoints share: who calls, what a request prefers, how it is answered."""

import json
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote

from litestar import Request, Response
from litestar.di import NamedDependency
from litestar.response import Stream

from postroom.entrypoints.emulators.graph.backend import Backend
from postroom.entrypoints.emulators.graph.directory import IssuedToken
from postroom.entrypoints.emulators.graph.faults import Cut, Stall
from postroom.entrypoints.emulators.graph.mailboxes import User
from postroom.entrypoints.emulators.graph.wire import (
    IMMUTABLE_ID,
    GraphError,
    Json,
    RecordedRequest,
)
from postroom.entrypoints.emulators.loopback import AsgiApp

Call = Request[Any, Any, Any]
TheBackend = NamedDependency[Backend]
TheCaller = NamedDependency[IssuedToken]
Answer = Response[Json] | Stream


@dataclass(frozen=True)
class Preferences:
    """The Prefer headers. Source: RFC 7240, learn.microsoft.com/graph/outlook-immutable-id."""

    immutable: bool
    page_size: int | None

    @property
    def applied(self) -> dict[str, str]:
        named = [IMMUTABLE_ID] if self.immutable else []
        if self.page_size:
            named.append(f"odata.maxpagesize={self.page_size}")
        return {"Preference-Applied": ", ".join(named)} if named else {}


def authenticate(request: Call, backend: TheBackend) -> IssuedToken:
    scope = request.scope
    path, query = scope["raw_path"].decode(), scope["query_string"].decode()
    backend.requests.append(RecordedRequest(request.method, path, dict(request.headers), query))
    return backend.directories.check(request.headers.get("Authorization", ""))


def mailbox_of(backend: Backend, caller: IssuedToken, user: str) -> User:
    """Whose mailbox *caller* asks for, if it may: an application any, a person as is shared.

    Raises GraphError.
    """
    if user == "me" and not caller.user:
        raise GraphError(
            400, "BadRequest", "/me request is only valid with delegated authentication flow."
        )
    owner = backend.mailboxes.user(caller.user if user == "me" else unquote(user))
    if caller.user and not backend.mailboxes.is_open(owner, caller.user):
        raise GraphError(
            403, "ErrorAccessDenied", "Access is denied. Check credentials and try again."
        )
    return owner


def preferences(request: Call) -> Preferences:
    preferred = ", ".join(request.headers.getall("Prefer", [])).lower()
    size = re.search(r"odata\.maxpagesize=(\d+)", preferred)
    return Preferences(IMMUTABLE_ID.lower() in preferred, int(size[1]) if size else None)


def answer(
    backend: Backend,
    body: Json,
    fault: Stall | Cut | None = None,
    *,
    status: int = 200,
    headers: dict[str, str] | None = None,
) -> Answer:
    """*body* as JSON, whole or with what *fault* makes of it."""
    if fault is None:
        return Response(body, status_code=status, headers=headers)
    content = backend.faults.send(json.dumps(body).encode(), fault)
    return Stream(content, media_type="application/json", status_code=status, headers=headers)


def no_content(backend: Backend, fault: Stall | Cut | None) -> Response[None] | Stream:
    """204; with a *fault* an answer that begins and never ends."""
    if fault is None:
        return Response(None, status_code=204)
    return Stream(backend.faults.send(b"{}", fault), status_code=200)


def url_of(request: Call, *segments: str) -> str:
    """The address of *segments* at the Graph that was asked; they may be `name('key')`."""
    path = "/".join(quote(each, safe="#$()'@=") for each in segments)
    return f"{str(request.base_url).rstrip('/')}/v1.0/{path}"


_SEGMENTS = ("childFolders", "mailFolders", "messages", "subscriptions", "users")
_KEY = re.compile(r"/(\w+)\('([^'/]*)'\)")
_FUNCTION = re.compile(r"/(?:microsoft\.graph\.)?(delta|move|reauthorize)(?:\(\))?$", re.IGNORECASE)


def routed(app: AsgiApp) -> AsgiApp:
    """Route by the path as it was sent: a `%2F` is a part of an id, and no border of the path.

    The ways to write a path that OData knows are made one: `mailFolders('x')` is `mailFolders/x`,
    `delta()` is `delta`, `me` is `users/me`, and the case of a name does not matter.
    """

    async def wrapped(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI
        if scope["type"] == "http":
            scope["path"] = _route(scope["raw_path"].decode())
        await app(scope, receive, send)

    return wrapped


def _route(path: str) -> str:
    for encoded in ("$", "'", "(", ")"):
        path = path.replace(f"%{ord(encoded):02X}", encoded)
    path = _KEY.sub(r"/\1/\2", path)
    path = re.sub(r"^/v1\.0/me(?=/|$)", "/v1.0/users/me", path, flags=re.IGNORECASE)
    path = _FUNCTION.sub(lambda match: f"/{match[1].lower()}", path)
    for name in _SEGMENTS:
        path = re.sub(rf"/{name}(?=/|$)", f"/{name}", path, flags=re.IGNORECASE)
    return path
