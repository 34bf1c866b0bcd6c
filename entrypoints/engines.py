"""Where the servers are: those that the settings name, else embedded ones that are started here."""

import asyncio
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from tempfile import NamedTemporaryFile

from pydantic import SecretStr

from postroom.adapters.crypto import generate_key
from postroom.adapters.embedded import EmbeddedPostgres, EmbeddedValkey, EngineError
from postroom.adapters.postgres.connection import InvalidDatabaseUrl
from postroom.adapters.postgres.errors import MigrationError
from postroom.adapters.postgres.migrations import migrate, pending
from postroom.entrypoints.settings import InvalidSettings, NotReady, Settings


@contextmanager
def engines(settings: Settings) -> Iterator[Settings]:
    """The settings with both URLs filled in, while the servers behind them run.

    Raises NotReady or InvalidSettings.
    """
    with ExitStack() as stack:
        filled: dict[str, object] = {"secret_keys": secret_keys(settings)}
        try:
            if not settings.redis_url:
                valkey = stack.enter_context(EmbeddedValkey(settings.home / "valkey"))
                filled["redis_url"] = valkey.url
            if not settings.database_url:
                postgres = stack.enter_context(EmbeddedPostgres(settings.home / "postgres"))
                filled["database_url"] = postgres.url
        except EngineError as error:
            raise NotReady(str(error)) from error
        yield settings.model_copy(update=filled)


@contextmanager
def ready(settings: Settings) -> Iterator[Settings]:
    """As `engines`, with the database as this release needs it.

    The embedded one is migrated here. Another is its operator's to migrate.
    """
    with engines(settings) as running:
        if not settings.database_url:
            apply_migrations(running)
        elif names := _pending(running):
            raise NotReady(
                f"the database lacks {len(names)} migrations of this release; run: postroom migrate"
            )
        yield running


def apply_migrations(settings: Settings) -> Sequence[str]:
    """Migrate the database and return the names of what was applied. Raises NotReady."""
    try:
        return asyncio.run(migrate(settings.database_url))
    except (MigrationError, InvalidDatabaseUrl) as error:
        raise NotReady(str(error)) from error


def _pending(settings: Settings) -> Sequence[str]:
    try:
        return asyncio.run(pending(settings.database_url))
    except (MigrationError, InvalidDatabaseUrl) as error:
        raise NotReady(str(error)) from error


def secret_keys(settings: Settings) -> tuple[SecretStr, ...]:
    """The keys that are set; else, for the embedded database, one that is made and kept in home."""
    if settings.secret_keys:
        return settings.secret_keys
    if settings.database_url:
        raise InvalidSettings(
            "POSTROOM_SECRET_KEYS is not set: it encrypts the credentials of the mailboxes in your"
            " database. Make a key with: openssl rand -base64 32 | tr '+/' '-_'"
        )
    return (SecretStr(_stored_key(settings.home / "secret.key")),)


def _stored_key(file: Path) -> str:
    try:
        # To be passed through by the account that runs PostgreSQL for root.
        file.parent.mkdir(mode=0o711, parents=True, exist_ok=True)
        if not file.exists():
            _keep(generate_key(), file)
        return file.read_text().strip()
    except OSError as error:
        raise NotReady(
            f"cannot use {file}: {error.strerror}; set POSTROOM_HOME to a directory of your own"
        ) from error


def _keep(key: str, file: Path) -> None:
    with NamedTemporaryFile("w", dir=file.parent) as new:  # mode 0600
        new.write(key)
        new.flush()
        os.fsync(new.fileno())
        # A link, unlike a rename, leaves in place the key of a process that was faster.
        with suppress(FileExistsError):
            os.link(new.name, file)
