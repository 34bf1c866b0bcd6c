"""Whether we would see it: rules of the product, to be broken one at a time (search.py).

A mutation replaces what a rule is kept by, in this process alone.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from postroom.adapters.memory.ledger import InMemoryIdempotencyLedger
from postroom.adapters.memory.outbox import InMemoryOutbox
from postroom.adapters.memory.queue import InMemoryPointerQueue
from postroom.adapters.postgres.clock import DatabaseClock
from postroom.application import judge_failure, sync_folder
from postroom.application.consume_job import ConsumeJob
from postroom.application.hand_over import HandOver
from postroom.application.judge_failure import JudgeFailure
from postroom.application.maintain_folder import MaintainFolder, SyncRun
from postroom.application.note_answer import NoteAnswer
from postroom.application.ports import Answered, Beaten, Call, Claim, Provider
from postroom.domain.blame import Scope
from postroom.domain.failure import Failure, Unavailable
from postroom.domain.folder_sync import FolderSync
from postroom.domain.handover.answer import Answer, Done
from postroom.domain.handover.application import Application
from postroom.domain.handover.handover import Handover, State
from postroom.domain.handover.health import Condition, Health
from postroom.domain.list_lag import ListLag
from postroom.domain.mailbox import Mailbox
from postroom.domain.outcome import Deferred, Final, Skipped
from postroom.domain.sync_result import SyncResult
from postroom.entrypoints import dispatcher, worker
from postroom.entrypoints.api import take_in
from tests.simulation.applications import SimulatedCaller
from tests.simulation.handovers import FINAL
from tests.simulation.plan import Kind, Nature, Plan


def _any_plan(_: Plan) -> bool:
    return True


@dataclass(frozen=True)
class Mutation:
    """*owner* has *mutant* made of its *attribute* in the place of that.

    *may_show* says whether it can make a difference to a plan: others need not be run.
    """

    name: str
    owner: Any
    attribute: str
    mutant: Callable[[Any], Any]
    may_show: Callable[[Plan], bool] = _any_plan

    @contextmanager
    def applied(self) -> Iterator[None]:
        original = getattr(self.owner, self.attribute)
        setattr(self.owner, self.attribute, self.mutant(original))
        try:
            yield
        finally:
            setattr(self.owner, self.attribute, original)


def _charge_at_once(_: object) -> Callable[..., Scope]:
    def scope_of(failure: Failure, *, mailbox_answers: bool) -> Scope:
        is_ours = isinstance(failure, Unavailable)
        return Scope.MESSAGE if is_ours or mailbox_answers else Scope.MAILBOX

    return scope_of


def _no_cap(_: object) -> Callable[..., bool]:
    def has_room(self: InMemoryPointerQueue, lane: tuple[str, str], running: int) -> bool:
        return lane not in self._pauses and (lane not in self._probation or not running)

    return has_room


def _host_time(_: object) -> Callable[[DatabaseClock], datetime]:
    return lambda self: self.host.now()


def _acknowledge_first(end: Callable[..., Any]) -> Callable[..., Any]:
    async def acknowledged(
        self: ConsumeJob, claim: Claim, outcome: Final, *, identity: str = ""
    ) -> Final:
        await self.queue.acknowledge(claim)
        ended: Final = await end(self, claim, outcome, identity=identity)
        return ended

    return acknowledged


def _believe_at_once(_: object) -> Callable[..., Skipped]:
    return lambda reason, **_: Skipped(reason)


def _move_first(_: object) -> Callable[..., Any]:
    async def list_changes(self: Any) -> SyncResult:  # noqa: ANN401 - it is private
        result: SyncResult = SyncResult()
        folder, position = self.folder_sync.folder, self.folder_sync.position
        async for page in self.changes.since(self.mailbox, folder, position):
            if not await self._move_position(page.position):
                return result
            result += await self._queue(page.arrivals)
            if page.is_last:
                return result + SyncResult(complete=True)
        return result

    return list_changes


def _forget_what_was_handled(_: object) -> Callable[..., Any]:
    @asynccontextmanager
    async def once(
        self: InMemoryIdempotencyLedger, mailbox: Mailbox, _: object
    ) -> AsyncIterator[bool]:
        async with self._database.ledger_block(mailbox.tenant, mailbox.id):
            yield True

    return once


def _nobody_is_suspect(_: object) -> Callable[[int], bool]:
    return lambda _: False


def _charge_crashes(come_back: Callable[..., None]) -> Callable[..., None]:
    def charged(self: InMemoryPointerQueue, entry: Any, now: datetime) -> None:  # noqa: ANN401
        entry.attempts += bool(entry.token)
        come_back(self, entry, now)

    return charged


def _accept_and_forget(queue_all: Callable[..., Any]) -> Callable[..., Any]:
    async def accepted(*args: Any) -> None:  # noqa: ANN401
        try:
            await queue_all(*args)
        except Unavailable:
            return

    return accepted


def _heed_nobody(_: object) -> Callable[..., Any]:
    async def leave_alone(
        self: JudgeFailure, claim: Claim, reason: str, wish: timedelta
    ) -> Deferred:
        return Deferred(min(wish, timedelta(seconds=1)), reason)

    return leave_alone


def _begin_without_backfill(_: object) -> Callable[..., Any]:
    async def begin(self: Any) -> bool:  # noqa: ANN401
        position = await self.changes.position(self.mailbox, self.folder_sync.folder)
        moved: bool = await self._store_position(position)
        return moved

    return begin


def _begin_at_the_watch(maintain: Callable[..., Any]) -> Callable[..., Any]:
    async def maintained(
        self: MaintainFolder,
        provider: Provider,
        mailbox: Mailbox,
        folder_sync: FolderSync,
        **rest: bool,
    ) -> SyncRun:
        run: SyncRun = await maintain(self, provider, mailbox, folder_sync, **rest)
        watch = run.after.subscription
        if watch and watch.announced and watch != folder_sync.subscription:
            position = await provider.changes.position(mailbox, folder_sync.folder)
            await self.folder_syncs.move_position(folder_sync, position, self.clock.now())
        return run

    return maintained


def _believe_who_is_behind(_: object) -> Callable[..., bool]:
    return lambda _self, _now: True


def _stay_on_probation(_: object) -> Callable[..., Any]:
    async def noted(self: NoteAnswer, _: Claim, mailbox: Mailbox) -> None:
        self.evidence.saw(mailbox)
        await self.access.worked(mailbox)

    return noted


def _take_all_for_whole(_: object) -> Callable[[Beaten, int], bool]:
    return lambda _self, _floor: False


def _settle_before_the_call(call: Callable[..., Any]) -> Callable[..., Any]:
    async def settled(self: HandOver, application: Application, calls: Sequence[Call]) -> Any:  # noqa: ANN401
        answers = [Answered(each.handover, Done(status=200)) for each in calls]
        await self.handovers.settle(application, answers, draw=0.0)
        return await call(self, application, calls)

    return settled


def _charge_at_each_failure(_: object) -> Callable[..., bool]:
    return lambda _self, _failed_began: True


def _new_key_each_call(call: Callable[..., Any]) -> Callable[..., Any]:
    def renamed(each: Call) -> Call:
        handover = each.handover
        return replace(each, handover=replace(handover, key=f"{handover.key}_{handover.fence}"))

    async def called(self: SimulatedCaller, application: Application, calls: Sequence[Call]) -> Any:  # noqa: ANN401
        return await call(self, application, [renamed(each) for each in calls])

    return called


def _forget_the_fence(settled: Callable[..., Handover]) -> Callable[..., Handover]:
    def unfenced(self: Handover, answer: Answer, **named: Any) -> Handover:  # noqa: ANN401
        if isinstance(answer, FINAL):
            return settled(self, answer, **named)
        mine = replace(self, state=State.CALLING)
        return settled(mine, answer, **{**named, "fence": self.fence})

    return unfenced


def _forget_the_token(_: object) -> Callable[..., Any]:
    return lambda self, claim: self._entries.get(claim.job.id)


def _call_without_lease(calling: Callable[..., Handover]) -> Callable[..., Handover]:
    def unleased(self: Handover, now: datetime, _timeout: timedelta) -> Handover:
        return calling(self, now, timedelta(seconds=-14))

    return unleased


def _make_no_handover(_: object) -> Callable[..., Any]:
    async def accept(*_: object) -> None: ...

    return accept


def _never_pause(_: object) -> Callable[..., Health]:
    return lambda self, _now, _draw, _wish=None: replace(self, condition=Condition.ACTIVE)


def _share_the_calls(_: object) -> Callable[..., Any]:
    async def claim(self: Any, application: Application, free: int) -> None:  # noqa: ANN401
        claimed = await self._hand_over.claim(application, free)
        for each in claimed.calls:  # one after the other, and those of all applications
            async with _ONE_FOR_ALL[asyncio.get_running_loop()]:
                answered = await self._hand_over.call(application, [each])
            await self._hand_over.settle(application, answered, lease_ends=0.0)
        if claimed.calls:
            self.wake()

    return claim


_ONE_FOR_ALL: defaultdict[object, asyncio.Lock] = defaultdict(asyncio.Lock)


def _with_applications(plan: Plan) -> bool:
    return plan.handed_over


def _with_faults(*kinds: Kind) -> Callable[[Plan], bool]:
    return lambda plan: any(fault.kind in kinds for fault in plan.faults)


def _with_mail(nature: Nature) -> Callable[[Plan], bool]:
    return lambda plan: any(mail.nature is nature for mail in plan.mails)


def _with_stalls(plan: Plan) -> bool:
    return plan.handed_over and _of_stalls(plan)


_of_stalls = _with_faults(Kind.STALLS)
_of_skew = _with_faults(Kind.SKEWED)
_of_loss = _with_faults(Kind.LOSES_ALL, Kind.LOSES_THE_LAST, Kind.RESTORED)
_of_lag = _with_faults(Kind.LAGS)
_of_throttling = _with_faults(Kind.THROTTLES)

MUTATIONS = (
    Mutation("charge an attempt on a 5xx", judge_failure, "scope_of", _charge_at_once),
    Mutation("forget the lane cap", InMemoryPointerQueue, "_has_room", _no_cap),
    Mutation("go by the host's clock", DatabaseClock, "now", _host_time, _of_skew),
    Mutation("acknowledge before the commit", ConsumeJob, "_end", _acknowledge_first),
    Mutation(
        "skip on the first 404", judge_failure, "gone", _believe_at_once, _with_mail(Nature.LATE)
    ),
    Mutation("advance the cursor before queueing", sync_folder._Run, "_list_changes", _move_first),
    Mutation(
        "handle again what was handled", InMemoryIdempotencyLedger, "once", _forget_what_was_handled
    ),
    Mutation(
        "run suspects among the others",
        worker,
        "is_suspect",
        _nobody_is_suspect,
        _with_mail(Nature.POISON),
    ),
    Mutation("charge a lease that ran out", InMemoryPointerQueue, "_come_back", _charge_crashes),
    Mutation("accept what is not queued", take_in, "queue_all", _accept_and_forget),
    Mutation("ignore a Retry-After", JudgeFailure, "_leave_alone", _heed_nobody, _of_throttling),
    Mutation(
        "begin anew without a list by date", sync_folder._Run, "_begin", _begin_without_backfill
    ),
    Mutation(
        "begin where a watch says that the mailbox stands",
        MaintainFolder,
        "_maintain",
        _begin_at_the_watch,
    ),
    Mutation(
        "believe a low history id at once",
        ListLag,
        "is_of_another",
        _believe_who_is_behind,
        _of_lag,
    ),
    Mutation("leave lanes on probation", NoteAnswer, "__call__", _stay_on_probation),
    Mutation(
        "take a lost queue for a whole one", Beaten, "has_lost", _take_all_for_whole, _of_loss
    ),
    Mutation(
        "settle before the call", HandOver, "call", _settle_before_the_call, _with_applications
    ),
    Mutation(
        "charge without evidence",
        Health,
        "proves_at_fault",
        _charge_at_each_failure,
        _with_applications,
    ),
    Mutation(
        "call with a new key each time",
        SimulatedCaller,
        "call",
        _new_key_each_call,
        _with_applications,
    ),
    Mutation(
        "let a lease end before its call",
        Handover,
        "calling",
        _call_without_lease,
        _with_applications,
    ),
    Mutation("lose events as they are distributed", InMemoryOutbox, "_accept", _make_no_handover),
    Mutation("forget the token of a claim", InMemoryPointerQueue, "_held", _forget_the_token),
    Mutation("forget the fence of a call", Handover, "settled", _forget_the_fence, _with_stalls),
    Mutation("go on calling who is down", Health, "_paused", _never_pause, _with_applications),
    Mutation(
        "make the calls of all applications in turn",
        dispatcher._Lane,
        "_claim",
        _share_the_calls,
        _with_applications,
    ),
)
