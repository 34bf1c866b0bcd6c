"""What a request asks a collection for: $select, $filter, $orderby, $top and $skip.

Filters are comparisons joined by `and`; that is all that our part of Graph needs.
Source: learn.microsoft.com/graph/query-parameters, and /graph/api/user-list-messages for what
$filter and $orderby must have in common.
"""

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from postroom.entrypoints.emulators.graph.wire import GraphError, Json

PAGE, MOST = 10, 1000

_CLAUSE = re.compile(r"(?P<name>\w+) +(?P<test>eq|ge|gt|le|lt) +(?P<value>'(?:[^']|'')*'|\S+)")

_TESTS: Mapping[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq,
    "ge": operator.ge,
    "gt": operator.gt,
    "le": operator.le,
    "lt": operator.lt,
}


@dataclass(frozen=True)
class Clause:
    name: str
    test: str
    value: str | datetime

    def accepts(self, item: Json) -> bool:
        value = item.get(self.name)
        if isinstance(self.value, datetime):
            value = datetime.fromisoformat(str(value))
        return _TESTS[self.test](value, self.value)


@dataclass(frozen=True)
class Query:
    select: tuple[str, ...] = ()
    clauses: tuple[Clause, ...] = ()
    order: str = ""
    descending: bool = False
    top: int = PAGE
    skip: int = 0

    def select_from(self, item: Json) -> Json:
        """Annotations and the id are always there."""
        if not self.select:
            return item
        return {
            name: value
            for name, value in item.items()
            if name == "id" or name.startswith("@") or name in self.select
        }

    def apply(self, items: Sequence[Json]) -> list[Json]:
        """Those that are asked for, in order, of all pages. Raises GraphError."""
        if self.order and self.clauses and self.clauses[0].name != self.order:
            raise GraphError(
                400,
                "InefficientFilter",
                "The restriction or sort order is too complex for this operation.",
            )
        found = [each for each in items if all(clause.accepts(each) for clause in self.clauses)]
        if self.order:
            found.sort(key=lambda each: str(each.get(self.order)), reverse=self.descending)
        return found


def parse_query(params: Mapping[str, str], page: int | None = None) -> Query:
    """Raises GraphError."""
    order, _, direction = params.get("$orderby", "").partition(" ")
    select = params.get("$select", "")
    return Query(
        select=tuple(name.strip() for name in select.split(",") if name.strip()),
        clauses=_parse_filter(params.get("$filter", "")),
        order=order,
        descending=direction.strip().lower() == "desc",
        top=min(_number(params, "$top", page or PAGE), MOST) or PAGE,
        skip=_number(params, "$skip", 0),
    )


def collection(
    items: Sequence[Json], query: Query, url: str, params: Mapping[str, str], context: str
) -> Json:
    """One page of *items* (of all pages), as Graph writes collections; *url* is that of the first.

    Further pages are at @odata.nextLink, which here is what Outlook makes it: the same with $skip.
    """
    end = query.skip + query.top
    body: Json = {
        "@odata.context": context,
        "value": [query.select_from(each) for each in items[query.skip : end]],
    }
    if params.get("$count") == "true":
        body["@odata.count"] = len(items)
    if end < len(items):
        body["@odata.nextLink"] = f"{url}?{urlencode({**params, '$skip': str(end)})}"
    return body


def _parse_filter(text: str) -> tuple[Clause, ...]:
    if not text:
        return ()
    clauses = []
    for part in re.split(r" +and +", text.strip()):
        match = _CLAUSE.fullmatch(part)
        if not match:
            raise GraphError(400, "BadRequest", "Invalid filter clause")
        clauses.append(Clause(match["name"], match["test"], _value(match["value"])))
    return tuple(clauses)


def _value(text: str) -> str | datetime:
    if text.startswith("'"):
        return text[1:-1].replace("''", "'")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise GraphError(400, "BadRequest", "Invalid filter clause") from None
    if moment.tzinfo is None:
        raise GraphError(400, "BadRequest", "Invalid filter clause")
    return moment


def _number(params: Mapping[str, str], name: str, default: int) -> int:
    text = params.get(name, str(default))
    if not text.isdecimal():
        raise GraphError(
            400, "BadRequest", f"Invalid value '{text}' for {name} query option found."
        )
    return int(text)
