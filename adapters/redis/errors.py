"""What an error of Redis means, said without the values that it is about."""

from collections.abc import Iterator
from contextlib import contextmanager

from redis import exceptions
from redis.exceptions import RedisError

from domain.failure import Unavailable

# The most special first: some of these are kinds of others.
_BY_TYPE: tuple[tuple[type[Exception], str], ...] = (
    (exceptions.AuthenticationError, "Redis refuses the user: mend POSTROOM_REDIS_URL"),
    (exceptions.NoPermissionError, "the Redis user lacks a permission: see its ACL"),
    (exceptions.OutOfMemoryError, "the queue is full: raise maxmemory of Redis"),
    (exceptions.ReadOnlyError, "Redis is a replica: let POSTROOM_REDIS_URL name the primary"),
    (exceptions.BusyLoadingError, "Redis is starting up and reads its data"),
    (exceptions.MasterDownError, "Redis is a replica that has lost its primary"),
    (exceptions.MaxConnectionsError, "all of our connections to Redis are in use"),
    (exceptions.ConnectionError, "Redis cannot be reached: see that it runs at POSTROOM_REDIS_URL"),
    (exceptions.TimeoutError, "Redis does not answer in time"),
    (TimeoutError, "Redis does not answer in time"),
)

# By the code that an answer begins with, or, from within a script of Redis 6.2, holds.
_BY_CODE = {
    "OOM": "the queue is full: raise maxmemory of Redis",
    "NOPERM": "the Redis user lacks a permission: see its ACL",
    "NOAUTH": "Redis wants a password: mend POSTROOM_REDIS_URL",
    "READONLY": "Redis is a replica: let POSTROOM_REDIS_URL name the primary",
    "MISCONF": "Redis cannot write to its disk: see its log",
    "NOREPLICAS": "Redis has too few replicas to take a write (min-replicas-to-write)",
    "BUSY": "a script occupies Redis",
    "CLUSTERDOWN": "the Redis cluster is down",
    "UNBLOCKED": "Redis was made a replica while we waited",
}


def reason_of(error: Exception) -> str:
    """Fit for a log: no key, no value and no URL is in it."""
    origin = _origin(error)
    for kind, reason in _BY_TYPE:
        if isinstance(origin, kind):
            return reason
    words = str(origin).replace("-", " ").split()
    known = (_BY_CODE[word] for word in words if word in _BY_CODE)
    return next(known, f"Redis failed: {type(origin).__name__}")


def may_pass(error: Exception) -> bool:
    """Whether it is worth while to try again at once."""
    refusals = exceptions.AuthenticationError, exceptions.NoPermissionError
    return not isinstance(_origin(error), refusals)


def _origin(error: BaseException) -> BaseException:
    """What a server says to a client that connects comes wrapped up as a ConnectionError."""
    return error.__cause__ if isinstance(error.__cause__, RedisError) else error


@contextmanager
def translated() -> Iterator[None]:
    """Every error of Redis that leaves the block, and every time-out, is Unavailable."""
    try:
        yield
    except (RedisError, TimeoutError) as error:
        raise Unavailable(reason_of(error)) from error
