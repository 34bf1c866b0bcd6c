"""The Graph emulator against the shapes that Microsoft documents: sign-in and messages."""

import ssl
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import httpx
import pytest

from postroom.adapters.memory.clock import ManualClock
from postroom.entrypoints.emulators.graph import CLIENT_ID, CLIENT_SECRET, DIRECTORY
from postroom.entrypoints.emulators.loopback import issue_certificate, serve
from tests.emulators.graph_rig import HOOK, IMMUTABLE, RAW, USER, Rig, graph_rig


@pytest.fixture
async def rig(clock: ManualClock) -> AsyncIterator[Rig]:
    async with graph_rig(clock) as rig:
        yield rig


# --- Login --------------------------------------------------------------------------------------


async def test_the_metadata_name_the_token_endpoint_of_the_directory(rig: Rig) -> None:
    answer = await rig.http.get(f"/{DIRECTORY}/v2.0/.well-known/openid-configuration")

    assert answer.json()["token_endpoint"] == f"http://graph.test/{DIRECTORY}/oauth2/v2.0/token"


async def test_client_credentials_are_exchanged_for_a_token(rig: Rig) -> None:
    form = {
        "grant_type": "client_credentials",
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "scope": "https://rig.graph.microsoft.com/.default",
    }

    answer = await rig.http.post(f"/{DIRECTORY}/oauth2/v2.0/token", data=form)

    assert answer.status_code == 200
    body = answer.json()
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 3599)
    assert body["access_token"]


@pytest.mark.parametrize(
    ("changes", "status", "error", "number"),
    [
        ({"client_secret": "no"}, 401, "invalid_client", 7000215),
        ({"client_id": "no"}, 400, "unauthorized_client", 700016),
        ({"grant_type": "password"}, 400, "unsupported_grant_type", 70003),
        ({"scope": "Mail.Read"}, 400, "invalid_scope", 1002012),
    ],
)
async def test_a_refused_sign_in_says_why_as_entra_id_does(
    rig: Rig, changes: dict[str, str], status: int, error: str, number: int
) -> None:
    form = {
        "grant_type": "client_credentials",
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "scope": "https://rig.graph.microsoft.com/.default",
        **changes,
    }

    answer = await rig.http.post(f"/{DIRECTORY}/oauth2/v2.0/token", data=form)

    assert answer.status_code == status
    body = answer.json()
    assert (body["error"], body["error_codes"]) == (error, [number])
    assert body["error_description"].startswith(f"AADSTS{number}: ")
    assert set(body) >= {"timestamp", "trace_id", "correlation_id", "error_uri"}


@pytest.mark.parametrize("authorization", ["", "Bearer nonsense", "Basic abc"])
async def test_without_a_valid_token_graph_answers_401(rig: Rig, authorization: str) -> None:
    answer = await rig.http.get("/v1.0/subscriptions", headers={"Authorization": authorization})

    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "InvalidAuthenticationToken"


async def test_a_token_ends_with_its_time(rig: Rig, clock: ManualClock) -> None:
    clock.advance(timedelta(seconds=3598))
    assert (await rig.http.get("/v1.0/subscriptions")).status_code == 200

    clock.advance(timedelta(seconds=1))
    assert (await rig.http.get("/v1.0/subscriptions")).status_code == 401


# --- Messages -----------------------------------------------------------------------------------


async def test_a_refusal_has_the_shape_of_graph(rig: Rig) -> None:
    answer = await rig.http.get(
        "/v1.0/users/nobody@example.org/messages/x", headers={"client-request-id": "mine"}
    )

    assert answer.status_code == 404
    error = answer.json()["error"]
    assert (error["code"], set(error)) == ("ErrorInvalidUser", {"code", "message", "innerError"})
    assert error["innerError"]["date"] == "2030-01-01T00:00:00"
    assert error["innerError"]["client-request-id"] == "mine"
    UUID(error["innerError"]["request-id"])
    assert answer.headers["request-id"] == error["innerError"]["request-id"]


async def test_a_message_as_mime_is_byte_for_byte_the_one_delivered(rig: Rig) -> None:
    raw = bytes(range(256)) * 1000
    message = rig.graph.deliver(USER, raw)

    answer = await rig.http.get(f"/v1.0/users/{USER}/messages/{message}/$value", headers=IMMUTABLE)

    assert answer.content == raw
    assert answer.headers["Preference-Applied"] == 'IdType="ImmutableId"'


async def test_a_message_as_json_tells_its_time_and_its_subject(rig: Rig) -> None:
    message = rig.graph.deliver(USER, RAW)

    whole = await rig.http.get(f"/v1.0/users/{USER}/messages/{message}", headers=IMMUTABLE)
    chosen = await rig.http.get(
        f"/v1.0/users/{USER}/messages/{message}?$select=receivedDateTime", headers=IMMUTABLE
    )

    assert whole.json()["subject"] == "Grüße"
    assert whole.json()["internetMessageId"] == "<one@example.org>"
    body = {name: value for name, value in chosen.json().items() if not name.startswith("@")}
    assert body == {"id": message, "receivedDateTime": "2030-01-01T00:00:00Z"}


async def test_a_user_is_known_by_name_in_any_case_and_by_object_id(rig: Rig) -> None:
    message = rig.graph.deliver(USER, RAW)
    await rig.graph.subscribe(USER, HOOK, "secret")
    [batch] = await rig.graph.notify(message)
    user_id = batch.items[0]["resource"].split("/")[1].partition("@")[0]

    for user in (USER.upper(), user_id):
        answer = await rig.http.get(f"/v1.0/users/{user}/messages/{message}", headers=IMMUTABLE)

        assert answer.status_code == 200


async def test_a_move_changes_the_default_id_and_not_the_immutable_one(rig: Rig) -> None:
    message = rig.graph.deliver(USER, RAW)
    before = rig.graph.default_id(message)
    rig.graph.move(message, "archive")

    path = f"/v1.0/users/{USER}/messages"
    stale = await rig.http.get(f"{path}/{before}")
    fresh = await rig.http.get(f"{path}/{rig.graph.default_id(message)}")
    immutable = await rig.http.get(f"{path}/{message}", headers=IMMUTABLE)

    assert (stale.status_code, stale.json()["error"]["code"]) == (404, "ErrorItemNotFound")
    assert fresh.json()["id"] == rig.graph.default_id(message) != before
    assert immutable.json()["id"] == message


async def test_an_immutable_id_means_nothing_to_a_request_that_does_not_ask_for_it(
    rig: Rig,
) -> None:
    message = rig.graph.deliver(USER, RAW)

    answer = await rig.http.get(f"/v1.0/users/{USER}/messages/{message}/$value")

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "ErrorInvalidIdMalformed")


async def test_a_fault_is_met_as_often_as_planned_and_only_by_its_target(rig: Rig) -> None:
    message, other = rig.graph.deliver(USER, RAW), rig.graph.deliver("sales@example.org", RAW)
    rig.graph.throttle(USER, retry_after="7", times=2)

    async def status(user: str, message_id: str) -> tuple[int, str | None]:
        path = f"/v1.0/users/{user}/messages/{message_id}/$value"
        answer = await rig.http.get(path, headers=IMMUTABLE)
        return answer.status_code, answer.headers.get("Retry-After")

    assert await status("sales@example.org", other) == (200, None)
    assert [await status(USER, message) for _ in range(3)] == [(429, "7"), (429, "7"), (200, None)]


# --- On a port ----------------------------------------------------------------------------------


async def test_it_is_served_by_tls_to_clients_that_trust_its_certificate(
    rig: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = issue_certificate(tmp_path / "loopback.pem")
    message = rig.graph.deliver(USER, RAW)
    async with serve(rig.graph.app, certificate=certificate) as url:
        headers = IMMUTABLE | {"Authorization": f"Bearer {rig.graph.issue_token()}"}
        path = f"{url}/v1.0/users/{USER}/messages/{message}/$value"
        trust = ssl.create_default_context(cafile=certificate)
        async with httpx.AsyncClient(verify=trust) as http:
            by_context = await http.get(path, headers=headers)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        async with httpx.AsyncClient() as http:
            by_environment = await http.get(path, headers=headers)

    assert by_context.content == by_environment.content == RAW
