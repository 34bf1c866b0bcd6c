"""See to the notifications of a folder: that they come, or that it is known why they do not."""

from contextlib import suppress
from datetime import datetime

from postroom.application.ports import (
    NotificationsRefused,
    Provider,
    SubscriptionGone,
    Subscriptions,
)
from postroom.domain.failure import (
    AccessFailed,
    Failure,
    StoreUnavailable,
    Throttled,
    Unavailable,
)
from postroom.domain.folder_sync import FolderSync
from postroom.domain.mailbox import Mailbox

NO_LISTENER = "no listener holds the folder: run postroom listener"


async def see_to_notifications(
    provider: Provider,
    mailbox: Mailbox,
    folder_sync: FolderSync,
    now: datetime,
    *,
    is_held: bool,
    left_to_others: str,
) -> tuple[FolderSync, str]:
    """With notifications to come, or polled where none can; and what is wrong.

    *left_to_others*, unless empty, is why none is to be asked for.
    """
    if left_to_others:
        return folder_sync.shadowed(left_to_others), ""
    subscriptions = provider.subscriptions
    if subscriptions and subscriptions.are_ours(mailbox):
        return await _subscribe(subscriptions, mailbox, folder_sync, now)
    if subscriptions:  # what was ours once is an operator's now
        folder_sync = folder_sync.without_subscription()
    if provider.listener and not is_held:
        return folder_sync.obstructed(NO_LISTENER), ""
    if not (provider.listener or provider.notifications):
        return folder_sync.obstructed(f"{provider.title} sends no notifications"), ""
    wanted = folder_sync.wants_notifications(now)
    return folder_sync.announced(now) if wanted else folder_sync, ""


async def unless_missed(
    provider: Provider, mailbox: Mailbox, folder_sync: FolderSync, now: datetime
) -> FolderSync:
    """Polled from now on, if notifications have failed to come too often."""
    if not folder_sync.misses_notifications:
        return folder_sync
    if provider.subscriptions and folder_sync.subscription:
        with suppress(Failure):  # if it stays, it does no harm
            await provider.subscriptions.remove(mailbox, folder_sync.subscription.id)
    return folder_sync.tripped(now)


async def _subscribe(
    subscriptions: Subscriptions, mailbox: Mailbox, folder_sync: FolderSync, now: datetime
) -> tuple[FolderSync, str]:
    if obstacle := subscriptions.obstacle(mailbox):
        return folder_sync.obstructed(obstacle), ""
    if folder_sync.subscription and folder_sync.subscription.is_left_alone(now):
        return folder_sync, folder_sync.subscription.throttled_by
    try:
        return await _subscribed(subscriptions, mailbox, folder_sync, now), ""
    except Throttled as failure:
        # That goes for subscriptions alone: the mail comes on without them.
        wait = failure.retry_after
        return folder_sync.throttled(failure.reason, now, wait), failure.reason
    except (NotificationsRefused, AccessFailed) as refusal:
        # If the mailbox can be read all the same, it is; else the sync that follows says so.
        return folder_sync.refused(refusal.reason, now), ""
    except StoreUnavailable:
        raise
    except Unavailable as failure:
        return folder_sync, failure.reason


async def _subscribed(
    subscriptions: Subscriptions, mailbox: Mailbox, folder_sync: FolderSync, now: datetime
) -> FolderSync:
    if not folder_sync.wants_notifications(now):
        return folder_sync
    if folder_sync.must_create(subscriptions.endpoint_of(mailbox), now):
        return await _create(subscriptions, mailbox, folder_sync)
    if folder_sync.must_renew(now):
        return await _renew(subscriptions, mailbox, folder_sync)
    return folder_sync.announced(now)  # after a time in shadow, it goes on with what there is


async def _create(
    subscriptions: Subscriptions, mailbox: Mailbox, folder_sync: FolderSync
) -> FolderSync:
    if folder_sync.subscription:  # it would stand in the way of another for the same folder
        await subscriptions.remove(mailbox, folder_sync.subscription.id)
    return folder_sync.subscribed(await subscriptions.create(mailbox, folder_sync.folder))


async def _renew(
    subscriptions: Subscriptions, mailbox: Mailbox, folder_sync: FolderSync
) -> FolderSync:
    assert folder_sync.subscription
    try:
        renewed = await subscriptions.renew(mailbox, folder_sync.subscription)
    except SubscriptionGone:
        return await _create(subscriptions, mailbox, folder_sync)
    return folder_sync.subscribed(renewed)
