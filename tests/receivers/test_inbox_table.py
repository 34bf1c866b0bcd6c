"""The program of docs/applications that takes its mail from a table, killed and cut off."""

from collections.abc import AsyncIterator
from pathlib import Path

import psycopg
import pytest

from tests.end_to_end.processes import until
from tests.receivers.calls import new_key
from tests.receivers.inbox import TABLE, Inbox
from tests.receivers.link import Link, Moment
from tests.receivers.rig import database_for_receivers, socket_of


@pytest.fixture
async def inbox(postgres_url: str, tmp_path: Path) -> AsyncIterator[Inbox]:
    url = database_for_receivers(postgres_url)
    with psycopg.connect(url) as connection:
        connection.execute(TABLE)
    async with Link(socket_of(url)) as link:
        inbox = Inbox(url, link, tmp_path)
        with inbox.all_ended():
            yield inbox


def keys(count: int) -> list[str]:
    return [new_key() for _ in range(count)]


def once(keys: list[str]) -> dict[str, int]:
    return dict.fromkeys(keys, 1)


async def test_what_is_there_and_what_comes_is_taken_once(inbox: Inbox) -> None:
    before, after = keys(3), keys(3)
    inbox.hand_over(before)
    inbox.start()
    await until(lambda: inbox.tickets() == once(before), "those before it was started")

    inbox.hand_over(after)
    await until(lambda: inbox.tickets() == once(before + after), "those that came later")

    inbox.hand_over(before)
    assert inbox.tickets() == once(before + after)


async def test_several_share_the_work(inbox: Inbox) -> None:
    many = keys(200)
    for _ in range(3):
        inbox.start()
    inbox.hand_over(many)

    await until(lambda: len(inbox.tickets()) == len(many), "all of them")
    assert inbox.tickets() == once(many)


@pytest.mark.parametrize("moment", Moment)
async def test_one_that_is_killed_loses_and_doubles_nothing(inbox: Inbox, moment: Moment) -> None:
    some = keys(5)
    inbox.hand_over(some)
    victim = inbox.start()
    inbox.link.break_at(moment, victim.kill)
    await until(inbox.link.broken.is_set, "its death")

    inbox.start()
    await until(lambda: len(inbox.tickets()) == len(some), "all of them")
    assert inbox.tickets() == once(some)


@pytest.mark.parametrize("moment", Moment)
async def test_one_that_is_cut_off_connects_again(inbox: Inbox, moment: Moment) -> None:
    some = keys(5)
    inbox.hand_over(some)
    inbox.link.break_at(moment)
    program = inbox.start()

    await until(lambda: len(inbox.tickets()) == len(some), "all of them")
    assert inbox.tickets() == once(some)
    assert program.lives


async def test_a_message_that_fails_holds_up_no_other(inbox: Inbox) -> None:
    [bad, *good] = keys(4)
    inbox.insert({bad: '{"type": "mail.received"}'})
    inbox.hand_over(good)
    inbox.start()

    await until(lambda: inbox.tickets() == once(good), "the others")
