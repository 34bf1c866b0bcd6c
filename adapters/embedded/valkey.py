"""A Valkey server that answers a write only when it is on disk."""

import signal
import socket
import subprocess
from pathlib import Path
from typing import ClassVar
from urllib.parse import quote

from postroom.adapters.embedded.account import CURRENT_USER
from postroom.adapters.embedded.binaries import valkey_command
from postroom.adapters.embedded.server import EmbeddedServer
from postroom.adapters.embedded.sockets import make_private, socket_directory


class EmbeddedValkey(EmbeddedServer):
    """Valkey, or any server of its kind (*binary*), on a Unix socket that only this user may use.

    `appendfsync always` is the durability that can be relied on: Valkey up to 9.1 answers WAITAOF
    before the fsync when that is done once a second.
    """

    name: ClassVar[str] = "valkey-server"
    stop_signal: ClassVar[signal.Signals] = signal.SIGTERM
    remedy: ClassVar[str] = "mend POSTROOM_VALKEY_SERVER, or set POSTROOM_REDIS_URL"

    def __init__(self, home: Path, binary: Path | None = None) -> None:
        super().__init__(home)
        self.binary = binary
        self.socket = socket_directory(self.home, "valkey.sock") / "valkey.sock"

    @property
    def url(self) -> str:
        return f"unix://{quote(str(self.socket))}?db=0"

    def answers(self) -> bool:
        """A server that still reads its data says -LOADING."""
        try:
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(1)
                client.connect(str(self.socket))
                client.sendall(b"PING\r\n")
                return client.recv(64).startswith(b"+PONG")
        except OSError:
            return False

    def _spawn(self, lock: int) -> subprocess.Popen[bytes]:
        make_private(self.socket.parent, self.home)
        settings = {
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
        options = [word for name, value in settings.items() for word in (f"--{name}", value)]
        program = [str(self.binary)] if self.binary else valkey_command()
        return CURRENT_USER.spawn([*program, *options], cwd=self.home, log=self.log, lock=lock)

    def _pid(self) -> int:
        return int((self.home / "valkey.pid").read_text())
