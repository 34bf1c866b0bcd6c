"""What an error of an S3-compatible store means, and what to do about it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from boto3.exceptions import Boto3Error
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,  # noqa: A004 - it is botocore's
    HTTPClientError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ReadTimeoutError,
    SSLError,
)

from postroom.domain.failure import StoreUnavailable

_CREDENTIALS = (
    "POSTROOM_S3_ACCESS_KEY_ID and POSTROOM_S3_SECRET_ACCESS_KEY, or what the SDK of AWS looks for"
)
_REFUSED = (
    "the blob store refuses us: it needs rights to get, put, delete and list in the bucket of"
    f" POSTROOM_BLOBS, by {_CREDENTIALS}"
)
_REGION = "the bucket of POSTROOM_BLOBS is in another region: set POSTROOM_S3_REGION to its own"
_CLOCK = "this host's clock is wrong, and the blob store refuses us: synchronise it (NTP)"
_ENDPOINT = "see that POSTROOM_S3_ENDPOINT_URL leads to it, and that it runs"

# https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html; numbers where an answer had
# no body.
_REASONS = {
    "NoSuchBucket": "there is no such bucket as POSTROOM_BLOBS says: make it, or name another",
    "AccessDenied": _REFUSED,
    "AllAccessDisabled": _REFUSED,
    "AccountProblem": _REFUSED,
    "InvalidAccessKeyId": _REFUSED,
    "SignatureDoesNotMatch": _REFUSED,
    "ExpiredToken": _REFUSED,
    "InvalidToken": _REFUSED,
    "TokenRefreshRequired": _REFUSED,
    "Unauthorized": _REFUSED,
    "401": _REFUSED,
    "403": _REFUSED,
    "AuthorizationHeaderMalformed": _REGION,
    "PermanentRedirect": _REGION,
    "IllegalLocationConstraintException": _REGION,
    "301": _REGION,
    "RequestTimeTooSkewed": _CLOCK,
    "RequestExpired": _CLOCK,
    "SlowDown": "the blob store asks for time (SlowDown): run fewer workers, or raise its limits",
    "QuotaExceeded": "the quota of the blob store is used up: raise it",
    "InvalidObjectState": "a blob was archived by a rule of the bucket: take the rule away",
}

_BEFORE_AN_ANSWER: Sequence[tuple[tuple[type[Exception], ...], str]] = (
    (
        (NoCredentialsError, PartialCredentialsError),
        f"there are no credentials for the blob store: set {_CREDENTIALS}",
    ),
    ((NoRegionError,), "the region of the blob store is not known: set POSTROOM_S3_REGION"),
    ((ReadTimeoutError,), f"the blob store does not answer: {_ENDPOINT}"),
    ((SSLError,), f"the certificate of the blob store cannot be verified: {_ENDPOINT}"),
    ((ConnectionError, HTTPClientError), f"the blob store cannot be reached: {_ENDPOINT}"),
)
"""The first that fits counts."""

_MISSING = frozenset({"NoSuchKey", "404"})


def is_missing(error: ClientError) -> bool:
    """Whether there is no such object."""
    return _code(error) in _MISSING


@contextmanager
def translated() -> Iterator[None]:
    """Every error of the SDK that leaves the block is StoreUnavailable, with one line to act on."""
    try:
        yield
    except (ClientError, BotoCoreError, Boto3Error) as error:
        raise StoreUnavailable(_reason(error)) from error


def _reason(error: Exception) -> str:
    if isinstance(error, ClientError):
        code = _code(error)
        return _REASONS.get(code) or f"the blob store answers {code}: see its own log"
    for kinds, reason in _BEFORE_AN_ANSWER:
        if isinstance(error, kinds):
            return reason
    return f"the blob store cannot be used: {type(error).__name__}"


def _code(error: ClientError) -> str:
    code = str(error.response.get("Error", {}).get("Code", ""))
    return code or str(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", "nothing"))
