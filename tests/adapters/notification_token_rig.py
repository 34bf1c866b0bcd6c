"""Entra ID as far as it signs notifications: keys that are published, and tokens signed with
them.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.microsoft.notification_tokens import (
    CHANGE_TRACKING,
    GraphNotificationTokenVerifier,
)
from postroom.application.ports import Unauthenticated

DIRECTORY = "84bd8158-6d4d-4958-8b9f-9d6445542f95"
APPLICATION = "8e460676-ae3f-4b1e-8790-ee0fb5d6148f"
LOGIN = "https://login.microsoftonline.com"
FOR_ALL = LOGIN + "/{tenantid}/v2.0"


@cache
def private_key(name: str) -> rsa.RSAPrivateKey:
    """The key of that *name*: making one takes long."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def published(key_id: str, name: str = "", **changes: object) -> dict[str, Any]:
    """As Entra ID publishes the key of *name* (that of its id, if none is given)."""
    public = private_key(name or key_id).public_key()
    key = jwt.algorithms.RSAAlgorithm.to_jwk(public, as_dict=True)
    return {**key, "kid": key_id, "use": "sig", "issuer": FOR_ALL, **changes}


@dataclass
class Entra:
    """*responses*, if there are any, are given one by one instead of the keys."""

    clock: ManualClock
    keys: list[dict[str, Any]] = field(default_factory=lambda: [published("k1")])
    responses: list[httpx.Response | Exception] = field(default_factory=list)
    requests: int = 0

    def __post_init__(self) -> None:
        self.http = httpx.AsyncClient(transport=httpx.MockTransport(self._respond))
        self.verify = GraphNotificationTokenVerifier(self.http, self.clock, login_url=LOGIN)

    def token(self, *, key: str = "k1", kid: str = "k1", **changes: Any) -> str:  # noqa: ANN401 - claims
        """A token as in Microsoft's documentation; what is changed to None is left out."""
        claims = {name: value for name, value in {**self.claims(), **changes}.items() if value}
        header = json.dumps({"typ": "JWT", "alg": "RS256", "kid": kid}).encode()
        payload = json.dumps(claims).encode()
        signed = b".".join(map(jwt.utils.base64url_encode, (header, payload)))
        algorithm = jwt.algorithms.RSAAlgorithm(jwt.algorithms.RSAAlgorithm.SHA256)
        signature = algorithm.sign(signed, private_key(key))
        return (signed + b"." + jwt.utils.base64url_encode(signature)).decode()

    def claims(self) -> Mapping[str, object]:
        now = int(self.clock.now().timestamp())
        return {
            "aud": APPLICATION,
            "iss": f"https://sts.windows.net/{DIRECTORY}/",
            "iat": now,
            "nbf": now,
            "exp": now + 3600,
            "appid": CHANGE_TRACKING,
            "tid": DIRECTORY,
            "ver": "1.0",
        }

    async def refusal_of(self, token: str) -> str:
        """Why *token* is refused; neither the reason nor a traceback shows the token."""
        with pytest.raises(Unauthenticated) as caught:
            await self.verify(token)
        assert caught.value.__cause__ is None
        assert caught.value.__suppress_context__ or caught.value.__context__ is None
        assert not token or token not in str(caught.value)
        return str(caught.value)

    def _respond(self, request: httpx.Request) -> httpx.Response:
        assert str(request.url) == f"{LOGIN}/common/discovery/v2.0/keys"
        self.requests += 1
        response = (
            self.responses.pop(0) if self.responses else httpx.Response(200, json=self._set())
        )
        if isinstance(response, Exception):
            raise response
        return response

    def _set(self) -> dict[str, Any]:
        return {"keys": self.keys}
