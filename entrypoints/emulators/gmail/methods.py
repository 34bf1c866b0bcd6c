"""The methods of the Gmail API: what each costs, which parameters it has, and what opens it.

Sources: https://developers.google.com/workspace/gmail/api/reference/quota for the units of
projects made since May 2026, and the discovery document for the rest. The parameter `fields` is
taken, and all fields are answered.
"""

from dataclasses import dataclass

from postroom.entrypoints.emulators.gmail.access import (
    ALL_MAIL,
    MODIFY_MAIL,
    READ_MAIL,
    READ_METADATA,
)

READ = frozenset({ALL_MAIL, MODIFY_MAIL, READ_MAIL, READ_METADATA})
MODIFY = frozenset({ALL_MAIL, MODIFY_MAIL})
LABELS = frozenset({"https://www.googleapis.com/auth/gmail.labels"})

STANDARD_PARAMETERS = frozenset({
    "$.xgafv", "access_token", "alt", "callback", "fields", "key", "oauth_token", "prettyPrint",
    "quotaUser", "uploadType", "upload_protocol",
})  # fmt: skip


@dataclass(frozen=True)
class Method:
    name: str
    units: int
    parameters: frozenset[str] = frozenset()
    scopes: frozenset[str] = READ


_LISTED = frozenset({"includeSpamTrash", "labelIds", "maxResults", "pageToken", "q"})
_FORMS = frozenset({"format", "metadataHeaders"})
_HISTORY = frozenset({"historyTypes", "labelId", "maxResults", "pageToken", "startHistoryId"})

METHODS = {
    method.name: method
    for method in (
        Method("getProfile", 1),
        Method("history.list", 2, _HISTORY),
        Method("labels.list", 1, scopes=READ | LABELS),
        Method("messages.batchModify", 50, scopes=MODIFY),
        Method("messages.get", 20, _FORMS),
        Method("messages.list", 5, _LISTED),
        Method("messages.modify", 5, scopes=MODIFY),
        Method("messages.trash", 5, scopes=MODIFY),
        Method("messages.untrash", 5, scopes=MODIFY),
        Method("stop", 50),
        Method("threads.get", 40, _FORMS),
        Method("threads.list", 10, _LISTED),
        Method("watch", 100),
    )
}
