"""An S3-compatible store in this process, on loopback."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from postroom.adapters.blobs.s3 import S3Access

_serial = count(1)


@dataclass(frozen=True)
class BucketServer:
    url: str

    def access(self, bucket: str = "", *, prefix: str = "mail/blobs") -> S3Access:
        """To a new bucket, or to that of the name."""
        access = S3Access(
            bucket=bucket or f"bucket-{next(_serial)}",
            prefix=prefix,
            endpoint_url=self.url,
            region="eu-central-1",
            access_key_id="key",
            secret_access_key="secret",
        )
        if not bucket:
            self._client(access).create_bucket(
                Bucket=access.bucket,
                CreateBucketConfiguration={"LocationConstraint": access.region},
            )
        return access

    def keys(self, access: S3Access) -> list[str]:
        """Of all objects in the bucket."""
        page = self._client(access).list_objects_v2(Bucket=access.bucket)
        return [each["Key"] for each in page.get("Contents", ())]

    def content(self, access: S3Access, key: str) -> bytes:
        answer = self._client(access).get_object(Bucket=access.bucket, Key=key)
        content: bytes = answer["Body"].read()
        return content

    def _client(self, access: S3Access) -> Any:  # noqa: ANN401
        return boto3.client(
            "s3",
            endpoint_url=access.endpoint_url,
            region_name=access.region,
            aws_access_key_id=access.access_key_id,
            aws_secret_access_key=access.secret_access_key,
        )


@pytest.fixture(scope="session")
def bucket_server() -> Iterator[BucketServer]:
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield BucketServer(f"http://{host}:{port}")
    finally:
        server.stop()
