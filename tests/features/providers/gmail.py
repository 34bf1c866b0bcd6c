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
from tests.watches import InMemoryWatches

PUSHER = "push@project.iam.gserviceaccount.com"
TOKEN = "signed by Google"
TOPIC = "projects/p/topics/t"


class Gmail(Stage):
    """Mailboxes are watched with a *topic*, if there is one; else an operator sees to that."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.topic = ""
        self.announced: list[Mailbox] = []
        self.watches = InMemoryWatches(
            self.rig.clock, endpoint=TOPIC, announce=self.announced.append, wanted=_has_topic
        )
        self.changes.dated = False
        self.changes.numbered = True
        self._history: dict[Pointer, int] = {}

    def provider(self) -> Provider:
        made = InMemoryProvider(
            name=GooglePointer.provider,
            account=GoogleAccount,
            pointer=GooglePointer,
            changes=self.changes,
            messages=self.messages,
            subscriptions=self.watches,
            notifications=GmailNotificationReader(_Signatures()),
        )
        return made()

    def account(self, name: str) -> GoogleAccount:
        return GoogleAccount(
            service_account=Secret("{}"),
            pubsub_subscription=f"projects/p/subscriptions/{self.tenant}-{name}",
            push_service_account=PUSHER,
            pubsub_topic=self.topic,
        )

    def pointer(self, mailbox: Mailbox, number: int) -> GooglePointer:
        pointer = GooglePointer(LISTED_HISTORY_ID, mailbox.address, message_ids=(f"g{number}",))
        self._history[pointer] = self.changes.end(mailbox, folder=FOLDER) + 1
        return pointer

    async def announcement(
        self, mailbox: Mailbox, pointer: Pointer, *, genuine: bool = True
    ) -> Request:
        return self._push(mailbox, self._history[pointer], genuine=genuine)

    def first_notifications(self) -> list[Request]:
        """Those that Gmail has sent of the watches that were made since the last time."""
        watched, self.announced[:] = list(self.announced), []
        return [self._push(each, self.changes.end(each, folder=FOLDER)) for each in watched]

    def _push(self, mailbox: Mailbox, history_id: int, *, genuine: bool = True) -> Request:
        assert isinstance(mailbox.account, GoogleAccount)
        data = {"emailAddress": mailbox.address, "historyId": history_id}
        encoded = base64.urlsafe_b64encode(json.dumps(data).encode()).decode()
        body = {
            "message": {"data": encoded, "messageId": "1", "publishTime": "2030-01-01T00:00:00Z"},
            "subscription": mailbox.account.pubsub_subscription,
        }
        headers = {"authorization": f"Bearer {TOKEN if genuine else 'signed by somebody'}"}
        return Request("/webhooks/google", json.dumps(body).encode(), headers)


def _has_topic(mailbox: Mailbox) -> bool:
    return isinstance(mailbox.account, GoogleAccount) and bool(mailbox.account.pubsub_topic)


class _Signatures(PushVerifier):
    async def __call__(self, token: str) -> str:
        if token != TOKEN:
            raise Unauthenticated("the token's signature is not valid")
        return PUSHER
