"""Gmail: Pub/Sub pushes that name a history id, and lists without dates."""

import base64
import json

from postroom.adapters.google.account import FOLDER, GoogleAccount
from postroom.adapters.google.changes import LISTED_HISTORY_ID
from postroom.adapters.google.notifications import GmailNotificationReader
from postroom.adapters.google.pointer import GooglePointer
from postroom.adapters.google.push import PushVerifier
from postroom.adapters.memory.provider import InMemoryProvider
from postroom.application.ports import Provider, Unauthenticated
from postroom.domain.account import Secret
from postroom.domain.mailbox import Mailbox
from postroom.domain.pointer import Pointer
from tests.features.providers.stage import Request, Stage

PUSHER = "push@project.iam.gserviceaccount.com"
TOKEN = "signed by Google"


class Gmail(Stage):
    def __post_init__(self) -> None:
        super().__post_init__()
        self.changes.dated = False
        self._history: dict[Pointer, int] = {}

    def provider(self) -> Provider:
        made = InMemoryProvider(
            name=GooglePointer.provider,
            account=GoogleAccount,
            pointer=GooglePointer,
            changes=self.changes,
            messages=self.messages,
            notifications=GmailNotificationReader(_Signatures()),
        )
        return made()

    def account(self, name: str) -> GoogleAccount:
        return GoogleAccount(
            service_account=Secret("{}"),
            pubsub_subscription=f"projects/p/subscriptions/{self.tenant}-{name}",
            push_service_account=PUSHER,
        )

    def pointer(self, mailbox: Mailbox, number: int) -> GooglePointer:
        pointer = GooglePointer(LISTED_HISTORY_ID, mailbox.address, message_ids=(f"g{number}",))
        self._history[pointer] = self.changes.end(mailbox, folder=FOLDER) + 1
        return pointer

    async def announcement(
        self, mailbox: Mailbox, pointer: Pointer, *, genuine: bool = True
    ) -> Request:
        assert isinstance(mailbox.account, GoogleAccount)
        data = {"emailAddress": mailbox.address, "historyId": self._history[pointer]}
        encoded = base64.urlsafe_b64encode(json.dumps(data).encode()).decode()
        body = {
            "message": {"data": encoded, "messageId": "1", "publishTime": "2030-01-01T00:00:00Z"},
            "subscription": mailbox.account.pubsub_subscription,
        }
        headers = {"authorization": f"Bearer {TOKEN if genuine else 'signed by somebody'}"}
        return Request("/webhooks/google", json.dumps(body).encode(), headers)


class _Signatures(PushVerifier):
    async def __call__(self, token: str) -> str:
        if token != TOKEN:
            raise Unauthenticated("the token's signature is not valid")
        return PUSHER
