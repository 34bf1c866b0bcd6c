"""Runs an ASGI application on a loopback port, in the event loop of the test, plain or by TLS."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import uvicorn
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

AsgiApp = Callable[[Any, Any, Any], Awaitable[None]]
"""Whoever writes ASGI's types down, writes them differently."""

HOST = "127.0.0.1"


@asynccontextmanager
async def serve(
    app: AsgiApp, *, certificate: Path | None = None, port: int = 0
) -> AsyncIterator[str]:
    """Serve *app* while the block lasts; gives its base URL, https if there is a *certificate*.

    Clients trust the certificate by its file: `ssl.create_default_context(cafile=…)`, or the
    environment's SSL_CERT_FILE. Close them before the block ends, or it waits for a second.
    """
    listener = socket.create_server((HOST, port))
    config = uvicorn.Config(
        app,
        access_log=False,
        date_header=False,  # the emulators have clocks of their own
        lifespan="off",
        log_config=None,
        ssl_certfile=certificate,
        timeout_graceful_shutdown=1,
        ws="none",
    )
    server = _Server(config)
    # The socket listens already, so a client that comes before the server is up only waits.
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield f"{'https' if certificate else 'http'}://{HOST}:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await serving


def issue_certificate(file: Path) -> Path:
    """Write a self-signed certificate for the loopback address, with its key, to *file* (PEM)."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Postroom's emulators")])
    builder = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2049, 1, 1, tzinfo=UTC))
        .add_extension(
            x509.SubjectAlternativeName(
                [x509.DNSName("localhost"), x509.IPAddress(IPv4Address(HOST))]
            ),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    public = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    file.write_bytes(private + public)
    return file


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals alone: they are the test runner's."""
        yield
