"""The emulator: the HTTP face, and the faces for scripts."""

from collections.abc import Callable
from uuid import uuid4

import httpx

from postroom.application.ports import Clock
from postroom.entrypoints.emulators.dated import dated
from postroom.entrypoints.emulators.graph.api import build_app
from postroom.entrypoints.emulators.graph.backend import Backend
from postroom.entrypoints.emulators.graph.script_faults import FaultScript
from postroom.entrypoints.emulators.graph.script_mail import MailScript
from postroom.entrypoints.emulators.graph.script_notifications import NotificationScript
from postroom.entrypoints.emulators.graph.script_sign_in import SignInScript
from postroom.entrypoints.emulators.graph.wire import (
    CLIENT_ID,
    CLIENT_SECRET,
    DIRECTORY,
    RecordedRequest,
)
from postroom.entrypoints.emulators.loopback import AsgiApp


class GraphEmulator(MailScript, FaultScript, NotificationScript, SignInScript):
    """A small Microsoft 365: one ASGI *app* that is both Graph and its login.

    It starts with one application in one directory. *client* carries handshakes and
    notifications to whoever subscribes; over httpx.ASGITransport it needs no network. *new_id*
    makes the ids of subscriptions.
    """

    def __init__(
        self,
        clock: Clock,
        client: httpx.AsyncClient,
        *,
        new_id: Callable[[], str] = lambda: str(uuid4()),
    ) -> None:
        super().__init__(clock, Backend(clock, client, new_id))
        self.app: AsgiApp = dated(build_app(self._backend), clock)
        self.register(DIRECTORY, CLIENT_ID, CLIENT_SECRET)

    # --- Who may come in ---

    def register(self, directory: str, client_id: str, secret: str) -> None:
        """Add an application, or give it another secret."""
        self._backend.directories.register(directory, client_id, secret)

    def issue_token(self, client_id: str = CLIENT_ID, user: str = "") -> str:
        """An access token of an application in the first directory, without a sign-in.

        With a *user* it is for what the application does in their name.
        """
        return self._backend.directories.issue(DIRECTORY, client_id, user)

    def revoke_tokens(self) -> None:
        """From now on Graph answers 401 to every token that has been given out."""
        self._backend.directories.revoke_tokens()

    # --- What was asked of it ---

    @property
    def requests(self) -> list[RecordedRequest]:
        """The requests to Graph, without those to its login."""
        return self._backend.requests

    @property
    def token_requests(self) -> int:
        return self._backend.directories.requests

    @property
    def bytes_sent(self) -> int:
        """Of messages, so far."""
        return self._backend.faults.bytes_sent
