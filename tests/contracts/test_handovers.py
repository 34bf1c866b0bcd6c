"""What every Handovers promises of messages that are accepted, claimed and settled."""

import asyncio
from dataclasses import replace

import pytest

from postroom.application.ports import Call, Handovers, IdempotencyLedger, Outcomes
from postroom.domain.handover.answer import (
    Answer,
    Busy,
    Done,
    Duplicate,
    Failed,
    InProgress,
    Refused,
    Skipped,
    Unreachable,
)
from postroom.domain.handover.application import WhenUnsure
from postroom.domain.handover.handover import KEY_GOOD_FOR, State
from postroom.domain.outcome import Completed, Dead, Effect, Final
from postroom.domain.outcome import Skipped as SkippedPointer
from tests.contracts.handing_over import (
    CRM,
    MINUTE,
    OWN,
    SECOND,
    PassTime,
    accept,
    answer,
    claim_one,
    keys,
    new_handover,
    settle,
)
from tests.contracts.samples import failing_block, identity, imap_mailbox

PORTS = {Handovers}

UNSURE = Failed(reason="HTTP 500", sure=False, status=500)
SURE = Failed(reason="HTTP 404", sure=True, status=404)
LEASE = CRM.timeout + MINUTE
"""By then it is over."""


# --- Acceptance ---


async def test_what_is_accepted_is_handed_over_with_its_very_bytes(handovers: Handovers) -> None:
    [new] = await accept(handovers, "a")

    claimed = await handovers.claim(CRM, 10)

    [call] = claimed.calls
    assert (call.body, call.traceparent) == (new.body, new.traceparent)
    assert call.handover == replace(
        new.handover,
        state=State.CALLING,
        fence=1,
        began_at=call.handover.began_at,
        lease_until=call.handover.lease_until,
    )


@pytest.mark.parametrize("size", [0, 1, 983_040])
async def test_a_body_of_any_size_comes_back(handovers: Handovers, size: int) -> None:
    _, now = await handovers.health(CRM)
    body = bytes(n % 251 for n in range(size))
    await handovers.accept(CRM, replace(new_handover("a", now), body=body))

    assert (await claim_one(handovers)).body == body


async def test_a_key_is_accepted_once(handovers: Handovers) -> None:
    [new] = await accept(handovers, "a")
    other = replace(new, body=b"other bytes")

    assert not await handovers.accept(CRM, other)

    assert (await claim_one(handovers)).body == new.body


async def test_several_applications_may_have_one_message(handovers: Handovers) -> None:
    await accept(handovers, "a")
    await accept(handovers, "a", application=OWN)

    assert keys(await handovers.claim(CRM, 10)) == ["a"]
    assert keys(await handovers.claim(OWN, 10)) == ["a"]


async def test_what_is_accepted_in_a_block_is_kept_with_it(
    handovers: Handovers, ledger: IdempotencyLedger
) -> None:
    _, now = await handovers.health(CRM)

    async with ledger.once(imap_mailbox(), identity()):
        assert await handovers.accept(CRM, new_handover("a", now))

    assert keys(await handovers.claim(CRM, 10)) == ["a"]


async def test_what_is_accepted_in_a_block_that_fails_is_forgotten(
    handovers: Handovers, ledger: IdempotencyLedger
) -> None:
    _, now = await handovers.health(CRM)

    async with failing_block(ledger, imap_mailbox()):
        assert await handovers.accept(CRM, new_handover("a", now))

    assert await handovers.due() == []
    assert await handovers.accept(CRM, new_handover("a", now))


async def test_an_event_has_no_job_and_no_outcome(handovers: Handovers, outcomes: Outcomes) -> None:
    _, now = await handovers.health(CRM)
    await handovers.accept(CRM, replace(new_handover("a", now, tenant=""), job=None))

    handover = await answer(handovers, await claim_one(handovers), Done())

    assert handover.state is State.DONE
    assert await outcomes.find("") == []


async def test_texts_may_hold_anything(handovers: Handovers) -> None:
    _, now = await handovers.health(CRM)
    strange = "".join(map(chr, range(0x4E00, 0x5E00))) + "\x00\ud800"
    new = new_handover("a", now)
    await handovers.accept(CRM, replace(new, handover=replace(new.handover, identity=strange)))

    handover = await answer(
        handovers, await claim_one(handovers), Done(reference="\x00\ud800", url="\x00")
    )

    assert handover.state is State.DONE


async def test_the_backlog_is_what_waits_or_is_called_with(handovers: Handovers) -> None:
    nothing = await handovers.backlog(CRM)
    new = await accept(handovers, "a", "b", "c")
    await accept(handovers, "d", application=OWN)
    await answer(handovers, await claim_one(handovers), Done())
    await claim_one(handovers)

    backlog = await handovers.backlog(CRM)

    assert (nothing.count, nothing.size, nothing.oldest) == (0, 0, None)
    assert (backlog.count, backlog.oldest) == (2, new[1].handover.accepted_at)
    assert backlog.size == 2 * (1000 + len(new[1].body))


# --- What is due ---


async def test_each_application_of_which_something_is_due_is_named(
    handovers: Handovers, pass_time: PassTime
) -> None:
    nobody = await handovers.due()
    await accept(handovers, "a", "b")
    await accept(handovers, "c", tenant="globex")
    await accept(handovers, "d", application=OWN)
    both = await handovers.due()
    await handovers.claim(CRM, 10)
    one = await handovers.due()
    await pass_time(LEASE)

    assert (nobody, both, one) == ([], [("", "crm"), ("acme", "own")], [("acme", "own")])
    assert await handovers.due() == both


async def test_mailboxes_take_turns_and_the_longest_due_of_each_is_first(
    handovers: Handovers,
) -> None:
    await accept(handovers, "a1", "a2", "a3", mailbox="a")
    await accept(handovers, "b1", mailbox="b")
    await accept(handovers, "c1", "c2", tenant="globex", mailbox="a")

    claimed = await handovers.claim(CRM, 10)

    assert keys(claimed) == ["a1", "b1", "c1", "a2", "c2", "a3"]


async def test_mailboxes_take_turns_over_all_claims(handovers: Handovers) -> None:
    await accept(handovers, *(f"a{n}" for n in range(9)), mailbox="a")
    await accept(handovers, "b1", "b2", mailbox="b")
    await accept(handovers, "c1", mailbox="c")

    claimed = [keys(await handovers.claim(CRM, limit)) for limit in (1, 1, 2, 2, 1)]

    assert claimed == [["a0"], ["b1"], ["c1", "a1"], ["b2", "a2"], ["a3"]]


async def test_no_more_is_claimed_than_the_application_takes_at_a_time(
    handovers: Handovers, pass_time: PassTime
) -> None:
    narrow = replace(CRM, in_flight=3)
    await accept(handovers, *(f"a{n}" for n in range(9)))

    first = await handovers.claim(narrow, 2)
    second = await handovers.claim(narrow, 10)
    none = await handovers.claim(narrow, 10)
    await answer(handovers, first.calls[0], Done(), narrow)

    assert (keys(first), keys(second), keys(none)) == (["a0", "a1"], ["a2"], [])
    assert keys(await handovers.claim(narrow, 10)) == ["a3"]
    await pass_time(LEASE)
    assert len((await handovers.claim(narrow, 10)).calls) == 3


async def test_a_bound_that_was_lowered_holds_at_once(handovers: Handovers) -> None:
    await accept(handovers, *(f"a{n}" for n in range(9)))
    await handovers.claim(CRM, 2)

    assert len((await handovers.claim(replace(CRM, in_flight=3), 10)).calls) == 1
    assert (await handovers.claim(replace(CRM, in_flight=2), 10)).calls == []


async def test_of_two_that_claim_at_once_each_gets_others(handovers: Handovers) -> None:
    application = replace(CRM, in_flight=30)
    for mailbox in "abcd":
        await accept(handovers, *(f"{mailbox}{n}" for n in range(12)), mailbox=mailbox)

    claims = await asyncio.gather(*(handovers.claim(application, 8) for _ in range(6)))

    claimed = [key for claim in claims for key in keys(claim)]
    assert len(claimed) == len(set(claimed)) == 30
    assert sorted(len(claim.calls) for claim in claims) == [0, 0, 6, 8, 8, 8]


async def test_tenants_claim_what_is_theirs(handovers: Handovers) -> None:
    theirs = replace(OWN, tenant="globex")
    await accept(handovers, "a", application=OWN)
    await accept(handovers, "b", application=theirs, tenant="globex")

    assert keys(await handovers.claim(theirs, 10)) == ["b"]
    assert keys(await handovers.claim(replace(OWN, tenant=""), 10)) == []
    assert keys(await handovers.claim(OWN, 10)) == ["a"]


async def test_a_call_whose_lease_ran_out_is_unsure_and_made_again(
    handovers: Handovers, pass_time: PassTime
) -> None:
    await accept(handovers, "a")
    first = await claim_one(handovers)
    await pass_time(CRM.timeout)
    still_ours = await handovers.claim(CRM, 10)
    await pass_time(LEASE)

    again = await claim_one(handovers)

    assert still_ours.calls == []
    assert again.body == first.body
    handover = again.handover
    assert (handover.fence, handover.unsure, handover.may_be_handled) == (2, 1, True)


async def test_what_must_not_be_repeated_is_held_when_its_lease_ran_out(
    handovers: Handovers, pass_time: PassTime
) -> None:
    application = replace(CRM, when_unsure=WhenUnsure.HOLD)
    await accept(handovers, "a")
    await claim_one(handovers)
    await pass_time(LEASE)

    claimed = await handovers.claim(application, 10)

    assert claimed.calls == []
    assert [(each.key, each.state) for each in claimed.others] == [("a", State.HELD)]
    assert await handovers.due() == []


async def test_what_is_held_counts_against_the_limits_and_waits_for_nobody_else(
    handovers: Handovers, pass_time: PassTime
) -> None:
    application = replace(CRM, when_unsure=WhenUnsure.HOLD)
    [new] = await accept(handovers, "a")
    await claim_one(handovers)
    await pass_time(LEASE)
    await handovers.claim(application, 10)

    backlog = await handovers.backlog(application)

    assert (backlog.count, backlog.size, backlog.oldest) == (1, 1000 + len(new.body), None)


async def test_what_must_not_be_repeated_is_held_after_a_call_of_which_the_end_is_not_known(
    handovers: Handovers,
) -> None:
    application = replace(CRM, when_unsure=WhenUnsure.HOLD)
    await accept(handovers, "a", "b")
    claimed = await handovers.claim(application, 10)
    a, b = claimed.calls

    settled = await settle(handovers, (a, UNSURE), (b, SURE), application=application)

    assert [each.state for each in settled.changed] == [State.HELD, State.WAITING]


async def test_what_still_waits_when_its_key_may_be_forgotten_is_held(
    handovers: Handovers, pass_time: PassTime
) -> None:
    await accept(handovers, "a")
    await pass_time(KEY_GOOD_FOR)

    claimed = await handovers.claim(CRM, 10)

    assert claimed.calls == []
    assert [each.state for each in claimed.others] == [State.HELD]


# --- Answers ---


@pytest.mark.parametrize(
    ("said", "state", "recorded"),
    [
        (Done(reference="T-1", url="u"), State.DONE, Completed(Effect.HANDED_OVER, "T-1")),
        (Duplicate(reference="T-1"), State.DUPLICATE, Completed(Effect.HANDED_OVER, "T-1")),
        (Skipped(reason="spam"), State.SKIPPED, SkippedPointer("spam")),
        (Refused(reason="too old"), State.REFUSED, Dead("too old")),
    ],
    ids=lambda value: type(value).__name__,
)
async def test_a_final_answer_ends_it_and_its_job_has_that_outcome(
    handovers: Handovers, outcomes: Outcomes, said: Answer, state: State, recorded: Final
) -> None:
    [new] = await accept(handovers, "a")
    assert new.job

    handover = await answer(handovers, await claim_one(handovers), said)

    assert (handover.state, handover.lease_until) == (state, None)
    [record] = await outcomes.find("acme", job_id=new.job.id)
    assert (record.outcome, record.job, record.attempt) == (recorded, new.job, 1)
    assert (record.identity, record.at) == (new.handover.identity, handover.ended_at)
    assert (await handovers.backlog(CRM)).count == 0


async def test_answers_are_settled_together_in_their_order(
    handovers: Handovers, outcomes: Outcomes
) -> None:
    await accept(handovers, "a", "b", "c", "d")
    claimed = await handovers.claim(CRM, 10)
    a, b, c, d = claimed.calls

    settled = await settle(
        handovers, (d, Done(reference="1")), (b, UNSURE), (a, Refused(reason="no")), (c, Done())
    )

    assert [(each.key, each.state) for each in settled.changed] == [
        *(("d", State.DONE), ("b", State.WAITING), ("a", State.REFUSED), ("c", State.DONE)),
    ]
    assert len(await outcomes.find("acme")) == 3


async def test_to_settle_again_changes_nothing(handovers: Handovers, outcomes: Outcomes) -> None:
    await accept(handovers, "a", "b")
    claimed = await handovers.claim(CRM, 10)
    a, b = claimed.calls
    said: list[tuple[Call, Answer]] = [(a, Done(reference="1")), (b, UNSURE)]
    first = await settle(handovers, *said)

    again = await settle(handovers, *said)

    assert [each.key for each in first.changed] == ["a", "b"]
    assert again.changed == []
    assert again.health == first.health
    assert len(await outcomes.find("acme")) == 1


async def test_a_message_that_failed_waits_and_counts_no_charge_while_nothing_is_taken(
    handovers: Handovers, pass_time: PassTime
) -> None:
    await accept(handovers, "a")
    failed = await answer(handovers, await claim_one(handovers), UNSURE)
    at_once = await handovers.claim(CRM, 10)
    await pass_time(6 * SECOND)

    again = await claim_one(handovers)

    assert (failed.state, failed.failures, failed.unsure) == (State.WAITING, 1, 1)
    assert failed.reason == "HTTP 500"
    assert at_once.calls == []
    assert (again.handover.fence, again.handover.charged) == (2, 0)


async def test_a_wish_for_time_is_the_applications_and_costs_the_message_nothing(
    handovers: Handovers, pass_time: PassTime
) -> None:
    await accept(handovers, "a", "b")
    busy = Busy(status=429, sure=True, retry_after=10 * MINUTE)
    await answer(handovers, await claim_one(handovers), busy)
    await pass_time(9 * MINUTE)
    too_early = await handovers.claim(CRM, 10)
    await pass_time(2 * MINUTE)

    probe = await handovers.claim(CRM, 10)

    assert too_early.calls == []
    assert keys(probe) == ["b"]
    assert (await handovers.claim(CRM, 10)).calls == []


async def test_what_another_call_works_on_is_called_again_when_it_asks_for_it(
    handovers: Handovers, pass_time: PassTime
) -> None:
    await accept(handovers, "a")
    before, _ = await handovers.health(CRM)
    await answer(handovers, await claim_one(handovers), InProgress(retry_after=MINUTE))
    too_early = await handovers.claim(CRM, 10)
    await pass_time(MINUTE)

    assert too_early.calls == []
    assert keys(await handovers.claim(CRM, 10)) == ["a"]
    assert (await handovers.health(CRM))[0] == before


async def test_a_late_final_answer_needs_no_fence(
    handovers: Handovers, outcomes: Outcomes, pass_time: PassTime
) -> None:
    await accept(handovers, "a")
    stalled = await claim_one(handovers)
    await pass_time(LEASE)
    again = await claim_one(handovers)

    late = await answer(handovers, stalled, Done(reference="1"))
    later = await settle(handovers, (again, UNSURE))

    assert (late.state, later.changed) == (State.DONE, [])
    assert len(await outcomes.find("acme")) == 1


async def test_a_late_wish_for_another_call_is_of_no_matter(
    handovers: Handovers, pass_time: PassTime
) -> None:
    await accept(handovers, "a")
    stalled = await claim_one(handovers)
    await pass_time(LEASE)
    again = await claim_one(handovers)
    before, _ = await handovers.health(CRM)

    late = await settle(handovers, (stalled, UNSURE))

    assert late.changed == []
    assert late.health == before
    assert (await answer(handovers, again, Done())).state is State.DONE


async def test_the_first_final_answer_stays(handovers: Handovers, outcomes: Outcomes) -> None:
    await accept(handovers, "a")
    call = await claim_one(handovers)
    await answer(handovers, call, Done(reference="1"))

    for said in (Duplicate(reference="2"), Refused(reason="no"), Skipped(reason="no")):
        assert (await settle(handovers, (call, said))).changed == []
    assert len(await outcomes.find("acme")) == 1


async def test_done_takes_the_place_of_refused(handovers: Handovers, outcomes: Outcomes) -> None:
    await accept(handovers, "a")
    call = await claim_one(handovers)
    await answer(handovers, call, Refused(reason="no"))

    handover = await answer(handovers, call, Done(reference="1"))

    assert (handover.state, handover.reference) == (State.DONE, "1")
    assert [record.outcome for record in await outcomes.find("acme")] == [
        Completed(Effect.HANDED_OVER, "1"),
        Dead("no"),
    ]


async def test_an_answer_to_what_is_not_there_any_more_is_of_no_matter(
    handovers: Handovers,
) -> None:
    await accept(handovers, "a")
    call = await claim_one(handovers)
    gone = replace(call, handover=replace(call.handover, key="gone"))
    before, _ = await handovers.health(CRM)

    settled = await settle(handovers, (gone, UNSURE), (call, Unreachable(reason="refused")))

    assert [(each.key, each.state) for each in settled.changed] == [("a", State.WAITING)]
    assert settled.before == before
    assert settled.health.failures == 1
