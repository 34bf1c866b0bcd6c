"""The body of a request, as it came, up to a limit.

Litestar reads bodies too. It takes an upload that is broken off for an internal error, and as long
as it takes to read what is in a notification.
"""

from collections.abc import Mapping

from litestar.types import Receive

from postroom.entrypoints.api.problems import TOO_LARGE, HungUp


async def read_body(receive: Receive, headers: Mapping[str, str], limit: int) -> bytes:
    """*limit* is in bytes. Raises the problem `too-large`, if possible unread; HungUp."""
    announced = headers.get("content-length", "")
    if announced.isdecimal() and int(announced[:20]) > limit:
        raise TOO_LARGE("The body is larger than is allowed.")
    body, size = [], 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise HungUp
        body.append(message["body"])
        size += len(message["body"])
        if size > limit:
            raise TOO_LARGE("The body is larger than is allowed.")
        if not message["more_body"]:
            return body[0] if len(body) == 1 else b"".join(body)
