"""Where the servers are: those that the settings name, else embedded ones that are started here."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from postroom.adapters.embedded import EmbeddedPostgres, EmbeddedValkey, EngineError
from postroom.entrypoints.engines.keys import secret_keys
from postroom.entrypoints.engines.migrations import apply_migrations, missing_migrations
from postroom.entrypoints.settings import NotReady, Settings

__all__ = ["apply_migrations", "engines", "ready"]


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
        elif names := missing_migrations(running):
            raise NotReady(
                f"the database lacks {len(names)} migrations of this release; run: postroom migrate"
            )
        yield running
