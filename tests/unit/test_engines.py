import os
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from postroom.adapters.crypto import FernetCipher
from postroom.adapters.embedded.locks import FileLock
from postroom.entrypoints.engines import engines, keys, migrations, ready, sole
from postroom.entrypoints.engines.keys import secret_keys
from postroom.entrypoints.engines.sole import sole_up
from postroom.entrypoints.settings import InvalidSettings, NotReady, Settings

ELSEWHERE = {"redis_url": "redis://127.0.0.1:1", "database_url": "postgresql://127.0.0.1:1/x"}


def settings(home: Path, **given: object) -> Settings:
    """Without keys, and with the embedded engines."""
    defaults = {"redis_url": "", "database_url": "", "secret_keys": ()}
    return Settings(home=home, **(defaults | given))  # type: ignore[arg-type]  # pydantic checks


def key_of(home: Path) -> str:
    [key] = secret_keys(settings(home))
    return key.get_secret_value()


def test_the_embedded_database_has_a_key_that_is_made_once_and_kept_private(
    tmp_path: Path,
) -> None:
    home = tmp_path / "new" / "home"

    first, second = key_of(home), key_of(home)

    assert first == second
    FernetCipher([first])
    assert stat.S_IMODE((home / "secret.key").stat().st_mode) == 0o600
    assert stat.S_IMODE(home.stat().st_mode) == 0o711
    assert [path.name for path in home.iterdir()] == ["secret.key"]


def test_processes_that_start_at_once_have_one_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def make_while_another_is_faster() -> str:
        (tmp_path / "secret.key").write_text("theirs")
        return "ours"

    monkeypatch.setattr(keys, "generate_key", make_while_another_is_faster)

    assert key_of(tmp_path) == "theirs"
    assert key_of(tmp_path) == "theirs"


def test_keys_that_are_set_are_used_and_none_is_made(tmp_path: Path) -> None:
    given = (SecretStr("first"), SecretStr("second"))

    assert secret_keys(settings(tmp_path, secret_keys=given)) == given
    assert not list(tmp_path.iterdir())


def test_a_database_of_ones_own_needs_a_key_of_ones_own(tmp_path: Path) -> None:
    with pytest.raises(InvalidSettings, match="POSTROOM_SECRET_KEYS is not set"):
        secret_keys(settings(tmp_path, **ELSEWHERE))

    assert not list(tmp_path.iterdir())


def test_a_home_that_is_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(NotReady, match="set POSTROOM_HOME to a directory of your own"):
        key_of(tmp_path / "file")


def test_servers_that_are_given_are_used_and_none_is_started(tmp_path: Path) -> None:
    given = settings(tmp_path, secret_keys=(SecretStr("key"),), **ELSEWHERE)

    with engines(given) as running:
        assert running == given

    assert not list(tmp_path.iterdir())


# --- A database that is away


@pytest.fixture
def deaf() -> Iterator[str]:
    """The URL of a server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"postgresql://127.0.0.1:{listening.getsockname()[1]}/x"


@pytest.mark.parametrize("url", ["nowhere", "deaf"])
def test_a_database_may_be_away_for_who_waits_for_it_and_for_nobody_else(
    tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setattr(migrations, "TIME_LIMIT", 0.3)
    away = ELSEWHERE["database_url"] if url == "nowhere" else request.getfixturevalue(url)
    given = settings(
        tmp_path, secret_keys=(SecretStr("key"),), **ELSEWHERE | {"database_url": away}
    )

    with ready(given, may_be_away=True) as running:
        assert running == given
    with pytest.raises(NotReady, match="connecting: "), ready(given):
        pass


# --- One `postroom up` in a home


def test_a_second_up_is_refused_with_the_process_of_the_first(tmp_path: Path) -> None:
    home, shown = tmp_path / "new", list[str]()

    with (
        sole_up(home, shown.append),
        pytest.raises(NotReady, match=rf"runs already in {home}, as process {os.getpid()}$"),
        sole_up(home, shown.append),
    ):
        pass

    with sole_up(home, shown.append):
        assert shown == []


def test_an_up_waits_for_the_parts_of_one_that_was_killed_and_no_longer_than_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sole, "PARTS_MAY_TAKE", 0.01)
    shown = list[str]()
    part = FileLock(tmp_path / ".parts")
    part.seize()

    with sole_up(tmp_path, shown.append):
        assert shown == [f"Parts of a `postroom up` that was killed still stop in {tmp_path} …"]

    part.close()


def test_a_home_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(NotReady, match="set POSTROOM_HOME"), sole_up(tmp_path / "file", print):
        pass
