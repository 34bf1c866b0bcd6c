"""JSON that any parser and any database takes, and its size in bytes."""

import json
import re
from bisect import bisect_right
from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import islice
from typing import Any

_UNFIT = re.compile("[\x00\ud800-\udfff]")


def encoded(value: object) -> bytes:
    """*value* in UTF-8: the same bytes for the same value."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def size(value: object) -> int:
    return len(encoded(value))


def clean(value: Any) -> Any:  # noqa: ANN401 - any part of JSON
    """*value* without NUL and halves of surrogate pairs, which no database and no UTF-8 hold."""
    match value:
        case str():
            return _UNFIT.sub("\ufffd", value)
        case dict():
            return {clean(name): clean(each) for name, each in value.items()}
        case list():
            return [clean(each) for each in value]
        case _:
            return value


def clipped(text: str, limit: int) -> str:
    """The beginning of *text*, of at most *limit* bytes of UTF-8 and of whole characters."""
    if len(text) * 4 <= limit:
        return text
    data = text.encode(errors="replace")
    return text if len(data) <= limit else data[:limit].decode(errors="ignore")


def clipped_in_json(text: str, limit: int) -> str:
    """The beginning of *text* that takes at most *limit* bytes as JSON, with its quotes."""
    length = bisect_right(range(len(text) + 1), limit, key=lambda count: size(text[:count])) - 1
    return text[: max(0, length)]


def fitting(items: Iterable[Any], limit: int, *, most: int | None = None) -> list[Any]:
    """The first *most* of *items* that take at most *limit* bytes as JSON, each with its comma."""
    chosen: list[Any] = []
    for item in islice(items, most):
        limit -= size(item) + 1
        if limit < 0:
            break
        chosen.append(item)
    return chosen


def utc(moment: datetime) -> str:
    """RFC 8620 section 1.4: in UTC, with a fraction only where there is one."""
    return _without_fraction(moment.astimezone(UTC))


def with_offset(moment: datetime) -> str:
    return _without_fraction(moment)


def _without_fraction(moment: datetime) -> str:
    text = moment.isoformat(timespec="milliseconds").replace(".000", "", 1)
    return text.removesuffix("+00:00") + "Z" if text.endswith("+00:00") else text
