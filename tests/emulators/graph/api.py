"""The HTTP face: the part of Graph v1.0 that Postroom calls, and of Entra ID's login."""

from email import message_from_bytes
from email.policy import default
from typing import Any
from urllib.parse import unquote

from litestar import Litestar, Request, Response, delete, get, patch, post
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath
from litestar.response import Stream

from tests.emulators.graph.backend import Backend
from tests.emulators.graph.directory import IssuedToken, SignInError
from tests.emulators.graph.faults import Cut, Stall
from tests.emulators.graph.mailboxes import StoredMessage
from tests.emulators.graph.wire import GraphError, Json, RecordedRequest, exchange_id
from tests.emulators.loopback import AsgiApp

Call = Request[Any, Any, Any]
TheBackend = NamedDependency[Backend]
TheCaller = NamedDependency[IssuedToken]

IMMUTABLE_ID = 'IdType="ImmutableId"'


def build_app(backend: Backend) -> AsgiApp:
    def refuse(request: Call, error: GraphError) -> Response[Json]:
        client_request_id = request.headers.get("client-request-id", "")
        body = error.body(backend.clock.now(), client_request_id)
        return Response(body, status_code=error.status, headers=error.headers)

    def refuse_sign_in(_: Call, error: SignInError) -> Response[Json]:
        return Response(error.body(backend.clock.now()), status_code=error.status)

    app = Litestar(
        [
            openid_configuration,
            token,
            message,
            message_mime,
            create_subscription,
            list_subscriptions,
            get_subscription,
            renew_subscription,
            delete_subscription,
        ],
        dependencies={
            "backend": Provide(lambda: backend, sync_to_thread=False),
            "caller": Provide(authenticate, sync_to_thread=False),
        },
        exception_handlers={GraphError: refuse, SignInError: refuse_sign_in},
        logging_config=None,
        openapi_config=None,
    )
    return _undecoded(app)


def authenticate(request: Call, backend: TheBackend) -> IssuedToken:
    path = request.scope["raw_path"].decode()
    backend.requests.append(RecordedRequest(request.method, path, dict(request.headers)))
    return backend.directories.check(request.headers.get("Authorization", ""))


# --- Login --------------------------------------------------------------------------------------


@get("/{directory:str}/v2.0/.well-known/openid-configuration")
async def openid_configuration(
    request: Call, directory: FromPath[str], backend: TheBackend
) -> Json:
    return backend.directories.metadata(directory, str(request.base_url).rstrip("/"))


@post("/{directory:str}/oauth2/v2.0/token", status_code=200)
async def token(request: Call, directory: FromPath[str], backend: TheBackend) -> Json:
    if backend.faults.meet(("login",)):
        await backend.faults.stall()
    form = await request.form()
    return backend.directories.grant(directory, {k: str(v) for k, v in form.items()})


# --- Messages -----------------------------------------------------------------------------------


@get("/v1.0/users/{user:str}/messages/{message_id:str}")
async def message(
    request: Call,
    user: FromPath[str],
    message_id: FromPath[str],
    backend: TheBackend,
    caller: TheCaller,
) -> Response[Json]:
    found, _ = _find(backend, request, user, message_id)
    body = _message(found, immutable=_wants_immutable(request))
    if chosen := request.query_params.get("$select"):
        body = {name: body[name] for name in ("id", *chosen.split(",")) if name in body}
    return Response(body, headers=_preference_applied(request))


@get("/v1.0/users/{user:str}/messages/{message_id:str}/$value", media_type="text/plain")
async def message_mime(
    request: Call,
    user: FromPath[str],
    message_id: FromPath[str],
    backend: TheBackend,
    caller: TheCaller,
) -> Stream:
    found, fault = _find(backend, request, user, message_id)
    content = backend.faults.send(found.raw, fault)
    return Stream(content, media_type="text/plain", headers=_preference_applied(request))


# --- Subscriptions ------------------------------------------------------------------------------


@post("/v1.0/subscriptions", status_code=201)
async def create_subscription(request: Call, backend: TheBackend, caller: TheCaller) -> Json:
    backend.faults.meet(("graph", "subscriptions"))
    made = await backend.subscriptions.create(
        await request.body(),
        directory=caller.directory,
        client_id=caller.client_id,
        immutable=_wants_immutable(request),
    )
    return made.body()


@get("/v1.0/subscriptions")
async def list_subscriptions(backend: TheBackend, caller: TheCaller) -> Json:
    backend.faults.meet(("graph", "subscriptions"))
    mine = [each for each in backend.subscriptions.live() if each.client_id == caller.client_id]
    return {"value": [each.body() for each in mine]}


@get("/v1.0/subscriptions/{subscription:str}")
async def get_subscription(
    subscription: FromPath[str], backend: TheBackend, caller: TheCaller
) -> Json:
    backend.faults.meet(("graph", "subscriptions", subscription))
    return backend.subscriptions.get(subscription).body()


@patch("/v1.0/subscriptions/{subscription:str}")
async def renew_subscription(
    request: Call, subscription: FromPath[str], backend: TheBackend, caller: TheCaller
) -> Json:
    backend.faults.meet(("graph", "subscriptions", subscription))
    return backend.subscriptions.renew(subscription, await request.body()).body()


@delete("/v1.0/subscriptions/{subscription:str}")
async def delete_subscription(
    subscription: FromPath[str], backend: TheBackend, caller: TheCaller
) -> None:
    backend.faults.meet(("graph", "subscriptions", subscription))
    backend.subscriptions.delete(subscription)


# --- What they share ----------------------------------------------------------------------------


def _find(
    backend: Backend, request: Call, user: str, quoted_id: str
) -> tuple[StoredMessage, Stall | Cut | None]:
    owner = backend.mailboxes.user(unquote(user))
    message_id = unquote(quoted_id)
    aliases = backend.mailboxes.ids_of(message_id)
    fault = backend.faults.meet(("graph", *owner.names, *aliases))
    immutable = _wants_immutable(request)
    return backend.mailboxes.find(owner, message_id, immutable=immutable), fault


def _message(stored: StoredMessage, *, immutable: bool) -> Json:
    headers = message_from_bytes(stored.raw, policy=default)
    return {
        "@odata.etag": f'W/"{stored.immutable_id[:40]}"',
        "id": stored.id_of_kind(immutable=immutable),
        "receivedDateTime": f"{stored.received_at:%Y-%m-%dT%H:%M:%SZ}",
        "subject": str(headers.get("Subject", "")),
        "internetMessageId": str(headers.get("Message-ID", "")),
        "parentFolderId": exchange_id("AAMkA", stored.user.id, stored.folder),
        "isDraft": False,
        "isRead": False,
    }


def _wants_immutable(request: Call) -> bool:
    return IMMUTABLE_ID.lower() in request.headers.get("Prefer", "").lower()


def _preference_applied(request: Call) -> dict[str, str]:
    return {"Preference-Applied": IMMUTABLE_ID} if _wants_immutable(request) else {}


def _undecoded(app: AsgiApp) -> AsgiApp:
    """Route by the path as it was sent: a `%2F` is a part of an id, and no border of the path."""

    async def wrapped(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI
        if scope["type"] == "http":
            scope["path"] = scope["raw_path"].decode().replace("%24", "$")
        await app(scope, receive, send)

    return wrapped
