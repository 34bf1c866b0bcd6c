"""Gmail, by its API and Pub/Sub: reading messages and history, and what is pushed of changes."""

from collections.abc import Sequence

from postroom.adapters.google.account import NAME, OPTIONS, GoogleAccount, GoogleAccounts, describe
from postroom.adapters.google.changes import is_position
from postroom.adapters.google.check import GmailMailboxCheck
from postroom.adapters.google.client import GmailClient
from postroom.adapters.google.fetcher import GmailFetcher
from postroom.adapters.google.notifications import GmailNotificationReader
from postroom.adapters.google.pointer import GooglePointer, source_of_id
from postroom.adapters.google.primary_address import AddressedChanges, PrimaryAddresses
from postroom.adapters.google.pubsub import PUBSUB_URL, PubsubClient
from postroom.adapters.google.puller import GmailNotificationPuller
from postroom.adapters.google.push import CERTIFICATES, GooglePushVerifier
from postroom.adapters.google.tokens import token_host
from postroom.adapters.http.deps import ProviderDeps
from postroom.application.ports import Provider
from postroom.domain.account import Account

__all__ = ["NAME", "OPTIONS", "GmailClient", "GmailFetcher", "GooglePushVerifier", "provider"]


def provider(
    deps: ProviderDeps,
    *,
    gmail_url: str = "https://gmail.googleapis.com",
    certs_url: str = CERTIFICATES,
    push_accounts: Sequence[str] = (),
    pubsub_url: str = PUBSUB_URL,
) -> Provider:
    gmail = GmailClient(
        deps.http, deps.clock, deps.sign_ins, gmail_url, deps.downloads, skewed=deps.skewed
    )
    audience = f"{deps.public_url}/webhooks/{NAME}"
    verify = GooglePushVerifier(deps.http, deps.clock, audience=audience, certs_url=certs_url)
    return Provider(
        name=NAME,
        title="Gmail",
        account=GoogleAccount,
        pointer=GooglePointer,
        options=OPTIONS,
        accounts=GoogleAccounts(push_accounts),
        fetcher=GmailFetcher(gmail, deps.max_message_bytes),
        changes=AddressedChanges(
            gmail, deps.clock, addresses=PrimaryAddresses(gmail, deps.registry, deps.clock)
        ),
        check=GmailMailboxCheck(gmail),
        notifications=GmailNotificationReader(verify, frozenset(push_accounts)),
        puller=GmailNotificationPuller(
            PubsubClient(deps.http, deps.clock, deps.sign_ins, pubsub_url)
        ),
        describe=describe,
        sources=lambda account: _sources(account, gmail),
        is_position=is_position,
        source_of_id=source_of_id,
    )


def _sources(account: Account, gmail: GmailClient) -> Sequence[str]:
    return (gmail.host, token_host(account)) if isinstance(account, GoogleAccount) else ()
