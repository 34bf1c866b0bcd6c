"""What every Applications promises."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from postroom.application.ports import Applications, Handovers
from postroom.domain.handover.answer import Unreachable
from postroom.domain.handover.application import (
    Application,
    BodyKind,
    InvalidApplication,
    Mode,
    Order,
    SetBy,
    WhenUnsure,
)
from postroom.domain.handover.health import Condition
from tests.contracts.handing_over import CRM, OWN, accept, claim_one, settle
from tests.contracts.samples import NOON

PORTS = {Applications}

FULL = Application(
    tenant="acme",
    name="full",
    destination="https://crm.acme.example/Möbel?token=hush",
    secrets=("whsec_new", "whsec_old"),
    set_by=SetBy.TENANT,
    mode=Mode.SHADOW,
    order=Order.MAILBOX,
    when_unsure=WhenUnsure.HOLD,
    in_flight=3,
    timeout=timedelta(seconds=7.5),
    body=BodyKind.THIN,
    max_body=2**20,
    inline_below=10,
    max_backlog=5,
    max_backlog_bytes=2**40,
    retention=timedelta(days=1, hours=2),
    copies=("archive", "search"),
    added_at=NOON,
    rotated_at=NOON + timedelta(microseconds=1),
    paused_since=NOON,
    paused_reason="a change of theirs",
)


@pytest.mark.parametrize("application", [CRM, OWN, FULL], ids=lambda each: each.name)
async def test_an_application_comes_back_as_it_was_added(
    applications: Applications, application: Application
) -> None:
    await applications.add(application)

    assert await applications.get("acme", application.name) == application
    assert await applications.owned(application.tenant, application.name) == application


async def test_one_of_the_installation_serves_any_tenant_and_another_its_own_alone(
    applications: Applications,
) -> None:
    await applications.add(CRM)
    await applications.add(OWN)

    assert await applications.get("globex", "crm") == CRM
    assert await applications.get("", "crm") == CRM
    assert await applications.owned("globex", "crm") is None
    assert await applications.get("globex", "own") is None
    assert await applications.get("", "own") is None
    assert await applications.get("acme", "other") is None


async def test_all_come_by_owner_and_name(applications: Applications) -> None:
    theirs = replace(OWN, tenant="globex")
    ours = [replace(CRM, name="a-b"), replace(CRM, name="a.b"), CRM]
    for each in (theirs, OWN, *reversed(ours)):
        await applications.add(each)

    assert await applications.all() == [*ours, OWN, theirs]
    assert await applications.all(tenant="globex") == [*ours, theirs]
    assert await applications.all(tenant="") == ours


@pytest.mark.parametrize(
    ("there", "added", "complaint"),
    [
        (OWN, replace(OWN, destination="https://other.example"), "of that name already"),
        (CRM, replace(CRM, tenant="acme"), "the installation has"),
        (OWN, replace(OWN, tenant=""), "a tenant has"),
    ],
    ids=["its owner's", "the installation's", "a tenant's"],
)
async def test_a_name_that_is_taken_is_refused(
    applications: Applications, there: Application, added: Application, complaint: str
) -> None:
    await applications.add(there)

    with pytest.raises(InvalidApplication, match=complaint):
        await applications.add(added)

    assert await applications.all() == [there]


async def test_two_tenants_may_have_one_of_the_same_name(applications: Applications) -> None:
    theirs = replace(OWN, tenant="globex")
    await applications.add(OWN)
    await applications.add(theirs)

    assert await applications.get("acme", "own") == OWN
    assert await applications.get("globex", "own") == theirs


async def test_of_those_that_add_one_name_at_once_one_does(applications: Applications) -> None:
    answers = await asyncio.gather(
        *(applications.add(replace(CRM, tenant=tenant)) for tenant in ("", "acme", "", "acme")),
        return_exceptions=True,
    )

    assert sum(answer is None for answer in answers) == 1
    assert sum(isinstance(answer, InvalidApplication) for answer in answers) == 3


async def test_one_is_replaced_if_it_is_still_as_it_was(applications: Applications) -> None:
    await applications.add(FULL)
    rotated = replace(FULL, secrets=("whsec_newest", "whsec_new"), mode=Mode.DELIVER)

    assert await applications.replace(FULL, rotated)
    assert not await applications.replace(FULL, replace(FULL, mode=Mode.OFF))
    assert not await applications.replace(OWN, replace(OWN, mode=Mode.OFF))

    assert await applications.all() == [rotated]


async def test_of_those_that_replace_one_at_once_one_does(applications: Applications) -> None:
    await applications.add(CRM)

    replaced = await asyncio.gather(
        *(applications.replace(CRM, replace(CRM, in_flight=n)) for n in range(1, 5))
    )

    assert sorted(replaced) == [False, False, False, True]


@pytest.mark.parametrize("other", [replace(OWN, name="other"), replace(OWN, tenant="globex")])
async def test_one_keeps_its_owner_and_its_name(
    applications: Applications, other: Application
) -> None:
    await applications.add(OWN)

    with pytest.raises(InvalidApplication, match="keeps its name and its owner"):
        await applications.replace(OWN, other)


async def test_one_that_is_removed_is_gone_and_how_it_stood_is_forgotten(
    applications: Applications, handovers: Handovers
) -> None:
    for each in (CRM, OWN):
        await applications.add(each)
        await accept(handovers, "a", application=each)
        call = await claim_one(handovers, each)
        await settle(handovers, (call, Unreachable(reason="refused")), application=each)

    assert await applications.remove(CRM)
    assert not await applications.remove(CRM)
    assert not await applications.remove(replace(OWN, tenant="globex"))

    assert await applications.all() == [OWN]
    assert (await handovers.health(CRM))[0].condition is Condition.ACTIVE
    assert (await handovers.health(OWN))[0].condition is Condition.PAUSED


async def test_a_tenant_has_a_route_until_it_is_none(applications: Applications) -> None:
    await applications.set_route("acme", "crm")
    await applications.set_route("globex", "own")
    await applications.set_route("acme", "other")

    assert await applications.route("acme") == "other"
    assert await applications.route("initech") == ""

    for _ in range(2):
        await applications.set_route("acme", "")
    assert await applications.route("acme") == ""
    assert await applications.route("globex") == "own"
