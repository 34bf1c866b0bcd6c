"""What is said of a call that got no answer: which of its parts failed, and nothing of its URL."""

import asyncio
import errno
import socket
import ssl
from datetime import UTC, datetime
from ipaddress import IPv4Address
from itertools import pairwise
from pathlib import Path

import httpcore
import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.webhook.caller import WebhookCaller
from postroom.adapters.webhook.errors import answer_without_reply
from postroom.domain.handover.answer import Answer, Failed, Unreachable
from tests.adapters.webhook_rig import listening, webhook_rig
from tests.calling import application, call_of
from tests.certificates import make_certificates

SECRETS = ("secret-of-the-url", "inbound")


def because(*errors: BaseException) -> BaseException:
    """The first of *errors*, which was raised for the second, which …"""
    for error, cause in pairwise(errors):
        error.__cause__ = cause
    return errors[0]


@pytest.mark.parametrize(
    ("cause", "why"),
    [
        (socket.gaierror(-2, "secret-of-the-url"), "its name cannot be looked up (DNS)"),
        (UnicodeError("secret-of-the-url"), "its name cannot be looked up (DNS)"),
        (ConnectionRefusedError(), "it refuses connections"),
        (ConnectionResetError(), "it ended the connection"),
        (OSError(errno.ENETUNREACH, "secret-of-the-url"), "there is no route to it"),
        (OSError(errno.EHOSTUNREACH, ""), "there is no route to it"),
        (TimeoutError(), "no connection in time"),
        (OSError(errno.EMFILE, "secret-of-the-url"), "no connection (ConnectError)"),
        (ZeroDivisionError("secret-of-the-url"), "no connection (ConnectError)"),
    ],
)
def test_a_connection_that_failed_says_why(cause: Exception, why: str) -> None:
    error = because(httpcore.ConnectError("secret-of-the-url"), OSError("all failed"), cause)

    assert isinstance(error, Exception)
    assert answer_without_reply(error, sent=False) == Unreachable(
        reason=f"no call was possible: {why}"
    )


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (TimeoutError(), "the application did not answer in time"),
        (httpcore.ReadError("secret-of-the-url"), "the call broke off: ReadError"),
        (httpcore.RemoteProtocolError("secret"), "the call broke off: RemoteProtocolError"),
        (ssl.SSLError(1, "secret"), "the call broke off: SSLError"),
    ],
)
def test_once_a_byte_may_have_gone_out_the_end_is_not_known(error: Exception, reason: str) -> None:
    assert answer_without_reply(error, sent=True) == Failed(reason=reason, sure=False)


async def called(url: str, tls: ssl.SSLContext | None = None) -> Answer:
    tls = tls or httpx.create_ssl_context()
    async with WebhookCaller(
        ManualClock(), content_token=lambda _: "t", version="1", tls=tls
    ) as caller:
        (answer,) = await caller.call(application(url), [call_of()])
    assert isinstance(answer, Unreachable)
    assert not any(secret in answer.reason for secret in SECRETS)
    return answer


async def test_a_port_that_nobody_listens_at() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    answer = await called(f"http://127.0.0.1:{port}/inbound?token=secret-of-the-url")

    assert answer == Unreachable(reason="no call was possible: it refuses connections")


async def test_a_name_that_nobody_knows() -> None:
    async with webhook_rig() as rig:
        rig.names.failure = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        answers = await rig.caller.call(application(), [call_of()])

    assert answers == [
        Unreachable(reason="no call was possible: its name cannot be looked up (DNS)")
    ]


async def test_a_name_that_cannot_be_one() -> None:
    answer = await called(f"http://{'a' * 64}.example/inbound")

    assert answer == Unreachable(reason="no call was possible: its name cannot be looked up (DNS)")


async def test_a_server_that_does_not_speak_tls() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example ESMTP\r\n")
        await reader.read()

    async with listening(talk) as (host, port):
        answer = await called(f"https://{host}:{port}/inbound?token=secret-of-the-url")

    assert isinstance(answer, Unreachable)
    assert answer.reason.startswith("no call was possible: TLS failed (")


async def test_a_certificate_that_nobody_has_signed_whom_we_trust(tmp_path: Path) -> None:
    files = make_certificates(tmp_path / "tls")
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(files.server, files.server_key)

    answer = await called_by_tls(server)

    assert answer == Unreachable(
        reason="no call was possible: its certificate is signed by an authority that is not trusted"
    )


async def test_a_certificate_for_another_address(tmp_path: Path) -> None:
    name = x509.DNSName("crm.example")
    server, trust = with_certificate(tmp_path, name, until=datetime(2049, 1, 1, tzinfo=UTC))

    answer = await called_by_tls(server, trust)

    assert isinstance(answer, Unreachable)
    assert "its certificate is for another" in answer.reason


async def test_a_certificate_that_has_expired(tmp_path: Path) -> None:
    address = x509.IPAddress(IPv4Address("127.0.0.1"))
    server, trust = with_certificate(tmp_path, address, until=datetime(2020, 2, 1, tzinfo=UTC))

    answer = await called_by_tls(server, trust)

    assert answer == Unreachable(reason="no call was possible: its certificate has expired")


async def called_by_tls(server: ssl.SSLContext, trust: ssl.SSLContext | None = None) -> Answer:
    async def say_nothing(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    async with listening(say_nothing, server) as (host, port):
        return await called(f"https://{host}:{port}/inbound?token=secret-of-the-url", trust)


def with_certificate(
    home: Path, subject: x509.GeneralName, *, until: datetime
) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server with a certificate of its own for *subject*, and a client that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    names = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "crm")])
    certificate = (
        x509.CertificateBuilder(names, names, key.public_key(), x509.random_serial_number())
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(until)
        .add_extension(x509.SubjectAlternativeName([subject]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = home / "server.pem"
    file.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        + certificate.public_bytes(Encoding.PEM)
    )
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(file)
    return server, ssl.create_default_context(cafile=file)
