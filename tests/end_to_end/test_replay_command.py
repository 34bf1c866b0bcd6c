"""`postroom replay` on real stores: what was taken is due again."""

import pytest

from postroom.application.ports import Answered
from postroom.domain.handover.answer import Done
from postroom.entrypoints.container import Wired
from tests.contracts.handing_over import CRM, accept
from tests.end_to_end.command_rig import Postroom, in_container
from tests.end_to_end.crash_rig import MAILBOX

REPLAY = ("replay", "--application", "crm", "--since", "1d")


@pytest.fixture
def handed_over(environment: None) -> None:
    """A message of MAILBOX that the application has taken."""

    async def run(wired: Wired) -> None:
        await wired.applications.add(CRM)
        await accept(wired.handovers, "msg_a", tenant=MAILBOX.tenant, mailbox=MAILBOX.id)
        [call] = (await wired.handovers.claim(CRM, 10)).calls
        await wired.handovers.settle(CRM, [Answered(call.handover, Done())], draw=0.0)

    in_container(run)


@pytest.mark.usefixtures("handed_over")
def test_what_was_taken_waits_again_and_what_has_no_original_has_no_replay_as_new(
    postroom: Postroom,
) -> None:
    assert postroom(*REPLAY, "--dry-run", "--json").json["matched"] == 1
    as_new = postroom(*REPLAY, "--as-new", "--yes")
    assert (as_new.code, as_new.err.count("\n")) == (1, 1)
    assert "not replayed: 1: its " in as_new.err

    assert postroom(*REPLAY).out == "1 message is replayed: `postroom handover list` has them.\n"

    [listed] = postroom("handover", "list", "--json").json
    assert (listed["key"], listed["state"]) == ("msg_a", "waiting")


def test_an_application_that_nobody_has_added_has_nothing(postroom: Postroom) -> None:
    ended = postroom("replay", "--application", "nobody", "--since", "1d")

    assert (ended.code, ended.out) == (
        0,
        "No handover matches. What there is: postroom handover list\n",
    )
