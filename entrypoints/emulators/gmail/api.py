"""The HTTP face: the Gmail API, Pub/Sub, tokens and certificates."""

from litestar import Litestar, MediaType, Response
from litestar.di import Provide
from litestar.types import ASGIApp

from postroom.entrypoints.emulators.gmail.api_history import HISTORY
from postroom.entrypoints.emulators.gmail.api_messages import MESSAGES
from postroom.entrypoints.emulators.gmail.api_pubsub import PUBSUB
from postroom.entrypoints.emulators.gmail.api_sign_in import SIGN_IN
from postroom.entrypoints.emulators.gmail.api_threads import THREADS
from postroom.entrypoints.emulators.gmail.api_watch import WATCHES
from postroom.entrypoints.emulators.gmail.batch import BATCH
from postroom.entrypoints.emulators.gmail.calls import Backend, Call
from postroom.entrypoints.emulators.gmail.consent_page import ErrorPage
from postroom.entrypoints.emulators.gmail.wire import GoogleError, GrantError, Json


def build_app(backend: Backend) -> ASGIApp:
    def refuse(request: Call, error: GoogleError) -> Response[Json]:
        is_gmail = not request.url.path.startswith("/v1/")
        body = error.body(legacy=is_gmail and backend.manners.legacy_errors)
        return Response(body, status_code=error.status, headers=error.headers)

    return Litestar(
        [*SIGN_IN, *MESSAGES, *THREADS, *HISTORY, *WATCHES, *PUBSUB, *BATCH],
        dependencies={"backend": Provide(lambda: backend, sync_to_thread=False)},
        exception_handlers={GoogleError: refuse, GrantError: _refuse_grant, ErrorPage: _show},
        logging_config=None,
        openapi_config=None,
    )


def _refuse_grant(_: Call, error: GrantError) -> Response[Json]:
    return Response(error.body(), status_code=error.status)


def _show(_: Call, page: ErrorPage) -> Response[str]:
    return Response(
        f"<p>Access blocked: {page}</p>", status_code=page.status, media_type=MediaType.HTML
    )
