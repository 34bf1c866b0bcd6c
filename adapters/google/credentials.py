"""What google-auth signs a mailbox in with: a service account's key, or a person's consent."""

import json

import httpx
from google.auth.exceptions import GoogleAuthError
from google.oauth2.credentials import Credentials as PersonCredentials
from google.oauth2.service_account import Credentials as ServiceCredentials

from postroom.adapters.google.account import GoogleAccount
from postroom.adapters.google.token_transport import TokenTransport
from postroom.domain.failure import AccessFailed

SCOPE = "https://www.googleapis.com/auth/gmail.readonly"

TOKEN_URL = "https://oauth2.googleapis.com/token"  # noqa: S105 - no password


class SignInCredentials:
    """Those of *account*, for the user *subject*; a service account may act for nobody ("").

    A person's are refreshed at *token_url*. *account* has the refresh token that took the place of
    the one that was *given*, if one did.
    """

    def __init__(
        self,
        account: GoogleAccount,
        subject: str,
        token_url: str = TOKEN_URL,
        *,
        scope: str = SCOPE,
    ) -> None:
        self.given = self.account = account
        self.subject = subject
        self._scope = scope
        self._token_url = token_url
        self._credentials: ServiceCredentials | PersonCredentials | None = None

    def are_of(self, account: GoogleAccount, subject: str) -> bool:
        """Whether they open *account*, as it was given, or is by now."""
        access = account.service_account, account.person
        ours = [(each.service_account, each.person) for each in (self.given, self.account)]
        return access in ours and subject == self.subject

    @property
    def token(self) -> str:
        """Empty if there is none that will be good for a while."""
        credentials = self._credentials
        return str(credentials.token) if credentials and credentials.valid else ""

    @property
    def refresh_token(self) -> str:
        """A person's, as it is since the last refresh; it may have been replaced."""
        return str(getattr(self._credentials, "refresh_token", None) or "")

    def refresh(self, transport: TokenTransport) -> str:
        """A new token. Blocks. Raises AccessFailed, Throttled, Unavailable."""
        self._credentials = self._credentials or self._read()
        try:
            self._credentials.refresh(transport)  # type: ignore[no-untyped-call] # google-auth has no types
        except GoogleAuthError as error:  # it would not even ask
            raise AccessFailed("google-auth cannot use the credentials") from error
        return str(self._credentials.token)

    def _read(self) -> ServiceCredentials | PersonCredentials:
        if person := self.account.person:
            return PersonCredentials(  # type: ignore[no-untyped-call]
                None,
                refresh_token=person.refresh_token.value or None,
                token_uri=self._token_url,
                client_id=person.client_id,
                client_secret=person.client_secret.value,
                scopes=[self._scope],
            )
        try:
            return ServiceCredentials.from_service_account_info(  # type: ignore[no-any-return, no-untyped-call]
                json.loads(self.account.service_account.value),
                subject=self.subject or None,
                scopes=[self._scope],
            )
        except (ValueError, TypeError, AttributeError) as error:
            raise AccessFailed("the service account's key is no JSON key of Google's") from error


def token_host(account: GoogleAccount, token_url: str = TOKEN_URL) -> str:
    """What signs *account* in; Google's own where its key does not say."""
    if account.person:
        return httpx.URL(token_url).host
    try:
        return httpx.URL(json.loads(account.service_account.value)["token_uri"]).host
    except (ValueError, TypeError, KeyError, httpx.InvalidURL):
        return httpx.URL(TOKEN_URL).host
