"""The handshake with which an application proves that it wants notifications at a URL.

Source: learn.microsoft.com/graph/change-notifications-delivery-webhooks#notificationurl-validation.
"""

from urllib.parse import quote
from uuid import uuid4

import httpx

from postroom.entrypoints.emulators.graph.wire import GraphError

HANDSHAKE_SECONDS = 10.0


class Handshakes:
    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def shake(self, url: str) -> None:
        """The application repeats a token, decoded, as text. Raises GraphError if it does
        not.
        """
        token = f"Validation: Testing client application reachability for subscription {uuid4()}"
        mark = "&" if "?" in url else "?"
        try:
            answer = await self._client.post(
                f"{url}{mark}validationToken={quote(token, safe='')}",
                headers={"Content-Type": "text/plain; charset=utf-8"},
                timeout=HANDSHAKE_SECONDS,
            )
        except httpx.TimeoutException:
            raise _invalid("Subscription validation request timed out.") from None
        except httpx.RequestError:
            raise _invalid("Subscription validation request failed.") from None
        media_type = answer.headers.get("Content-Type", "").partition(";")[0]
        if (answer.status_code, media_type, answer.text) != (200, "text/plain", token):
            raise _invalid(
                "Subscription validation request failed. Notification endpoint must respond with "
                "200 OK to validation request."
            )


def _invalid(message: str) -> GraphError:
    return GraphError(400, "ValidationError", message)
