"""The account of a mailbox that must be Microsoft's."""

from postroom.domain.failure import Unprocessable
from postroom.domain.mailbox import Mailbox, MicrosoftAccount


def microsoft_account(mailbox: Mailbox) -> MicrosoftAccount:
    """The account of *mailbox*. Raises Unprocessable if another provider has it."""
    if not isinstance(mailbox.account, MicrosoftAccount):
        raise Unprocessable(f"a {mailbox.provider} mailbox has no place in Graph")
    return mailbox.account
