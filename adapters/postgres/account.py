"""An account in two parts: what any reader of the database may see, and what none may."""

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from pydantic import TypeAdapter, ValidationError

from postroom.adapters.postgres.strict import strictly
from postroom.domain.account import Account, Secret, UnreadableAccount
from postroom.domain.failure import AccessFailed


class AccountFormat:
    """How accounts of the types of *accounts*, by provider, are stored.

    The plain part names the provider; the other fields are the account's own. *accounts* is read
    when an account is: the providers that bring them are made with a registry at hand.
    """

    def __init__(self, accounts: Mapping[str, type[Account]]) -> None:
        self._accounts = accounts
        self._adapters: dict[str, TypeAdapter[Account]] = {}

    def split(self, account: Account) -> tuple[dict[str, Any], bytes]:
        """The fields of *account* that are no secrets, and a text of those that are.

        Raises AccessFailed if it is of none of our providers, or stands for one that is unreadable.
        """
        if isinstance(account, UnreadableAccount):
            raise AccessFailed(account.reason)
        secrets = _secrets(account)
        adapter = self._adapter(account.provider)
        plain = adapter.dump_python(account, mode="json", exclude=_names(secrets))
        return {**plain, "provider": account.provider}, json.dumps(secrets).encode()

    def joined(self, plain: Mapping[str, Any], secrets: bytes) -> Account:
        """The account that was split. Raises AccessFailed if it is not one of this release."""
        provider, own = plain["provider"], {**plain}
        del own["provider"]
        adapter = self._adapter(provider)
        try:
            upgraded = self._accounts[provider].upgraded(own, json.loads(secrets))
            return adapter.validate_python(_with(*upgraded))
        except (ValidationError, LookupError) as error:
            raise AccessFailed("the stored account is not of this release: add it anew") from error

    def _adapter(self, provider: str) -> TypeAdapter[Account]:
        if provider not in self._accounts:
            raise AccessFailed(f"this release of Postroom has no provider {provider}")
        if provider not in self._adapters:
            self._adapters[provider] = strictly(self._accounts[provider])
        return self._adapters[provider]


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
