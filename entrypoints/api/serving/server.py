"""uvicorn's server, which leaves signals to us, and accepts connections as we do."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from postroom.entrypoints.api.serving.acceptor import Acceptor
from postroom.entrypoints.api.serving.connection import BoundedConnection
from postroom.entrypoints.api.serving.connections import Connections
from postroom.entrypoints.api.serving.limits import Limits


class Server(uvicorn.Server):
    """uvicorn would take the signals, and raise them again at its end."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class BoundedServer(Server):
    def __init__(
        self,
        config: uvicorn.Config,
        listening: socket.socket,
        connections: Connections,
        limits: Limits,
    ) -> None:
        super().__init__(config)
        self._acceptor = Acceptor(listening, self._connection, connections)
        self._connections = connections
        self._limits = limits

    def _connection(self) -> BoundedConnection:
        return BoundedConnection(
            self._connections,
            self._limits,
            config=self.config,
            server_state=self.server_state,
            app_state={},
        )

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:  # noqa: ARG002
        self._acceptor.open()
        self.servers = [self._acceptor]  # type: ignore[list-item] # as much of one as is needed
        self.started = True
