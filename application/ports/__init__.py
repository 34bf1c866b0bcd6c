"""The outside world, as the use cases need it to be.

Any method may raise `Unavailable`; a docstring names whatever else it raises. Every adapter
passes its port's suite in tests/contracts, the one in memory and the real one alike.

Inside a ledger block (`IdempotencyLedger.once`) whatever Helpdesk, Outcomes and Handovers write
belongs to the block's transaction: it is kept if the block succeeds and forgotten if it fails.
"""

from postroom.application.ports.application_survey import (
    ApplicationSurvey,
    SurveyedApplication,
)
from postroom.application.ports.applications import (
    ApplicationCaller,
    Applications,
)
from postroom.application.ports.blobs import (
    CANARIES,
    BlobCanaries,
    BlobPage,
    BlobReferences,
    BlobStore,
    Canary,
)
from postroom.application.ports.changes import (
    Arrival,
    BackfillPage,
    ChangeListener,
    ChangeSource,
    ChangesPage,
    ListBehind,
    ListenerSession,
    NoProgress,
    PositionExpired,
    PositionRefused,
)
from postroom.application.ports.circuits import LONGEST_SOURCE, MOST_CIRCUITS, CircuitStore
from postroom.application.ports.folder_syncs import FolderSyncs
from postroom.application.ports.handled import (
    IdempotencyLedger,
    LedgerConnection,
    LedgerConnections,
    OutcomeRecord,
    Outcomes,
)
from postroom.application.ports.handover_records import (
    SHORTEST_HEAD,
    HandoverFilter,
    HandoverRecord,
    HandoverRecords,
)
from postroom.application.ports.handovers import (
    Answered,
    Backlog,
    Call,
    Claimed,
    Handovers,
    NewHandover,
    Settled,
)
from postroom.application.ports.helpdesk import Helpdesk, HtmlSanitiser
from postroom.application.ports.host import Clock, HealthCheck
from postroom.application.ports.locks import Locks
from postroom.application.ports.mailboxes import MailboxRegistry
from postroom.application.ports.messages import (
    EmailProcessor,
    FetchedMessage,
    MessageFetcher,
    Prepared,
)
from postroom.application.ports.notifications import (
    Announced,
    ForbiddenWebhook,
    Handshake,
    InvalidWebhook,
    Lifecycle,
    Notification,
    NotificationReader,
    NotificationResult,
    NotificationsRefused,
    Rejected,
    SenderProof,
    SubscriptionGone,
    Subscriptions,
    Unauthenticated,
    UnauthenticatedWebhook,
    UnknownMailbox,
    WebhookDescription,
    WebhookError,
    WebhookNotConfigured,
    WebhookRequest,
)
from postroom.application.ports.offload import ArgumentT, Kind, Offload, ResultT
from postroom.application.ports.outbox import Distributed, Outbox
from postroom.application.ports.provider import (
    AccountFactory,
    AccountOption,
    CheckStep,
    MailboxCheck,
    Preparation,
    Provider,
)
from postroom.application.ports.pulling import (
    NotificationPuller,
    Pulled,
    PullState,
    PullStates,
)
from postroom.application.ports.queue import (
    LONGEST_DELAY,
    Claim,
    DeadLetterPage,
    DeadLetterQueue,
    InvalidCursor,
    LanePauses,
    LaneStatistics,
    PointerConsumer,
    PointerProducer,
    PointerQueue,
    bounded,
)
from postroom.application.ports.queue_heartbeat import (
    Beaten,
    QueueContents,
    QueueHeartbeat,
    QueueSurvey,
)
from postroom.application.ports.queue_witness import QueueWitness, Witnessed
from postroom.application.ports.routes import (
    Route,
    Routes,
    by_account,
    by_mailbox,
    by_subscription,
)
from postroom.application.ports.shadow_rows import BEGINNING, Place, ShadowRows
from postroom.application.ports.sign_in import (
    OptionValue,
    PendingSignIn,
    SignIn,
    SignInPrompt,
)
from postroom.application.ports.takeovers import Takeovers

__all__ = [
    "BEGINNING",
    "CANARIES",
    "LONGEST_DELAY",
    "LONGEST_SOURCE",
    "MOST_CIRCUITS",
    "SHORTEST_HEAD",
    "AccountFactory",
    "AccountOption",
    "Announced",
    "Answered",
    "ApplicationCaller",
    "ApplicationSurvey",
    "Applications",
    "ArgumentT",
    "Arrival",
    "BackfillPage",
    "Backlog",
    "Beaten",
    "BlobCanaries",
    "BlobPage",
    "BlobReferences",
    "BlobStore",
    "Call",
    "Canary",
    "ChangeListener",
    "ChangeSource",
    "ChangesPage",
    "CheckStep",
    "CircuitStore",
    "Claim",
    "Claimed",
    "Clock",
    "DeadLetterPage",
    "DeadLetterQueue",
    "Distributed",
    "EmailProcessor",
    "FetchedMessage",
    "FolderSyncs",
    "ForbiddenWebhook",
    "HandoverFilter",
    "HandoverRecord",
    "HandoverRecords",
    "Handovers",
    "Handshake",
    "HealthCheck",
    "Helpdesk",
    "HtmlSanitiser",
    "IdempotencyLedger",
    "InvalidCursor",
    "InvalidWebhook",
    "Kind",
    "LanePauses",
    "LaneStatistics",
    "LedgerConnection",
    "LedgerConnections",
    "Lifecycle",
    "ListBehind",
    "ListenerSession",
    "Locks",
    "MailboxCheck",
    "MailboxRegistry",
    "MessageFetcher",
    "NewHandover",
    "NoProgress",
    "Notification",
    "NotificationPuller",
    "NotificationReader",
    "NotificationResult",
    "NotificationsRefused",
    "Offload",
    "OptionValue",
    "Outbox",
    "OutcomeRecord",
    "Outcomes",
    "PendingSignIn",
    "Place",
    "PointerConsumer",
    "PointerProducer",
    "PointerQueue",
    "PositionExpired",
    "PositionRefused",
    "Preparation",
    "Prepared",
    "Provider",
    "PullState",
    "PullStates",
    "Pulled",
    "QueueContents",
    "QueueHeartbeat",
    "QueueSurvey",
    "QueueWitness",
    "Rejected",
    "ResultT",
    "Route",
    "Routes",
    "SenderProof",
    "Settled",
    "ShadowRows",
    "SignIn",
    "SignInPrompt",
    "SubscriptionGone",
    "Subscriptions",
    "SurveyedApplication",
    "Takeovers",
    "Unauthenticated",
    "UnauthenticatedWebhook",
    "UnknownMailbox",
    "WebhookDescription",
    "WebhookError",
    "WebhookNotConfigured",
    "WebhookRequest",
    "Witnessed",
    "bounded",
    "by_account",
    "by_mailbox",
    "by_subscription",
]
