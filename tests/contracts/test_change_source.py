"""ChangeSource: in memory, and that of each provider."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest

from postroom.adapters.memory.clock import ManualClock
from postroom.application.ports import (
    Arrival,
    BackfillPage,
    ChangeSource,
    ChangesPage,
    PositionExpired,
)
from postroom.domain.failure import AccessFailed, Failure, Throttled, Unavailable
from postroom.domain.mailbox import Mailbox
from tests.contracts.changes_stages import STAGES, Stage

PORTS = {ChangeSource}

MINUTE = timedelta(minutes=1)
BUSY = Throttled("busy", retry_after=timedelta(seconds=30))


@pytest.fixture(params=STAGES, ids=lambda opened: opened.__name__)
async def stage(request: pytest.FixtureRequest, clock: ManualClock) -> AsyncIterator[Stage]:
    async with request.param(clock) as stage:
        yield stage


async def read(pages: AsyncIterator[ChangesPage]) -> tuple[list[Arrival], str]:
    """What was listed, without repeats, and the position at the end."""
    listed = [page async for page in pages]
    assert [page.is_last for page in listed] == [False] * (len(listed) - 1) + [True]
    assert all(page.position for page in listed)
    found = dict.fromkeys(arrival for page in listed for arrival in page.arrivals)
    return list(found), listed[-1].position


async def dated(pages: AsyncIterator[BackfillPage]) -> list[Arrival]:
    """What was listed by date, without repeats; one page at least."""
    listed = [page async for page in pages]
    assert listed
    return list(dict.fromkeys(arrival for page in listed for arrival in page.arrivals))


async def position_now(stage: Stage, mailbox: Mailbox, folder: str = "") -> str:
    """A position behind all that is in the folder."""
    name = folder or stage.folders[0]
    start = await stage.changes.position(mailbox, name)
    _, position = await read(stage.changes.since(mailbox, name, start))
    return position


# --- By date ------------------------------------------------------------------------------------


async def test_a_list_by_date_leaves_out_what_came_in_before(
    stage: Stage, clock: ManualClock
) -> None:
    mailbox = stage.mailbox()
    stage.receive(mailbox, 2)
    clock.advance(MINUTE)
    moment = clock.now()
    wanted = stage.receive(mailbox)
    clock.advance(MINUTE)
    wanted += stage.receive(mailbox)

    listed = await dated(stage.changes.received_after(mailbox, stage.folders[0], moment))

    assert listed == wanted


async def test_a_long_list_by_date_comes_in_pages(stage: Stage, clock: ManualClock) -> None:
    mailbox, wanted = stage.mailbox(), []
    start = clock.now()
    for _ in range(5):
        wanted += stage.receive(mailbox, 50)
        clock.advance(MINUTE)

    pages = [page async for page in stage.changes.received_after(mailbox, stage.folders[0], start)]

    assert {arrival for page in pages for arrival in page.arrivals} == set(wanted)
    assert max(len(page.arrivals) for page in pages) <= stage.page_size


async def test_a_list_by_date_is_in_the_order_of_the_dates(
    stage: Stage, clock: ManualClock
) -> None:
    mailbox, start, received = stage.mailbox(), clock.now(), dict[int, Arrival]()
    for minutes in (3, 1, 2):
        clock.time = start + minutes * MINUTE
        [received[minutes]] = stage.receive(mailbox)

    listed = await dated(stage.changes.received_after(mailbox, stage.folders[0], start))

    assert listed == [received[minutes] for minutes in (1, 2, 3)]


async def test_all_that_came_in_before_what_a_page_has_reached_is_listed_by_then(
    stage: Stage, clock: ManualClock
) -> None:
    mailbox, start = stage.mailbox(), clock.now()
    received = _receive_each_minute(stage, mailbox, clock)
    listed, reached = set[Arrival](), []
    async for page in stage.changes.received_after(mailbox, stage.folders[0], start):
        listed |= set(page.arrivals)
        if page.reached:
            reached.append(page.reached)
            assert {each for date, each in received if date < page.reached} <= listed

    assert reached == sorted(reached)
    assert all(start <= each <= clock.now() for each in reached)


async def test_a_list_by_date_can_be_gone_on_with_from_what_a_page_has_reached(
    stage: Stage, clock: ManualClock
) -> None:
    mailbox, moment = stage.mailbox(), clock.now()
    received = _receive_each_minute(stage, mailbox, clock)
    listed = set[Arrival]()
    async for page in stage.changes.received_after(mailbox, stage.folders[0], moment):
        listed |= set(page.arrivals)
        if page.reached:
            moment = page.reached
            break

    rest = await dated(stage.changes.received_after(mailbox, stage.folders[0], moment))

    assert listed | set(rest) == {each for _, each in received}


def _receive_each_minute(
    stage: Stage, mailbox: Mailbox, clock: ManualClock
) -> list[tuple[datetime, Arrival]]:
    """More than two pages, each message with the moment at which it came in."""
    received = []
    for _ in range(5):
        received += [(clock.now(), each) for each in stage.receive(mailbox, stage.page_size // 2)]
        clock.advance(MINUTE)
    return received


async def test_very_many_messages_of_one_moment_are_all_listed(
    stage: Stage, clock: ManualClock
) -> None:
    mailbox = stage.mailbox()
    wanted = stage.receive(mailbox, 350)

    listed = await dated(stage.changes.received_after(mailbox, stage.folders[0], clock.now()))

    assert set(listed) == set(wanted)


async def test_a_list_by_date_of_nothing_is_an_empty_page(stage: Stage, clock: ManualClock) -> None:
    mailbox = stage.mailbox()
    stage.receive(mailbox)
    moment = clock.now() + MINUTE

    assert await dated(stage.changes.received_after(mailbox, stage.folders[0], moment)) == []


async def test_what_comes_in_during_a_list_by_date_is_in_it_or_after_the_start_before_it(
    stage: Stage, clock: ManualClock
) -> None:
    mailbox = stage.mailbox()
    wanted, listed = set(stage.receive(mailbox, 250)), set[Arrival]()
    start = await stage.changes.position(mailbox, stage.folders[0])
    async for page in stage.changes.received_after(mailbox, stage.folders[0], clock.now()):
        wanted |= set(stage.receive(mailbox))
        listed |= set(page.arrivals)

    later, _ = await read(stage.changes.since(mailbox, stage.folders[0], start))

    assert listed | set(later) == wanted


async def test_a_list_by_date_and_a_new_start_find_what_an_expired_position_has_lost(
    stage: Stage, clock: ManualClock
) -> None:
    mailbox = stage.mailbox()
    wanted = stage.receive(mailbox)
    stage.expire(mailbox)

    position = await position_now(stage, mailbox)
    found = await dated(stage.changes.received_after(mailbox, stage.folders[0], clock.now()))

    # What pointed at them may be void as well.
    assert [each.received_at for each in found] == [each.received_at for each in wanted]
    assert (await read(stage.changes.since(mailbox, stage.folders[0], position)))[0] == []


# --- From a start -------------------------------------------------------------------------------


async def test_what_comes_in_after_a_start_is_listed_even_long_before_a_page_is_read(
    stage: Stage, clock: ManualClock
) -> None:
    mailbox = stage.mailbox()
    start = await stage.changes.position(mailbox, stage.folders[0])
    wanted = stage.receive(mailbox, 2)
    clock.advance(timedelta(days=3))
    wanted += stage.receive(mailbox, 2)

    listed, position = await read(stage.changes.since(mailbox, stage.folders[0], start))

    assert set(listed) == set(wanted)
    assert (await read(stage.changes.since(mailbox, stage.folders[0], position)))[0] == []


async def test_what_comes_in_between_two_pages_after_a_start_is_listed_then_or_next(
    stage: Stage, clock: ManualClock
) -> None:
    mailbox = stage.mailbox()
    start = await stage.changes.position(mailbox, stage.folders[0])
    wanted, listed, position = set(stage.receive(mailbox, 250)), set[Arrival](), ""
    async for page in stage.changes.since(mailbox, stage.folders[0], start):
        listed |= set(page.arrivals)
        position = page.position
        clock.advance(MINUTE)
        if len(listed) < 250:
            wanted |= set(stage.receive(mailbox))

    later, _ = await read(stage.changes.since(mailbox, stage.folders[0], position))

    assert listed | set(later) == wanted


async def test_what_follows_a_start_can_be_gone_on_with_from_any_page(
    stage: Stage, clock: ManualClock
) -> None:
    mailbox = stage.mailbox()
    position = await stage.changes.position(mailbox, stage.folders[0])
    wanted, listed, is_last = set(stage.receive(mailbox, 250)), set[Arrival](), False
    while not is_last:  # each page is the only one of its list that is read
        page = await anext(stage.changes.since(mailbox, stage.folders[0], position))
        assert not listed & set(page.arrivals)
        listed |= set(page.arrivals)
        position, is_last = page.position, page.is_last
        clock.advance(MINUTE)

    assert listed == wanted


async def test_from_a_start_one_can_list_again(stage: Stage, clock: ManualClock) -> None:
    mailbox = stage.mailbox()
    start = await stage.changes.position(mailbox, stage.folders[0])
    wanted = stage.receive(mailbox)
    first, _ = await read(stage.changes.since(mailbox, stage.folders[0], start))
    clock.advance(MINUTE)
    wanted += stage.receive(mailbox)

    again, _ = await read(stage.changes.since(mailbox, stage.folders[0], start))

    assert (first, set(again)) == (wanted[:1], set(wanted))


# --- From a position ----------------------------------------------------------------------------


async def test_what_came_in_after_a_position_is_listed(stage: Stage, clock: ManualClock) -> None:
    mailbox = stage.mailbox()
    stage.receive(mailbox)
    position = await position_now(stage, mailbox)
    clock.advance(MINUTE)
    wanted = stage.receive(mailbox, 3)

    listed, reached = await read(stage.changes.since(mailbox, stage.folders[0], position))

    assert listed == wanted
    assert (await read(stage.changes.since(mailbox, stage.folders[0], reached)))[0] == []


async def test_where_changes_have_numbers_none_is_greater_than_that_of_the_position(
    stage: Stage,
) -> None:
    mailbox = stage.mailbox()
    position = await position_now(stage, mailbox)
    stage.receive(mailbox, 3)

    listed, reached = await read(stage.changes.since(mailbox, stage.folders[0], position))

    numbers = [each.number for each in listed]
    start, end = stage.changes.number(position), stage.changes.number(reached)
    if any(numbers):
        assert start < numbers[0] < numbers[1] < numbers[2] <= end
    else:
        assert numbers == [0, 0, 0]


async def test_a_long_list_can_be_gone_on_with_from_any_page(
    stage: Stage, clock: ManualClock
) -> None:
    mailbox = stage.mailbox()
    position = await position_now(stage, mailbox)
    wanted = stage.receive(mailbox, 250)
    async for page in stage.changes.since(mailbox, stage.folders[0], position):
        first = page
        break

    rest, _ = await read(stage.changes.since(mailbox, stage.folders[0], first.position))

    assert (len(first.arrivals), first.is_last) == (stage.page_size, False)
    assert [*first.arrivals, *rest] == wanted


async def test_a_position_can_be_listed_from_again(stage: Stage, clock: ManualClock) -> None:
    mailbox = stage.mailbox()
    position = await position_now(stage, mailbox)
    wanted = stage.receive(mailbox, 2)

    for _ in range(2):
        assert (await read(stage.changes.since(mailbox, stage.folders[0], position)))[0] == wanted


async def test_a_position_that_the_provider_has_forgotten_is_expired(
    stage: Stage, clock: ManualClock
) -> None:
    mailbox = stage.mailbox()
    position = await position_now(stage, mailbox)
    stage.expire(mailbox)

    with pytest.raises(PositionExpired):
        await read(stage.changes.since(mailbox, stage.folders[0], position))


async def test_a_position_can_expire_between_two_pages(stage: Stage, clock: ManualClock) -> None:
    mailbox = stage.mailbox()
    position = await position_now(stage, mailbox)
    stage.receive(mailbox, 250)
    pages = stage.changes.since(mailbox, stage.folders[0], position)
    await anext(pages)
    stage.expire(mailbox)

    with pytest.raises(PositionExpired):
        await anext(pages)


# --- Folders and mailboxes ----------------------------------------------------------------------


async def test_two_folders_of_a_mailbox_never_mix(stage: Stage, clock: ManualClock) -> None:
    mailbox = stage.mailbox()
    positions = {name: await position_now(stage, mailbox, name) for name in stage.folders}
    wanted = {name: stage.receive(mailbox, 2, folder=name) for name in stage.folders}

    for name in stage.folders:
        by_position, _ = await read(stage.changes.since(mailbox, name, positions[name]))
        by_date = await dated(stage.changes.received_after(mailbox, name, clock.now()))
        assert by_position == by_date == wanted[name]


async def test_two_mailboxes_of_a_tenant_never_mix(stage: Stage, clock: ManualClock) -> None:
    support, sales = stage.mailbox("support"), stage.mailbox("sales")
    starts = {
        each.id: await stage.changes.position(each, stage.folders[0]) for each in (support, sales)
    }
    wanted = {each.id: stage.receive(each, 2) for each in (support, sales)}

    for each in (support, sales):
        listed, _ = await read(stage.changes.since(each, stage.folders[0], starts[each.id]))
        by_date = await dated(stage.changes.received_after(each, stage.folders[0], clock.now()))
        assert listed == by_date == wanted[each.id]


async def test_a_folder_that_is_not_there_is_a_matter_of_access(
    stage: Stage, clock: ManualClock
) -> None:
    with pytest.raises(AccessFailed):
        await stage.changes.position(stage.mailbox(), "Nowhere")
    with pytest.raises(AccessFailed):
        await dated(stage.changes.received_after(stage.mailbox(), "Nowhere", clock.now()))


async def test_a_folder_that_has_gone_is_a_matter_of_access(
    stage: Stage, clock: ManualClock
) -> None:
    mailbox = stage.mailbox()
    position = await position_now(stage, mailbox, stage.folders[-1])
    start = await stage.changes.position(mailbox, stage.folders[-1])
    stage.remove_folder(mailbox, stage.folders[-1])

    with pytest.raises(AccessFailed):
        await stage.changes.position(mailbox, stage.folders[-1])
    for each in (start, position):
        with pytest.raises(AccessFailed):
            await read(stage.changes.since(mailbox, stage.folders[-1], each))
    with pytest.raises(AccessFailed):
        await dated(stage.changes.received_after(mailbox, stage.folders[-1], clock.now()))


@pytest.mark.parametrize("failure", [BUSY, Unavailable("away")])
@pytest.mark.parametrize("place", ["start", "end"])
async def test_a_provider_in_trouble_says_so(
    stage: Stage, place: str, failure: Throttled | Unavailable
) -> None:
    mailbox = stage.mailbox()
    start, end = (
        await stage.changes.position(mailbox, stage.folders[0]),
        await position_now(stage, mailbox),
    )
    stage.break_down(mailbox, failure)

    with pytest.raises(Failure) as raised:
        await read(
            stage.changes.since(mailbox, stage.folders[0], start if place == "start" else end)
        )

    assert_same(raised.value, failure)


@pytest.mark.parametrize("failure", [BUSY, Unavailable("away")])
async def test_a_provider_in_trouble_says_so_at_the_start_and_when_asked_by_date(
    stage: Stage, clock: ManualClock, failure: Throttled | Unavailable
) -> None:
    mailbox = stage.mailbox()

    stage.break_down(mailbox, failure)
    with pytest.raises(Failure) as at_start:
        await stage.changes.position(mailbox, stage.folders[0])
    stage.break_down(mailbox, failure)
    with pytest.raises(Failure) as by_date:
        await dated(stage.changes.received_after(mailbox, stage.folders[0], clock.now()))

    for raised in (at_start, by_date):
        assert_same(raised.value, failure)


def assert_same(raised: Failure, failure: Throttled | Unavailable) -> None:
    assert type(raised) is type(failure)
    assert getattr(raised, "retry_after", None) == failure.retry_after
