"""A provider of mailboxes, whole: the one value by which the core knows it."""

from abc import abstractmethod
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from postroom.application.ports.changes import ChangeListener, ChangeSource
from postroom.application.ports.messages import MessageFetcher
from postroom.application.ports.notifications import NotificationReader, Subscriptions
from postroom.application.ports.pulling import NotificationPuller
from postroom.domain.account import Account, Secret
from postroom.domain.mailbox import Mailbox
from postroom.domain.pointer import Pointer

OptionValue = str | Secret | tuple[str, ...] | bool
"""Of an account option that was given; one that was not is left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountOption:
    """An option of `mailbox add` and `mailbox reconnect`, a line of `mailbox show` and the docs.

    Its value is the account's field of the same name, if there is one (`client-id`: `client_id`).
    A *secret* is read from a file, from standard input, from *variable* (of the environment), or is
    prompted for if *required*. Where one of the options *unless* is given, it is not required, and
    *variable* is not read. *choices* are all that it may be, if there are any. *is_flag* has no
    value. *credential* says that `mailbox reconnect` may replace it. *default* is shown, and left
    to the provider to fill in.

    A secret that has no *variable*, such as a key in PEM, has many lines: it is not prompted for,
    since a terminal takes one.
    """

    name: str
    help: str
    required: bool = False
    unless: tuple[str, ...] = ()
    secret: bool = False
    repeatable: bool = False
    is_flag: bool = False
    credential: bool = False
    choices: tuple[str, ...] = ()
    default: str = ""
    variable: str = ""

    @property
    def field(self) -> str:
        return self.name.replace("-", "_")


@dataclass(frozen=True, slots=True)
class CheckStep:
    """A step of a check: it *failed* if that says why; *remedy* is what a person can do."""

    step: str
    failed: str = ""
    remedy: str = ""


class MailboxCheck(Protocol):
    """Tries a mailbox's access live, step by step, with the credentials that are to be stored."""

    @abstractmethod
    def check(self, mailbox: Mailbox) -> AsyncIterator[CheckStep]:
        """Each step when it has ended, the first that fails being the last. Changes nothing there.

        Never raises a Failure: what the provider says, and that it is away, stands in the step.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceCode:
    """What lets an application act for a person who signs in elsewhere (RFC 8628 section 3.2).

    They enter *user_code* at *verification_uri* before *expires_at*. Whether they have is polled
    with *device_code*, which is secret, and no more often than every *interval*.
    """

    verification_uri: str
    user_code: str
    device_code: Secret
    interval: timedelta
    expires_at: datetime


class DeviceSignIn(Protocol):
    """Lets a person sign in elsewhere, in a browser of their own."""

    @abstractmethod
    def is_needed(self, account: Account) -> bool:
        """Whether *account* is of no use before a person has signed in."""

    @abstractmethod
    async def begin(self, account: Account) -> DeviceCode:
        """A new code to show to a person.

        Raises AccessFailed (no such directory or application), Throttled, Unavailable.
        """

    @abstractmethod
    async def finish(self, account: Account, code: DeviceCode) -> Account:
        """Wait until the person has signed in; returns the account with their access.

        Raises AccessFailed if they refuse, or are late. A login that is throttled or away is asked
        again while the code is good.
        """


class AccountFactory(Protocol):
    """Makes an account of the options that were given, by name."""

    @abstractmethod
    def create(self, address: str, values: Mapping[str, OptionValue]) -> Account:
        """The account of the mailbox *address*.

        Raises InvalidAccount where a value is missing, empty, of the wrong kind, or no choice.
        """

    @abstractmethod
    def reconnect(self, account: Account, values: Mapping[str, OptionValue]) -> Account:
        """*account* with other credentials; as `create`, and if it is another provider's."""


@dataclass(frozen=True, kw_only=True)
class Provider:
    """Made by `provider(…)` of `adapters/<name>`.

    *title* is what people call it. *describe* says of an account what no option says of it, for
    `mailbox show`. Where there are *subscriptions*, we keep them; where there is a *listener*, a
    process holds connections, and where there is a *puller* it pulls, too; where there is none of
    them, *notifications* are set up by an operator, or the folders are polled. *sources* names what
    serves an account: first what its mail is read from, then what it is signed in to. Mailboxes
    that have one in common fail together (domain/circuit.py).

    Of a mailbox that was another system's, *is_position* says whether a text is a position that
    means the same here as there, and *source_of_id* what source a message has here that the
    provider knows there by that id (empty: it has other ids here).
    """

    name: str
    title: str
    account: type[Account]
    pointer: type[Pointer]
    options: Sequence[AccountOption]
    accounts: AccountFactory
    fetcher: MessageFetcher
    changes: ChangeSource
    check: MailboxCheck
    sign_in: DeviceSignIn | None = None
    subscriptions: Subscriptions | None = None
    notifications: NotificationReader | None = None
    listener: ChangeListener | None = None
    puller: NotificationPuller | None = None
    describe: Callable[[Account], Mapping[str, str]] = lambda _: {}
    sources: Callable[[Account], Sequence[str]] = lambda _: ()
    is_position: Callable[[str], bool] = lambda _: False
    source_of_id: Callable[[str], str] = lambda _: ""

    def sources_of(self, account: Account) -> tuple[str, ...]:
        """What serves *account*, by names that are its own; one at the least."""
        return tuple(self.sources(account)) or (self.name,)
