"""Hand-offs of listeners of two tenants."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from postroom.adapters.http.standard_webhooks import key_of, sign
from postroom.adapters.imap.hand_off_proof import Signature
from postroom.adapters.imap.notifications import HandOffReader
from postroom.adapters.imap.pointer import ImapPointer
from postroom.adapters.memory.clock import ManualClock
from postroom.application.ports import WebhookRequest
from tests.contracts.notification_reader.stage import (
    ANOTHERS,
    GUESS,
    SECRET,
    WRONG,
    Stage,
    encoded,
)
from tests.contracts.samples import imap_mailbox

KEYS = {each: f"whsec_{base64.b64encode(each.encode()).decode()}" for each in (SECRET, ANOTHERS)}


@dataclass
class Imap(Stage):
    clock: ManualClock

    mailbox = imap_mailbox()
    pointer = ImapPointer
    is_known_first = True

    def __post_init__(self) -> None:
        secrets = {"acme": KEYS[SECRET], "globex": KEYS[ANOTHERS]}
        self.reader = HandOffReader(Signature(secrets, self.clock))

    def content(self) -> Any:  # noqa: ANN401 - JSON
        pointers = [{"folder": "Möbel", "uid": uid, "uid_validity": 1} for uid in (7, 8)]
        return {"mailbox": self.mailbox.id, "pointers": pointers}

    def sent(
        self, body: bytes, tenant: str = "acme", key: str = KEYS[SECRET], age: int = 0
    ) -> WebhookRequest:
        timestamp = str(int((self.clock.now() - timedelta(seconds=age)).timestamp()))
        signature = sign(key_of(key), message_id="msg_1", timestamp=timestamp, body=body)
        headers = {
            "postroom-tenant": tenant,
            "webhook-id": "msg_1",
            "webhook-timestamp": timestamp,
            "webhook-signature": signature,
        }
        return WebhookRequest("", headers, {}, body)

    def forged(self) -> Sequence[WebhookRequest]:
        genuine = self.genuine()
        return [
            WebhookRequest("", {**genuine.headers, name: value}, {}, genuine.body)
            for name in genuine.headers
            for value in (*WRONG, f"v1,{GUESS}", "v1,é")
        ] + [
            replace(genuine, body=genuine.body + b" "),
            self.sent(genuine.body, age=301),
            replace(genuine, headers={}),
        ]

    def of_another(self) -> Sequence[WebhookRequest]:
        body = encoded(self.content())
        return [
            self.sent(body, key=KEYS[ANOTHERS]),
            self.sent(body, tenant="globex", key=KEYS[ANOTHERS]),
        ]
