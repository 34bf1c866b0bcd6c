"""What every ApplicationSurvey promises."""

from dataclasses import replace

import pytest

from postroom.application.ports import Applications, ApplicationSurvey, Handovers
from postroom.domain.handover.answer import Done, Failed, Unreachable
from postroom.domain.handover.application import Application, Mode
from postroom.domain.handover.application_state import ApplicationState
from tests.contracts.handing_over import CRM, OWN, accept, answer, claim_one
from tests.contracts.samples import NOON

PORTS = {ApplicationSurvey}


async def test_where_there_is_no_application_there_is_nothing_to_see(
    application_survey: ApplicationSurvey,
) -> None:
    assert await application_survey.applications() == []


async def test_an_application_for_which_nothing_waits_is_shown_with_nothing(
    applications: Applications, application_survey: ApplicationSurvey
) -> None:
    await applications.add(CRM)

    [crm] = await application_survey.applications()

    assert (crm.owner, crm.name, crm.state) == ("", "crm", ApplicationState.ACTIVE)
    assert (crm.backlog.count, crm.backlog.size, crm.backlog.oldest) == (0, 0, None)


async def test_each_has_the_backlog_that_is_its_own(
    applications: Applications, handovers: Handovers, application_survey: ApplicationSurvey
) -> None:
    for each in (OWN, CRM):
        await applications.add(each)
    await accept(handovers, "a", "b", "c")
    await accept(handovers, "d", tenant="globex")
    await accept(handovers, "e", application=OWN)
    await answer(handovers, await claim_one(handovers), Done())
    await claim_one(handovers)

    crm, own = await application_survey.applications()

    assert [(each.owner, each.name) for each in (crm, own)] == [("", "crm"), ("acme", "own")]
    assert crm.backlog == await handovers.backlog(CRM)
    assert own.backlog == await handovers.backlog(OWN)
    assert (crm.backlog.count, own.backlog.count) == (3, 1)


@pytest.mark.parametrize(
    ("application", "state"),
    [
        (CRM, ApplicationState.SUSPECT),
        (replace(CRM, paused_since=NOON), ApplicationState.PAUSED),
        (replace(CRM, mode=Mode.SHADOW, paused_since=NOON), ApplicationState.SHADOW),
        (replace(CRM, mode=Mode.OFF), ApplicationState.OFF),
    ],
    ids=lambda value: value.value if isinstance(value, ApplicationState) else "",
)
async def test_what_a_person_has_set_comes_before_what_it_answers(
    applications: Applications,
    handovers: Handovers,
    application_survey: ApplicationSurvey,
    application: Application,
    state: ApplicationState,
) -> None:
    await applications.add(application)
    await accept(handovers, "a")
    failed = Failed(reason="HTTP 500", sure=False, status=500)
    await answer(handovers, await claim_one(handovers), failed)

    [surveyed] = await application_survey.applications()

    assert surveyed.state is state


async def test_an_application_that_is_away_is_paused_by_itself(
    applications: Applications, handovers: Handovers, application_survey: ApplicationSurvey
) -> None:
    await applications.add(CRM)
    await accept(handovers, "a")
    await answer(handovers, await claim_one(handovers), Unreachable(reason="refused"))

    [surveyed] = await application_survey.applications()

    assert (surveyed.state, surveyed.backlog.count) == (ApplicationState.PAUSED, 1)
