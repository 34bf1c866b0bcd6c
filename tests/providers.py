"""The accounts and pointers of all providers, by name, for what stores or queues them."""

from collections.abc import Mapping

from postroom.adapters.google.account import GoogleAccount
from postroom.adapters.google.pointer import GooglePointer
from postroom.adapters.imap.account import ImapAccount
from postroom.adapters.imap.pointer import ImapPointer
from postroom.adapters.microsoft.account import MicrosoftAccount
from postroom.adapters.microsoft.pointer import MicrosoftPointer
from postroom.adapters.redis.wire import WireFormat
from postroom.domain.account import Account
from postroom.domain.pointer import Pointer

ACCOUNTS: Mapping[str, type[Account]] = {
    "microsoft": MicrosoftAccount,
    "google": GoogleAccount,
    "imap": ImapAccount,
}
POINTERS: Mapping[str, type[Pointer]] = {
    "microsoft": MicrosoftPointer,
    "google": GooglePointer,
    "imap": ImapPointer,
}
WIRE = WireFormat(POINTERS)
