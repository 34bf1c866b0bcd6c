"""Reads the values of account options, whoever gave them: what is none raises InvalidAccount."""

from collections.abc import Mapping

from postroom.application.ports import OptionValue
from postroom.domain.account import InvalidAccount


def text(values: Mapping[str, OptionValue], name: str, default: str = "") -> str:
    value = values.get(name, default)
    if not isinstance(value, str) or not value:
        raise InvalidAccount(f"--{name} is missing")
    return value


def texts(values: Mapping[str, OptionValue], name: str, default: str) -> tuple[str, ...]:
    """Those of an option that may be repeated, each once."""
    value = values.get(name, (default,))
    if not isinstance(value, tuple) or not value or not all(value):
        raise InvalidAccount(f"--{name} is empty")
    return tuple(dict.fromkeys(value))


def flag(values: Mapping[str, OptionValue], name: str) -> bool:
    value = values.get(name, False)
    if not isinstance(value, bool):
        raise InvalidAccount(f"--{name} has no value")
    return value
