"""Many calls in one request: `multipart/mixed`, each part an HTTP request of its own.

Source: https://developers.google.com/workspace/gmail/api/guides/batch.
"""

from dataclasses import dataclass
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
    calls = [_Call.of(part) for part in _parts(request, await request.body())]
    if not calls:
        raise invalid("Failed to parse batch request, error: No parts in the body")
    if len(calls) > MOST_CALLS:
        raise invalid(f"The batch request exceeds the maximum of {MOST_CALLS} calls")
    boundary = f"batch_{uuid4().hex}"
    authorization = request.headers.get("Authorization", "")
    app: AsgiApp = request.app
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app)) as client:
        answers = [await each.answer(client, authorization) for each in calls]
    parts = [f"--{boundary}\r\n".encode() + answer for answer in answers]
    return Response(
        b"".join(parts) + f"--{boundary}--".encode(),
        headers={"Content-Type": f"multipart/mixed; boundary={boundary}"},
    )


@dataclass(frozen=True)
class _Call:
    id: str
    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @classmethod
    def of(cls, part: Message) -> "_Call":
        """Raises GoogleError."""
        content = part.get_payload(decode=True)
        whole = content.replace(b"\r\n", b"\n") if isinstance(content, bytes) else b""
        line, _, rest = whole.partition(b"\n")
        try:
            method, target, _ = line.decode("ascii").split()
        except ValueError:
            raise invalid("Failed to parse batch request, error: Malformed part") from None
        headers = {name.lower(): value for name, value in message_from_bytes(rest).items()}
        headers.pop("host", None)
        body = rest.partition(b"\n\n")[2]
        return cls(part.get("Content-ID", "<>"), method, target, headers, body)

    async def answer(self, client: httpx.AsyncClient, authorization: str) -> bytes:
        """As a part, without its boundary; *authorization* is the batch's own."""
        headers = {"authorization": authorization} | self.headers
        headers["content-length"] = str(len(self.body))
        answer = await client.request(
            self.method, f"http://batch{self.target}", headers=headers, content=self.body
        )
        lines = [
            "Content-Type: application/http",
            f"Content-ID: {self.id.replace('<', '<response-', 1)}",
            "",
            f"HTTP/1.1 {answer.status_code} {answer.reason_phrase}",
            *(f"{name}: {value}" for name, value in answer.headers.items()),
            "",
        ]
        return "\r\n".join([*lines, ""]).encode() + answer.content + b"\r\n"


def _parts(request: Call, body: bytes) -> list[Message]:
    kind = request.headers.get("Content-Type", "").encode()
    whole = message_from_bytes(b"Content-Type: " + kind + b"\r\n\r\n" + body)
    parts = whole.get_payload()
    return [each for each in parts if isinstance(each, Message)]


BATCH = [batch]
