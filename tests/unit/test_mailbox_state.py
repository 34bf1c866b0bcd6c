from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from postroom.domain.folder_sync import FolderSync
from postroom.domain.ingress import Ingress, IngressMode
from postroom.domain.mailbox import Pause, PausedBy
from postroom.domain.mailbox_state import (
    NOBODY_SYNCS,
    QUEUE_LOST,
    MailboxState,
    StateName,
    state_of,
)
from tests.contracts.samples import microsoft_mailbox

AT = datetime(2030, 1, 1, tzinfo=UTC)
MAILBOX = microsoft_mailbox()
HEALTHY = FolderSync(tenant="acme", mailbox="support", folder="inbox", due_at=AT)
POLLED = HEALTHY.obstructed("no public https URL")
HOUR = timedelta(hours=1)
WAITING = HEALTHY.failed("no answer", AT - 2 * HOUR, 2 * HOUR, away=True)
LOST = replace(POLLED, lost_at=AT - HOUR)
UNATTENDED = replace(HEALTHY, due_at=AT - HOUR)
FAILED = replace(HEALTHY, last_error="Graph answered 503")


@pytest.mark.parametrize(
    ("folder_syncs", "state"),
    [
        ([], MailboxState(StateName.RECEIVING)),
        ([HEALTHY, HEALTHY], MailboxState(StateName.RECEIVING)),
        ([HEALTHY, POLLED], MailboxState(StateName.POLLING, "no public https URL")),
        ([POLLED, FAILED, HEALTHY], MailboxState(StateName.ERROR, "Graph answered 503")),
        ([replace(POLLED, last_error="gone")], MailboxState(StateName.ERROR, "gone")),
        ([LOST, POLLED], MailboxState(StateName.RELISTING, QUEUE_LOST, AT - HOUR)),
        ([LOST, WAITING], MailboxState(StateName.WAITING, "no answer", AT - 2 * HOUR)),
        ([replace(LOST, last_error="gone")], MailboxState(StateName.ERROR, "gone")),
        ([FAILED, WAITING], MailboxState(StateName.ERROR, "Graph answered 503")),
        ([POLLED, WAITING], MailboxState(StateName.WAITING, "no answer", AT - 2 * HOUR)),
        ([FAILED, UNATTENDED], MailboxState(StateName.UNATTENDED, NOBODY_SYNCS, AT - HOUR)),
    ],
)
def test_a_mailbox_is_in_the_worst_state_of_its_folders(
    folder_syncs: list[FolderSync], state: MailboxState
) -> None:
    assert state_of(MAILBOX, folder_syncs, AT) == state


def test_nothing_else_matters_while_ingress_is_off() -> None:
    ingress = Ingress({MAILBOX.provider: IngressMode.OFF})
    mailbox = replace(MAILBOX, paused=Pause(PausedBy.OPERATOR, "we move house", AT))

    state = state_of(mailbox, [FAILED], AT, ingress=ingress)

    assert state == MailboxState(StateName.OFF, f"ingress of {MAILBOX.provider} is off")


@pytest.mark.parametrize(
    ("by", "name"),
    [(PausedBy.OPERATOR, StateName.PAUSED), (PausedBy.ACCESS, StateName.SUSPENDED)],
)
def test_whoever_paused_it_gives_the_state_its_name(by: PausedBy, name: StateName) -> None:
    mailbox = replace(MAILBOX, paused=Pause(by, "we move house", AT))

    assert state_of(mailbox, [FAILED], AT) == MailboxState(name, "we move house", AT)
