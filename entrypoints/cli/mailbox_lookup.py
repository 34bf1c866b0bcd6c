"""Finding the mailbox that a command names."""

from contextlib import suppress

from postroom.application.ports import MailboxRegistry
from postroom.domain.failure import AccessFailed
from postroom.domain.mailbox import Mailbox
from postroom.entrypoints.cli.errors import CommandFailed


async def find_mailbox(registry: MailboxRegistry, tenant: str, id_: str) -> Mailbox:
    """The mailbox of that id. Raises CommandFailed if there is none, AccessFailed."""
    mailbox = await registry.get(tenant, id_)
    if mailbox is None:
        raise unknown_mailbox(tenant, id_)
    return mailbox


async def be_known(registry: MailboxRegistry, tenant: str, id_: str) -> None:
    """Raises CommandFailed if there is no such mailbox. Its credentials need not be readable."""
    with suppress(AccessFailed):
        await find_mailbox(registry, tenant, id_)


def unknown_mailbox(tenant: str, id_: str) -> CommandFailed:
    return CommandFailed(f"the tenant {tenant} has no mailbox {id_}; see: postroom mailbox list")
