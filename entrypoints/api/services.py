"""What the handlers need: ports, a use case, and who may ask."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from postroom.application.ingest_pointer import Ingest
from postroom.application.open_links import OpenLinks, ReadContent
from postroom.application.ports import (
    Applications,
    BlobStore,
    Clock,
    FolderSyncs,
    HandoverRecords,
    Handovers,
    HealthCheck,
    Helpdesk,
    MailboxRegistry,
    Outcomes,
    PointerQueue,
    QueueWitness,
    Routes,
)
from postroom.application.providers import Providers
from postroom.entrypoints.telemetry.sdk import Telemetry


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """*api_tokens*: tenant by bearer token."""

    ingest: Ingest
    providers: Providers
    routes: Routes
    registry: MailboxRegistry
    folder_syncs: FolderSyncs
    queue: PointerQueue
    witness: QueueWitness
    outcomes: Outcomes
    applications: Applications
    handovers: Handovers
    handover_records: HandoverRecords
    open_links: OpenLinks
    read_content: ReadContent
    helpdesk: Helpdesk
    blobs: BlobStore
    clock: Clock
    health: Sequence[HealthCheck]
    telemetry: Telemetry
    api_tokens: Mapping[str, str] = field(repr=False)
