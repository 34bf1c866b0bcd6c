"""Signing in: the page for consent, tokens, their revocation, and Google's certificates."""

from litestar import Response, get, post
from litestar.response import Redirect

from postroom.entrypoints.emulators.gmail.calls import Call, TheBackend
from postroom.entrypoints.emulators.gmail.wire import Json


@get("/oauth2/v1/certs")
async def certificates(request: Call, backend: TheBackend) -> dict[str, str]:
    backend.meet(request, "certs")
    return backend.pubsub.certificates()


@get("/o/oauth2/v2/auth")
async def consent(request: Call, backend: TheBackend) -> Redirect:
    backend.meet(request, "consent")
    query = dict(request.query_params.items())
    return Redirect(backend.tokens.page.answer(query, backend.mailboxes))


@post("/token", status_code=200)
async def token(request: Call, backend: TheBackend) -> Response[Json]:
    backend.meet(request, "token")
    answer = backend.tokens.grant(await _form(request), backend.mailboxes)
    return Response(answer, headers={"Cache-Control": "no-cache, no-store, max-age=0"})


@post("/revoke", status_code=200)
async def revoke(request: Call, backend: TheBackend) -> Json:
    backend.meet(request, "revoke")
    form = await _form(request)
    backend.tokens.revoke(form.get("token", "") or request.query_params.get("token", ""))
    return {}


async def _form(request: Call) -> dict[str, str]:
    return {name: str(value) for name, value in (await request.form()).items()}


SIGN_IN = [certificates, consent, token, revoke]
