"""Many calls in one request: `multipart/mixed`, each part an HTTP request of its own.

Source: https://developers.google.com/workspace/gmail/api/guides/batch.
"""

from email import message_from_bytes
from email.message import Message
from uuid import uuid4

import httpx
from litestar import Response, post

from postroom.entrypoints.emulators.gmail.calls import Call, TheBackend, invalid
from postroom.entrypoints.emulators.loopback import AsgiApp

MOST_CALLS = 100


@post(["/batch", "/batch/gmail/v1"], status_code=200)
async def batch(request: Call, backend: TheBackend) -> Response[bytes]:
    backend.meet(request, "batch")
    kind = request.headers.get("Content-Type", "").encode()
    whole = message_from_bytes(b"Content-Type: " + kind + b"\r\n\r\n" + await request.body())
    parts = (
        [each for each in whole.get_payload() if isinstance(each, Message)]
        if (whole.get_content_type() == "multipart/mixed")
        else []
    )
    if not parts:
        raise invalid("Failed to parse batch request, error: No parts in the body")
    if len(parts) > MOST_CALLS:
        raise invalid(f"The batch request exceeds the maximum of {MOST_CALLS} calls")
    authorization = request.headers.get("Authorization", "")
    boundary = f"batch_{uuid4().hex}"
    answers = [await _answer(request.app, part, authorization, boundary) for part in parts]
    return Response(
        b"".join(answers) + f"--{boundary}--".encode(),
        headers={"Content-Type": f"multipart/mixed; boundary={boundary}"},
    )


async def _answer(app: AsgiApp, part: Message, authorization: str, boundary: str) -> bytes:
    content = part.get_payload(decode=True)
    inner = content if isinstance(content, bytes) else b""
    line, _, rest = inner.replace(b"\r\n", b"\n").partition(b"\n")
    method, target, *_ = line.decode().split()
    call = message_from_bytes(rest)
    headers = {"Authorization": authorization} | dict(call.items())
    headers.pop("Host", None)
    body = str(call.get_payload()).encode()
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://batch"
    ) as client:
        answer = await client.request(method, target, headers=headers, content=body)
    told = "".join(f"{name}: {value}\r\n" for name, value in answer.headers.items())
    content_id = part.get("Content-ID", "<>").replace("<", "<response-", 1)
    return (
        (
            f"--{boundary}\r\nContent-Type: application/http\r\nContent-ID: {content_id}\r\n\r\n"
            f"HTTP/1.1 {answer.status_code} {answer.reason_phrase}\r\n{told}\r\n"
        ).encode()
        + answer.content
        + b"\r\n"
    )


BATCH = [batch]
