"""Signatures after the Standard Webhooks specification, version 1.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import binascii
import hmac
from datetime import UTC, datetime, timedelta

KEY_BYTES = range(24, 65)
TIMESTAMP_DIGITS = 11
TOLERANCE = timedelta(minutes=5)
"""How far the time of a message may be from ours, either way, so that none is replayed later."""


class InvalidSecret(ValueError):
    """The secret is not `whsec_` and the base64 of 24 to 64 bytes."""


class InvalidSignature(Exception):
    """The message is not proven to be of the secret's owner; says why."""


def key_of(secret: str) -> bytes:
    """The bytes of a `whsec_…` secret. Raises InvalidSecret."""
    prefix, _, encoded = secret.partition("_")
    try:
        key = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        key = b""
    if prefix != "whsec" or len(key) not in KEY_BYTES:
        raise InvalidSecret("use whsec_ and the base64 of 24 to 64 random bytes")
    return key


def sign(key: bytes, *, message_id: str, timestamp: str, body: bytes) -> str:
    """The signature of `id.timestamp.body`, as the header `webhook-signature` holds it."""
    signed = b".".join([message_id.encode(), timestamp.encode(), body])
    return "v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode()


def verify(
    key: bytes, *, message_id: str, timestamp: str, signatures: str, body: bytes, now: datetime
) -> None:
    """Return if one of *signatures* (the header, several while a secret is changed) is right.

    Raises InvalidSignature.
    """
    if not (message_id and timestamp and signatures):
        raise InvalidSignature("webhook-id, webhook-timestamp or webhook-signature is missing")
    if abs(now - _moment(timestamp)) > TOLERANCE:
        raise InvalidSignature("webhook-timestamp is more than 5 minutes off")
    right = sign(key, message_id=message_id, timestamp=timestamp, body=body)
    if not any(hmac.compare_digest(one.encode(), right.encode()) for one in signatures.split(" ")):
        raise InvalidSignature("webhook-signature is wrong")


def _moment(timestamp: str) -> datetime:
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= TIMESTAMP_DIGITS):
        raise InvalidSignature("webhook-timestamp is not a Unix time in seconds")
    return datetime.fromtimestamp(int(timestamp), UTC)
