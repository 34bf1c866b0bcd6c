"""The account of an exported mailbox, as the values of its provider's options."""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from postroom.application.ports import AccountOption, OptionValue
from postroom.domain.account import Secret
from postroom.domain.failure import AccessFailed
from postroom.entrypoints.cli.lines import InvalidLine

WAYS = ("env", "file", "encrypted")
"""How a secret may be given: by a reference, or encrypted with a key of `POSTROOM_SECRET_KEYS`."""

Unseal = Callable[[str], Secret]


def values_of(
    account: Mapping[str, Any],
    secrets: Mapping[str, Any],
    options: Sequence[AccountOption],
    unseal: Unseal,
) -> Mapping[str, OptionValue]:
    """Raises InvalidLine, with the name of what is wrong."""
    by_name = {option.name: option for option in options}
    values: dict[str, OptionValue] = {}
    for name, value in account.items():
        option = by_name.get(name)
        if option is None or option.secret:
            raise InvalidLine(f"account: there is no option {name}")
        values[name] = _plain(option, value)
    for name, given in secrets.items():
        option = by_name.get(name)
        if option is None or not option.secret:
            raise InvalidLine(f"secrets: there is no secret {name}")
        values[name] = _secret(name, given, unseal)
    return values


def _plain(option: AccountOption, value: Any) -> OptionValue:  # noqa: ANN401 - of JSON
    found: OptionValue
    if option.is_flag:
        found, fits = value, isinstance(value, bool)
    elif option.repeatable:
        fits = isinstance(value, list) and all(isinstance(each, str) for each in value)
        found = tuple(value) if fits else ()
    else:
        found, fits = str(value), isinstance(value, str | int) and not isinstance(value, bool)
    if not fits:
        raise InvalidLine(f"account: {option.name} is of a wrong type")
    if option.choices and found not in option.choices:
        raise InvalidLine(f"account: {option.name} is none of: {', '.join(option.choices)}")
    return found


def _secret(name: str, given: Any, unseal: Unseal) -> Secret:  # noqa: ANN401 - of JSON
    match given:
        case {"env": str(variable)} if len(given) == 1:
            text = os.environ.get(variable)
            if not text:
                raise InvalidLine(f"secrets: {name}: the variable {variable} is not set")
        case {"file": str(file)} if len(given) == 1:
            text = _read(name, file)
        case {"encrypted": str(token)} if len(given) == 1:
            text = _unsealed(name, token, unseal)
        case _:
            raise InvalidLine(f"secrets: {name} is given by one of: {', '.join(WAYS)}")
    if not text.strip():
        raise InvalidLine(f"secrets: {name} is empty")
    return Secret(text.strip())


def _read(name: str, file: str) -> str:
    try:
        return Path(file).read_text(encoding="utf-8")
    except OSError as error:
        raise InvalidLine(f"secrets: {name}: cannot read {file}: {error.strerror}") from None
    except UnicodeDecodeError:  # which quotes what it could not decode
        raise InvalidLine(f"secrets: {name}: cannot read {file}: it is not text") from None


def _unsealed(name: str, token: str, unseal: Unseal) -> str:
    try:
        return unseal(token).value
    except (AccessFailed, UnicodeDecodeError):
        raise InvalidLine(
            f"secrets: {name} was not encrypted with a key of POSTROOM_SECRET_KEYS"
        ) from None
