"""The options of every provider's accounts, for a command line that has nothing open yet."""

from collections.abc import Mapping, Sequence

from postroom.adapters.google.account import OPTIONS as GOOGLE
from postroom.adapters.imap.account import OPTIONS as IMAP
from postroom.adapters.microsoft.account import OPTIONS as MICROSOFT
from postroom.application.ports import AccountOption


def provider_options() -> Mapping[str, Sequence[AccountOption]]:
    return {"google": GOOGLE, "imap": IMAP, "microsoft": MICROSOFT}
