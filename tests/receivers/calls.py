"""Calls as Postroom makes them, signed by the library of the Standard Webhooks project."""

import base64
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx
from standardwebhooks import Webhook

from postroom.domain.handover.answer import Answer, Done, Duplicate, Failed

SECRET, ANOTHER_SECRET = (
    f"whsec_{base64.b64encode(bytes([number]) * 32).decode()}" for number in (1, 2)
)
PATH = "/inbound"
LARGEST_BODY = 983_040


def new_key() -> str:
    """One as Postroom derives: 32 characters of base32."""
    digest = base64.b32encode(uuid4().bytes + uuid4().bytes[:4])
    return f"msg_{digest.decode().lower()}"


def body_of(key: str, kind: str = "mail.received", *, size: int = 0) -> bytes:
    """The subject is the key, to count tickets by. *size* is in bytes; 0 is what it comes to."""
    email = {"id": key, "from": [{"name": "Jö Field", "email": "jo@example.org"}], "subject": key}
    data = {
        "version": 1,
        "key": key,
        "keepKeyUntil": "2099-01-02T09:14:07Z",
        "tenant": "acme",
        "application": "crm",
        "mailbox": {"id": "support", "address": "support@acme.example"},
        "email": email,
        "content": {"text": "Grüße aus 日本\n", "textFrom": "plain", "html": None, "truncated": []},
    }
    event = {"type": kind, "timestamp": "2026-11-26T09:14:07.512Z", "data": data}
    body = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
    return body.replace(b"Gr", b"x" * (size - len(body)) + b"Gr", 1) if size else body


def headers_of(
    key: str,
    body: bytes,
    *,
    secrets: Sequence[str] = (SECRET,),
    age: timedelta = timedelta(),
) -> Mapping[str, str]:
    moment = datetime.now(UTC) - age
    signatures = (Webhook(secret).sign(key, moment, body.decode()) for secret in secrets)
    return {
        "content-type": "application/json; charset=utf-8",
        "user-agent": "Postroom/1.0",
        "webhook-id": key,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": " ".join(signatures),
        "idempotency-key": f'"{key}"',
    }


def answer_of(response: httpx.Response) -> Answer:
    """What a receiver's answer means, of what receivers answer."""
    if not response.is_success:
        return Failed(status=response.status_code, reason=f"{response.status_code}", sure=False)
    reference = str(response.json().get("reference", ""))
    kind = Duplicate if response.status_code == httpx.codes.ALREADY_REPORTED else Done
    return kind(status=response.status_code, reference=reference)
