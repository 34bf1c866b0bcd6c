"""The mailing list that a message came by (RFC 2919), and how to leave it (RFC 2369)."""

import re
from dataclasses import dataclass

from postroom.domain.mail.mime.headers import Headers

MAX_ID = 255
MAX_URIS = 10
MAX_URI = 2_000

_ID = re.compile(r"<([^<>]+)>")
_URI = re.compile(rf"<\s*((?:https?|mailto):[^<>\s]{{1,{MAX_URI}}})\s*>", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class MailingList:
    """*unsubscribe* holds URIs, in the order in which the list prefers them."""

    id: str | None
    unsubscribe: tuple[str, ...]


def mailing_list_of(headers: Headers) -> MailingList | None:
    """None if the message came by none, and by no other bulk mail that can be left."""
    list_id = headers.get("list-id")
    bracketed = _ID.search(list_id)
    name = (bracketed[1] if bracketed else list_id).strip()[:MAX_ID]
    unsubscribe = tuple(_URI.findall(headers.get("list-unsubscribe"))[:MAX_URIS])
    return MailingList(name or None, unsubscribe) if name or unsubscribe else None
