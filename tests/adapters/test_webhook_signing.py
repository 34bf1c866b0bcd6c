"""What a receiver makes of our calls, by the library that its makers are given."""

import base64
import json
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from postroom.adapters.http.standard_webhooks import InvalidSecret, key_of
from postroom.adapters.webhook import envelope
from postroom.adapters.webhook.signing import generate_secret, signatures
from tests.calling import BODY, KEY, NOON, SECRET, application

SECOND = timedelta(seconds=1)


def headers(*secrets: str, age: timedelta = timedelta()) -> dict[str, str]:
    """Of a call *age* ago, by the clock of the library, which is the host's."""
    timestamp = str(int((datetime.now().astimezone() - age).timestamp()))
    signed = signatures(secrets, message_id=KEY, timestamp=timestamp, body=BODY)
    return {"webhook-id": KEY, "webhook-timestamp": timestamp, "webhook-signature": signed}


def verified(secret: str, body: bytes, headers: dict[str, str]) -> object:
    return Webhook(secret).verify(body, headers)


def test_a_receiver_verifies_our_signature() -> None:
    assert verified(SECRET, BODY, headers(SECRET)) == json.loads(BODY)


@pytest.mark.parametrize("place", [0, len(BODY) // 2, len(BODY) - 2])
def test_one_changed_byte_is_refused(place: int) -> None:
    changed = bytearray(BODY)
    changed[place] ^= 1

    with pytest.raises(WebhookVerificationError):
        verified(SECRET, bytes(changed), headers(SECRET))


def test_the_id_of_another_message_is_refused() -> None:
    with pytest.raises(WebhookVerificationError):
        verified(SECRET, BODY, headers(SECRET) | {"webhook-id": f"{KEY}_r1"})


@pytest.mark.parametrize("age", [6 * 60 * SECOND, -6 * 60 * SECOND])
def test_a_call_of_another_time_is_refused(age: timedelta) -> None:
    with pytest.raises(WebhookVerificationError):
        verified(SECRET, BODY, headers(SECRET, age=age))


def test_another_secret_is_refused() -> None:
    with pytest.raises(WebhookVerificationError):
        verified(generate_secret(), BODY, headers(SECRET))


def test_while_a_secret_is_rotated_either_one_verifies() -> None:
    new = generate_secret()

    both = headers(new, SECRET)

    assert len(both["webhook-signature"].split(" ")) == 2
    assert verified(new, BODY, both) == verified(SECRET, BODY, both) == json.loads(BODY)


def test_the_newest_secret_signs_first() -> None:
    new = generate_secret()

    both = headers(new, SECRET)["webhook-signature"].split(" ")

    assert both == [headers(each)["webhook-signature"] for each in (new, SECRET)]


def test_a_generated_secret_is_of_32_bytes_and_no_other_like_it() -> None:
    secrets = {generate_secret() for _ in range(100)}

    assert len(secrets) == 100
    assert {len(key_of(secret)) for secret in secrets} == {32}


@pytest.mark.parametrize("valid", [(), ("whsec_" + base64.b64encode(b"short").decode(),)])
def test_nothing_is_sent_unsigned(valid: tuple[str, ...]) -> None:
    with pytest.raises(InvalidSecret):
        signatures(valid, message_id=KEY, timestamp="1", body=BODY)


@pytest.mark.parametrize(("hours_ago", "signing"), [(None, 1), (0, 2), (23, 2), (24, 1), (1000, 1)])
def test_the_secret_that_was_replaced_signs_for_a_day(hours_ago: int | None, signing: int) -> None:
    rotated_at = None if hours_ago is None else NOON - timedelta(hours=hours_ago)
    rotated = replace(
        application(secrets=(generate_secret(), generate_secret())), rotated_at=rotated_at
    )

    of_call = envelope.signed(rotated, KEY, BODY, NOON, "1.0")

    assert len(of_call["webhook-signature"].split()) == signing
    assert envelope.shown(of_call)["webhook-signature"] == " ".join(["v1,…"] * signing)
