"""How a mailbox is opened: what every provider's account has, whatever else it needs."""

from abc import ABC, abstractmethod
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Secret:
    """A text that shows itself to nobody by accident: `repr` and `str` hide it."""

    value: str = field(repr=False)

    def __str__(self) -> str:
        return "Secret(…)"


class InvalidAccount(ValueError):
    """An account option is missing, or is nonsense; the message names it, never its value."""


class Account(ABC):
    """A provider's frozen dataclass, in which each secret is a `Secret`."""

    __slots__ = ()

    @property
    @abstractmethod
    def provider(self) -> str:
        """The provider's name."""

    @property
    @abstractmethod
    def folders(self) -> tuple[str, ...]:
        """The folders that are synced, each for itself."""

    @property
    def sign_in_key(self) -> Hashable:
        """What two mailboxes have in common that one and the same sign-in opens."""
        return self

    def route(self, address: str) -> str:  # noqa: ARG002 - most need none
        """What a notification names that names neither tenant nor mailbox; empty if none does.

        *address* is the mailbox's. Two mailboxes of a provider never have the same.
        """
        return ""

    @classmethod
    def upgraded(
        cls, plain: dict[str, Any], secrets: dict[str, Any]
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """What an earlier release has stored of an account, as it is stored now.

        *secrets* are the values of the fields that are secrets, and *plain* those of the others,
        both by name.
        """
        return plain, secrets


@dataclass(frozen=True, slots=True)
class UnreadableAccount(Account):
    """Stands for an account that is stored, and of no use here: *reason* says why.

    Its provider is one that this release does not have, or the key to its credentials is missing.
    Nothing of it is lost.
    """

    provider_name: str
    reason: str

    @property
    def provider(self) -> str:
        return self.provider_name

    @property
    def folders(self) -> tuple[str, ...]:
        return ()
