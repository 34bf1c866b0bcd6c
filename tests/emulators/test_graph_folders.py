"""The Graph emulator's folders and lists of messages, where Microsoft's client does not look."""

from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest

from postroom.adapters.memory.clock import ManualClock
from postroom.entrypoints.emulators.loopback import serve
from tests.emulators.graph_rig import IMMUTABLE, RAW, USER, Rig, graph_rig

FOLDERS = f"/v1.0/users/{USER}/mailFolders"
MESSAGES = f"/v1.0/users/{USER}/messages"


@pytest.fixture
async def rig(clock: ManualClock) -> AsyncIterator[Rig]:
    async with graph_rig(clock) as rig:
        rig.graph.deliver(USER, RAW)
        yield rig


@pytest.mark.parametrize(
    "path",
    ["mailFolders/inbox", "mailFolders/Inbox", "mailFolders('inbox')", "MAILFOLDERS(%27inbox%27)"],
)
async def test_a_folder_is_named_in_every_way_that_odata_knows(rig: Rig, path: str) -> None:
    answer = await rig.http.get(f"/v1.0/users/{USER}/{path}")

    assert answer.json()["displayName"] == "Inbox"


async def test_a_folder_that_is_not_there_is_malformed_or_not_found(rig: Rig) -> None:
    orders = rig.graph.add_folder(USER, "Inbox/Orders")
    rig.graph.remove_folder(USER, "Inbox/Orders")

    by_name, by_id = (
        await rig.http.get(f"{FOLDERS}/Orders"),
        await rig.http.get(f"{FOLDERS}/{orders}"),
    )

    assert (by_name.status_code, by_name.json()["error"]["code"]) == (
        400,
        "ErrorInvalidIdMalformed",
    )
    assert (by_id.status_code, by_id.json()["error"]["code"]) == (404, "ErrorItemNotFound")


async def test_folders_come_ten_at_a_time(rig: Rig) -> None:
    for number in range(12):
        rig.graph.add_folder(USER, f"Inbox/Folder {number:02}")

    first = (await rig.http.get(f"{FOLDERS}/inbox/childFolders")).json()
    second = (await rig.http.get(first["@odata.nextLink"])).json()

    names = [[each["displayName"] for each in page["value"]] for page in (first, second)]
    assert [len(each) for each in names] == [10, 2]
    assert names[0] + names[1] == [f"Folder {number:02}" for number in range(12)]
    assert "@odata.nextLink" not in second


async def test_a_list_that_just_fills_its_page_has_no_other(rig: Rig) -> None:
    for number in range(3):
        rig.graph.add_folder(USER, f"Inbox/Folder {number}")

    page = (await rig.http.get(f"{FOLDERS}/inbox/childFolders?$top=3")).json()

    assert len(page["value"]) == 3
    assert "@odata.nextLink" not in page


async def test_a_folder_is_found_by_its_display_name(rig: Rig) -> None:
    made = rig.graph.add_folder(USER, "Bob's")

    answer = await rig.http.get(FOLDERS, params={"$filter": "displayName eq 'Bob''s'"})

    assert [each["id"] for each in answer.json()["value"]] == [made]


async def test_the_messages_of_a_folder_go_with_it(rig: Rig) -> None:
    message = rig.graph.deliver(USER, RAW, folder="Inbox/Orders")
    rig.graph.remove_folder(USER, "Inbox/Orders")

    answer = await rig.http.get(f"{MESSAGES}/{message}", headers=IMMUTABLE)

    assert answer.json()["error"]["code"] == "ErrorItemNotFound"


async def test_messages_are_listed_newest_first(rig: Rig, clock: ManualClock) -> None:
    clock.advance(timedelta(minutes=1))
    newest = rig.graph.deliver(USER, RAW, folder="archive")

    everywhere = (await rig.http.get(MESSAGES, headers=IMMUTABLE)).json()["value"]
    of_inbox = (await rig.http.get(f"{FOLDERS}/inbox/messages", headers=IMMUTABLE)).json()["value"]

    assert [each["id"] == newest for each in everywhere] == [True, False]
    assert newest not in [each["id"] for each in of_inbox]


async def test_a_message_is_found_by_its_internet_message_id(rig: Rig) -> None:
    rig.graph.deliver(USER, RAW.replace(b"one@", b"two@"))

    answer = await rig.http.get(
        MESSAGES, params={"$filter": "internetMessageId eq '<two@example.org>'", "$count": "true"}
    )

    [found] = answer.json()["value"]
    assert found["internetMessageId"] == "<two@example.org>"
    assert answer.json()["@odata.count"] == 1


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"$filter": "isRead eq"}, "BadRequest"),
        ({"$filter": "receivedDateTime ge yesterday"}, "BadRequest"),
        ({"$top": "many"}, "BadRequest"),
        (
            {"$filter": "internetMessageId eq 'x'", "$orderby": "receivedDateTime"},
            "InefficientFilter",
        ),
    ],
)
async def test_a_query_that_graph_does_not_take_is_refused(
    rig: Rig, query: dict[str, str], code: str
) -> None:
    answer = await rig.http.get(MESSAGES, params=query)

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)


async def test_an_application_is_nobody_and_has_no_mailbox_of_its_own(rig: Rig) -> None:
    answer = await rig.http.get("/v1.0/me/mailFolders/inbox")

    assert answer.status_code == 400
    assert "delegated" in answer.json()["error"]["message"]


# --- Faults -------------------------------------------------------------------------------------


async def test_a_fault_befalls_each_second_request_until_the_service_recovers(rig: Rig) -> None:
    rig.graph.fail("folders", status=503, every=2, times=99)

    async def status() -> int:
        return (await rig.http.get(FOLDERS)).status_code

    assert [await status() for _ in range(4)] == [200, 503, 200, 503]
    rig.graph.recover()
    assert [await status() for _ in range(4)] == [200] * 4


@pytest.mark.parametrize("target", ["delta", "folders", "messages", "subscriptions"])
async def test_any_answer_can_be_cut(rig: Rig, target: str) -> None:
    path = {
        "delta": f"{FOLDERS}/inbox/messages/delta",
        "folders": FOLDERS,
        "messages": MESSAGES,
        "subscriptions": "/v1.0/subscriptions",
    }[target]
    rig.graph.cut(target)
    async with serve(rig.graph.app) as url, httpx.AsyncClient(headers=rig.http.headers) as http:
        with pytest.raises(httpx.RemoteProtocolError):
            await http.get(url + path)

        assert (await http.get(url + path)).status_code == 200


async def test_any_answer_can_stay_away(rig: Rig) -> None:
    rig.graph.stall("delta")
    async with serve(rig.graph.app) as url, httpx.AsyncClient(headers=rig.http.headers) as http:
        with pytest.raises(httpx.ReadTimeout):
            await http.get(
                f"{url}{FOLDERS}/inbox/messages/delta", timeout=httpx.Timeout(30, read=0.1)
            )
        rig.graph.release()
