"""The page that asks a person for consent; here the answer is known before it is shown.

A request that Google would show an error page for is answered by one (400 or 401, no redirect);
the person's own "no" is `error=access_denied` at the redirect URI.
Source: https://developers.google.com/identity/protocols/oauth2/native-app#step-2:-send-a-request-to-googles-oauth-2.0-server.
"""

from collections.abc import Collection, Mapping
from urllib.parse import urlencode, urlsplit

from postroom.application.ports import Clock
from postroom.entrypoints.emulators.gmail.oauth_clients import Consent, OAuthClient, OAuthClients

_CHALLENGE = range(43, 129)


class ErrorPage(Exception):
    """What the person sees in place of the question."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(f"Error {status}: {code}")
        self.status = status


class ConsentPage:
    """*granting*, if it is set, is all that the person ticks of the scopes."""

    def __init__(self, clock: Clock, clients: OAuthClients) -> None:
        self.person = ""
        self.granting: frozenset[str] | None = None
        self.denying = False
        self._clock = clock
        self._clients = clients

    def answer(self, query: Mapping[str, str], addresses: Collection[str]) -> str:
        """The URL to which the browser is sent. Raises ErrorPage."""
        client = self._client(query)
        scopes = frozenset(query.get("scope", "").split())
        if not scopes:
            raise ErrorPage(400, "invalid_request")
        address = self.person or query.get("login_hint", "")
        if address not in addresses:
            raise ErrorPage(400, "invalid_request")
        state = {"state": query["state"]} if "state" in query else {}
        if self.denying:
            return _back(query, {"error": "access_denied"} | state)
        consent = self._consent(query, client, address, self._granted(scopes))
        answers = {"code": self._clients.code(consent), "scope": " ".join(sorted(consent.scopes))}
        return _back(query, state | answers)

    def _client(self, query: Mapping[str, str]) -> OAuthClient:
        client = self._clients.find(query.get("client_id", ""))
        if client is None:
            raise ErrorPage(401, "invalid_client")
        if not client.may_redirect_to(query.get("redirect_uri", "")):
            raise ErrorPage(400, "redirect_uri_mismatch")
        if query.get("response_type") != "code":
            raise ErrorPage(400, "unsupported_response_type")
        return client

    def _consent(
        self,
        query: Mapping[str, str],
        client: OAuthClient,
        address: str,
        scopes: frozenset[str],
    ) -> Consent:
        method, challenge = (
            query.get("code_challenge_method", "plain"),
            query.get("code_challenge", ""),
        )
        if method not in ("S256", "plain") or (challenge and len(challenge) not in _CHALLENGE):
            raise ErrorPage(400, "invalid_request")
        known = self._clients.refreshes(client.id, address)
        offline = query.get("access_type") == "offline"
        return Consent(
            client=client,
            address=address,
            scopes=scopes,
            redirect_uri=query["redirect_uri"],
            challenge=challenge,
            is_plain=method == "plain",
            offline=offline and (not known or "consent" in query.get("prompt", "").split()),
            at=self._clock.now(),
        )

    def _granted(self, scopes: frozenset[str]) -> frozenset[str]:
        return scopes if self.granting is None else scopes & self.granting


def _back(query: Mapping[str, str], answers: Mapping[str, str]) -> str:
    uri = query["redirect_uri"]
    return f"{uri}{'&' if urlsplit(uri).query else '?'}{urlencode(answers)}"
