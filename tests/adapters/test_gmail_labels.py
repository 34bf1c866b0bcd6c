"""What of a Gmail mailbox is inbound: by its labels as it comes in, and as they change."""

from collections.abc import AsyncIterator, Collection
from datetime import timedelta

import httpx
import pytest

from postroom.adapters.google.account import FOLDER
from postroom.adapters.google.changes import GmailChanges
from postroom.adapters.google.inbound_history import MAX_LOOKED_UP
from postroom.adapters.google.labels import ALL_MAIL, INBOX_ALONE, Label, LabelChoice
from postroom.adapters.memory.clock import ManualClock
from postroom.application.ports import ChangesPage
from postroom.domain.failure import FolderMissing, Unavailable
from tests.adapters.gmail_labels import LabelsRig, ids, labels_rig
from tests.adapters.gmail_rig import responding

ORDERS, ADS = Label("Desk/Orders", "Label_7"), Label("Ads", "Label_9")

BY_ORDERS = LabelChoice((ORDERS,))
BY_BOTH = LabelChoice((*INBOX_ALONE.received, ORDERS), (ADS,))
ALL_BUT_ADS = LabelChoice((), (ADS,))

CHOICES = [INBOX_ALONE, BY_ORDERS, BY_BOTH, ALL_MAIL, ALL_BUT_ADS]


@pytest.fixture
async def rig(clock: ManualClock) -> AsyncIterator[LabelsRig]:
    async with labels_rig(clock, {"Label_7": "Desk/Orders", "Label_9": "Ads"}) as rig:
        yield rig


# --- As it comes in -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("labels", "received_by"),
    [
        (["INBOX", "UNREAD", "CATEGORY_UPDATES"], [INBOX_ALONE, BY_BOTH, ALL_MAIL, ALL_BUT_ADS]),
        (["UNREAD"], [ALL_MAIL, ALL_BUT_ADS]),  # a filter archived it as it came in
        ([], [ALL_MAIL, ALL_BUT_ADS]),
        (["Label_7"], [BY_ORDERS, BY_BOTH, ALL_MAIL, ALL_BUT_ADS]),
        (["INBOX", "Label_9"], [INBOX_ALONE, ALL_MAIL]),
        (["Label_7", "Label_9"], [BY_ORDERS, ALL_MAIL]),
        (["INBOX", "SENT"], [INBOX_ALONE, BY_BOTH, ALL_MAIL, ALL_BUT_ADS]),  # to oneself
        (["INBOX", "SENT", "Label_7"], CHOICES),
        (["SENT"], []),
        (["SENT", "Label_7"], []),
        (["DRAFT"], []),
        (["DRAFT", "Label_7"], []),
        (["CHAT", "INBOX"], []),
        (["SPAM", "UNREAD", "Label_7"], []),
        (["TRASH"], []),
        (["TRASH", "INBOX"], []),
        (["INBOX", "SENT", "TRASH"], []),
    ],
)
@pytest.mark.parametrize("choice", CHOICES, ids=str)
async def test_history_and_dates_list_the_same_of_what_comes_in(
    rig: LabelsRig,
    clock: ManualClock,
    choice: LabelChoice,
    labels: Collection[str],
    *,
    received_by: Collection[LabelChoice],
) -> None:
    mailbox, start = rig.mailbox(choice), rig.history_id
    message_id = rig.deliver(*labels)

    listed = await rig.by_history(mailbox, start)

    assert listed == await rig.by_date(mailbox, clock.now())
    assert listed == ([message_id] if choice in received_by else [])


# --- As its labels change -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "add", "remove", "received_by"),
    [
        ("SPAM", "INBOX", "SPAM", [INBOX_ALONE, BY_BOTH, ALL_MAIL, ALL_BUT_ADS]),
        ("SPAM Label_7", "", "SPAM", [BY_ORDERS, BY_BOTH, ALL_MAIL, ALL_BUT_ADS]),
        ("TRASH", "INBOX", "TRASH", [INBOX_ALONE, BY_BOTH, ALL_MAIL, ALL_BUT_ADS]),
        ("TRASH", "", "TRASH", [ALL_MAIL, ALL_BUT_ADS]),
        ("UNREAD", "INBOX", "", [INBOX_ALONE, BY_BOTH, ALL_MAIL, ALL_BUT_ADS]),
        ("INBOX", "Label_7", "INBOX", [BY_ORDERS, BY_BOTH]),  # moved: it has an outcome, as a rule
        ("Label_9 INBOX", "", "Label_9", [BY_BOTH, ALL_BUT_ADS]),
        ("INBOX", "STARRED", "UNREAD", []),
        ("INBOX UNREAD", "", "INBOX", []),
        ("INBOX", "TRASH", "INBOX", []),
        ("INBOX", "SPAM", "INBOX", []),
        ("SPAM", "INBOX", "", []),  # it is spam still
        ("SENT", "INBOX", "", []),  # its conversation was moved to the inbox
        ("SENT", "Label_7", "", []),
        ("SENT TRASH", "INBOX", "TRASH", []),
        ("DRAFT", "INBOX Label_7", "", []),
    ],
)
@pytest.mark.parametrize("choice", CHOICES, ids=str)
async def test_what_gains_a_label_that_is_received_is_mail(
    rig: LabelsRig,
    choice: LabelChoice,
    before: str,
    add: str,
    remove: str,
    *,
    received_by: Collection[LabelChoice],
) -> None:
    mailbox, message_id = rig.mailbox(choice), rig.deliver(*before.split())
    start = rig.history_id
    rig.relabel(message_id, add=add, remove=remove)

    listed = await rig.by_history(mailbox, start)

    assert listed == ([message_id] if choice in received_by else [])


async def test_a_message_that_comes_in_and_is_moved_at_once_is_listed_once(rig: LabelsRig) -> None:
    mailbox, start = rig.mailbox(BY_BOTH), rig.history_id
    message_id = rig.deliver("INBOX")
    rig.relabel(message_id, add="Label_7", remove="INBOX")
    rig.relabel(message_id, add="INBOX")

    assert await rig.by_history(mailbox, start) == [message_id]


async def test_a_change_of_other_labels_moves_the_position_and_lists_nothing(
    rig: LabelsRig,
) -> None:
    message_id = rig.deliver("INBOX", "UNREAD")
    start = rig.history_id
    rig.relabel(message_id, add="STARRED", remove="UNREAD")

    mailbox = rig.mailbox(INBOX_ALONE)
    pages = [page async for page in rig.changes.since(mailbox, FOLDER, str(start))]

    assert pages == [ChangesPage((), str(rig.history_id), is_last=True)]


# --- Labels that Gmail leaves out ---------------------------------------------------------------


def record(id_: int, kind: str, *messages: dict[str, object], changed: str = "") -> object:
    changes = [{"message": each, "labelIds": changed.split()} for each in messages]
    return {"id": str(id_), "messages": [], kind: changes}


async def listed(
    rig: LabelsRig, clock: ManualClock, records: list[object], labels: dict[str, list[str]]
) -> tuple[list[ChangesPage], int]:
    """What is listed of *records*, and how many messages are asked for their *labels*, by id."""
    asked = []

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/history"):
            after = int(request.url.params["startHistoryId"])
            left = [each for each in records if int(each["id"]) > after]  # type: ignore[index]
            return httpx.Response(200, json={"history": left, "historyId": "9000"})
        assert request.url.params["format"] == "minimal"
        asked.append(message_id := request.url.path.rpartition("/")[2])
        if message_id == "odd":
            return httpx.Response(400, json={"error": {"code": 400, "status": "INVALID_ARGUMENT"}})
        if message_id not in labels:
            status = {"code": 404, "status": "NOT_FOUND", "message": "Not found."}
            return httpx.Response(404, json={"error": status})
        return httpx.Response(200, json={"id": message_id, "labelIds": labels[message_id]})

    async with responding(clock, answer) as client:
        since = GmailChanges(client, clock).since(rig.mailbox(INBOX_ALONE), FOLDER, "7")
        return [page async for page in since], len(asked)


async def test_gmail_is_asked_for_labels_that_a_record_leaves_out(
    rig: LabelsRig, clock: ManualClock
) -> None:
    records = [
        record(10, "messagesAdded", {"id": "in"}, {"id": "sent"}, {"id": "deleted"}),
        record(20, "labelsAdded", {"id": "moved"}, changed="INBOX"),
        record(30, "labelsAdded", {"id": "starred"}, changed="STARRED"),
        record(40, "messagesAdded", {"id": "odd"}),
    ]
    labels = {"in": ["INBOX"], "sent": ["SENT"], "moved": ["INBOX"], "starred": ["INBOX"]}

    [page], asked = await listed(rig, clock, records, labels)

    # What is not there is for its fetch to say: a replica may lag.
    assert ids(page.arrivals) == ["in", "deleted", "moved", "odd"]
    assert asked == 5  # whatever the star has


async def test_a_list_asks_for_the_labels_of_so_many_messages_and_goes_on_later(
    rig: LabelsRig, clock: ManualClock
) -> None:
    """Each costs as much of the quota as a fetch; what has been read by then is not read again."""
    names = [f"m{n}" for n in range(MAX_LOOKED_UP + 5)]
    records = [record(10 + n, "messagesAdded", {"id": each}) for n, each in enumerate(names)]

    [page], asked = await listed(rig, clock, records, {each: ["INBOX"] for each in names})

    assert asked == MAX_LOOKED_UP
    assert ids(page.arrivals) == names[:MAX_LOOKED_UP]
    assert (page.position, page.is_last) == (str(9 + MAX_LOOKED_UP), False)


@pytest.mark.parametrize("taken_out", ["messagesAdded", "labelsRemoved"])
async def test_mail_that_was_archived_before_we_have_looked_is_mail_however_it_is_recorded(
    rig: LabelsRig, clock: ManualClock, taken_out: str
) -> None:
    """Whether a record shows the labels of its moment, or of now, Google does not say."""
    then = ["INBOX"] if taken_out == "messagesAdded" else ["UNREAD"]
    records = [
        record(10, "messagesAdded", {"id": "a", "labelIds": then}),
        record(20, "labelsRemoved", {"id": "a", "labelIds": ["UNREAD"]}, changed="INBOX"),
        record(30, "labelsRemoved", {"id": "old", "labelIds": ["UNREAD"]}, changed="INBOX"),
    ]

    [page], _ = await listed(rig, clock, records, {})

    assert ids(page.arrivals) == ["a"]


# --- Labels of a user ---------------------------------------------------------------------------


async def test_the_inbox_is_looked_up_by_nobody(rig: LabelsRig, clock: ManualClock) -> None:
    mailbox, start = rig.mailbox(INBOX_ALONE), rig.history_id
    await rig.by_history(mailbox, start)
    await rig.by_date(mailbox, clock.now())

    assert rig.gmail.calls["labels.list"] == 0


@pytest.mark.parametrize("id_", ["", "Label_7", "Label_1"])
async def test_a_label_is_found_by_its_id_or_else_by_its_name(rig: LabelsRig, id_: str) -> None:
    """One that was removed and made again has another; one that nobody has looked up has none."""
    mailbox = rig.mailbox(LabelChoice((Label("desk/orders", id_),)))
    start = rig.history_id
    message_id = rig.deliver("Label_7")

    assert await rig.by_history(mailbox, start) == [message_id]


async def test_a_label_that_is_renamed_is_the_same_label(
    rig: LabelsRig, clock: ManualClock
) -> None:
    mailbox, start = rig.mailbox(BY_ORDERS), rig.history_id
    rig.labels["Label_7"] = "Bestellungen"
    message_id = rig.deliver("Label_7")

    assert await rig.by_history(mailbox, start) == [message_id]
    assert await rig.by_date(mailbox, clock.now()) == [message_id]


async def test_a_label_that_was_removed_is_said_and_holds_up_no_other_label(
    rig: LabelsRig, clock: ManualClock
) -> None:
    mailbox, start = rig.mailbox(BY_BOTH), rig.history_id
    message_id = rig.deliver("INBOX")
    del rig.labels["Label_7"]

    pages = rig.changes.since(mailbox, FOLDER, str(start))
    page = await anext(pages)
    with pytest.raises(FolderMissing, match="no such label") as raised:
        await anext(pages)

    assert ids(page.arrivals) == [message_id]
    assert page.position == str(rig.history_id)
    assert "Ads" in raised.value.paths
    assert await rig.by_date(mailbox, clock.now()) == [message_id]


async def test_a_label_that_is_left_out_and_was_removed_is_missed_by_nobody(
    rig: LabelsRig, clock: ManualClock
) -> None:
    mailbox, start = rig.mailbox(ALL_BUT_ADS), rig.history_id
    message_id = rig.deliver("INBOX")
    del rig.labels["Label_9"]

    assert await rig.by_history(mailbox, start) == [message_id]
    assert await rig.by_date(mailbox, clock.now()) == [message_id]


async def test_labels_that_are_all_missing_do_not_make_it_all_mail(
    rig: LabelsRig, clock: ManualClock
) -> None:
    mailbox, start = rig.mailbox(BY_ORDERS), rig.history_id
    rig.deliver("INBOX")
    del rig.labels["Label_7"]

    with pytest.raises(FolderMissing):
        await rig.by_history(mailbox, start)
    assert await rig.by_date(mailbox, clock.now()) == []


async def test_a_list_of_labels_that_is_none_is_gmails_failure(
    rig: LabelsRig, clock: ManualClock
) -> None:
    mailbox = rig.mailbox(BY_ORDERS)
    async with responding(clock, lambda _: httpx.Response(200, json={"labels": 7})) as client:
        pages = GmailChanges(client, clock).since(mailbox, FOLDER, "7")
        with pytest.raises(Unavailable, match="unreadable LabelList"):
            await anext(pages)


# --- By date ------------------------------------------------------------------------------------


async def test_what_has_two_labels_is_listed_by_date_once(
    rig: LabelsRig, clock: ManualClock
) -> None:
    moment, wanted = clock.now(), set()
    for labels in (["INBOX", "Label_7"], ["Label_7"], ["INBOX"]):
        wanted.add(rig.deliver(*labels))
        clock.advance(timedelta(seconds=1))

    found = await rig.by_date(rig.mailbox(BY_BOTH), moment)

    assert len(found) == 3
    assert set(found) == wanted
