"""The history of a mailbox.

Source: https://developers.google.com/workspace/gmail/api/reference/rest/v1/users.history/list.
"""

from litestar import get
from litestar.params import FromPath

from postroom.entrypoints.emulators.gmail.calls import (
    USER,
    Call,
    TheBackend,
    invalid,
    page_size,
    whole_number,
)
from postroom.entrypoints.emulators.gmail.mailbox import HISTORY_TYPES, HistoryRecord
from postroom.entrypoints.emulators.gmail.wire import GoogleError, Json

UINT64 = 2**64


@get(f"{USER}/history")
async def history(request: Call, user: FromPath[str], backend: TheBackend) -> Json:
    entered = backend.enter(request, user, "history.list")
    query = request.query_params
    kinds, label = set(query.getall("historyTypes", [])), query.get("labelId", "")
    _check(kinds, label, entered.mailbox.labels)
    start = whole_number(request, "startHistoryId", 0, UINT64)
    if not start:
        raise invalid("Missing/invalid parameter: startHistoryId")
    if start > entered.mailbox.history_id and not backend.manners.finds_future_history:
        raise GoogleError(404, "notFound", "Requested entity was not found.")

    def listed(record: HistoryRecord) -> bool:
        return (not kinds or record.kind in kinds) and (not label or label in record.labels)

    changes, reached = entered.mailbox.changes(start, entered.seen)
    page, token = backend.pages.cut(
        f"history.list {entered.mailbox.address} {start} {sorted(kinds)} {label}",
        [record for record in changes if listed(record)],
        lambda record: record.id,
        token=query.get("pageToken", ""),
        size=page_size(request),
    )
    answer: Json = {"historyId": str(reached)}
    if page:
        answer["history"] = [record.body() for record in page]
    return answer | ({"nextPageToken": token} if token else {})


def _check(kinds: set[str], label: str, labels: dict[str, str]) -> None:
    if unknown := sorted(kinds.difference(HISTORY_TYPES)):
        raise invalid(f"Invalid value at 'history_types' (TYPE_ENUM), \"{unknown[0]}\"")
    if label and label not in labels:
        raise invalid(f"Invalid label: {label}")


HISTORY = [history]
