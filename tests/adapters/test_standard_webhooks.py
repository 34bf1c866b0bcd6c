import base64
from datetime import UTC, datetime, timedelta

import pytest

from postroom.adapters.http.standard_webhooks import (
    InvalidSecret,
    InvalidSignature,
    key_of,
    sign,
    verify,
)

# The example of the specification.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
MESSAGE_ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"
TIMESTAMP = "1614265330"
BODY = b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
NOW = datetime.fromtimestamp(int(TIMESTAMP), UTC)


def check(
    *,
    message_id: str = MESSAGE_ID,
    timestamp: str = TIMESTAMP,
    signatures: str = SIGNATURE,
    body: bytes = BODY,
    now: datetime = NOW,
) -> None:
    verify(
        key_of(SECRET),
        message_id=message_id,
        timestamp=timestamp,
        signatures=signatures,
        body=body,
        now=now,
    )


def test_the_example_of_the_specification_is_signed_as_it_says() -> None:
    signed = sign(key_of(SECRET), message_id=MESSAGE_ID, timestamp=TIMESTAMP, body=BODY)

    assert signed == SIGNATURE


@pytest.mark.parametrize(
    "signatures", [SIGNATURE, f"v1,b2xk {SIGNATURE}", f"{SIGNATURE} v1a,xyz", f"ä {SIGNATURE}"]
)
def test_one_right_signature_is_enough(signatures: str) -> None:
    check(signatures=signatures)


@pytest.mark.parametrize(
    "signatures",
    ["", " ", "v1,", "v1,b2xk", SIGNATURE[3:], SIGNATURE.replace("v1", "v2"), SIGNATURE[:-1]],
)
def test_without_a_right_one_it_is_refused(signatures: str) -> None:
    with pytest.raises(InvalidSignature):
        check(signatures=signatures)


def test_what_is_signed_is_the_id_the_time_and_the_body() -> None:
    later = str(int(TIMESTAMP) + 1)

    with pytest.raises(InvalidSignature):
        check(message_id="msg_other")
    with pytest.raises(InvalidSignature):
        check(timestamp=later)
    with pytest.raises(InvalidSignature):
        check(body=BODY + b" ")


@pytest.mark.parametrize("sign_of", [1, -1])
def test_a_message_is_good_for_five_minutes_either_way(sign_of: int) -> None:
    check(now=NOW + sign_of * timedelta(minutes=5))

    with pytest.raises(InvalidSignature, match="5 minutes"):
        check(now=NOW + sign_of * timedelta(minutes=5, seconds=1))


@pytest.mark.parametrize("timestamp", ["", "x", "-1", "1.5", " 1", "1_0", "٣", "9" * 12])
def test_a_time_that_is_none_is_refused(timestamp: str) -> None:
    with pytest.raises(InvalidSignature, match="webhook-timestamp"):
        check(timestamp=timestamp)


@pytest.mark.parametrize(
    "secret",
    [
        "",
        "whsec_",
        "whsec_***",
        "secret_" + SECRET[6:],
        SECRET[6:],
        "whsec_" + base64.b64encode(b"x" * 23).decode(),
        "whsec_" + base64.b64encode(b"x" * 65).decode(),
    ],
)
def test_a_secret_that_is_none_is_refused_untold(secret: str) -> None:
    with pytest.raises(InvalidSecret) as told:
        key_of(secret)

    assert SECRET[6:] not in str(told.value)
