"""Graph, and the toy provider: what proves the sender stands beside each message."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from postroom.adapters.microsoft.notifications import GraphNotificationReader
from postroom.adapters.microsoft.pointer import MicrosoftPointer
from postroom.application.ports import WebhookRequest
from postroom.domain.account import Secret
from tests.adapters.graph_notifications import SUBSCRIPTION, notification
from tests.adapters.notification_rig import TokenVerifier
from tests.contracts.notification_reader.stage import (
    ANOTHERS,
    GUESS,
    SECRET,
    WRONG,
    Stage,
    encoded,
)
from tests.contracts.samples import microsoft_mailbox
from tests.toy_provider import ToyAccount, ToyPointer, ToyReader


class _InBody(Stage):
    """What proves the sender stands beside each message."""

    def sent(self, body: bytes) -> WebhookRequest:
        return WebhookRequest("", {}, {}, body)

    def content(self) -> Any:  # noqa: ANN401 - JSON
        return self.shows(SECRET)

    @abstractmethod
    def shows(self, secret: str) -> Any:  # noqa: ANN401 - JSON
        """The content, if that is the secret."""

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
