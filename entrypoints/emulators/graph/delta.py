"""Delta queries: the messages of a folder, and from then on what changes among them.

A round is a chain of pages, bound together by skip tokens, and ends with a delta token, with which
the next one begins. What happens during a round is in the next one. Tokens are opaque, and end:
with their lifetime, which Outlook does not promise, or whenever the service says so.
Source: learn.microsoft.com/graph/delta-query-messages and /graph/delta-query-overview.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from postroom.application.ports import Clock
from postroom.entrypoints.emulators.graph.folders import Folder
from postroom.entrypoints.emulators.graph.journal import Change, Kind
from postroom.entrypoints.emulators.graph.mailboxes import Mailboxes, StoredMessage, User
from postroom.entrypoints.emulators.graph.query import Query, parse_query
from postroom.entrypoints.emulators.graph.rendering import message_body
from postroom.entrypoints.emulators.graph.wire import GraphError, Json

MOST_FILTERED = 5000
"""A first round with a $filter lists no more messages than these."""

_EXPIRED = {
    "SyncStateNotFound": "The sync state generation is not found; generation=149;[highest=157].",
    "SyncStateInvalid": "The sync state is invalid.",
    "resyncRequired": "Resync required. Resync token is obtained from the Location header.",
}


@dataclass(frozen=True)
class _State:
    """Where a chain stands: *waiting* are for further pages, at *end* the next round begins."""

    folder: Folder
    query: Query
    kinds: frozenset[Kind]
    end: int
    waiting: tuple[Change[StoredMessage], ...]
    made_at: datetime


class Deltas:
    """*lifetime* is that of all tokens, also of those given out before it is changed."""

    def __init__(self, clock: Clock, mailboxes: Mailboxes) -> None:
        self.lifetime = timedelta(days=30)
        self._clock = clock
        self._mailboxes = mailboxes
        self._tokens: dict[str, _State] = {}
        self._expired: dict[str, str] = {}

    def expire(self, code: str, folder: Folder | None = None) -> None:
        """End every token there is (of *folder*); who uses one is answered 410 with *code*."""
        for token, state in self._tokens.items():
            if folder in (None, state.folder):
                self._expired[token] = code

    def passed(self, token: str) -> list[StoredMessage]:
        """The messages that came into the folder, and that no page from *token* on lists."""
        state = self._tokens[token]
        came = self._mailboxes.journal.created_before(state.folder, state.end)
        waiting = {change.message for change in state.waiting}
        return [message for message in came if message not in waiting]

    def page(
        self,
        owner: User,
        folder: Folder,
        params: Mapping[str, str],
        *,
        size: int | None,
        immutable: bool,
        url: str,
    ) -> Json:
        """*url* is that of the first page, for the links. Raises GraphError."""
        state = self._state(owner, folder, params, url)
        size = size or state.query.top
        here = [each for each in state.waiting[:size] if self._still(each, folder)]
        later = state.waiting[size:]
        body: Json = {
            "@odata.context": url.partition("/users/")[0] + "/$metadata#Collection(message)",
            "value": [_item(each, state.query, immutable=immutable) for each in here],
        }
        token = secrets.token_urlsafe(48)
        self._tokens[token] = replace(state, waiting=later, made_at=self._clock.now())
        name, parameter = ("next", "$skiptoken") if later else ("delta", "$deltatoken")
        body[f"@odata.{name}Link"] = f"{url}?{parameter}={token}"
        return body

    def _state(self, owner: User, folder: Folder, params: Mapping[str, str], url: str) -> _State:
        if token := params.get("$skiptoken"):
            return self._known(token, folder, url)
        if token := params.get("$deltatoken"):
            return self._next_round(self._known(token, folder, url))
        return self._first_round(owner, folder, params)

    def _known(self, token: str, folder: Folder, url: str) -> _State:
        state = self._tokens.get(token)
        if state is None or state.folder != folder:
            raise _gone("SyncStateInvalid", url)
        if state.made_at + self.lifetime <= self._clock.now():
            raise _gone("SyncStateNotFound", url)
        if code := self._expired.get(token):
            raise _gone(code, url)
        return state

    def _first_round(self, owner: User, folder: Folder, params: Mapping[str, str]) -> _State:
        query = parse_query(params)
        _check(query, params)
        found = [
            Change(Kind.CREATED, each)
            for each in self._mailboxes.messages(owner, folder)
            if _passes(each, query)
        ]
        if query.order:
            found.sort(key=lambda change: change.message.received_at, reverse=True)
        return _State(
            folder=folder,
            query=query,
            kinds=_kinds(params.get("changeType", "")),
            end=self._mailboxes.journal.now,
            waiting=tuple(found[:MOST_FILTERED] if query.clauses else found),
            made_at=self._clock.now(),
        )

    def _next_round(self, last: _State) -> _State:
        journal = self._mailboxes.journal
        changes = [
            change
            for change in journal.changes(last.folder, last.end)
            if change.kind in last.kinds and (change.removed or _passes(change.message, last.query))
        ]
        return replace(last, end=journal.now, waiting=tuple(changes))

    def _still(self, change: Change[StoredMessage], folder: Folder) -> bool:
        """Whether what was true when the round began still is; if not, the next one tells."""
        return bool(change.removed) or self._mailboxes.holds(folder, change.message)


def _item(change: Change[StoredMessage], query: Query, *, immutable: bool) -> Json:
    kind = {"@odata.type": "#microsoft.graph.message"}
    if change.removed:
        message_id = change.removed.id_of_kind(immutable=immutable)
        return kind | {"id": message_id, "@removed": {"reason": "deleted"}}
    return kind | query.select_from(message_body(change.message, immutable=immutable))


def _passes(message: StoredMessage, query: Query) -> bool:
    received = {"receivedDateTime": message.received_at.isoformat()}
    return all(clause.accepts(received) for clause in query.clauses)


def _check(query: Query, params: Mapping[str, str]) -> None:
    tests = {(clause.name, clause.test) for clause in query.clauses}
    allowed = {("receivedDateTime", "ge"), ("receivedDateTime", "gt")}
    order = (query.order, query.descending)
    if "$search" in params or tests - allowed or order not in (("", False), _NEWEST_FIRST):
        raise GraphError(
            400, "ErrorInvalidUrlQuery", "The query is not supported by change tracking."
        )


_NEWEST_FIRST = ("receivedDateTime", True)


def _kinds(change_type: str) -> frozenset[Kind]:
    named = {"created": Kind.CREATED, "updated": Kind.UPDATED, "deleted": Kind.REMOVED}
    return frozenset({named[change_type]} if change_type in named else named.values())


def _gone(code: str, url: str) -> GraphError:
    """The place to begin anew is told with resyncRequired alone."""
    headers = {"Location": f"{url}?$deltatoken="} if code == "resyncRequired" else {}
    return GraphError(410, code, _EXPIRED[code], headers)
