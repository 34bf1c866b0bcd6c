"""FolderChanges: in memory, and Graph's."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from adapters.memory.clock import ManualClock
from application.ports import Arrival, ChangesPage, PositionExpired
from domain.failure import AccessFailed, Failure, Throttled, Unavailable
from domain.mailbox import Mailbox
from tests.adapters.graph_rig import ACCOUNT, a_mailbox, graph_rig
from tests.contracts.changes_stages import Graph, InMemory, Stage

MINUTE = timedelta(minutes=1)
BUSY = Throttled("busy", retry_after=timedelta(seconds=30))


@pytest.fixture(params=[InMemory, Graph])
async def stage(request: pytest.FixtureRequest, clock: ManualClock) -> AsyncIterator[Stage]:
    async with graph_rig(clock) as rig:
        rig.graph.add_folder("support@example.org", "Inbox/Orders")
        rig.graph.add_folder("sales@example.org", "Inbox/Orders")
        yield request.param(rig)


FOLDERS = ("inbox", "Inbox/Orders")


def mailbox_of(name: str = "support") -> Mailbox:
    user = f"{name}@example.org"
    found = a_mailbox(user, replace(ACCOUNT, folders=FOLDERS))
    return replace(found, id=name, address=user)


async def read(pages: AsyncIterator[ChangesPage]) -> tuple[list[Arrival], str]:
    """What was listed, without repeats, and the position at the end."""
    listed = [page async for page in pages]
    assert [page.is_last for page in listed] == [False] * (len(listed) - 1) + [True]
    found = dict.fromkeys(arrival for page in listed for arrival in page.arrivals)
    assert listed[-1].position
    return list(found), listed[-1].position


async def position_now(stage: Stage, mailbox: Mailbox, now: datetime, folder: str = "inbox") -> str:
    _, position = await read(stage.changes.received_after(mailbox, folder, now))
    return position


# --- By date ------------------------------------------------------------------------------------


async def test_a_list_by_date_leaves_out_what_came_in_before(
    stage: Stage, clock: ManualClock
) -> None:
    mailbox = mailbox_of()
    stage.receive(mailbox, 2)
    clock.advance(MINUTE)
    moment = clock.now()
    wanted = stage.receive(mailbox)
    clock.advance(MINUTE)
    wanted += stage.receive(mailbox)

    listed, _ = await read(stage.changes.received_after(mailbox, "inbox", moment))

    assert listed == wanted


async def test_a_long_list_by_date_comes_in_pages_of_which_the_last_has_the_position(
    stage: Stage, clock: ManualClock
) -> None:
    mailbox, wanted = mailbox_of(), []
    start = clock.now()
    for _ in range(5):
        wanted += stage.receive(mailbox, 50)
        clock.advance(MINUTE)

    pages = [page async for page in stage.changes.received_after(mailbox, "inbox", start)]

    assert {arrival for page in pages for arrival in page.arrivals} == set(wanted)
    assert max(len(page.arrivals) for page in pages) <= 100
    assert [bool(page.position) for page in pages] == [False] * (len(pages) - 1) + [True]


async def test_a_list_by_date_is_in_the_order_of_the_dates(
    stage: Stage, clock: ManualClock
) -> None:
    mailbox, start = mailbox_of(), clock.now()
    for minutes in (3, 1, 2):
        clock.time = start + minutes * MINUTE
        stage.receive(mailbox)

    listed, _ = await read(stage.changes.received_after(mailbox, "inbox", start))

    assert [each.received_at for each in listed] == [start + n * MINUTE for n in (1, 2, 3)]


async def test_very_many_messages_of_one_moment_are_all_listed(
    stage: Stage, clock: ManualClock
) -> None:
    mailbox = mailbox_of()
    wanted = stage.receive(mailbox, 350)

    listed, _ = await read(stage.changes.received_after(mailbox, "inbox", clock.now()))

    assert set(listed) == set(wanted)


async def test_what_comes_in_during_a_list_by_date_is_in_it_or_in_the_next(
    stage: Stage, clock: ManualClock
) -> None:
    mailbox = mailbox_of()
    wanted, listed, position = set(stage.receive(mailbox, 250)), set[Arrival](), ""
    async for page in stage.changes.received_after(mailbox, "inbox", clock.now()):
        wanted |= set(stage.receive(mailbox))
        listed |= set(page.arrivals)
        position = page.position

    later, _ = await read(stage.changes.since(mailbox, "inbox", position))

    assert listed | set(later) == wanted


async def test_a_list_by_date_finds_what_has_left_the_positions(
    stage: Stage, clock: ManualClock
) -> None:
    mailbox = mailbox_of()
    wanted = stage.receive(mailbox)
    stage.expire(mailbox)

    listed, position = await read(stage.changes.received_after(mailbox, "inbox", clock.now()))

    assert listed == wanted
    assert (await read(stage.changes.since(mailbox, "inbox", position)))[0] == []


# --- From a position ----------------------------------------------------------------------------


async def test_what_came_in_after_a_position_is_listed(stage: Stage, clock: ManualClock) -> None:
    mailbox = mailbox_of()
    stage.receive(mailbox)
    position = await position_now(stage, mailbox, clock.now())
    clock.advance(MINUTE)
    wanted = stage.receive(mailbox, 3)

    listed, reached = await read(stage.changes.since(mailbox, "inbox", position))

    assert listed == wanted
    assert (await read(stage.changes.since(mailbox, "inbox", reached)))[0] == []


async def test_a_long_list_can_be_gone_on_with_from_any_page(
    stage: Stage, clock: ManualClock
) -> None:
    mailbox = mailbox_of()
    position = await position_now(stage, mailbox, clock.now())
    wanted = stage.receive(mailbox, 250)
    async for page in stage.changes.since(mailbox, "inbox", position):
        first = page
        break

    rest, _ = await read(stage.changes.since(mailbox, "inbox", first.position))

    assert (len(first.arrivals), first.is_last) == (100, False)
    assert [*first.arrivals, *rest] == wanted


async def test_a_position_can_be_listed_from_again(stage: Stage, clock: ManualClock) -> None:
    mailbox = mailbox_of()
    position = await position_now(stage, mailbox, clock.now())
    wanted = stage.receive(mailbox, 2)

    for _ in range(2):
        assert (await read(stage.changes.since(mailbox, "inbox", position)))[0] == wanted


async def test_a_position_that_the_provider_has_forgotten_is_expired(
    stage: Stage, clock: ManualClock
) -> None:
    mailbox = mailbox_of()
    position = await position_now(stage, mailbox, clock.now())
    stage.expire(mailbox)

    with pytest.raises(PositionExpired):
        await read(stage.changes.since(mailbox, "inbox", position))


async def test_a_position_can_expire_between_two_pages(stage: Stage, clock: ManualClock) -> None:
    mailbox = mailbox_of()
    position = await position_now(stage, mailbox, clock.now())
    stage.receive(mailbox, 250)
    pages = stage.changes.since(mailbox, "inbox", position)
    await anext(pages)
    stage.expire(mailbox)

    with pytest.raises(PositionExpired):
        await anext(pages)


# --- Folders and mailboxes ----------------------------------------------------------------------


async def test_two_folders_of_a_mailbox_never_mix(stage: Stage, clock: ManualClock) -> None:
    mailbox = mailbox_of()
    positions = {name: await position_now(stage, mailbox, clock.now(), name) for name in FOLDERS}
    wanted = {name: stage.receive(mailbox, 2, folder=name) for name in FOLDERS}

    for name in FOLDERS:
        by_position = await read(stage.changes.since(mailbox, name, positions[name]))
        by_date = await read(stage.changes.received_after(mailbox, name, clock.now()))
        assert by_position[0] == by_date[0] == wanted[name]


async def test_two_mailboxes_of_a_tenant_never_mix(stage: Stage, clock: ManualClock) -> None:
    support, sales = mailbox_of("support"), mailbox_of("sales")
    wanted = {each.id: stage.receive(each, 2) for each in (support, sales)}

    for each in (support, sales):
        listed, _ = await read(stage.changes.received_after(each, "inbox", clock.now()))
        assert listed == wanted[each.id]


async def test_a_folder_that_is_not_there_is_a_matter_of_access(
    stage: Stage, clock: ManualClock
) -> None:
    with pytest.raises(AccessFailed):
        await read(stage.changes.received_after(mailbox_of(), "Inbox/Nowhere", clock.now()))


async def test_a_folder_that_has_gone_is_a_matter_of_access(
    stage: Stage, clock: ManualClock
) -> None:
    mailbox = mailbox_of()
    position = await position_now(stage, mailbox, clock.now(), "Inbox/Orders")
    stage.remove_folder(mailbox, "Inbox/Orders")

    with pytest.raises(AccessFailed):
        await read(stage.changes.since(mailbox, "Inbox/Orders", position))
    with pytest.raises(AccessFailed):
        await read(stage.changes.received_after(mailbox, "Inbox/Orders", clock.now()))


@pytest.mark.parametrize("failure", [BUSY, Unavailable("away")])
async def test_a_provider_in_trouble_says_so(
    stage: Stage, clock: ManualClock, failure: Throttled | Unavailable
) -> None:
    mailbox = mailbox_of()
    position = await position_now(stage, mailbox, clock.now())
    stage.break_down(mailbox, failure)

    with pytest.raises(Failure) as raised:
        await read(stage.changes.since(mailbox, "inbox", position))

    assert type(raised.value) is type(failure)
    assert getattr(raised.value, "retry_after", None) == failure.retry_after
