"""`postroom mailbox add <provider>`, of the options that the provider declares."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Annotated, Any

import typer

from postroom.application.ports import AccountOption, OptionValue
from postroom.domain.account import Account
from postroom.domain.mailbox import InvalidMailbox, Mailbox
from postroom.entrypoints.cli.account_options import read_values, with_options
from postroom.entrypoints.cli.context import SetupContext, with_setup
from postroom.entrypoints.cli.mailbox_access import Check, open_access, usage_errors
from postroom.entrypoints.cli.output import Tenant

Id = Annotated[str, typer.Argument(metavar="ID", help="A short name, such as `support`.")]
Email = Annotated[str, typer.Option(help="The mailbox's e-mail address.")]

WithSetup = Callable[[Callable[[SetupContext], Awaitable[None]]], None]


def add_commands() -> Mapping[str, Callable[..., None]]:
    """One for each provider."""
    from postroom.entrypoints.container.providers import provider_options  # noqa: PLC0415

    return {name: add_command(name, options) for name, options in provider_options().items()}


def add_command(
    provider: str, options: Sequence[AccountOption], run: WithSetup = with_setup
) -> Callable[..., None]:
    def command(
        id_: Id,
        address: Email,
        *,
        tenant: Tenant = "default",
        check: Check = True,
        **given: Any,  # noqa: ANN401 - whatever the options are
    ) -> None:
        values = read_values(options, given)
        run(lambda setup: _add(setup, provider, values, tenant, id_, address, check=check))
        typer.echo(f"{tenant}/{id_} is added. What arrives from now on is handled.")

    command.__doc__ = f"Add a mailbox ({provider}); its credentials are encrypted."
    return with_options(command, options)


async def _add(
    setup: SetupContext,
    provider_name: str,
    values: Mapping[str, OptionValue],
    tenant: str,
    id_: str,
    address: str,
    *,
    check: bool,
) -> None:
    provider = setup.providers[provider_name]
    with usage_errors():
        account = provider.accounts.create(address, values)
    mailbox = await _new_mailbox(setup, tenant, id_, address, account)
    await setup.registry.add(await open_access(provider, mailbox, values, check=check))


async def _new_mailbox(
    setup: SetupContext, tenant: str, id_: str, address: str, account: Account
) -> Mailbox:
    """The mailbox that is to be added. Raises InvalidMailbox if its name is no good, or taken."""
    mailbox = Mailbox(
        tenant=tenant, id=id_, address=address, account=account, added_at=setup.clock.now()
    )
    if await setup.registry.get(tenant, id_):
        raise InvalidMailbox("the tenant has a mailbox of that name: choose another")
    return mailbox
