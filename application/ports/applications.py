"""The applications, and how they are called."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Protocol

from postroom.application.ports.handovers import Call
from postroom.domain.handover.answer import Answer
from postroom.domain.handover.application import Application


class Applications(Protocol):
    """The applications, with their secrets encrypted at rest.

    An owner is a tenant, or the installation (""). Subscribers lie here too, and have their names
    among those of applications; but whoever asks for applications finds none of them.
    """

    @abstractmethod
    async def add(self, application: Application) -> None:
        """Raises InvalidApplication if its name is taken by its owner, or by the installation.

        One of the installation's can have no name that any tenant's has.
        """

    @abstractmethod
    async def get(self, tenant: str, name: str) -> Application | None:
        """The application of that name which serves *tenant*: its own, or the installation's.

        Raises AccessFailed if its secrets cannot be decrypted.
        """

    @abstractmethod
    async def owned(self, owner: str, name: str) -> Application | None:
        """That of *owner* itself, a subscriber or not. Raises AccessFailed as `get` does."""

    @abstractmethod
    async def all(self, *, tenant: str | None = None) -> Sequence[Application]:
        """Every application, by owner and name; those that serve *tenant*, if given.

        Raises AccessFailed if the secrets of one cannot be decrypted.
        """

    @abstractmethod
    async def subscribers(self) -> Sequence[Application]:
        """Every subscriber, by owner and name. Raises AccessFailed as `all` does."""

    @abstractmethod
    async def replace(self, before: Application, after: Application) -> bool:
        """Put *after* in the place of *before*; False if that is not there (like that) any more.

        Raises InvalidApplication if they are not of one owner and name, and AccessFailed as `get`
        does.
        """

    @abstractmethod
    async def remove(self, application: Application) -> bool:
        """Forget it, and how it stands; False if there is none.

        What was handed over stays until its retention ends.
        """

    @abstractmethod
    async def route(self, tenant: str) -> str:
        """The name of the application of all mailboxes of *tenant* without one of their own."""

    @abstractmethod
    async def set_route(self, tenant: str, name: str) -> None:
        """Store that; an empty *name* is for none."""


class ApplicationCaller(Protocol):
    """Calls applications of one way: over HTTP, or into a table."""

    @property
    @abstractmethod
    def batch(self) -> int:
        """How many messages one call takes at the most."""

    @abstractmethod
    async def call(self, application: Application, calls: Sequence[Call]) -> Sequence[Answer]:
        """Hand over up to `batch` messages; the answers are in their order. It never raises.

        Ends within the application's timeout, whatever trickles in.
        """

    @abstractmethod
    async def ping(self, application: Application) -> Answer:
        """Ask whether the application takes calls, without a message."""
