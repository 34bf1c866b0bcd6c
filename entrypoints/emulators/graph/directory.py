"""Entra ID: directories with applications in them, and the tokens that these are given.

Source: learn.microsoft.com/entra/identity-platform, v2-oauth2-client-creds-grant-flow,
v2-oauth2-device-code, certificate-credentials and refresh-tokens.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import uuid4

from cryptography import x509

from postroom.application.ports import Clock
from postroom.entrypoints.emulators.graph.assertion import proves
from postroom.entrypoints.emulators.graph.id_token import id_token
from postroom.entrypoints.emulators.graph.wire import GraphError, Json

DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"


@dataclass(frozen=True)
class IssuedToken:
    """*user* is who the application acts for; empty where it acts as itself."""

    directory: str
    client_id: str
    expires_at: datetime
    user: str = ""


class SignInError(Exception):
    """A refusal of the token endpoint; *number* is the AADSTS code."""

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


@dataclass
class Application:
    """Whoever has neither secret nor certificate may still be a public client, for its users."""

    secret: str = ""
    certificate: x509.Certificate | None = None
    is_public: bool = True


@dataclass
class Device:
    """A device flow: *answers* are given to its polls one by one, and then the person signs in."""

    directory: str
    client_id: str
    scope: str
    expires_at: datetime
    user: str
    answers: list[str] = field(default_factory=list)


@dataclass
class Refresh:
    directory: str
    client_id: str
    user: str


_DEVICE_REFUSALS = {
    "authorization_pending": (70016, "The user must input their code."),
    "slow_down": (70016, "Polling too often."),
    "authorization_declined": (70018, "The user declined to authenticate."),
    "expired_token": (70020, "The device code has expired."),
}


class Directories:
    def __init__(self, clock: Clock) -> None:
        self.lifetime = timedelta(seconds=3599)
        self.requests = 0
        self.polls = 0
        self.scopes: list[str] = []
        self._clock = clock
        self._applications: dict[tuple[str, str], Application] = {}
        self._tokens: dict[str, IssuedToken] = {}
        self._refresh_tokens: dict[str, Refresh] = {}
        self._devices: dict[str, Device] = {}
        self._next_device: tuple[str, list[str]] = ("", [])

    # --- For scripts ---

    def register(self, directory: str, client_id: str, secret: str) -> None:
        """Add an application, or give it another secret."""
        self._applications[directory, client_id] = Application(secret)

    def certify(self, directory: str, client_id: str, certificate: bytes) -> None:
        """Let an application sign in by its *certificate* (PEM), and no longer by a secret."""
        self._applications[directory, client_id] = Application(
            certificate=x509.load_pem_x509_certificate(certificate)
        )

    def refuse_public_clients(self, directory: str, client_id: str) -> None:
        self._applications[directory, client_id].is_public = False

    def expect_device(self, user: str, *answers: str) -> None:
        """Who signs in with the next device code, after its polls were given these errors."""
        self._next_device = (user, list(answers))

    def consent(self, directory: str, client_id: str, user: str) -> str:
        """A refresh token of *user*, as if they had signed in."""
        token = f"1.{secrets.token_urlsafe(64)}"
        self._refresh_tokens[token] = Refresh(directory, client_id, user)
        return token

    @property
    def refresh_tokens(self) -> list[str]:
        return list(self._refresh_tokens)

    def revoke_tokens(self) -> None:
        self._tokens.clear()

    def revoke_refresh_token(self, token: str) -> None:
        del self._refresh_tokens[token]

    def issue(self, directory: str, client_id: str, user: str = "") -> str:
        token = f"eyJ0eXAiOiJKV1QifQ.{secrets.token_urlsafe(48)}"
        expires_at = self._clock.now() + self.lifetime
        self._tokens[token] = IssuedToken(directory, client_id, expires_at, user)
        return token

    # --- For requests ---

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

    def device_code(self, directory: str, form: Mapping[str, str]) -> Json:
        """Begin a device flow (RFC 8628 section 3.2). Raises SignInError."""
        self._known(directory, "invalid_request")
        client_id = form.get("client_id", "")
        self._application(directory, client_id)
        code, seconds = secrets.token_urlsafe(96), 900
        user, answers = self._next_device
        expires_at = self._clock.now() + timedelta(seconds=seconds)
        scope = form.get("scope", "")
        self._devices[code] = Device(directory, client_id, scope, expires_at, user, answers)
        user_code, url = "A1B2C3D4E", "https://login.microsoft.com/device"
        return {
            "user_code": user_code,
            "device_code": code,
            "verification_uri": url,
            "expires_in": seconds,
            "interval": 5,
            "message": f"To sign in, open the page {url} and enter the code {user_code}.",
        }

    def grant(self, directory: str, form: Mapping[str, str]) -> Json:
        """Answer a request for a token. Raises SignInError."""
        self.requests += 1
        self._known(directory, "invalid_request")
        self.scopes.append(form.get("scope", ""))
        match form.get("grant_type"):
            case "client_credentials":
                return self._as_itself(directory, form)
            case "refresh_token":
                return self._refreshed(directory, form)
            case grant if grant == DEVICE_CODE:
                return self._by_device(form)
        raise SignInError(
            400, "unsupported_grant_type", 70003, "The app requested an unsupported grant type."
        )

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

    # --- The grants ---

    def _as_itself(self, directory: str, form: Mapping[str, str]) -> Json:
        if not form.get("scope", "").endswith("/.default"):
            raise SignInError(400, "invalid_scope", 1002012, "The scope is not valid.")
        client_id = form.get("client_id", "")
        self._authenticate(directory, client_id, form)
        return self._answer(self.issue(directory, client_id))

    def _refreshed(self, directory: str, form: Mapping[str, str]) -> Json:
        """A token for another, both in exchange: the one that was used goes on being valid."""
        client_id = form.get("client_id", "")
        self._public_client(directory, client_id)
        known = self._refresh_tokens.get(form.get("refresh_token", ""))
        if known is None or (known.directory, known.client_id) != (directory, client_id):
            raise SignInError(
                400,
                "invalid_grant",
                50173,
                "The provided grant has expired due to it being revoked.",
            )
        return self._for_user(known.directory, known.client_id, known.user, form.get("scope", ""))

    def _by_device(self, form: Mapping[str, str]) -> Json:
        self.polls += 1
        device = self._devices.get(form.get("device_code", ""))
        if device is None or device.client_id != form.get("client_id"):
            raise SignInError(400, "bad_verification_code", 70019, "The code was not recognised.")
        self._public_client(device.directory, device.client_id)
        error = device.answers.pop(0) if device.answers else ""
        if device.expires_at <= self._clock.now():
            error = "expired_token"
        if error:
            number, text = _DEVICE_REFUSALS[error]
            raise SignInError(400, error, number, text)
        del self._devices[form["device_code"]]
        return self._for_user(device.directory, device.client_id, device.user, device.scope)

    def _for_user(self, directory: str, client_id: str, user: str, scope: str) -> Json:
        answer = self._answer(self.issue(directory, client_id, user)) | {"scope": scope}
        if "offline_access" in scope.split():
            answer["refresh_token"] = self.consent(directory, client_id, user)
        if "openid" in scope.split():
            answer["id_token"] = id_token(directory, client_id, user, self._clock.now())
        return answer

    def _answer(self, token: str) -> Json:
        seconds = int(self.lifetime.total_seconds())
        return {
            "token_type": "Bearer",
            "expires_in": seconds,
            "ext_expires_in": seconds,
            "access_token": token,
        }

    # --- Who asks ---

    def _known(self, directory: str, error: str) -> None:
        if not any(directory == known for known, _ in self._applications):
            raise SignInError(400, error, 90002, f"Tenant '{directory}' not found.")

    def _application(self, directory: str, client_id: str) -> Application:
        application = self._applications.get((directory, client_id))
        if application is None:
            raise SignInError(
                400,
                "unauthorized_client",
                700016,
                f"Application with identifier '{client_id}' was not found in the directory.",
            )
        return application

    def _public_client(self, directory: str, client_id: str) -> None:
        if not self._application(directory, client_id).is_public:
            raise SignInError(
                401,
                "invalid_client",
                7000218,
                "The request body must contain: 'client_assertion' or 'client_secret'.",
            )

    def _authenticate(self, directory: str, client_id: str, form: Mapping[str, str]) -> None:
        application = self._application(directory, client_id)
        if "client_assertion" in form:
            if not proves(form, application.certificate):
                raise SignInError(
                    401, "invalid_client", 700027, "The certificate is not registered."
                )
        elif not application.secret or form.get("client_secret") != application.secret:
            raise SignInError(401, "invalid_client", 7000215, "Invalid client secret provided.")
