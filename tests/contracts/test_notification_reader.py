"""NotificationReader: each provider's, at requests that are genuine, forged, and nonsense."""

import traceback
from collections.abc import AsyncIterator, Sequence
from datetime import datetime

import pytest

from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.redis.wire import WireFormat
from postroom.application.ports import (
    Announced,
    Handshake,
    Notification,
    NotificationReader,
    NotificationResult,
    Rejected,
    UnknownMailbox,
    WebhookError,
    WebhookRequest,
)
from postroom.domain.failure import Unavailable
from postroom.domain.pointer import PointerJob, job_id
from tests.adapters.push_rig import google_rig
from tests.contracts.notification_rig import ANOTHERS, GUESS, SECRET, Post, Stage
from tests.contracts.notification_stages import KEYS, Gmail, Graph, Imap, Toy
from tests.providers import POINTERS
from tests.toy_provider import ToyPointer

PORTS = {NotificationReader}

WIRE = WireFormat({**POINTERS, "toy": ToyPointer})
UNKNOWN = {NotificationResult.UNKNOWN_MAILBOX, NotificationResult.UNKNOWN_SUBSCRIPTION}


@pytest.fixture(params=["graph", "gmail", "imap", "toy"])
async def stage(request: pytest.FixtureRequest, clock: ManualClock) -> AsyncIterator[Stage]:
    match request.param:
        case "graph":
            yield Graph()
        case "gmail":
            async with google_rig(clock) as google:
                yield Gmail(google)
        case "imap":
            yield Imap(clock)
        case _:
            yield Toy()


@pytest.fixture
def post() -> Post:
    return Post()


@pytest.fixture
async def _has_it(stage: Stage, post: Post) -> None:
    """The mailbox of the stage is one of ours."""
    await post.add(stage.mailbox)


has_it = pytest.mark.usefixtures("_has_it")


async def read(
    stage: Stage, post: Post, request: WebhookRequest
) -> Sequence[Notification] | WebhookError:
    """What *request* holds, or why it is refused; neither that nor a traceback shows a secret."""
    found: Sequence[Notification] | WebhookError
    try:
        result = await stage.reader.read(request, post.routes)
        assert not isinstance(result, Handshake)
        found, shown = result, repr(result)
    except WebhookError as error:
        found, shown = error, "".join(traceback.format_exception(error))
        shown += repr(error.rejected)
    hidden = [SECRET, GUESS, ANOTHERS, *KEYS.values()]
    hidden += [part for part in request.headers.get("authorization", "").split(" ")[1:] if part]
    assert not [text for text in hidden if text in shown]
    return found


def results(found: Sequence[Notification] | WebhookError) -> set[NotificationResult]:
    """Why nothing was announced."""
    if isinstance(found, WebhookError):
        assert str(found)
        return {found.rejected.result} if found.rejected else set()
    assert all(isinstance(each, Rejected) for each in found)
    return {each.result for each in found if isinstance(each, Rejected)}


def check_can_be_queued(announced: Announced, now: datetime) -> None:
    route, pointer = announced.route, announced.pointer
    id_ = job_id(route.tenant, route.id, pointer)
    job = PointerJob(
        id=id_, tenant=route.tenant, mailbox=route.id, pointer=pointer, enqueued_at=now
    )
    assert WIRE.unpack(*WIRE.pack(job)) == job


# --- Where it listens ---


async def test_it_has_a_path_of_its_own_and_acknowledges_with_a_success(stage: Stage) -> None:
    paths = stage.reader.paths

    assert "" in paths
    assert all(path.startswith("/") for path in paths if path)
    assert len(set(paths)) == len(paths)
    assert 200 <= stage.reader.accepted < 300


# --- Genuine ---


@has_it
async def test_what_a_request_announces_leads_to_its_mailbox(
    stage: Stage, post: Post, clock: ManualClock
) -> None:
    found = await read(stage, post, stage.genuine())

    assert not isinstance(found, WebhookError)
    assert found
    for each in found:
        assert isinstance(each, Announced)
        mailbox = stage.mailbox
        assert (each.route.tenant, each.route.id) == (mailbox.tenant, mailbox.id)
        assert each.route.provider == mailbox.provider == each.pointer.provider
        assert type(each.pointer) is stage.pointer
        check_can_be_queued(each, clock.now())


@has_it
async def test_a_request_that_is_sent_again_is_read_as_before(stage: Stage, post: Post) -> None:
    request = stage.genuine()

    assert await read(stage, post, request) == await read(stage, post, request)


@has_it
async def test_all_that_a_request_announces_is_looked_up_at_once(stage: Stage, post: Post) -> None:
    await read(stage, post, stage.genuine())

    assert len(post.routes.queries) == 1


@has_it
async def test_without_routes_it_is_to_be_sent_again(stage: Stage, post: Post) -> None:
    post.routes.failure = Unavailable("postgres")

    with pytest.raises(Unavailable):
        await stage.reader.read(stage.genuine(), post.routes)


# --- Forged ---


@has_it
async def test_who_proves_nothing_announces_nothing(stage: Stage, post: Post) -> None:
    for request in stage.forged():
        found = await read(stage, post, request)

        bad_signature = results(found) == {NotificationResult.BAD_SIGNATURE}
        assert bad_signature or isinstance(found, WebhookError)


@has_it
async def test_nothing_is_looked_up_for_a_stranger_who_is_known_to_be_one(
    stage: Stage, post: Post
) -> None:
    for asked, request in enumerate(stage.forged(), 1):
        await read(stage, post, request)

        assert len(post.routes.queries) <= (0 if stage.is_known_first else asked)


@has_it
async def test_who_may_speak_for_another_mailbox_announces_nothing_in_this_one(
    stage: Stage, post: Post
) -> None:
    await post.add_another(stage.mailbox)

    for request in stage.of_another():
        found = results(await read(stage, post, request))

        assert found <= {NotificationResult.BAD_SIGNATURE, *UNKNOWN}
        assert found


# --- Of nobody ---


def check_unknown(found: Sequence[Notification] | WebhookError) -> None:
    assert results(found) <= UNKNOWN
    assert results(found)
    assert isinstance(found, UnknownMailbox) or not isinstance(found, WebhookError)


async def test_what_is_announced_to_nobody_is_said(stage: Stage, post: Post) -> None:
    check_unknown(await read(stage, post, stage.genuine()))


async def test_a_mailbox_of_another_provider_is_nobody(stage: Stage, post: Post) -> None:
    await post.add_elsewhere(stage.mailbox)

    check_unknown(await read(stage, post, stage.genuine()))


# --- Nonsense ---

DEEP = "[" * 1000 + "]" * 1000
DEEP_OBJECT = '{"a":' * 1000 + "1" + "}" * 1000
JUNK = {
    "null": "null",
    "true": "true",
    "a number": "7",
    "a negative number": "-7",
    "a text": '"text"',
    "an empty text": '""',
    "a long text": f'"{"x" * 100_000}"',
    "half a surrogate pair": '"\\ud800"',
    "a NUL": '"\\u0000"',
    "an enormous number": "9" * 4000,
    "a number that Python refuses": "9" * 5000,
    "infinity": "1e400",
    "no number": "NaN",
    "an empty list": "[]",
    "a list": '[{"a": 1}]',
    "an empty object": "{}",
    "lists in lists": DEEP,
    "objects in objects": DEEP_OBJECT,
}
NO_JSON = [b"", b" ", b"not json", b"{", b'"', b"\xff\xfe", b"\0", DEEP[:1000].encode()]

each_junk = pytest.mark.parametrize("junk", JUNK.values(), ids=JUNK)


@has_it
@pytest.mark.parametrize("body", NO_JSON, ids=repr)
async def test_what_is_no_json_announces_nothing(stage: Stage, post: Post, body: bytes) -> None:
    found = await read(stage, post, stage.sent(body))

    assert isinstance(found, WebhookError) or results(found) == {NotificationResult.MALFORMED}
    assert not post.routes.queries


@has_it
@each_junk
async def test_json_that_is_no_notification_announces_nothing(
    stage: Stage, post: Post, junk: str
) -> None:
    found = await read(stage, post, stage.sent(junk.encode()))

    assert isinstance(found, WebhookError) or results(found) == {NotificationResult.MALFORMED}
    assert not post.routes.queries


@has_it
@each_junk
async def test_junk_in_any_place_is_refused_or_does_no_harm(
    stage: Stage, post: Post, clock: ManualClock, junk: str
) -> None:
    for asked, body in enumerate(stage.bodies_with(junk), 1):
        found = await read(stage, post, stage.sent(body))

        assert len(post.routes.queries) <= asked
        for each in [] if isinstance(found, WebhookError) else found:
            if isinstance(each, Announced):
                check_can_be_queued(each, clock.now())
