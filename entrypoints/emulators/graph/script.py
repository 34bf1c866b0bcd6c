"""What the faces for scripts share."""

from postroom.application.ports import Clock
from postroom.entrypoints.emulators.graph.backend import Backend


class Script:
    def __init__(self, clock: Clock, backend: Backend) -> None:
        self._clock = clock
        self._backend = backend
