"""Making a body fit: what is cut first is what the application can most easily fetch or do without.

The order is part of the contract: files, header fields, HTML, text. What follows is for hostile
mail, and for an application that wants bodies of a few KiB.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, cast

from postroom.domain.handover.body_json import clipped_in_json, size
from postroom.domain.handover.body_types import MailReceived

Json = dict[str, Any]
Cut = Callable[[Json, int], bool]
"""Takes about as many bytes as it is asked to out of `data`; whether there was anything to take."""

_LISTS = (
    "email.attachments", "email.bcc", "email.cc", "email.to", "email.replyTo", "email.references",
    "email.inReplyTo", "automated.bounce.recipients", "automated.list.unsubscribe",
    "source.labels", "envelope.rcptTo", "email.sender", "email.from", "email.messageId",
)  # fmt: skip
_OPTIONAL = (
    "authentication", "email.subject", "source.threadIndex", "thread.parent", "thread.root",
    "automated.bounce",
)  # fmt: skip


def fit(body: MailReceived, limit: int) -> MailReceived:
    """*body*, with as much cut out of it as makes it no larger than *limit* bytes."""
    data = cast("Json", body["data"])
    named: list[str] = data["content"]["truncated"]
    for name, cut in _CUTS:
        if size(body) <= limit:
            break
        is_new = name not in named
        named += [name] * is_new  # before the cut, since it takes room itself
        if not cut(data, size(body) - limit) and is_new:
            named.remove(name)
    return body


def _inlined(data: Json, excess: int) -> bool:
    parts = [part for part in data["email"]["attachments"] if part["content"]]
    freed = 0
    for part in reversed(parts):
        if freed >= excess:
            break
        freed += size(part["content"])
        part["content"] = None
    return bool(parts)


def _text(data: Json, excess: int) -> bool:
    content = data["content"]
    text = content["text"]
    content["text"] = clipped_in_json(text, size(text) - excess)
    return bool(text)


def _shortened(path: str, data: Json, excess: int) -> bool:
    """Of the list at *path*, from its end."""
    owner, name = _owner(data, path)
    items = owner[name] if owner else None
    freed = 0
    while items and freed < excess:
        freed += size(items.pop()) + 1
    return freed > 0


def _left_out(path: str, data: Json, excess: int) -> bool:  # noqa: ARG001 - all of it
    owner, name = _owner(data, path)
    if not owner or owner[name] is None:
        return False
    owner[name] = None
    return True


def _owner(data: Json, path: str) -> tuple[Json | None, str]:
    """What has the property at *path*, or None, and the name of the property."""
    *owners, name = path.split(".")
    owner: Json | None = data
    for each in owners:
        owner = owner[each] if owner else None
    return owner, name


_CUTS: tuple[tuple[str, Cut], ...] = (
    ("email.attachments.content", _inlined),
    ("email.headers", partial(_shortened, "email.headers")),
    ("content.html", partial(_left_out, "content.html")),
    ("reply", partial(_left_out, "reply")),
    ("content.text", _text),
    *((path, partial(_shortened, path)) for path in _LISTS),
    *((path, partial(_left_out, path)) for path in _OPTIONAL),
)
