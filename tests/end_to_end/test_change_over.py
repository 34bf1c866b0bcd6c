"""The change from an old system under traffic: exactly one of the two handles each message."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import pytest

from tests.databases import new_database
from tests.end_to_end.change_rig import Site, a_site
from tests.end_to_end.processes import until

pytestmark = pytest.mark.timeout(900)


@pytest.fixture
async def site(postgres_url: str, tmp_path: Path) -> AsyncIterator[Site]:
    database = await asyncio.to_thread(new_database, postgres_url)
    async with a_site(tmp_path, database) as site:
        yield site


async def begin_in_shadow(site: Site) -> datetime:
    """Beside the old system, until both have some mail; returns a moment T of that time."""
    site.old.start()
    await site.set_ingress("shadow")
    await until(lambda: site.count("shadow") >= 20, "mail is accepted in shadow")
    moment = await site.more_mail()
    await until(lambda: site.count("shadow", since=moment) >= 10, "mail is accepted in shadow")
    return moment


async def stop_the_old_system(site: Site) -> None:
    """Then nobody handles mail, and it goes on coming."""
    await site.set_ingress("off")
    await site.more_mail()
    await asyncio.to_thread(site.old.stop)
    await site.more_mail()


async def test_each_message_is_handled_by_one_of_the_two_there_and_back(
    site: Site, tmp_path: Path
) -> None:
    file = tmp_path / "handled.csv"
    async with site.mail():
        moment = await begin_in_shadow(site)
        assert not site.application.effects

        await stop_the_old_system(site)
        site.old.export(file, moment)
        released = await site.release(file, moment)
        await site.set_ingress("queue")
        await site.hurry()
        await until(lambda: len(site.application.effects) >= 20, "Postroom hands over")

        handed_over = len(site.application.effects)
        again = await site.release(file, moment)
        await until(lambda: len(site.application.effects) >= handed_over + 20, "it goes on")

        await there_and_back(site)
        await until(lambda: site.count("shadow") >= 20, "mail is accepted in shadow again")
    await until(lambda: site.old.effects[last_of(site)], "the old system has come to the last")
    assert site.lost == []

    assert released["before"] > 0
    assert released["listed"] > 0
    assert released["waiting"] + released["noted"] > 0
    assert (again["before"], again["listed"], again["waiting"]) == (0, 0, 0)
    assert site.doubled == []
    assert len(site.old.effects) + len(site.application.effects) == len(site.came)


def last_of(site: Site) -> str:
    return list(site.came)[-1]


async def there_and_back(site: Site) -> None:
    """The way back: what Postroom has handled is the list that the old system goes by now."""
    await site.set_ingress("off")
    await site.until_handed_over()
    outcomes = await site.run("outcomes", "--tenant", "acme", "--limit", "10000")
    site.old.elsewhere = {
        f"<{each['identity'].removeprefix('rfc5322:')}>"
        for each in outcomes
        if each["outcome"] == "completed"
    }
    site.old.start()
    await site.set_ingress("shadow")
    await site.hurry()


async def test_without_the_list_messages_are_handled_twice(site: Site, tmp_path: Path) -> None:
    file = tmp_path / "nothing.csv"
    async with site.mail():
        moment = await begin_in_shadow(site)
        await stop_the_old_system(site)
        file.write_text("message_id,mailbox,handled_at\n")
        await site.release(file, moment)
        await site.set_ingress("queue")
        await site.hurry()
        await until(lambda: site.doubled, "messages are handled twice")


async def test_from_a_wrong_moment_on_messages_are_lost(site: Site, tmp_path: Path) -> None:
    file = tmp_path / "handled.csv"
    async with site.mail():
        moment = await begin_in_shadow(site)
        await stop_the_old_system(site)
        site.old.export(file, moment)
        too_late = await site.more_mail(40)
        await site.release(file, too_late)
        await site.set_ingress("queue")
        await site.hurry()
        await until(lambda: site.application.effects, "Postroom hands over")
    await until(lambda: site.handled[last_of(site)], "the last message is handled")
    await site.until_handed_over()

    assert site.lost
