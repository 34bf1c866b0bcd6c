"""An account in two parts: what any reader of the database may see, and what none may."""

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Annotated, Any

from pydantic import ConfigDict, Discriminator, TypeAdapter, ValidationError

from postroom.domain.failure import AccessFailed
from postroom.domain.mailbox import Account, Secret

_ACCOUNT: TypeAdapter[Account] = TypeAdapter(
    Annotated[Account, Discriminator("provider")],
    config=ConfigDict(extra="forbid", hide_input_in_errors=True),
)


def split(account: Account) -> tuple[dict[str, Any], bytes]:
    """The fields of *account* that are no secrets, and a text of those that are."""
    secrets = _secrets(account)
    plain = _ACCOUNT.dump_python(account, mode="json", exclude=_names(secrets))
    return plain, json.dumps(secrets).encode()


def joined(plain: dict[str, Any], secrets: bytes) -> Account:
    """The account that was split. Raises AccessFailed if it has not the fields that it needs."""
    try:
        return _ACCOUNT.validate_python(_with(*_of_today(plain, json.loads(secrets))))
    except ValidationError as error:
        raise AccessFailed("the stored account is not of this release: add it anew") from error


def _secrets(part: object) -> dict[str, Any]:
    """The secrets in *part*, and in the parts of it, by the names of their fields."""
    found: dict[str, Any] = {}
    for field in fields(part) if is_dataclass(part) else ():
        value = getattr(part, field.name)
        if isinstance(value, Secret):
            found[field.name] = value.value
        elif inner := _secrets(value):
            found[field.name] = inner
    return found


def _names(secrets: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: _names(item) if isinstance(item, dict) else True for name, item in secrets.items()
    }


def _with(plain: Mapping[str, Any], secrets: Mapping[str, Any]) -> dict[str, Any]:
    """*plain* with *secrets* put back where they were."""
    revealed = {
        name: _with(plain.get(name, {}), item) if isinstance(item, dict) else Secret(item)
        for name, item in secrets.items()
    }
    return {**plain, **revealed}


def _of_today(
    plain: dict[str, Any], secrets: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What earlier releases have stored of a Microsoft account, as it is stored now."""
    if "client_secret" in secrets:  # the only credentials that there were
        plain = plain | {"credentials": {"kind": "secret"}}
        secrets = secrets | {"credentials": {"secret": secrets["client_secret"]}}
    if "client_state" in secrets:  # of a subscription that was made elsewhere, for one folder
        plain = plain | {"folders": [plain["folder"]]}
    return _without(plain, "folder", "subscription_id"), _without(
        secrets, "client_secret", "client_state"
    )


def _without(fields: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name not in names}
