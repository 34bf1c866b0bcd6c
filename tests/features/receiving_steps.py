"""The step library for receiving, a line or two a sentence over `Receiving`."""

from collections.abc import Callable, Coroutine
from contextlib import suppress
from datetime import timedelta
from typing import Any, TypeVar

import pytest
from pytest_bdd import given, parsers, then, when

from postroom.domain.failure import Unavailable
from postroom.domain.folder_sync import Mode
from postroom.domain.mailbox import Pause, PausedBy
from tests.features.receiving import Receiving
from tests.features.rigs import FragileQueue
from tests.features.service import Service

T = TypeVar("T")
Run = Callable[[Coroutine[Any, Any, T]], T]


@pytest.fixture
def receiving(service: Service) -> Receiving:
    return Receiving(service)


# --- The mailbox --------------------------------------------------------------------------------


@given("a mailbox at Microsoft that is kept")
def _(receiving: Receiving, run: Run[None]) -> None:
    run(receiving.begin())
    run(receiving.look_after())
    receiving.clock.advance(timedelta(seconds=1))


@given("a mailbox that was added while nobody kept it", target_fixture="receiving")
def _(service: Service, run: Run[None]) -> Receiving:
    receiving = Receiving(service)
    receiving.mailbox = service.mailbox("Microsoft", f"{service.tenant}.new", id_="new")
    run(receiving.begin())
    return receiving


@given("no notification can reach us")
def _(receiving: Receiving, run: Run[None]) -> None:
    receiving.subscriptions.obstructed = "no public URL"
    run(receiving.pass_time(timedelta(minutes=15)))


@given("the provider has forgotten that we want notifications")
def _(receiving: Receiving, run: Run[Any]) -> None:
    receiving.subscriptions.lose(run(receiving.subscription()).id)


@given("the provider has forgotten how far we have looked")
def _(receiving: Receiving) -> None:
    receiving.changes.expire(receiving.mailbox)


@given("a person has paused the mailbox")
def _(receiving: Receiving, run: Run[Any]) -> None:
    mailbox, pause = receiving.mailbox, Pause(PausedBy.OPERATOR, "by hand", receiving.clock.now())
    assert run(receiving.service.rig.registry.pause(mailbox.tenant, mailbox.id, pause))


@given("the access to the mailbox is gone")
def _(receiving: Receiving) -> None:
    receiving.lock()


# --- Its mail -----------------------------------------------------------------------------------


@given("a message arrived, and nobody announced it")
def _(receiving: Receiving) -> None:
    receiving.arrive()


@given(parsers.parse("{count:d} messages arrived, and nobody announced them"))
def _(receiving: Receiving, count: int) -> None:
    for _ in range(count):
        receiving.arrive()


@given(parsers.parse("{count:d} messages arrived, and the provider announced them"))
def _(receiving: Receiving, run: Run[int], count: int) -> None:
    for _ in range(count):
        assert run(receiving.notify(receiving.arrive())) == 202


@given(parsers.parse("{count:d} times a message arrived, and nobody announced it"))
def _(receiving: Receiving, run: Run[None], count: int) -> None:
    for _ in range(count):
        receiving.arrive()
        run(receiving.pass_time(timedelta(minutes=15)))


@given("a message arrived, and the provider announced it")
@when("a message arrives, and the provider announces it", target_fixture="status")
def _(receiving: Receiving, run: Run[int]) -> int:
    return run(receiving.notify(receiving.arrive()))


@given("a message from before the mailbox was added lies there")
def _(receiving: Receiving) -> None:
    receiving.arrive(ago=timedelta(days=1))


@given("the waiting mail has been handled")
def _(receiving: Receiving, run: Run[None]) -> None:
    run(receiving.service.handle_waiting())


@given(parsers.parse("the mail was handled for {minutes:d} minutes"))
@when(parsers.parse("the mail is handled for {minutes:d} minutes"))
def _(receiving: Receiving, run: Run[None], minutes: int) -> None:
    run(receiving.pass_time(timedelta(minutes=minutes), handling=True))


# --- What happens -------------------------------------------------------------------------------


@when(parsers.re(r"(?P<count>\d+) (?P<unit>minute|day)s? (?:has|have) passed"))
def _(receiving: Receiving, run: Run[None], count: str, unit: str) -> None:
    with suppress(Unavailable):  # nothing can be kept: maintenance tells, and goes on
        run(receiving.pass_time(timedelta(**{f"{unit}s": int(count)})))


@when("it is kept again")
def _(receiving: Receiving, run: Run[None]) -> None:
    run(receiving.look_after())


@when("two look for mail at a time")
def _(receiving: Receiving, run: Run[None]) -> None:
    receiving.clock.advance(timedelta(minutes=15))
    run(receiving.look_after_twice_at_once())


@when("things can be kept")
def _(service: Service) -> None:
    assert isinstance(service.queue, FragileQueue)
    service.queue.keeping = True


@when(parsers.parse('the provider says "{event}"'))
def _(receiving: Receiving, run: Run[Any], event: str) -> None:
    receiving.clock.advance(timedelta(minutes=11))
    told_under = run(receiving.subscription())
    assert run(receiving.say(event)) == 202
    if event == "subscriptionRemoved":
        receiving.subscriptions.lose(told_under.id)
    run(receiving.look_after())


@when(parsers.parse('somebody else says "{event}"'), target_fixture="listed")
def _(receiving: Receiving, run: Run[Any], event: str) -> int:
    listed = receiving.changes.listed
    receiving.arrive()
    assert run(receiving.say(event, genuine=False)) == 202
    run(receiving.look_after())
    return listed


@when("the access to the mailbox is back")
def _(receiving: Receiving) -> None:
    receiving.unlock()


@when("a person resumes the mailbox")
def _(receiving: Receiving, run: Run[Any]) -> None:
    mailbox = receiving.mailbox
    assert run(receiving.service.resume(mailbox.tenant, mailbox.id))


@when("a person removes the mailbox")
def _(receiving: Receiving, run: Run[Any]) -> None:
    mailbox = receiving.mailbox
    assert run(receiving.remove(mailbox.tenant, mailbox.id))


# --- What can be seen ---------------------------------------------------------------------------


@then("that is accepted")
def _(status: int) -> None:
    assert status == 202


@then("nobody has looked for mail")
def _(receiving: Receiving, listed: int) -> None:
    assert receiving.changes.listed == listed


@then("the provider still announces new mail")
def _(receiving: Receiving, run: Run[Any]) -> None:
    assert run(receiving.subscription())


@then("the provider does not announce new mail")
def _(receiving: Receiving, run: Run[Any]) -> None:
    assert run(receiving.subscriptions.ids(receiving.mailbox)) == []


@then(parsers.parse('it is said that the mailbox is polled since "{why}"'))
def _(receiving: Receiving, run: Run[Any], why: str) -> None:
    folder_sync = run(receiving.folder_sync())
    assert folder_sync.mode is Mode.POLLING
    assert why in folder_sync.polling_reason


@then("the mailbox is open")
def _(receiving: Receiving, run: Run[Any]) -> None:
    assert run(receiving.stored()).paused is None


@then(parsers.parse('the mailbox is closed since "{why}"'))
def _(receiving: Receiving, run: Run[Any], why: str) -> None:
    paused = run(receiving.stored()).paused
    assert paused
    assert why in paused.reason
