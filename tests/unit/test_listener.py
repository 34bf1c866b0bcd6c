from dataclasses import replace
from datetime import timedelta

import pytest

from postroom.domain.failure import AccessFailed, Unavailable
from postroom.domain.mailbox import Mailbox, Pause, PausedBy, Secret
from postroom.entrypoints.listener import RECONNECT
from tests.contracts.samples import IMAP, google_mailbox, microsoft_mailbox
from tests.unit.listener_rig import (
    ACCESS_PAUSE,
    BILLING,
    BOUND,
    NOW,
    ONE_FOLDER,
    REFRESH,
    SUPPORT,
    Buggy,
    Failing,
    HangingUp,
    Opened,
    Rig,
    settle,
)

BY_HAND = Pause(PausedBy.OPERATOR, "by hand", NOW)


@pytest.fixture
def rig() -> Rig:
    return Rig()


# --- What is listened to ------------------------------------------------------------------------


async def test_mail_that_waits_and_mail_that_comes_is_queued(rig: Rig) -> None:
    rig.folders.deliver(SUPPORT, NOW)
    async with rig.listening():
        assert await rig.queued() == [("support", "INBOX", 1)]

        rig.folders.deliver(SUPPORT, NOW)
        await settle()
        assert await rig.queued() == [("support", "INBOX", 2)]


async def test_the_folders_of_the_account_are_listened_to_and_no_others(rig: Rig) -> None:
    mailbox = replace(SUPPORT, account=replace(IMAP, folders=("Anfragen", "Möbel")))
    rig.registry.listed = [mailbox]
    for folder in ("INBOX", "Anfragen", "Möbel"):
        rig.folders.deliver(mailbox, NOW, folder=folder)

    async with rig.listening():
        assert sorted(await rig.queued()) == [("support", "Anfragen", 1), ("support", "Möbel", 1)]


async def test_only_imap_mailboxes_that_receive_are_listened_to(rig: Rig) -> None:
    paused = replace(SUPPORT, paused=BY_HAND)
    rig.registry.listed = [google_mailbox(), microsoft_mailbox(), paused]

    async with rig.listening():
        assert rig.folders.sessions(SUPPORT) == 0


async def test_a_mailbox_that_is_added_is_listened_to_at_the_next_look(rig: Rig) -> None:
    async with rig.listening():
        rig.registry.listed.append(BILLING)
        rig.folders.deliver(BILLING, NOW)
        await rig.waits.let_pass(REFRESH)

        assert await rig.queued() == [("billing", "INBOX", 1)]
        assert rig.folders.sessions(SUPPORT) == 1


@pytest.mark.parametrize("remaining", [[], [replace(SUPPORT, paused=BY_HAND)]])
async def test_a_mailbox_that_is_removed_or_paused_is_let_go_of(
    rig: Rig, remaining: list[Mailbox]
) -> None:
    rig.registry.listed.append(BILLING)
    async with rig.listening():
        assert rig.folders.sessions(SUPPORT) == 1

        rig.registry.listed = [*remaining, BILLING]
        await rig.waits.let_pass(REFRESH)
        assert rig.folders.sessions(SUPPORT) == 0
        assert rig.folders.sessions(BILLING) == 1


async def test_a_mailbox_that_was_changed_is_logged_in_to_anew(rig: Rig) -> None:
    """A new password, say, after the old one was refused: nobody waits out the pause."""
    rig.folders.break_down(SUPPORT, AccessFailed("the password is wrong"))
    async with rig.listening():
        assert rig.waits.of_trouble() == [ACCESS_PAUSE]

        rig.folders.mend(SUPPORT)
        changed = replace(ONE_FOLDER, password=Secret("new"))
        rig.registry.listed = [replace(SUPPORT, account=changed)]
        await rig.waits.let_pass(REFRESH)
        assert rig.folders.sessions(SUPPORT) == 1


async def test_mailboxes_that_did_not_change_keep_their_connections(rig: Rig) -> None:
    opened = Opened(rig.folders)
    async with rig.listening(opened):
        await rig.waits.let_pass(REFRESH)
        await rig.waits.let_pass(REFRESH)

    assert opened.count == 1


async def test_while_mailboxes_cannot_be_looked_up_the_known_ones_go_on(rig: Rig) -> None:
    async with rig.listening():
        rig.registry.failure = Unavailable("PostgreSQL is away")
        for _ in range(3):
            await rig.waits.let_pass(REFRESH)
        rig.folders.deliver(SUPPORT, NOW)
        await settle()
        assert await rig.queued() == [("support", "INBOX", 1)]

        rig.registry.failure = None
        rig.registry.listed.append(BILLING)
        await rig.waits.let_pass(REFRESH)
        assert rig.folders.sessions(BILLING) == 1
    told = [entry for entry in rig.logs if entry["event"] == "mailboxes cannot be looked up"]
    assert [entry["reason"] for entry in told] == ["PostgreSQL is away"]


# --- Trouble ------------------------------------------------------------------------------------


async def test_a_mailbox_that_fails_does_not_disturb_another(rig: Rig) -> None:
    rig.registry.listed.append(BILLING)
    async with rig.listening():
        for failure in (Unavailable("away"), AccessFailed("refused")):
            rig.folders.break_down(SUPPORT, failure)
            await settle()
            rig.folders.deliver(BILLING, NOW)
            await settle()

        assert [mailbox for mailbox, _, _ in await rig.queued()] == ["billing", "billing"]
        assert rig.events(of=BILLING) == []


async def test_a_mailbox_that_is_away_is_called_on_less_and_less_often(rig: Rig) -> None:
    rig.folders.break_down(SUPPORT, Unavailable("away"))
    async with rig.listening():
        for seconds in (1, 2, 4, 8, 16, 32, 60):
            await rig.waits.let_pass(seconds)

        assert rig.waits.of_trouble() == [1, 2, 4, 8, 16, 32, 60, 60]


def test_reconnecting_is_spread_so_that_not_all_call_at_once() -> None:
    draws = {RECONNECT.backoff(7) for _ in range(20)}

    assert len(draws) > 1
    assert max(draws) <= timedelta(minutes=1)


async def test_trouble_is_told_once_and_its_end_as_well(rig: Rig) -> None:
    rig.folders.break_down(SUPPORT, Unavailable("away"))
    async with rig.listening():
        for seconds in (1, 2, 4):
            await rig.waits.let_pass(seconds)
        assert rig.events() == ["mailbox unreachable"]

        rig.folders.mend(SUPPORT)
        await rig.waits.let_pass(8)
        assert rig.events() == ["mailbox unreachable", "mailbox reachable again"]
        (told, _) = [entry for entry in rig.logs if "mailbox" in entry]
        fields = {name: told[name] for name in ("tenant", "provider", "folder", "reason")}
        assert fields == {
            "tenant": "acme",
            "provider": "imap",
            "folder": "INBOX",
            "reason": "away",
        }


async def test_after_a_connection_that_held_trouble_begins_at_one_second(rig: Rig) -> None:
    rig.folders.break_down(SUPPORT, Unavailable("away"))
    async with rig.listening():
        for seconds in (1, 2, 4):
            await rig.waits.let_pass(seconds)
        rig.folders.mend(SUPPORT)
        await rig.waits.let_pass(8)
        rig.folders.deliver(SUPPORT, NOW)  # news prove that the connection holds
        await settle()
        rig.folders.break_down(SUPPORT, Unavailable("away"))
        await settle()

        assert rig.waits.of_trouble() == [1, 2, 4, 8, 1]


async def test_a_server_that_always_hangs_up_is_not_called_on_hot(rig: Rig) -> None:
    """It lets us in and lists the folder, but drops whoever idles."""
    async with rig.listening(HangingUp(rig.folders)):
        for seconds in (1, 2, 4):
            rig.folders.deliver(SUPPORT, NOW)
            await rig.waits.let_pass(seconds)

        assert rig.waits.of_trouble() == [1, 2, 4, 8]
        assert len(await rig.queued()) == 3


async def test_a_mailbox_that_refuses_us_is_left_alone_for_five_minutes(rig: Rig) -> None:
    rig.folders.break_down(SUPPORT, AccessFailed("the password is wrong"))
    async with rig.listening():
        for _ in range(3):
            await rig.waits.let_pass(ACCESS_PAUSE)

        assert rig.waits.of_trouble() == [ACCESS_PAUSE] * 4
        assert rig.events() == ["mailbox access failed"]


async def test_another_kind_of_trouble_is_told_again(rig: Rig) -> None:
    rig.folders.break_down(SUPPORT, Unavailable("away"))
    async with rig.listening():
        rig.folders.break_down(SUPPORT, AccessFailed("the password is wrong"))
        await rig.waits.let_pass(1)

        assert rig.events() == ["mailbox unreachable", "mailbox access failed"]


async def test_a_bug_met_in_one_folder_stops_no_other(rig: Rig) -> None:
    rig.registry.listed.append(BILLING)
    async with rig.listening(Buggy(rig.folders)):
        rig.folders.deliver(BILLING, NOW)
        await rig.waits.let_pass(1)

        assert await rig.queued() == [("billing", "INBOX", 1)]
        assert rig.events() == ["listener crashed", "listener crashed"]
        assert rig.waits.of_trouble() == [1, 2]
    assert "secret" not in str(rig.logs)


async def test_a_folder_is_listed_now_and_then_though_nothing_is_told(rig: Rig) -> None:
    async with rig.listening(
        look_again=timedelta(milliseconds=10), look_every=timedelta(milliseconds=20)
    ):
        for uid in (1, 2):  # soon after the first look, and later
            rig.folders.deliver(SUPPORT, NOW, silently=True)
            assert await rig.queued(within=timedelta(seconds=BOUND)) == [("support", "INBOX", uid)]


async def test_a_folder_is_listed_again_soon_after_news(rig: Rig) -> None:
    """Some servers do not tell of what came between a listing and IDLE."""
    async with rig.listening(look_again=timedelta(milliseconds=10)):
        rig.folders.deliver(SUPPORT, NOW)
        await settle()
        assert len(await rig.queued()) == 1

        rig.folders.deliver(SUPPORT, NOW, silently=True)
        assert await rig.queued(within=timedelta(seconds=BOUND)) == [("support", "INBOX", 2)]


async def test_what_cannot_be_queued_is_queued_later(rig: Rig) -> None:
    rig.queue = Failing(rig.clock)
    rig.folders.deliver(SUPPORT, NOW)
    async with rig.listening():
        assert await rig.queued() == []
        await rig.waits.let_pass(1)

        assert await rig.queued() == [("support", "INBOX", 1)]


# --- Beginning and end --------------------------------------------------------------------------


async def test_a_listener_that_is_stopped_closes_its_connections(rig: Rig) -> None:
    rig.registry.listed.append(BILLING)
    async with rig.listening():
        assert rig.folders.sessions(SUPPORT) == rig.folders.sessions(BILLING) == 1

    assert rig.folders.sessions(SUPPORT) == rig.folders.sessions(BILLING) == 0
    assert [entry["event"] for entry in rig.logs] == ["listener started", "listener stopped"]


async def test_a_listener_is_stopped_even_while_it_waits_for_trouble_to_pass(rig: Rig) -> None:
    rig.folders.break_down(SUPPORT, AccessFailed("the password is wrong"))
    async with rig.listening():
        pass

    assert rig.events() == ["mailbox access failed"]


async def test_two_listeners_do_no_harm(rig: Rig) -> None:
    async with rig.listening(), rig.listening():
        rig.folders.deliver(SUPPORT, NOW)
        await settle()

        assert await rig.queued() == [("support", "INBOX", 1)]


async def test_nothing_personal_is_told(rig: Rig) -> None:
    rig.folders.break_down(SUPPORT, Unavailable("away"))
    async with rig.listening():
        await rig.waits.let_pass(1)

    told = str(rig.logs)
    for personal in (SUPPORT.address, IMAP.username + "@", IMAP.password.value):
        assert personal not in told
