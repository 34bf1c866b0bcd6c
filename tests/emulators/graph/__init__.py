"""A small Microsoft Graph, with its login, for tests and for the demo."""

from tests.emulators.graph.emulator import CLIENT_ID, CLIENT_SECRET, DIRECTORY, GraphEmulator
from tests.emulators.graph.wire import GraphError, Json, RecordedRequest

__all__ = [
    "CLIENT_ID",
    "CLIENT_SECRET",
    "DIRECTORY",
    "GraphEmulator",
    "GraphError",
    "Json",
    "RecordedRequest",
]
