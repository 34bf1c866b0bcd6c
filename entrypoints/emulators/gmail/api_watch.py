"""Watching a mailbox.

Source: https://developers.google.com/workspace/gmail/api/reference/rest/v1/users/watch.
"""

from litestar import post
from litestar.params import FromPath

from postroom.entrypoints.emulators.gmail.calls import USER, Call, TheBackend, json_body
from postroom.entrypoints.emulators.gmail.wire import Json, milliseconds

_FIELDS = ("topicName", "labelIds", "labelFilterAction", "labelFilterBehavior")


@post(f"{USER}/watch", status_code=200)
async def watch(request: Call, user: FromPath[str], backend: TheBackend) -> Json:
    entered = backend.enter(request, user, "watch")
    made = backend.watches.start(
        entered.mailbox.address,
        entered.caller.project,
        await json_body(request, _FIELDS),
        entered.mailbox.labels,
        entered.mailbox.history_id,
    )
    return {"historyId": str(entered.seen), "expiration": milliseconds(made.expires_at)}


@post(f"{USER}/stop", status_code=204)
async def stop(request: Call, user: FromPath[str], backend: TheBackend) -> None:
    entered = backend.enter(request, user, "stop")
    backend.watches.stop(entered.mailbox.address, entered.caller.project)


WATCHES = [watch, stop]
