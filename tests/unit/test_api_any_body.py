"""Whatever is posted to a webhook, by whoever may: it is never our failure."""

import asyncio
import base64
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postroom.adapters.memory.clock import ManualClock
from tests.adapters.graph_notifications import event, notification
from tests.contracts.notification_reader.stage import encoded, spoiled
from tests.unit.api_providers import (
    GOOGLE_TOKEN,
    PUSH_SUBSCRIPTION,
    ProviderRig,
    google_mailbox,
    imap_mailbox,
    microsoft_mailbox,
    open_rig,
)
from tests.unit.api_rig import NO_HEADERS, raw_post
from tests.unit.test_api_imap import POINTER, hand_off, headers

Headers = Callable[[ProviderRig, bytes], Mapping[str, str]]


@dataclass(frozen=True)
class Webhook:
    """*genuine* is what its provider posts, with *headers* that prove it. *statuses* are those that
    nonsense may be answered with.
    """

    name: str
    genuine: Any
    statuses: frozenset[int]
    headers: Headers = lambda _rig, _body: NO_HEADERS


def push(data: bytes) -> Any:  # noqa: ANN401 - JSON
    message = {"data": base64.b64encode(data).decode(), "messageId": "2070443601311540"}
    return {"message": message, "subscription": PUSH_SUBSCRIPTION}


CHANGE = {"emailAddress": "sales@acme.example", "historyId": "9876543210"}
WEBHOOKS = [
    Webhook("microsoft", {"value": [notification("1"), event()]}, frozenset({202, 400})),
    Webhook(
        "google",
        push(encoded(CHANGE)),
        frozenset({204}),  # anything else has it sent again, for a week
        lambda _rig, _body: {"authorization": f"Bearer {GOOGLE_TOKEN}"},
    ),
    Webhook(
        "imap",
        hand_off(POINTER),
        frozenset({202, 400, 404}),
        lambda rig, body: {name.lower(): value for name, value in headers(rig, body).items()},
    ),
]

each_webhook = pytest.mark.parametrize("webhook", WEBHOOKS, ids=lambda webhook: webhook.name)

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats()
    | st.text(st.characters())  # with halves of surrogate pairs
    | st.sampled_from(["created", "missed", "subscriptionId", "\ud800", "\0"])
)
NAMES = st.text(st.characters(), max_size=5) | st.sampled_from(
    ["value", "message", "data", "pointers", "mailbox", "validationTokens", "subscriptionId"]
)
ANY_JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=20,
).map(json.dumps)
DEEP = st.builds(
    lambda depth, text: text[0] * depth + text[1:-1] + text[-1] * depth,
    st.sampled_from([199, 200, 201, 300, 900, 1000, 5000, 100_000]),
    st.sampled_from(["[1]", "[]", "[", '["x"}']),
)
LONG = st.integers(1, 10_000).map(lambda digits: "9" * digits)
JUNK = ANY_JSON | DEEP | LONG


class Open:
    """The API, on an event loop of its own."""

    def __init__(self, rig: ProviderRig, runner: asyncio.Runner) -> None:
        self.rig = rig
        self._runner = runner
        for mailbox in (google_mailbox(), imap_mailbox()):
            runner.run(rig.registry.add(mailbox))
        runner.run(rig.subscribe(microsoft_mailbox()))
        self._app = rig.app()

    def post(self, webhook: Webhook, body: bytes) -> int:
        """The status."""
        path, proof = f"/webhooks/{webhook.name}", webhook.headers(self.rig, body)
        return self._runner.run(raw_post(self._app, path, chunks=[body], headers=proof))

    def queued(self) -> set[object]:
        """The ids of the messages that were queued since this was last called."""
        ids: set[object] = {job.pointer.log_fields.get("message_id") for job in self.rig.jobs}
        self.rig.jobs.clear()
        return ids


@pytest.fixture(scope="module")
def api() -> Iterator[Open]:
    clock = ManualClock(datetime(2030, 1, 1, tzinfo=UTC))
    with open_rig(clock) as rig, asyncio.Runner() as runner:
        yield Open(rig, runner)


@each_webhook
def test_what_a_provider_posts_is_accepted(api: Open, webhook: Webhook) -> None:
    assert api.post(webhook, encoded(webhook.genuine)) in {202, 204}


@each_webhook
@settings(deadline=None)
@given(body=st.binary() | JUNK.map(str.encode))
def test_no_body_is_our_failure(api: Open, webhook: Webhook, body: bytes) -> None:
    assert api.post(webhook, body) in webhook.statuses


@each_webhook
@settings(deadline=None, max_examples=30)
@given(junk=JUNK)
def test_junk_in_any_place_of_what_a_provider_posts_is_not_our_failure(
    api: Open, webhook: Webhook, junk: str
) -> None:
    for body in spoiled(webhook.genuine, junk):
        assert api.post(webhook, body) in webhook.statuses


@settings(deadline=None, max_examples=30)
@given(junk=JUNK)
def test_nor_is_junk_within_what_is_encoded(api: Open, junk: str) -> None:
    [google] = [webhook for webhook in WEBHOOKS if webhook.name == "google"]
    for data in spoiled(CHANGE, junk):
        assert api.post(google, encoded(push(data))) == 204


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-8-sig", "latin-1"])
@each_webhook
def test_another_encoding_than_utf_8_is_not_our_failure(
    api: Open, webhook: Webhook, encoding: str
) -> None:
    body = json.dumps({"é": webhook.genuine}, ensure_ascii=False).encode(encoding)

    assert api.post(webhook, body) in webhook.statuses - {202}


# --- One bad item never costs the others

BAD = {
    "half a surrogate pair": '"\\ud800"',
    "half a pair in an id": json.dumps(notification(subscriptionId="\ud800")),
    "half a pair in a secret": json.dumps(notification(clientState="\udfff")),
    "half a pair in a message": json.dumps(notification("\ud83d")),
    "300 levels": "[" * 300 + "]" * 300,
    "300 levels in an id": '{"subscriptionId": ' + '{"a":' * 300 + "1" + "}" * 301,
    "5000 digits": "9" * 5000,
    "5000 digits in an id": '{"subscriptionId": ' + "9" * 5000 + "}",
    "no number": "NaN",
    "nothing": "null",
}


# Beside what is any JSON, items of ours in which one thing is.
JUNK_ITEMS = st.builds(
    lambda spoilt, choice: spoilt[choice % len(spoilt)].decode(),
    (ANY_JSON | LONG).map(lambda junk: spoiled(notification("spoilt"), junk)),
    st.integers(0, 1000),
)
_numbers = count()


def check_that_it_costs_no_other(api: Open, junk: str) -> None:
    """*junk*, between two items that nobody has posted yet."""
    ids = {f"message-{next(_numbers)}" for _ in range(2)}
    first, last = (json.dumps(notification(each)) for each in ids)

    status = api.post(WEBHOOKS[0], f'{{"value": [{first}, {junk}, {last}]}}'.encode())

    assert status == 202
    assert api.queued() >= ids


@pytest.mark.parametrize("junk", BAD.values(), ids=BAD)
def test_one_bad_item_of_a_batch_does_not_cost_the_others(api: Open, junk: str) -> None:
    check_that_it_costs_no_other(api, junk)


@settings(deadline=None)
@given(junk=ANY_JSON | LONG | JUNK_ITEMS)
def test_nor_does_any_other(api: Open, junk: str) -> None:
    check_that_it_costs_no_other(api, junk)


def test_a_batch_of_a_thousand_fits_and_is_queued_whole(api: Open) -> None:
    api.queued()
    items = [a_long_notification(number) for number in range(1000)]
    body = encoded({"value": items})
    assert len(body) > 2**20

    assert api.post(WEBHOOKS[0], body) == 202
    assert len(api.queued()) == 1000


def a_long_notification(number: int) -> dict[str, object]:
    """Of one message of so many, with an id as long as Graph's."""
    message = f"{'AAMkADk0MzZhNDRm' * 10}{number:04}"
    return notification(message, futureField="x" * 200)
