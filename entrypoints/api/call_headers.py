"""The headers that every call of an application and of a subscriber has."""

from collections.abc import Mapping

from litestar.openapi.spec import Parameter, Reference, Schema
from litestar.openapi.spec.enums import OpenAPIType

_HEADERS = {
    "webhook-id": "The key: the same in every call of one message, or of one event.",
    "webhook-timestamp": "Of this call, in seconds since 1970.",
    "webhook-signature": "Standard Webhooks: `v1,` and base64, one for each secret that is valid.",
    "idempotency-key": "The key, as a quoted string.",
    "postroom-attempt": "Calls begun, this one included.",
    "postroom-unsure": "Earlier calls of which Postroom does not know how they ended.",
}


def header_parameters(more: Mapping[str, str] | None = None) -> list[Parameter | Reference]:
    """With *more*: descriptions, by name."""
    return [_header(*each) for each in {**_HEADERS, **(more or {})}.items()]


def _header(name: str, description: str) -> Parameter:
    text = Schema(type=OpenAPIType.STRING)
    return Parameter(
        name=name, param_in="header", required=True, description=description, schema=text
    )
