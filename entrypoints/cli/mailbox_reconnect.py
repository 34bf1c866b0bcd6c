"""`postroom mailbox reconnect <provider>`: other credentials for a mailbox that there is."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import typer

from postroom.application.ports import AccountOption, MailboxRegistry, OptionValue, Provider
from postroom.domain.account import Account
from postroom.domain.mailbox import Mailbox, PausedBy
from postroom.entrypoints.cli.account_options import read_values, with_options
from postroom.entrypoints.cli.context import SetupContext, with_setup
from postroom.entrypoints.cli.errors import CommandFailed
from postroom.entrypoints.cli.mailbox_access import Check, open_access, usage_errors
from postroom.entrypoints.cli.mailbox_add import Id, WithSetup
from postroom.entrypoints.cli.mailbox_lookup import find_mailbox
from postroom.entrypoints.cli.output import Tenant, of_tenant

TRIES = 3
"""A worker may write a refresh token back at any moment, but not one moment after the other."""


def reconnect_commands() -> Mapping[str, Callable[..., None]]:
    """One for each provider that has credentials at all."""
    from postroom.entrypoints.container.providers import provider_options  # noqa: PLC0415

    return {
        name: reconnect_command(name, options)
        for name, options in provider_options().items()
        if any(option.credential for option in options)
    }


def reconnect_command(
    provider: str, options: Sequence[AccountOption], run: WithSetup = with_setup
) -> Callable[..., None]:
    credentials = [option for option in options if option.credential]

    def command(
        id_: Id,
        *,
        tenant: Tenant = "default",
        check: Check = True,
        **given: Any,  # noqa: ANN401 - whatever the options are
    ) -> None:
        values = read_values(credentials, given)
        run(lambda setup: _reconnect(setup, provider, values, tenant, id_, check=check))
        typer.echo(
            f"{tenant}/{id_} has new credentials. Jobs that wait for them go on by themselves."
        )

    command.__doc__ = f"Give a mailbox ({provider}) other credentials."
    return with_options(command, credentials)


async def _reconnect(
    setup: SetupContext,
    provider_name: str,
    values: Mapping[str, OptionValue],
    tenant: str,
    id_: str,
    *,
    check: bool,
) -> None:
    provider = setup.providers[provider_name]
    mailbox = await _find(setup.registry, provider, tenant, id_)
    with usage_errors():
        reconnected = replace(mailbox, account=provider.accounts.reconnect(mailbox.account, values))
    opened = await open_access(provider, reconnected, values, check=check)
    await _store(setup.registry, provider, values, reconnected, opened.account)
    await setup.resume(tenant, id_, paused_by=PausedBy.ACCESS)


async def _find(registry: MailboxRegistry, provider: Provider, tenant: str, id_: str) -> Mailbox:
    mailbox = await find_mailbox(registry, tenant, id_)
    if mailbox.provider != provider.name:
        raise CommandFailed(
            f"{tenant}/{id_} is a mailbox of another provider;"
            f" use: postroom mailbox reconnect {mailbox.provider} {id_}{of_tenant(tenant)}"
        )
    return mailbox


async def _store(
    registry: MailboxRegistry,
    provider: Provider,
    values: Mapping[str, OptionValue],
    reconnected: Mailbox,
    account: Account,
) -> None:
    """Store *account*, unless anything but the credentials has changed meanwhile.

    Raises CommandFailed if it has, or if others store other credentials each time.
    """
    for _ in range(TRIES):
        current = await _find(registry, provider, reconnected.tenant, reconnected.id)
        if provider.accounts.reconnect(current.account, values) != reconnected.account:
            break
        if await registry.replace_account(current, account):
            return
    raise CommandFailed("the mailbox was changed at the same time; run the command again")
