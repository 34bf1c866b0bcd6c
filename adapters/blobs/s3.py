"""Objects in a bucket of an S3-compatible store: `<prefix>/<tenant>/ab/abcdef…`.

When one was put last is its LastModified, by the store's own clock: `write` always writes. What is
set aside is a copy under a name with a suffix; as long as one of the two is there, it is read.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from postroom.adapters.blobs.objects import ObjectPage, Objects
from postroom.adapters.blobs.s3_errors import is_missing, translated

ASIDE = ".aside"

CONNECT_TIMEOUT = 5
"""Seconds."""

READ_TIMEOUT = 20
"""Seconds that the store may be silent, at each read and write."""

TRIES = 3

MOVED_WITHIN = 60.0
"""Seconds from the copy to the deletion: what is older may have been put since."""


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Access:
    """Empty fields are left to the SDK: its environment, its files, the machine's role.

    *read_timeout* is in seconds.
    """

    bucket: str
    prefix: str = ""
    endpoint_url: str = ""
    region: str = ""
    access_key_id: str = ""
    secret_access_key: str = field(default="", repr=False)
    read_timeout: float = READ_TIMEOUT
    tries: int = TRIES


@contextmanager
def open_bucket(access: S3Access) -> Iterator["Bucket"]:
    """Connects to nothing yet. Raises ValueError, with the name of the setting."""
    if bool(access.access_key_id) != bool(access.secret_access_key):
        raise ValueError("POSTROOM_S3_ACCESS_KEY_ID and …_SECRET_ACCESS_KEY: set both, or neither")
    try:
        client = _client(access)
    except (BotoCoreError, ValueError) as error:  # its text may quote a password
        raise ValueError(
            "POSTROOM_S3_ENDPOINT_URL, POSTROOM_S3_REGION, or what the SDK of AWS finds (AWS_…,"
            f" its files), cannot be used: {type(error).__name__}"
        ) from None
    with closing(client):
        yield Bucket(client, access.bucket, access.prefix)


def _client(access: S3Access) -> Any:  # noqa: ANN401 - it is made at run time
    return boto3.client(
        "s3",
        endpoint_url=access.endpoint_url or None,
        # Without a region nothing can be signed; what is no AWS takes any.
        region_name=access.region or ("us-east-1" if access.endpoint_url else None),
        aws_access_key_id=access.access_key_id or None,
        aws_secret_access_key=access.secret_access_key or None,
        config=Config(
            connect_timeout=CONNECT_TIMEOUT,
            read_timeout=access.read_timeout,
            retries={"mode": "standard", "total_max_attempts": access.tries},
            # Else each body has a checksum that other stores refuse.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            s3={"addressing_style": "path" if access.endpoint_url else "auto"},
        ),
    )


class Bucket(Objects):
    """*client* is boto3's, which threads may share."""

    def __init__(self, client: Any, bucket: str, prefix: str) -> None:  # noqa: ANN401
        self._client = client
        self._bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""

    def write(self, tenant: str, name: str, content: bytes) -> None:
        with translated():
            self._client.put_object(
                Bucket=self._bucket,
                Key=self._key(tenant, name),
                Body=content,
                ContentType="application/octet-stream",
            )

    def read(self, tenant: str, name: str) -> bytes | None:
        key = self._key(tenant, name)
        with translated():
            for either in (key, key + ASIDE):
                if (content := self._read(either)) is not None:
                    return content
        return None

    def remove(self, tenant: str, name: str, unused_since: datetime) -> bool:
        key = self._key(tenant, name)
        with translated():
            used_at = self._used_at(key)
            if key in used_at:
                if used_at[key] < unused_since:
                    self._set_aside(key)
            elif key + ASIDE in used_at and used_at[key + ASIDE] < unused_since:
                self._client.delete_object(Bucket=self._bucket, Key=key + ASIDE)
                return True
        return False

    def unused(self, since: datetime, after: str, limit: int) -> ObjectPage:
        with translated():
            page = self._client.list_objects_v2(
                Bucket=self._bucket,
                Prefix=self._prefix,
                StartAfter=self._prefix + after,
                MaxKeys=limit,
            )
        found = page.get("Contents", ())
        unused = [self._named(each["Key"]) for each in found if each["LastModified"] < since]
        last = str(found[-1]["Key"]).removeprefix(self._prefix) if page["IsTruncated"] else ""
        return ObjectPage([each for each in unused if each], next=last)

    def _read(self, key: str) -> bytes | None:
        try:
            answer = self._client.get_object(Bucket=self._bucket, Key=key)
        except ClientError as error:
            if is_missing(error):
                return None
            raise
        with closing(answer["Body"]) as body:
            content: bytes = body.read()
        return content

    def _used_at(self, key: str) -> dict[str, datetime]:
        """When the object, and what is set aside of it, was written, as far as they are there."""
        page = self._client.list_objects_v2(Bucket=self._bucket, Prefix=key, MaxKeys=2)
        return {each["Key"]: each["LastModified"] for each in page.get("Contents", ())}

    def _set_aside(self, key: str) -> None:
        begun = monotonic()
        source = {"Bucket": self._bucket, "Key": key}
        try:
            self._client.copy_object(Bucket=self._bucket, Key=key + ASIDE, CopySource=source)
        except ClientError as error:
            if is_missing(error):  # another process was faster
                return
            raise
        if monotonic() - begun < MOVED_WITHIN:
            self._client.delete_object(**source)

    def _key(self, tenant: str, name: str) -> str:
        return f"{self._prefix}{tenant}/{name[:2]}/{name}"

    def _named(self, key: str) -> tuple[str, str] | None:
        """The tenant and the name, or None if it is no object of ours."""
        parts: Sequence[str] = key.removeprefix(self._prefix).split("/")
        if len(parts) != 3:  # noqa: PLR2004 - see `_key`
            return None
        return parts[0], parts[2].removesuffix(ASIDE)
