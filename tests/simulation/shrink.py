"""Makes a plan that fails smaller, as long as it fails."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from tests.simulation.plan import Fault, Mail, Nature, Plan

Fails = Callable[[Plan], bool]

SCHEDULES = 3
"""A smaller plan has another schedule, and may fail no more by chance: so many are tried."""


def shrink(plan: Plan, fails: Fails, *, runs: int = 150) -> Plan:
    """A smaller plan that *fails* as well: halves, quarters, … of it are left out in turn."""
    smaller = _candidates(plan)
    for _ in range(runs):
        candidate = next(smaller, None)
        if candidate is None:
            break
        if fails(candidate):
            plan, smaller = candidate, _candidates(candidate)
    return plan


def _candidates(plan: Plan) -> Iterator[Plan]:
    """The boldest first. A plan's seed is what draws its schedule."""
    for candidate in _smaller(plan):
        for schedule in range(SCHEDULES):
            yield replace(candidate, seed=plan.seed + schedule * 10**9)


def _smaller(plan: Plan) -> Iterator[Plan]:
    for number in range(len(plan.faults)):
        yield replace(plan, faults=plan.faults[:number] + plan.faults[number + 1 :])
    size = len(plan.mails) // 2
    while size:
        for start in range(0, len(plan.mails), size):
            yield replace(plan, mails=plan.mails[:start] + plan.mails[start + size :])
        size //= 2
    if plan.on_the_wire:
        yield replace(plan, on_the_wire=False)
    if plan != _rounded(plan):
        yield _rounded(plan)
    for number, mail in enumerate(plan.mails):
        if mail.notices != (0.5,):
            plain = replace(mail, notices=(0.5,))
            yield replace(plan, mails=(*plan.mails[:number], plain, *plan.mails[number + 1 :]))


def _rounded(plan: Plan) -> Plan:
    faults = [
        replace(
            fault, begins=round(fault.begins), lasts=round(fault.lasts), degree=round(fault.degree)
        )
        for fault in plan.faults
    ]
    mails = [
        replace(mail, at=round(mail.at), degree=round(mail.degree), notices=_tenths(mail.notices))
        for mail in plan.mails
    ]
    return replace(plan, faults=tuple(faults), mails=tuple(mails))


def _tenths(notices: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(round(delay, 1) for delay in notices)


def as_code(plan: Plan) -> str:
    """The plan as it may stand in test_found.py."""
    lines = [*map(_fault, plan.faults), *map(_mail, plan.mails)]
    events = "".join(f"    {line},\n" for line in lines)
    wire = ", on_the_wire=True" if plan.on_the_wire else ""
    wire += ", handed_over=True" if plan.handed_over else ""
    return f"Plan.of(\n{events}    seed={plan.seed}{wire},\n)"


def _fault(fault: Fault) -> str:
    lasts = f", lasts={fault.lasts:g}" if fault.lasts else ""
    degree = f", degree={fault.degree:g}" if fault.degree else ""
    form = f", form={fault.form!r}" if fault.form else ""
    return f"Fault(Kind.{fault.kind.name}, {fault.target!r}, {fault.begins:g}{lasts}{degree}{form})"


def _mail(mail: Mail) -> str:
    notices = "" if mail.notices == (0.5,) else f", notices={mail.notices}"
    nature = "" if mail.nature is Nature.ORDINARY else f", nature=Nature.{mail.nature.name}"
    degree = f", degree={mail.degree:g}" if mail.degree else ""
    return f"Mail({mail.number}, {mail.lane!r}, {mail.at:g}{notices}{nature}{degree})"
