"""JSON Schema, draft 2020-12, of typed dictionaries.

Not by pydantic: it takes those of the standard library from Python 3.12 on alone, and the domain
has no others. What a body is made of is little enough.
"""

from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from inspect import cleandoc
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    Literal,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from postroom.domain.handover.body_types import Says

DIALECT = "https://json-schema.org/draft/2020-12/schema"

Json = dict[str, Any]

_NAMES = {str: "string", int: "integer", bool: "boolean", NoneType: "null"}


def schema_of(typed: type) -> Json:
    """The schema of the typed dictionary *typed*; those within it are its definitions."""
    within = {each.__name__: _object(each) for each in _within(typed)}
    return {"$schema": DIALECT, "title": typed.__name__, **_object(typed), "$defs": within}


def inlined(part: Any, definitions: Mapping[str, Any]) -> Any:  # noqa: ANN401 - any part of JSON
    """*part* of a schema with its definitions where they are referred to.

    A reference to `#/$defs/…` would lead to the root of the whole OpenAPI description.
    """
    match part:
        case {"$ref": str(reference), **beside}:
            definition = inlined(definitions[reference.removeprefix("#/$defs/")], definitions)
            return definition | inlined(beside, definitions)
        case dict():
            return {
                name: inlined(each, definitions)
                for name, each in part.items()
                if name not in {"$defs", "$schema"}
            }
        case list():
            return [inlined(each, definitions) for each in part]
        case _:
            return part


def _within(hint: Any) -> Iterator[type]:  # noqa: ANN401 - any type
    """The typed dictionaries that *hint* is made of, itself apart."""
    inner = get_type_hints(hint).values() if is_typeddict(hint) else get_args(hint)
    for each in inner:
        if is_typeddict(each):
            yield each
        yield from _within(each)


def _object(typed: type) -> Json:
    hints = get_type_hints(typed, include_extras=True)
    return {
        "description": cleandoc(typed.__doc__ or ""),  # Python 3.13 does that itself
        "type": "object",
        "properties": {name: _schema(hint) for name, hint in hints.items()},
        "required": list(hints),
    }


def _schema(hint: Any) -> Json:  # noqa: ANN401 - any type
    form = _FORMS.get(get_origin(hint))
    if form:
        return form(*get_args(hint))
    if is_typeddict(hint):
        return {"$ref": f"#/$defs/{hint.__name__}"}
    if issubclass(hint, StrEnum):
        return {"enum": [each.value for each in hint]}
    return {"type": _NAMES[hint]}


def _any_of(*hints: Any) -> Json:  # noqa: ANN401 - any types
    """The commonest is plainer: of a type, or null."""
    match schemas := [_schema(hint) for hint in hints]:
        case [{"type": str(name), **rest}, {"type": "null"}]:
            return {"type": [name, "null"], **rest}
        case _:
            return {"anyOf": schemas}


def _said(says: Says) -> Json:
    said = {
        "description": says.text or None,
        "maxLength": says.length,
        "maxItems": says.items,
        "format": "date-time" if says.time else None,
    }
    return {name: value for name, value in said.items() if value is not None}


_FORMS: Mapping[Any, Callable[..., Json]] = {
    Annotated: lambda hint, says: _schema(hint) | _said(says),
    Union: _any_of,
    UnionType: _any_of,
    Literal: lambda *values: {"enum": list(values)},
    list: lambda item: {"type": "array", "items": _schema(item)},
    dict: lambda _, value: {"type": "object", "additionalProperties": _schema(value)},
}
