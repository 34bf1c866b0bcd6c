"""The token endpoint: gives access for a service account's word.

Source: https://developers.google.com/identity/protocols/oauth2.
"""

from collections.abc import Collection, Mapping

from postroom.application.ports import Clock
from postroom.entrypoints.emulators.gmail.access import AccessTokens
from postroom.entrypoints.emulators.gmail.service_accounts import ServiceAccounts
from postroom.entrypoints.emulators.gmail.wire import GrantError, Json

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"


class TokenEndPoint:
    def __init__(self, clock: Clock) -> None:
        self.access = AccessTokens(clock)
        self.service_accounts = ServiceAccounts()

    def grant(self, form: Mapping[str, str], addresses: Collection[str]) -> Json:
        """Answer a request for a token. Raises GrantError."""
        if form.get("grant_type") != JWT_BEARER:
            raise GrantError(400, "unsupported_grant_type", "Invalid grant_type.")
        token = self.access.issue(self.service_accounts.bearer(form, addresses))
        return {
            "access_token": token,
            "expires_in": self.access.lifetime,
            "token_type": "Bearer",
        }
