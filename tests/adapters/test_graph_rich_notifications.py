"""Rich notifications: those whose sender has to be proven by tokens, too."""

from collections.abc import Sequence

import pytest

from postroom.adapters.memory.clock import ManualClock
from postroom.application.ports import Announced
from postroom.domain.failure import Unavailable
from postroom.entrypoints.emulators.graph import CLIENT_ID
from tests.adapters.graph_notifications import event, notification
from tests.adapters.notification_rig import BAD_SIGNATURE, Rig, mailbox_of


@pytest.fixture
async def rig(clock: ManualClock) -> Rig:
    rig = Rig(clock)
    await rig.subscribe(mailbox_of())
    rig.verifier.tokens = {"ours": CLIENT_ID, "of another": "another application"}
    return rig


@pytest.mark.parametrize("tokens", [["ours"], ["of another", "ours"], ["ours", "ours"]])
async def test_a_token_for_the_mailbox_s_application_proves_the_sender(
    rig: Rig, tokens: Sequence[str]
) -> None:
    [announced] = await rig.read(notification("1"), tokens=tokens)

    assert isinstance(announced, Announced)


@pytest.mark.parametrize("tokens", [["forged"], ["of another"], ["ours", "forged"], [""]])
async def test_without_that_proof_the_items_are_rejected(rig: Rig, tokens: Sequence[str]) -> None:
    read = await rig.read(notification("1"), event("missed"), tokens=tokens)

    assert read == [BAD_SIGNATURE, BAD_SIGNATURE]
    assert "forged" not in repr(read)


async def test_a_token_is_no_substitute_for_the_secret(rig: Rig) -> None:
    read = await rig.read(notification(clientState="wrong"), notification("1"), tokens=["ours"])

    assert read[0] == BAD_SIGNATURE
    assert isinstance(read[1], Announced)


async def test_no_key_is_fetched_for_the_sake_of_a_stranger(rig: Rig) -> None:
    rig.verifier.failure = Unavailable("the keys could not be fetched")

    read = await rig.read(notification(clientState="wrong"), tokens=["ours"])

    assert read == [BAD_SIGNATURE]


async def test_without_keys_the_notification_is_to_be_sent_again(rig: Rig) -> None:
    rig.verifier.failure = Unavailable("the keys could not be fetched")

    with pytest.raises(Unavailable):
        await rig.read(notification("1"), tokens=["ours"])


@pytest.mark.parametrize("tokens", [None, []])
async def test_a_notification_without_tokens_is_judged_by_the_secret_alone(
    rig: Rig, tokens: Sequence[str] | None
) -> None:
    [announced] = await rig.read(notification("1"), tokens=tokens)

    assert isinstance(announced, Announced)
