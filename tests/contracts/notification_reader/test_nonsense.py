"""What every NotificationReader makes of what no provider sends."""

import pytest

from postroom.adapters.memory.clock import ManualClock
from postroom.application.ports import (
    NotificationReader,
    NotificationResult,
    WebhookError,
)
from tests.contracts.notification_reader.mailboxes import Mailboxes
from tests.contracts.notification_reader.reading import (
    UNKNOWN,
    announced,
    check_can_be_queued,
    is_ours,
    read,
    results,
)
from tests.contracts.notification_reader.stage import GUESS, Stage

PORTS = {NotificationReader}

DEEP = "[" * 1000 + "]" * 1000
DEEP_OBJECT = '{"a":' * 1000 + "1" + "}" * 1000
JUNK = {
    "null": "null",
    "true": "true",
    "a number": "7",
    "a negative number": "-7",
    "a text": f'"{GUESS}"',
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


@is_ours
@pytest.mark.parametrize("body", NO_JSON, ids=repr)
async def test_what_is_no_json_announces_nothing(
    stage: Stage, mailboxes: Mailboxes, body: bytes
) -> None:
    found = await read(stage, mailboxes, stage.sent(body))

    assert isinstance(found, WebhookError) or results(found) == {NotificationResult.MALFORMED}
    assert not mailboxes.routes.queries


@is_ours
@each_junk
async def test_json_that_is_no_notification_announces_nothing(
    stage: Stage, mailboxes: Mailboxes, junk: str
) -> None:
    found = await read(stage, mailboxes, stage.sent(junk.encode()))

    assert isinstance(found, WebhookError) or results(found) == {NotificationResult.MALFORMED}
    assert not mailboxes.routes.queries


@is_ours
@each_junk
async def test_junk_in_any_place_is_refused_or_does_no_harm(
    stage: Stage, mailboxes: Mailboxes, clock: ManualClock, junk: str
) -> None:
    for asked, body in enumerate(stage.bodies_with(junk), 1):
        found = await read(stage, mailboxes, stage.sent(body))

        assert len(mailboxes.routes.queries) <= asked
        for each in announced(found):
            check_can_be_queued(each, clock.now())


@is_ours
async def test_what_its_provider_never_sends_announces_nothing(
    stage: Stage, mailboxes: Mailboxes
) -> None:
    for body in stage.never_sent():
        found = results(await read(stage, mailboxes, stage.sent(body)))

        assert found
        assert found <= {NotificationResult.MALFORMED, NotificationResult.UNWRAPPED, *UNKNOWN}
