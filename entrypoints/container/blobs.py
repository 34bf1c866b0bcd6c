"""Where blobs lie, and what is done about those that nothing refers to."""

import os
import socket
from contextlib import AsyncExitStack
from pathlib import Path
from urllib.parse import urlsplit

import punq

from postroom.adapters.blobs import Files, StoredBlobs
from postroom.adapters.blobs.objects import Objects
from postroom.adapters.crypto import BlobSeal, derived_keys
from postroom.adapters.postgres.blobs import PostgresBlobCanaries, PostgresBlobReferences
from postroom.adapters.postgres.database import Database
from postroom.application.check_blobs import CheckBlobs
from postroom.application.ports import BlobCanaries, BlobReferences, BlobStore, Clock
from postroom.application.remove_blobs import RemoveBlobs, SweepBlobs
from postroom.domain.handover.content_token import ContentTokens
from postroom.entrypoints.container.pools import Pools
from postroom.entrypoints.settings import InvalidSettings, Settings


def bind_blobs(
    container: punq.Container,
    settings: Settings,
    database: Database,
    pools: Pools,
    resources: AsyncExitStack,
) -> None:
    """Raises InvalidSettings."""
    objects = _objects(settings, resources)
    seal = BlobSeal(_secret_keys(settings))
    blobs: BlobStore = StoredBlobs(objects, pools.blobs, seal=seal, encrypts=settings.encrypt_mail)
    references: BlobReferences = PostgresBlobReferences(database)
    canaries: BlobCanaries = PostgresBlobCanaries(database)
    container.register(BlobStore, instance=blobs)
    container.register(BlobReferences, instance=references)
    container.register(BlobCanaries, instance=canaries)
    tokens = ContentTokens(derived_keys(_secret_keys(settings), "content token"))
    container.register(ContentTokens, instance=tokens)


def bind_blob_care(container: punq.Container, settings: Settings) -> None:
    container.register(RemoveBlobs)
    container.register(SweepBlobs)
    check = CheckBlobs(
        blobs=container.resolve(BlobStore),
        canaries=container.resolve(BlobCanaries),
        clock=container.resolve(Clock),
        host=socket.gethostname(),
        pid=os.getpid(),
        encrypts=settings.encrypt_mail,
    )
    container.register(CheckBlobs, instance=check)


def _secret_keys(settings: Settings) -> list[str]:
    return [key.get_secret_value() for key in settings.secret_keys]


def _objects(settings: Settings, resources: AsyncExitStack) -> Objects:
    place = urlsplit(settings.blobs)
    if place.scheme == "s3":
        return _bucket(settings, resources)
    return Files(Path(place.path) if place.scheme else settings.home / "blobs")


def _bucket(settings: Settings, resources: AsyncExitStack) -> Objects:
    try:
        # An extra: whoever has a directory does without it.
        from postroom.adapters.blobs.s3 import S3Access, open_bucket  # noqa: PLC0415
    except ImportError:
        raise InvalidSettings(
            "POSTROOM_BLOBS: for s3://, install what it needs: pip install 'postroom[s3]'"
        ) from None
    place = urlsplit(settings.blobs)
    access = S3Access(
        bucket=place.netloc,
        prefix=place.path.strip("/"),
        endpoint_url=settings.s3_endpoint_url,
        region=settings.s3_region,
        access_key_id=settings.s3_access_key_id,
        secret_access_key=settings.s3_secret_access_key.get_secret_value(),
    )
    try:
        return resources.enter_context(open_bucket(access))
    except ValueError as error:  # it names the setting
        raise InvalidSettings(str(error)) from None
