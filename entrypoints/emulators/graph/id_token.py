"""Id tokens: who has signed in.

Source: learn.microsoft.com/entra/identity-platform/id-token-claims-reference.
"""

import base64
import json
import secrets
from datetime import datetime, timedelta

from postroom.entrypoints.emulators.graph.wire import guid

LIFETIME = timedelta(hours=1)


def id_token(directory: str, client_id: str, user: str, now: datetime) -> str:
    """With no signature to speak of: who gets it from the token endpoint need not check it."""
    claims = {
        "ver": "2.0",
        "iss": f"https://login.microsoftonline.com/{directory}/v2.0",
        "sub": secrets.token_urlsafe(32),
        "aud": client_id,
        "iat": int(now.timestamp()),
        "nbf": int(now.timestamp()),
        "exp": int((now + LIFETIME).timestamp()),
        "oid": guid(user.lower()),
        "preferred_username": user,
        "tid": directory,
    }
    parts = (b'{"typ":"JWT","alg":"RS256"}', json.dumps(claims).encode(), b"signature")
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)
