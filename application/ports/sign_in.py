"""Letting a person sign in, in a browser of their own, so that a mailbox can be opened for them."""

from abc import abstractmethod
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from postroom.domain.account import Account, Secret
from postroom.domain.mailbox import Mailbox

OptionValue = str | Secret | tuple[str, ...] | bool
"""Of an account option that was given; one that was not is left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInPrompt:
    """What a person is shown: they open *uri*, and sign in there before *expires_at*.

    They enter *user_code* there if it is not empty (RFC 8628). Where *is_pasted*, the browser ends
    at an address that leads nowhere, and `finish` is to be given that.
    """

    uri: str
    expires_at: datetime
    user_code: str = ""
    is_pasted: bool = False


class PendingSignIn(Protocol):
    """A sign-in that has begun."""

    @property
    @abstractmethod
    def prompt(self) -> SignInPrompt: ...

    @abstractmethod
    async def finish(self, pasted: str = "") -> Account:
        """Wait until the person has signed in; returns the account with their access.

        Raises AccessFailed if they refuse, or are late, or if what they have *pasted* is no such
        address. A login that is throttled or away is asked again while the prompt is good.
        """


class SignIn(Protocol):
    """Lets a person sign in elsewhere."""

    @abstractmethod
    def is_needed(self, account: Account) -> bool:
        """Whether *account* is of no use before a person has signed in."""

    @abstractmethod
    def open(
        self, mailbox: Mailbox, values: Mapping[str, OptionValue]
    ) -> AbstractAsyncContextManager[PendingSignIn]:
        """A sign-in for *mailbox*; some of the options that were given may say how it is made.

        Raises AccessFailed (no such directory or application), Throttled, Unavailable.
        """
