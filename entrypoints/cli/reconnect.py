"""`postroom mailbox reconnect`: other credentials for a Microsoft mailbox that there is."""

import typer

from postroom.application.ports import MailboxRegistry
from postroom.domain.mailbox import Mailbox, MicrosoftAccount, MicrosoftCredentials, PausedBy
from postroom.entrypoints.cli.context import SetupContext, with_setup
from postroom.entrypoints.cli.errors import CommandFailed
from postroom.entrypoints.cli.mailbox_add import Id, check_access
from postroom.entrypoints.cli.mailbox_lookup import find_mailbox
from postroom.entrypoints.cli.microsoft import (
    NOBODY_YET,
    CertificateFile,
    Check,
    Delegated,
    SecretFile,
    SignInOptions,
    opened_by,
    signed_in,
)
from postroom.entrypoints.cli.output import Tenant

TRIES = 3
"""A worker may write a refresh token back at any moment, but not one moment after the other."""


def reconnect(
    id_: Id,
    client_secret_file: SecretFile = "",
    certificate_file: CertificateFile = "",
    tenant: Tenant = "default",
    *,
    delegated: Delegated = False,
    check: Check = True,
) -> None:
    """Give a Microsoft mailbox another secret or certificate, or let a person sign in again."""
    credentials = SignInOptions(client_secret_file, certificate_file, delegated).credentials()

    async def run(setup: SetupContext) -> None:
        mailbox, account = await _stored(setup.registry, tenant, id_)
        if credentials == NOBODY_YET:
            mailbox = await signed_in(setup.device_sign_in, mailbox, account)
        else:
            mailbox = opened_by(mailbox, account, credentials)
        if check:
            await check_access(setup.check, mailbox)
        assert isinstance(mailbox.account, MicrosoftAccount)
        await _keep(setup.registry, tenant, id_, mailbox.account.credentials)
        await setup.resume(tenant, id_, paused_by=PausedBy.ACCESS)

    with_setup(run)
    typer.echo(f"{tenant}/{id_} has new credentials. Jobs that wait for them go on by themselves.")


async def _stored(
    registry: MailboxRegistry, tenant: str, id_: str
) -> tuple[Mailbox, MicrosoftAccount]:
    mailbox = await find_mailbox(registry, tenant, id_)
    if not isinstance(mailbox.account, MicrosoftAccount):
        raise CommandFailed(f"{tenant}/{id_} is no Microsoft mailbox")
    return mailbox, mailbox.account


async def _keep(
    registry: MailboxRegistry, tenant: str, id_: str, credentials: MicrosoftCredentials
) -> None:
    """Raises CommandFailed if somebody else keeps other credentials each time."""
    for _ in range(TRIES):
        current, _account = await _stored(registry, tenant, id_)
        if await registry.replace_credentials(current, credentials):
            return
    raise CommandFailed("other credentials were kept at the same time; run the command again")
