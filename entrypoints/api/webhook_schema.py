"""The webhooks in the OpenAPI description, by what their readers say of themselves."""

from dataclasses import dataclass
from typing import cast

from litestar import MediaType
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import (
    OpenAPIMediaType,
    Operation,
    Parameter,
    RequestBody,
    Schema,
    SecurityRequirement,
    SecurityScheme,
)
from litestar.openapi.spec.enums import OpenAPIType

from postroom.application.ports import NotificationReader, WebhookDescription
from postroom.application.providers import Providers
from postroom.entrypoints.api.json_schema import inlined
from postroom.entrypoints.api.problems import (
    BAD_SIGNATURE,
    FORBIDDEN,
    INVALID_REQUEST,
    NOT_FOUND,
    TOO_LARGE,
    UNAVAILABLE,
    described,
)

HANDSHAKE = 200


def responses_of(reader: NotificationReader) -> dict[int, ResponseSpec]:
    description = reader.description
    problems = [INVALID_REQUEST, TOO_LARGE, UNAVAILABLE]
    if description.proof:
        problems += [BAD_SIGNATURE, FORBIDDEN, NOT_FOUND]
    accepted = ResponseSpec(
        dict[str, int] if reader.reports_count else None,
        description="All that was announced is queued, durably.",
        generate_examples=False,
    )
    handshake = ResponseSpec(
        str, description=description.handshake, media_type=MediaType.TEXT, generate_examples=False
    )
    return {HANDSHAKE: handshake, reader.accepted: accepted, **described(*problems)}


def operation_of(reader: NotificationReader) -> type[Operation]:
    """Litestar describes a body that it parses. These it hands on as they are."""
    description = reader.description

    @dataclass
    class WebhookOperation(Operation):
        def __post_init__(self) -> None:
            self.request_body = _request_body(description)
            self.parameters = [_parameter(*each) for each in description.query.items()] or None
            if self.responses and reader.accepted != HANDSHAKE and not description.handshake:
                del self.responses[str(HANDSHAKE)]

    return WebhookOperation


def _parameter(name: str, description: str) -> Parameter:
    text = Schema(type=OpenAPIType.STRING)
    return Parameter(name=name, param_in="query", description=description, schema=text)


def _request_body(description: WebhookDescription) -> RequestBody:
    schema = description.body or {"type": "object"}
    body = cast("Schema", inlined(schema, schema.get("$defs", {})))  # Litestar writes it as is
    content = {MediaType.JSON.value: OpenAPIMediaType(schema=body)}
    return RequestBody(required=True, content=content)


def security_of(provider: str, description: WebhookDescription) -> list[SecurityRequirement] | None:
    return [{provider: []}] if description.proof else None


def security_schemes(providers: Providers) -> dict[str, SecurityScheme]:
    """Those of the providers that have one, by name."""
    return {
        name: _scheme(provider.notifications.description)
        for name, provider in providers.items()
        if provider.notifications and provider.notifications.description.proof
    }


def _scheme(description: WebhookDescription) -> SecurityScheme:
    proof = description.proof
    assert proof
    if proof.header:
        return SecurityScheme(
            type="apiKey",
            security_scheme_in="header",
            name=proof.header,
            description=proof.description,
        )
    return SecurityScheme(type="http", scheme="bearer", description=proof.description)
