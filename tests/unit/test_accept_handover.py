"""What is durable of a message before its pointer goes: the original, and what is called with."""

import asyncio
import json
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from postroom.adapters.memory.applications import InMemoryApplications
from postroom.adapters.memory.blobs import InMemoryBlobStore
from postroom.application.accept_handover import AcceptHandover
from postroom.application.ports import Backlog
from postroom.application.remembered import LOOKED_UP_FOR
from postroom.application.sanitising import MAX_HTML
from postroom.domain.failure import AccessFailed, StoreUnavailable
from postroom.domain.handover.application import Application, Mode, Order
from postroom.domain.ingress import IngressMode
from postroom.domain.mail.message import InboundMessage
from postroom.domain.mailbox import Mailbox
from postroom.domain.outcome import Accepted
from tests.contracts.handing_over import CRM
from tests.contracts.samples import JOB, imap_mailbox
from tests.unit.accept_rig import BASE, accepting, inbound, raw_mail
from tests.unit.handover_rig import Rig, in_virtual_time

MAILBOX = imap_mailbox()
ARCHIVE = replace(CRM, name="archive")
WITH_COPY = replace(CRM, copies=("archive",))
ORDERED = replace(CRM, order=Order.MAILBOX)


async def accepted(
    rig: Rig,
    application: Application = CRM,
    message: InboundMessage | None = None,
    mailbox: Mailbox = MAILBOX,
    accept: AcceptHandover | None = None,
) -> Accepted:
    prepared = await (accept or accepting(rig)).prepare(
        application, mailbox, message or inbound(), JOB
    )
    async with rig.database.ledger_block(mailbox.tenant, mailbox.id):
        outcome = await prepared()
    assert isinstance(outcome, Accepted)
    return outcome


def rows(rig: Rig, application: Application = CRM) -> list[Any]:
    tables = rig.database.read("acme")
    return [row for (name, _), row in tables.handovers.items() if name == application.name]


def body(rig: Rig, application: Application = CRM) -> Any:  # noqa: ANN401 - JSON
    [row] = rows(rig, application)
    return json.loads(row.body)


@in_virtual_time
async def test_a_message_becomes_a_handover_that_waits(rig: Rig) -> None:
    blobs = InMemoryBlobStore(rig.clock)

    assert await accepted(rig, accept=accepting(rig, blobs)) == Accepted("crm")

    [row] = rows(rig)
    assert row.handover.state.value == "waiting"
    assert (row.job, row.owner) == (JOB, "")
    assert await blobs.get("acme", row.raw) == raw_mail()
    assert row.raw_size == len(raw_mail())
    said = json.loads(row.body)["data"]
    assert (said["key"], said["application"], said["sequence"]) == (row.handover.key, "crm", None)
    assert said["raw"]["url"].startswith(f"{BASE}/api/v1/handovers/{row.handover.key}")


@in_virtual_time
async def test_the_same_message_has_one_handover_and_the_body_of_the_first(rig: Rig) -> None:
    await accepted(rig)
    [first] = rows(rig)
    await asyncio.sleep(3600)
    moved = replace(inbound(), identity=replace(inbound().identity, source="imap:Archive:2:7"))
    await accepted(rig, message=moved)

    assert rows(rig) == [first]


@in_virtual_time
async def test_two_messages_under_one_message_id_are_two(rig: Rig) -> None:
    await accepted(rig)
    await accepted(rig, message=inbound(raw_mail(text="Quite another matter")))

    keys = {row.handover.key for row in rows(rig)}
    assert len(keys) == 2


@in_virtual_time
async def test_nothing_is_stored_of_what_is_not_committed_but_the_original(rig: Rig) -> None:
    blobs = InMemoryBlobStore(rig.clock)
    prepared = await accepting(rig, blobs).prepare(ORDERED, MAILBOX, inbound(), JOB)
    with suppress(StoreUnavailable):
        async with rig.database.ledger_block("acme", "support"):
            await prepared()
            raise StoreUnavailable("the commit was lost")

    assert rows(rig) == []
    await accepted(rig, ORDERED)
    assert body(rig)["data"]["sequence"] == 1


@in_virtual_time
async def test_no_handover_is_there_before_its_original(rig: Rig) -> None:
    blobs = InMemoryBlobStore(rig.clock)

    async def full(*_: object) -> str:
        raise StoreUnavailable("the disk is full")

    blobs.put = full  # type: ignore[assignment,method-assign]
    with pytest.raises(StoreUnavailable):
        await accepted(rig, accept=accepting(rig, blobs))
    assert rows(rig) == []


@in_virtual_time
async def test_where_an_order_is_wanted_the_places_have_no_gap(rig: Rig) -> None:
    for number in range(3):
        await accepted(rig, ORDERED, inbound(raw_mail(f"{number}@x")))
        await accepted(rig, ORDERED, inbound(raw_mail(f"{number}@x")))  # it is known
    await accepted(rig, ORDERED, inbound(raw_mail("9@x")), imap_mailbox(name="other"))

    places = [(row.handover.mailbox, row.handover.sequence) for row in rows(rig)]
    assert places == [("support", 1), ("support", 2), ("support", 3), ("other", 1)]
    assert [json.loads(row.body)["data"]["sequence"] for row in rows(rig)] == [1, 2, 3, 1]


# --- Copies ---------------------------------------------------------------------------------------


@in_virtual_time
async def test_a_copy_is_a_handover_of_its_own_under_the_same_key(rig: Rig) -> None:
    await rig.add(WITH_COPY, ARCHIVE)

    assert await accepted(rig, WITH_COPY) == Accepted("crm")

    assert body(rig)["data"]["key"] == body(rig, ARCHIVE)["data"]["key"]
    assert body(rig, ARCHIVE)["data"]["application"] == "archive"


@pytest.mark.parametrize("names", [("gone",), ("crm",), ("archive", "archive")])
@in_virtual_time
async def test_a_copy_is_made_once_for_those_that_are_there(
    rig: Rig, names: tuple[str, ...]
) -> None:
    several = replace(CRM, copies=names)
    await rig.add(several, ARCHIVE)
    await accepted(rig, several)

    assert len(rows(rig)) == 1
    assert len(rows(rig, ARCHIVE)) == ("archive" in names)


@in_virtual_time
async def test_no_copy_is_made_for_who_is_off(rig: Rig) -> None:
    await rig.add(WITH_COPY, replace(ARCHIVE, mode=Mode.OFF))
    await accepted(rig, WITH_COPY)

    assert rows(rig, ARCHIVE) == []


@in_virtual_time
async def test_a_copy_that_wants_an_order_has_places_of_its_own(rig: Rig) -> None:
    await rig.add(WITH_COPY, replace(ARCHIVE, order=Order.MAILBOX))
    await accepted(rig, WITH_COPY)

    assert body(rig)["data"]["sequence"] is None
    assert body(rig, ARCHIVE)["data"]["sequence"] == 1


class Locked(InMemoryApplications):
    async def get(self, _tenant: str, _name: str) -> Application | None:
        raise AccessFailed("no key opens its secrets")


@in_virtual_time
async def test_a_copy_whose_secrets_cannot_be_read_is_left_out(rig: Rig) -> None:
    await rig.add(WITH_COPY, ARCHIVE)
    rig.applications = Locked(rig.database)

    assert await accepted(rig, WITH_COPY) == Accepted("crm")

    assert (len(rows(rig)), rows(rig, ARCHIVE)) == (1, [])
    assert rig.events.left == [("archive", "no key opens its secrets")]


@pytest.mark.parametrize("limits", [{"max_backlog": 2}, {"max_backlog_bytes": 1}])
@in_virtual_time
async def test_a_copy_that_is_behind_is_left_out_and_the_message_goes_on(
    rig: Rig, limits: dict[str, int]
) -> None:
    await rig.add(WITH_COPY, replace(ARCHIVE, **limits))  # type: ignore[arg-type]
    await rig.accept("x", "y", to=ARCHIVE)

    assert await accepted(rig, WITH_COPY) == Accepted("crm")

    assert (len(rows(rig)), len(rows(rig, ARCHIVE))) == (1, 2)
    assert rig.events.left == [("archive", "the application archive is behind: 2 messages wait")]


@in_virtual_time
async def test_whether_a_copy_is_behind_is_not_looked_up_for_each_message(rig: Rig) -> None:
    await rig.add(WITH_COPY, ARCHIVE)
    accept, looked_up = accepting(rig), list[str]()
    backlog = rig.handovers.backlog

    async def counted(application: Application) -> Backlog:
        looked_up.append(application.name)
        return await backlog(application)

    rig.handovers.backlog = counted  # type: ignore[method-assign]
    for number in range(5):
        mail = inbound(raw_mail(f"{number}@sender.example"))
        await accept.prepare(WITH_COPY, MAILBOX, mail, JOB)
        await asyncio.sleep(LOOKED_UP_FOR / 4)

    assert looked_up == ["archive", "archive"]


# --- Shadow ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("application", "ingress", "state"),
    [
        (Mode.DELIVER, IngressMode.QUEUE, "waiting"),
        (Mode.SHADOW, IngressMode.QUEUE, "shadow"),
        (Mode.DELIVER, IngressMode.SHADOW, "shadow"),
    ],
)
@in_virtual_time
async def test_in_shadow_it_is_stored_with_its_body_and_is_never_due(
    rig: Rig, application: Mode, ingress: IngressMode, state: str
) -> None:
    shadowed = replace(CRM, mode=application)
    await accepted(rig, shadowed, accept=accepting(rig, modes={"imap": ingress}))

    [row] = rows(rig)
    assert row.handover.state.value == state
    assert json.loads(row.body)["data"]["content"]["text"].strip() == "Hello"
    assert len(await rig.handovers.due()) == (state == "waiting")


# --- HTML -----------------------------------------------------------------------------------------


@in_virtual_time
async def test_html_is_sanitised_and_the_original_is_behind_a_link(rig: Rig) -> None:
    html = "<p>Hello</p><script>steal()</script>"
    await accepted(rig, message=inbound(raw_mail(html=html)))

    content = body(rig)["data"]["content"]
    assert "steal" not in content["html"]
    assert content["originalHtml"]["size"] >= len(html)


@in_virtual_time
async def test_html_that_no_sanitiser_is_quick_with_is_behind_a_link_alone(rig: Rig) -> None:
    html = "<p>Hello</p>" + " " * MAX_HTML
    await accepted(rig, message=inbound(raw_mail(html=html)))

    content = body(rig)["data"]["content"]
    assert content["html"] is None
    assert "content.html" in content["truncated"]
