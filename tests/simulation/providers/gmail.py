"""Gmail: the emulator of its API, of Google's tokens, and of Pub/Sub."""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from http import HTTPStatus
from typing import Any

import httpx

from postroom.adapters.google.account import GoogleAccount
from postroom.adapters.google.changes import LISTED_HISTORY_ID
from postroom.adapters.google.pointer import GooglePointer
from postroom.application.ports import Clock
from postroom.domain.mailbox import Mailbox
from postroom.domain.pointer import Pointer
from postroom.entrypoints.emulators.gmail import GmailEmulator
from postroom.entrypoints.emulators.gmail.subscriptions import PushSubscription
from postroom.entrypoints.emulators.gmail.wire import GoogleError
from postroom.entrypoints.emulators.loopback import AsgiApp
from tests.simulation.arrivals import Arrived, Notice, raw
from tests.simulation.mailboxes import PUSHER, TOPIC, lanes_of, mailbox_of
from tests.simulation.plan import Mail
from tests.simulation.providers.announcing import Announcer
from tests.simulation.providers.http import Site

GMAIL, TOKENS, CERTIFICATES = (
    "gmail.googleapis.com",
    "oauth2.googleapis.com",
    "www.googleapis.com",
)

AUDIENCE = "https://postroom.example/webhooks/google"

WAYS_IN = (["INBOX", "UNREAD"], ["SPAM"], ["TRASH"], ["UNREAD"])
"""The labels with which mail comes in, in turn; somebody moves it to the inbox at once."""

_CONTENT = re.compile(r"/messages/([^/]+)$")

_REASONS = {403: "forbidden", 404: "notFound", 429: "rateLimitExceeded", 500: "backendError"}

Find = Callable[[str], Arrived | None]


@dataclass
class Gmail(Site):
    """*find* knows messages by their ids."""

    clock: Clock
    client: httpx.AsyncClient
    find: Find
    announcer: Announcer = field(default_factory=Announcer)

    def __post_init__(self) -> None:
        self.emulator = GmailEmulator(self.client, self.clock)
        self.service_account = self.emulator.service_account_key(f"https://{TOKENS}")
        self._lanes = {mailbox_of(lane).address: lane for lane in lanes_of("google")}
        self.emulator.pubsub.create_topic(TOPIC)
        for address in self._lanes:
            self.emulator.mailbox(address)

    # --- As a site ---

    @property
    def app(self) -> AsgiApp:
        return self._answer

    async def _answer(self, scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI
        """As the emulator; a watch that it has made announces itself."""
        address = self._watched(scope)

        async def sent(message: Any) -> None:  # noqa: ANN401 - ASGI
            if address and message.get("status") == HTTPStatus.OK:
                self.announcer(self._notice(mailbox_of(self._lanes[address])))
            await send(message)

        await self.emulator.app(scope, receive, sent)

    def _watched(self, scope: Any) -> str:  # noqa: ANN401 - ASGI
        if not scope["path"].endswith("/watch"):
            return ""
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        return self._address_of(headers.get("authorization", ""))

    def targets(self, request: httpx.Request) -> Sequence[str]:
        match request.url.host:
            case host if host == TOKENS:
                return ("login of google",)
            case host if host == CERTIFICATES:
                return ()
            case _:
                lane = self._lanes.get(self._address(request), "")
                return ("gmail", lane)

    def arrived(self, request: httpx.Request) -> Arrived | None:
        content = _CONTENT.search(request.url.path)
        return self.find(content[1]) if content else None

    def error(self, status: int) -> bytes:
        return json.dumps(GoogleError(status, _REASONS[status]).body()).encode()

    def another(self, request: httpx.Request) -> bytes | None:
        content = _CONTENT.search(request.url.path)
        if content is None:
            return None
        messages = self.emulator.mailbox(self._address(request)).messages
        others = [each for message_id, each in messages.items() if message_id != content[1]]
        return json.dumps(others[0].body("raw")).encode() if others else None

    def _address(self, request: httpx.Request) -> str:
        return self._address_of(request.headers.get("Authorization", ""))

    def _address_of(self, authorization: str) -> str:
        try:
            return self.emulator.tokens.access.caller(authorization).address
        except GoogleError:
            return ""

    # --- What happens there ---

    def deliver(self, mail: Mail, mailbox: Mailbox) -> Pointer:
        address, labels = mailbox.address, WAYS_IN[mail.number % len(WAYS_IN)]
        message_id = self.emulator.deliver(address, raw(mail, mailbox), labels=labels)
        self.emulator.relabel(address, message_id, add=["INBOX"], remove=["SPAM", "TRASH"])
        return GooglePointer(LISTED_HISTORY_ID, mailbox.address, message_ids=(message_id,))

    def notices(self, arrived: Arrived) -> Sequence[Notice]:
        mailbox = arrived.mailbox
        return [self._notice(mailbox)] if self.emulator.watches(mailbox.address) else []

    def _notice(self, mailbox: Mailbox) -> Notice:
        assert isinstance(mailbox.account, GoogleAccount)
        subscription = self._subscription(mailbox.account.pubsub_subscription)
        history_id = self.emulator.history_id(mailbox.address)
        body = self.emulator.pubsub.envelope(subscription, mailbox.address, history_id)
        headers = {"authorization": f"Bearer {self._token}"}
        return Notice("/webhooks/google", json.dumps(body).encode(), headers)

    def delete(self, arrived: Arrived) -> None:
        assert isinstance(arrived.pointer, GooglePointer)
        self.emulator.delete(arrived.mailbox.address, arrived.pointer.message_ids[0])

    def forget_positions(self, mailbox: Mailbox) -> dict[Pointer, Pointer]:
        self.emulator.expire_history(mailbox.address)
        return {}

    def drop_watches(self, mailbox: Mailbox) -> None:
        self.emulator._backend.watches.forget(mailbox.address)

    def passed(self, position: str, arrived: Sequence[Arrived]) -> list[Arrived]:
        return [each for each in arrived if self._history_id(each) <= int(position)]

    def _history_id(self, arrived: Arrived) -> int:
        assert isinstance(arrived.pointer, GooglePointer)
        messages = self.emulator.mailbox(arrived.mailbox.address).messages
        found = messages.get(arrived.pointer.message_ids[0])
        return found.history_id if found else 0

    @cached_property
    def _token(self) -> str:
        """One for all pushes: to sign takes a while, and goes by the host's clock."""
        return self.emulator.pubsub.token(self._subscription(""))

    def _subscription(self, name: str) -> PushSubscription:
        return PushSubscription(endpoint=AUDIENCE, identity=PUSHER, name=name)
