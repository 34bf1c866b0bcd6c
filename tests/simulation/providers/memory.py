"""The providers with real accounts, pointers and readers of notices, and all else in memory.

Each call goes over the simulated network, which raises what the real adapters would.
"""

import asyncio
import base64
import json
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import count
from typing import Any

from postroom.adapters.google.account import FOLDER, GoogleAccount
from postroom.adapters.google.changes import LISTED_HISTORY_ID
from postroom.adapters.google.notifications import GmailNotificationReader
from postroom.adapters.google.pointer import GooglePointer
from postroom.adapters.google.push import PushVerifier
from postroom.adapters.imap.account import INBOX, ImapAccount
from postroom.adapters.imap.pointer import ImapPointer
from postroom.adapters.memory.changes import InMemoryChanges
from postroom.adapters.memory.fetcher import InMemoryMessages, source_of
from postroom.adapters.memory.listener import InMemoryListener
from postroom.adapters.memory.provider import InMemoryProvider
from postroom.adapters.memory.subscriptions import InMemorySubscriptions
from postroom.adapters.microsoft.account import MicrosoftAccount
from postroom.adapters.microsoft.notifications import GraphNotificationReader
from postroom.adapters.microsoft.pointer import MicrosoftPointer
from postroom.application.ports import (
    Arrival,
    Clock,
    FetchedMessage,
    MessageFetcher,
    NotificationReader,
    Provider,
    Subscriptions,
    Unauthenticated,
)
from postroom.domain.account import Account
from postroom.domain.failure import AccessFailed, SourceGone, Unavailable, Unprocessable
from postroom.domain.mailbox import Mailbox
from postroom.domain.pointer import Pointer
from tests.simulation.arrivals import LARGE, Arrived, Notice, raw
from tests.simulation.mailboxes import PUSHER, lane_of, mailbox_of, sources_of
from tests.simulation.network import Link, remote
from tests.simulation.plan import Mail, Nature
from tests.simulation.process import this_process
from tests.simulation.providers import Outside, Reach, Surroundings
from tests.simulation.providers.announcing import Announcer
from tests.simulation.reading import Readers
from tests.watches import InMemoryWatches

PAGE_SIZE = 5
SIGNED = "signed by Google"
RENEW_EVERY = timedelta(minutes=10)
"""Gmail's is a day: longer than a run."""

READING = 0.2
"""Seconds that it takes to send a message."""


@dataclass
class InMemoryOutside(Outside):
    clock: Clock
    changes: InMemoryChanges = field(default_factory=lambda: InMemoryChanges(page_size=PAGE_SIZE))
    listener: InMemoryListener = field(default_factory=InMemoryListener)
    lying: dict[tuple[str, str], Arrived] = field(default_factory=dict)
    """By lane and source."""
    readers: Readers = field(default_factory=Readers)

    def __post_init__(self) -> None:
        foreign = {"imap": SourceGone}  # a UID does not show whose it is
        self.messages = {
            name: InMemoryMessages(limit=LARGE, foreign=foreign.get(name, Unprocessable))
            for name in ("microsoft", "google", "imap")
        }
        numbers = count(1)
        self.subscriptions = InMemorySubscriptions(
            self.clock, tokens=lambda: f"{next(numbers):08}-0000-4000-8000-000000000000"
        )
        self.numbered = InMemoryChanges(page_size=PAGE_SIZE, numbered=True)
        self.watches = InMemoryWatches(
            self.clock,
            tokens=self.subscriptions.tokens,
            announce=self._announce,
            renew_every=RENEW_EVERY,
        )
        self._announcer = Announcer()
        self._uids: dict[str, int] = {}
        self._pushes = count(10**6)

    async def open(self, resources: AsyncExitStack, reach: Reach) -> None:
        self._announcer.open(resources, reach)

    def mailbox(self, lane: str) -> Mailbox:
        return mailbox_of(lane)

    def providers(self, surroundings: Surroundings) -> Sequence[Provider]:
        link = Link(surroundings.process, "", surroundings.weather, surroundings.random)
        return [
            self._provider(link, "microsoft", MicrosoftAccount, MicrosoftPointer),
            self._provider(link, "google", GoogleAccount, GooglePointer),
            self._provider(link, "imap", ImapAccount, ImapPointer),
        ]

    def _provider(
        self, link: Link, name: str, account: type[Account], pointer: type[Pointer]
    ) -> Provider:
        readers: dict[str, NotificationReader] = {
            "microsoft": GraphNotificationReader(_verify_none),
            "google": GmailNotificationReader(_Signatures()),
        }
        subscriptions: dict[str, Subscriptions] = {
            "microsoft": self.subscriptions,
            "google": self.watches,
        }
        made = InMemoryProvider(name=name, account=account, pointer=pointer)()
        fetcher = _Ailing(self)
        return replace(
            made,
            fetcher=remote(link, lambda: fetcher),
            changes=remote(link, lambda: self._changes_of(name)),
            subscriptions=remote(link, lambda: subscriptions[name]) if name != "imap" else None,
            notifications=readers.get(name),
            listener=remote(link, lambda: self.listener) if name == "imap" else None,
            sources=sources_of,
        )

    def _changes_of(self, provider: str) -> InMemoryChanges:
        return self.numbered if provider == "google" else self.changes

    def _announce(self, mailbox: Mailbox) -> None:
        history_id = self.numbered.end(mailbox, folder=FOLDER)
        self._announcer(gmail_notice(mailbox, history_id, next(self._pushes), SIGNED))

    # --- What happens there ---

    def deliver(self, mail: Mail, mailbox: Mailbox) -> Pointer:
        pointer = self._pointer(mail, mailbox)
        dated = None if mailbox.provider == "google" else self.clock.now()
        self._lay(Arrived(mail, mailbox, pointer))
        self._changes_of(mailbox.provider).deliver(mailbox, Arrival(pointer, dated))
        if mailbox.provider == "imap" and mail.notices:
            self.listener.announce(mailbox)
        return pointer

    def _lay(self, arrived: Arrived) -> None:
        source = source_of(arrived.pointer)
        content = raw(arrived.mail, arrived.mailbox)
        message = FetchedMessage(source, content, arrived.at)
        self.messages[arrived.mailbox.provider].put(message, arrived.mailbox)
        self.lying[arrived.mail.lane, source] = arrived

    def _pointer(self, mail: Mail, mailbox: Mailbox) -> Pointer:
        match mailbox.provider:
            case "microsoft":
                return MicrosoftPointer("", f"m{mail.number}")
            case "google":
                ids = (f"g{mail.number}",)
                return GooglePointer(LISTED_HISTORY_ID, mailbox.address, message_ids=ids)
            case _:
                uid = len([lane for lane, _ in self.lying if lane == mail.lane]) + 1
                return ImapPointer(INBOX, uid, self._validity(mailbox))

    def _validity(self, mailbox: Mailbox) -> int:
        return self._uids.setdefault(lane_of(mailbox), 1)

    def notices(self, arrived: Arrived) -> Sequence[Notice]:
        match arrived.mailbox.provider, arrived.pointer:
            case "microsoft", MicrosoftPointer(message_id=message_id):
                live = self.subscriptions.live(arrived.mailbox)
                shown = self.subscriptions.shown
                return [graph_notice(each, shown[each], message_id) for each in live]
            case "google", _ if self.watches.live(arrived.mailbox):
                history_id = self.numbered.end(arrived.mailbox, folder=FOLDER)
                return [gmail_notice(arrived.mailbox, history_id, arrived.mail.number, SIGNED)]
            case _:
                return []

    def delete(self, arrived: Arrived) -> None:
        messages = self.messages[arrived.mailbox.provider]
        messages.remove(source_of(arrived.pointer), arrived.mailbox)

    def forget_positions(self, mailbox: Mailbox) -> dict[Pointer, Pointer]:
        if mailbox.provider != "imap":
            self._changes_of(mailbox.provider).expire(mailbox)
            return {}
        self._uids[lane_of(mailbox)] = self._validity(mailbox) + 1
        lane = lane_of(mailbox)
        ours = [self.lying.pop(key) for key in list(self.lying) if key[0] == lane]
        moved: dict[Pointer, Pointer] = {}
        for arrived in ours:
            old, new = arrived.pointer, self._pointer(arrived.mail, mailbox)
            self.messages[mailbox.provider].remove(source_of(old), mailbox)
            arrived.pointer = moved[old] = new
            self._lay(arrived)
        self.changes.rebuild(mailbox, [Arrival(each.pointer, each.at) for each in ours])
        return moved

    async def drop_subscriptions(self, mailbox: Mailbox) -> None:
        for subscriptions in (self.subscriptions, self.watches):
            for each in subscriptions.live(mailbox):
                subscriptions.lose(each)

    def lag(self, mailbox: Mailbox, back: int) -> None:
        self.numbered.lag(mailbox, back=back)

    def catch_up(self, mailbox: Mailbox) -> None:
        self.numbered.catch_up(mailbox)

    def passed(self, mailbox: Mailbox, position: str, arrived: Sequence[Arrived]) -> list[Arrived]:
        changes = self._changes_of(mailbox.provider)
        passed = {each.pointer for each in changes.listed_before(mailbox, position)}
        return [each for each in arrived if each.pointer in passed]


@dataclass(frozen=True)
class _Ailing(MessageFetcher):
    """Fetches, if the message lets us."""

    outside: InMemoryOutside

    async def fetch(self, mailbox: Mailbox, pointer: Pointer) -> FetchedMessage:
        with self.outside.readers.of(mailbox):
            await asyncio.sleep(READING)
            return await self._fetch(mailbox, pointer)

    async def _fetch(self, mailbox: Mailbox, pointer: Pointer) -> FetchedMessage:
        found = self.outside.lying.get((lane_of(mailbox), source_of(pointer)))
        now = asyncio.get_running_loop().time()
        match found and found.ails(now):
            case Nature.POISON:
                await this_process().die()
            case Nature.LATE:
                raise SourceGone("404")
            case Nature.FORBIDDEN:
                raise AccessFailed("403")
            case Nature.FAILING | Nature.GARBLED:
                raise Unavailable("500")
            case _:
                pass
        return await self.outside.messages[mailbox.provider].fetch(mailbox, pointer)


class _Signatures(PushVerifier):
    async def __call__(self, token: str) -> str:
        if token != SIGNED:
            raise Unauthenticated("the token's signature is not valid")
        return PUSHER


async def _verify_none(token: str) -> str:
    raise Unauthenticated(f"no notification here has tokens: {token}")


def graph_notice(subscription: str, secret: str, message_id: str) -> Notice:
    item: dict[str, Any] = {
        "subscriptionId": subscription,
        "clientState": secret,
        "changeType": "created",
        "resourceData": {"id": message_id},
    }
    body = json.dumps({"value": [item]}).encode()
    return Notice("/webhooks/microsoft", body, subscription=subscription)


def gmail_notice(mailbox: Mailbox, history_id: int, number: int, token: str) -> Notice:
    assert isinstance(mailbox.account, GoogleAccount)
    change = {"emailAddress": mailbox.address, "historyId": history_id}
    data = base64.b64encode(json.dumps(change).encode()).decode()
    body = {
        "message": {"data": data, "messageId": str(number)},
        "subscription": mailbox.account.pubsub_subscription,
    }
    headers = {"authorization": f"Bearer {token}"}
    return Notice("/webhooks/google", json.dumps(body).encode(), headers)
