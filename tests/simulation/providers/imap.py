"""IMAP: an emulated server for each mailbox, which is listened to over simulated connections."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from itertools import count

from postroom.adapters.imap.account import INBOX, ImapAccount
from postroom.adapters.imap.pointer import ImapPointer
from postroom.adapters.imap.position import FolderPosition
from postroom.application.ports import Clock
from postroom.domain.mailbox import Mailbox
from postroom.domain.pointer import Pointer
from postroom.entrypoints.emulators.imap_server import ImapServer
from tests.simulation.arrivals import Arrived, raw
from tests.simulation.connections import Host
from tests.simulation.mailboxes import IMAP_PORT, lane_of, lanes_of, mailbox_of, place_of
from tests.simulation.plan import Fault, Kind, Mail, Nature
from tests.simulation.sockets import Internet
from tests.simulation.weather import Weather

Find = Callable[[str, int], Arrived | None]


@dataclass
class Imap:
    """*find* knows messages by their lane and UID."""

    clock: Clock
    weather: Weather
    find: Find
    servers: dict[str, ImapServer] = field(default_factory=dict)

    async def open(self, internet: Internet, resources: AsyncExitStack) -> None:
        validities = count(1)
        for number, lane in enumerate(lanes_of("imap")):
            mailbox = mailbox_of(lane)
            account = mailbox.account
            assert isinstance(account, ImapAccount)
            host = ImapHost(self.weather, (place_of(mailbox).source, lane))
            server = ImapServer(
                {account.username: account.password.value},
                clock=self.clock,
                port=IMAP_PORT + number,
                validities=validities,
                refusals=Refusals(host),
                content=self._content(lane),
            )
            self.servers[lane] = await resources.enter_async_context(server)
            internet.names[account.host] = ("127.0.0.1", server.port)
            internet.hosts[account.host] = host

    def _content(self, lane: str) -> Callable[[str, int, bytes], bytes | str | None]:
        def content(_: str, uid: int, whole: bytes) -> bytes | str | None:
            found = self.find(lane, uid)
            match found and found.ails(asyncio.get_running_loop().time()):
                case Nature.LATE:
                    return None
                case Nature.FORBIDDEN:
                    return "NO [NOPERM] not this one"
                case Nature.FAILING:
                    return "NO [SERVERBUG] internal error"
                case Nature.GARBLED:
                    return b""
                case _:
                    return whole

        return content

    # --- What happens there ---

    def deliver(self, mail: Mail, mailbox: Mailbox) -> Pointer:
        server = self.servers[lane_of(mailbox)]
        server.announces_nothing = not mail.notices
        uid = server.deliver(_user(mailbox), raw(mail, mailbox))
        server.announces_nothing = False
        return ImapPointer(INBOX, uid, self._validity(mailbox))

    def delete(self, arrived: Arrived) -> None:
        assert isinstance(arrived.pointer, ImapPointer)
        server = self.servers[arrived.mail.lane]
        server.expunge(_user(arrived.mailbox), arrived.pointer.uid)

    def forget_positions(self, mailbox: Mailbox) -> dict[Pointer, Pointer]:
        """The folder is rebuilt: its messages get other UIDs, in their order."""
        server, user = self.servers[lane_of(mailbox)], _user(mailbox)
        before, validity = list(server.folders[user][INBOX].messages), self._validity(mailbox)
        server.change_uidvalidity(user)
        after = self._validity(mailbox)
        return {
            ImapPointer(INBOX, old, validity): ImapPointer(INBOX, new, after)
            for new, old in enumerate(before, 1)
        }

    def passed(self, position: str, arrived: Sequence[Arrived]) -> list[Arrived]:
        reached = FolderPosition.parse(position)
        return [
            each
            for each in arrived
            if isinstance(each.pointer, ImapPointer)
            and each.pointer.uid_validity == reached.uid_validity
            and each.pointer.uid <= reached.uid
        ]

    def _validity(self, mailbox: Mailbox) -> int:
        return self.servers[lane_of(mailbox)].folders[_user(mailbox)][INBOX].uid_validity


def _user(mailbox: Mailbox) -> str:
    assert isinstance(mailbox.account, ImapAccount)
    return mailbox.account.username


@dataclass(frozen=True)
class ImapHost(Host):
    """What ails a server, or the one mailbox on it."""

    weather: Weather
    targets: tuple[str, ...]

    def faults(self) -> Sequence[Fault]:
        return self.weather.of(*self.targets)

    def meet(self, fault: Fault) -> None:
        self.weather.meet(fault)


class Refusals(dict[str, str]):
    """What the server answers to a command, as the weather has it."""

    def __init__(self, host: Host) -> None:
        super().__init__()
        self._host = host

    def __contains__(self, verb: object) -> bool:
        return bool(self._said(str(verb)))

    def __getitem__(self, verb: str) -> str:
        return self._said(verb)

    def _said(self, verb: str) -> str:
        if verb in ("CAPABILITY", "LOGOUT", "IDLE"):
            return ""
        said = {
            Kind.DENIES: "NO [AUTHENTICATIONFAILED] not you",
            Kind.THROTTLES: "NO [LIMIT] too many",
            Kind.ERRS: "NO [SERVERBUG] internal error",
        }
        return next((said[each.kind] for each in self._host.faults() if each.kind in said), "")
