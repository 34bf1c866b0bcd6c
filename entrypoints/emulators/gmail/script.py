"""What the faces for scripts share."""

from postroom.entrypoints.emulators.gmail.calls import Backend


class Script:
    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self.clock = backend.clock
        self.pubsub = backend.pubsub
        self.tokens = backend.tokens
