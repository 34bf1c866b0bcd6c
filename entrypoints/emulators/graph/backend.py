"""What stands behind the HTTP face."""

from collections.abc import Callable

import httpx

from postroom.application.ports import Clock
from postroom.entrypoints.emulators.graph.delta import Deltas
from postroom.entrypoints.emulators.graph.directory import Directories
from postroom.entrypoints.emulators.graph.faults import Faults
from postroom.entrypoints.emulators.graph.handshakes import Handshakes
from postroom.entrypoints.emulators.graph.mailboxes import Mailboxes
from postroom.entrypoints.emulators.graph.notifications import Notifications
from postroom.entrypoints.emulators.graph.subscriptions import Subscriptions
from postroom.entrypoints.emulators.graph.wire import RecordedRequest


class Backend:
    def __init__(self, clock: Clock, client: httpx.AsyncClient, new_id: Callable[[], str]) -> None:
        self.clock = clock
        self.directories = Directories(clock)
        self.faults = Faults()
        self.mailboxes = Mailboxes()
        self.deltas = Deltas(clock, self.mailboxes)
        self.notifications = Notifications(clock, client)
        self.requests: list[RecordedRequest] = []
        self.subscriptions = Subscriptions(clock, self.mailboxes, Handshakes(client), new_id)
