"""Gmail's search, as far as we use it: `after:` and `before:` in seconds, `in:` negated or not.

Source: https://developers.google.com/workspace/gmail/api/guides/filtering.
"""

from collections.abc import Callable

from postroom.entrypoints.emulators.gmail.messages import StoredMessage
from postroom.entrypoints.emulators.gmail.wire import GoogleError

_PLACES = {
    "inbox": "INBOX",
    "sent": "SENT",
    "drafts": "DRAFT",
    "spam": "SPAM",
    "trash": "TRASH",
    "chats": "CHAT",
}

Filter = Callable[[StoredMessage], bool]


def parse_search(text: str) -> Filter:
    """All terms must match."""
    terms = [_term(word) for word in text.split()]
    return lambda message: all(term(message) for term in terms)


def _term(word: str) -> Filter:
    operator, _, value = word.lstrip("-").partition(":")
    if operator == "after" and value.isdecimal():
        return _after(int(value))
    if operator == "before" and value.isdecimal():
        return _before(int(value))
    if operator == "in" and value in _PLACES:
        return _in(_PLACES[value], wanted=not word.startswith("-"))
    raise GoogleError(400, "invalidArgument", f"The emulator does not know the term {word!r}.")


def _after(second: int) -> Filter:
    # The strict reading: what came in the very second is not found.
    return lambda message: message.milliseconds // 1000 > second


def _before(second: int) -> Filter:
    return lambda message: message.milliseconds // 1000 < second


def _in(label: str, *, wanted: bool) -> Filter:
    return lambda message: (label in message.labels) is wanted
