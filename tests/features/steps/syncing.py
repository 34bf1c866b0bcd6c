"""Syncs: what triggers them, how many there are, and the state that they leave a mailbox in."""

from datetime import timedelta

from pytest_bdd import given, parsers, then, when

from postroom.application.maintain_folder import LEASE
from postroom.application.ports import PositionRefused
from postroom.domain.folder_sync import FolderSync
from postroom.domain.mailbox_state import StateName
from tests.features.scene import Scene
from tests.features.steps.words import ACCEPTED

REFUSED = PositionRefused("the provider answered 400")

# --- The listener -------------------------------------------------------------------------------


@given("the listener is stopped")
def _(scene: Scene) -> None:
    scene.run(scene.listening.stop())


@when("the listener starts")
def _(scene: Scene) -> None:
    scene.run(scene.listening.start())


@given("the connections to the mailbox are lost")
def _(scene: Scene) -> None:
    scene.imap.listener.lose_sessions(scene.mailbox)


@given("the folder was rebuilt by its server")
def _(scene: Scene) -> None:
    scene.imap.rebuild(scene.mailbox)


# --- Triggers -----------------------------------------------------------------------------------


@given("the provider refuses to go on from where we were")
def _(scene: Scene) -> None:
    scene.stage.changes.refuse_positions(scene.mailbox, REFUSED)


@given("the mailbox is being synced")
def _(scene: Scene) -> None:
    scene.claimed = scene.run(_claim(scene))


@when(parsers.parse("the server announces {count:d} changes at a time"))
def _(scene: Scene, count: int) -> None:
    for _ in range(count):
        scene.imap.listener.announce(scene.mailbox)
    scene.run(scene.listening.settle())


@given(parsers.parse("{count:d} notifications of it came, and were handled"))
def _(scene: Scene, count: int) -> None:
    for _ in range(count):
        assert scene.run(scene.announce(scene.pointers[-1])) in ACCEPTED
        scene.run(scene.service.handle_waiting())


@when("that sync ends")
def _(scene: Scene) -> None:
    assert scene.claimed
    assert scene.run(scene.service.rig.folder_syncs.save(scene.claimed))
    scene.run(scene.work(handling=False))


@then("the mailbox has been synced once more")
def _(scene: Scene) -> None:
    assert scene.counts().syncs == scene.before.syncs + 1


@then("the mailbox has not been synced again")
def _(scene: Scene) -> None:
    assert scene.counts().syncs == scene.before.syncs


@then("no sync is due")
def _(scene: Scene) -> None:
    assert all(each.due_at > scene.clock.now() for each in scene.run(scene.folder_syncs()))
    assert all(not each.requests for each in scene.run(scene.folder_syncs()))


@then("a sync is due as soon as that has ended")
def _(scene: Scene) -> None:
    assert scene.claimed
    assert scene.run(scene.service.rig.folder_syncs.save(scene.claimed))
    assert all(each.due_at <= scene.clock.now() for each in scene.run(scene.folder_syncs()))


@then("no folder of it is synced")
def _(scene: Scene) -> None:
    assert scene.run(scene.folder_syncs()) == []


# --- States -------------------------------------------------------------------------------------


@then(parsers.re(r"the mailbox is (?P<name>receiving)"))
def _(scene: Scene, name: str) -> None:
    assert scene.run(scene.state()).name is StateName(name)


@then("the mailbox is not suspended")
def _(scene: Scene) -> None:
    assert scene.run(scene.state()).name is not StateName.SUSPENDED


@then(parsers.re(r'the mailbox is (?:in )?(?P<name>\w+) since "(?P<reason>.+)"'))
def _(scene: Scene, name: str, reason: str) -> None:
    state = scene.run(scene.state())
    assert state.name is StateName(name)
    assert reason in state.reason


@then(parsers.parse("it has been so for {minutes:d} minutes at the least"))
def _(scene: Scene, minutes: int) -> None:
    since = scene.run(scene.state()).since
    assert since
    assert since <= scene.clock.now() - timedelta(minutes=minutes)


async def _claim(scene: Scene) -> FolderSync:
    [folder] = scene.mailbox.account.folders
    mailbox = scene.mailbox
    claimed = await scene.service.rig.folder_syncs.claim(
        mailbox.tenant, mailbox.id, folder, scene.clock.now(), LEASE
    )
    assert claimed
    return claimed
