"""The endpoints of folders."""

from urllib.parse import unquote

from litestar import get
from litestar.params import FromPath

from postroom.entrypoints.emulators.graph.backend import Backend
from postroom.entrypoints.emulators.graph.calls import (
    Answer,
    Call,
    TheBackend,
    TheCaller,
    answer,
    mailbox_of,
    url_of,
)
from postroom.entrypoints.emulators.graph.directory import IssuedToken
from postroom.entrypoints.emulators.graph.folders import Folder
from postroom.entrypoints.emulators.graph.mailboxes import User
from postroom.entrypoints.emulators.graph.query import collection, parse_query
from postroom.entrypoints.emulators.graph.rendering import folder_body


@get("/v1.0/users/{user:str}/mailFolders")
async def top_folders(
    request: Call, user: FromPath[str], backend: TheBackend, caller: TheCaller
) -> Answer:
    owner = mailbox_of(backend, caller, user)
    top = backend.mailboxes.folders(owner).root
    return _list_folders(request, backend, owner, top, "mailFolders")


@get("/v1.0/users/{user:str}/mailFolders/{folder:str}")
async def one_folder(
    request: Call,
    user: FromPath[str],
    folder: FromPath[str],
    backend: TheBackend,
    caller: TheCaller,
) -> Answer:
    owner, found = find_folder(backend, caller, user, folder)
    fault = backend.faults.meet(("graph", "folders", *owner.names, found.id))
    query = parse_query(request.query_params)
    return answer(backend, query.select_from(folder_body(backend.mailboxes, owner, found)), fault)


@get("/v1.0/users/{user:str}/mailFolders/{folder:str}/childFolders")
async def child_folders(
    request: Call,
    user: FromPath[str],
    folder: FromPath[str],
    backend: TheBackend,
    caller: TheCaller,
) -> Answer:
    owner, parent = find_folder(backend, caller, user, folder)
    path = f"mailFolders('{parent.id}')/childFolders"
    return _list_folders(request, backend, owner, parent, path)


def _list_folders(
    request: Call, backend: Backend, owner: User, parent: Folder, path: str
) -> Answer:
    fault = backend.faults.meet(("graph", "folders", *owner.names, parent.id))
    query = parse_query(request.query_params)
    bodies = [
        folder_body(backend.mailboxes, owner, each)
        for each in backend.mailboxes.folders(owner).children(parent)
    ]
    url = url_of(request, "users", owner.id, *path.split("/"))
    context = url_of(request, f"$metadata#users('{owner.id}')", *path.split("/"))
    body = collection(query.apply(bodies), query, url, request.query_params, context)
    return answer(backend, body, fault)


def find_folder(
    backend: Backend, caller: IssuedToken, user: str, folder: str
) -> tuple[User, Folder]:
    owner = mailbox_of(backend, caller, user)
    return owner, backend.mailboxes.folders(owner).find(unquote(folder))


FOLDERS = (child_folders, one_folder, top_folders)
