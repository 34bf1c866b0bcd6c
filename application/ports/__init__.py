"""The outside world, as the use cases need it to be.

Any method may raise `Unavailable`; a docstring names whatever else it raises. Every adapter
passes its port's suite in tests/contracts, the one in memory and the real one alike.

Inside a ledger block (`IdempotencyLedger.once`) whatever Helpdesk and Outcomes write belongs to the
block's transaction: it is kept if the block succeeds and forgotten if it fails.
"""

from postroom.application.ports.handled import IdempotencyLedger, OutcomeRecord, Outcomes
from postroom.application.ports.helpdesk import BlobStore, Helpdesk, HtmlSanitiser
from postroom.application.ports.host import Clock, HealthCheck
from postroom.application.ports.listing import (
    Arrival,
    ChangesPage,
    FolderChanges,
    FolderListing,
    FolderSession,
    HistoryExpired,
    HistoryPage,
    MailboxHistory,
    MailFolders,
    PositionExpired,
)
from postroom.application.ports.mailboxes import (
    Cursor,
    Cursors,
    FolderSyncs,
    MailboxRegistry,
    SubscribedFolder,
)
from postroom.application.ports.messages import EmailProcessor, FetchedMessage, MessageFetcher
from postroom.application.ports.notifications import (
    NotificationsRefused,
    NotificationTokenVerifier,
    PushVerifier,
    SubscriptionGone,
    Subscriptions,
    Unauthenticated,
)
from postroom.application.ports.queue import (
    Claim,
    DeadLetterPage,
    InvalidCursor,
    LaneStatistics,
    PointerQueue,
)
from postroom.application.ports.setup import CheckStep, DeviceCode, DeviceSignIn, MailboxCheck

__all__ = [
    "Arrival",
    "BlobStore",
    "ChangesPage",
    "CheckStep",
    "Claim",
    "Clock",
    "Cursor",
    "Cursors",
    "DeadLetterPage",
    "DeviceCode",
    "DeviceSignIn",
    "EmailProcessor",
    "FetchedMessage",
    "FolderChanges",
    "FolderListing",
    "FolderSession",
    "FolderSyncs",
    "HealthCheck",
    "Helpdesk",
    "HistoryExpired",
    "HistoryPage",
    "HtmlSanitiser",
    "IdempotencyLedger",
    "InvalidCursor",
    "LaneStatistics",
    "MailFolders",
    "MailboxCheck",
    "MailboxHistory",
    "MailboxRegistry",
    "MessageFetcher",
    "NotificationTokenVerifier",
    "NotificationsRefused",
    "OutcomeRecord",
    "Outcomes",
    "PointerQueue",
    "PositionExpired",
    "PushVerifier",
    "SubscribedFolder",
    "SubscriptionGone",
    "Subscriptions",
    "Unauthenticated",
]
