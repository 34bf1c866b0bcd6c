"""What a subscriber gets, as JSON Schema and as webhooks of the OpenAPI description."""

from typing import cast

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

from postroom.domain.events.body_types import DATA
from postroom.domain.events.event import EventType
from postroom.entrypoints.api.call_headers import header_parameters
from postroom.entrypoints.api.json_schema import DIALECT, Json, inlined, schema_of

_ANSWERS = {
    "2XX": "The event is taken.",
    "208": "It was taken before, under the same id.",
    "422": "Refused for good, if the body is JSON with `outcome` = `refused`.",
    "429": "The subscriber needs time: its events wait for Retry-After.",
}


def event_schema() -> Json:
    """The schema of any event: each of the types is a definition."""
    return {
        "$schema": DIALECT,
        "title": "Event",
        "oneOf": [{"$ref": f"#/$defs/{each.value}"} for each in EventType],
        "$defs": {each.value: _body(each) for each in EventType},
    }


def event_webhooks() -> dict[str, PathItem | Reference]:
    return {each.value: PathItem(post=_operation(each)) for each in EventType}


def _body(type_: EventType) -> Json:
    data = schema_of(DATA[type_])
    return {
        "description": data["description"],
        "type": "object",
        "properties": {
            "type": {"enum": [type_.value]},
            "timestamp": {
                "type": "string",
                "format": "date-time",
                "description": "When it happened, in UTC.",
            },
            "data": inlined(data, data["$defs"]),
        },
        "required": ["type", "timestamp", "data"],
    }


def _operation(type_: EventType) -> Operation:
    body = cast("Schema", _body(type_))  # Litestar writes it as it is
    whose, what = type_.value.split(".")
    return Operation(
        operation_id=f"{whose}{what.capitalize()}",
        summary=f"An event for subscribers: {type_.value}",
        description="It comes at least once, and again under the same id until it is answered.",
        parameters=header_parameters(),
        request_body=RequestBody(
            required=True, content={MediaType.JSON.value: OpenAPIMediaType(schema=body)}
        ),
        responses={code: OpenAPIResponse(description=text) for code, text in _ANSWERS.items()},
    )
