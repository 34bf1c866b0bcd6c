"""The schema of a body, as it is published."""

import json
import re
from collections.abc import AsyncIterator, Mapping
from typing import Any, Literal, TypedDict

import pytest
from jsonschema import Draft202012Validator
from litestar.testing import AsyncTestClient
from openapi_spec_validator import validate

from postroom.adapters.memory.clock import ManualClock
from postroom.domain.events.event import EventType
from postroom.entrypoints.api.event_schema import event_schema
from postroom.entrypoints.api.handover_schema import handover_schema
from postroom.entrypoints.api.json_schema import schema_of
from tests.documents import DOCS
from tests.samples import sample
from tests.unit.api_providers import open_rig
from tests.unit.handover_body.rig import rendered


@pytest.fixture
async def openapi(clock: ManualClock) -> AsyncIterator[dict[str, Any]]:
    with open_rig(clock) as rig:
        async with AsyncTestClient(rig.app()) as client:
            yield (await client.get("/schema")).json()


def test_the_schema_in_the_documents_is_that_of_the_code() -> None:
    assert json.loads((DOCS / "handover.schema.json").read_text()) == handover_schema()


def test_the_schema_refuses_a_body_that_lacks_a_property() -> None:
    body = json.loads(rendered(sample("plain")))
    validator = Draft202012Validator(json.loads((DOCS / "handover.schema.json").read_text()))
    assert validator.is_valid(body)

    del body["data"]["reply"]

    assert not validator.is_valid(body)


def test_every_object_and_every_limit_of_it_is_described() -> None:
    schema = handover_schema()
    definitions: Mapping[str, Any] = schema["$defs"]

    assert all(definition["description"] for definition in definitions.values())
    assert all(definition["type"] == "object" for definition in definitions.values())
    assert definitions["Email"]["properties"]["attachments"]["maxItems"] == 200
    assert definitions["Email"]["properties"]["preview"]["maxLength"] == 256
    assert definitions["Email"]["properties"]["sentAt"]["format"] == "date-time"
    assert next(iter(definitions["Email"]["properties"])) == "from"


def test_the_documents_have_each_type_of_event_and_an_example_that_is_one() -> None:
    page = (DOCS / "events.md").read_text()
    [example] = re.findall(r"```json\n(.*?)```", page, re.DOTALL)

    assert re.findall(r"(?m)^\| `([a-z]+\.[a-z]+)` \|", page) == list(EventType)
    Draft202012Validator(event_schema()).validate(json.loads(example))


def test_each_type_of_event_is_described_and_named_by_its_own_schema() -> None:
    definitions = event_schema()["$defs"]

    assert set(definitions) == set(EventType)
    for name, schema in definitions.items():
        assert schema["description"]
        assert schema["properties"]["type"] == {"enum": [name]}
        assert {"version", "id", "tenant"} < set(schema["properties"]["data"]["required"])


async def test_each_type_of_event_is_a_webhook_of_the_openapi_description(
    openapi: dict[str, Any],
) -> None:
    assert set(openapi["webhooks"]) == {"mail.received", *EventType}


async def test_a_validator_accepts_the_openapi_description(openapi: dict[str, Any]) -> None:
    assert openapi["openapi"].startswith("3.1")

    validate(openapi)


async def test_the_call_is_a_webhook_of_the_openapi_description(openapi: dict[str, Any]) -> None:
    call = openapi["webhooks"]["mail.received"]["post"]
    schema = call["requestBody"]["content"]["application/json"]["schema"]

    assert "$ref" not in json.dumps(schema)
    assert Draft202012Validator(schema).is_valid(json.loads(rendered(sample("bounce"))))
    assert {"2XX", "208", "422", "429"} <= set(call["responses"])
    assert "webhook-signature" in {parameter["name"] for parameter in call["parameters"]}


# --- How it is made ---


class Inner(TypedDict):
    """What is within."""

    kind: Literal["a", "b"] | None


class Outer(TypedDict):
    """What is around it."""

    inner: Inner | None
    names: list[str] | None
    flags: dict[str, bool]


def test_a_schema_is_made_of_what_the_types_say() -> None:
    assert schema_of(Outer) == {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Outer",
        "description": "What is around it.",
        "type": "object",
        "properties": {
            "inner": {"anyOf": [{"$ref": "#/$defs/Inner"}, {"type": "null"}]},
            "names": {"type": ["array", "null"], "items": {"type": "string"}},
            "flags": {"type": "object", "additionalProperties": {"type": "boolean"}},
        },
        "required": ["inner", "names", "flags"],
        "$defs": {
            "Inner": {
                "description": "What is within.",
                "type": "object",
                "properties": {"kind": {"anyOf": [{"enum": ["a", "b"]}, {"type": "null"}]}},
                "required": ["kind"],
            }
        },
    }
