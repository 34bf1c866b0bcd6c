"""Pushes of Pub/Sub, with tokens that the emulator signs."""

import base64
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from postroom.adapters.google.account import GoogleAccount
from postroom.adapters.google.notifications import GmailNotificationReader
from postroom.adapters.google.pointer import GooglePointer
from postroom.application.ports import WebhookRequest
from postroom.domain.account import Secret
from postroom.entrypoints.emulators.gmail.keys import signing_key
from tests.adapters.push_rig import AUDIENCE, PUSHER, Google
from tests.contracts.notification_reader.stage import (
    GUESS,
    SECRET,
    WRONG,
    Stage,
    encoded,
    spoiled,
)
from tests.contracts.samples import google_mailbox


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
