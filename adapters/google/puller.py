"""Pulls the notifications of Gmail mailboxes, where Pub/Sub cannot reach us."""

from collections.abc import Sequence
from dataclasses import dataclass

from postroom.adapters.google.account import GoogleAccount, google_account
from postroom.adapters.google.announcements import announcements
from postroom.adapters.google.pubsub import PubsubClient
from postroom.application.ports import NotificationPuller, Pulled, Routes
from postroom.domain.mailbox import Mailbox


@dataclass(frozen=True, slots=True)
class GmailNotificationPuller(NotificationPuller):
    pubsub: PubsubClient

    def subscription_of(self, mailbox: Mailbox) -> str:
        account = mailbox.account
        if isinstance(account, GoogleAccount) and account.pubsub_pull:
            return account.pubsub_subscription
        return ""

    async def pull(self, mailbox: Mailbox, routes: Routes) -> Sequence[Pulled]:
        account = google_account(mailbox)
        received = await self.pubsub.pull(account)
        messages = [each.message for each in received]
        found = await announcements(account.pubsub_subscription, messages, routes)
        return [
            Pulled(each.ack_id, notification)
            for each, notification in zip(received, found, strict=True)
        ]

    async def acknowledge(self, mailbox: Mailbox, receipts: Sequence[str]) -> None:
        await self.pubsub.acknowledge(google_account(mailbox), receipts)
