"""The OpenAPI description, at /schema, as JSON only: the viewers load scripts from elsewhere."""

from litestar import Request, Router
from litestar.datastructures import State
from litestar.enums import MediaType
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme

from postroom.application.providers import Providers
from postroom.entrypoints.api.event_schema import event_webhooks
from postroom.entrypoints.api.handover_links import CONTENT_TOKEN
from postroom.entrypoints.api.handover_schema import webhooks
from postroom.entrypoints.api.problems import NOT_FOUND
from postroom.entrypoints.api.webhook_schema import security_schemes

PATH = "/schema"
_JSON = JsonRenderPlugin(path=["/", "/openapi.json"], media_type=MediaType.JSON)

TOKEN = SecurityScheme(type="http", scheme="bearer", description="One of POSTROOM_API_TOKENS.")

SCHEMES = {"token": TOKEN, "contentToken": CONTENT_TOKEN}


def openapi(providers: Providers) -> OpenAPIConfig:
    return OpenAPIConfig(
        title="Postroom",
        version="1",
        description="Errors are problem details (RFC 9457), as application/problem+json.",
        components=Components(security_schemes={**SCHEMES, **security_schemes(providers)}),
        webhooks={**webhooks(), **event_webhooks()},
        use_handler_docstrings=True,
        render_plugins=[_JSON],
        openapi_router=Router(
            PATH, route_handlers=[], include_in_schema=False, before_request=_only_the_schema
        ),
    )


async def _only_the_schema(request: Request[object, object, State]) -> None:
    """Litestar answers any other address below with a page of HTML; ours are problems."""
    if request.scope["path"].rstrip("/") not in {PATH, f"{PATH}/openapi.json"}:
        raise NOT_FOUND("There is nothing here but the schema itself.")
