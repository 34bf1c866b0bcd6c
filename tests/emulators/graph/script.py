"""What the faces for scripts share."""

from application.ports import Clock
from tests.emulators.graph.backend import Backend


class Script:
    def __init__(self, clock: Clock, backend: Backend) -> None:
        self._clock = clock
        self._backend = backend
