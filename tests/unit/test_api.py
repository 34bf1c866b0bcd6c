from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from litestar.testing import AsyncTestClient

from postroom.adapters.memory.clock import ManualClock
from tests.unit.api_rig import API_TOKEN, Rig, open_rig, problem

Client = AsyncTestClient[Any]


@pytest.fixture
def rig(clock: ManualClock) -> Iterator[Rig]:
    with open_rig(clock) as opened:
        yield opened


@pytest.fixture
async def client(rig: Rig) -> AsyncIterator[Client]:
    async with AsyncTestClient(rig.app()) as opened:
        yield opened


@pytest.mark.parametrize(
    "path", ["/", "/nothing", "/webhooks", "/webhooks/toy/x", "/api/v1/nothing", "/schema/redoc"]
)
async def test_an_address_that_is_not_there_is_a_problem(client: Client, path: str) -> None:
    response = await client.get(path)

    assert response.status_code == 404
    assert problem(response)["type"] == "urn:postroom:problem:not-found"


async def test_a_wrong_method_is_a_problem_that_names_the_right_one(client: Client) -> None:
    response = await client.delete("/api/v1/tickets")

    assert response.status_code == 405
    assert problem(response)["type"] == "urn:postroom:problem:method-not-allowed"
    assert "GET" in response.headers["allow"]


async def test_a_host_header_of_nonsense_is_a_problem(client: Client) -> None:
    response = await client.get("/health/live", headers={"Host": "a b/c"})

    assert response.status_code == 400
    problem(response)


@pytest.mark.parametrize("path", ["/schema", "/schema/", "/schema/openapi.json"])
async def test_the_schema_is_json_without_scripts(client: Client, path: str) -> None:
    response = await client.get(path)

    assert response.status_code == 200
    assert response.headers["content-type"].startswith("application/json")
    assert "<script" not in response.text
    assert "cdn" not in response.text


async def test_the_schema_lists_every_address_and_how_to_be_let_in(client: Client) -> None:
    schema = (await client.get("/schema")).json()

    assert set(schema["paths"]) == {
        "/webhooks/toy",
        "/webhooks/toy/life",
        "/health/live",
        "/health/ready",
        "/metrics",
        "/api/v1/mailboxes",
        "/api/v1/queue",
        "/api/v1/dead-letters",
        "/api/v1/dead-letters/{job}",
        "/api/v1/outcomes",
        "/api/v1/tickets",
        "/api/v1/tickets/{number}",
        "/api/v1/tickets/{number}/documents/{key}",
        "/api/v1/applications",
        "/api/v1/handovers",
        "/api/v1/handovers/{key}",
        "/api/v1/handovers/{key}/raw",
        "/api/v1/handovers/{key}/parts/{part}",
        "/api/v1/handovers/{key}/html",
        "/api/v1/handovers/{key}/text",
    }
    security = {
        path: [name for one in operation.get("security", []) for name in one]
        for path, operations in schema["paths"].items()
        for operation in operations.values()
    }
    assert {names[0] for path, names in security.items() if path.startswith("/api/")} == {"token"}
    assert security["/api/v1/handovers/{key}/raw"] == ["token", "contentToken"]
    assert set(schema["components"]["securitySchemes"]) == {"token", "contentToken"}


async def test_the_schema_describes_errors_as_they_are(client: Client) -> None:
    schema = (await client.get("/schema")).json()

    errors = [
        (path, status, set(response["content"]))
        for path, operations in schema["paths"].items()
        for operation in operations.values()
        for status, response in operation["responses"].items()
        if status >= "400"
    ]
    assert errors
    assert [error for error in errors if error[2] != {"application/problem+json"}] == []


def test_services_do_not_show_their_secrets(rig: Rig) -> None:
    assert API_TOKEN not in repr(rig.services())


# --- Traces


async def test_a_request_has_a_span_without_its_path(client: Client, rig: Rig) -> None:
    await client.get("/api/v1/tickets/7?x=alice")

    [span] = rig.spans.get_finished_spans()
    assert span.name == "GET /api/v1/tickets/{number}"
    assert dict(span.attributes or {}) == {
        "http.request.method": "GET",
        "http.route": "/api/v1/tickets/{number}",
        "http.response.status_code": 401,
    }


async def test_the_callers_trace_goes_on(client: Client, rig: Rig) -> None:
    trace_id, span_id = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"

    await client.get("/health/live", headers={"traceparent": f"00-{trace_id}-{span_id}-01"})

    [span] = rig.spans.get_finished_spans()
    assert span.context
    assert f"{span.context.trace_id:032x}" == trace_id
    assert span.parent
    assert f"{span.parent.span_id:016x}" == span_id


@pytest.mark.parametrize("header", ["nonsense", "00-0-0-0", "ff-" + "0" * 52, "ä"])
async def test_a_traceparent_of_nonsense_begins_a_new_trace(
    client: Client, rig: Rig, header: str
) -> None:
    response = await client.get("/health/live", headers={b"traceparent": header.encode("latin-1")})

    assert response.status_code == 200
    [span] = rig.spans.get_finished_spans()
    assert span.parent is None
