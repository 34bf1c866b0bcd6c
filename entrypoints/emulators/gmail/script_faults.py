"""The face for scripts: what goes wrong."""

from collections import Counter

from postroom.entrypoints.emulators.gmail.calls import Manners
from postroom.entrypoints.emulators.gmail.faults import Cut, Drip, Hang
from postroom.entrypoints.emulators.gmail.pages import Pages
from postroom.entrypoints.emulators.gmail.quota import Quota
from postroom.entrypoints.emulators.gmail.script_mail import MailScript


class FaultScript(MailScript):
    """A *target* is a method (`messages.get`, `subscriptions.pull`, `token`, `certs`, …) or a
    message's id. Each *every*-th call of it meets the fault, *times* in all.
    """

    @property
    def calls(self) -> Counter[str]:
        """How often each method was called: `messages.get`, `history.list`, `token`, …"""
        return self._backend.faults.calls

    def fail(self, target: str, fault: Exception, *, times: int = 1, every: int = 1) -> None:
        """Answer the next calls by *fault*."""
        self._backend.faults.plan(target, fault, times, every)

    def hang(self, target: str, *, times: int = 1, every: int = 1) -> None:
        """Give no answer until `release`; what is asked for is done."""
        self.fail(target, Hang(), times=times, every=every)

    def drip(self, target: str, seconds: float, *, times: int = 1, every: int = 1) -> None:
        """Answer byte by byte, with *seconds* between."""
        self.fail(target, Drip(seconds), times=times, every=every)

    def cut(self, target: str, *, times: int = 1, every: int = 1) -> None:
        """Drop the connection in the middle of the answer; what is asked for is done."""
        self.fail(target, Cut(), times=times, every=every)

    async def hanging(self) -> None:
        """Wait until something hangs."""
        await self._backend.faults.hanging()

    def release(self) -> None:
        """Let go what hangs, now and from now on."""
        self._backend.faults.release()

    def stop_failing(self) -> None:
        """From now on nothing that was planned goes wrong."""
        self._backend.faults.clear()

    @property
    def manners(self) -> Manners:
        """What Gmail does one way or the other."""
        return self._backend.manners

    @property
    def pages(self) -> Pages:
        """Their tokens can expire, and the pages of a list be without an end."""
        return self._backend.pages

    @property
    def quota(self) -> Quota:
        return self._backend.quota

    def expire_history(self, address: str) -> None:
        """Forget the history up to now: what begins earlier is answered by a 404."""
        self.mailbox(address).expire_history()

    def lag(self, address: str, listings: int) -> None:
        """The next *listings* of the history will not see what happens from now on."""
        self.mailbox(address).lag(listings)

    def fall_behind(self, address: str, *, every: int = 1) -> None:
        """Answer each *every*-th request by a replica that stands still, until `catch_up`.

        It has a lower historyId, lists no newer message, and finds none.
        """
        self.mailbox(address).fall_behind(every)

    def catch_up(self, address: str) -> None:
        self.mailbox(address).catch_up()
