"""Entra ID: directories with applications in them, and the tokens that these are given.

Source: learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

from application.ports import Clock
from tests.emulators.graph.wire import GraphError, Json


@dataclass(frozen=True)
class IssuedToken:
    directory: str
    client_id: str
    expires_at: datetime


class SignInError(Exception):
    """A refusal of the token end point; *number* is the AADSTS code."""

    def __init__(self, status: int, error: str, number: int, text: str) -> None:
        super().__init__(f"{status} {error}")
        self.status = status
        self.error = error
        self.number = number
        self.text = text

    def body(self, now: datetime) -> Json:
        trace, correlation = uuid4(), uuid4()
        stamp = f"{now:%Y-%m-%d %H:%M:%S}Z"
        return {
            "error": self.error,
            "error_description": (
                f"AADSTS{self.number}: {self.text} Trace ID: {trace} "
                f"Correlation ID: {correlation} Timestamp: {stamp}"
            ),
            "error_codes": [self.number],
            "timestamp": stamp,
            "trace_id": str(trace),
            "correlation_id": str(correlation),
            "error_uri": f"https://login.microsoftonline.com/error?code={self.number}",
        }


class Directories:
    def __init__(self, clock: Clock) -> None:
        self.lifetime = timedelta(seconds=3599)
        self.requests = 0
        self._clock = clock
        self._applications: dict[tuple[str, str], str] = {}
        self._tokens: dict[str, IssuedToken] = {}

    def register(self, directory: str, client_id: str, secret: str) -> None:
        """Add an application, or give it another secret."""
        self._applications[directory, client_id] = secret

    def revoke_tokens(self) -> None:
        self._tokens.clear()

    def metadata(self, directory: str, base_url: str) -> Json:
        """The OpenID Connect discovery document."""
        self._known(directory, "invalid_tenant")
        root = f"{base_url}/{directory}"
        return {
            "token_endpoint": f"{root}/oauth2/v2.0/token",
            "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
            "issuer": f"{root}/v2.0",
            "authorization_endpoint": f"{root}/oauth2/v2.0/authorize",
            "device_authorization_endpoint": f"{root}/oauth2/v2.0/devicecode",
            "jwks_uri": f"{root}/discovery/v2.0/keys",
        }

    def grant(self, directory: str, form: Mapping[str, str]) -> Json:
        """Answer a request for a token. Raises SignInError."""
        self.requests += 1
        self._known(directory, "invalid_request")
        if form.get("grant_type") != "client_credentials":
            raise SignInError(
                400, "unsupported_grant_type", 70003, "The app requested an unsupported grant type."
            )
        if not form.get("scope", "").endswith("/.default"):
            raise SignInError(400, "invalid_scope", 1002012, "The scope is not valid.")
        client_id = form.get("client_id", "")
        self._authenticate(directory, client_id, form.get("client_secret", ""))
        seconds = int(self.lifetime.total_seconds())
        return {
            "token_type": "Bearer",
            "expires_in": seconds,
            "ext_expires_in": seconds,
            "access_token": self.issue(directory, client_id),
        }

    def issue(self, directory: str, client_id: str) -> str:
        token = f"eyJ0eXAiOiJKV1QifQ.{secrets.token_urlsafe(48)}"
        self._tokens[token] = IssuedToken(directory, client_id, self._clock.now() + self.lifetime)
        return token

    def check(self, authorization: str) -> IssuedToken:
        """The token of a request to Graph. Raises GraphError."""
        scheme, _, token = authorization.partition(" ")
        issued = self._tokens.get(token) if scheme == "Bearer" else None
        if issued and issued.expires_at > self._clock.now():
            return issued
        reason = (
            "Lifetime validation failed, the token is expired."
            if token
            else "Access token is empty."
        )
        raise GraphError(401, "InvalidAuthenticationToken", reason, {"WWW-Authenticate": "Bearer"})

    def _known(self, directory: str, error: str) -> None:
        if not any(directory == known for known, _ in self._applications):
            raise SignInError(400, error, 90002, f"Tenant '{directory}' not found.")

    def _authenticate(self, directory: str, client_id: str, secret: str) -> None:
        expected = self._applications.get((directory, client_id))
        if expected is None:
            raise SignInError(
                400,
                "unauthorized_client",
                700016,
                f"Application with identifier '{client_id}' was not found in the directory.",
            )
        if secret != expected:
            raise SignInError(401, "invalid_client", 7000215, "Invalid client secret provided.")
