"""The token endpoint: gives access for a service account's word, a code or a refresh token.

Source: https://developers.google.com/identity/protocols/oauth2.
"""

from collections.abc import Collection, Mapping

from postroom.application.ports import Clock
from postroom.entrypoints.emulators.gmail.access import AccessTokens, Caller
from postroom.entrypoints.emulators.gmail.consent_page import ConsentPage
from postroom.entrypoints.emulators.gmail.oauth_clients import OAuthClients, Refresh
from postroom.entrypoints.emulators.gmail.service_accounts import ServiceAccounts
from postroom.entrypoints.emulators.gmail.wire import GrantError, Json

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"


class TokenEndPoint:
    def __init__(self, clock: Clock) -> None:
        self.access = AccessTokens(clock)
        self.service_accounts = ServiceAccounts()
        self.clients = OAuthClients(clock)
        self.page = ConsentPage(clock, self.clients)

    def grant(self, form: Mapping[str, str], addresses: Collection[str]) -> Json:
        """Answer a request for a token. Raises GrantError."""
        match form.get("grant_type", ""):
            case "":
                raise GrantError(
                    400, "invalid_request", "Required parameter is missing: grant_type"
                )
            case kind if kind == JWT_BEARER:
                return self._access(self.service_accounts.bearer(form, addresses))
            case "authorization_code":
                caller, refresh = self.clients.redeem(form)
                return self._access(caller) | _of_person(caller, refresh)
            case "refresh_token":
                shown = self.clients.refresh(form)
                is_new = shown.token != form["refresh_token"]
                caller = self._narrowed(shown.caller(), form)
                return self._access(caller) | _of_person(caller, shown if is_new else None)
            case kind:
                raise GrantError(400, "unsupported_grant_type", f"Invalid grant_type: {kind}")

    def caller(self, authorization: str) -> Caller:
        """Who bears a token that was given here, or that a service account has signed.

        Raises GoogleError.
        """
        token = authorization.partition(" ")[2]
        return self.service_accounts.self_signed(token) or self.access.caller(authorization)

    def revoke(self, token: str) -> None:
        """End a refresh token, or the one that an access token goes back to; all of it ends.

        Raises GrantError.
        """
        caller = self.access.find(token)
        grant = caller.grant if caller else token
        if self.clients.refresh_token(grant) is None:
            raise GrantError(400, "invalid_token", "Token expired or revoked")
        self.clients.revoke(grant)
        self.access.revoke_grant(grant)

    def _access(self, caller: Caller) -> Json:
        return {
            "access_token": self.access.issue(caller),
            "expires_in": self.access.lifetime,
            "token_type": "Bearer",
        }

    @staticmethod
    def _narrowed(caller: Caller, form: Mapping[str, str]) -> Caller:
        scopes = frozenset(form.get("scope", "").split()) or caller.scopes
        if not scopes <= caller.scopes:
            raise GrantError(400, "invalid_scope", "Bad Request")
        return Caller(caller.address, caller.project, scopes, caller.grant)


def _of_person(caller: Caller, refresh: Refresh | None) -> Json:
    said: Json = {"scope": " ".join(sorted(caller.scopes))}
    return said | ({"refresh_token": refresh.token} if refresh else {})
