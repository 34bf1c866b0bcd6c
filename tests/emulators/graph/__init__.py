"""A small Microsoft Graph, with its login, for tests and for the demo."""

from tests.emulators.graph.emulator import GraphEmulator
from tests.emulators.graph.wire import (
    CLIENT_ID,
    CLIENT_SECRET,
    DIRECTORY,
    GraphError,
    Json,
    RecordedRequest,
)

__all__ = [
    "CLIENT_ID",
    "CLIENT_SECRET",
    "DIRECTORY",
    "GraphEmulator",
    "GraphError",
    "Json",
    "RecordedRequest",
]
