from dataclasses import replace
from datetime import timedelta

import pytest

from postroom.domain.access import NO_FAILURES
from postroom.domain.account import Secret
from postroom.domain.failure import AccessFailed, Throttled, Unavailable
from postroom.domain.folder_sync import Mode
from postroom.domain.ingress import IngressMode
from postroom.domain.mailbox import Mailbox, Pause, PausedBy
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
    Crashing,
    Failing,
    HangingUp,
    Opened,
    Rig,
    settle,
)

SHORTLY = timedelta(milliseconds=30)
"""A lease that is renewed so soon that a sync that is due by the clock is made at once."""

MINUTE = timedelta(minutes=1)
BY_HAND = Pause(PausedBy.OPERATOR, "by hand", NOW)


@pytest.fixture
async def rig() -> Rig:
    rig = Rig()
    await rig.serve(SUPPORT)
    return rig


# --- What is listened to ------------------------------------------------------------------------


async def test_mail_that_waits_and_mail_that_comes_is_queued(rig: Rig) -> None:
    rig.deliver(SUPPORT)
    async with rig.listening():
        assert await rig.queued() == [("support", "INBOX", 1)]

        rig.deliver(SUPPORT)
        await settle()
        assert await rig.queued() == [("support", "INBOX", 2)]


async def test_the_folders_of_the_account_are_listened_to_and_no_others(rig: Rig) -> None:
    mailbox = replace(SUPPORT, account=replace(IMAP, folders=("Anfragen", "Möbel")))
    await rig.serve(mailbox)
    for folder in ("INBOX", "Anfragen", "Möbel"):
        rig.deliver(mailbox, folder=folder)

    async with rig.listening():
        assert sorted(await rig.queued()) == [("support", "Anfragen", 2), ("support", "Möbel", 3)]


async def test_only_imap_mailboxes_that_receive_are_listened_to(rig: Rig) -> None:
    paused = replace(SUPPORT, paused=BY_HAND)
    await rig.serve(google_mailbox(), microsoft_mailbox(), paused)

    async with rig.listening():
        assert rig.source.sessions(SUPPORT) == 0


@pytest.mark.parametrize("mode", [IngressMode.SHADOW, IngressMode.OFF])
async def test_nobody_is_connected_to_whose_ingress_is_in_shadow_or_off(
    rig: Rig, mode: IngressMode
) -> None:
    rig.modes["imap"] = mode
    opened = Opened(rig.source)

    async with rig.listening(opened):
        await rig.waits.let_pass(REFRESH)
        assert opened.count == 0

        rig.modes.clear()
        await rig.waits.let_pass(REFRESH)
        assert rig.source.sessions(SUPPORT) == 1


async def test_a_mailbox_that_is_added_is_listened_to_at_the_next_look(rig: Rig) -> None:
    async with rig.listening():
        await rig.serve(SUPPORT, BILLING)
        rig.deliver(BILLING)
        await rig.waits.let_pass(REFRESH)

        assert await rig.queued() == [("billing", "INBOX", 1)]
        assert rig.source.sessions(SUPPORT) == 1


@pytest.mark.parametrize("remaining", [[], [replace(SUPPORT, paused=BY_HAND)]])
async def test_a_mailbox_that_is_removed_or_paused_is_let_go_of(
    rig: Rig, remaining: list[Mailbox]
) -> None:
    await rig.serve(SUPPORT, BILLING)
    async with rig.listening():
        assert rig.source.sessions(SUPPORT) == 1

        await rig.serve(*remaining, BILLING)
        await rig.waits.let_pass(REFRESH)
        assert rig.source.sessions(SUPPORT) == 0
        assert rig.source.sessions(BILLING) == 1


async def test_a_mailbox_that_was_changed_is_logged_in_to_anew(rig: Rig) -> None:
    """A new password, say, after the old one was refused: nobody waits out the pause."""
    rig.break_down(SUPPORT, AccessFailed("the password is wrong"))
    async with rig.listening():
        assert rig.waits.after_failures() == [ACCESS_PAUSE]

        rig.repair(SUPPORT)
        changed = replace(ONE_FOLDER, password=Secret("new"))
        await rig.serve(replace(SUPPORT, account=changed))
        await rig.waits.let_pass(REFRESH)
        assert rig.source.sessions(SUPPORT) == 1


async def test_mailboxes_that_did_not_change_keep_their_connections(rig: Rig) -> None:
    opened = Opened(rig.source)
    async with rig.listening(opened):
        await rig.waits.let_pass(REFRESH)
        await rig.serve(replace(SUPPORT, access=NO_FAILURES.failed(NOW)))
        await rig.waits.let_pass(REFRESH)

    assert opened.count == 1


async def test_while_mailboxes_cannot_be_looked_up_the_known_ones_go_on(rig: Rig) -> None:
    async with rig.listening():
        rig.registry.failure = Unavailable("PostgreSQL is away")
        for _ in range(3):
            await rig.waits.let_pass(REFRESH)
        rig.deliver(SUPPORT)
        await settle()
        assert await rig.queued() == [("support", "INBOX", 1)]

        rig.registry.failure = None
        await rig.serve(SUPPORT, BILLING)
        await rig.waits.let_pass(REFRESH)
        assert rig.source.sessions(BILLING) == 1
    told = [entry for entry in rig.logs if entry["event"] == "mailboxes cannot be looked up"]
    assert [entry["reason"] for entry in told] == ["PostgreSQL is away"]


# --- Trouble ------------------------------------------------------------------------------------


async def test_a_mailbox_that_fails_does_not_disturb_another(rig: Rig) -> None:
    await rig.serve(SUPPORT, BILLING)
    async with rig.listening():
        for failure in (Unavailable("away"), AccessFailed("refused")):
            rig.break_down(SUPPORT, failure)
            await settle()
            rig.deliver(BILLING)
            await settle()

        assert [mailbox for mailbox, _, _ in await rig.queued()] == ["billing", "billing"]
        assert set(rig.events(of=BILLING)) == {"mail found"}


async def test_a_mailbox_that_is_away_is_called_on_less_and_less_often(rig: Rig) -> None:
    rig.break_down(SUPPORT, Unavailable("away"))
    async with rig.listening():
        for seconds in (1, 2, 4, 8, 16, 32, 60):
            await rig.waits.let_pass(seconds)

        assert rig.waits.after_failures() == [1, 2, 4, 8, 16, 32, 60, 60]


def test_reconnecting_is_spread_so_that_not_all_call_at_once() -> None:
    draws = {RECONNECT.backoff(7) for _ in range(20)}

    assert len(draws) > 1
    assert max(draws) <= timedelta(minutes=1)


async def test_trouble_is_told_once_and_its_end_as_well(rig: Rig) -> None:
    rig.break_down(SUPPORT, Unavailable("away"))
    async with rig.listening():
        for seconds in (1, 2, 4):
            await rig.waits.let_pass(seconds)
        assert rig.events() == ["mailbox.waiting"]

        rig.repair(SUPPORT)
        await rig.waits.let_pass(8)
        assert rig.events() == ["mailbox.waiting", "sync works again"]
        (told, _) = [entry for entry in rig.logs if "mailbox" in entry]
        fields = {name: told[name] for name in ("tenant", "provider", "folder", "reason")}
        assert fields == {
            "tenant": "acme",
            "provider": "imap",
            "folder": "INBOX",
            "reason": "away",
        }


async def test_after_a_connection_that_held_trouble_begins_at_one_second(rig: Rig) -> None:
    rig.break_down(SUPPORT, Unavailable("away"))
    async with rig.listening():
        for seconds in (1, 2, 4):
            await rig.waits.let_pass(seconds)
        rig.repair(SUPPORT)
        await rig.waits.let_pass(8)
        rig.deliver(SUPPORT)  # news prove that the connection holds
        await settle()
        rig.break_down(SUPPORT, Unavailable("away"))
        await settle()

        assert rig.waits.after_failures() == [1, 2, 4, 8, 1]


async def test_a_server_that_always_hangs_up_is_not_called_on_hot(rig: Rig) -> None:
    """It lets us in and lists the folder, but drops whoever idles."""
    async with rig.listening(HangingUp(rig.source)):
        for seconds in (1, 2, 4):
            rig.deliver(SUPPORT)
            await rig.waits.let_pass(seconds)

        assert rig.waits.after_failures() == [1, 2, 4, 8]
        assert len(await rig.queued()) == 3


async def test_a_mailbox_that_refuses_us_is_left_alone_for_five_minutes(rig: Rig) -> None:
    rig.break_down(SUPPORT, AccessFailed("the password is wrong"))
    async with rig.listening():
        for _ in range(3):
            await rig.waits.let_pass(ACCESS_PAUSE)

        assert rig.waits.after_failures() == [ACCESS_PAUSE] * 4
        assert rig.events() == ["sync failed"]


async def test_another_kind_of_trouble_is_told_again(rig: Rig) -> None:
    rig.break_down(SUPPORT, Unavailable("away"))
    async with rig.listening():
        rig.break_down(SUPPORT, AccessFailed("the password is wrong"))
        await rig.waits.let_pass(1)

        assert rig.events() == ["mailbox.waiting", "sync failed"]


async def test_a_bug_met_in_one_folder_stops_no_other(rig: Rig) -> None:
    await rig.serve(SUPPORT, BILLING)
    async with rig.listening(Buggy(rig.source)):
        rig.deliver(BILLING)
        await rig.waits.let_pass(1)

        assert await rig.queued() == [("billing", "INBOX", 1)]
        assert rig.events() == ["listener crashed", "listener crashed"]
        assert rig.waits.after_failures() == [1, 2]
    assert "secret" not in str(rig.logs)


async def test_a_bug_met_when_a_failure_is_saved_does_not_end_the_listening(rig: Rig) -> None:
    rig.source.break_down(SUPPORT, Unavailable("away"))
    async with rig.listening(around=Crashing):
        assert rig.events() == ["listener crashed"]

        rig.source.repair(SUPPORT)
        await rig.waits.let_pass(2)
        assert rig.source.sessions(SUPPORT) == 1


async def test_a_folder_is_synced_now_and_then_though_nothing_is_announced(rig: Rig) -> None:
    async with rig.listening(lease=SHORTLY):
        for uid in (1, 2):
            rig.deliver(SUPPORT, silently=True)
            rig.clock.advance(5 * MINUTE)
            assert await rig.queued(within=timedelta(seconds=BOUND)) == [("support", "INBOX", uid)]


async def test_a_connection_that_hears_of_nothing_ends_in_polling(rig: Rig) -> None:
    async with rig.listening(lease=SHORTLY):
        for _ in range(4):  # the first is found by the sync that follows a change
            assert (await rig.folder_sync()).mode is Mode.NOTIFICATIONS
            rig.clock.advance(MINUTE)
            rig.deliver(SUPPORT, silently=True)
            rig.clock.advance(4 * MINUTE)
            assert await rig.queued(within=timedelta(seconds=BOUND))
            await settle()

    folder_sync = await rig.folder_sync()
    assert folder_sync.mode is Mode.POLLING
    assert "no notification had announced" in folder_sync.polling_reason


async def test_a_server_that_asks_to_be_left_alone_is_left_alone(rig: Rig) -> None:
    rig.break_down(SUPPORT, Throttled("too many requests", retry_after=10 * MINUTE))
    async with rig.listening():
        rig.repair(SUPPORT)

        assert rig.waits.after_failures() == [600]


async def test_a_folder_is_synced_again_soon_after_a_change(rig: Rig) -> None:
    """Some servers do not announce what came while a sync was going on."""
    async with rig.listening(lease=SHORTLY):
        rig.deliver(SUPPORT)
        await settle()
        assert len(await rig.queued()) == 1

        rig.deliver(SUPPORT, silently=True)
        rig.clock.advance(timedelta(seconds=30))
        assert await rig.queued(within=timedelta(seconds=BOUND)) == [("support", "INBOX", 2)]


async def test_what_cannot_be_queued_is_queued_later(rig: Rig) -> None:
    rig.queue = Failing(rig.clock)
    rig.deliver(SUPPORT)
    async with rig.listening():
        assert await rig.queued() == []
        await rig.waits.let_pass(1)

        assert await rig.queued() == [("support", "INBOX", 1)]


# --- Beginning and end --------------------------------------------------------------------------


async def test_a_listener_that_is_stopped_closes_its_connections(rig: Rig) -> None:
    await rig.serve(SUPPORT, BILLING)
    async with rig.listening():
        assert rig.source.sessions(SUPPORT) == rig.source.sessions(BILLING) == 1

    assert rig.source.sessions(SUPPORT) == rig.source.sessions(BILLING) == 0
    assert [entry["event"] for entry in rig.logs] == ["listener started", "listener stopped"]


async def test_a_listener_is_stopped_even_while_it_waits_for_trouble_to_pass(rig: Rig) -> None:
    rig.break_down(SUPPORT, AccessFailed("the password is wrong"))
    async with rig.listening():
        pass

    assert rig.events() == ["sync failed"]


async def test_a_listener_that_is_stopped_while_a_server_is_away_lets_go_of_its_folders(
    rig: Rig,
) -> None:
    async with rig.listening():
        rig.source.break_down(SUPPORT, Unavailable("away"))
        await settle()

    later = NOW + MINUTE  # its retry is due, and the lease would go on
    assert await rig.folder_syncs.claim(SUPPORT.tenant, SUPPORT.id, "INBOX", later, MINUTE)


async def test_a_folder_that_maintenance_has_claimed_is_listened_to_a_moment_later(
    rig: Rig,
) -> None:
    claimed = await rig.folder_syncs.claim(SUPPORT.tenant, SUPPORT.id, "INBOX", NOW, MINUTE)
    assert claimed
    async with rig.listening():
        assert rig.source.sessions(SUPPORT) == 0

        await rig.folder_syncs.release(claimed)
        await rig.waits.let_pass(1)
        assert rig.source.sessions(SUPPORT) == 1


async def test_a_folder_that_another_listener_holds_is_tried_less_and_less_often(rig: Rig) -> None:
    hours = 60 * MINUTE
    assert await rig.folder_syncs.claim(SUPPORT.tenant, SUPPORT.id, "INBOX", NOW, hours)
    async with rig.listening():
        for seconds in (1, 2, 4, 8, 16, 32):
            await rig.waits.let_pass(seconds)

        assert rig.waits.after_failures() == [1, 2, 4, 8, 16, 32, 60]


async def test_two_listeners_do_no_harm(rig: Rig) -> None:
    async with rig.listening(), rig.listening():
        rig.deliver(SUPPORT)
        await settle()

        assert await rig.queued() == [("support", "INBOX", 1)]


async def test_nothing_personal_is_told(rig: Rig) -> None:
    rig.break_down(SUPPORT, Unavailable("away"))
    async with rig.listening():
        await rig.waits.let_pass(1)

    told = str(rig.logs)
    for personal in (SUPPORT.address, IMAP.username + "@", IMAP.password.value):
        assert personal not in told
