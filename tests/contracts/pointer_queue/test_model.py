"""Random histories of the queue, beside a model of it that is too simple to be wrong.

Workers claim, settle, renew, die with what they hold, and act on claims that are no longer theirs;
callers enqueue and send again what was answered; leases and pauses run out, or are prolonged after
an outage. After each step the queue must stand as the model does. The clock moves by
units of four seconds, and leases and delays end in the middle of one, so that nothing ends just
when it is looked at (nor do a half and a quarter of a lease).
"""

import asyncio
from collections.abc import Coroutine, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from math import inf
from typing import Any, Literal, TypeVar, get_args
from zlib import crc32

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from postroom.adapters.memory.clock import ManualClock
from postroom.application.ports import Claim, PointerQueue
from postroom.domain.pointer import PointerJob
from postroom.domain.retry import RetryPolicy
from tests.contracts.pointer_queue.conftest import open_queue
from tests.contracts.pointer_queue.samples import MOMENT, job
from tests.engines import REDIS_SERVERS

PORTS = {PointerQueue}

Lane = tuple[str, str]
Result = TypeVar("Result")

LANES: list[Lane] = [(tenant, mailbox) for tenant in "ab" for mailbox in "xy"]
CAPS = [1, 4, 20]
"""A low one is often reached; with a high one, a lane could be served many times in a row."""

POLICY = RetryPolicy(max_attempts=3)

UNIT = timedelta(seconds=4)

units = st.integers(0, 15).map(lambda number: number * UNIT)
halves = st.integers(1, 20).map(lambda number: (number + 0.5) * UNIT)
any_index = st.integers(0, 1000)
lanes = st.sampled_from(LANES)

End = Literal["acknowledge", "retry", "defer", "crashed", "release", "bury"]
ends = st.sampled_from(get_args(End))


@dataclass
class Entry:
    """A job that is queued. It is ready if it has no *due*, and in flight if it has a *token*."""

    job: PointerJob
    arrival: int
    attempts: int = 0
    crashes: int = 0
    solo_crashes: int = 0
    token: int = 0
    due: datetime | None = None
    reclaimed: bool = False
    prolonged: bool = False


@dataclass
class Model:
    """What the queue must look like. Each partition has heard of a worker at a time of its own."""

    cap: int
    most_turns: float
    partitions: int
    heard: dict[int, datetime] = field(default_factory=dict)
    entries: dict[str, Entry] = field(default_factory=dict)
    dead: dict[str, Entry] = field(default_factory=dict)
    pauses: dict[Lane, datetime | None] = field(default_factory=dict)
    probation: dict[Lane, datetime] = field(default_factory=dict)
    passed_over: dict[Lane, int] = field(default_factory=dict)
    arrivals: int = 0
    last_tokens: dict[Lane, int] = field(default_factory=dict)

    def add(self, new: PointerJob) -> bool:
        if new.id in self.entries:
            return False
        self.arrivals += 1
        self.entries[new.id] = Entry(new, self.arrivals)
        return True

    def partition_of(self, job: PointerJob) -> int:
        return crc32("/".join(lane_of(job)).encode()) % self.partitions

    def outlast_outage(self, partition: int, now: datetime, lease: timedelta) -> None:
        """If no worker has been heard of for half a lease, those that old are prolonged, once."""
        unheard = now - self.heard.get(partition, now)
        running = [
            entry
            for entry in self.entries.values()
            if entry.token and self.partition_of(entry.job) == partition
        ]
        for entry in running if unheard > lease / 2 else []:
            if entry.due and entry.due < now + lease / 2 and not entry.prolonged:
                entry.due, entry.prolonged = now + lease, True
        if unheard > lease / 4:
            self.heard[partition] = now

    def let_time_pass(self, now: datetime, lease: timedelta) -> None:
        """What is due comes back: a claim looks for that before all else."""
        for partition in range(self.partitions):
            self.outlast_outage(partition, now, lease)
        for entry in self.entries.values():
            if entry.due and entry.due <= now:
                entry.reclaimed = entry.reclaimed or bool(entry.token)
                entry.crashes += bool(entry.token)
                entry.token, entry.due = 0, None
        for lane, until in list(self.pauses.items()):
            if until and until <= now:
                del self.pauses[lane]

    def of(self, lane: Lane) -> list[Entry]:
        return [entry for entry in self.entries.values() if lane_of(entry.job) == lane]

    def ready(self, lane: Lane) -> list[Entry]:
        return sorted(
            (entry for entry in self.of(lane) if not entry.due), key=lambda entry: entry.arrival
        )

    def running(self, lane: Lane) -> int:
        return sum(bool(entry.token) for entry in self.of(lane))

    def next_of(self, lane: Lane) -> Entry | None:
        """The job that the lane would hand out now."""
        cap = 1 if lane in self.probation else self.cap
        if lane in self.pauses or self.running(lane) >= cap:
            return None
        return next(iter(self.ready(lane)), None)

    def take(self, claim: Claim, now: datetime, lease: timedelta) -> None:
        """Check that *claim* was due, and note it."""
        lane = lane_of(claim.job)
        entry = self.next_of(lane)
        assert entry is not None, "its lane is paused, at its cap, or empty"
        assert entry.job == claim.job, "not the oldest of its lane"
        assert claim.attempt == entry.attempts + 1
        assert claim.reclaimed == entry.reclaimed
        assert (claim.crashes, claim.solo_crashes) == (entry.crashes, entry.solo_crashes)
        self._check_probation(claim, now)
        assert claim.token > self.last_tokens.get(lane, 0)
        self._count_turns(lane)
        self.last_tokens[lane] = entry.token = claim.token
        entry.due, entry.prolonged = now + lease, False
        self.heard[self.partition_of(claim.job)] = now

    def _check_probation(self, claim: Claim, now: datetime) -> None:
        since = self.probation.get(lane_of(claim.job))
        assert (claim.probation is None) == (since is None)
        if claim.probation is not None and since is not None:
            assert abs(claim.probation - (now - since)) < MOMENT

    def _count_turns(self, served: Lane) -> None:
        """No lane waits for more turns than each tenant has one of, for each lane of its own."""
        for lane in LANES:
            if lane == served or not self.next_of(lane):
                self.passed_over[lane] = 0
            else:
                self.passed_over[lane] = self.passed_over.get(lane, 0) + 1
                assert self.passed_over[lane] <= self.most_turns

    def holder(self, claim: Claim) -> Entry | None:
        """The entry that *claim* holds: past the end of its lease, until a claim finds it so."""
        entry = self.entries.get(claim.job.id)
        return entry if entry and entry.token == claim.token else None

    def end(self, claim: Claim, how: End, now: datetime, delay: timedelta) -> Entry | None:
        """Settle *claim*; None if it holds nothing any more."""
        entry = self.holder(claim)
        if entry:
            entry.token, entry.due, entry.reclaimed = 0, None, False
            if how in {"retry", "defer", "crashed"}:
                entry.due = now + delay
            entry.attempts += how == "retry"
            entry.solo_crashes += how == "crashed"
            if how in {"acknowledge", "bury"}:
                del self.entries[claim.job.id]
            if how == "bury":
                self.dead[claim.job.id] = entry
                self.heard[self.partition_of(claim.job)] = now
        return entry


def lane_of(job: PointerJob) -> Lane:
    return job.tenant, job.mailbox


class Histories(RuleBasedStateMachine):
    """Of the queue at *url*, in so many *partitions*."""

    url: str
    partitions: int = 1
    model: Model
    queue: PointerQueue

    def __init__(self) -> None:
        super().__init__()
        self.clock = ManualClock(datetime.fromisoformat("2030-01-01T00:00:00Z"))
        self.claims: list[Claim] = []  # all that were ever given out
        self.jobs: list[PointerJob] = []
        self._loop = asyncio.Runner()
        self._opened = AsyncExitStack()

    @initialize(cap=st.sampled_from(CAPS))
    def open(self, cap: int) -> None:
        most_turns = len(LANES) if self.partitions == 1 else inf
        self.model = Model(cap, most_turns, self.partitions)
        opening = open_queue(self.url, self.clock, cap=cap, partitions=self.partitions)
        self.queue = self.run(self._opened.enter_async_context(opening))

    def teardown(self) -> None:
        self.run(self._opened.aclose())
        self._loop.close()

    def run(self, step: Coroutine[Any, Any, Result]) -> Result:
        return self._loop.run(step)

    def due_in(self, delay: timedelta) -> datetime:
        return self.clock.now() + delay

    # --- Callers --------------------------------------------------------------------------------

    @rule(lane=lanes, number=st.integers(1, 12))
    def enqueue(self, lane: Lane, number: int) -> None:
        tenant, mailbox = lane
        first = len(self.jobs)
        new = [job(f"j{first + n}", tenant=tenant, mailbox=mailbox) for n in range(number)]
        self.jobs += new
        self._enqueue(new)

    @precondition(lambda self: self.jobs)
    @rule(index=any_index)
    def enqueue_again(self, index: int) -> None:
        """The reply was lost, or the notification came twice, or long after the job was done."""
        self._enqueue([self.jobs[index % len(self.jobs)], self.jobs[-1]])

    def _enqueue(self, jobs: Sequence[PointerJob]) -> None:
        expected = [job.id for job in jobs if self.model.add(job)]
        assert self.run(self.queue.enqueue(jobs)) == expected

    # --- Workers --------------------------------------------------------------------------------

    @rule(
        after=units,
        limit=st.integers(1, 20),
        lease=halves,
        ends=st.lists(ends, max_size=20),
        delay=halves,
    )
    def work(
        self, after: timedelta, limit: int, lease: timedelta, ends: list[End], delay: timedelta
    ) -> None:
        """Claim, and settle some of the claims at once; the others are settled later, or never."""
        if self.partitions > 1:
            limit = 100  # so that each partition is asked, and finds what is due again
        self.clock.advance(after)
        self.model.let_time_pass(self.clock.now(), lease)
        claims = self.run(self.queue.claim(limit, lease))
        for claim in claims:
            self.model.take(claim, self.clock.now(), lease)
        assert len(claims) == limit or not any(map(self.model.next_of, LANES)), "work was left"
        self.claims += claims
        exhausted = [
            claim for claim in claims if claim.attempt + claim.crashes > POLICY.max_attempts
        ]
        for claim in exhausted:
            self.settle(claim, "bury", delay)
        for claim, end in zip(claims, ends, strict=False):
            self.settle(claim, end, delay)

    @precondition(lambda self: self.claims)
    @rule(index=any_index, end=ends, delay=halves)
    def settle_late(self, index: int, end: End, delay: timedelta) -> None:
        """Or too late: somebody else may have claimed the job since, or settled it."""
        self.settle(self.some_claim(index), end, delay)

    def settle(self, claim: Claim, end: End, delay: timedelta) -> None:
        calls = {
            "acknowledge": partial(self.queue.acknowledge, claim),
            "retry": partial(self.queue.retry, claim, delay, "away"),
            "defer": partial(self.queue.defer, claim, delay, "throttled"),
            "crashed": partial(self.queue.crashed, claim, delay, "its process died"),
            "release": partial(self.queue.release, claim),
            "bury": partial(self.queue.bury, claim, "broken"),
        }
        entry = self.model.end(claim, end, self.clock.now(), delay)
        assert self.run(calls[end]()) == (entry is not None)

    @precondition(lambda self: self.claims)
    @rule(indices=st.lists(any_index, min_size=1, max_size=5), lease=halves)
    def renew(self, indices: list[int], lease: timedelta) -> None:
        claims = list({claim.token: claim for claim in map(self.some_claim, indices)}.values())
        lost = [claim for claim in claims if not self.model.holder(claim)]
        for partition in {self.model.partition_of(claim.job) for claim in claims}:
            self.model.outlast_outage(partition, self.clock.now(), lease)
        assert list(self.run(self.queue.renew(claims, lease))) == lost
        for entry in filter(None, map(self.model.holder, claims)):
            entry.due, entry.prolonged = self.due_in(lease), False

    def some_claim(self, index: int) -> Claim:
        """Mostly one of the last, which may still be held."""
        return self.claims[-1 - index % min(len(self.claims), 12)]

    # --- Operators ------------------------------------------------------------------------------

    @rule(lane=lanes)
    def resume(self, lane: Lane) -> None:
        is_held_back = lane in self.model.pauses or lane in self.model.probation
        assert self.run(self.queue.resume(*lane)) == is_held_back
        self.model.pauses.pop(lane, None)
        self.model.probation.pop(lane, None)

    @rule(lane=lanes, delay=halves | st.none())
    def pause(self, lane: Lane, delay: timedelta | None) -> None:
        self.run(self.queue.pause(*lane, "throttled", delay=delay))
        self._pause(lane, delay)

    @rule(lane=lanes, delay=halves)
    def back_off(self, lane: Lane, delay: timedelta) -> None:
        self.run(self.queue.back_off(*lane, "away", delay))
        self.model.probation.setdefault(lane, self.clock.now())
        self._pause(lane, delay)

    def _pause(self, lane: Lane, delay: timedelta | None) -> None:
        until = self.due_in(delay) if delay else None
        stands = self.model.pauses.get(lane, self.clock.now())
        self.model.pauses[lane] = max(until, stands) if until and stands else None

    @precondition(lambda self: self.model.dead)
    @rule(index=any_index, how=st.sampled_from(["purge", "redrive"]))
    def redrive_or_purge(self, index: int, how: str) -> None:
        name = sorted(self.model.dead)[index % len(self.model.dead)]
        letter = self.model.dead.pop(name)
        if how == "purge":
            assert self.run(self.queue.purge(["unknown", name])) == [name]
        else:
            assert self.run(self.queue.redrive([name, "unknown"])) == [name]
            self.model.add(letter.job)

    # --- What must always hold ------------------------------------------------------------------

    @invariant()
    def every_job_is_in_its_one_place(self) -> None:
        stood = {
            (lane.tenant, lane.mailbox): (lane.ready, lane.delayed, lane.in_flight, lane.dead)
            for lane in self.run(self.queue.statistics())
        }
        expected = {lane: self._numbers(lane) for lane in LANES}
        assert stood == {
            lane: numbers
            for lane, numbers in expected.items()
            if any(numbers) or lane in self.model.pauses or lane in self.model.probation
        }

    def _numbers(self, lane: Lane) -> tuple[int, int, int, int]:
        entries = self.model.of(lane)
        ready, running = len(self.model.ready(lane)), self.model.running(lane)
        dead = sum(lane_of(entry.job) == lane for entry in self.model.dead.values())
        return ready, len(entries) - ready - running, running, dead

    @invariant()
    def the_dead_letters_are_those_that_were_buried(self) -> None:
        page = self.run(self.queue.dead_letters())
        letters = [*page.letters]
        while page.next:
            page = self.run(self.queue.dead_letters(after=page.next))
            letters += page.letters
        assert {letter.id: (letter.attempts, letter.crashes) for letter in letters} == {
            name: (entry.attempts + 1, entry.crashes + entry.solo_crashes)
            for name, entry in self.model.dead.items()
        }


@pytest.mark.parametrize("server_url", ["memory", *REDIS_SERVERS], indirect=True)
def test_the_queue_stands_as_its_model_does_whatever_happens(server_url: str) -> None:
    class Here(Histories):
        url = server_url

    run_histories(Here, 60 if server_url else 250)


def test_a_queue_in_partitions_stands_as_its_model_does(valkey_url: str) -> None:
    class Here(Histories):
        url = valkey_url
        partitions = 3

    run_histories(Here, 60)


def run_histories(kind: type[Histories], number: int) -> None:
    run_state_machine_as_test(
        kind,
        settings=settings(
            max_examples=number,
            stateful_step_count=60,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
