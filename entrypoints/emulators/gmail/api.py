"""The HTTP face: the part of the Gmail API v1 that Postroom calls, tokens and certificates.

Source: https://developers.google.com/workspace/gmail/api/reference/rest/v1.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from litestar import Litestar, Request, Response, get, post
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath
from litestar.types import ASGIApp

from postroom.application.ports import Clock
from postroom.entrypoints.emulators.gmail.identity import TokenEndPoint
from postroom.entrypoints.emulators.gmail.mailbox import GmailMailbox, HistoryRecord, StoredMessage
from postroom.entrypoints.emulators.gmail.pubsub import PubSub
from postroom.entrypoints.emulators.gmail.search import parse_search
from postroom.entrypoints.emulators.gmail.wire import Faults, GoogleError, GrantError, Json

Call = Request[Any, Any, Any]

WATCH_LIFETIME = timedelta(days=7)
MOST, USUALLY = 500, 100
USER = "/gmail/v1/users/{user:str}"


@dataclass(frozen=True)
class Backend:
    clock: Clock
    mailboxes: dict[str, GmailMailbox]
    tokens: TokenEndPoint
    pubsub: PubSub
    faults: Faults

    def mailbox(self, request: Call, user: str) -> GmailMailbox:
        """The caller's own. Raises GoogleError."""
        address = self.tokens.address_of(request.headers.get("Authorization", ""))
        if user not in ("me", address):
            raise GoogleError(403, "forbidden", f"Delegation denied for {address}")
        return self.mailboxes[address]


TheBackend = NamedDependency[Backend]


def build_app(backend: Backend) -> ASGIApp:
    return Litestar(
        [certificates, token, profile, message, messages, history, watch, stop],
        dependencies={"backend": Provide(lambda: backend, sync_to_thread=False)},
        exception_handlers={GoogleError: _refuse, GrantError: _refuse_grant},
        logging_config=None,
        openapi_config=None,
    )


def _refuse(_: Call, error: GoogleError) -> Response[Json]:
    return Response(error.body(), status_code=error.status, headers=error.headers)


def _refuse_grant(_: Call, error: GrantError) -> Response[Json]:
    return Response(error.body(), status_code=error.status)


@get("/oauth2/v1/certs")
async def certificates(backend: TheBackend) -> dict[str, str]:
    backend.faults.meet("certs")
    return backend.pubsub.certificates()


@post("/token", status_code=200)
async def token(request: Call, backend: TheBackend) -> Json:
    backend.faults.meet("token")
    form = {name: str(value) for name, value in (await request.form()).items()}
    return backend.tokens.grant(form, backend.mailboxes)


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


@post(f"{USER}/watch", status_code=200)
async def watch(request: Call, user: FromPath[str], backend: TheBackend) -> Json:
    backend.faults.meet("watch")
    mailbox = backend.mailbox(request, user)
    mailbox.watch = dict(await request.json())
    if "topicName" not in mailbox.watch:
        raise GoogleError(400, "invalidArgument", "Invalid topicName")
    expires_at = backend.clock.now() + WATCH_LIFETIME
    return {
        "historyId": str(mailbox.history_id),
        "expiration": str(int(expires_at.timestamp() * 1000)),
    }


@post(f"{USER}/stop", status_code=204)
async def stop(request: Call, user: FromPath[str], backend: TheBackend) -> None:
    backend.faults.meet("stop")
    backend.mailbox(request, user).watch = None


def _page_size(request: Call) -> int:
    return min(int(request.query_params.get("maxResults", USUALLY)), MOST)
