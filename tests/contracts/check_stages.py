"""The mailbox checks under test: in memory, and each provider's at its emulator."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from postroom.adapters.google.check import GmailMailboxCheck
from postroom.adapters.imap.check import ImapMailboxCheck
from postroom.adapters.imap.client import ImapClient
from postroom.adapters.memory.check import InMemoryMailboxCheck
from postroom.adapters.microsoft.check import GraphMailboxCheck
from postroom.adapters.microsoft.client import GraphClient
from postroom.application.ports import CheckStep, MailboxCheck
from postroom.domain.mailbox import Mailbox
from postroom.entrypoints.emulators.gmail import GoogleError
from postroom.entrypoints.emulators.gmail.wire import GrantError
from postroom.entrypoints.emulators.imap_server import ImapServer
from tests.adapters import gmail_rig, imap_rig
from tests.adapters.graph_rig import ACCOUNT, RAW, USER, a_mailbox
from tests.adapters.login_rig import Login

FOLDERS = ("inbox", "Inbox/Orders", "junkemail")


class Stage(Protocol):
    """A check under test, and what is wrong with the *mailbox* that it tries: nothing, at first.

    *names* are those of its steps. *passed* says how many are passed after each thing that breaks.
    What a person can do stands in the reason already, where that *explains* itself.
    """

    check: MailboxCheck
    mailbox: Mailbox
    names: Sequence[str]
    passed: Sequence[tuple[str, int]]
    explains: bool = False

    @abstractmethod
    def refuse_to_sign_in(self) -> None: ...

    @abstractmethod
    def refuse_to_read(self) -> None: ...

    @abstractmethod
    def break_down(self) -> None:
        """Be away for whoever reads, the next time."""

    @abstractmethod
    def lose_a_folder(self) -> None:
        """The second one."""

    @abstractmethod
    def written(self) -> int:
        """How often somebody did more than read."""


class _InFolders(Stage):
    mailbox = a_mailbox(account=replace(ACCOUNT, folders=FOLDERS))
    names = (
        "signing in",
        "reading the mailbox",
        *(f"finding the folder {name}" for name in FOLDERS),
    )
    passed = (
        ("refuse_to_sign_in", 0),
        ("refuse_to_read", 1),
        ("break_down", 1),
        ("lose_a_folder", 3),
    )


class InMemory(_InFolders):
    def __init__(self) -> None:
        self.check = self._check = InMemoryMailboxCheck()

    def refuse_to_sign_in(self) -> None:
        self._fail("signing in")

    def refuse_to_read(self) -> None:
        self._fail("reading the mailbox")

    def lose_a_folder(self) -> None:
        self._fail("finding the folder Inbox/Orders")

    def break_down(self) -> None:
        self._fail("reading the mailbox")

    def _fail(self, step: str) -> None:
        self._check.failed[step] = CheckStep(step, "it does not work", "repair it")

    def written(self) -> int:
        return 0


class Graph(_InFolders):
    def __init__(self, login: Login, client: GraphClient) -> None:
        self.check = GraphMailboxCheck(client)
        self._graph = login.graph
        self._graph.add_folder(USER, "Inbox/Orders")
        self._message = self._graph.deliver(USER, RAW)

    def refuse_to_sign_in(self) -> None:
        self._graph.register(ACCOUNT.directory, ACCOUNT.client_id, "another secret by now")

    def refuse_to_read(self) -> None:
        """Not even where messages are listed."""
        self._graph.fail(self._message, status=403, code="ErrorAccessDenied")

    def lose_a_folder(self) -> None:
        self._graph.remove_folder(USER, "Inbox/Orders")

    def break_down(self) -> None:
        self._graph.fail(USER, status=503)

    def written(self) -> int:
        return sum(request.method != "GET" for request in self._graph.requests)


class Gmail(Stage):
    names = (
        "signing in",
        "reading the profile",
        "opening a message",
        "reading the history",
        "finding the labels",
    )
    passed = (("refuse_to_sign_in", 0), ("refuse_to_read", 2), ("break_down", 1))

    def __init__(self, rig: gmail_rig.Rig) -> None:
        self.check = GmailMailboxCheck(rig.client)
        self.mailbox = rig.mailbox()
        self._gmail = rig.gmail
        self._gmail.deliver(gmail_rig.SUPPORT, gmail_rig.MAIL)
        self._history_id = self._gmail.history_id(gmail_rig.SUPPORT)

    def refuse_to_sign_in(self) -> None:
        self._gmail.fail("token", GrantError(401, "unauthorized_client", ""))

    def refuse_to_read(self) -> None:
        self._gmail.fail("messages.get", GoogleError(403, "insufficientPermissions"))

    def break_down(self) -> None:
        self._gmail.fail("getProfile", GoogleError(503, "backendError"))

    def lose_a_folder(self) -> None:
        """There is but one."""

    def written(self) -> int:
        return self._gmail.history_id(gmail_rig.SUPPORT) - self._history_id


class Imap(Stage):
    explains = True  # see adapters/imap/errors.py
    names = ("signing in", "opening the folder INBOX", "opening the folder Orders")
    passed = (
        ("refuse_to_sign_in", 0),
        ("refuse_to_read", 1),
        ("break_down", 1),
        ("lose_a_folder", 2),
    )

    def __init__(self, server: ImapServer) -> None:
        self.check = ImapMailboxCheck(ImapClient())
        self._server = server
        server.create("ann", "Orders")
        server.deliver("ann", gmail_rig.MAIL)
        account = imap_rig.account(server.port)
        self.mailbox = imap_rig.mailbox(replace(account, folders=("INBOX", "Orders")))

    def refuse_to_sign_in(self) -> None:
        self.mailbox = replace(
            self.mailbox, account=imap_rig.account(self._server.port, password="wrong")
        )

    def refuse_to_read(self) -> None:
        self._server.refusals["EXAMINE"] = "NO [NOPERM] no"

    def break_down(self) -> None:
        self._server.refusals["EXAMINE"] = "NO [UNAVAILABLE] a disk is away"

    def lose_a_folder(self) -> None:
        self.mailbox = imap_rig.mailbox(
            replace(imap_rig.account(self._server.port), folders=("INBOX", "Gone"))
        )

    def written(self) -> int:
        messages = self._server.folders["ann"]["INBOX"].messages.values()
        return sum(r"\Seen" in message.flags for message in messages)
