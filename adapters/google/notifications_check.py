"""Tries what notifications of a Gmail mailbox come by: the topic, the subscription, the watch."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

from postroom.adapters.google.account import FOLDER, GoogleAccount, google_account
from postroom.adapters.google.errors import NotFound
from postroom.adapters.google.pubsub import PubsubClient
from postroom.adapters.google.pubsub_setup import ends_unused, fault_of, read_subscription
from postroom.adapters.google.remedies import remedy
from postroom.adapters.google.watches import GmailSubscriptions
from postroom.application.ports import CheckStep, MailboxCheck, NotificationsRefused
from postroom.domain.failure import AccessFailed, Failure
from postroom.domain.mailbox import Mailbox

CONSUME = "pubsub.subscriptions.consume"

Attempt = Callable[[Mailbox, GoogleAccount], Awaitable[CheckStep]]


@dataclass(frozen=True, slots=True)
class NotificationsCheck(MailboxCheck):
    """Pushes should come to *endpoint*, a URL.

    Nothing is looked at that only the user of the mailbox could see: Pub/Sub is not theirs. No
    watch is made unless *makes_watch*: in shadow another system's lives on.
    """

    pubsub: PubsubClient
    watches: GmailSubscriptions
    endpoint: str
    makes_watch: bool = True

    async def check(self, mailbox: Mailbox) -> AsyncIterator[CheckStep]:
        account = google_account(mailbox)
        if obstacle := self.watches.obstacle(mailbox):
            yield CheckStep("being reachable", note=f"{obstacle}; until then the mailbox is polled")
            return
        for attempt in self._attempts(account):
            step = await attempt(mailbox, account)
            yield step
            if step.failed:
                return

    def _attempts(self, account: GoogleAccount) -> tuple[Attempt, ...]:
        of_pubsub = (
            *((self._topic,) if account.pubsub_topic else ()),
            self._subscription,
            *((self._consuming,) if account.pubsub_pull else ()),
        )
        is_watched = account.pubsub_topic and self.makes_watch
        return (
            *(of_pubsub if account.person is None else ()),
            *((self._watch,) if is_watched else ()),
        )

    async def _topic(self, _: Mailbox, account: GoogleAccount) -> CheckStep:
        step, topic = "looking at the topic", account.pubsub_topic
        try:
            await self.pubsub.read(account, topic)
        except Failure as failure:
            return _unseen(step, failure, f"gcloud pubsub topics create {topic}")
        return CheckStep(step)

    async def _subscription(self, _: Mailbox, account: GoogleAccount) -> CheckStep:
        step, name = "looking at the subscription", account.pubsub_subscription
        try:
            found = read_subscription(await self.pubsub.read(account, name))
        except Failure as failure:
            return _unseen(step, failure, f"gcloud pubsub subscriptions create {name} …")
        if fault := fault_of(found, account, self.endpoint):
            return CheckStep(step, fault.what, fault.remedy)
        if ends_unused(found):
            never = f"gcloud pubsub subscriptions update {name} --expiration-period=never"
            return CheckStep(
                step, note=f"Pub/Sub deletes it when it was not used for long: {never}"
            )
        return CheckStep(step)

    async def _consuming(self, _: Mailbox, account: GoogleAccount) -> CheckStep:
        step, name = "pulling", account.pubsub_subscription
        try:
            if await self.pubsub.may(account, CONSUME, name):
                return CheckStep(step)
        except Failure as failure:
            return CheckStep(step, failure.reason, remedy(failure))
        role = "give the service account the role roles/pubsub.subscriber there"
        return CheckStep(step, "the service account may not consume the subscription", role)

    async def _watch(self, mailbox: Mailbox, account: GoogleAccount) -> CheckStep:
        """As adding the mailbox would do it anyway."""
        step = "watching the mailbox"
        try:
            await self.watches.create(mailbox, FOLDER)
        except NotificationsRefused as refusal:
            return CheckStep(step, refusal.reason)
        except Failure as failure:
            is_delegated = account.person is not None
            return CheckStep(step, failure.reason, remedy(failure, is_delegated=is_delegated))
        return CheckStep(step)


def _unseen(step: str, failure: Failure, create: str) -> CheckStep:
    """Whoever may not look at it may use it all the same: the watch, and the pushes, tell."""
    if isinstance(failure, NotFound):
        return CheckStep(step, "there is none of that name", create)
    if isinstance(failure, AccessFailed) and not remedy(failure):
        return CheckStep(step, note="not done: the service account lacks the role Pub/Sub Viewer")
    return CheckStep(step, failure.reason, remedy(failure))
