"""The ASGI application, made of what the container hands in."""

from litestar import Litestar, Router
from litestar.di import Provide

from postroom.entrypoints.api import handover_links, health, reads, webhooks
from postroom.entrypoints.api.problems import HANDLERS
from postroom.entrypoints.api.schema import openapi
from postroom.entrypoints.api.services import Services
from postroom.entrypoints.api.tracing import ServerSpan


def _links(services: Services) -> Router:
    links = handover_links.links_of(services.open_links, services.read_content, services.api_tokens)
    return handover_links.routes(links)


def create_app(services: Services) -> Litestar:
    return Litestar(
        [webhooks.routes(services), reads.routes(services), _links(services), *health.HANDLERS],
        dependencies={"services": Provide(lambda: services, sync_to_thread=False)},
        exception_handlers=HANDLERS,
        middleware=[ServerSpan(services.telemetry.spans)],
        openapi_config=openapi(services.providers),
        logging_config=None,  # it logs the text of exceptions; ours are logged in problems.py
        debug=False,
    )
