"""The face for scripts: what happens in the mailboxes, what goes wrong, what is announced."""

from datetime import timedelta

import httpx

from application.ports import Clock
from tests.emulators.graph.api import build_app
from tests.emulators.graph.backend import Backend
from tests.emulators.graph.faults import Cut, Refuse, Stall
from tests.emulators.graph.notices import Batch, notice
from tests.emulators.graph.subscriptions import SubscriptionRequest
from tests.emulators.graph.wire import Json, RecordedRequest
from tests.emulators.loopback import AsgiApp

DIRECTORY = "84bd8158-6d4d-4958-8b9f-9d6445542f95"
CLIENT_ID = "24d3b144-21ae-4080-943f-7067b395b913"
CLIENT_SECRET = "the application's secret"


class GraphEmulator:
    """A small Microsoft 365: one ASGI *app* that is both Graph and its login.

    It starts with one application in one directory. *subscriber* carries handshakes and notices to
    whoever subscribes; over httpx.ASGITransport it needs no network.

    Messages are named by their immutable ids throughout, or by any other id that they have.
    """

    def __init__(self, clock: Clock, subscriber: httpx.AsyncClient) -> None:
        self._clock = clock
        self._backend = Backend(clock, subscriber)
        self.app: AsgiApp = build_app(self._backend)
        self.register(DIRECTORY, CLIENT_ID, CLIENT_SECRET)

    # --- What happens ---

    def deliver(self, user: str, raw: bytes, folder: str = "inbox") -> str:
        """Put a message into a mailbox, which is made if need be; gives its immutable id."""
        mailboxes = self._backend.mailboxes
        return mailboxes.deliver(
            mailboxes.add_user(user), raw, folder, self._clock.now()
        ).immutable_id

    def default_id(self, message_id: str) -> str:
        """The id that the message has just now."""
        return self._backend.mailboxes.by_any_id(message_id).id

    def move(self, message_id: str, folder: str) -> None:
        self._backend.mailboxes.move(self._backend.mailboxes.by_any_id(message_id), folder)

    def delete(self, message_id: str) -> None:
        self._backend.mailboxes.delete(self._backend.mailboxes.by_any_id(message_id))

    def register(self, directory: str, client_id: str, secret: str) -> None:
        """Add an application, or give it another secret."""
        self._backend.directories.register(directory, client_id, secret)

    def issue_token(self) -> str:
        """An access token of the first application, without asking the login for it."""
        return self._backend.directories.issue(DIRECTORY, CLIENT_ID)

    def revoke_tokens(self) -> None:
        """From now on Graph answers 401 to every token that has been given out."""
        self._backend.directories.revoke_tokens()

    # --- What goes wrong: for a user, a message, or for `graph`, `subscriptions`, `login` ---

    def fail(
        self, target: str, *, status: int, code: str = "", retry_after: str = "", times: int = 1
    ) -> None:
        """Refuse the next requests, with Retry-After as it is given."""
        headers = {"Retry-After": retry_after} if retry_after else {}
        self._backend.faults.plan(target, Refuse(status, code, headers), times)

    def throttle(self, target: str, *, retry_after: str, times: int = 1) -> None:
        self.fail(
            target, status=429, code="ApplicationThrottled", retry_after=retry_after, times=times
        )

    def stall(self, target: str, times: int = 1) -> None:
        """Fall silent in the middle of the next message (or sign-in), until `release`."""
        self._backend.faults.plan(target, Stall(), times)

    def cut(self, target: str, times: int = 1) -> None:
        """Drop the connection in the middle of the next message."""
        self._backend.faults.plan(target, Cut(), times)

    async def stalled(self) -> None:
        """Wait until a stall has begun."""
        await self._backend.faults.stalled()

    def release(self) -> None:
        self._backend.faults.release()

    # --- What is announced ---

    async def subscribe(
        self,
        user: str,
        url: str,
        client_state: str,
        *,
        folder: str = "Inbox",
        immutable: bool = True,
        lasts: timedelta = timedelta(days=3),
    ) -> str:
        """As `POST /subscriptions` does it, handshake included; gives the subscription's id.

        Raises GraphError.
        """
        asked = SubscriptionRequest(
            changeType="created",
            notificationUrl=url,
            resource=f"users/{user}/mailFolders('{folder}')/messages",
            expirationDateTime=self._clock.now() + lasts,
            clientState=client_state,
        )
        self._backend.mailboxes.add_user(user)
        made = await self._backend.subscriptions.create(
            asked.model_dump_json().encode(),
            directory=DIRECTORY,
            client_id=CLIENT_ID,
            immutable=immutable,
        )
        return made.id

    def notice(self, subscription_id: str, message_id: str) -> Json:
        """One item of a notice, to be changed and posted by the test itself."""
        subscription = self._backend.subscriptions.get(subscription_id)
        return notice(subscription, self._backend.mailboxes.by_any_id(message_id))

    async def notify(self, *message_ids: str) -> list[Batch]:
        """Announce messages to every live subscription that covers them, in one batch a URL."""
        messages = [self._backend.mailboxes.by_any_id(each) for each in message_ids]
        self._backend.notices.add(
            (subscription, message)
            for subscription in self._backend.subscriptions.live()
            for message in messages
            if subscription.covers(message)
        )
        return await self._backend.notices.deliver()

    async def redeliver(self) -> list[Batch]:
        """Try again what was not accepted."""
        return await self._backend.notices.deliver()

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
