"""A provider of mailboxes, whole: the one value by which the core knows it."""

from abc import abstractmethod
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from postroom.application.ports.changes import ChangeListener, ChangeSource
from postroom.application.ports.messages import MessageFetcher
from postroom.application.ports.notifications import NotificationReader, Subscriptions
from postroom.application.ports.pulling import NotificationPuller
from postroom.application.ports.sign_in import OptionValue, SignIn
from postroom.domain.account import Account
from postroom.domain.mail.trusted_servers import NOBODY, TrustedServers
from postroom.domain.mailbox import Mailbox
from postroom.domain.pointer import Pointer


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
    """A step of a check: it *failed* if that says why; *remedy* is what a person can do.

    *note* is what a person should know though it has not failed. *account* is the mailbox's with
    what the step has looked up, if that is to be stored with it.
    """

    step: str
    failed: str = ""
    remedy: str = ""
    note: str = ""
    account: Account | None = None


class MailboxCheck(Protocol):
    """Tries a mailbox's access live, step by step, with the credentials that are to be stored."""

    @abstractmethod
    def check(self, mailbox: Mailbox) -> AsyncIterator[CheckStep]:
        """Each step when it has ended, the first that fails being the last.

        Changes nothing there, but what adding the mailbox would change in the next moment anyway.

        Never raises a Failure: what the provider says, and that it is away, stands in the step.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Preparation:
    """What an operator does at the provider before mailboxes are added, as lines for a shell.

    *lines* is given the values of *options*, and the public URL of our API (empty: there is none).
    It raises InvalidAccount.
    """

    options: Sequence[AccountOption]
    lines: Callable[[Mapping[str, OptionValue], str], Sequence[str]]


@dataclass(frozen=True, kw_only=True)
class Provider:
    """Made by `provider(…)` of `adapters/<name>`.

    *title* is what people call it. *describe* says of an account what no option says of it, for
    `mailbox show`. Where there are *subscriptions*, we keep them; where there is a *listener*, a
    process holds connections, and where there is a *puller* it pulls, too; where there is none of
    them, *notifications* are set up by an operator, or the folders are polled. *sources* names what
    serves an account: first what its mail is read from, then what it is signed in to. Mailboxes
    that have one in common fail together (domain/circuit.py). *trusted_servers* are those whose
    Authentication-Results count in the mail of an account.

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
    sign_in: SignIn | None = None
    subscriptions: Subscriptions | None = None
    notifications: NotificationReader | None = None
    listener: ChangeListener | None = None
    puller: NotificationPuller | None = None
    describe: Callable[[Account], Mapping[str, str]] = lambda _: {}
    sources: Callable[[Account], Sequence[str]] = lambda _: ()
    trusted_servers: Callable[[Account], TrustedServers] = lambda _: NOBODY
    is_position: Callable[[str], bool] = lambda _: False
    source_of_id: Callable[[str], str] = lambda _: ""

    def sources_of(self, account: Account) -> tuple[str, ...]:
        """What serves *account*, by names that are its own; one at the least."""
        return tuple(self.sources(account)) or (self.name,)
