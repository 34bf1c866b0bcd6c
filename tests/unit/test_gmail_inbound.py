"""A Gmail mailbox and a worker, with the rest in memory: what is fetched, when, and how often."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import timedelta

import httpx
import pytest

from postroom.adapters import google
from postroom.adapters.google.account import GoogleAccount, PersonalAccess
from postroom.adapters.http.deps import ProviderDeps
from postroom.adapters.memory.clock import ManualClock
from postroom.application.ports import OutcomeRecord
from postroom.application.providers import Providers
from postroom.application.resume_mailbox import ResumeMailbox
from postroom.domain.account import Secret
from postroom.domain.mailbox import Mailbox, PausedBy
from postroom.domain.outcome import Completed, Deferred, Effect, Outcome, Retry, Skipped, name_of
from postroom.domain.pointer import PointerJob, job_id
from postroom.domain.retry import YOUNG
from postroom.entrypoints.emulators.gmail import GmailEmulator, GoogleError
from postroom.entrypoints.emulators.gmail.quota import HEADER, TEXT, Limit
from postroom.entrypoints.emulators.gmail.script_sign_in import CLIENT
from tests.adapters.gmail_rig import MAIL, SUPPORT, URL, gmail_rig, pointer
from tests.threads import sign_ins
from tests.unit.api_rig import Rig, open_rig
from tests.unit.telemetry_rig import Worker

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
DONE = Completed(Effect.TICKET, "1")


@dataclass
class World:
    """*mailbox* was added a day ago, and is synced by and by."""

    gmail: GmailEmulator
    rig: Rig
    worker: Worker
    mailbox: Mailbox

    def deliver(self, *labels: str, ago: timedelta = timedelta()) -> str:
        labels = labels or ("INBOX",)
        return self.gmail.deliver(SUPPORT, MAIL, labels=labels, at=self.rig.clock.now() - ago)

    async def outcomes(self, message_id: str) -> list[str]:
        job = job_id(self.mailbox.tenant, self.mailbox.id, pointer(message_id))
        found = await self.rig.outcomes.find(self.mailbox.tenant, job_id=job)
        return [name_of(record.outcome) for record in found]

    async def stored(self) -> Mailbox:
        found = await self.rig.registry.get(self.mailbox.tenant, self.mailbox.id)
        assert found
        return found

    async def open_by_person(self) -> None:
        """The mailbox's user signs in (again)."""
        stored = await self.stored()
        assert isinstance(stored.account, GoogleAccount)
        token = Secret(self.gmail.consent(SUPPORT))
        person = PersonalAccess(CLIENT.id, Secret(CLIENT.secret), token)
        account = replace(stored.account, service_account=Secret(""), person=person)
        assert await self.rig.registry.replace_account(stored, account)
        resume = ResumeMailbox(self.rig.registry, self.rig.queue)
        await resume(stored.tenant, stored.id, paused_by=PausedBy.ACCESS)

    async def run(self) -> list[Outcome]:
        """Sync what is due, and handle all that waits."""
        await self.worker.sync()
        return await self.worker.work()

    async def run_for(self, duration: timedelta) -> list[Outcome]:
        end, made = self.rig.clock.now() + duration, []
        while self.rig.clock.now() < end:
            made += await self.run()
            self.rig.clock.advance(MINUTE)
        return made


@pytest.fixture
async def world(clock: ManualClock) -> AsyncIterator[World]:
    with open_rig(clock) as rig:
        async with (
            gmail_rig(clock) as gmail,
            httpx.AsyncClient(transport=gmail.line) as http,
            AsyncExitStack() as resources,
        ):
            deps = ProviderDeps(
                http=http,
                sign_ins=sign_ins(clock),
                clock=clock,
                registry=rig.registry,
                resources=resources,
                public_url="https://postroom.test",
                max_message_bytes=2**20,
            )
            rig.providers = Providers(
                [google.provider(deps, gmail_url=URL, token_url=f"{URL}/token")]
            )
            mailbox = replace(gmail.mailbox(), added_at=clock.now() - DAY)
            await rig.registry.add(mailbox)
            yield World(gmail.gmail, rig, Worker(rig), mailbox)


# --- What has ended is not fetched again --------------------------------------------------------


async def end(world: World, message_ids: Sequence[str]) -> None:
    for message_id in message_ids:
        found = pointer(message_id)
        job = PointerJob(
            id=job_id(world.mailbox.tenant, world.mailbox.id, found),
            tenant=world.mailbox.tenant,
            mailbox=world.mailbox.id,
            pointer=found,
            enqueued_at=world.rig.clock.now(),
        )
        at = world.rig.clock.now()
        await world.rig.outcomes.record(OutcomeRecord(job=job, outcome=DONE, attempt=1, at=at))


async def test_a_catch_up_of_10000_messages_fetches_none_that_has_ended(world: World) -> None:
    ids = [world.deliver(ago=timedelta(hours=12, seconds=-n)) for n in range(10_000)]
    new = {ids[0], ids[4_999], ids[9_999]}
    await end(world, [each for each in ids if each not in new])
    world.gmail.expire_history(SUPPORT)

    outcomes = await world.run_for(20 * MINUTE)

    assert [name_of(each) for each in outcomes] == ["completed"] * 3
    assert world.gmail.calls["messages.get"] == 3
    assert world.gmail.calls["messages.list"] <= 25
    assert {each for each in new if await world.outcomes(each) == ["completed"]} == new


# --- How old what gains the inbox may be --------------------------------------------------------


@pytest.mark.parametrize("gate", ["SPAM", "TRASH", "UNREAD"])
@pytest.mark.parametrize(
    ("days", "outcome"), [(2, "completed"), (29, "completed"), (31, "skipped")]
)
async def test_a_message_that_is_moved_into_the_inbox_is_mail_if_it_is_young_enough(
    world: World, gate: str, days: int, outcome: str
) -> None:
    message_id = world.deliver(gate, ago=days * DAY)
    await world.run()
    assert await world.outcomes(message_id) == []

    world.gmail.relabel(SUPPORT, message_id, add=["INBOX"], remove=[gate])
    await world.run_for(20 * MINUTE)

    assert await world.outcomes(message_id) == [outcome]


async def test_an_import_of_ten_years_makes_no_mail_and_what_comes_in_meanwhile_does(
    world: World,
) -> None:
    await world.run()
    old = [world.deliver(ago=n * 36 * DAY) for n in range(100, 0, -1)]
    new = world.deliver()

    outcomes = await world.run_for(20 * MINUTE)

    assert outcomes.count(Skipped("older than inbound mail may be (30 days)")) == len(old)
    assert await world.outcomes(new) == ["completed"]


async def test_what_was_handled_and_is_moved_to_and_fro_is_not_fetched_again(world: World) -> None:
    await world.run()
    message_id = world.deliver()
    await world.run_for(20 * MINUTE)

    for labels in (["TRASH"], ["SPAM"], ["STARRED"]):
        world.gmail.relabel(SUPPORT, message_id, add=labels, remove=["INBOX"])
        world.gmail.relabel(SUPPORT, message_id, add=["INBOX"], remove=labels)
        await world.run_for(20 * MINUTE)

    assert world.gmail.calls["messages.get"] == 1
    assert await world.outcomes(message_id) == ["completed"]


# --- A message that is not there (yet) ----------------------------------------------------------


@pytest.mark.parametrize("is_listed", [True, False])
async def test_a_young_message_that_is_not_there_is_asked_for_again(
    world: World, *, is_listed: bool
) -> None:
    """With the older list of errors, or by the status alone (AIP-193)."""
    await world.run()
    message_id = world.deliver()
    world.gmail.manners.legacy_errors = is_listed
    world.gmail.fail("messages.get", GoogleError(404, "notFound"), times=3)

    outcomes = await world.run_for(20 * MINUTE)

    assert [type(each) for each in outcomes] == [Deferred] * 3 + [Completed]
    assert await world.outcomes(message_id) == ["completed"]


async def test_a_message_that_was_deleted_is_gone_once_it_is_no_longer_young(world: World) -> None:
    await world.run()
    message_id = world.deliver()
    world.gmail.delete(SUPPORT, message_id)

    outcomes = await world.run_for(YOUNG + 20 * MINUTE)

    assert name_of(outcomes[-1]) == "skipped"
    assert await world.outcomes(message_id) == ["skipped"]
    assert len(outcomes) < 10


@pytest.mark.parametrize(
    "fault",
    [
        GoogleError(403, "insufficientPermissions"),
        GoogleError(429, "rateLimitExceeded"),
        GoogleError(500, "backendError"),
        GoogleError(503, "backendError", headers={"Retry-After": "7"}),
    ],
)
async def test_a_message_whose_get_fails_waits_and_holds_up_no_other(
    world: World, fault: GoogleError
) -> None:
    await world.run()
    ids = [world.deliver() for _ in range(3)]
    world.gmail.fail("messages.get", fault, times=1)

    outcomes = await world.run_for(60 * MINUTE)

    assert isinstance(outcomes[0], Deferred | Retry)
    assert [await world.outcomes(each) for each in ids] == [["completed"]] * 3


# --- Quota --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("status", "says"), [(403, TEXT), (429, HEADER), (429, "")])
async def test_the_quota_is_kept_by_the_lane_and_costs_no_message_an_attempt(
    world: World, status: int, says: str
) -> None:
    """20 units a fetch: these are 100 messages a minute."""
    await world.run()
    ids = [world.deliver() for _ in range(300)]
    world.gmail.quota.limit = Limit(
        units=2_000, per=MINUTE, status=status, reason="userRateLimitExceeded", says=says
    )

    outcomes = await world.run_for(45 * MINUTE)

    assert {tuple(await world.outcomes(each)) for each in ids} == {("completed",)}
    assert {type(each) for each in outcomes} == {Completed, Deferred}
    assert 2 <= world.gmail.quota.refused <= 12


# --- A person's access --------------------------------------------------------------------------


async def test_a_consent_that_is_withdrawn_suspends_the_mailbox_with_the_reason(
    world: World,
) -> None:
    """And once they have signed in again, what has waited is handled."""
    await world.open_by_person()
    await world.run()
    world.gmail.withdraw_consent(SUPPORT)
    message_id = world.deliver()

    await world.run_for(60 * MINUTE)

    suspended = await world.stored()
    assert suspended.paused
    assert suspended.paused.by is PausedBy.ACCESS
    assert "the token endpoint answered 400 invalid_grant" in suspended.paused.reason
    assert await world.outcomes(message_id) == []

    await world.open_by_person()
    await world.run_for(60 * MINUTE)
    assert (await world.stored()).paused is None
    assert await world.outcomes(message_id) == ["completed"]


# --- Pages --------------------------------------------------------------------------------------


async def test_page_tokens_that_expire_half_way_lose_nothing_and_fetch_nothing_twice(
    world: World,
) -> None:
    await world.run()
    ids = [world.deliver() for _ in range(1_200)]
    expired = GoogleError(400, "invalidArgument", "Invalid pageToken")
    world.gmail.fail("history.list", expired, times=9, every=2)

    await world.run_for(60 * MINUTE)

    assert {tuple(await world.outcomes(each)) for each in ids} == {("completed",)}
    assert world.gmail.calls["messages.get"] == len(ids)


async def test_pages_of_the_history_that_never_end_lose_nothing(world: World) -> None:
    await world.run()
    ids = [world.deliver() for _ in range(10)]
    world.gmail.pages.endless.add("history.list")

    await world.run_for(60 * MINUTE)

    assert {tuple(await world.outcomes(each)) for each in ids} == {("completed",)}
    assert world.gmail.calls["messages.get"] == len(ids)
