"""Signatures of our calls, by every secret that is valid now."""

import base64
import secrets
from collections.abc import Sequence

from postroom.adapters.http.standard_webhooks import InvalidSecret, key_of, sign

SECRET_BYTES = 32


def generate_secret() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def signatures(valid: Sequence[str], *, message_id: str, timestamp: str, body: bytes) -> str:
    """The header `webhook-signature`: one a secret, in their order. Raises InvalidSecret."""
    if not valid:
        raise InvalidSecret("there is no secret to sign with: make one")
    return " ".join(
        sign(key_of(secret), message_id=message_id, timestamp=timestamp, body=body)
        for secret in valid
    )
