"""The Graph emulator's delta queries, where Microsoft's own client does not look."""

from collections.abc import AsyncIterator
from datetime import timedelta
from random import Random

import pytest

from postroom.adapters.memory.clock import ManualClock
from postroom.entrypoints.emulators.graph import Json, delta
from tests.emulators.graph_rig import IMMUTABLE, RAW, USER, Rig, graph_rig

DELTA = f"/v1.0/users/{USER}/mailFolders/inbox/messages/delta"


@pytest.fixture
async def rig(clock: ManualClock) -> AsyncIterator[Rig]:
    async with graph_rig(clock) as rig:
        rig.graph.add_folder(USER, "Inbox/Orders")
        yield rig


async def page(rig: Rig, url: str, size: int = 100) -> Json:
    prefer = f"{IMMUTABLE['Prefer']}, odata.maxpagesize={size}"
    answer = await rig.http.get(url, headers={"Prefer": prefer})
    assert answer.status_code == 200, answer.text
    body: Json = answer.json()
    return body


async def delta_link(rig: Rig, url: str = DELTA) -> str:
    """The end of a round, after all its pages."""
    body = await page(rig, url)
    while next_link := body.get("@odata.nextLink"):
        body = await page(rig, next_link)
    return str(body["@odata.deltaLink"])


def told(body: Json) -> list[tuple[str, str]]:
    """What a page says of which message."""
    return [
        ("removed" if "@removed" in each else "there", str(each["id"])) for each in body["value"]
    ]


# --- Rounds -------------------------------------------------------------------------------------


async def test_a_page_has_as_many_messages_as_were_preferred_and_ten_otherwise(rig: Rig) -> None:
    for _ in range(12):
        rig.graph.deliver(USER, RAW)

    preferred = await page(rig, DELTA, size=5)
    plain = (await rig.http.get(DELTA)).json()

    assert len(preferred["value"]) == 5
    assert len(plain["value"]) == 10


async def test_what_arrives_during_a_round_is_told_in_the_next_and_never_lost(rig: Rig) -> None:
    first, second = rig.graph.deliver(USER, RAW), rig.graph.deliver(USER, RAW)
    begun = await page(rig, DELTA, size=1)
    late = rig.graph.deliver(USER, RAW)
    rig.graph.move(second, "archive")

    ended = await page(rig, begun["@odata.nextLink"])
    following = await page(rig, ended["@odata.deltaLink"])

    assert told(begun) == [("there", first)]
    assert told(ended) == []
    assert set(told(following)) == {("there", late), ("removed", second)}


async def test_the_same_link_gives_the_same_again(rig: Rig) -> None:
    link = await delta_link(rig)
    message = rig.graph.deliver(USER, RAW)

    assert told(await page(rig, link)) == told(await page(rig, link)) == [("there", message)]


async def test_a_message_moved_in_is_new_and_one_moved_out_is_removed(rig: Rig) -> None:
    leaving = rig.graph.deliver(USER, RAW)
    coming = rig.graph.deliver(USER, RAW, folder="Inbox/Orders")
    link = await delta_link(rig)

    rig.graph.move(leaving, "Inbox/Orders")
    rig.graph.move(coming, "inbox")

    assert told(await page(rig, link)) == [("removed", leaving), ("there", coming)]


async def test_what_came_and_went_between_two_rounds_is_not_told(rig: Rig) -> None:
    link = await delta_link(rig)

    rig.graph.delete(rig.graph.deliver(USER, RAW))

    assert told(await page(rig, link)) == []


async def test_a_message_is_removed_by_the_default_id_that_it_had_in_the_folder(rig: Rig) -> None:
    message = rig.graph.deliver(USER, RAW)
    before = rig.graph.default_id(message)
    link = await delta_link(rig)

    rig.graph.move(message, "archive")

    [removed] = (await rig.http.get(link)).json()["value"]
    assert (removed["id"], removed["@removed"]) == (before, {"reason": "deleted"})


async def test_who_comes_back_is_removed_and_there_again_by_another_default_id(rig: Rig) -> None:
    message = rig.graph.deliver(USER, RAW)
    before = rig.graph.default_id(message)
    link = await delta_link(rig)

    rig.graph.move(message, "archive")
    rig.graph.move(message, "inbox")

    after = rig.graph.default_id(message)
    assert told((await rig.http.get(link)).json()) == [("removed", before), ("there", after)]


async def test_messages_of_other_folders_and_mailboxes_are_not_told(rig: Rig) -> None:
    link = await delta_link(rig)

    rig.graph.deliver(USER, RAW, folder="Inbox/Orders")
    rig.graph.deliver("sales@example.org", RAW)

    assert told(await page(rig, link)) == []


@pytest.mark.parametrize("immutable", [True, False])
@pytest.mark.parametrize("seed", range(10))
async def test_who_follows_the_links_knows_the_folder_whatever_happens_meanwhile(
    rig: Rig, seed: int, *, immutable: bool
) -> None:
    chance, known, link = Random(seed), set[str](), DELTA
    size = "odata.maxpagesize=3"
    headers = {"Prefer": f"{size}, {IMMUTABLE['Prefer']}" if immutable else size}
    messages = [rig.graph.deliver(USER, RAW) for _ in range(8)]

    for quiet in [False] * 30 + [True] * 30:
        if not quiet:
            for _ in range(chance.randrange(4)):
                _happen(rig, chance, messages)
        body = (await rig.http.get(link, headers=headers)).json()
        for kind, message_id in told(body):
            (known.add if kind == "there" else known.discard)(message_id)
        link = body.get("@odata.nextLink") or body["@odata.deltaLink"]

    url = DELTA.removesuffix("/delta") + "?$top=100"
    listed = (await rig.http.get(url, headers=headers)).json()["value"]
    assert known == {each["id"] for each in listed}
    assert known


def _happen(rig: Rig, chance: Random, messages: list[str]) -> None:
    """One thing, of those that befall a mailbox."""
    message = chance.choice(messages)
    match chance.randrange(6):
        case 0:
            messages.remove(message)
            rig.graph.delete(message)
            messages.append(rig.graph.deliver(USER, RAW))
        case 1:
            rig.graph.mark_read(message)
        case 2 | 3:
            rig.graph.move(message, chance.choice(["inbox", "archive"]))
        case _:
            messages.append(rig.graph.deliver(USER, RAW, chance.choice(["inbox", "archive"])))


# --- What is asked for --------------------------------------------------------------------------


async def test_what_is_selected_at_first_stays_so_in_every_link(rig: Rig) -> None:
    rig.graph.deliver(USER, RAW)
    link = await delta_link(rig, f"{DELTA}?$select=subject")
    rig.graph.deliver(USER, RAW)

    [item] = (await page(rig, link))["value"]

    assert set(item) == {"@odata.type", "@odata.etag", "id", "subject"}


@pytest.mark.parametrize(
    ("kind", "number"), [("created", 1), ("updated", 1), ("deleted", 1), ("", 3)]
)
async def test_changes_of_one_kind_can_be_asked_for(rig: Rig, kind: str, number: int) -> None:
    read, thrown_away = rig.graph.deliver(USER, RAW), rig.graph.deliver(USER, RAW)
    link = await delta_link(rig, f"{DELTA}?changeType={kind}")
    rig.graph.mark_read(read)
    rig.graph.move(thrown_away, "deleteditems")
    rig.graph.deliver(USER, RAW)

    assert len((await page(rig, link))["value"]) == number


async def test_a_round_can_begin_at_a_time_of_receipt(rig: Rig, clock: ManualClock) -> None:
    rig.graph.deliver(USER, RAW)
    clock.advance(timedelta(minutes=30))
    message = rig.graph.deliver(USER, RAW)

    body = await page(rig, f"{DELTA}?$filter=receivedDateTime+ge+2030-01-01T00:30:00Z")

    assert told(body) == [("there", message)]


async def test_a_round_from_a_time_on_lists_so_many_messages_and_no_more(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delta, "MOST_FILTERED", 3)
    for _ in range(5):
        rig.graph.deliver(USER, RAW)

    filtered = await page(rig, f"{DELTA}?$filter=receivedDateTime+ge+2029-01-01T00:00:00Z")

    assert len(filtered["value"]) == 3
    assert len((await page(rig, DELTA))["value"]) == 5


@pytest.mark.parametrize(
    "query",
    [
        "$search=hello",
        "$filter=receivedDateTime+lt+2030-01-01T00:00:00Z",
        "$filter=isRead+eq+false",
        "$orderby=receivedDateTime+asc",
    ],
)
async def test_change_tracking_takes_few_queries(rig: Rig, query: str) -> None:
    assert (await rig.http.get(f"{DELTA}?{query}")).status_code == 400


# --- Tokens that end ----------------------------------------------------------------------------


@pytest.mark.parametrize("code", ["SyncStateNotFound", "SyncStateInvalid", "resyncRequired"])
async def test_an_expired_token_is_gone_and_a_new_round_begins_without_one(
    rig: Rig, code: str
) -> None:
    message = rig.graph.deliver(USER, RAW)
    link = await delta_link(rig)
    rig.graph.expire_delta_tokens(code)

    answer = await rig.http.get(link)

    assert (answer.status_code, answer.json()["error"]["code"]) == (410, code)
    assert told(await page(rig, DELTA)) == [("there", message)]


async def test_where_to_begin_anew_is_told_when_a_resync_is_required(rig: Rig) -> None:
    message = rig.graph.deliver(USER, RAW)
    link = await delta_link(rig)
    rig.graph.expire_delta_tokens("resyncRequired")

    location = (await rig.http.get(link)).headers["Location"]

    assert told(await page(rig, location)) == [("there", message)]


async def test_tokens_end_with_their_time_and_new_ones_do_not(rig: Rig, clock: ManualClock) -> None:
    rig.graph.limit_delta_tokens(timedelta(minutes=30))
    link = await delta_link(rig)
    clock.advance(timedelta(minutes=29))
    renewed = await delta_link(rig, link)
    clock.advance(timedelta(minutes=1))

    assert (await rig.http.get(link)).json()["error"]["code"] == "SyncStateNotFound"
    assert (await rig.http.get(renewed)).status_code == 200


async def test_a_token_is_good_for_its_own_folder_alone(rig: Rig) -> None:
    token = (await delta_link(rig)).partition("=')/messages/delta")[2]
    elsewhere = DELTA.replace("inbox", "archive") + token

    answer = await rig.http.get(elsewhere)

    assert (answer.status_code, answer.json()["error"]["code"]) == (410, "SyncStateInvalid")


async def test_the_folder_that_is_followed_can_be_removed(rig: Rig) -> None:
    orders = rig.graph.add_folder(USER, "Inbox/Orders")
    link = await delta_link(rig, DELTA.replace("inbox", orders))
    rig.graph.remove_folder(USER, "Inbox/Orders")

    answer = await rig.http.get(link)

    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "ErrorItemNotFound")
