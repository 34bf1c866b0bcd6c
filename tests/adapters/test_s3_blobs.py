"""How blobs lie in a bucket, and what is said where it cannot be used."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from postroom.adapters.blobs import StoredBlobs
from postroom.adapters.blobs.s3 import Bucket, S3Access, open_bucket
from postroom.adapters.crypto import BlobSeal, generate_key
from postroom.domain.failure import StoreUnavailable
from tests.buckets import BucketServer
from tests.threads import THREADS

CONTENT = b"content"
KEY = sha256(CONTENT).hexdigest()
LATER = datetime(2100, 1, 1, tzinfo=UTC)


@contextmanager
def stored(access: S3Access, **given: Any) -> Iterator[StoredBlobs]:  # noqa: ANN401
    with open_bucket(access) as bucket:
        yield StoredBlobs(bucket, THREADS, **given)


# --- How they lie


@pytest.mark.parametrize(("prefix", "before"), [("mail/blobs", "mail/blobs/"), ("", "")])
async def test_a_blob_lies_under_the_prefix_its_tenant_and_its_key(
    bucket_server: BucketServer, prefix: str, before: str
) -> None:
    access = bucket_server.access(prefix=prefix)
    with stored(access) as blobs:
        await blobs.put("acme", CONTENT)
        await blobs.delete("acme", KEY, unused_since=LATER)
        aside = bucket_server.keys(access)
        await blobs.put("acme", CONTENT)

    path = f"{before}acme/{KEY[:2]}/{KEY}"
    assert aside == [f"{path}.aside"]
    assert bucket_server.keys(access) == [path, f"{path}.aside"]


async def test_others_may_use_the_bucket_too(bucket_server: BucketServer) -> None:
    ours, theirs = bucket_server.access(prefix="ours"), None
    theirs = replace(ours, prefix="ours-too")
    with stored(ours) as blobs, stored(theirs) as others:
        key = await others.put("acme", b"theirs")
        await blobs.put("acme", CONTENT)

        assert (await blobs.unused(LATER)).blobs == [("acme", KEY)]
        assert await blobs.get("acme", key) is None


async def test_what_is_no_blob_is_left_alone(bucket_server: BucketServer) -> None:
    access = bucket_server.access(prefix="")
    with open_bucket(access) as bucket:
        bucket._client.put_object(Bucket=access.bucket, Key="acme/notes.txt", Body=b"x")
        bucket._client.put_object(Bucket=access.bucket, Key="acme/ab/notes.txt", Body=b"x")

        assert (await StoredBlobs(bucket, THREADS).unused(LATER)).blobs == []


async def test_in_the_bucket_there_is_neither_the_content_nor_its_digest(
    bucket_server: BucketServer,
) -> None:
    access = bucket_server.access()
    with stored(access, seal=BlobSeal([generate_key()]), encrypts=True) as blobs:
        await blobs.put("acme", CONTENT)

    [key] = bucket_server.keys(access)
    assert KEY not in key
    assert CONTENT not in bucket_server.content(access, key)


async def test_what_is_put_between_the_two_steps_of_a_deletion_stays(
    bucket_server: BucketServer,
) -> None:
    """It is put when the copy has been made, and just before the object is deleted."""
    with open_bucket(bucket_server.access()) as bucket:
        bucket.write("acme", KEY, CONTENT)
        client = PutFirst(bucket._client, lambda: bucket.write("acme", KEY, CONTENT))
        deleting = Bucket(client, bucket._bucket, bucket._prefix.rstrip("/"))
        an_hour_ago = datetime.now(UTC) - timedelta(hours=1)

        assert not deleting.remove("acme", KEY, LATER)
        assert not deleting.remove("acme", KEY, an_hour_ago)

        assert bucket.read("acme", KEY) == CONTENT


class PutFirst:
    """A client that lets somebody else put before it deletes."""

    def __init__(self, client: Any, put: Callable[[], None]) -> None:  # noqa: ANN401
        self._client = client
        self._put = put

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(self._client, name)

    def delete_object(self, **given: str) -> None:
        self._put()
        self._client.delete_object(**given)


# --- What goes wrong


async def reasons(access: S3Access) -> set[str]:
    """What each operation fails of."""
    found = set()
    with stored(access) as blobs:
        for operation in (
            lambda: blobs.put("acme", CONTENT),
            lambda: blobs.get("acme", KEY),
            lambda: blobs.delete("acme", KEY, unused_since=LATER),
            lambda: blobs.unused(LATER),
        ):
            with pytest.raises(StoreUnavailable) as raised:
                await operation()
            found.add(raised.value.reason)
    return found


@contextmanager
def answering(status: int, code: str = "", *, failures: int = 1000) -> Iterator[S3Access]:
    """A store that answers everything alike, so many times, and well from then on."""
    left = iter(range(failures))

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            body = f"<Error><Code>{code}</Code><Message>hunter2 a@b</Message></Error>".encode()
            self.send_response(200 if next(left, None) is None else status)
            self.send_header("Content-Type", "application/xml")
            self.send_header("Content-Length", str(len(body) if code else 0))
            self.end_headers()
            self.wfile.write(body if code else b"")

        do_GET = do_PUT = do_DELETE = answer  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield at(server.server_port)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def at(port: int, **given: Any) -> S3Access:  # noqa: ANN401
    return S3Access(
        bucket="bucket",
        endpoint_url=f"http://127.0.0.1:{port}",
        access_key_id="key",
        secret_access_key="secret",
        **{"read_timeout": 5, "tries": 1, **given},
    )


@pytest.mark.parametrize(
    ("status", "code", "remedy"),
    [
        (403, "AccessDenied", "it needs rights to get, put, delete and list"),
        (403, "InvalidAccessKeyId", "POSTROOM_S3_ACCESS_KEY_ID"),
        (403, "SignatureDoesNotMatch", "POSTROOM_S3_SECRET_ACCESS_KEY"),
        (400, "ExpiredToken", "it needs rights"),
        (403, "", "it needs rights"),
        (403, "RequestTimeTooSkewed", "clock is wrong"),
        (404, "NoSuchBucket", "make it, or name another"),
        (400, "AuthorizationHeaderMalformed", "POSTROOM_S3_REGION"),
        (500, "InternalError", "answers InternalError"),
        (502, "", "answers 502"),
        (503, "SlowDown", "SlowDown"),
        (507, "QuotaExceeded", "quota"),
        (418, "Teapot", "answers Teapot"),
    ],
)
async def test_each_refusal_says_what_to_do_in_a_line(status: int, code: str, remedy: str) -> None:
    with answering(status, code) as access:
        [reason] = await reasons(access)

    assert remedy in reason
    assert "\n" not in reason
    assert "hunter2" not in reason
    assert "@" not in reason


async def test_a_bucket_that_is_not_there_is_named_as_such(bucket_server: BucketServer) -> None:
    [reason] = await reasons(bucket_server.access("nowhere"))

    assert reason == "there is no such bucket as POSTROOM_BLOBS says: make it, or name another"


async def test_a_store_that_hangs_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        [reason] = await reasons(at(silent.getsockname()[1], read_timeout=0.1))

    assert reason.startswith("the blob store does not answer: see that POSTROOM_S3_ENDPOINT_URL")


async def test_a_store_that_is_away_is_named_as_such() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

    [reason] = await reasons(at(port))

    assert reason.startswith("the blob store cannot be reached: see that POSTROOM_S3_ENDPOINT_URL")


async def test_a_store_that_fails_for_a_moment_is_tried_again() -> None:
    with answering(503, failures=1) as access, stored(replace(access, tries=2)) as blobs:
        assert await blobs.put("acme", CONTENT) == KEY


async def test_without_credentials_it_says_where_they_are_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")

    [reason] = await reasons(replace(at(1), access_key_id="", secret_access_key=""))

    assert "there are no credentials for the blob store" in reason
    assert "POSTROOM_S3_ACCESS_KEY_ID" in reason


@pytest.mark.parametrize("given", [{"access_key_id": ""}, {"secret_access_key": ""}])
def test_half_of_the_credentials_is_refused(given: dict[str, str]) -> None:
    with (
        pytest.raises(ValueError, match="POSTROOM_S3_ACCESS_KEY_ID"),
        open_bucket(replace(at(1), **given)),  # type: ignore[arg-type]
    ):
        pytest.fail("it was opened")


def test_what_the_sdk_refuses_is_not_repeated() -> None:
    with (
        pytest.raises(ValueError, match="POSTROOM_S3_ENDPOINT_URL") as raised,
        open_bucket(replace(at(1), endpoint_url="http://user:hunter2@a b")),
    ):
        pytest.fail("it was opened")

    assert "hunter2" not in str(raised.value)


def test_a_profile_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")

    with (
        pytest.raises(ValueError, match="ProfileNotFound"),
        open_bucket(replace(at(1), access_key_id="", secret_access_key="")),
    ):
        pytest.fail("it was opened")


def test_the_secret_is_not_shown() -> None:
    assert "hunter2" not in repr(replace(at(1), secret_access_key="hunter2"))
