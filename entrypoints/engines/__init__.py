"""Where the servers are: those that the settings name, else embedded ones that are started here."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from postroom.adapters.embedded import EmbeddedPostgres, EmbeddedServer, EmbeddedValkey, EngineError
from postroom.entrypoints.engines.keys import secret_keys
from postroom.entrypoints.engines.migrations import apply_migrations, prepare_schema
from postroom.entrypoints.settings import NotReady, Settings

__all__ = ["Engines", "apply_migrations", "engines", "ready", "started"]


@dataclass(frozen=True, slots=True)
class Engines:
    """The *settings* with all URLs filled in, and the embedded *servers* behind them."""

    settings: Settings
    servers: Sequence[EmbeddedServer]


@contextmanager
def started(
    settings: Settings, show: Callable[[str], object] = lambda _: None
) -> Iterator[Engines]:
    """Have the embedded servers run that the settings want, and *show* what is done for that.

    Raises NotReady or InvalidSettings.
    """
    filled: dict[str, object] = {"secret_keys": secret_keys(settings)}
    wanted: dict[str, EmbeddedServer] = {}
    if not settings.redis_url:
        wanted["redis_url"] = EmbeddedValkey(settings.home / "valkey")
    if not settings.database_url:
        wanted["database_url"] = EmbeddedPostgres(settings.home / "postgres")
    with ExitStack() as stack:
        for setting, server in wanted.items():
            show(f"{server.name} starts in {server.home} …")
            try:
                filled[setting] = stack.enter_context(server).url
            except EngineError as error:
                raise NotReady(str(error)) from error
            show(f"{server.name} is ready.")
        yield Engines(settings.model_copy(update=filled), tuple(wanted.values()))


@contextmanager
def engines(settings: Settings) -> Iterator[Settings]:
    """The settings with both URLs filled in, while the servers behind them run.

    Raises NotReady or InvalidSettings.
    """
    with started(settings) as running:
        yield running.settings


@contextmanager
def ready(settings: Settings, *, may_be_away: bool = False) -> Iterator[Settings]:
    """As `engines`, with the database as this release needs it.

    One that is not embedded *may be away*, for a part that waits for it.
    """
    with engines(settings) as running:
        prepare_schema(settings, running, may_be_away=may_be_away)
        yield running
