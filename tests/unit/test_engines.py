import stat
from pathlib import Path

import pytest
from pydantic import SecretStr

from postroom.adapters.crypto import FernetCipher
from postroom.entrypoints.engines import engines, keys
from postroom.entrypoints.engines.keys import secret_keys
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
