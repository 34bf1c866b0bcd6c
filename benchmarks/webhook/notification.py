"""The notifications that are posted: of one new message each, about 1 KB, as Graph writes them."""

import hashlib
import json
from datetime import datetime, timedelta

from benchmarks.payload import message_id
from postroom.domain.subscription import Subscription

MAILBOXES = 100
"""Whose notifications come in turn."""

PATH = "/webhooks/microsoft"

_USER = "users/5d1b2f60-43c8-4f0e-9a51-8a7f3cde9b24@84bd8158-6d4d-4958-8b9f-9d6445542f95"


def subscription_id(mailbox: int) -> str:
    return f"7f105c7d-2dc5-4530-97cd-{mailbox:012x}"


def client_state(mailbox: int) -> str:
    """43 characters, as many as `secrets.token_urlsafe(32)` makes."""
    return f"state-that-nobody-guesses-{mailbox:017}"


def subscription(mailbox: int, now: datetime) -> Subscription:
    return Subscription(
        id=subscription_id(mailbox),
        secret_digest=hashlib.sha256(client_state(mailbox).encode()).hexdigest(),
        endpoint=f"https://postroom.example{PATH}",
        created_at=now,
        renewed_at=now,
        expires_at=now + timedelta(days=6),
    )


def notification(number: int) -> bytes:
    """The one of that *number*: each tells of another message."""
    message, mailbox = message_id(number), number % MAILBOXES
    item = {
        "id": f"lsgTZMr9KwAAA{number:012}",
        "subscriptionId": subscription_id(mailbox),
        "subscriptionExpirationDateTime": "2030-01-08T22:11:09.9520000+00:00",
        "clientState": client_state(mailbox),
        "changeType": "created",
        "resource": f"{_USER}/messages/{message}",
        "tenantId": "84bd8158-6d4d-4958-8b9f-9d6445542f95",
        "resourceData": {
            "@odata.type": "#Microsoft.Graph.Message",
            "@odata.id": f"{_USER}/messages/{message}",
            "@odata.etag": 'W/"CQAAABYAAADkrWGo7bouTKlsgTZMr9KwAAAUWRHf"',
            "id": message,
        },
    }
    return json.dumps({"value": [item]}).encode()
