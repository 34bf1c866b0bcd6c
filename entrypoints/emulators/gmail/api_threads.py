"""Threads: messages that answer each other.

Source: https://developers.google.com/workspace/gmail/api/reference/rest/v1/users.threads.
"""

from litestar import get
from litestar.params import FromPath

from postroom.entrypoints.emulators.gmail.api_messages import list_name, listed, shown
from postroom.entrypoints.emulators.gmail.calls import USER, Call, TheBackend, page_size
from postroom.entrypoints.emulators.gmail.messages import StoredMessage
from postroom.entrypoints.emulators.gmail.wire import GoogleError, Json


@get(f"{USER}/threads/{{thread_id:str}}")
async def thread(
    request: Call, user: FromPath[str], thread_id: FromPath[str], backend: TheBackend
) -> Json:
    entered = backend.enter(request, user, "threads.get", thread_id)
    found = [each for each in entered.messages() if each.thread_id == thread_id]
    if not found:
        raise GoogleError(404, "notFound", "Requested entity was not found.")
    oldest_first = sorted(found, key=lambda each: each.order)
    return {
        "id": thread_id,
        "historyId": str(max(each.history_id for each in found)),
        "messages": [shown(request, entered, each) for each in oldest_first],
    }


@get(f"{USER}/threads")
async def threads(request: Call, user: FromPath[str], backend: TheBackend) -> Json:
    entered = backend.enter(request, user, "threads.list")
    newest: dict[str, StoredMessage] = {}
    for message in listed(request, entered):
        newest.setdefault(message.thread_id, message)
    page, token = backend.pages.cut(
        f"threads.list {list_name(request, entered)}",
        list(newest.values()),
        lambda each: -each.order,
        token=request.query_params.get("pageToken", ""),
        size=page_size(request),
    )
    answer: Json = {"resultSizeEstimate": len(newest)}
    if page:
        answer["threads"] = [_summary(each) for each in page]
    return answer | ({"nextPageToken": token} if token else {})


def _summary(newest: StoredMessage) -> Json:
    return {"id": newest.thread_id, "historyId": str(newest.history_id), "snippet": ""}


THREADS = [thread, threads]
