"""A small Microsoft Graph, with its login, for tests and for the demo.

It knows what Postroom calls: folders, messages, delta rounds, subscriptions, and the sign-ins that
lead there. Microsoft's own client is run against it in tests/emulators/test_graph_sdk.py.

Where it differs: nothing happens by itself. A script (`GraphEmulator`) says what arrives, what is
announced and what fails, and time is a clock that it is given. And an id is understood only by
requests that ask for ids of its kind; Graph may be more lenient.
"""

from postroom.entrypoints.emulators.graph.emulator import GraphEmulator
from postroom.entrypoints.emulators.graph.wire import (
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
