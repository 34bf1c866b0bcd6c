"""Connects to an IMAP server and logs in."""

import asyncio
import ssl
from base64 import b64encode
from dataclasses import dataclass, field
from datetime import timedelta

from aioimaplib import aioimaplib

from postroom.adapters.http.downloads import DownloadLimits
from postroom.adapters.imap.account import ImapAccount, Security
from postroom.adapters.imap.connection import Connection
from postroom.adapters.imap.errors import ConnectionLost, connection_failure_of
from postroom.adapters.imap.protocol import Protocol
from postroom.domain.failure import AccessFailed, Unavailable


@dataclass(frozen=True, slots=True)
class ImapClient:
    """*tls* says whose certificates are trusted. *timeout* is that of each step and command.

    What is fetched comes as *downloads* says.
    """

    tls: ssl.SSLContext = field(default_factory=ssl.create_default_context)
    timeout: timedelta = timedelta(seconds=30)
    downloads: DownloadLimits = field(default_factory=DownloadLimits)

    async def connect(self, account: ImapAccount) -> Connection:
        """A connection to the account's server, logged in. Raises Unavailable, AccessFailed."""
        connection = Connection(await self._open(account), self.timeout, self.downloads)
        try:
            await self._greet(connection)
            if account.security is Security.STARTTLS:
                await self._start_tls(connection, account.host)
            await connection.request_capabilities()
            await _log_in(connection, account)
            await connection.request_capabilities()
        except BaseException:
            connection.abort()
            raise
        return connection

    async def _open(self, account: ImapAccount) -> Protocol:
        tls = self.tls if account.security is Security.TLS else None
        try:
            async with asyncio.timeout(self.timeout.total_seconds()):
                _, protocol = await asyncio.get_running_loop().create_connection(
                    Protocol, account.host, account.port, ssl=tls, happy_eyeballs_delay=0.25
                )
        except OSError as error:
            raise connection_failure_of(error) from error
        return protocol

    async def _greet(self, connection: Connection) -> None:
        """Wait for `* OK`. PREAUTH is not taken: it would skip STARTTLS, and our own login."""
        protocol = connection.protocol
        try:
            async with asyncio.timeout(self.timeout.total_seconds()):
                await protocol.greeted.wait()
        except TimeoutError as error:
            raise Unavailable("the IMAP server did not greet in time", answered=False) from error
        if not protocol.greeting:
            raise ConnectionLost("the IMAP server hung up before it greeted", answered=False)
        if not protocol.greeting.upper().startswith(b"* OK"):
            reason = "the IMAP server serves nobody now (too many connections?)"
            raise Unavailable(reason, answered=False)

    async def _start_tls(self, connection: Connection, host: str) -> None:
        """RFC 3501 section 6.2.1; never goes on without TLS."""
        protocol = connection.protocol
        await connection.request_capabilities()
        if "STARTTLS" not in connection.capabilities:
            raise AccessFailed("the IMAP server offers no STARTTLS: set the security to tls")
        await connection.command("STARTTLS")
        plain = protocol.transport
        plain.pause_reading()
        if protocol.incomplete_line:  # what came before TLS may be an attacker's (CVE-2021-33515)
            raise Unavailable("the IMAP server sent data between STARTTLS and TLS")
        try:
            async with asyncio.timeout(self.timeout.total_seconds()):
                secured = await asyncio.get_running_loop().start_tls(
                    plain, protocol, self.tls, server_hostname=host
                )
        except OSError as error:
            raise connection_failure_of(error) from error
        if secured is None:
            raise ConnectionLost("the connection to the IMAP server was lost in STARTTLS")
        protocol.transport = secured


async def _log_in(connection: Connection, account: ImapAccount) -> None:
    user, password = account.username, account.password.value
    if any(character in user + password for character in "\0\r\n"):
        raise AccessFailed("the user name or the password holds a line break or NUL")
    if "AUTH=PLAIN" in connection.capabilities:
        initial = b64encode(f"\0{user}\0{password}".encode())  # RFC 4616: UTF-8, any character
        await connection.command("AUTHENTICATE", "PLAIN", continuations=[initial])
    elif "LOGINDISABLED" in connection.capabilities:
        raise AccessFailed("the IMAP server wants TLS first: set the security to tls or starttls")
    elif (user + password).isascii():
        quoted = (aioimaplib.quoted(text) for text in (user, password))
        await connection.command("LOGIN", *quoted)
    else:
        name, secret = user.encode(), password.encode()
        continuations = [name + b" {%d}" % len(secret), secret]  # as literals: quoted text is ASCII
        await connection.command("LOGIN", f"{{{len(name)}}}", continuations=continuations)
    connection.protocol.state = aioimaplib.AUTH
