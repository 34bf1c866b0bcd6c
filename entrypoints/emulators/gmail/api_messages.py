"""The mailbox's profile, its labels and its messages.

Source: https://developers.google.com/workspace/gmail/api/reference/rest/v1.
"""

from collections.abc import Collection

from litestar import get, post
from litestar.params import FromPath

from postroom.entrypoints.emulators.gmail.access import READ_METADATA
from postroom.entrypoints.emulators.gmail.calls import (
    USER,
    Call,
    Entered,
    TheBackend,
    invalid,
    json_body,
    page_size,
)
from postroom.entrypoints.emulators.gmail.labels import FIXED_LABELS, label_body
from postroom.entrypoints.emulators.gmail.messages import FORMS, StoredMessage
from postroom.entrypoints.emulators.gmail.search import parse_search
from postroom.entrypoints.emulators.gmail.wire import GoogleError, Json

MOST_AT_ONCE = 1000

_MOVE = ("addLabelIds", "removeLabelIds")


@get(f"{USER}/profile")
async def profile(request: Call, user: FromPath[str], backend: TheBackend) -> Json:
    entered = backend.enter(request, user, "getProfile")
    messages = entered.messages()
    return {
        "emailAddress": entered.mailbox.address,
        "messagesTotal": len(messages),
        "threadsTotal": len({each.thread_id for each in messages}),
        "historyId": str(entered.seen),
    }


@get(f"{USER}/labels")
async def labels(request: Call, user: FromPath[str], backend: TheBackend) -> Json:
    found = backend.enter(request, user, "labels.list").mailbox.labels
    return {"labels": [label_body(label, name) for label, name in found.items()]}


@get(f"{USER}/messages/{{message_id:str}}")
async def message(
    request: Call, user: FromPath[str], message_id: FromPath[str], backend: TheBackend
) -> Json:
    entered = backend.enter(request, user, "messages.get", message_id)
    return shown(request, entered, entered.message(message_id))


@get(f"{USER}/messages")
async def messages(request: Call, user: FromPath[str], backend: TheBackend) -> Json:
    entered = backend.enter(request, user, "messages.list")
    found = listed(request, entered)
    page, token = backend.pages.cut(
        f"messages.list {list_name(request, entered)}",
        found,
        lambda each: -each.order,
        token=request.query_params.get("pageToken", ""),
        size=page_size(request),
    )
    answer: Json = {"resultSizeEstimate": len(found)}
    if page:
        answer["messages"] = [each.reference() for each in page]
    return answer | ({"nextPageToken": token} if token else {})


# --- Changes ------------------------------------------------------------------------------------


@post(f"{USER}/messages/{{message_id:str}}/modify", status_code=200)
async def modify(
    request: Call, user: FromPath[str], message_id: FromPath[str], backend: TheBackend
) -> Json:
    entered = backend.enter(request, user, "messages.modify", message_id)
    add, remove = _moves(entered, await json_body(request, _MOVE))
    return _relabelled(entered, message_id, add, remove)


@post(f"{USER}/messages/{{message_id:str}}/trash", status_code=200)
async def trash(
    request: Call, user: FromPath[str], message_id: FromPath[str], backend: TheBackend
) -> Json:
    entered = backend.enter(request, user, "messages.trash", message_id)
    return _relabelled(entered, message_id, ["TRASH"], ["INBOX", "SPAM"])


@post(f"{USER}/messages/{{message_id:str}}/untrash", status_code=200)
async def untrash(
    request: Call, user: FromPath[str], message_id: FromPath[str], backend: TheBackend
) -> Json:
    entered = backend.enter(request, user, "messages.untrash", message_id)
    return _relabelled(entered, message_id, [], ["TRASH"])


@post(f"{USER}/messages/batchModify", status_code=204)
async def batch_modify(request: Call, user: FromPath[str], backend: TheBackend) -> None:
    entered = backend.enter(request, user, "messages.batchModify")
    body = await json_body(request, ("ids", *_MOVE))
    ids = body.get("ids", [])
    if not 1 <= len(ids) <= MOST_AT_ONCE:
        raise invalid(f"There must be 1 to {MOST_AT_ONCE} ids.")
    add, remove = _moves(entered, body)
    for message_id in ids:
        if message_id in entered.mailbox.messages:
            entered.mailbox.relabel(message_id, add=add, remove=remove)


# --- What the lists and forms share -------------------------------------------------------------


def listed(request: Call, entered: Entered) -> list[StoredMessage]:
    """What a list's parameters choose, newest first. Raises GoogleError."""
    query = request.query_params
    if "q" in query and entered.caller.scopes == {READ_METADATA}:
        raise GoogleError(403, "forbidden", "Metadata scope does not support 'q' parameter")
    matches = parse_search(query.get("q", ""))
    hidden = set() if query.get("includeSpamTrash") == "true" else {"SPAM", "TRASH"}
    wanted = set(query.getall("labelIds", []))
    if unknown := sorted(wanted - set(entered.mailbox.labels)):
        raise invalid(f"Invalid label: {unknown[0]}")

    def chosen(message: StoredMessage) -> bool:
        labels = set(message.labels)
        return wanted <= labels and not (hidden - wanted) & labels and matches(message)

    found = [each for each in entered.messages() if chosen(each)]
    return sorted(found, key=lambda each: each.order, reverse=True)


def list_name(request: Call, entered: Entered) -> str:
    """Which list it is, whatever its page."""
    query = request.query_params.multi_items()
    chosen = sorted(each for each in query if each[0] not in ("maxResults", "pageToken"))
    return f"{entered.mailbox.address} {chosen}"


def shown(request: Call, entered: Entered, message: StoredMessage) -> Json:
    """The message in the form that is asked for. Raises GoogleError."""
    query = request.query_params
    form = query.get("format", "full").lower()
    if form not in FORMS:
        raise invalid(f"Invalid value at 'format' (TYPE_ENUM), \"{form}\"")
    if form in ("full", "raw") and entered.caller.scopes == {READ_METADATA}:
        raise GoogleError(403, "forbidden", f"Metadata scope doesn't allow format {form.upper()}")
    return message.body(form, query.getall("metadataHeaders", []))


def _moves(entered: Entered, body: Json) -> tuple[Collection[str], Collection[str]]:
    add, remove = body.get("addLabelIds", []), body.get("removeLabelIds", [])
    if not add and not remove:
        raise invalid("No label add or removes specified")
    for label in (*add, *remove):
        if label not in entered.mailbox.labels or label in FIXED_LABELS:
            raise invalid(f"Invalid label: {label}")
    return add, remove


def _relabelled(
    entered: Entered, message_id: str, add: Collection[str], remove: Collection[str]
) -> Json:
    message = entered.message(message_id)
    entered.mailbox.relabel(message_id, add=add, remove=remove)
    return message.reference() | {"labelIds": list(message.labels)}


MESSAGES = [profile, labels, message, messages, modify, trash, untrash, batch_modify]
