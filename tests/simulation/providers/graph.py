"""Microsoft 365: the Graph emulator, and what happens in its mailboxes."""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count
from urllib.parse import unquote

import httpx

from postroom.adapters.microsoft.account import ClientSecret, MicrosoftAccount
from postroom.adapters.microsoft.pointer import MicrosoftPointer
from postroom.application.ports import Clock
from postroom.domain.mailbox import Mailbox
from postroom.domain.pointer import Pointer
from postroom.entrypoints.emulators.graph import GraphEmulator
from postroom.entrypoints.emulators.graph.wire import guid
from postroom.entrypoints.emulators.loopback import AsgiApp
from tests.simulation.arrivals import Arrived, Notice, raw
from tests.simulation.mailboxes import lanes_of, mailbox_of
from tests.simulation.plan import Mail
from tests.simulation.providers.http import Site

GRAPH, LOGIN = "graph.microsoft.com", "login.microsoftonline.com"

_USER = re.compile(r"/users/([^/]+)/")
_CONTENT = re.compile(r"/messages/([^/]+)/\$value$")

_CODES = {
    403: "ErrorAccessDenied",
    404: "ErrorItemNotFound",
    429: "ApplicationThrottled",
    500: "ErrorInternalServerError",
}

Find = Callable[[str], Arrived | None]


@dataclass
class Graph(Site):
    """*find* knows messages by their immutable ids."""

    clock: Clock
    client: httpx.AsyncClient
    find: Find

    def __post_init__(self) -> None:
        numbers = count(1)
        self._lanes: dict[str, str] = {}
        self.emulator = GraphEmulator(
            self.clock, self.client, new_id=lambda: f"{next(numbers):08}-0000-4000-8000-{0:012}"
        )
        for lane in lanes_of("microsoft"):
            mailbox = mailbox_of(lane)
            account = mailbox.account
            assert isinstance(account, MicrosoftAccount)
            assert isinstance(account.credentials, ClientSecret)
            secret = account.credentials.secret.value
            self.emulator.register(account.directory, account.client_id, secret)
            self.emulator.add_folder(mailbox.address, "Inbox")
            self._lanes |= dict.fromkeys((mailbox.address, guid(mailbox.address)), lane)

    # --- As a site ---

    @property
    def app(self) -> AsgiApp:
        return self.emulator.app

    def targets(self, request: httpx.Request) -> Sequence[str]:
        path = request.url.path
        if request.url.host == LOGIN:
            return (f"login of {path.split('/')[1]}",)
        user = _USER.search(f"{path}{request.content.decode('utf-8', 'replace')}")
        return ("graph", self._lanes.get(unquote(user[1]), "")) if user else ("graph",)

    def arrived(self, request: httpx.Request) -> Arrived | None:
        content = _CONTENT.search(request.url.path)
        return self.find(unquote(content[1])) if content else None

    def error(self, status: int) -> bytes:
        error = {"code": _CODES[status], "message": "As the weather has it."}
        return json.dumps({"error": error}).encode()

    def another(self, _: httpx.Request) -> None:
        """MIME does not say whose it is."""

    # --- What happens there ---

    def deliver(self, mail: Mail, mailbox: Mailbox) -> Pointer:
        message_id = self.emulator.deliver(mailbox.address, raw(mail, mailbox))
        return MicrosoftPointer("", message_id)

    def notices(self, arrived: Arrived) -> Sequence[Notice]:
        assert isinstance(arrived.pointer, MicrosoftPointer)
        items = [
            self.emulator.notification(each, arrived.pointer.message_id)
            for each in self._subscriptions(arrived.mailbox)
        ]
        return [
            Notice(
                "/webhooks/microsoft",
                json.dumps({"value": [item]}).encode(),
                subscription=item["subscriptionId"],
            )
            for item in items
        ]

    def delete(self, arrived: Arrived) -> None:
        assert isinstance(arrived.pointer, MicrosoftPointer)
        self.emulator.delete(arrived.pointer.message_id)

    def forget_positions(self, mailbox: Mailbox) -> dict[Pointer, Pointer]:
        self.emulator.expire_delta_tokens(user=mailbox.address)
        return {}

    async def drop_subscriptions(self, mailbox: Mailbox) -> None:
        for each in self._subscriptions(mailbox):
            await self.emulator.remove_subscription(each, notify=False)

    def passed(self, position: str, arrived: Sequence[Arrived]) -> list[Arrived]:
        ids = self.emulator.passed(position)
        return [
            each
            for each in arrived
            if isinstance(each.pointer, MicrosoftPointer) and each.pointer.message_id in ids
        ]

    def _subscriptions(self, mailbox: Mailbox) -> list[str]:
        path = f"/users/{mailbox.address}/".lower()
        live = self.emulator.subscriptions
        return [each["id"] for each in live if each["resource"].lower().startswith(path)]
