"""Connecting and logging in; what a connection does is in test_imap_connection.py."""

import asyncio
import errno
import logging
import logging.config
import socket
import ssl
from collections.abc import AsyncIterator

import pytest

from postroom.adapters.imap.account import Security
from postroom.adapters.imap.client import ImapClient
from postroom.adapters.imap.errors import BY_CODE, connection_failure_of, failure_of
from postroom.domain.failure import AccessFailed, Failure, Unavailable
from postroom.entrypoints.emulators.imap_server import ImapServer
from postroom.entrypoints.emulators.loopback import HOST
from tests.adapters.imap_rig import AT_ONCE, HASTY, PASSWORD, account
from tests.dovecot import Dovecot
from tests.emulators.scripted_imap import CONTINUED, HANG_UP, scripted_imap
from tests.served_mailbox import DovecotMailbox, ServedMailbox


@pytest.fixture
async def server() -> AsyncIterator[ImapServer]:
    async with ImapServer({"ann": PASSWORD}) as server:
        yield server


async def test_any_user_name_and_password_can_log_in(served: ServedMailbox) -> None:
    """Those of the fixture have spaces, quotes, a backslash and letters beyond ASCII."""
    connection = await ImapClient().connect(served.account)

    assert connection.is_open
    await connection.aclose()


@pytest.mark.parametrize(
    ("user", "password"),
    [("ann", "plain"), ('a "b" \\c', ' "\\" '), ("jürgen", 'p{3}ä "ß'), ("ü", "")],
)
async def test_a_server_without_sasl_is_logged_in_to_as_well(user: str, password: str) -> None:
    async with ImapServer({user: password}, capabilities="IMAP4rev1 IDLE") as server:
        login = account(server.port, username=user, password=password)
        connection = await ImapClient().connect(login)

        assert "LOGIN" in server.seen
        await connection.aclose()


async def test_a_wrong_password_is_for_a_person_to_mend(served: ServedMailbox) -> None:
    wrong = account(served.port, username=served.user, password="wrong-password")

    with pytest.raises(AccessFailed) as failure:
        await ImapClient().connect(wrong)

    assert "check the user name and the password" in failure.value.reason
    assert "wrong-password" not in failure.value.reason
    assert served.user not in failure.value.reason


@pytest.mark.parametrize("password", ["a\r\nb", "a\nb", "a\0b"])
async def test_a_password_cannot_smuggle_in_a_command(server: ImapServer, password: str) -> None:
    with pytest.raises(AccessFailed):
        await ImapClient().connect(account(server.port, password=password))

    assert server.seen == ["CAPABILITY"]


async def test_a_server_that_wants_tls_first_gets_no_password() -> None:
    async with ImapServer({"ann": PASSWORD}, capabilities="IMAP4rev1 LOGINDISABLED") as server:
        with pytest.raises(AccessFailed, match="wants TLS first"):
            await ImapClient().connect(account(server.port))

        assert server.seen == ["CAPABILITY"]


async def test_a_challenge_is_answered_so_that_the_refusal_is_told() -> None:
    """As RFC 7628 section 3.2.3 has it; aioimaplib would wait for ever."""
    responses = {
        "CAPABILITY": ["* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\nTAG OK\r\n"],
        "AUTHENTICATE": ["+ \r\n"],
        CONTINUED: ["+ eyJzdGF0dXMiOiI0MDAifQ==\r\n", "TAG NO [AUTHENTICATIONFAILED] no\r\n"],
    }
    async with asyncio.timeout(AT_ONCE), scripted_imap(responses) as script:
        with pytest.raises(AccessFailed):
            await ImapClient().connect(account(script.port))


# --- TLS ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("security", [Security.TLS, Security.STARTTLS])
async def test_the_connection_is_protected(
    security: Security, serving: ssl.SSLContext, trusting: ssl.SSLContext
) -> None:
    starttls = security is Security.STARTTLS
    async with ImapServer({"ann": PASSWORD}, tls=serving, starttls=starttls) as server:
        connection = await ImapClient(trusting).connect(account(server.port, security))
        opened = await connection.examine("INBOX")

        assert opened.uid_next == 1
        assert connection.protocol.transport.get_extra_info("cipher")
        await connection.aclose()


@pytest.mark.parametrize("security", [Security.TLS, Security.STARTTLS])
async def test_the_connection_to_a_real_server_is_protected(
    security: Security, dovecot: Dovecot, trusting: ssl.SSLContext
) -> None:
    user = DovecotMailbox.on(dovecot.port, dovecot.password, dovecot.kick).user
    port = dovecot.tls_port if security is Security.TLS else dovecot.port
    login = account(port, security, username=user, password=dovecot.password)
    connection = await ImapClient(trusting).connect(login)
    opened = await connection.examine("INBOX")

    assert opened.uid_next == 1
    assert connection.protocol.transport.get_extra_info("cipher")
    await connection.aclose()


@pytest.mark.parametrize("security", [Security.TLS, Security.STARTTLS])
async def test_a_certificate_that_is_not_trusted_is_for_a_person_to_mend(
    security: Security, serving: ssl.SSLContext
) -> None:
    starttls = security is Security.STARTTLS
    async with ImapServer({"ann": PASSWORD}, tls=serving, starttls=starttls) as server:
        with pytest.raises(AccessFailed, match="certificate is not trusted") as failure:
            await ImapClient().connect(account(server.port, security))

        assert "AUTHENTICATE" not in server.seen
        assert isinstance(failure.value.__cause__, ssl.SSLCertVerificationError)


async def test_without_starttls_nobody_logs_in(server: ImapServer) -> None:
    with pytest.raises(AccessFailed, match="offers no STARTTLS"):
        await ImapClient().connect(account(server.port, Security.STARTTLS))

    assert server.seen == ["CAPABILITY"]


async def test_data_between_starttls_and_tls_ends_the_connection(
    trusting: ssl.SSLContext,
) -> None:
    """It could be an attacker's, to be taken for the server's once TLS is on."""
    responses = {
        "CAPABILITY": ["* CAPABILITY IMAP4rev1 STARTTLS\r\nTAG OK\r\n"],
        "STARTTLS": ["TAG OK begin\r\n* CAPABILITY AUTH=PLA"],
    }
    async with scripted_imap(responses) as script:
        with pytest.raises(Unavailable, match="between STARTTLS and TLS"):
            await ImapClient(trusting).connect(account(script.port, Security.STARTTLS))


async def test_a_greeting_cannot_log_us_in(trusting: ssl.SSLContext) -> None:
    """PREAUTH would skip STARTTLS (CVE-2020-12398)."""
    async with scripted_imap({}, greeting="* PREAUTH welcome\r\n") as script:
        with pytest.raises(Unavailable):
            await ImapClient(trusting).connect(account(script.port, Security.STARTTLS))

        assert script.received == []


async def test_a_server_without_tls_on_its_port_is_unavailable(
    server: ImapServer, trusting: ssl.SSLContext
) -> None:
    with pytest.raises(Unavailable, match="no TLS"):
        await ImapClient(trusting).connect(account(server.port, Security.TLS))


# --- Servers that cannot be reached -------------------------------------------------------------


async def test_a_closed_port_is_unavailable() -> None:
    with socket.create_server((HOST, 0)) as closed:
        port = closed.getsockname()[1]

    with pytest.raises(Unavailable, match="ECONNREFUSED"):
        await ImapClient().connect(account(port))


@pytest.mark.parametrize("security", [Security.NONE, Security.TLS])
async def test_a_server_that_says_nothing_is_unavailable_in_time(security: Security) -> None:
    with socket.create_server((HOST, 0)) as silent:
        port = silent.getsockname()[1]
        async with asyncio.timeout(AT_ONCE):
            with pytest.raises(Unavailable, match=r"greet in time|no answer in time"):
                await ImapClient(timeout=HASTY).connect(account(port, security))


async def test_a_server_that_serves_nobody_is_unavailable(server: ImapServer) -> None:
    server.greeting = "BYE too many connections"

    async with asyncio.timeout(AT_ONCE):
        with pytest.raises(Unavailable, match="too many connections"):
            await ImapClient().connect(account(server.port))


async def test_a_server_that_hangs_up_is_unavailable_at_once() -> None:
    async with asyncio.timeout(AT_ONCE), scripted_imap({"CAPABILITY": [HANG_UP]}) as script:
        with pytest.raises(Unavailable):
            await ImapClient().connect(account(script.port))


async def test_a_broken_protocol_ends_the_connection_and_tells_no_password(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """aioimaplib raises the pending command, password and all, into asyncio's log."""
    caplog.set_level(logging.DEBUG)
    async with asyncio.timeout(AT_ONCE), scripted_imap({"LOGIN": ["X99 OK what?\r\n"]}) as script:
        with pytest.raises(Unavailable):
            await ImapClient().connect(account(script.port))

    assert PASSWORD not in caplog.text


async def test_nothing_of_the_traffic_is_logged(
    server: ImapServer, caplog: pytest.LogCaptureFixture
) -> None:
    logging.config.dictConfig({"version": 1, "disable_existing_loggers": False})  # as others do
    caplog.set_level(logging.DEBUG)
    uid = server.deliver("ann", b"Subject: Confidential\r\n\r\n")
    connection = await ImapClient().connect(account(server.port))
    await connection.examine("INBOX")
    await connection.fetch([uid], "BODY.PEEK[]", max_bytes=1000)
    await connection.aclose()

    assert not [record for record in caplog.records if "imap" in record.name]


async def test_a_dead_peer_is_noticed_by_the_operating_system(server: ImapServer) -> None:
    connection = await ImapClient().connect(account(server.port))
    connected = connection.protocol.transport.get_extra_info("socket")

    assert connected.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    assert connected.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 60
    await connection.aclose()


# --- What an answer means -----------------------------------------------------------------------


@pytest.mark.parametrize(("code", "kind"), [(code, kind) for code, (kind, _) in BY_CODE.items()])
@pytest.mark.parametrize("command", ["LOGIN", "EXAMINE", "FETCH"])
def test_a_response_code_says_what_is_to_be_done(
    code: str, kind: type[Failure], command: str
) -> None:
    failure = failure_of(command, "NO", f"[{code}] ann@example.org is not here".encode())

    assert type(failure) is kind
    assert code in failure.reason
    assert command in failure.reason
    assert "ann" not in failure.reason


@pytest.mark.parametrize(
    ("command", "result", "text", "kind"),
    [
        ("LOGIN", "NO", b"LOGIN failed.", AccessFailed),
        ("AUTHENTICATE", "NO", b"[ALERT] Invalid credentials (Failure)", AccessFailed),
        (
            "AUTHENTICATE",
            "NO",
            b"[ALERT] Too many simultaneous connections. (Failure)",
            Unavailable,
        ),
        ("LOGIN", "NO", b"Temporary authentication failure.", Unavailable),
        ("LOGIN", "BAD", b"User is authenticated but not connected.", Unavailable),
        ("EXAMINE", "NO", b"Mailbox doesn't exist: Foo", AccessFailed),
        ("EXAMINE", "NO", b"[SERVERBUG] Internal error", Unavailable),
        ("FETCH", "NO", b"Some messages could not be fetched", Unavailable),
        ("SEARCH", "BAD", b"[CLIENTBUG] what?", Unavailable),
    ],
)
def test_without_a_code_the_command_and_the_words_decide(
    command: str, result: str, text: bytes, kind: type[Failure]
) -> None:
    assert type(failure_of(command, result, text)) is kind


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (socket.gaierror(socket.EAI_NONAME, "?"), "its name is not known"),
        (ConnectionResetError(errno.ECONNRESET, "?"), "ECONNRESET"),
        (OSError("Multiple exceptions: …"), "OSError"),
        (TimeoutError(), "no answer in time"),
    ],
)
def test_an_error_of_the_network_is_unavailable(error: OSError, reason: str) -> None:
    failure = connection_failure_of(error)

    assert type(failure) is Unavailable
    assert reason in failure.reason
