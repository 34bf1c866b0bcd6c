"""The HTTP face: the part of Graph v1.0 that Postroom calls, and of Entra ID's login."""

from uuid import uuid4

from litestar import Litestar, Response, get, post
from litestar.di import Provide
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from postroom.entrypoints.emulators.graph.api_folders import FOLDERS
from postroom.entrypoints.emulators.graph.api_messages import MESSAGES
from postroom.entrypoints.emulators.graph.api_subscriptions import SUBSCRIPTIONS
from postroom.entrypoints.emulators.graph.backend import Backend
from postroom.entrypoints.emulators.graph.calls import Call, TheBackend, authenticate, routed
from postroom.entrypoints.emulators.graph.directory import SignInError
from postroom.entrypoints.emulators.graph.wire import GraphError, Json
from postroom.entrypoints.emulators.loopback import AsgiApp


def build_app(backend: Backend) -> AsgiApp:
    def refuse(request: Call, error: GraphError) -> Response[Json]:
        mine = str(uuid4())
        theirs = request.headers.get("client-request-id", mine)
        body = error.body(backend.clock.now(), mine, theirs)
        headers = error.headers | {"request-id": mine, "client-request-id": theirs}
        return Response(body, status_code=error.status, headers=headers)

    def unknown(request: Call, _: NotFoundException) -> Response[Json]:
        segment = request.scope["path"].rpartition("/")[2]
        text = f"Resource not found for the segment '{segment}'."
        return refuse(request, GraphError(400, "BadRequest", text))

    def refuse_sign_in(_: Call, error: SignInError) -> Response[Json]:
        return Response(error.body(backend.clock.now()), status_code=error.status)

    app = Litestar(
        [
            openid_configuration,
            token,
            device_code,
            *FOLDERS,
            *MESSAGES,
            *SUBSCRIPTIONS,
        ],
        dependencies={
            "backend": Provide(lambda: backend, sync_to_thread=False),
            "caller": Provide(authenticate, sync_to_thread=False),
        },
        exception_handlers={
            GraphError: refuse,
            NotFoundException: unknown,
            SignInError: refuse_sign_in,
        },
        logging_config=None,
        openapi_config=None,
    )
    return routed(app)


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


@post("/{directory:str}/oauth2/v2.0/devicecode", status_code=200)
async def device_code(request: Call, directory: FromPath[str], backend: TheBackend) -> Json:
    backend.faults.meet(("login",))
    form = await request.form()
    return backend.directories.device_code(directory, {k: str(v) for k, v in form.items()})
