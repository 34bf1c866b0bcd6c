"""The HTTP face: the Gmail API, Pub/Sub, tokens and certificates."""

from litestar import Litestar, Response, get, post
from litestar.di import Provide
from litestar.types import ASGIApp

from postroom.entrypoints.emulators.gmail.api_mail import MAIL
from postroom.entrypoints.emulators.gmail.api_watch import WATCHES
from postroom.entrypoints.emulators.gmail.calls import Backend, Call, TheBackend
from postroom.entrypoints.emulators.gmail.wire import GoogleError, GrantError, Json


def build_app(backend: Backend) -> ASGIApp:
    return Litestar(
        [certificates, token, *MAIL, *WATCHES],
        dependencies={"backend": Provide(lambda: backend, sync_to_thread=False)},
        exception_handlers={GoogleError: _refuse, GrantError: _refuse_grant},
        logging_config=None,
        openapi_config=None,
    )


def _refuse(_: Call, error: GoogleError) -> Response[Json]:
    return Response(error.body(), status_code=error.status, headers=error.headers)


def _refuse_grant(_: Call, error: GrantError) -> Response[Json]:
    return Response(error.body(), status_code=error.status)


@get("/oauth2/v1/certs")
async def certificates(backend: TheBackend) -> dict[str, str]:
    backend.faults.meet("certs")
    return backend.pubsub.certificates()


@post("/token", status_code=200)
async def token(request: Call, backend: TheBackend) -> Json:
    backend.faults.meet("token")
    form = {name: str(value) for name, value in (await request.form()).items()}
    return backend.tokens.grant(form, backend.mailboxes)
