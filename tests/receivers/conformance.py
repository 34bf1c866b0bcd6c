"""What a receiver must do, a check a sentence. Each returns what is wrong."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta

from postroom.application.check_application import CheckApplication, Sample
from postroom.domain.handover.answer import Answer, Done, Duplicate
from tests.receivers.calls import (
    ANOTHER_SECRET,
    LARGEST_BODY,
    SECRET,
    body_of,
    headers_of,
    new_key,
)
from tests.receivers.link import Moment
from tests.receivers.rig import Rig

Check = Callable[[Rig], Awaitable[Sequence[str]]]

COMMITS_WITHIN = 3
"""Seconds after an answer in which a receiver that answers first gets to its commit."""


async def takes_a_message_once(rig: Rig) -> Sequence[str]:
    key = new_key()
    first, second = await rig.call(key), await rig.call(key)
    return [
        *differs("the first call", first.status, 201),
        *differs("the second call", second.status, 208),
        *differs("the second reference", reference_of(second), reference_of(first)),
        *differs("tickets", rig.tickets(key), 1),
    ]


async def passes_the_check_of_the_product(rig: Rig) -> Sequence[str]:
    one, another = new_key(), new_key()
    check = CheckApplication(rig.send)
    return await check(Sample(one, body_of(one)), Sample(another, body_of(another)))


async def takes_one_of_twenty_calls_at_once(rig: Rig) -> Sequence[str]:
    key = new_key()
    answers = await asyncio.gather(*(rig.call(key) for _ in range(20)))
    return [
        *differs("answers", sorted(each.status for each in answers), [201, *[208] * 19]),
        *differs("references", len({reference_of(each) for each in answers}), 1),
        *differs("tickets", rig.tickets(key), 1),
    ]


async def refuses_what_is_not_signed_so(rig: Rig) -> Sequence[str]:
    key = new_key()
    body = body_of(key)
    headers = headers_of(key, body)
    minutes = timedelta(minutes=10)
    calls: Mapping[str, tuple[Mapping[str, str], bytes]] = {
        "one changed byte": (headers, body.replace(b"jo@", b"js@")),
        "another id": ({**headers, "webhook-id": new_key()}, body),
        "ten minutes old": (headers_of(key, body, age=minutes), body),
        "ten minutes early": (headers_of(key, body, age=-minutes), body),
        "an unknown secret": (headers_of(key, body, secrets=[ANOTHER_SECRET]), body),
        "no signature": ({"content-type": headers["content-type"]}, body),
        "a signature that is none": ({**headers, "webhook-signature": "none"}, body),
        "a signature of no base64": ({**headers, "webhook-signature": "v1,x"}, body),
        "a body that is no text": (headers, body + b"\xff"),
    }
    wrong: list[str] = []
    for what, (its_headers, its_body) in calls.items():
        wrong += differs(what, (await rig.post(its_headers, its_body)).status, 401)
    return [*wrong, *differs("tickets", rig.tickets(key), 0)]


async def takes_a_call_that_two_secrets_have_signed(rig: Rig) -> Sequence[str]:
    wrong: list[str] = []
    for secrets in ([ANOTHER_SECRET, SECRET], [SECRET, ANOTHER_SECRET]):
        key = new_key()
        body = body_of(key)
        answer = await rig.post(headers_of(key, body, secrets=secrets), body)
        wrong += differs("two signatures", answer.status, 201)
    return wrong


async def takes_the_largest_body(rig: Rig) -> Sequence[str]:
    key = new_key()
    body = body_of(key, size=LARGEST_BODY)
    answer = await rig.post(headers_of(key, body), body)
    return differs(f"a body of {len(body)} bytes", answer.status, 201)


async def says_200_to_what_it_does_not_know(rig: Rig) -> Sequence[str]:
    wrong: list[str] = []
    for kind in ("postroom.ping", "postroom.test", "mail.of-next-year"):
        key = new_key()
        body = body_of(key, kind)
        answer = await rig.post(headers_of(key, body), body)
        wrong += [
            *differs(kind, answer.status, 200),
            *differs(f"tickets of a {kind}", rig.tickets(key), 0),
        ]
    return wrong


async def bears_to_be_killed_before_its_commit(rig: Rig) -> Sequence[str]:
    return await breaks(rig, Moment.BEFORE_COMMIT, rig.process.kill)


async def bears_to_be_killed_after_its_commit(rig: Rig) -> Sequence[str]:
    return await breaks(rig, Moment.AFTER_COMMIT, rig.process.kill)


async def bears_a_cut_before_its_commit(rig: Rig) -> Sequence[str]:
    return await breaks(rig, Moment.BEFORE_COMMIT)


async def bears_a_cut_after_its_commit(rig: Rig) -> Sequence[str]:
    return await breaks(rig, Moment.AFTER_COMMIT)


async def breaks(rig: Rig, moment: Moment, deed: Callable[[], None] | None = None) -> Sequence[str]:
    """The call breaks there, and is repeated unless it was answered by then."""
    key = new_key()
    rig.link.break_at(moment, deed)
    answer = await rig.call(key)
    wrong = await await_commit(rig)
    if deed is None and not rig.process.lives:
        wrong.append("it ends when a connection of it is cut")
    if is_taken(answer):
        wrong.append(f"it answers {answer.status} before it commits")
    else:
        answer = await rig.call_until_taken(key)
        wrong += differs(
            "the repeat", answer.status, 201 if moment is Moment.BEFORE_COMMIT else 208
        )
    return [*wrong, *differs("tickets", rig.tickets(key), 1)]


async def await_commit(rig: Rig) -> list[str]:
    """What is wrong if the moment does not come at which the link breaks."""
    try:
        async with asyncio.timeout(COMMITS_WITHIN):
            await rig.link.broken.wait()
    except TimeoutError:
        rig.link.leave_alone()
        return ["it commits nothing"]
    return []


async def goes_on_when_its_connections_were_cut(rig: Rig) -> Sequence[str]:
    await rig.call(new_key())  # so that it has one
    await rig.link.cut()
    key = new_key()
    answer = await rig.call(key)
    wrong = [] if rig.process.lives else ["it ends when its connections are cut"]
    if not is_taken(answer):
        answer = await rig.call_until_taken(key)
    return wrong if is_taken(answer) else [*wrong, f"the call is not taken: {answer}"]


CHECKS: Sequence[Check] = (
    takes_a_message_once,
    passes_the_check_of_the_product,
    takes_one_of_twenty_calls_at_once,
    refuses_what_is_not_signed_so,
    takes_a_call_that_two_secrets_have_signed,
    takes_the_largest_body,
    says_200_to_what_it_does_not_know,
    bears_to_be_killed_before_its_commit,
    bears_to_be_killed_after_its_commit,
    bears_a_cut_before_its_commit,
    bears_a_cut_after_its_commit,
    goes_on_when_its_connections_were_cut,
)


def differs(what: str, found: object, wanted: object) -> list[str]:
    return [] if found == wanted else [f"{what}: {found!r} instead of {wanted!r}"]


def is_taken(answer: Answer) -> bool:
    return isinstance(answer, Done | Duplicate)


def reference_of(answer: Answer) -> str:
    return answer.reference if isinstance(answer, Done | Duplicate) else f"none: {answer}"
