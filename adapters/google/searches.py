"""The queries of `messages.list` by which a window of a mailbox is listed, by label.

https://developers.google.com/workspace/gmail/api/guides/filtering. Spam and trash are left out
unless one asks for them. A label is named by its id, since its name would have to be quoted.
"""

from collections.abc import Iterable, Mapping

from postroom.adapters.google.labels import INBOX, InboundRule

_NEITHER = "-in:drafts -in:chats"

_SEARCHES = (f"-in:sent {_NEITHER}", f"in:sent in:inbox {_NEITHER}")
"""These find what came in: the second finds what someone sent to themselves."""

Query = Mapping[str, str]


def received(rule: InboundRule, edges: str) -> list[Query]:
    """Each finds a part of what came in between *edges*."""
    if rule.is_all_mail:
        return [{"q": f"{edges} {search}"} for search in _SEARCHES]
    return _of_labels(rule.received, edges)


def left_out(rule: InboundRule, edges: str) -> list[Query]:
    """Each finds a part of what came in between *edges*, and is not received."""
    return _of_labels(rule.left_out, edges)


def _of_labels(ids: Iterable[str], edges: str) -> list[Query]:
    """Each label for itself: messages would have to have all that one query names."""
    return [
        {"q": f"{edges} {search}", "labelIds": id_}
        for id_ in sorted(ids)
        for search in ((_NEITHER,) if id_ == INBOX else _SEARCHES)
    ]
