"""Has Gmail publish the changes of a mailbox to its Pub/Sub topic: `users.watch`.

https://developers.google.com/workspace/gmail/api/guides/push. A watch has no id, no secret and no
endpoint of ours; another one of the same mailbox takes its place. It answers with a history id,
which is where the mailbox stands now and never where a sync may go on: all between would be lost.

The whole mailbox is watched, without `labelIds`. With a filter, mail that a rule of the user has
archived, or that is moved in, would be announced by nobody, and the choice of labels would have to
be watched anew whenever it changes. What that costs are notifications of mail that was read, which
are one short list each at the most; and of those Gmail sends one a second.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from postroom.adapters.google.account import FOLDER, GoogleAccount, google_account
from postroom.adapters.google.client import GmailClient
from postroom.adapters.google.responses import Watch, read_response
from postroom.adapters.google.watch_errors import AnotherClient, watch_failure_of
from postroom.adapters.http.public_url import NO_PUBLIC_URL, is_public
from postroom.application.ports import Clock, NotificationsRefused, Subscriptions
from postroom.domain.failure import FolderMissing
from postroom.domain.mailbox import Mailbox
from postroom.domain.subscription import Subscription

RENEW_EVERY = timedelta(days=1)
"""Google's advice. A watch lasts for seven days."""

NO_SUBSCRIPTION = "the mailbox has no Pub/Sub subscription"

TAKEN = (
    "gmail notifies another topic of the same project of this mailbox, and has not let go of that:"
    " end the other watch"
)


@dataclass(frozen=True, slots=True)
class GmailSubscriptions(Subscriptions):
    """Watches of mailboxes that have a topic; those of others are an operator's.

    What is pushed comes to *public_url* (empty: to nobody).
    """

    gmail: GmailClient
    clock: Clock
    public_url: str = ""

    def are_ours(self, mailbox: Mailbox) -> bool:
        """An operator's are those of a subscription that comes without a topic."""
        return bool(self.endpoint_of(mailbox) or not google_account(mailbox).pubsub_subscription)

    def endpoint_of(self, mailbox: Mailbox) -> str:
        account = mailbox.account
        return account.pubsub_topic if isinstance(account, GoogleAccount) else ""

    def obstacle(self, mailbox: Mailbox) -> str:
        """Pub/Sub in the internet pushes to a public URL; an emulator here reaches what is here."""
        account = google_account(mailbox)
        if not account.pubsub_subscription:
            return NO_SUBSCRIPTION
        if (
            account.pubsub_pull
            or is_public(self.public_url)
            or (self.public_url and self.gmail.is_here)
        ):
            return ""
        return f"{NO_PUBLIC_URL}, or have the notifications pulled"

    async def create(self, mailbox: Mailbox, folder: str) -> Subscription:
        if folder != FOLDER:
            raise FolderMissing([FOLDER])
        began = self.clock.now()
        return Subscription(
            id=f"watch:{mailbox.tenant}/{mailbox.id}",  # a mailbox has one
            endpoint=self.endpoint_of(mailbox),
            created_at=began,
            renewed_at=began,
            expires_at=await self._watch(mailbox),
            renew_every=RENEW_EVERY,
            announced=True,
        )

    async def renew(self, mailbox: Mailbox, subscription: Subscription) -> Subscription:
        """To watch again is all that there is to it; one that is gone is there again."""
        began = self.clock.now()
        return replace(subscription, renewed_at=began, expires_at=await self._watch(mailbox))

    async def remove(self, mailbox: Mailbox, subscription_id: str) -> None:  # noqa: ARG002 - a mailbox has one
        await self.gmail.post(mailbox, "stop")

    async def ids(self, _: Mailbox) -> tuple[str, ...]:
        """Gmail shows no watch to anybody."""
        return ()

    async def _watch(self, mailbox: Mailbox) -> datetime:
        """When it ends. What stands in its way is stopped, once.

        That is never done in shadow: there, nobody asks for a watch (domain/ingress.py).
        """
        try:
            return await self._ask(mailbox)
        except AnotherClient:
            await self.gmail.post(mailbox, "stop")
        try:
            return await self._ask(mailbox)
        except AnotherClient as another:
            raise NotificationsRefused(TAKEN) from another

    async def _ask(self, mailbox: Mailbox) -> datetime:
        body = await self.gmail.post(
            mailbox, "watch", {"topicName": self.endpoint_of(mailbox)}, failure=watch_failure_of
        )
        watch = read_response(Watch, body)
        return self.gmail.skew.ours(datetime.fromtimestamp(0, UTC) + watch.ends_after)
