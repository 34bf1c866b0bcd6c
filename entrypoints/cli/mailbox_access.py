"""How the access to a mailbox is got and tried before it is stored."""

import asyncio
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Annotated

import typer

from postroom.application.ports import MailboxCheck, OptionValue, PendingSignIn, Provider
from postroom.domain.account import Account, InvalidAccount
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


async def open_access(
    provider: Provider, mailbox: Mailbox, values: Mapping[str, OptionValue], *, check: bool
) -> Mailbox:
    """*mailbox* with all that opens it, which is tried if there is to be a *check*.

    *values* are the options that were given. Raises CommandFailed if that fails, AccessFailed if a
    person does not sign in.
    """
    if provider.sign_in and provider.sign_in.is_needed(mailbox.account):
        async with provider.sign_in.open(mailbox, values) as pending:
            mailbox = replace(mailbox, account=await _signed_in(mailbox, pending))
    return await _checked(provider.check, mailbox) if check else mailbox


async def _signed_in(mailbox: Mailbox, pending: PendingSignIn) -> Account:
    """Show a person where to sign in, and wait for them."""
    prompt = pending.prompt
    code = f" and enter the code {prompt.user_code}" if prompt.user_code else ""
    where = f"open {prompt.uri}{code}"
    typer.echo(one_line(f"Sign in as who may read {mailbox.address}: {where}"), err=True)
    ends = f"{prompt.expires_at:%H:%M} UTC; Ctrl-C ends it."
    if not prompt.is_pasted:
        typer.echo(f"Waiting until {ends}", err=True)
        return await pending.finish()
    typer.echo(
        f"The browser ends at an address of 127.0.0.1, which it cannot open. Paste it until {ends}",
        err=True,
    )
    pasted = await asyncio.to_thread(sys.stdin.readline)  # noqa: TID251 - nothing else runs here
    return await pending.finish(pasted)


async def _checked(check: MailboxCheck, mailbox: Mailbox) -> Mailbox:
    """Try its access, and print how far that gets; *mailbox* with what was looked up."""
    account = mailbox.account
    async for step in check.check(mailbox):
        if step.failed:
            problem = "; ".join(filter(None, [step.failed, step.remedy]))
            raise CommandFailed(one_line(f"{step.step}: {problem}"))
        typer.echo(one_line(f"{step.step}: {step.note or 'done'}"), err=True)
        account = step.account or account
    return replace(mailbox, account=account)
