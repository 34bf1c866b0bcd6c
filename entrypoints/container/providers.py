"""The providers: each is a package, and a line here."""

from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from functools import partial

import httpx

from postroom.adapters import google, imap, microsoft
from postroom.adapters.http.deps import ProviderDeps
from postroom.adapters.imap.standard_webhooks import InvalidSecret
from postroom.application.ports import Clock, MailboxRegistry, Provider
from postroom.application.providers import InvalidProvider, Providers
from postroom.entrypoints.settings import InvalidSettings, Settings

HTTP_TIMEOUT = httpx.Timeout(30, connect=10)
"""Seconds for each wait on the wire; the clients bound whole calls themselves."""


def factories(settings: Settings) -> Sequence[Callable[[ProviderDeps], Provider]]:
    secrets = settings.handoff_secrets.items()
    handoff = {tenant: secret.get_secret_value() for tenant, secret in secrets}
    graph, login = settings.graph_url, settings.microsoft_login_url
    gmail, certs = settings.gmail_url, settings.google_certs_url
    return (
        partial(microsoft.provider, graph_url=graph, login_url=login),
        partial(google.provider, gmail_url=gmail, certs_url=certs),
        partial(imap.provider, handoff_secrets=handoff),
    )


async def make_providers(
    settings: Settings, clock: Clock, registry: MailboxRegistry, resources: AsyncExitStack
) -> Providers:
    """Raises InvalidProvider, InvalidSettings. What they hold open is closed by *resources*."""
    enter = resources.enter_async_context
    deps = ProviderDeps(
        http=await enter(httpx.AsyncClient(http2=True, timeout=HTTP_TIMEOUT)),
        blocking_http=resources.enter_context(httpx.Client(timeout=HTTP_TIMEOUT)),
        clock=clock,
        registry=registry,
        resources=resources,
        public_url=settings.public_url,
        max_message_bytes=settings.max_message_bytes,
    )
    return Providers([_made(factory, deps) for factory in factories(settings)])


def _made(factory: Callable[[ProviderDeps], Provider], deps: ProviderDeps) -> Provider:
    try:
        return factory(deps)
    except InvalidSecret as error:
        raise InvalidSettings(str(error)) from None
    except TypeError as error:  # an abstract method without an implementation, a field left out
        raise InvalidProvider(f"a provider lacks a part: {error}") from error
