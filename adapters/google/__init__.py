"""Gmail, by its API and Pub/Sub: reading messages and history, and what is pushed of changes."""

from collections.abc import Sequence

from postroom.adapters.google.account import NAME, GoogleAccount, describe
from postroom.adapters.google.account_options import OPTIONS, GoogleAccounts
from postroom.adapters.google.changes import is_position
from postroom.adapters.google.check import GmailMailboxCheck
from postroom.adapters.google.client import GmailClient
from postroom.adapters.google.consent import CONSENT_URL
from postroom.adapters.google.credentials import TOKEN_URL
from postroom.adapters.google.fetcher import GmailFetcher
from postroom.adapters.google.notifications import GmailNotificationReader
from postroom.adapters.google.notifications_check import NotificationsCheck
from postroom.adapters.google.person_sign_in import GoogleSignIn
from postroom.adapters.google.pointer import GooglePointer, source_of_id
from postroom.adapters.google.preparation import PREPARATION
from postroom.adapters.google.primary_address import AddressedChanges, PrimaryAddresses
from postroom.adapters.google.pubsub import PUBSUB_URL, PubsubClient
from postroom.adapters.google.puller import GmailNotificationPuller
from postroom.adapters.google.push import CERTIFICATES, GooglePushVerifier
from postroom.adapters.google.watches import GmailSubscriptions
from postroom.adapters.http.deps import ProviderDeps
from postroom.application.checks_in_turn import ChecksInTurn
from postroom.application.ports import MailboxRegistry, Provider
from postroom.domain.account import Account
from postroom.domain.mail.trusted_servers import TrustedServers

__all__ = [
    "NAME",
    "OPTIONS",
    "PREPARATION",
    "GmailClient",
    "GmailFetcher",
    "GooglePushVerifier",
    "provider",
]

GOOGLE = TrustedServers(ids=frozenset({"mx.google.com"}), topmost=True)
"""What it receives over SMTP has a field of that id above all others."""


def provider(
    deps: ProviderDeps,
    *,
    gmail_url: str = "https://gmail.googleapis.com",
    certs_url: str = CERTIFICATES,
    consent_url: str = CONSENT_URL,
    token_url: str = TOKEN_URL,
    push_accounts: Sequence[str] = (),
    pubsub_url: str = PUBSUB_URL,
    in_shadow: bool = False,
) -> Provider:
    """*in_shadow* says that another system is to have the notifications."""

    def client(registry: MailboxRegistry | None) -> GmailClient:
        return GmailClient(
            deps.http,
            deps.clock,
            deps.sign_ins,
            gmail_url,
            deps.downloads,
            skewed=deps.skewed,
            registry=registry,
            token_url=token_url,
        )

    # Without a registry: what is tried is not stored yet, and opens the mailbox as it is given.
    gmail, trying = client(deps.registry), client(None)
    pubsub = PubsubClient(deps.http, deps.clock, deps.sign_ins, pubsub_url)
    endpoint = f"{deps.public_url}/webhooks/{NAME}"
    verify = GooglePushVerifier(deps.http, deps.clock, audience=endpoint, certs_url=certs_url)
    check_notifications = NotificationsCheck(
        pubsub, GmailSubscriptions(trying, deps.clock, deps.public_url), endpoint, not in_shadow
    )
    return Provider(
        name=NAME,
        title="Gmail",
        account=GoogleAccount,
        pointer=GooglePointer,
        options=OPTIONS,
        accounts=GoogleAccounts(push_accounts),
        describe=describe,
        fetcher=GmailFetcher(gmail, deps.max_message_bytes),
        changes=AddressedChanges(
            gmail, deps.clock, addresses=PrimaryAddresses(gmail, deps.registry, deps.clock)
        ),
        check=ChecksInTurn((GmailMailboxCheck(trying), check_notifications)),
        sign_in=GoogleSignIn(deps.http, deps.clock, consent_url, token_url),
        subscriptions=GmailSubscriptions(gmail, deps.clock, deps.public_url),
        notifications=GmailNotificationReader(verify, frozenset(push_accounts)),
        puller=GmailNotificationPuller(pubsub),
        sources=lambda account: _sources(account, gmail),
        trusted_servers=lambda _: GOOGLE,
        is_position=is_position,
        source_of_id=source_of_id,
    )


def _sources(account: Account, gmail: GmailClient) -> Sequence[str]:
    return (gmail.host, gmail.tokens.host(account)) if isinstance(account, GoogleAccount) else ()
