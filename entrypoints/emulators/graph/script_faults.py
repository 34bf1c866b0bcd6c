"""The face for scripts: what goes wrong."""

from datetime import timedelta

from postroom.entrypoints.emulators.graph.faults import Cut, Refuse, Stall
from postroom.entrypoints.emulators.graph.script import Script


class FaultScript(Script):
    """A *target* is a user, a message, a folder or a subscription; or `graph` and the like.

    All of them: see `Faults`. Each *every*-th request for it meets the fault, *times* in all.
    """

    def fail(
        self,
        target: str,
        *,
        status: int,
        code: str = "",
        retry_after: str = "",
        times: int = 1,
        every: int = 1,
    ) -> None:
        """Refuse the next requests, with Retry-After as it is given."""
        headers = {"Retry-After": retry_after} if retry_after else {}
        self._backend.faults.plan(target, Refuse(status, code, headers), times, every)

    def throttle(self, target: str, *, retry_after: str, times: int = 1, every: int = 1) -> None:
        self.fail(
            target,
            status=429,
            code="ApplicationThrottled",
            retry_after=retry_after,
            times=times,
            every=every,
        )

    def stall(self, target: str, times: int = 1, every: int = 1) -> None:
        """Fall silent in the middle of the next answer (or sign-in), until `release`."""
        self._backend.faults.plan(target, Stall(), times, every)

    def cut(self, target: str, times: int = 1, every: int = 1) -> None:
        """Drop the connection in the middle of the next answer; what was asked for is done."""
        self._backend.faults.plan(target, Cut(), times, every)

    async def stalled(self) -> None:
        """Wait until a stall has begun."""
        await self._backend.faults.stalled()

    def release(self) -> None:
        self._backend.faults.release()

    def recover(self) -> None:
        """Forget all faults that are planned."""
        self._backend.faults.clear()

    def expire_delta_tokens(self, code: str = "SyncStateNotFound", *, user: str = "") -> None:
        """From now on 410 with *code* is the answer to every token that has been given out.

        It is SyncStateNotFound, SyncStateInvalid, or resyncRequired (with a Location). If a *user*
        is given, only the tokens of their inbox end.
        """
        mailboxes = self._backend.mailboxes
        inbox = mailboxes.folders(mailboxes.user(user)).find("inbox") if user else None
        self._backend.deltas.expire(code, inbox)

    def passed(self, delta_link: str) -> set[str]:
        """The ids of messages that came, and that no page from the link on lists any more."""
        token = delta_link.partition("token=")[2]
        passed = self._backend.deltas.passed(token) if token else ()
        return {message.immutable_id for message in passed}

    def limit_delta_tokens(self, lifetime: timedelta) -> None:
        """All tokens end with this time, also those that have been given out."""
        self._backend.deltas.lifetime = lifetime

    def lose_notifications(self, number: int = 1) -> None:
        """The next notifications reach nobody; Graph knows, and `report_missed` tells."""
        self._backend.notifications.lose(number)
