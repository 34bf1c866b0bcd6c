"""The endpoints of messages."""

from urllib.parse import unquote

from litestar import get, post
from litestar.params import FromPath
from litestar.response import Stream
from pydantic import AliasChoices, BaseModel, Field

from postroom.entrypoints.emulators.graph.api_folders import find_folder
from postroom.entrypoints.emulators.graph.backend import Backend
from postroom.entrypoints.emulators.graph.calls import (
    Answer,
    Call,
    TheBackend,
    TheCaller,
    answer,
    mailbox_of,
    preferences,
    url_of,
)
from postroom.entrypoints.emulators.graph.directory import IssuedToken
from postroom.entrypoints.emulators.graph.faults import Cut, Stall
from postroom.entrypoints.emulators.graph.folders import Folder
from postroom.entrypoints.emulators.graph.mailboxes import StoredMessage, User
from postroom.entrypoints.emulators.graph.query import collection, parse_query
from postroom.entrypoints.emulators.graph.rendering import message_body
from postroom.entrypoints.emulators.graph.subscriptions import parse
from postroom.entrypoints.emulators.graph.wire import Json


class Move(BaseModel):
    """The documents write the parameter small, Microsoft's SDK large: Graph takes both."""

    destination: str = Field(validation_alias=AliasChoices("destinationId", "DestinationId"))


@get("/v1.0/users/{user:str}/messages")
async def all_messages(
    request: Call, user: FromPath[str], backend: TheBackend, caller: TheCaller
) -> Answer:
    owner = mailbox_of(backend, caller, user)
    return _list_messages(request, backend, owner, None, "messages")


@get("/v1.0/users/{user:str}/mailFolders/{folder:str}/messages")
async def messages_of_folder(
    request: Call,
    user: FromPath[str],
    folder: FromPath[str],
    backend: TheBackend,
    caller: TheCaller,
) -> Answer:
    owner, found = find_folder(backend, caller, user, folder)
    path = f"mailFolders('{found.id}')/messages"
    return _list_messages(request, backend, owner, found, path)


@get("/v1.0/users/{user:str}/mailFolders/{folder:str}/messages/delta")
async def delta(
    request: Call,
    user: FromPath[str],
    folder: FromPath[str],
    backend: TheBackend,
    caller: TheCaller,
) -> Answer:
    owner, found = find_folder(backend, caller, user, folder)
    fault = backend.faults.meet(("graph", "delta", *owner.names, found.id))
    preferred = preferences(request)
    body = backend.deltas.page(
        owner,
        found,
        request.query_params,
        size=preferred.page_size,
        immutable=preferred.immutable,
        url=url_of(request, "users", owner.id, f"mailFolders('{found.id}')", "messages", "delta"),
    )
    return answer(backend, body, fault, headers=preferred.applied)


@get("/v1.0/users/{user:str}/messages/{message_id:str}")
async def message(
    request: Call,
    user: FromPath[str],
    message_id: FromPath[str],
    backend: TheBackend,
    caller: TheCaller,
) -> Answer:
    found, fault = _find(backend, request, caller, user, message_id)
    preferred = preferences(request)
    body = _entity(request, found, immutable=preferred.immutable)
    query = parse_query(request.query_params)
    return answer(backend, query.select_from(body), fault, headers=preferred.applied)


@get("/v1.0/users/{user:str}/messages/{message_id:str}/$value", media_type="text/plain")
async def message_mime(
    request: Call,
    user: FromPath[str],
    message_id: FromPath[str],
    backend: TheBackend,
    caller: TheCaller,
) -> Stream:
    found, fault = _find(backend, request, caller, user, message_id)
    content = backend.faults.send(found.raw, fault)
    return Stream(content, media_type="text/plain", headers=preferences(request).applied)


@post("/v1.0/users/{user:str}/messages/{message_id:str}/move", status_code=201)
async def move_message(
    request: Call,
    user: FromPath[str],
    message_id: FromPath[str],
    backend: TheBackend,
    caller: TheCaller,
) -> Answer:
    found, fault = _find(backend, request, caller, user, message_id)
    target = backend.mailboxes.folders(found.user).find(
        parse(Move, await request.body()).destination
    )
    backend.mailboxes.move(found, target)
    preferred = preferences(request)
    body = _entity(request, found, immutable=preferred.immutable)
    return answer(backend, body, fault, status=201, headers=preferred.applied)


def _list_messages(
    request: Call, backend: Backend, owner: User, folder: Folder | None, path: str
) -> Answer:
    """Newest first, unless they are asked for otherwise."""
    fault = backend.faults.meet(("graph", "messages", *owner.names, folder.id if folder else ""))
    preferred = preferences(request)
    query = parse_query(request.query_params, preferred.page_size)
    found = backend.mailboxes.messages(owner, folder)
    found.sort(key=lambda each: each.received_at, reverse=True)
    bodies = query.apply([message_body(each, immutable=preferred.immutable) for each in found])
    url = url_of(request, "users", owner.id, *path.split("/"))
    context = url_of(request, f"$metadata#users('{owner.id}')", *path.split("/"))
    body = collection(bodies, query, url, request.query_params, context)
    return answer(backend, body, fault, headers=preferred.applied)


def _entity(request: Call, message: StoredMessage, *, immutable: bool) -> Json:
    context = url_of(request, f"$metadata#users('{message.user.id}')", "messages", "$entity")
    return {"@odata.context": context} | message_body(message, immutable=immutable)


def _find(
    backend: Backend, request: Call, caller: IssuedToken, user: str, quoted_id: str
) -> tuple[StoredMessage, Stall | Cut | None]:
    owner = mailbox_of(backend, caller, user)
    message_id = unquote(quoted_id)
    aliases = backend.mailboxes.ids_of(message_id)
    fault = backend.faults.meet(("graph", "messages", *owner.names, *aliases))
    immutable = preferences(request).immutable
    return backend.mailboxes.find(owner, message_id, immutable=immutable), fault


MESSAGES = (all_messages, delta, message, message_mime, messages_of_folder, move_message)
