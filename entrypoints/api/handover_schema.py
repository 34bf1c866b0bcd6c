"""What an application gets, as JSON Schema and as a webhook of the OpenAPI description."""

from typing import Any, cast

from litestar.enums import MediaType
from litestar.openapi.spec import (
    OpenAPIMediaType,
    OpenAPIResponse,
    Operation,
    PathItem,
    Reference,
    RequestBody,
    Schema,
)

from postroom.domain.handover.body_types import MailReceived
from postroom.entrypoints.api.call_headers import header_parameters
from postroom.entrypoints.api.json_schema import inlined, schema_of

_HEADERS = {
    "postroom-content-token": "A bearer token that opens the links of the body for an hour.",
}
_ANSWERS = {
    "2XX": "The message is handled, and what must outlast a crash is committed.",
    "208": "It was handled before, under the same key.",
    "409": "The same key is being worked on: the call is repeated.",
    "422": "Refused for good, if the body is JSON with `outcome` = `refused`.",
    "429": "The application needs time: all of its calls wait for Retry-After.",
}


def handover_schema() -> dict[str, Any]:
    """The schema of the body of a call."""
    return schema_of(MailReceived)


def webhooks() -> dict[str, PathItem | Reference]:
    schema = handover_schema()
    body = cast("Schema", inlined(schema, schema["$defs"]))  # Litestar writes it as it is
    operation = Operation(
        operation_id="mailReceived",
        summary="A message is handed over",
        description="The call is repeated, with the same key and body, until it is answered.",
        parameters=header_parameters(_HEADERS),
        request_body=RequestBody(
            required=True, content={MediaType.JSON.value: OpenAPIMediaType(schema=body)}
        ),
        responses={code: OpenAPIResponse(description=text) for code, text in _ANSWERS.items()},
    )
    return {"mail.received": PathItem(post=operation)}
