"""Who is measured, in which environment, and with how many jobs at a time."""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    OURS = "Postroom"
    ASYNCIO = "Python, asyncio"
    THREADS = "Python, threads"
    NODE = "Node.js"
    LIMIT = "no queue"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contestant:
    """One queue. *idle* and *working* are its worker's jobs at a time, without and with work to do.

    *packages* are those whose versions matter. *environment* is the virtual environment that has
    them: for those that cannot be installed beside the redis-py that Postroom uses (empty: can).
    """

    name: str
    kind: Kind
    packages: tuple[str, ...]
    idle: int = 1
    working: int = 1
    has_batch: bool = False
    at_least_once: bool = True
    environment: str = ""

    @property
    def has_worker(self) -> bool:
        return self.kind is not Kind.LIMIT

    @property
    def is_python(self) -> bool:
        """A peer of ours in Python."""
        return self.kind in {Kind.ASYNCIO, Kind.THREADS}


POSTROOM = Contestant(
    name="postroom",
    kind=Kind.OURS,
    packages=("redis", "hiredis", "uvloop"),
    idle=512,
    working=1000,
    has_batch=True,
)

ALL = (
    POSTROOM,
    Contestant(
        name="arq",
        kind=Kind.ASYNCIO,
        packages=("arq", "redis"),
        idle=10,
        working=100,
        environment=".venv-bench-arq",
    ),
    Contestant(
        name="saq",
        kind=Kind.ASYNCIO,
        packages=("saq", "redis"),
        idle=25,
        working=100,
        environment=".venv-bench-saq",
    ),
    Contestant(
        name="taskiq",
        kind=Kind.ASYNCIO,
        packages=("taskiq", "taskiq-redis", "redis"),
        idle=100,
        working=250,
    ),
    Contestant(
        name="streaq",
        kind=Kind.ASYNCIO,
        packages=("streaq", "coredis"),
        idle=128,
        working=128,
        has_batch=True,
    ),
    Contestant(
        name="docket", kind=Kind.ASYNCIO, packages=("pydocket", "redis"), idle=25, working=50
    ),
    Contestant(
        name="dramatiq", kind=Kind.THREADS, packages=("dramatiq", "redis"), idle=8, working=100
    ),
    Contestant(
        name="huey",
        kind=Kind.THREADS,
        packages=("huey", "redis"),
        idle=2,
        working=100,
        at_least_once=False,
    ),
    Contestant(
        name="celery",
        kind=Kind.THREADS,
        packages=("celery", "kombu", "redis"),
        idle=1,
        working=64,
    ),
    Contestant(
        name="bullmq",
        kind=Kind.NODE,
        packages=("bullmq", "ioredis"),
        idle=250,
        working=500,
        has_batch=True,
    ),
    Contestant(
        name="raw", kind=Kind.LIMIT, packages=("redis", "hiredis", "uvloop"), has_batch=True
    ),
)
