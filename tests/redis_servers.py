"""Redis servers on loopback ports, alone, with a Sentinel, or as a cluster: to be ill-treated.

What adapters/embedded does not start: it has one server, on a Unix socket.
"""

import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, Self

import redis
from redis.crc import key_slot

from postroom.adapters.redis.scripts import root_of

WITHIN = 30
"""Seconds in which a server is up, or a cluster agrees: a bound, not a wait."""

SLOTS = 16384
HOST = "127.0.0.1"
SERVICE = "mail"
"""What the Sentinels call the primary and its replicas."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def until(done: Callable[[], object], within: float = WITHIN) -> None:
    """Raises TimeoutError. An error of Redis means: not yet."""
    end = time.monotonic() + within
    while time.monotonic() < end:
        with suppress(redis.RedisError):
            if done():
                return
        time.sleep(0.02)
    raise TimeoutError("a server is not as it should be")


class RedisProcess:
    """A server that keeps its data in *home*, and may be killed and started again."""

    def __init__(self, binary: Path, home: Path, **settings: str) -> None:
        self.binary = binary
        self.home = home
        self.port = free_port()
        self.settings = {
            "bind": HOST,
            "port": str(self.port),
            "dir": str(home),
            "appendonly": "yes",
            "appendfsync": "always",
            "save": "",
            # After a diskless one a primary may keep the stream back for a second.
            "repl-diskless-sync": "no",
        } | {name.replace("_", "-"): value for name, value in settings.items()}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def node(self) -> str:
        return f"{HOST}:{self.port}"

    @property
    def url(self) -> str:
        return f"redis://{self.node}"

    def run(self, *command: str | int) -> Any:  # noqa: ANN401 - it is Redis's
        with redis.Redis(host=HOST, port=self.port) as client:
            return client.execute_command(*command)

    def facts(self) -> dict[str, Any]:
        facts: dict[str, Any] = self.run("INFO")
        return facts

    def is_in_step(self) -> bool:
        """Whether it is a replica that has got its primary's data."""
        return self.facts().get("master_link_status") == "up"

    def start(self) -> Self:
        self.home.mkdir(parents=True, exist_ok=True)
        until(self._try_to_start)
        return self

    def _try_to_start(self) -> bool:
        if self._process is None or self._process.poll() is not None:
            self._process = self._spawn()
        return self._answers()

    def _spawn(self) -> subprocess.Popen[bytes]:
        with (self.home / "server.log").open("ab") as log:
            return subprocess.Popen([self.binary, *self._options()], stdout=log, stderr=log)

    def _options(self) -> list[str]:
        return [word for name, value in self.settings.items() for word in (f"--{name}", value)]

    def _answers(self) -> bool:
        return bool(self.run("PING"))

    def kill(self) -> None:
        """As a crash does: nothing is written, nobody is told."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.kill()


class Sentinel(RedisProcess):
    """Watches one primary, alone: what it says is enough to make a replica the primary."""

    def __init__(self, binary: Path, home: Path, primary: RedisProcess) -> None:
        super().__init__(binary, home)
        self._primary = primary

    def _options(self) -> list[str]:
        lines = [
            f"bind {HOST}",
            f"port {self.port}",
            f"dir {self.home}",
            f"sentinel monitor {SERVICE} {HOST} {self._primary.port} 1",
            f"sentinel down-after-milliseconds {SERVICE} 500",
            f"sentinel failover-timeout {SERVICE} 5000",
        ]
        configuration = self.home / "sentinel.conf"
        configuration.write_text("\n".join(lines))
        return [str(configuration), "--sentinel"]


class WatchedPair:
    """A primary, a replica that has all of it, and a Sentinel that knows both."""

    def __init__(self, binary: Path, home: Path) -> None:
        self.primary = RedisProcess(binary, home / "primary")
        self.replica = RedisProcess(binary, home / "replica")
        self.sentinel = Sentinel(binary, home / "sentinel", self.primary)

    @property
    def url(self) -> str:
        return f"redis+sentinel://{self.sentinel.node}/{SERVICE}"

    def __enter__(self) -> Self:
        with ExitStack() as started:
            started.enter_context(self.primary)
            started.enter_context(self.replica)
            self.replica.run("REPLICAOF", HOST, self.primary.port)
            until(self.replica.is_in_step)
            started.enter_context(self.sentinel)
            until(lambda: self.sentinel.run("SENTINEL", "REPLICAS", SERVICE))
            self._started = started.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._started.close()


class ClusterNode(RedisProcess):
    def name(self) -> str:
        return str(self.run("CLUSTER", "MYID").decode())

    def members(self) -> int:
        """How many it knows, itself included."""
        return len(self.run("CLUSTER", "NODES").splitlines())

    def is_content(self) -> bool:
        return b"cluster_state:ok" in self.run("CLUSTER", "INFO")


class RedisCluster:
    """Primaries that share the slots evenly, and, if wanted, a replica of each."""

    def __init__(
        self,
        binary: Path,
        home: Path,
        settings: Mapping[str, str] | None = None,
        *,
        primaries: int = 3,
        replicas: int = 0,
    ) -> None:
        self.nodes = [
            ClusterNode(
                binary,
                home / str(number),
                **(settings or {}),
                cluster_enabled="yes",
                cluster_port=str(free_port()),
                cluster_node_timeout="1000",
            )
            for number in range(primaries + replicas)
        ]
        self.primaries, self.replicas = self.nodes[:primaries], self.nodes[primaries:]

    @property
    def url(self) -> str:
        return f"redis+cluster://{','.join(node.node for node in self.nodes)}"

    def __enter__(self) -> Self:
        with ExitStack() as started:
            for node in self.nodes:
                started.enter_context(node)
            self._form()
            self._started = started.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._started.close()

    def _form(self) -> None:
        share = SLOTS // len(self.primaries) + 1
        for epoch, node in enumerate(self.primaries):
            first = epoch * share
            node.run("CLUSTER", "ADDSLOTSRANGE", first, min(first + share, SLOTS) - 1)
            node.run("CLUSTER", "SET-CONFIG-EPOCH", epoch + 1)
        for node in self.nodes[1:]:
            port = int(node.settings["cluster-port"])
            self.nodes[0].run("CLUSTER", "MEET", HOST, node.port, port)
        until(lambda: all(node.members() == len(self.nodes) for node in self.nodes))
        for primary, replica in zip(self.primaries, self.replicas, strict=False):
            replica.run("CLUSTER", "REPLICATE", primary.name())
        until(lambda: all(node.is_content() for node in self.nodes))
        until(lambda: all(replica.is_in_step() for replica in self.replicas))

    def holder(self, prefix: str) -> ClusterNode:
        """The primary that had the queue of that prefix when the cluster began."""
        share = SLOTS // len(self.primaries) + 1
        return self.primaries[slot_of(prefix) // share]

    def another(self, prefix: str) -> ClusterNode:
        """A primary that had not."""
        return self.primaries[self.primaries.index(self.holder(prefix)) - 1]

    @contextmanager
    def on_the_move(self, prefix: str) -> Iterator[None]:
        """The slot of a queue is about to be moved from its holder to another."""
        slot, source, target = slot_of(prefix), self.holder(prefix), self.another(prefix)
        target.run("CLUSTER", "SETSLOT", slot, "IMPORTING", source.name())
        source.run("CLUSTER", "SETSLOT", slot, "MIGRATING", target.name())
        yield
        for node in (target, source):
            node.run("CLUSTER", "SETSLOT", slot, "STABLE")

    def move(self, prefix: str) -> None:
        """Move the slot of a queue, key by key, as `redis-cli --cluster reshard` does."""
        slot, source, target = slot_of(prefix), self.holder(prefix), self.another(prefix)
        with self.on_the_move(prefix):
            while keys := source.run("CLUSTER", "GETKEYSINSLOT", slot, 1):
                source.run("MIGRATE", HOST, target.port, "", 0, 5000, "KEYS", *keys)
            for node in (target, source, *self.primaries):
                node.run("CLUSTER", "SETSLOT", slot, "NODE", target.name())

    def move_at_once(self, prefix: str) -> None:
        """Move the slot of a queue as a whole, as Valkey 9 can."""
        slot, source, target = slot_of(prefix), self.holder(prefix), self.another(prefix)
        source.run("CLUSTER", "MIGRATESLOTS", "SLOTSRANGE", slot, slot, "NODE", target.name())
        until(lambda: not source.run("CLUSTER", "COUNTKEYSINSLOT", slot))


def slot_of(prefix: str) -> int:
    """Where the queue of that prefix lies in a cluster."""
    return key_slot(root_of(prefix, 0).encode())
