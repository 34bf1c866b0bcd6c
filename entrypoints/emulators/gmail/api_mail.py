"""The mailbox: its profile, its messages and its history.

Source: https://developers.google.com/workspace/gmail/api/reference/rest/v1.
"""

from litestar import get
from litestar.params import FromPath

from postroom.entrypoints.emulators.gmail.calls import USER, Call, TheBackend
from postroom.entrypoints.emulators.gmail.mailbox import HistoryRecord, StoredMessage
from postroom.entrypoints.emulators.gmail.search import parse_search
from postroom.entrypoints.emulators.gmail.wire import GoogleError, Json

MOST, USUALLY = 500, 100


@get(f"{USER}/profile")
async def profile(request: Call, user: FromPath[str], backend: TheBackend) -> Json:
    backend.faults.meet("getProfile")
    mailbox = backend.mailbox(request, user)
    return {
        "emailAddress": mailbox.address,
        "messagesTotal": len(mailbox.messages),
        "threadsTotal": len(mailbox.messages),
        "historyId": str(mailbox.history_id),
    }


@get(f"{USER}/messages/{{message_id:str}}")
async def message(
    request: Call, user: FromPath[str], message_id: FromPath[str], backend: TheBackend
) -> Json:
    backend.faults.meet("messages.get", message_id)
    form = request.query_params.get("format", "full")
    if form not in ("raw", "minimal"):
        raise GoogleError(400, "invalidArgument", f"The emulator has no format {form}.")
    return backend.mailbox(request, user).message(message_id).body(form)


@get(f"{USER}/messages")
async def messages(request: Call, user: FromPath[str], backend: TheBackend) -> Json:
    backend.faults.meet("messages.list")
    query = request.query_params
    matches = parse_search(query.get("q", ""))
    hidden = set() if query.get("includeSpamTrash") == "true" else {"SPAM", "TRASH"}
    wanted = set(query.getall("labelIds", []))
    before = int(query.get("pageToken", 10**30))

    def listed(message: StoredMessage) -> bool:
        labels = set(message.labels)
        return wanted <= labels and not hidden & labels and matches(message)

    found = [m for m in backend.mailbox(request, user).messages.values() if listed(m)]
    newest_first = sorted(found, key=lambda m: m.order, reverse=True)
    rest = [m for m in newest_first if m.order < before]
    size = _page_size(request)
    answer: Json = {"resultSizeEstimate": len(found)}
    if rest:
        answer["messages"] = [m.reference() for m in rest[:size]]
    if len(rest) > size:
        answer["nextPageToken"] = str(rest[size - 1].order)
    return answer


@get(f"{USER}/history")
async def history(request: Call, user: FromPath[str], backend: TheBackend) -> Json:
    backend.faults.meet("history.list")
    query = request.query_params
    if "startHistoryId" not in query:
        raise GoogleError(400, "required", "Missing required parameter: startHistoryId")
    kinds = set(query.getall("historyTypes", []))
    label = query.get("labelId", "")

    def listed(record: HistoryRecord) -> bool:
        return (not kinds or record.kind in kinds) and (not label or label in record.labels)

    changes, reached = backend.mailbox(request, user).changes(int(query["startHistoryId"]))
    after = int(query.get("pageToken", 0))
    rest = [record for record in changes if listed(record) and record.id > after]
    size = _page_size(request)
    answer: Json = {"historyId": str(reached)}
    if rest:
        answer["history"] = [record.body() for record in rest[:size]]
    if len(rest) > size:
        answer["nextPageToken"] = str(rest[size - 1].id)
    return answer


def _page_size(request: Call) -> int:
    return min(int(request.query_params.get("maxResults", USUALLY)), MOST)


MAIL = [profile, message, messages, history]
