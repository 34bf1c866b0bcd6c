"""The emulator: the HTTP face, and the faces for scripts."""

import httpx

from postroom.adapters.clock import SystemClock
from postroom.application.ports import Clock
from postroom.entrypoints.emulators.dated import dated
from postroom.entrypoints.emulators.gmail.api import build_app
from postroom.entrypoints.emulators.gmail.calls import Backend, Manners
from postroom.entrypoints.emulators.gmail.faults import Faults
from postroom.entrypoints.emulators.gmail.mailboxes import Mailboxes
from postroom.entrypoints.emulators.gmail.pages import Pages
from postroom.entrypoints.emulators.gmail.pubsub import PubSub
from postroom.entrypoints.emulators.gmail.quota import Quota
from postroom.entrypoints.emulators.gmail.script_faults import FaultScript
from postroom.entrypoints.emulators.gmail.script_notifications import NotificationScript
from postroom.entrypoints.emulators.gmail.script_sign_in import CLIENT, SignInScript
from postroom.entrypoints.emulators.gmail.token_endpoint import TokenEndPoint
from postroom.entrypoints.emulators.gmail.watches import Watches
from postroom.entrypoints.emulators.loopback import AsgiApp


class GmailEmulator(FaultScript, NotificationScript, SignInScript):
    """Serves Gmail, Pub/Sub, Google's sign-in and its certificates by one ASGI *app*.

    In-process through `transport()`, or on a port by `loopback.serve(gmail.app)`; keys of service
    accounts are to be made with the URL under which it is reached. *client* sends the
    pushes.
    """

    def __init__(self, client: httpx.AsyncClient, clock: Clock | None = None) -> None:
        super().__init__(_backend(client, clock or SystemClock()))
        self.tokens.clients.register(CLIENT)
        app = self._backend.faults.around(build_app(self._backend))
        self.app: AsgiApp = dated(app, self.clock)

    def transport(self) -> httpx.AsyncBaseTransport:
        """Reaches it in-process, under any host name."""
        return httpx.ASGITransport(self.app)


def _backend(client: httpx.AsyncClient, clock: Clock) -> Backend:
    pubsub = PubSub(client, clock)
    watches = Watches(clock, pubsub)
    return Backend(
        clock=clock,
        faults=Faults(),
        mailboxes=Mailboxes(watches),
        manners=Manners(),
        pages=Pages(),
        pubsub=pubsub,
        quota=Quota(clock),
        tokens=TokenEndPoint(clock),
        watches=watches,
    )
