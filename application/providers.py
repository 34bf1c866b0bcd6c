"""The providers that this release has, by name, and how the mail of each is received."""

from collections.abc import Iterable, Iterator, Mapping

from postroom.application.ports import Provider
from postroom.domain.account import Account
from postroom.domain.failure import AccessFailed
from postroom.domain.ingress import OPEN, Ingress
from postroom.domain.pointer import Pointer


class InvalidProvider(Exception):
    """The providers cannot be wired as they are; the message says which, and why."""


class Providers(Mapping[str, Provider]):
    """Raises InvalidProvider if two have one name, or a name cannot stand in a URL."""

    def __init__(self, providers: Iterable[Provider], ingress: Ingress = OPEN) -> None:
        self.ingress = ingress
        self._by_name: dict[str, Provider] = {}
        for provider in providers:
            _check(provider)
            if provider.name in self._by_name:
                raise InvalidProvider(f"there are two providers of the name {provider.name}")
            self._by_name[provider.name] = provider

    def __getitem__(self, name: str) -> Provider:
        return self._by_name[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_name)

    def __len__(self) -> int:
        return len(self._by_name)

    @property
    def accounts(self) -> Mapping[str, type[Account]]:
        """The type of each one's accounts, by its name."""
        return {name: provider.account for name, provider in self.items()}

    @property
    def pointers(self) -> Mapping[str, type[Pointer]]:
        """The type of each one's pointers, by its name."""
        return {name: provider.pointer for name, provider in self.items()}

    def serving(self, name: str) -> Provider:
        """Raises AccessFailed if this release does not have it: then its mailboxes wait."""
        if name not in self._by_name:
            raise AccessFailed(f"this release of Postroom has no provider {name}")
        return self._by_name[name]


def _check(provider: Provider) -> None:
    name = provider.name
    if not (name.isascii() and name.isidentifier() and name.islower()):
        raise InvalidProvider(f"a provider cannot be called {name!r}: use a-z, 0-9 and _")
    if provider.pointer.provider != name:
        raise InvalidProvider(f"the pointers of the provider {name} name another one")
    options = [option.name for option in provider.options]
    if repeated := {each for each in options if options.count(each) > 1}:
        raise InvalidProvider(f"the provider {name} has several options {min(repeated)}")
