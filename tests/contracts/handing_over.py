"""What the contracts of handovers share: an application, messages for it, and time that passes."""

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.postgres.database import Database
from postroom.application.ports import Answered, Call, Claimed, Handovers, NewHandover, Settled
from postroom.domain.handover.answer import Answer
from postroom.domain.handover.application import Application, Order
from postroom.domain.handover.handover import Handover, State
from tests.contracts.samples import NOON, imap_mailbox, outcome

PassTime = Callable[[timedelta], Awaitable[None]]
"""Has time pass for the store."""

SECOND, MINUTE, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(days=1)

CRM = Application(
    tenant="",
    name="crm",
    destination="https://crm.example/inbound?token=hush",
    secrets=("whsec_new", "whsec_old"),
    added_at=NOON,
)
ORDERED = replace(CRM, name="ordered", order=Order.MAILBOX)
OWN = replace(CRM, tenant="acme", name="own")

_SHIFT = """
UPDATE handover SET
    received_at = received_at - %(by)s, accepted_at = accepted_at - %(by)s,
    due_at = due_at - %(by)s, lease_until = lease_until - %(by)s, began_at = began_at - %(by)s,
    failed_began = failed_began - %(by)s, ended_at = ended_at - %(by)s,
    redriven_at = redriven_at - %(by)s
"""
_SHIFT_HEALTH = """
UPDATE application_health SET health = health || (
    SELECT jsonb_object_agg(name, to_jsonb((health ->> name)::timestamptz - %(by)s))
    FROM unnest(ARRAY['paused_until', 'last_success_began', 'failing_since']) AS moment (name)
)
"""


def of_clock(clock: ManualClock) -> PassTime:
    async def pass_time(by: timedelta) -> None:
        clock.advance(by)

    return pass_time


def of_database(database: Database) -> PassTime:
    """Whatever is stored is as if it had been so by that much earlier."""

    async def pass_time(by: timedelta) -> None:
        async with database.across_tenants() as connection:
            await connection.execute(_SHIFT, {"by": by})
            await connection.execute(_SHIFT_HEALTH, {"by": by})

    return pass_time


def body_of(key: str, application: Application = CRM) -> dict[str, Any]:
    """As much of a body as is read again."""
    source = {"id": "7", "threadId": None, "labels": ["INBOX"], "folder": None}
    data: dict[str, Any] = {
        "key": key,
        "application": application.name,
        "sequence": None,
        "source": source,
        "email": {"keywords": {"$seen": True}},
        "content": {"truncated": []},
    }
    return {"type": "mail.received", "data": data}


def new_handover(
    key: str,
    now: datetime,
    application: Application = CRM,
    *,
    tenant: str = "acme",
    mailbox: str = "support",
) -> NewHandover:
    handover = Handover(
        tenant=tenant,
        application=application.name,
        key=key,
        mailbox=mailbox,
        identity=f"rfc5322:{key}@sender.example",
        received_at=now - MINUTE,
        accepted_at=now,
        state=State.WAITING,
        due_at=now,
    )
    job = replace(outcome(f"job of {key}").job, tenant=tenant, mailbox=mailbox)
    return NewHandover(
        handover=handover,
        body=json.dumps(body_of(key, application)).encode(),
        job=job,
        raw="ab" * 32,
        raw_size=1000,
        traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    )


async def accept(
    handovers: Handovers,
    *keys: str,
    application: Application = CRM,
    tenant: str = "acme",
    mailbox: str = "support",
) -> Sequence[NewHandover]:
    """Messages that came one after another within the last second, and are due."""
    _, now = await handovers.health(application)
    accepted = [
        new_handover(
            key,
            now - SECOND + n * timedelta(milliseconds=1),
            application,
            tenant=tenant,
            mailbox=mailbox,
        )
        for n, key in enumerate(keys)
    ]
    for each in accepted:
        assert await accept_one(handovers, application, each)
    return accepted


async def accept_one(handovers: Handovers, application: Application, new: NewHandover) -> bool:
    """With a number, where the application wants an order."""
    if application.order is Order.MAILBOX:
        handover = new.handover
        mailbox = imap_mailbox(tenant=handover.tenant, name=handover.mailbox)
        number = await handovers.next_number(application, mailbox)
        new = replace(new, handover=replace(handover, sequence=number))
    return await handovers.accept(application, new)


async def claim_one(handovers: Handovers, application: Application = CRM) -> Call:
    [call] = (await handovers.claim(application, 1)).calls
    return call


async def answer(
    handovers: Handovers, call: Call, said: Answer, application: Application = CRM
) -> Handover:
    """What has become of the handover of *call*, which the answer changes."""
    [handover] = (await settle(handovers, (call, said), application=application)).changed
    return handover


async def settle(
    handovers: Handovers, *said: tuple[Call, Answer], application: Application = CRM
) -> Settled:
    answers = [Answered(call.handover, each) for call, each in said]
    return await handovers.settle(application, answers, draw=0.0)


def keys(claimed: Claimed) -> list[str]:
    return [call.handover.key for call in claimed.calls]
