"""Setting a mailbox up: signing in, and trying its access."""

from abc import abstractmethod
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from postroom.domain.mailbox import DelegatedAccess, Mailbox, Secret


@dataclass(frozen=True, slots=True)
class CheckStep:
    """A step of an inspection: it *failed* if that says why; *remedy* is what a person can do."""

    step: str
    failed: str = ""
    remedy: str = ""


class MailboxCheck(Protocol):
    """Tries a mailbox's access live, step by step, with the credentials that are to be kept."""

    @abstractmethod
    def check(self, mailbox: Mailbox) -> AsyncIterator[CheckStep]:
        """Each step when it has ended, the first that fails being the last. Changes nothing there.

        Never raises a Failure: what the provider says, and that it is away, is told in the step.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceCode:
    """What lets an application act for a person who signs in elsewhere (RFC 8628 section 3.2).

    They enter *user_code* at *verification_uri* before *expires_at*. Whether they have is asked
    with *device_code*, which is secret, and no more often than every *interval*.
    """

    directory: str
    client_id: str
    verification_uri: str
    user_code: str
    device_code: Secret
    interval: timedelta
    expires_at: datetime


class DeviceSignIn(Protocol):
    """Lets a person sign in to Microsoft elsewhere, in a browser of their own."""

    @abstractmethod
    async def begin(self, directory: str, client_id: str) -> DeviceCode:
        """A new code to show to a person.

        Raises AccessFailed (no such directory or application), Throttled.
        """

    @abstractmethod
    async def finish(self, code: DeviceCode) -> DelegatedAccess:
        """Wait until the person has signed in. Raises AccessFailed if they refuse, or are late.

        A login that is throttled or away is asked again while the code is good.
        """
