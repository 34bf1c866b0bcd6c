"""Which folder is meant: by its well-known name, by its path, and never another one."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx
import pytest

from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.microsoft.client import GraphClient
from postroom.adapters.microsoft.folders import GraphFolders
from postroom.domain.failure import AccessFailed, FolderMissing, Throttled, Unavailable
from tests.adapters.graph_rig import USER, Rig, a_mailbox, graph_rig

TOP = [
    *("Archive", "Conversation History", "Deleted Items", "Drafts"),
    *("Inbox", "Junk Email", "Outbox", "Sent Items"),
]


@pytest.fixture
async def rig(clock: ManualClock) -> AsyncIterator[Rig]:
    async with graph_rig(clock) as rig:
        rig.graph.add_folder(USER, "Inbox")
        yield rig


async def found(rig: Rig, name: str) -> str:
    return (await GraphFolders(rig.client).find(a_mailbox(), name)).id


@pytest.mark.parametrize("name", ["inbox", "Inbox", "INBOX"])
async def test_a_well_known_name_finds_its_folder_in_one_call(rig: Rig, name: str) -> None:
    assert await found(rig, name) == rig.graph.add_folder(USER, "Inbox")
    assert len(rig.graph.requests) == 1


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("Orders", "Orders"),
        ("Inbox/Orders", "Inbox/Orders"),
        ("Inbox/Orders/2029", "inbox/ORDERS/2029/"),
        ("Inbox/Größe", "Inbox/GRÖSSE"),
    ],
)
async def test_a_full_path_finds_its_folder_in_any_case(rig: Rig, path: str, name: str) -> None:
    rig.graph.add_folder(USER, "Inbox/Orders/2029")
    rig.graph.add_folder(USER, "Archive/Orders")
    wanted = rig.graph.add_folder(USER, path)

    assert await found(rig, name) == wanted


async def test_folders_are_looked_for_on_every_page(rig: Rig) -> None:
    for n in range(250):
        rig.graph.add_folder(USER, f"Inbox/{n:03}")

    assert await found(rig, "Inbox/249") == rig.graph.add_folder(USER, "Inbox/249")
    assert len(rig.graph.requests) == 4


async def test_a_folder_is_found_without_asking_for_what_lies_in_all_the_others(rig: Rig) -> None:
    for n in range(50):
        rig.graph.add_folder(USER, f"Inbox/{n:03}/below")

    assert await found(rig, "Inbox/049/below")
    assert len(rig.graph.requests) == 3


@pytest.mark.parametrize("name", ["Orders", "Inbox/Order", "Inbox/Orders/2029", "2030", ""])
async def test_a_missing_folder_is_told_with_those_that_there_are(rig: Rig, name: str) -> None:
    rig.graph.add_folder(USER, "Inbox/Orders")

    with pytest.raises(FolderMissing) as raised:
        await found(rig, name)

    assert raised.value.paths == sorted([*TOP, "Inbox/Orders"])
    assert raised.value.reason == "the mailbox has no such folder"


async def test_a_well_known_folder_that_a_mailbox_has_not_is_missing(rig: Rig) -> None:
    rig.graph.fail("folders", status=404, code="ErrorItemNotFound")

    with pytest.raises(FolderMissing) as raised:
        await found(rig, "archive")

    assert raised.value.paths == TOP


@pytest.mark.parametrize(
    ("status", "wait", "failure"),
    [(403, "", AccessFailed), (429, "9", Throttled), (503, "", Unavailable)],
)
@pytest.mark.parametrize("name", ["inbox", "Inbox/Orders"])
async def test_a_refusal_is_no_missing_folder(
    rig: Rig, name: str, status: int, wait: str, failure: type[Exception]
) -> None:
    rig.graph.fail("folders", status=status, retry_after=wait)

    with pytest.raises(failure) as raised:
        await found(rig, name)

    assert type(raised.value) is failure


async def test_a_rejected_token_is_replaced_here_as_well(rig: Rig) -> None:
    await found(rig, "inbox")
    rig.graph.revoke_tokens()

    assert await found(rig, "Drafts")
    assert rig.tokens.issued == 2


# --- A server that is none ----------------------------------------------------------------------


def responding(rig: Rig, *pages: Any) -> Rig:  # noqa: ANN401 - whatever JSON has
    """The same with a Graph that says just this, and the last of it again and again."""
    left = list(pages)

    def respond(_: httpx.Request) -> httpx.Response:
        page = left.pop(0) if len(left) > 1 else left[0]
        return httpx.Response(200, content=page if isinstance(page, bytes) else json.dumps(page))

    http = httpx.AsyncClient(transport=httpx.MockTransport(respond))
    return replace(rig, client=GraphClient(http, rig.tokens, rig.clock))


LINK = "https://graph.microsoft.com/v1.0/next"


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        (b"<html>", "something else than an object"),
        ([], "something else than an object"),
        ({"value": "x"}, "something else than a page"),
        ({"value": [{"id": 7}]}, "something else than folders"),
        ({"value": [], "@odata.nextLink": "https://elsewhere.example/v1.0/x"}, "another server"),
        ({"value": [], "@odata.nextLink": "https://graph.microsoft.com.x.example/"}, "another"),
        ({"value": [], "@odata.nextLink": f"{LINK}\n"}, "did not answer: InvalidURL"),
        ({"value": [], "@odata.nextLink": LINK}, "more than 1000 pages"),
        (
            {"value": [{"id": "x", "displayName": "x"}] * 100, "@odata.nextLink": LINK},
            "more than 5000 folders",
        ),
        (b"[" * 9_000_000, "something else than an object"),
    ],
)
async def test_nonsense_is_unavailable(rig: Rig, page: Any, reason: str) -> None:  # noqa: ANN401
    with pytest.raises(Unavailable, match=reason):
        await found(responding(rig, page), "Inbox/Orders")


async def test_nonsense_for_a_well_known_folder_is_unavailable(rig: Rig) -> None:
    with pytest.raises(Unavailable, match="something else than a folder"):
        await found(responding(rig, {"id": "x"}), "inbox")
