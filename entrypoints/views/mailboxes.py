"""A mailbox, how it stands, and how each of its folders is received."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from postroom.application.providers import Providers
from postroom.domain.account import Account
from postroom.domain.folder_sync import FolderSync, Mode
from postroom.domain.mailbox import Mailbox
from postroom.domain.mailbox_state import StateName, state_of


@dataclass(frozen=True, slots=True)
class FolderView:
    """How a folder's mail is received: by `notifications`, or by `polling` for *polling_reason*.

    *last_error* is what the last sync failed of. *expires_at* is when the notifications under
    *subscription_id* end, unless it is renewed.
    """

    name: str
    mode: Mode
    polling_reason: str
    last_error: str
    subscription_id: str
    expires_at: datetime | None
    synced_at: datetime | None


def folder_view(folder_sync: FolderSync, now: datetime) -> FolderView:
    subscription, reason = folder_sync.subscription, folder_sync.polled_because(now)
    return FolderView(
        name=folder_sync.folder,
        mode=Mode.POLLING if reason else folder_sync.mode,
        polling_reason=reason,
        last_error=folder_sync.last_error,
        subscription_id=subscription.id if subscription else "",
        expires_at=subscription.expires_at if subscription else None,
        synced_at=folder_sync.synced_at,
    )


@dataclass(frozen=True, slots=True)
class MailboxView:
    """*reason* says why it is in its *state*, and *since* when, where that is known.

    *account* says how it is reached, without the secrets.
    """

    tenant: str
    id: str
    address: str
    provider: str
    state: StateName
    reason: str
    since: datetime | None
    added_at: datetime
    account: dict[str, str]
    folders: Sequence[FolderView]


def mailbox_view(
    mailbox: Mailbox, folder_syncs: Sequence[FolderSync], providers: Providers, now: datetime
) -> MailboxView:
    """*folder_syncs* are its own."""
    state = state_of(mailbox, folder_syncs, now, ingress=providers.ingress)
    return MailboxView(
        tenant=mailbox.tenant,
        id=mailbox.id,
        address=mailbox.address,
        provider=mailbox.provider,
        state=state.name,
        reason=state.reason,
        since=state.since,
        added_at=mailbox.added_at,
        account=account_view(mailbox.account, providers),
        folders=[folder_view(each, now) for each in folder_syncs],
    )


def mailbox_views(
    mailboxes: Sequence[Mailbox],
    folder_syncs: Sequence[FolderSync],
    providers: Providers,
    now: datetime,
) -> list[MailboxView]:
    """*folder_syncs* are those of all *mailboxes*, and may be of others as well."""
    by_mailbox: defaultdict[tuple[str, str], list[FolderSync]] = defaultdict(list)
    for each in folder_syncs:
        by_mailbox[each.tenant, each.mailbox].append(each)
    return [
        mailbox_view(each, by_mailbox[each.tenant, each.id], providers, now) for each in mailboxes
    ]


def account_view(account: Account, providers: Providers) -> dict[str, str]:
    """What the provider's options, and its description, say of *account*: no secret among it."""
    provider = providers.get(account.provider)
    if provider is None or not isinstance(account, provider.account):
        return {}
    shown = {
        option.field: _text(getattr(account, option.field))
        for option in provider.options
        if not option.secret and hasattr(account, option.field)
    }
    return {**shown, **provider.describe(account)}


def _text(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
