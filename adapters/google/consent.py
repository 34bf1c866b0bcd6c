"""The question whether we may read a person's mail, and the answer: RFC 6749, 7636 (PKCE) and 8252.

https://developers.google.com/identity/protocols/oauth2/native-app. A device code would be simpler
for the person, but Google gives none for the scopes of Gmail.
"""

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlencode

from postroom.adapters.google.credentials import SCOPE
from postroom.adapters.google.errors import code_of
from postroom.domain.failure import AccessFailed

CONSENT_URL = "https://accounts.google.com/o/oauth2/v2/auth"


def _random() -> str:
    return secrets.token_urlsafe(48)


@dataclass(frozen=True, slots=True)
class ConsentRequest:
    """*state* shows that an answer is to this request, *verifier* that a code is redeemed by us."""

    client_id: str
    login_hint: str
    state: str = field(default_factory=_random, repr=False)
    verifier: str = field(default_factory=_random, repr=False)

    def uri(self, consent_url: str, redirect_uri: str) -> str:
        digest = hashlib.sha256(self.verifier.encode()).digest()
        query = {
            "client_id": self.client_id,
            "redirect_uri": redirect_uri,
            "response_type": "code",
            "scope": SCOPE,
            "state": self.state,
            "code_challenge": base64.urlsafe_b64encode(digest).decode().rstrip("="),
            "code_challenge_method": "S256",
            "access_type": "offline",
            "prompt": "consent",  # without, no refresh token comes the second time
            "login_hint": self.login_hint,
        }
        return f"{consent_url}?{urlencode(query)}"

    def is_answered_by(self, query: str) -> bool:
        return hmac.compare_digest(_first(query, "state").encode(), self.state.encode())

    def code_in(self, query: str) -> str:
        """The code of an answer to this request. Raises AccessFailed if it is a no."""
        if error := _first(query, "error"):
            raise AccessFailed(f"sign-in answered {code_of(error)}".rstrip())
        if code := _first(query, "code"):
            return code
        raise AccessFailed("sign-in answered without a code")


def _first(query: str, name: str) -> str:
    try:
        return parse_qs(query, max_num_fields=100).get(name, [""])[0]
    except ValueError:
        return ""
