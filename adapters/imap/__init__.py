"""IMAP mailboxes: folders are listened to, and messages fetched, on aioimaplib's protocol.

Read-only throughout: folders are opened by EXAMINE and bodies fetched by BODY.PEEK, so that no
message is ever marked as seen by us.
"""

from collections.abc import Mapping
from types import MappingProxyType

from postroom.adapters.http.deps import ProviderDeps
from postroom.adapters.imap.account import NAME, OPTIONS, ImapAccount, ImapAccounts
from postroom.adapters.imap.changes import ImapChanges
from postroom.adapters.imap.check import ImapMailboxCheck
from postroom.adapters.imap.client import ImapClient
from postroom.adapters.imap.fetcher import ImapFetcher
from postroom.adapters.imap.hand_off_proof import Proof, Signature, StaticHeader
from postroom.adapters.imap.listener import ImapListener
from postroom.adapters.imap.notifications import HandOffReader
from postroom.adapters.imap.pointer import ImapPointer
from postroom.adapters.imap.pool import ConnectionPool
from postroom.adapters.imap.position import is_position
from postroom.application.ports import Provider
from postroom.domain.account import Account
from postroom.domain.mail.trusted_servers import NOBODY, TrustedServers

__all__ = ["NAME", "OPTIONS", "provider"]


def provider(
    deps: ProviderDeps,
    *,
    handoff_secrets: Mapping[str, str],
    trusted: Mapping[str, TrustedServers] = MappingProxyType({}),
    static_header: bool = False,
    client: ImapClient | None = None,
) -> Provider:
    """*trusted* servers are those of the IMAP server of that name.

    With *static_header* a hand-off shows its secret, and is not signed. Raises InvalidSecret.
    """
    client = client or ImapClient(downloads=deps.downloads)
    proof: Proof = (
        StaticHeader(handoff_secrets) if static_header else Signature(handoff_secrets, deps.clock)
    )
    connections = ConnectionPool(client)
    deps.resources.push_async_callback(connections.aclose)
    return Provider(
        name=NAME,
        title="IMAP",
        account=ImapAccount,
        pointer=ImapPointer,
        options=OPTIONS,
        accounts=ImapAccounts(),
        fetcher=ImapFetcher(connections, deps.max_message_bytes),
        changes=ImapChanges(connections),
        check=ImapMailboxCheck(client),
        notifications=HandOffReader(proof),
        listener=ImapListener(client),
        sources=lambda account: [account.server] if isinstance(account, ImapAccount) else [],
        trusted_servers=lambda account: _trusted(account, trusted),
        is_position=is_position,
    )


def _trusted(account: Account, trusted: Mapping[str, TrustedServers]) -> TrustedServers:
    """None but those of its own server: at another one, any sender can write their ids."""
    host = account.host.lower() if isinstance(account, ImapAccount) else ""
    return trusted.get(host, NOBODY)
