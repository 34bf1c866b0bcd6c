"""IMAP servers for tests: our scriptable one always, and Debian's Dovecot where installed.

A pytest plugin (see conftest.py), after the manner of engines.py. Dovecot takes any user name, so
each test has users of its own.
"""

import contextlib
import grp
import os
import pwd
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self

import pytest

from postroom.entrypoints.emulators.imap_server import ImapServer
from postroom.entrypoints.emulators.loopback import HOST, issue_certificate
from tests.served_mailbox import DovecotMailbox, FakeMailbox, ServedMailbox

# In CI a missing server fails the tests that need it.
_DOVECOT = shutil.which("dovecot", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
IMAP_SERVERS = ["fake", *(["dovecot"] if os.environ.get("CI") or _DOVECOT else [])]

_CONFIGURATION = """
base_dir = {home}/run
state_dir = {home}/state
log_path = {home}/dovecot.log
protocols = imap
listen = 127.0.0.1
ssl = yes
ssl_cert = <{certificate}
ssl_key = <{certificate}
disable_plaintext_auth = no
auth_mechanisms = plain
auth_username_chars =
auth_failure_delay = 0
default_internal_user = {mail_user}
default_internal_group = {mail_group}
default_login_user = {login_user}
mail_location = maildir:{home}/mail/%Mu
mail_uid = {mail_uid}
mail_gid = {mail_gid}
first_valid_uid = 0
first_valid_gid = 0
mail_fsync = never
mail_max_userip_connections = 0
namespace inbox {{
  inbox = yes
  separator = /
}}
passdb {{
  driver = passwd-file
  args = username_format=any {home}/passwords
}}
userdb {{
  driver = static
  args = uid={mail_uid} gid={mail_gid} home={home}/mail/%Mu
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    address = 127.0.0.1
    port = {port}
  }}
  inet_listener imaps {{
    address = 127.0.0.1
    port = {tls_port}
  }}
}}
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  chroot =
}}
"""


@dataclass
class Dovecot:
    """Runs a Dovecot of its own below *home*, as root or as anybody, with one password for all."""

    home: Path
    password: str
    certificate: Path
    port: int = 0
    tls_port: int = 0

    def __enter__(self) -> Self:
        if _DOVECOT is None:
            raise FileNotFoundError("Dovecot is not installed: apt-get install dovecot-imapd")
        with socket.create_server((HOST, 0)) as one, socket.create_server((HOST, 0)) as other:
            self.port, self.tls_port = (each.getsockname()[1] for each in (one, other))
        configuration = self._configure()
        with (self.home / "stderr").open("wb") as stderr:
            self._process = subprocess.Popen([_DOVECOT, "-F", "-c", configuration], stderr=stderr)
        self._wait_until_up()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def kick(self, user: str) -> None:
        """End all sessions of *user*."""
        doveadm = Path(_DOVECOT or "").resolve().parent.parent / "bin" / "doveadm"
        command = [str(doveadm), "-c", str(self.home / "dovecot.conf"), "kick", user]
        subprocess.run(command, check=True, capture_output=True)

    def _configure(self) -> Path:
        root, me = os.geteuid() == 0, pwd.getpwuid(os.geteuid())
        mail = pwd.getpwnam("dovecot") if root else me
        self.home.mkdir(mode=0o755)
        for name in ("run", "state", "mail"):
            (self.home / name).mkdir()
        if root:
            os.chown(self.home / "mail", mail.pw_uid, mail.pw_gid)
        (self.home / "passwords").write_text(f"any:{{PLAIN}}{self.password}\n")
        configuration = self.home / "dovecot.conf"
        configuration.write_text(
            _CONFIGURATION.format(
                home=self.home,
                certificate=self.certificate,
                port=self.port,
                tls_port=self.tls_port,
                mail_user=mail.pw_name,
                mail_group=grp.getgrgid(mail.pw_gid).gr_name,
                mail_uid=mail.pw_uid,
                mail_gid=mail.pw_gid,
                login_user="dovenull" if root else me.pw_name,
            )
        )
        return configuration

    def _wait_until_up(self, patience: float = 10) -> None:
        end = time.monotonic() + patience
        while time.monotonic() < end:
            if self._process.poll() is not None:
                raise RuntimeError((self.home / "stderr").read_text())
            with contextlib.suppress(OSError), socket.create_connection((HOST, self.port)):
                return
            time.sleep(0.01)
        raise TimeoutError((self.home / "dovecot.log").read_text())


def pytest_report_header() -> list[str]:
    missing = sorted({"dovecot"}.difference(IMAP_SERVERS))
    return [
        f"IMAP servers: {', '.join(IMAP_SERVERS)}",
        *(f"NOT INSTALLED, and so not tested on: {name}" for name in missing),
    ]


@pytest.fixture(scope="session")
def imap_home() -> Iterator[Path]:
    with TemporaryDirectory(prefix="postroom-imap-", ignore_cleanup_errors=True) as directory:
        Path(directory).chmod(0o755)
        yield Path(directory)


@pytest.fixture(scope="session")
def imap_certificate(imap_home: Path) -> Path:
    """A certificate for the loopback address, and the key to it, in one file."""
    return issue_certificate(imap_home / "certificate.pem")


@pytest.fixture
def trusting(imap_certificate: Path) -> ssl.SSLContext:
    """What a client needs to trust the servers here."""
    return ssl.create_default_context(cafile=imap_certificate)


@pytest.fixture
def serving(imap_certificate: Path) -> ssl.SSLContext:
    """What a server needs to be trusted."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(imap_certificate)
    return context


@pytest.fixture(scope="session")
def dovecot(imap_home: Path, imap_certificate: Path) -> Iterator[Dovecot]:
    with Dovecot(imap_home / "dovecot", 'pä ss"wo\\rd', imap_certificate) as server:
        yield server


@pytest.fixture(params=IMAP_SERVERS)
async def served(request: pytest.FixtureRequest) -> AsyncIterator[ServedMailbox]:
    """A new user's mailbox on each IMAP server in turn."""
    async with new_mailbox(request.param, request) as mailbox:
        yield mailbox


@asynccontextmanager
async def new_mailbox(server: str, request: pytest.FixtureRequest) -> AsyncIterator[ServedMailbox]:
    """A new user's mailbox on the IMAP server of that name."""
    if server == "fake":
        async with ImapServer() as fake:
            yield FakeMailbox.on(fake)
    else:
        dovecot: Dovecot = request.getfixturevalue("dovecot")
        yield DovecotMailbox.on(dovecot.port, dovecot.password, dovecot.kick)
