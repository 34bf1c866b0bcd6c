"""The keys that encrypt the credentials of the mailboxes, where the settings name none."""

import os
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile

from pydantic import SecretStr

from postroom.adapters.crypto import generate_key
from postroom.entrypoints.engines.home import usable
from postroom.entrypoints.settings import InvalidSettings, Settings


def secret_keys(settings: Settings) -> tuple[SecretStr, ...]:
    """The keys that are set; else, for the embedded database, one that is stored in home."""
    if settings.secret_keys:
        return settings.secret_keys
    if settings.database_url:
        raise InvalidSettings(
            "POSTROOM_SECRET_KEYS is not set: it encrypts the credentials of the mailboxes in your"
            " database. Make a key with: openssl rand -base64 32 | tr '+/' '-_'"
        )
    return (SecretStr(_stored_key(settings.home / "secret.key")),)


def _stored_key(file: Path) -> str:
    with usable(file.parent):
        if not file.exists():
            _store(generate_key(), file)
        return file.read_text().strip()


def _store(key: str, file: Path) -> None:
    with NamedTemporaryFile("w", dir=file.parent) as new:  # mode 0600
        new.write(key)
        new.flush()
        os.fsync(new.fileno())
        # A link, unlike a rename, leaves in place the key of a process that was faster.
        with suppress(FileExistsError):
            os.link(new.name, file)
