"""How the access to a mailbox is got and tried before it is stored."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Annotated

import typer

from postroom.application.ports import DeviceSignIn, MailboxCheck, Provider
from postroom.domain.account import InvalidAccount
from postroom.domain.mailbox import Mailbox
from postroom.entrypoints.cli.errors import CommandFailed
from postroom.entrypoints.cli.output import one_line

Check = Annotated[bool, typer.Option(help="Try the access before it is stored.")]


@contextmanager
def usage_errors() -> Iterator[None]:
    """An InvalidAccount in the block is one of usage: it names the option."""
    try:
        yield
    except InvalidAccount as error:
        raise typer.BadParameter(str(error)) from None


async def open_access(provider: Provider, mailbox: Mailbox, *, check: bool) -> Mailbox:
    """*mailbox* with all that opens it, which is tried if there is to be a *check*.

    Raises CommandFailed if that fails, AccessFailed if a person does not sign in.
    """
    if provider.sign_in and provider.sign_in.is_needed(mailbox.account):
        mailbox = await _signed_in(provider.sign_in, mailbox)
    return await _checked(provider.check, mailbox) if check else mailbox


async def _signed_in(sign_in: DeviceSignIn, mailbox: Mailbox) -> Mailbox:
    """Show a person where to sign in, and wait for them."""
    code = await sign_in.begin(mailbox.account)
    where = f"open {code.verification_uri} and enter the code {code.user_code}"
    typer.echo(one_line(f"Sign in as who may read {mailbox.address}: {where}"), err=True)
    typer.echo(f"Waiting until {code.expires_at:%H:%M} UTC; Ctrl-C ends it.", err=True)
    return replace(mailbox, account=await sign_in.finish(mailbox.account, code))


async def _checked(check: MailboxCheck, mailbox: Mailbox) -> Mailbox:
    """Try its access, and print how far that gets; *mailbox* with what was looked up."""
    account = mailbox.account
    async for step in check.check(mailbox):
        if step.failed:
            problem = "; ".join(filter(None, [step.failed, step.remedy]))
            raise CommandFailed(one_line(f"{step.step}: {problem}"))
        typer.echo(f"{one_line(step.step)}: done", err=True)
        account = step.account or account
    return replace(mailbox, account=account)
