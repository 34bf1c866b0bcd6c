"""What stands behind the HTTP face."""

import httpx

from application.ports import Clock
from tests.emulators.graph.delta import Deltas
from tests.emulators.graph.directory import Directories
from tests.emulators.graph.faults import Faults
from tests.emulators.graph.handshakes import Handshakes
from tests.emulators.graph.mailboxes import Mailboxes
from tests.emulators.graph.notices import Notices
from tests.emulators.graph.subscriptions import Subscriptions
from tests.emulators.graph.wire import RecordedRequest


class Backend:
    def __init__(self, clock: Clock, subscriber: httpx.AsyncClient) -> None:
        self.clock = clock
        self.directories = Directories(clock)
        self.faults = Faults()
        self.mailboxes = Mailboxes()
        self.deltas = Deltas(clock, self.mailboxes)
        self.notices = Notices(clock, subscriber)
        self.requests: list[RecordedRequest] = []
        self.subscriptions = Subscriptions(clock, self.mailboxes, Handshakes(subscriber))
