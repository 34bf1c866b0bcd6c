"""Answers are checked against the schemas of Google's own discovery documents."""

import json
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import cache
from importlib.resources import files
from typing import Any

import jsonschema

from postroom.entrypoints.emulators.gmail import GmailEmulator
from postroom.entrypoints.emulators.loopback import AsgiApp, serve

Json = dict[str, Any]


@cache
def document(api: str) -> Json:
    """*api* is `gmail.v1` or `pubsub.v1`; google-api-python-client brings it."""
    found = files("googleapiclient.discovery_cache.documents").joinpath(f"{api}.json")
    content: Json = json.loads(found.read_text("utf-8"))
    return content


def methods(api: str) -> Iterator[Json]:
    """Each method, as the document describes it."""
    resources = [document(api)]
    while resources:
        resource = resources.pop()
        yield from resource.get("methods", {}).values()
        resources += resource.get("resources", {}).values()


@asynccontextmanager
async def served(gmail: GmailEmulator) -> AsyncIterator[str]:
    """Serve the emulator; when it is over, every answer must have had the form of its method."""
    wrong: list[str] = []
    async with serve(_checked(gmail.app, wrong)) as url:
        yield url
    assert wrong == []


def _checked(app: AsgiApp, wrong: list[str]) -> AsgiApp:
    async def respond(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - see AsgiApp
        body, status = b"", 0

        async def send_checked(message: Any) -> None:  # noqa: ANN401
            nonlocal body, status
            status = message.get("status", status)
            body += message.get("body", b"")
            await send(message)

        await app(scope, receive, send_checked)
        if status == 200 and (schema := _schema(scope["method"], scope["path"])):
            wrong.extend(_faults(schema, body, f"{scope['method']} {scope['path']}"))

    return respond


def _faults(schema: Json, body: bytes, call: str) -> Iterator[str]:
    for error in jsonschema.Draft202012Validator(schema).iter_errors(json.loads(body)):
        yield f"{call}: {error.json_path}: {error.message}"


@cache
def _schema(method: str, path: str) -> Json | None:
    for api in ("gmail.v1", "pubsub.v1"):
        for each in methods(api):
            pattern = re.sub(r"\{\w+\}", "[^/:]+", re.sub(r"[.:]", r"\\\g<0>", each["flatPath"]))
            if each["httpMethod"] == method and re.fullmatch(f"/{pattern}", path):
                return _json_schema(api, each["response"]["$ref"])
    return None


def _json_schema(api: str, name: str) -> Json:
    schemas = {each: _closed(schema) for each, schema in document(api)["schemas"].items()}
    return {"$ref": f"#/$defs/{name}", "$defs": schemas}


def _closed(schema: Json) -> Json:
    """The dialect of the document in JSON Schema's; nothing that it does not name is allowed."""
    if "$ref" in schema:
        return {"$ref": f"#/$defs/{schema['$ref']}"}
    closed: Json = {name: schema[name] for name in ("type", "enum") if name in schema}
    if schema.get("type") == "array":
        closed["items"] = _closed(schema["items"])
    if schema.get("type") == "object":
        properties = schema.get("properties", {})
        closed["properties"] = {name: _closed(each) for name, each in properties.items()}
        others = schema.get("additionalProperties")
        closed["additionalProperties"] = _closed(others) if others else False
    if pattern := _PATTERNS.get(schema.get("format", "")):
        closed["pattern"] = pattern
    return closed


_PATTERNS = {"int64": r"^-?\d+$", "uint64": r"^\d+$", "byte": r"^[\w+/=-]*$"}
