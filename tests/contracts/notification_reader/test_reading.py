"""What every NotificationReader promises of requests, whoever sent them."""

from collections.abc import Sequence

import pytest

from postroom.adapters.memory.clock import ManualClock
from postroom.application.ports import (
    Announced,
    Notification,
    NotificationReader,
    NotificationResult,
    UnknownMailbox,
    WebhookError,
)
from postroom.domain.failure import Unavailable
from tests.contracts.notification_reader.mailboxes import Mailboxes
from tests.contracts.notification_reader.reading import (
    UNKNOWN,
    check_can_be_queued,
    is_ours,
    read,
    results,
)
from tests.contracts.notification_reader.stage import Stage

PORTS = {NotificationReader}


# --- Where it listens ---


async def test_it_has_a_path_of_its_own_and_acknowledges_with_a_success(stage: Stage) -> None:
    paths = stage.reader.paths

    assert "" in paths
    assert all(path.startswith("/") for path in paths if path)
    assert len(set(paths)) == len(paths)
    assert 200 <= stage.reader.accepted < 300


# --- Genuine ---


@is_ours
async def test_what_a_request_announces_leads_to_its_mailbox(
    stage: Stage, mailboxes: Mailboxes, clock: ManualClock
) -> None:
    found = await read(stage, mailboxes, stage.genuine())

    assert not isinstance(found, WebhookError)
    assert found
    for each in found:
        assert isinstance(each, Announced)
        mailbox = stage.mailbox
        assert (each.route.tenant, each.route.id) == (mailbox.tenant, mailbox.id)
        assert each.route.provider == mailbox.provider == each.pointer.provider
        assert type(each.pointer) is stage.pointer
        check_can_be_queued(each, clock.now())


@is_ours
async def test_a_request_that_is_sent_again_is_read_as_before(
    stage: Stage, mailboxes: Mailboxes
) -> None:
    request = stage.genuine()

    assert await read(stage, mailboxes, request) == await read(stage, mailboxes, request)


@is_ours
async def test_all_that_a_request_announces_is_looked_up_at_once(
    stage: Stage, mailboxes: Mailboxes
) -> None:
    await read(stage, mailboxes, stage.genuine())

    assert len(mailboxes.routes.queries) == 1


@is_ours
async def test_without_routes_it_is_to_be_sent_again(stage: Stage, mailboxes: Mailboxes) -> None:
    mailboxes.routes.failure = Unavailable("postgres")

    with pytest.raises(Unavailable):
        await stage.reader.read(stage.genuine(), mailboxes.routes)


# --- Forged ---


@is_ours
async def test_who_proves_nothing_announces_nothing(stage: Stage, mailboxes: Mailboxes) -> None:
    for request in stage.forged():
        found = await read(stage, mailboxes, request)

        bad_signature = results(found) == {NotificationResult.BAD_SIGNATURE}
        assert bad_signature or isinstance(found, WebhookError)


@is_ours
async def test_nothing_is_looked_up_for_a_stranger_who_is_known_to_be_one(
    stage: Stage, mailboxes: Mailboxes
) -> None:
    for asked, request in enumerate(stage.forged(), 1):
        await read(stage, mailboxes, request)

        assert len(mailboxes.routes.queries) <= (0 if stage.is_known_first else asked)


@is_ours
async def test_who_may_speak_for_another_mailbox_announces_nothing_in_this_one(
    stage: Stage, mailboxes: Mailboxes
) -> None:
    await mailboxes.add_another(stage.mailbox)

    for request in stage.of_another():
        found = results(await read(stage, mailboxes, request))

        assert found <= {NotificationResult.BAD_SIGNATURE, *UNKNOWN}
        assert found


# --- Of nobody ---


def check_unknown(found: Sequence[Notification] | WebhookError) -> None:
    assert results(found) <= UNKNOWN
    assert results(found)
    assert isinstance(found, UnknownMailbox) or not isinstance(found, WebhookError)


async def test_what_is_announced_to_nobody_is_said(stage: Stage, mailboxes: Mailboxes) -> None:
    check_unknown(await read(stage, mailboxes, stage.genuine()))


async def test_a_mailbox_of_another_provider_is_nobody(stage: Stage, mailboxes: Mailboxes) -> None:
    await mailboxes.add_elsewhere(stage.mailbox)

    check_unknown(await read(stage, mailboxes, stage.genuine()))
