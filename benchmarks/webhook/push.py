"""The pushes of Pub/Sub that are posted: each names a mailbox, and a history id of its own.

They are signed: the sender has a token that the one who starts both has made, and the web server
has the certificate that goes with it.
"""

import base64
import json
from pathlib import Path

from postroom.adapters.clock import SystemClock
from postroom.adapters.google.account import GoogleAccount
from postroom.domain.account import Secret
from postroom.domain.mailbox import Mailbox
from postroom.entrypoints.emulators.gmail.keys import signing_key

MAILBOXES = 100
"""Whose pushes come in turn."""

PATH = "/webhooks/google"
PUBLIC_URL = "https://postroom.example"
PUSHER = "pusher@project.iam.gserviceaccount.com"
SUBSCRIPTION = "projects/project/subscriptions/gmail"


def write_identity(file: Path) -> None:
    """A token for an hour, and the certificate of the key that it is signed with."""
    key, now = signing_key("push"), int(SystemClock().now().timestamp())
    claims = {
        "aud": f"{PUBLIC_URL}{PATH}",
        "email": PUSHER,
        "email_verified": True,
        "exp": now + 3600,
        "iat": now,
        "iss": "https://accounts.google.com",
    }
    identity = {"token": key.sign(claims), "certificates": {key.id: key.certificate}}
    file.write_text(json.dumps(identity))


def address(mailbox: int) -> str:
    return f"mailbox-{mailbox:03}@postroom.example"


def mailboxes() -> list[Mailbox]:
    account = GoogleAccount(
        service_account=Secret("{}"),
        pubsub_subscription=SUBSCRIPTION,
        push_service_account=PUSHER,
    )
    now = SystemClock().now()
    return [
        Mailbox(
            tenant="acme",
            id=f"mailbox-{number:03}",
            address=address(number),
            account=account,
            added_at=now,
        )
        for number in range(MAILBOXES)
    ]


def push(number: int) -> bytes:
    """The one of that *number*, in some 600 bytes, as Pub/Sub writes it."""
    said = {"emailAddress": address(number % MAILBOXES), "historyId": 1_000_000 + number}
    message_id = f"20704436{number:08}"
    body = {
        "message": {
            "data": base64.b64encode(json.dumps(said).encode()).decode(),
            "messageId": message_id,
            "message_id": message_id,
            "publishTime": "2030-01-01T00:00:00.749Z",
            "publish_time": "2030-01-01T00:00:00.749Z",
        },
        "subscription": SUBSCRIPTION,
    }
    return json.dumps(body).encode()
