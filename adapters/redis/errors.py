"""What an error of Redis means, said without the values that it is about."""

from collections.abc import Iterator
from contextlib import contextmanager
from ssl import SSLCertVerificationError, SSLError

from redis import exceptions
from redis.exceptions import RedisError

from postroom.adapters.redis.discovery import NoPrimary
from postroom.domain.failure import StoreUnavailable

# The most special first: some of these are kinds of others.
_BY_TYPE: tuple[tuple[type[Exception], str], ...] = (
    (exceptions.AuthenticationError, "Redis refuses the user: mend POSTROOM_REDIS_URL"),
    (exceptions.NoPermissionError, "the Redis user lacks a permission: see its ACL"),
    (exceptions.OutOfMemoryError, "the queue is full: raise maxmemory of Redis"),
    (exceptions.ReadOnlyError, "Redis is a replica: let POSTROOM_REDIS_URL name the primary"),
    (exceptions.BusyLoadingError, "Redis is starting up and reads its data"),
    (exceptions.MasterDownError, "Redis is a replica that has lost its primary"),
    (exceptions.ClusterDownError, "the Redis cluster is down: see CLUSTER INFO"),
    (
        exceptions.MovedError,
        "another server of the cluster has the queue: begin POSTROOM_REDIS_URL with redis+cluster://",
    ),
    (exceptions.AskError, "the slot of the queue is being moved to another server"),
    (exceptions.TryAgainError, "the slot of the queue is being moved to another server"),
    (SSLError, "Redis and we do not agree on TLS: see the ssl_… options of POSTROOM_REDIS_URL"),
    (exceptions.MaxConnectionsError, "all of our connections to Redis are in use"),
    (exceptions.ConnectionError, "Redis cannot be reached: see that it runs at POSTROOM_REDIS_URL"),
    (exceptions.TimeoutError, "Redis does not answer in time"),
    (TimeoutError, "Redis does not answer in time"),
)

# By the code that an answer begins with, or that it holds, as an answer from within a script does.
_BY_CODE = {
    "OOM": "the queue is full: raise maxmemory of Redis",
    "NOPERM": "the Redis user lacks a permission: see its ACL",
    # From within a script: "ACL failure in script", or "The user executing the script can't …".
    "ACL": "the Redis user lacks a permission: see its ACL",
    "executing": "the Redis user lacks a permission: see its ACL",
    "NOAUTH": "Redis wants a password: mend POSTROOM_REDIS_URL",
    "READONLY": "Redis is a replica: let POSTROOM_REDIS_URL name the primary",
    "MISCONF": "Redis cannot write to its disk: see its log",
    "NOREPLICAS": "Redis has too few replicas to take a write (min-replicas-to-write)",
    "BUSY": "a script occupies Redis",
    "CLUSTERDOWN": "the Redis cluster is down: see CLUSTER INFO",
    "UNBLOCKED": "Redis was made a replica while we waited",
}


_PASSING = (
    exceptions.ConnectionError,
    exceptions.TimeoutError,
    exceptions.ReadOnlyError,
    exceptions.AskError,
    exceptions.TryAgainError,
    exceptions.ClusterDownError,
    SSLError,
)
_PASSING_CODES = {"READONLY", "NOREPLICAS", "BUSY", "CLUSTERDOWN", "UNBLOCKED"}
_REFUSALS = exceptions.AuthenticationError, SSLCertVerificationError


def failure_of(error: Exception) -> StoreUnavailable:
    """Its reason is fit for a log: no key, no value and no URL is in it."""
    return StoreUnavailable(_reason_of(error))


def _reason_of(error: Exception) -> str:
    origin = _origin(error)
    if isinstance(origin, NoPrimary):
        return str(origin)
    for kind, reason in _BY_TYPE:
        if isinstance(origin, kind):
            return reason
    known = (_BY_CODE[code] for code in _codes(origin) if code in _BY_CODE)
    return next(known, f"Redis failed: {type(origin).__name__}")


def may_pass(error: Exception) -> bool:
    """Whether it is worth while to try again at once: the server starts, or another takes over."""
    origin = _origin(error)
    if isinstance(origin, _REFUSALS):
        return False
    return isinstance(origin, _PASSING) or not _PASSING_CODES.isdisjoint(_codes(origin))


def _codes(error: BaseException) -> list[str]:
    if not isinstance(error, exceptions.ResponseError):
        return []
    return str(error).replace("-", " ").split()


def _origin(error: BaseException) -> BaseException:
    """What is said to us when we connect comes wrapped up as a ConnectionError."""
    if isinstance(error.__cause__, RedisError):
        return _origin(error.__cause__)
    return error.__context__ if isinstance(error.__context__, SSLError) else error


@contextmanager
def translated() -> Iterator[None]:
    """Every error of Redis that leaves the block, and every timeout, is Unavailable."""
    try:
        yield
    except (RedisError, TimeoutError) as error:
        raise failure_of(error) from error
