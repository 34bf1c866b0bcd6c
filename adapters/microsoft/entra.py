"""Sign-ins at Entra ID, by msal.

Each is made by a new client of msal and in a thread. A new client, since msal's own cache goes by
the host's clock, would give a rejected token again, and writes its parts down together (access and
refresh tokens, and who the person is) where only the refresh token must outlive a process. In a
thread, since msal blocks.
"""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import httpx
from msal.application import ConfidentialClientApplication, PublicClientApplication
from pydantic import BaseModel, Field, ValidationError

from postroom.adapters.http.exchange import of_source
from postroom.adapters.http.sign_ins import SignIns
from postroom.adapters.microsoft.account import ClientCertificate, ClientSecret
from postroom.adapters.microsoft.certificate import read_certificate
from postroom.adapters.microsoft.sign_in import PEER, SignInClient
from postroom.application.ports import Clock
from postroom.domain.account import Secret
from postroom.domain.failure import Unavailable

LOGIN_URL = "https://login.microsoftonline.com"
GRAPH_URL = "https://graph.microsoft.com"
"""The public cloud; the national ones have others: learn.microsoft.com/graph/deployments."""

PERMISSIONS = ("Mail.Read", "Mail.Read.Shared")
"""Delegated: the mail of the person, and of the mailboxes that are shared with them."""

Response = dict[str, Any]
Request = Callable[[SignInClient], Response]
"""What msal is to do, in its thread, with the client that it is given."""


class Person(BaseModel):
    """Who has signed in: what the claims of their id token say (OpenID Connect Core section 2).

    msal asks for the token (scopes `openid` and `profile`) and decodes it.
    """

    object_id: str = Field(default="", alias="oid")
    principal_name: str = Field(default="", alias="preferred_username")


class Grant(BaseModel):
    """A successful response of the token endpoint (RFC 6749 section 5.1)."""

    access_token: str = Field(repr=False)
    expires_in: timedelta
    refresh_token: str = Field(default="", repr=False)
    person: Person = Field(default=Person(), alias="id_token_claims", repr=False)


class EntraId:
    """Entra ID at *login_url*, which gives tokens for Graph at *graph_url*.

    *deadline* bounds a sign-in, with its wait for a thread. Any method raises AccessFailed,
    Throttled or Unavailable. Raises ValueError unless *login_url* is https: msal sends no secret in
    the clear.
    """

    def __init__(
        self,
        http: httpx.AsyncClient,
        clock: Clock,
        sign_ins: SignIns,
        *,
        login_url: str = LOGIN_URL,
        graph_url: str = GRAPH_URL,
        deadline: timedelta = timedelta(seconds=30),
    ) -> None:
        if not login_url.startswith("https://"):
            raise ValueError(f"the login URL must begin with https://, and is {login_url!r}")
        self._http = http
        self._clock = clock
        self._sign_ins = sign_ins
        self._login_url = login_url
        self._deadline = deadline
        self._app_scopes = [f"{graph_url}/.default"]
        self._delegated_scopes = [f"{graph_url}/{permission}" for permission in PERMISSIONS]

    async def as_itself(
        self, directory: str, client_id: str, credentials: ClientSecret | ClientCertificate
    ) -> Grant:
        """App-only: client credentials (RFC 6749 section 4.4), a secret or a signed assertion."""

        def request(http: SignInClient) -> Response:
            application = self._confidential(http, directory, client_id, credentials)
            return _response(application.acquire_token_for_client(self._app_scopes))  # type: ignore[no-untyped-call]  # no types

        return _grant(await self._call(directory, client_id, request))

    async def refreshed(self, directory: str, client_id: str, token: Secret) -> Grant:
        """Delegated: by a refresh token, most often with another one in return."""

        def request(http: SignInClient) -> Response:
            application = self._public(http, directory, client_id)
            return _response(
                application.acquire_token_by_refresh_token(token.value, self._delegated_scopes)  # type: ignore[no-untyped-call]
            )

        return _grant(await self._call(directory, client_id, request))

    async def begin_device_flow(self, directory: str, client_id: str) -> Response:
        """The device authorization request (RFC 8628 section 3.1), and the response to it."""

        def request(http: SignInClient) -> Response:
            application = self._public(http, directory, client_id)
            return _response(application.initiate_device_flow(self._delegated_scopes))  # type: ignore[no-untyped-call]

        return await self._call(directory, client_id, request)

    async def poll_device_flow(
        self, directory: str, client_id: str, device_code: Secret
    ) -> Grant | str:
        """Ask once whether the person has signed in; if not yet, the error that says so."""

        def request(http: SignInClient) -> Response:
            application = self._public(http, directory, client_id)
            # It leaves after one request: the pauses are ours, which can be interrupted.
            return _response(
                application.acquire_token_by_device_flow(  # type: ignore[no-untyped-call]
                    {"device_code": device_code.value}, exit_condition=lambda _: True
                )
            )

        response = await self._call(directory, client_id, request)
        return str(response["error"]) if "error" in response else _grant(response)

    def authority(self, directory: str) -> str:
        """What signs in for *directory*, by the name that it has as a source."""
        return f"{httpx.URL(self._login_url).host}/{directory}"

    async def _call(self, directory: str, client_id: str, request: Request) -> Response:
        http = SignInClient(self._http, self._clock, asyncio.get_running_loop())
        with of_source(self.authority(directory)):
            return await self._sign_ins.run(
                (directory, client_id),
                lambda: _understood(request, http),
                peer=PEER,
                deadline=self._deadline,
            )

    def _confidential(
        self,
        http: SignInClient,
        directory: str,
        client_id: str,
        credentials: ClientSecret | ClientCertificate,
    ) -> ConfidentialClientApplication:
        match credentials:
            case ClientSecret(secret):
                credential: str | dict[str, str] = secret.value
            case ClientCertificate(certificate):
                credential = read_certificate(certificate).for_msal()
        return ConfidentialClientApplication(  # type: ignore[no-untyped-call]
            client_id, client_credential=credential, **self._options(http, directory)
        )

    def _public(
        self, http: SignInClient, directory: str, client_id: str
    ) -> PublicClientApplication:
        return PublicClientApplication(client_id, **self._options(http, directory))  # type: ignore[no-untyped-call]

    def _options(self, http: SignInClient, directory: str) -> dict[str, Any]:
        return {
            "authority": f"{self._login_url}/{quote(directory, safe='')}",
            "http_client": http,
            # The operator names the login endpoint; nothing asks around.
            "instance_discovery": False,
        }


def _understood(request: Request, http: SignInClient) -> Response:
    try:
        return request(http)
    except (ValueError, KeyError):
        # Not chained: the cause may quote the response, and with it a token.
        raise Unavailable("sign-in answered something else than a token") from None


def _response(result: Any) -> Response:  # noqa: ANN401 - msal has no types
    return dict(result)


def _grant(response: Response) -> Grant:
    try:
        return Grant.model_validate(response)
    except ValidationError:
        raise Unavailable("sign-in answered something else than a token") from None
