"""A folder whose notifications wait to be pulled is polled while nobody pulls them."""

from datetime import datetime

from postroom.application.ports import Provider, PullStates
from postroom.domain.folder_sync import FolderSync, Mode
from postroom.domain.mailbox import Mailbox

NO_PULLER = "nobody pulls its notifications: run postroom listener"


async def unless_unpulled(
    provider: Provider,
    mailbox: Mailbox,
    folder_sync: FolderSync,
    pull_states: PullStates,
    now: datetime,
) -> FolderSync:
    """Polled, with what subscription there is, if its notifications do not reach us; else as it is.

    They wait where they are, and are pulled later. Raises Unavailable.
    """
    subscription = provider.puller.subscription_of(mailbox) if provider.puller else ""
    if not subscription or folder_sync.mode is Mode.POLLING:
        return folder_sync
    state = await pull_states.find(provider.name, subscription)
    if state is None or state.leased_until <= now:
        return folder_sync.shadowed(NO_PULLER)
    return folder_sync.shadowed(state.last_error) if state.last_error else folder_sync
