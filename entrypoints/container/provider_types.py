"""The types of accounts and pointers that are stored, by the name of their provider.

The registry and the queue need them, and are themselves needed to make the providers that bring
them. So they are handed mappings that are filled when the providers are there, before anything is
read or written.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from postroom.application.ports import Provider
from postroom.domain.account import Account
from postroom.domain.pointer import Pointer


@dataclass(frozen=True, slots=True)
class ProviderTypes:
    accounts: dict[str, type[Account]] = field(default_factory=dict)
    pointers: dict[str, type[Pointer]] = field(default_factory=dict)

    def learn(self, providers: Iterable[Provider]) -> None:
        for provider in providers:
            self.accounts[provider.name] = provider.account
            self.pointers[provider.name] = provider.pointer
