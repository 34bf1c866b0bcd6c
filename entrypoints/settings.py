"""Settings: the environment (`POSTROOM_…`) first, then `postroom.toml`, read once at start.

Whatever is wrong with them is told in one line that names the setting.
"""

import difflib
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from postroom.domain.ingress import IngressMode

PREFIX = "POSTROOM_"
KIBIBYTE = 2**10
MEBIBYTE = 2**20

READ_ELSEWHERE = {
    "POSTROOM_CONFIG",  # below
    "POSTROOM_VENV",  # the wrapper ./postroom
    "POSTROOM_SUPERVISED",  # entrypoints/part_process.py
    "POSTROOM_VALKEY_SERVER",  # adapters/embedded
    "POSTROOM_PG_BIN",
}
SECRETS_OF_MAILBOXES = "POSTROOM_MAILBOX_"
"""Providers name them: see `AccountOption.variable`. Only `postroom mailbox` reads them."""


WRONG_SETTINGS = 2
"""The exit code of a command whose settings are wrong: a restart would end in the same way."""


def _default_home() -> Path:
    """Root's own home is closed to the account that PostgreSQL runs under, as root it does not."""
    return Path("/var/lib/postroom" if os.geteuid() == 0 else "~/.postroom")


class InvalidSettings(Exception):
    """A setting is missing, unknown or nonsense; the message is one line that says which."""


class NotReady(Exception):
    """A server cannot be used as it is; the message is one line that says what to do."""


class Settings(BaseSettings):
    """Everything an operator can set. URLs left empty mean: start the embedded engine."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, extra="forbid", frozen=True, validate_default=True
    )

    home: Path = Field(default_factory=_default_home)
    """Where the embedded engines, the generated key and, unless said otherwise, the blobs lie."""

    redis_url: str = Field(default="", repr=False)
    """`redis://`, `rediss://` (TLS), `unix://`, and `redis+cluster://`, `redis+sentinel://`, ….

    It is parsed by adapters/redis/address.py.
    """
    database_url: str = Field(default="", repr=False)
    """`postgresql://…`"""
    redis_partitions: int = Field(default=1, ge=1, le=256)
    """Parts of the queue, which a Redis Cluster can keep on different servers."""
    durability: Literal["fsync", "everysec", "memory"] = "fsync"
    secret_keys: Annotated[tuple[SecretStr, ...], NoDecode] = ()
    """Fernet keys for the credentials, comma-separated: the first encrypts, all decrypt."""

    blobs: str = "file"
    """Where mail as it came, and files, are stored: `file`, which is in the home, or a place that
    several hosts share: `file:///path`, `s3://bucket/prefix`."""
    s3_endpoint_url: str = ""
    """Of what is compatible with S3; empty for AWS."""
    s3_region: str = ""
    s3_access_key_id: str = ""
    """With the secret, in place of what the SDK finds (`AWS_…`, its files, the machine's role)."""
    s3_secret_access_key: SecretStr = SecretStr("")
    encrypt_mail: bool = False
    """Whether what is stored as blobs from now on is encrypted, by the secret keys."""

    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65535)
    public_url: str = ""
    """The `https://` address at which the providers reach us, and Google's tokens' audience."""
    api_tokens: dict[str, SecretStr] = Field(default_factory=dict)
    """`{"tenant": "token"}`: who may read `/api/v1`, and what of it."""
    handoff_secrets: dict[str, SecretStr] = Field(default_factory=dict)
    """`{"tenant": "whsec_…"}`: who may hand IMAP pointers to `/webhooks/imap`."""
    handoff_compatibility: Literal["none", "static-header"] = "none"
    """Whether a hand-off shows its secret in a header, which proves nothing about the body."""

    api_header_seconds: float = Field(default=10, gt=0)
    """How long a client may take to send the headers of a request; and its body, and the next."""
    api_body_seconds: float = Field(default=10, gt=0)
    api_idle_seconds: float = Field(default=75, gt=0)
    api_max_header_bytes: int = Field(default=64 * KIBIBYTE, ge=8 * KIBIBYTE)
    api_max_connections: int = Field(default=2000, ge=1)
    """Less, where three quarters of the file descriptors are less."""
    api_max_pending_bytes: int = Field(default=64 * MEBIBYTE, ge=8 * MEBIBYTE)
    """Of all requests that are being received and answered at a time."""

    ingress_microsoft: IngressMode = IngressMode.QUEUE
    """How mail is received, for each provider: see domain/ingress.py."""
    ingress_google: IngressMode = IngressMode.QUEUE
    ingress_imap: IngressMode = IngressMode.QUEUE

    processor: str = Field(default="helpdesk", pattern=r"[a-z0-9][a-z0-9._-]{0,62}")
    """Who gets mail that no mailbox and no tenant routes: `helpdesk`, or an application."""
    concurrency: int = Field(default=16, ge=1, le=1000)
    """Jobs that a worker process, or syncs that maintenance, works on at a time.

    Those that wait for their provider do not count: with them it is up to 16 times as many.
    """
    lane_concurrency: int = Field(default=4, ge=1, le=100)
    """Jobs of one mailbox at a time, over all workers. Some providers allow 4."""
    max_attempts: int = Field(default=10, ge=1, le=100)
    """That a message may fail by itself. An outage costs none: see docs/adr/0036."""
    retry_base_seconds: float = Field(default=5, gt=0)
    retry_ceiling_seconds: float = Field(default=46_800, gt=0)
    sync_seconds: float = Field(default=900, ge=1)
    """How often a folder is synced whose notifications come. What they miss waits so long."""
    poll_seconds: float = Field(default=60, ge=1)
    """How often a folder is polled whose notifications do not come."""
    max_inbound_age_days: float = Field(default=30, gt=0)
    """Mail that arrives with an older date is skipped: an import must flood nobody."""
    max_message_bytes: int = Field(default=50 * MEBIBYTE, ge=1024)
    """Bytes. A larger message goes to the dead letters."""
    max_bytes_in_hand: int = Field(default=256 * MEBIBYTE, ge=MEBIBYTE)
    """Bytes of mail that one worker process fetches and works on at a time; others wait."""
    min_bytes_per_second: int = Field(default=1024, ge=0)
    """What a provider sends more slowly, over 15 seconds, is cut off and tried later; 0: never."""
    database_connections: int = Field(default=20, ge=2, le=1000)
    """That one process holds at the most."""

    graph_url: str = "https://graph.microsoft.com"
    microsoft_login_url: str = "https://login.microsoftonline.com"
    gmail_url: str = "https://gmail.googleapis.com"
    pubsub_url: str = "https://pubsub.googleapis.com"
    google_push_accounts: Annotated[tuple[str, ...], NoDecode] = ()
    """Service accounts whose Pub/Sub pushes are heard, comma-separated. Left empty: those of the
    mailboxes, of which a new one is heard half a minute later."""
    google_certs_url: str = "https://www.googleapis.com/oauth2/v1/certs"
    google_consent_url: str = "https://accounts.google.com/o/oauth2/v2/auth"
    google_token_url: str = "https://oauth2.googleapis.com/token"  # noqa: S105 - it is a URL

    log_format: Literal["json", "console"] = "json"

    @field_validator("home")
    @classmethod
    def _absolute(cls, home: Path) -> Path:
        return home.expanduser().absolute()

    @field_validator("secret_keys", mode="before")
    @classmethod
    def _split(cls, keys: object) -> object:
        return [key for key in keys.split(",") if key] if isinstance(keys, str) else keys

    @field_validator("google_push_accounts", mode="before")
    @classmethod
    def _addresses(cls, accounts: object) -> object:
        if not isinstance(accounts, str):
            return accounts
        found = [each.strip().lower() for each in accounts.split(",") if each.strip()]
        if not all(re.fullmatch(r"[^@\s]+@[^@\s]+", each) for each in found):
            raise ValueError("is a list of e-mail addresses of service accounts")
        return found

    @field_validator(
        *(
            "graph_url",
            "microsoft_login_url",
            "gmail_url",
            "pubsub_url",
            "google_certs_url",
            "google_consent_url",
            "google_token_url",
            "public_url",
        ),
        "s3_endpoint_url",
    )
    @classmethod
    def _web_address(cls, url: str) -> str:
        if url and not url.startswith(("https://", "http://")):
            raise ValueError("begins with https://")
        return url.rstrip("/")

    @field_validator("blobs")
    @classmethod
    def _place(cls, place: str) -> str:
        if not re.fullmatch(r"file|file:///.+|s3://[^/?#]+(/[^?#]*)?", place):
            raise ValueError("is `file`, or begins with file:/// or s3://bucket")
        return place.rstrip("/")

    @field_validator("redis_url")
    @classmethod
    def _redis_address(cls, url: str) -> str:
        if url and not re.match(r"(rediss?(\+cluster|\+sentinel)?|unix)://", url):
            raise ValueError(
                "begins with redis://, rediss://, unix://, redis+cluster:// or redis+sentinel://"
            )
        return url

    @field_validator("database_url")
    @classmethod
    def _database_address(cls, url: str) -> str:
        if url and not url.startswith(("postgresql://", "postgres://")):
            raise ValueError("begins with postgresql://")
        return url

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic calls by name
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, then the environment, then the file that POSTROOM_CONFIG names."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, _file())


def load_settings() -> Settings:
    """Read the settings. Raises InvalidSettings."""
    _refuse_unknown(name for name in os.environ if name.startswith(PREFIX))
    file = _file()
    try:
        return Settings()
    except ValidationError as error:
        raise InvalidSettings(_message(error)) from None
    except SettingsError as error:  # a JSON value that does not parse; the cause quotes it
        name = re.search(r'field "(\w+)"', str(error))
        raise InvalidSettings(
            f"{_variable(name[1]) if name else 'the environment'}: is not JSON, such as"
            """ {"tenant": "secret"}"""
        ) from None
    except (OSError, ValueError) as error:
        raise InvalidSettings(f"{file} cannot be read: {error}") from None


def _file() -> Path:
    """One that is asked for by name must be there."""
    given = os.environ.get("POSTROOM_CONFIG")
    if given and not Path(given).is_file():
        raise InvalidSettings(f"POSTROOM_CONFIG: there is no file {given}")
    return Path(given or "postroom.toml")


def _message(error: ValidationError) -> str:
    """The first thing that is wrong, without the value, which may be a secret."""
    first = error.errors(include_url=False, include_input=False)[0]
    name, *inner = first["loc"]
    if first["type"] == "extra_forbidden":
        return _unknown(_variable(str(name)))
    message = first["msg"].removeprefix("Value error, ")
    return ": ".join([_variable(str(name)), *map(str, inner), message])


def _refuse_unknown(names: Iterable[str]) -> None:
    """A misspelt setting must not be ignored in silence: it would leave the default in force."""
    for name in sorted(set(names) - _known() - READ_ELSEWHERE):
        if not name.startswith(SECRETS_OF_MAILBOXES):
            raise InvalidSettings(_unknown(name))


def _unknown(name: str) -> str:
    # Without what all have in common, which would make everything look alike.
    known = {each.removeprefix(PREFIX): each for each in sorted(_known() | READ_ELSEWHERE)}
    close = difflib.get_close_matches(name.removeprefix(PREFIX), known, n=1)
    hint = f"did you mean {known[close[0]]}?" if close else "see docs/operator-guide.md"
    return f"{name}: there is no such setting; {hint}"


def _known() -> set[str]:
    return {_variable(field) for field in Settings.model_fields}


def _variable(field: str) -> str:
    return f"{PREFIX}{field.upper()}"
