"""The step library: every sentence that a feature may use, a line or two over `Service`."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, TypeVar

import pytest
from pytest_bdd import given, parsers, then, when

from postroom.domain.failure import AccessFailed, Throttled, Unavailable, Unprocessable
from postroom.domain.mailbox import Mailbox
from postroom.domain.outcome import name_of
from postroom.domain.pointer import Pointer
from tests.features.rigs import FragileQueue, in_memory, on_servers
from tests.features.service import (
    LEASE,
    Died,
    DyingLedger,
    DyingProcessor,
    Service,
    mail,
)

T = TypeVar("T")
Run = Callable[[Coroutine[Any, Any, T]], T]
ORIGINAL = "<original@example.org>"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every scenario runs in memory; what is tagged @real runs on the real servers as well."""
    if "service" in metafunc.fixturenames:
        real = any(mark.name == "real" for mark in metafunc.definition.iter_markers())
        metafunc.parametrize("service", ["memory", *(["real"] if real else [])], indirect=True)


@pytest.fixture
def run() -> Iterator[Callable[[Coroutine[Any, Any, Any]], Any]]:
    """pytest-bdd does not await: each step hands its coroutine to one loop."""
    with asyncio.Runner() as runner:
        yield runner.run


@pytest.fixture(autouse=True)
def service(request: pytest.FixtureRequest, run: Run[Any]) -> Iterator[Service]:
    resources = AsyncExitStack()
    if request.param == "memory":
        rig = run(resources.enter_async_context(in_memory()))
    else:
        urls = request.getfixturevalue("valkey_url"), request.getfixturevalue("postgres_url")
        rig = run(resources.enter_async_context(on_servers(*urls)))
    yield Service(rig)
    run(resources.aclose())


@dataclass
class Post:
    """The mailbox that a scenario is about, what it holds, and the answer to the last
    notification.
    """

    mailbox: Mailbox
    pointers: list[Pointer] = field(default_factory=list)
    raw: bytes = b""
    status: int = 0


@pytest.fixture
def post(service: Service, run: Run[Mailbox]) -> Post:
    """A scenario that does not care for the provider gets one at Microsoft."""
    return Post(run(service.add_mailbox("Microsoft")))


# --- Mailboxes and messages ---------------------------------------------------------------------


@given(
    parsers.re(r"a mailbox at (?P<provider>\w+) with (?P<count>one|3) new messages?"),
    target_fixture="post",
)
def _(service: Service, run: Run[Mailbox], provider: str, count: str) -> Post:
    post = Post(run(service.add_mailbox(provider)))
    for number in range(3 if count == "3" else 1):
        post.pointers.append(service.deliver(post.mailbox, mail(f"Question {number}")))
    return post


@given(
    parsers.re(
        r'a mailbox at (?P<provider>\w+) with a message (?P<kind>about|that says) "(?P<text>.+)"'
    ),
    target_fixture="post",
)
def _(service: Service, run: Run[Mailbox], provider: str, kind: str, text: str) -> Post:
    post = Post(run(service.add_mailbox(provider)))
    raw = mail(text) if kind == "about" else mail(text=text)
    post.pointers.append(service.deliver(post.mailbox, raw))
    return post


@given(parsers.re(r"a message(?P<kind>.*) that has become a ticket"))
def _(service: Service, run: Run[None], post: Post, kind: str) -> None:
    subject = kind.removeprefix(' about "').removesuffix('"') or "A question"
    post.raw = mail(subject, message_id=None if kind == " without a Message-ID" else ORIGINAL)
    post.pointers.append(service.deliver(post.mailbox, post.raw))
    run(_told_and_handled(service, post))


@given("a message and a reply to it")
def _(service: Service, post: Post) -> None:
    for raw in (mail("Original", message_id=ORIGINAL), mail("Re: Original", replies_to=ORIGINAL)):
        post.pointers.append(service.deliver(post.mailbox, raw))


@given(parsers.parse('a message with the attachment "{name}"'))
def _(service: Service, post: Post, name: str) -> None:
    post.pointers.append(service.deliver(post.mailbox, mail(attachment=name)))


@given("the message is deleted")
def _(service: Service) -> None:
    service.messages.messages.clear()


@given(parsers.parse("{count:d} messages wait in one mailbox and 1 in another"))
def _(service: Service, run: Run[Any], post: Post, count: int) -> None:
    for number in range(count):
        run(service.ingest(post.mailbox, [service.deliver(post.mailbox, mail(f"{number}"))]))
    other = run(service.add_mailbox("IMAP"))
    run(service.ingest(other, [service.deliver(other, mail("the other"))]))


# --- What goes wrong ----------------------------------------------------------------------------


@given("nothing can be kept at the moment")
def _(service: Service) -> None:
    _fragile(service).keeping = False


@given("the notification of it was refused for now")
def _(service: Service, run: Run[int], post: Post) -> None:
    _fragile(service).keeping = False
    assert run(service.notify(post.mailbox, post.pointers[-1])) == 503
    _fragile(service).keeping = True


@given("the first of them can never be processed")
def _(service: Service) -> None:
    service.messages.broken[next(iter(service.messages.messages))] = Unprocessable("it is empty")


@given(parsers.parse("the provider asks to be left alone for {seconds:d} seconds"))
def _(service: Service, seconds: int) -> None:
    wish = timedelta(seconds=seconds)
    service.messages.failures.append(Throttled("429", retry_after=wish))


@given(parsers.parse("the provider fails {times:d} times"))
def _(service: Service, times: int) -> None:
    service.messages.failures.extend([Unavailable("the provider is away")] * times)


@given("the provider always fails")
def _(service: Service) -> None:
    service.messages.failures.extend([Unavailable("the provider is away")] * 100)


@given("the access to the mailbox is revoked")
def _(service: Service) -> None:
    service.messages.failures.append(AccessFailed("403"))


@given("a worker that dies after it has made the ticket, and before it says so")
def _(service: Service, run: Run[Any], post: Post) -> None:
    consume = replace(service.consume, ledger=DyingLedger(service.rig.ledger))
    run(service.ingest(post.mailbox, [service.deliver(post.mailbox, mail())]))
    run(service.die_handling(consume))


@given("a worker that dies while it makes the ticket")
def _(service: Service, run: Run[Any], post: Post) -> None:
    consume = replace(service.consume, process=DyingProcessor(service.file))
    run(service.ingest(post.mailbox, [service.deliver(post.mailbox, mail())]))
    run(service.die_handling(consume))


@given("a message that kills every worker that touches it")
def _(service: Service, run: Run[Any], post: Post) -> None:
    run(service.ingest(post.mailbox, [service.deliver(post.mailbox, mail())]))


@given("a message in the dead letters whose trouble is over")
def _(service: Service, run: Run[Any], post: Post) -> None:
    service.messages.failures.append(Unprocessable("it is empty"))
    run(service.ingest(post.mailbox, [service.deliver(post.mailbox, mail())]))
    run(service.handle_waiting())


@given(parsers.parse("{count:d} messages in the dead letters since the provider was away"))
def _(service: Service, run: Run[Any], post: Post, count: int) -> None:
    attempts = count * service.consume.policy.max_attempts
    service.messages.failures.extend([Unavailable("the provider is away")] * attempts)
    for _ in range(count):
        run(service.ingest(post.mailbox, [service.deliver(post.mailbox, mail())]))
    run(service.handle_everything())


@given(parsers.parse("{count:d} messages in the dead letters since they are empty"))
def _(service: Service, run: Run[Any], post: Post, count: int) -> None:
    for _ in range(count):
        run(service.ingest(post.mailbox, [service.deliver(post.mailbox, b"")]))
    run(service.handle_waiting())


# --- What happens -------------------------------------------------------------------------------


@when(parsers.re(r"(?P<who>\w+|the provider) announces the (?P<what>message|message again|latest)"))
def _(service: Service, run: Run[int], post: Post, who: str, what: str) -> None:
    post.status = run(service.notify(post.mailbox, post.pointers[-1]))


@when(parsers.parse("{provider} announces all of them"))
def _(service: Service, run: Run[int], post: Post, provider: str) -> None:
    for pointer in post.pointers:
        post.status = run(service.notify(post.mailbox, pointer))


@when(parsers.parse("{seconds:d} seconds have passed"))
def _(service: Service, seconds: int) -> None:
    service.rig.clock.advance(timedelta(seconds=seconds))


@when(parsers.parse("{provider} announces a message of a mailbox that we do not serve"))
def _(service: Service, run: Run[int], provider: str) -> None:
    stranger = service.mailbox(provider, f"{service.tenant}.stranger", id_="stranger")
    run(service.notify(stranger, service.deliver(stranger, mail())))


@when(parsers.parse("somebody else pretends to be {provider}"))
def _(service: Service, run: Run[int], post: Post, provider: str) -> None:
    run(service.notify(post.mailbox, post.pointers[-1], genuine=False))


@when("the waiting mail is handled")
@when("another worker takes over")
def _(service: Service, run: Run[None]) -> None:
    run(service.handle_waiting())


@when("the waiting mail is handled one by one")
def _(service: Service, run: Run[None]) -> None:
    run(service.handle_waiting(at_a_time=1))


@when("the waiting mail is handled until nothing waits")
def _(service: Service, run: Run[None]) -> None:
    run(service.handle_everything())


@when("it is handled")
def _(service: Service, run: Run[None], post: Post) -> None:
    run(_told_and_handled(service, post))


@when("a reply to it is handled")
def _(service: Service, run: Run[None], post: Post) -> None:
    reply = mail("Re: your ticket", replies_to=ORIGINAL)
    post.pointers.append(service.deliver(post.mailbox, reply))
    run(_told_and_handled(service, post))


@when("the reply is handled before the message")
def _(service: Service, run: Run[None], post: Post) -> None:
    run(_told_and_handled(service, post))
    post.pointers.reverse()
    run(_told_and_handled(service, post))


@when("another message with the same Message-ID is handled")
def _(service: Service, run: Run[None], post: Post) -> None:
    other = mail("Something else", message_id=ORIGINAL, text="Quite another matter.")
    post.pointers.append(service.deliver(post.mailbox, other))
    run(_told_and_handled(service, post))


@when(parsers.parse("{count:d} workers have died of it"))
def _(service: Service, run: Run[None], count: int) -> None:
    async def die(_: object) -> None:
        raise Died

    for _ in range(count):
        run(service.die_handling(die))


@when("a person drives it again")
def _(service: Service, run: Run[Any]) -> None:
    (letter,) = run(service.dead())
    assert run(service.queue.redrive([letter.id])) == [letter.id]


@when("a person drives those again that failed since the provider was away")
def _(service: Service, run: Run[None]) -> None:
    run(service.redrive("the provider is away"))


@when("a person drives all of them again while they are handled")
def _(service: Service, run: Run[None]) -> None:
    service.messages.fetched.clear()
    run(service.redrive())


@when("a person asks how many would be driven again", target_fixture="told")
def _(service: Service, run: Run[int]) -> int:
    return run(service.survey())


@when("a person purges them")
def _(service: Service, run: Run[None]) -> None:
    run(service.purge())


@when("the access is granted again")
def _(service: Service, run: Run[None]) -> None:
    run(service.handle_everything())


@when(parsers.parse("the first {count:d} messages are handled"))
def _(service: Service, run: Run[Any], count: int) -> None:
    for claim in run(service.queue.claim(count, LEASE)):
        run(service.consume(claim))


# --- The listener -------------------------------------------------------------------------------


@given("a listener on an IMAP mailbox", target_fixture="post")
def _(service: Service, run: Run[Any]) -> Post:
    return Post(run(service.add_mailbox("IMAP")))


@given("the listener is stopped")
def _() -> None:
    """It runs only while a step lets it catch up."""


@given("a message arrived meanwhile")
def _(service: Service, post: Post) -> None:
    service.deliver(post.mailbox, mail())


@given(parsers.parse("{count:d} messages from before the mailbox was added"))
def _(service: Service, run: Run[None], post: Post, count: int) -> None:
    earlier = post.mailbox.added_at - timedelta(days=1)
    for _ in range(count):
        service.folders.deliver(post.mailbox, earlier)
    run(service.catch_up(post.mailbox))


@given("a message that came through the listener has become a ticket")
def _(service: Service, run: Run[None], post: Post) -> None:
    post.raw = mail()
    service.deliver(post.mailbox, post.raw)
    run(service.catch_up(post.mailbox))
    run(service.handle_waiting())


@given("the folder is rebuilt by its server")
def _(service: Service, post: Post) -> None:
    service.rebuild_folder(post.mailbox)


@when("a message arrives in the mailbox")
def _(service: Service, run: Run[None], post: Post) -> None:
    service.deliver(post.mailbox, mail())
    run(service.catch_up(post.mailbox))


@when("the listener starts again")
def _(service: Service, run: Run[None], post: Post) -> None:
    run(service.catch_up(post.mailbox))


@when("things can be kept again")
def _(service: Service, run: Run[None], post: Post) -> None:
    with pytest.raises(Unavailable):
        run(service.catch_up(post.mailbox))
    _fragile(service).keeping = True
    run(service.catch_up(post.mailbox))


# --- What can be seen ---------------------------------------------------------------------------


@then("the notification is accepted")
def _(post: Post) -> None:
    assert post.status in {200, 202, 204}


@then("the notification is refused for now")
def _(post: Post) -> None:
    assert post.status == 503


@then("one pointer is waiting")
def _(service: Service, run: Run[int]) -> None:
    assert run(service.waiting()) == 1


@then("nothing is waiting")
def _(service: Service, run: Run[int]) -> None:
    assert run(service.waiting()) == 0


@then("no mail has been read")
def _(service: Service) -> None:
    assert service.messages.fetched == []


@then("the mail has been read once")
def _(service: Service) -> None:
    assert len(service.messages.fetched) == 1


@then(parsers.parse('nothing that waits says "{word}"'))
def _(service: Service, run: Run[Any], word: str) -> None:
    (claim,) = run(service.queue.claim(10, LEASE))
    assert word not in repr(claim.job)


@then(parsers.re(r"there (?:is|are) (?P<count>no|one|\d+) tickets?"))
def _(service: Service, run: Run[Any], count: str) -> None:
    expected = {"no": 0, "one": 1}.get(count) if not count.isdigit() else int(count)
    assert len(run(service.tickets())) == expected


@then(parsers.parse('there is one ticket about "{subject}"'))
def _(service: Service, run: Run[Any], subject: str) -> None:
    assert [ticket.subject for ticket in run(service.tickets())] == [subject]


@then(parsers.parse("there is one ticket with {count:d} comments"))
def _(service: Service, run: Run[Any], count: int) -> None:
    assert [len(ticket.comments) for ticket in run(service.tickets())] == [count]


@then("the ticket begins with the message")
def _(service: Service, run: Run[Any]) -> None:
    (ticket,) = run(service.tickets())
    assert ticket.subject == "Original"


@then(parsers.parse('the ticket has the document "{name}"'))
def _(service: Service, run: Run[Any], name: str) -> None:
    (ticket,) = run(service.tickets())
    assert [document.filename for document in ticket.opening.documents] == [name]


@then(
    parsers.re(r'the latest outcome is "(?P<name>\w+)"(?P<why> since the source is unavailable)?')
)
def _(service: Service, run: Run[Any], name: str, why: str | None) -> None:
    outcome = run(service.latest_outcome()).outcome
    assert name_of(outcome) == name
    assert not why or outcome.reason.startswith("source unavailable")


@then(parsers.parse("the message is tried again in {seconds:d} seconds"))
def _(service: Service, run: Run[Any], seconds: int) -> None:
    service.rig.clock.advance(timedelta(seconds=seconds - 1))
    assert run(service.queue.claim(10, LEASE)) == []
    service.rig.clock.advance(timedelta(seconds=2))
    assert run(service.waiting()) == 1


@then("that has cost no attempt")
def _(service: Service, run: Run[Any]) -> None:
    (claim,) = run(service.queue.claim(10, LEASE))
    assert claim.attempt == 1


@then("the provider was asked once")
def _(service: Service) -> None:
    assert len(service.messages.fetched) == 1


@then("each of them took one attempt")
def _(service: Service, run: Run[Any]) -> None:
    records = run(service.rig.outcomes.find(service.tenant))
    assert {record.attempt for record in records} == {1}


@then(parsers.parse("it took {count:d} attempts"))
def _(service: Service, run: Run[Any], count: int) -> None:
    assert run(service.latest_outcome()).attempt == count


@then(parsers.re(r"one message is in the dead letters(?: after (?P<attempts>\d+) attempts)?"))
def _(service: Service, run: Run[Any], attempts: str | None) -> None:
    (letter,) = run(service.dead())
    assert attempts is None or letter.attempts == int(attempts)


@then(parsers.parse("{count:d} messages are in the dead letters"))
def _(service: Service, run: Run[Any], count: int) -> None:
    assert len(run(service.dead())) == count


@then("each of them was tried once more")
def _(service: Service, run: Run[Any]) -> None:
    assert len(service.messages.fetched) == len(run(service.dead()))


@then(parsers.parse("the answer is {count:d}"))
def _(told: int, count: int) -> None:
    assert told == count


@then("each attempt's reason is told there")
def _(service: Service, run: Run[Any]) -> None:
    (letter,) = run(service.dead())
    assert len(letter.reasons) == letter.attempts
    assert all("the provider is away" in reason for _, reason in letter.reasons)


@then("nothing is in the dead letters")
def _(service: Service, run: Run[Any]) -> None:
    assert run(service.dead()) == []


@then("one message still waits, at no cost")
def _(service: Service, run: Run[Any]) -> None:
    assert run(service.waiting()) == 1
    assert run(service.dead()) == []


@then("one of them is from the other mailbox")
def _(service: Service, run: Run[Any]) -> None:
    assert "the other" in [ticket.subject for ticket in run(service.tickets())]


# --- Shared by steps ----------------------------------------------------------------------------


async def _told_and_handled(service: Service, post: Post) -> None:
    await service.notify(post.mailbox, post.pointers[-1])
    await service.handle_waiting()


def _fragile(service: Service) -> FragileQueue:
    assert isinstance(service.queue, FragileQueue)
    return service.queue
