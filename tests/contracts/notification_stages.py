"""The stages of NotificationReader: Graph, Gmail, IMAP's hand-offs, and the toy provider."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from postroom.adapters.google.account import GoogleAccount
from postroom.adapters.google.notifications import GmailNotificationReader
from postroom.adapters.google.pointer import GooglePointer
from postroom.adapters.imap.notifications import HandOffReader
from postroom.adapters.imap.pointer import ImapPointer
from postroom.adapters.imap.standard_webhooks import key_of, sign
from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.microsoft.notifications import GraphNotificationReader
from postroom.adapters.microsoft.pointer import MicrosoftPointer
from postroom.application.ports import WebhookRequest
from postroom.domain.account import Secret
from postroom.entrypoints.emulators.gmail.identity import signing_key
from tests.adapters.graph_notifications import SUBSCRIPTION, notification
from tests.adapters.notification_rig import TokenVerifier
from tests.adapters.push_rig import AUDIENCE, PUSHER, Google
from tests.contracts.notification_rig import ANOTHERS, GUESS, SECRET, Stage, encoded, spoiled
from tests.contracts.samples import google_mailbox, imap_mailbox, microsoft_mailbox
from tests.toy_provider import ToyAccount, ToyPointer, ToyReader

WRONG = ("", GUESS, "é", "\0", SECRET.upper(), SECRET[:-1], f"{SECRET} ", "9" * 5000)


class _InBody(Stage):
    """What proves the sender stands beside each message."""

    def sent(self, body: bytes) -> WebhookRequest:
        return WebhookRequest("", {}, {}, body)

    def content(self) -> Any:  # noqa: ANN401 - JSON
        return self.shows(SECRET)

    def shows(self, secret: str) -> Any:  # noqa: ANN401 - JSON
        raise NotImplementedError

    def forged(self) -> Sequence[WebhookRequest]:
        return [self.sent(encoded(self.shows(secret))) for secret in WRONG]

    def of_another(self) -> Sequence[WebhookRequest]:
        return [self.sent(encoded(self.shows(ANOTHERS)))]


class Graph(_InBody):
    mailbox = microsoft_mailbox()
    pointer = MicrosoftPointer

    def __init__(self) -> None:
        self.reader = GraphNotificationReader(TokenVerifier({"of-our-application": "client-1"}))

    def shows(self, secret: str) -> Any:  # noqa: ANN401 - JSON
        items = [notification(each, clientState=secret) for each in ("AAMkAD", "AAMkAE")]
        return {"value": items, "validationTokens": ["of-our-application"]}

    def forged(self) -> Sequence[WebhookRequest]:
        rich = {**self.content(), "validationTokens": [GUESS]}
        return [*super().forged(), self.sent(encoded(rich))]


class Toy(_InBody):
    account = ToyAccount(region="north", user="clerk", token=Secret("hush"))
    mailbox = replace(microsoft_mailbox(), account=account)
    pointer = ToyPointer

    def __init__(self) -> None:
        self.reader = ToyReader()

    def shows(self, secret: str) -> Any:  # noqa: ANN401 - JSON
        item = {"subscription": SUBSCRIPTION, "secret": secret}
        return {"items": [{**item, "number": number} for number in (1, 2)]}


class Gmail(Stage):
    """SECRET is in each of its tokens: none may be shown, whether it proves anything or not."""

    subscription = "projects/acme/subscriptions/postroom"
    account = GoogleAccount(
        service_account=Secret("{}"), pubsub_subscription=subscription, push_service_account=PUSHER
    )
    mailbox = replace(google_mailbox(), account=account)
    pointer = GooglePointer
    is_known_first = True

    def __init__(self, google: Google) -> None:
        self._google = google
        self.reader = GmailNotificationReader(google.verify)

    def content(self) -> Any:  # noqa: ANN401 - JSON
        return self._around(encoded(self._change()))

    def _change(self) -> Any:  # noqa: ANN401 - JSON
        return {"emailAddress": self.mailbox.address, "historyId": "9876543210"}

    def _around(self, data: bytes) -> Any:  # noqa: ANN401 - JSON
        message = {"data": base64.b64encode(data).decode(), "messageId": "2070443601311540"}
        return {"message": message, "subscription": self.subscription}

    def bodies_with(self, junk: str) -> Sequence[bytes]:
        inside = [encoded(self._around(each)) for each in spoiled(self._change(), junk)]
        return [*super().bodies_with(junk), *inside]

    def sent(self, body: bytes) -> WebhookRequest:
        return self._with(f"Bearer {self._google.token(nonce=SECRET)}", body)

    def _with(self, authorization: str, body: bytes | None = None) -> WebhookRequest:
        body = encoded(self.content()) if body is None else body
        return WebhookRequest("", {"authorization": authorization}, {}, body)

    def forged(self) -> Sequence[WebhookRequest]:
        stranger = replace(signing_key("a stranger"), id=self._google.emulator.pubsub.key.id)
        tokens = [
            self._google.token(aud=f"{AUDIENCE}/{GUESS}"),
            self._google.token(iss=f"https://{GUESS}.example"),
            self._google.token(exp=1),
            stranger.sign({"aud": AUDIENCE, "email": PUSHER, "nonce": GUESS}),
        ]
        return [self._with(""), *(self._with(f"Bearer {each}") for each in [*WRONG, *tokens])]

    def of_another(self) -> Sequence[WebhookRequest]:
        return [self._with(f"Bearer {self._google.token(email='another@p.example')}")]


KEYS = {each: f"whsec_{base64.b64encode(each.encode()).decode()}" for each in (SECRET, ANOTHERS)}


@dataclass
class Imap(Stage):
    clock: ManualClock

    mailbox = imap_mailbox()
    pointer = ImapPointer
    is_known_first = True

    def __post_init__(self) -> None:
        secrets = {"acme": KEYS[SECRET], "globex": KEYS[ANOTHERS]}
        self.reader = HandOffReader(secrets, self.clock)

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
