"""Watching a mailbox.

Source: https://developers.google.com/workspace/gmail/api/reference/rest/v1/users/watch.
"""

from litestar import post
from litestar.params import FromPath

from postroom.entrypoints.emulators.gmail.calls import USER, Call, TheBackend, json_body
from postroom.entrypoints.emulators.gmail.wire import Json, milliseconds


@post(f"{USER}/watch", status_code=200)
async def watch(request: Call, user: FromPath[str], backend: TheBackend) -> Json:
    backend.faults.meet("watch")
    mailbox, caller = backend.mailbox(request, user), backend.caller(request)
    made = backend.watches.start(
        mailbox.address,
        caller.project,
        await json_body(request),
        mailbox.labels,
        mailbox.history_id,
    )
    return {
        "historyId": str(mailbox.history_id),
        "expiration": milliseconds(made.expires_at),
    }


@post(f"{USER}/stop", status_code=204)
async def stop(request: Call, user: FromPath[str], backend: TheBackend) -> None:
    backend.faults.meet("stop")
    mailbox, caller = backend.mailbox(request, user), backend.caller(request)
    backend.watches.stop(mailbox.address, caller.project)


WATCHES = [watch, stop]
