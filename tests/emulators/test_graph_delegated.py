"""What the Graph emulator lets an application do in the name of a person."""

from collections.abc import AsyncIterator

import httpx
import pytest

from postroom.adapters.memory.clock import ManualClock
from tests.emulators.graph_rig import HOOK, IMMUTABLE, RAW, USER, Rig, graph_rig

PERSON = "clerk@example.org"


@pytest.fixture
async def rig(clock: ManualClock) -> AsyncIterator[Rig]:
    """Its *http* acts for PERSON, who has a mailbox and whom a mailbox is shared with."""
    async with graph_rig(clock) as rig:
        rig.http.headers["Authorization"] = f"Bearer {rig.graph.issue_token(user=PERSON)}"
        rig.graph.deliver(PERSON, RAW)
        rig.graph.share(USER, PERSON)
        yield rig


async def subscribe(rig: Rig, resource: str) -> httpx.Response:
    asked = {
        "changeType": "created",
        "notificationUrl": HOOK,
        "resource": resource,
        "expirationDateTime": "2030-01-03T00:00:00Z",
    }
    return await rig.http.post("/v1.0/subscriptions", json=asked)


async def test_me_is_whom_the_token_is_for(rig: Rig) -> None:
    message = rig.graph.deliver(PERSON, RAW)

    raw = await rig.http.get(f"/v1.0/me/messages/{message}/$value", headers=IMMUTABLE)
    inbox = await rig.http.get("/v1.0/me/mailFolders('inbox')")

    assert raw.content == RAW
    assert inbox.json()["totalItemCount"] == 2


async def test_a_person_reads_a_mailbox_that_is_shared_with_them_and_no_other(rig: Rig) -> None:
    shared, other = rig.graph.deliver(USER, RAW), rig.graph.deliver("boss@example.org", RAW)

    async def read(user: str, message: str) -> tuple[int, str]:
        path = f"/v1.0/users/{user}/messages/{message}/$value"
        answer = await rig.http.get(path, headers=IMMUTABLE)
        return answer.status_code, answer.text

    assert await read(USER, shared) == (200, RAW.decode())
    status, text = await read("boss@example.org", other)
    assert status == 403
    assert "ErrorAccessDenied" in text


@pytest.mark.parametrize(
    "resource", [f"users/{PERSON}/messages", "/me/mailFolders('inbox')/messages"]
)
async def test_a_person_subscribes_to_their_own_mailbox(rig: Rig, resource: str) -> None:
    assert (await subscribe(rig, resource)).status_code == 201

    [batch] = await rig.graph.notify(rig.graph.deliver(PERSON, RAW))

    assert len(batch.items) == 1


async def test_a_person_cannot_subscribe_to_a_mailbox_that_is_shared_with_them(rig: Rig) -> None:
    answer = await subscribe(rig, f"users/{USER}/messages")

    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "ExtensionError")
    assert rig.receiver.handshakes == []


async def test_what_graph_does_not_know_is_a_bad_request(rig: Rig) -> None:
    answer = await rig.http.get("/v1.0/me/nonsense")

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "BadRequest")
    assert "nonsense" in answer.json()["error"]["message"]
