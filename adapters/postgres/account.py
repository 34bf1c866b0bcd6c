"""An account in two parts: what any reader of the database may see, and what none may."""

import json
from dataclasses import fields
from typing import Annotated, Any

from pydantic import ConfigDict, Discriminator, TypeAdapter, ValidationError

from domain.failure import AccessFailed
from domain.mailbox import Account, Secret

_ACCOUNT: TypeAdapter[Account] = TypeAdapter(
    Annotated[Account, Discriminator("provider")],
    config=ConfigDict(extra="forbid", hide_input_in_errors=True),
)


def split(account: Account) -> tuple[dict[str, Any], bytes]:
    """The fields of *account* that are no secrets, and a text of those that are."""
    values = {field.name: getattr(account, field.name) for field in fields(account)}
    secrets = {name: item.value for name, item in values.items() if isinstance(item, Secret)}
    plain = _ACCOUNT.dump_python(account, mode="json", exclude=set(secrets))
    return plain, json.dumps(secrets).encode()


def joined(plain: dict[str, Any], secrets: bytes) -> Account:
    """The account that was split. Raises AccessFailed if it has not the fields that it needs."""
    revealed = {name: Secret(value) for name, value in json.loads(secrets).items()}
    try:
        return _ACCOUNT.validate_python(plain | revealed)
    except ValidationError as error:
        raise AccessFailed("the stored account is not of this release: add it anew") from error
