"""`postroom mailbox add microsoft`: by a secret, a certificate, or a person who signs in."""

from dataclasses import dataclass, replace
from typing import Annotated

import typer

from postroom.application.ports import DeviceSignIn
from postroom.domain.mailbox import (
    ClientCertificate,
    ClientSecret,
    DelegatedAccess,
    Mailbox,
    MicrosoftAccount,
    MicrosoftCredentials,
    Secret,
)
from postroom.entrypoints.cli.context import SetupContext, with_setup
from postroom.entrypoints.cli.mailbox_add import Email, Id, check_access, new_mailbox, print_added
from postroom.entrypoints.cli.output import Tenant, one_line
from postroom.entrypoints.cli.secret import FROM_FILE, read_secret

NOBODY_YET = DelegatedAccess(Secret(""))
"""Stands for the access of a person who has still to sign in."""

Directory = Annotated[str, typer.Option(help="Directory (tenant) id in Microsoft Entra.")]
ClientId = Annotated[str, typer.Option(help="Application (client) id.")]
User = Annotated[str, typer.Option(help="Object id or principal name. [the address]")]
Folders = Annotated[
    list[str] | None,
    typer.Option(help="A well-known name, or a full path: Inbox/Orders. Repeatable. [inbox]"),
]
SecretFile = Annotated[str, typer.Option("--client-secret-file", help=FROM_FILE)]
CertificateFile = Annotated[
    str,
    typer.Option(
        "--certificate-file",
        help="Sign in with this certificate and key (PEM) instead of a secret.",
    ),
]
Delegated = Annotated[
    bool, typer.Option("--delegated", help="Let a person sign in, in a browser of their own.")
]
Check = Annotated[bool, typer.Option(help="Try the access before it is kept.")]


def add_microsoft(
    id_: Id,
    address: Email,
    directory: Directory,
    client_id: ClientId,
    user: User = "",
    folder: Folders = None,
    client_secret_file: SecretFile = "",
    certificate_file: CertificateFile = "",
    tenant: Tenant = "default",
    *,
    delegated: Delegated = False,
    check: Check = True,
) -> None:
    """Add a Microsoft 365 mailbox. `postroom maintenance` then keeps its mail coming."""
    account = MicrosoftAccount(
        directory=directory,
        client_id=client_id,
        credentials=SignInOptions(client_secret_file, certificate_file, delegated).credentials(),
        user=user or address,
        folders=tuple(dict.fromkeys(folder or ["inbox"])),
    )

    async def run(setup: SetupContext) -> None:
        mailbox = await new_mailbox(setup, tenant, id_, address, account)
        if account.credentials == NOBODY_YET:
            mailbox = await signed_in(setup.device_sign_in, mailbox, account)
        if check:
            await check_access(setup.check, mailbox)
        await setup.registry.add(mailbox)

    with_setup(run)
    print_added(tenant, id_)


@dataclass(frozen=True, slots=True)
class SignInOptions:
    """The options that say how to sign in."""

    client_secret_file: str
    certificate_file: str
    delegated: bool

    def credentials(self) -> MicrosoftCredentials:
        """NOBODY_YET if a person is to sign in.

        Raises BadParameter if the options contradict each other, CommandFailed if a secret cannot
        be read.
        """
        given = {
            "--client-secret-file": bool(self.client_secret_file),
            "--certificate-file": bool(self.certificate_file),
            "--delegated": self.delegated,
        }
        if len(chosen := [name for name, is_given in given.items() if is_given]) > 1:
            raise typer.BadParameter("these are different ways to sign in", param_hint=chosen)
        if self.delegated:
            return NOBODY_YET
        if self.certificate_file:
            return ClientCertificate(read_secret("Certificate", self.certificate_file, ""))
        return ClientSecret(
            read_secret("Client secret", self.client_secret_file, "POSTROOM_MAILBOX_CLIENT_SECRET")
        )


async def signed_in(device: DeviceSignIn, mailbox: Mailbox, account: MicrosoftAccount) -> Mailbox:
    """Tell a person where to sign in, and wait for them; returns the mailbox with their access.

    Raises AccessFailed if they refuse or are late, Throttled, Unavailable.
    """
    code = await device.begin(account.directory, account.client_id)
    where = f"open {code.verification_uri} and enter the code {code.user_code}"
    typer.echo(one_line(f"Sign in as who may read {account.user}: {where}"), err=True)
    typer.echo(f"Waiting until {code.expires_at:%H:%M} UTC; Ctrl-C ends it.", err=True)
    return opened_by(mailbox, account, await device.finish(code))


def opened_by(
    mailbox: Mailbox, account: MicrosoftAccount, credentials: MicrosoftCredentials
) -> Mailbox:
    """The mailbox with its *account* under other *credentials*."""
    return replace(mailbox, account=replace(account, credentials=credentials))
