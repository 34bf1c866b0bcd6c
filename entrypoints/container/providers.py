"""The providers: each is a package, and a line here."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Protocol

import httpx
from pydantic import SecretStr

from postroom.adapters import google, imap, microsoft
from postroom.adapters.http.deps import ProviderDeps
from postroom.adapters.http.downloads import DownloadLimits
from postroom.adapters.http.sign_ins import SignIns
from postroom.application.ports import (
    AccountOption,
    Clock,
    MailboxRegistry,
    Preparation,
    Provider,
)
from postroom.application.providers import InvalidProvider, Providers
from postroom.domain.ingress import Ingress, IngressMode
from postroom.domain.mail.trusted_servers import TrustedServers
from postroom.entrypoints.container.pools import Pools
from postroom.entrypoints.settings import InvalidSettings, Settings
from postroom.entrypoints.telemetry.clock import log_server_skew

HTTP_TIMEOUT = httpx.Timeout(30, connect=10)
"""Seconds for each wait on the wire; the clients bound whole calls themselves."""

HTTP_LIMITS = httpx.Limits(max_connections=None, max_keepalive_connections=100)
"""Whoever calls is bounded already: connections that hang must leave some for others."""


class Package(Protocol):
    """What the package of a provider says before anything is open."""

    @property
    def NAME(self) -> str: ...  # noqa: N802 - a constant of a module

    @property
    def OPTIONS(self) -> Sequence[AccountOption]: ...  # noqa: N802


@dataclass(frozen=True, slots=True)
class Installed:
    """A provider's package, and how it is made with our settings. *make* may raise ValueError.

    *preparation* is what an operator does there first, if that can be written as a script.
    """

    package: Package
    make: Callable[[ProviderDeps, Settings], Provider]
    preparation: Preparation | None = None


PROVIDERS: Sequence[Installed] = (
    Installed(
        microsoft,
        lambda deps, settings: microsoft.provider(
            deps, graph_url=settings.graph_url, login_url=settings.microsoft_login_url
        ),
    ),
    Installed(
        google,
        lambda deps, settings: google.provider(
            deps,
            gmail_url=settings.gmail_url,
            certs_url=settings.google_certs_url,
            consent_url=settings.google_consent_url,
            token_url=settings.google_token_url,
            pubsub_url=settings.pubsub_url,
            push_accounts=settings.google_push_accounts,
            in_shadow=settings.ingress_google is not IngressMode.QUEUE,
        ),
        google.PREPARATION,
    ),
    Installed(
        imap,
        lambda deps, settings: imap.provider(
            deps,
            handoff_secrets=_revealed(settings.handoff_secrets),
            trusted=_trusted(settings),
            static_header=settings.handoff_compatibility == "static-header",
        ),
    ),
)


def provider_options() -> Mapping[str, Sequence[AccountOption]]:
    """The options of every provider's accounts, for a command line that has nothing open yet."""
    return {each.package.NAME: each.package.OPTIONS for each in PROVIDERS}


def provider_preparations() -> Mapping[str, Preparation]:
    """What is to be done at a provider before mailboxes are added, where that is a script."""
    return {each.package.NAME: each.preparation for each in PROVIDERS if each.preparation}


async def make_providers(
    settings: Settings,
    clock: Clock,
    registry: MailboxRegistry,
    pools: Pools,
    resources: AsyncExitStack,
) -> Providers:
    """Raises InvalidProvider, InvalidSettings. What they hold open is closed by *resources*."""
    enter = resources.enter_async_context
    deps = ProviderDeps(
        http=await enter(httpx.AsyncClient(http2=True, timeout=HTTP_TIMEOUT, limits=HTTP_LIMITS)),
        sign_ins=SignIns(pools.sign_ins, clock),
        clock=clock,
        registry=registry,
        resources=resources,
        public_url=settings.public_url,
        max_message_bytes=settings.max_message_bytes,
        downloads=DownloadLimits(rate=settings.min_bytes_per_second, in_hand=pools.in_hand),
        skewed=log_server_skew,
    )
    made = [_made(each, deps, settings) for each in PROVIDERS]
    return Providers(made, Ingress({each.name: _mode(settings, each.name) for each in made}))


def _mode(settings: Settings, provider: str) -> IngressMode:
    """The setting is called as the provider is."""
    mode: IngressMode = getattr(settings, f"ingress_{provider}", IngressMode.QUEUE)
    return mode


def _revealed(secrets: Mapping[str, SecretStr]) -> Mapping[str, str]:
    return {name: secret.get_secret_value() for name, secret in secrets.items()}


def _trusted(settings: Settings) -> Mapping[str, TrustedServers]:
    return {
        host: TrustedServers(ids=frozenset(ids.split(",")), hops=settings.authserv_hops)
        for host, ids in settings.authserv_ids.items()
    }


def _made(installed: Installed, deps: ProviderDeps, settings: Settings) -> Provider:
    try:
        return installed.make(deps, settings)
    except ValueError as error:  # it names the setting
        raise InvalidSettings(str(error)) from None
    except TypeError as error:  # an abstract method without an implementation, a field left out
        name = installed.package.NAME
        raise InvalidProvider(f"the provider {name} lacks a part: {error}") from error
