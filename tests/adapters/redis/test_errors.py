"""What each error of Redis is called, and whether a script is sent again after it."""

import ssl

import pytest
from redis import exceptions
from redis._parsers import BaseParser

from postroom.adapters.redis.discovery import NoPrimary
from postroom.adapters.redis.errors import failure_of, may_pass


def said(answer: str) -> Exception:
    """The error that the client library makes of an answer."""
    error: Exception = BaseParser.parse_error(answer)  # type: ignore[no-untyped-call]
    return error


@pytest.mark.parametrize(
    ("answer", "reason", "passes"),
    [
        ("MOVED 866 10.0.0.1:6379", "another server of the cluster has the queue", True),
        ("ASK 866 10.0.0.1:6379", "is being moved to another server", True),
        ("TRYAGAIN Multiple keys request during rehashing", "is being moved", True),
        ("CLUSTERDOWN Hash slot not served", "the Redis cluster is down", True),
        ("CLUSTERDOWN The cluster is down", "the Redis cluster is down", True),
        ("READONLY You can't write against a read only replica.", "Redis is a replica", True),
        ("LOADING Redis is loading the dataset in memory", "Redis is starting up", True),
        ("MASTERDOWN Link with MASTER is down", "a replica that has lost its primary", True),
        ("NOREPLICAS Not enough good replicas to write.", "too few replicas", True),
        ("UNBLOCKED force unblock from blocking operation", "was made a replica", True),
        ("BUSY Redis is busy running a script.", "a script occupies Redis", True),
        ("ERR max number of clients reached", "cannot be reached", True),
        ("OOM command not allowed when used memory > 'maxmemory'.", "the queue is full", False),
        ("MISCONF Errors writing to the AOF file: hush", "cannot write to its disk", False),
        ("NOPERM User hush has no permissions to run", "lacks a permission", False),
        ("ERR ACL failure in script: User hush has no permissions", "lacks a permission", False),
        ("The user executing the script can't run this command", "lacks a permission", False),
        ("NOAUTH Authentication required.", "refuses the user", False),
        ("WRONGPASS invalid username-password pair", "refuses the user", False),
        ("ERR value is not an integer: hush", "Redis failed: ResponseError", False),
        (
            "ERR Error running script (call to f_1): @user_script:7: -READONLY You can't write",
            "Redis is a replica",
            True,
        ),
    ],
)
def test_each_answer_has_a_name(answer: str, reason: str, passes: bool) -> None:  # noqa: FBT001
    error = said(answer)

    assert reason in failure_of(error).reason
    assert "hush" not in failure_of(error).reason
    assert may_pass(error) is passes


@pytest.mark.parametrize(
    ("error", "reason", "passes"),
    [
        (exceptions.ConnectionError("hush"), "cannot be reached", True),
        (exceptions.MaxConnectionsError("hush"), "connections to Redis are in use", True),
        (exceptions.TimeoutError("hush"), "does not answer in time", True),
        (NoPrimary("nobody knows"), "nobody knows", True),
    ],
)
def test_what_befalls_the_connection_has_a_name(
    error: Exception,
    reason: str,
    passes: bool,  # noqa: FBT001
) -> None:
    assert reason in failure_of(error).reason
    assert may_pass(error) is passes


@pytest.mark.parametrize(
    ("inner", "reason", "passes"),
    [
        (said("WRONGPASS hush"), "refuses the user", False),
        (said("NOPERM hush"), "lacks a permission", False),
        (NoPrimary("nobody knows"), "nobody knows", True),
        (said("LOADING hush"), "starting up", True),
    ],
)
def test_what_is_wrapped_up_when_we_connect_is_told(
    inner: Exception,
    reason: str,
    passes: bool,  # noqa: FBT001
) -> None:
    outer = exceptions.ConnectionError(inner)
    outer.__cause__ = inner

    assert reason in failure_of(outer).reason
    assert may_pass(outer) is passes


@pytest.mark.parametrize(
    ("inner", "passes"),
    [(ssl.SSLCertVerificationError("hush"), False), (ssl.SSLEOFError("hush"), True)],
)
def test_what_tls_says_is_told(inner: Exception, passes: bool) -> None:  # noqa: FBT001
    outer = exceptions.ConnectionError("hush")
    outer.__context__ = inner

    assert "do not agree on TLS" in failure_of(outer).reason
    assert may_pass(outer) is passes
