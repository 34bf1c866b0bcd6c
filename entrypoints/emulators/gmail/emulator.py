"""The scripting face: what happens in the mailboxes, and what goes wrong."""

from collections import Counter
from collections.abc import Collection
from datetime import datetime
from functools import partial

import httpx

from postroom.adapters.clock import SystemClock
from postroom.application.ports import Clock
from postroom.entrypoints.emulators.dated import dated
from postroom.entrypoints.emulators.gmail.api import build_app
from postroom.entrypoints.emulators.gmail.calls import Backend
from postroom.entrypoints.emulators.gmail.faults import Faults
from postroom.entrypoints.emulators.gmail.mailbox import GmailMailbox
from postroom.entrypoints.emulators.gmail.pubsub import PubSub
from postroom.entrypoints.emulators.gmail.script_sign_in import CLIENT, SignInScript
from postroom.entrypoints.emulators.gmail.subscriptions import PushSubscription
from postroom.entrypoints.emulators.gmail.token_endpoint import TokenEndPoint
from postroom.entrypoints.emulators.gmail.topics import TOPIC
from postroom.entrypoints.emulators.gmail.watches import Watch, Watches
from postroom.entrypoints.emulators.gmail.wire import Json
from postroom.entrypoints.emulators.loopback import AsgiApp


class GmailEmulator(SignInScript):
    """Serves Gmail, Pub/Sub, Google's sign-in and its certificates by one ASGI *app*.

    In-process through `transport()`, or on a port by `loopback.serve(gmail.app)`; keys of service
    accounts are to be made with the URL under which it is reached. *client* sends the
    pushes. A mailbox exists from the first time that its address is mentioned.
    """

    def __init__(self, client: httpx.AsyncClient, clock: Clock | None = None) -> None:
        self.clock = clock or SystemClock()
        self.tokens = TokenEndPoint(self.clock)
        self.tokens.clients.register(CLIENT)
        self.pubsub = PubSub(client, self.clock)
        self._faults = Faults()
        self._mailboxes: dict[str, GmailMailbox] = {}
        self._watches = Watches(self.clock, self.pubsub)
        backend = Backend(
            clock=self.clock,
            mailboxes=self._mailboxes,
            tokens=self.tokens,
            pubsub=self.pubsub,
            watches=self._watches,
            faults=self._faults,
        )
        self.app: AsgiApp = dated(build_app(backend), self.clock)

    def transport(self) -> httpx.AsyncBaseTransport:
        """Reaches it in-process, under any host name."""
        return httpx.ASGITransport(self.app)

    @property
    def calls(self) -> Counter[str]:
        """How often each method was called: `messages.get`, `history.list`, `token`, …"""
        return self._faults.calls

    def mailbox(self, address: str) -> GmailMailbox:
        if address not in self._mailboxes:
            self._mailboxes[address] = self._new_mailbox(address)
        return self._mailboxes[address]

    def recreate_mailbox(self, address: str) -> None:
        """Delete the user and make another one of the same address, whom nobody watches."""
        self._watches.forget(address)
        self._mailboxes[address] = self._new_mailbox(address)

    def _new_mailbox(self, address: str) -> GmailMailbox:
        return GmailMailbox(address, partial(self._watches.announce, address))

    def deliver(
        self,
        address: str,
        raw: bytes,
        *,
        labels: Collection[str] = ("INBOX", "UNREAD"),
        at: datetime | None = None,
    ) -> str:
        """Put a message into the mailbox; gives its id. It is announced if somebody watches."""
        return self.mailbox(address).deliver(raw, labels, at or self.clock.now()).id

    def relabel(
        self,
        address: str,
        message_id: str,
        *,
        add: Collection[str] = (),
        remove: Collection[str] = (),
    ) -> None:
        self.mailbox(address).relabel(message_id, add=add, remove=remove)

    def delete(self, address: str, message_id: str) -> None:
        """Delete the message for good."""
        self.mailbox(address).delete(message_id)

    def history_id(self, address: str) -> int:
        return self.mailbox(address).history_id

    def expire_history(self, address: str) -> None:
        """Forget the history up to now: what begins earlier is answered by a 404."""
        self.mailbox(address).expire_history()

    def lag(self, address: str, listings: int) -> None:
        """The next *listings* of the history will not see what happens from now on."""
        self.mailbox(address).lag(listings)

    def fail(self, target: str, fault: Exception, *, times: int = 1) -> None:
        """Answer the next calls of a method (or for a message's id) by *fault*."""
        self._faults.plan(target, fault, times)

    # --- Notifications ---

    def watch(self, address: str, topic: str = TOPIC, *, labels: Collection[str] = ()) -> Watch:
        """Watch the mailbox as the topic's project would; gives the watch."""
        request = {"topicName": topic, "labelIds": list(labels)}
        mailbox, project = self.mailbox(address), topic.split("/")[1]
        return self._watches.start(address, project, request, mailbox.labels, mailbox.history_id)

    def watches(self, address: str) -> list[Watch]:
        """Those of the mailbox that live."""
        return self._watches.of(address)

    async def deliver_pushes(self) -> tuple[int, ...]:
        """Push once what is due in the subscriptions that push; gives the answers."""
        return await self.pubsub.deliver_due()

    async def push(
        self,
        address: str,
        subscription: PushSubscription,
        *,
        history_id: int | str | None = None,
        token: str | None = None,
        attempts: int = 5,
    ) -> tuple[int, ...]:
        """Push a notification that the mailbox has changed up to *history_id* (now); gives the
        answers. Without a watch that lives nothing is pushed.

        What is not acknowledged is pushed again, up to *attempts* times.
        """
        if not self.watches(address):
            return ()
        if history_id is None:
            history_id = self.history_id(address)
        envelope = self.pubsub.envelope(subscription, address, history_id)
        return await self.redeliver(subscription, envelope, token=token, attempts=attempts)

    async def redeliver(
        self,
        subscription: PushSubscription,
        envelope: Json,
        *,
        token: str | None = None,
        attempts: int = 5,
    ) -> tuple[int, ...]:
        """Push *envelope*, perhaps for the second time, as Pub/Sub may even after an ack."""
        token = token or self.pubsub.token(subscription)
        return await self.pubsub.deliver(subscription, envelope, token, attempts)
