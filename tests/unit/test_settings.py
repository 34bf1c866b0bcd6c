from pathlib import Path

import pytest

from postroom.domain.ingress import IngressMode
from postroom.entrypoints.settings import InvalidSettings, Settings, load_settings


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An environment and a directory with no setting in them."""
    for field in Settings.model_fields:
        monkeypatch.delenv(f"POSTROOM_{field.upper()}", raising=False)
    monkeypatch.delenv("POSTROOM_CONFIG", raising=False)
    monkeypatch.chdir(tmp_path)


def refusal() -> str:
    """The line that tells why the settings are refused."""
    with pytest.raises(InvalidSettings) as refused:
        load_settings()
    line = str(refused.value)
    assert "\n" not in line
    error = refused.value
    assert error.__cause__ is None
    assert error.__context__ is None or error.__suppress_context__, "it may quote a secret"
    return line


# --- Where they come from


def test_without_any_setting_the_engines_are_embedded_and_everything_is_durable() -> None:
    settings = load_settings()

    assert (settings.redis_url, settings.database_url) == ("", "")
    assert settings.durability == "fsync"
    assert (settings.host, settings.port) == ("127.0.0.1", 8080)
    assert settings.secret_keys == ()
    assert settings.graph_url == "https://graph.microsoft.com"


def test_the_environment_comes_before_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("postroom.toml").write_text("port = 1\nconcurrency = 2\n")
    monkeypatch.setenv("POSTROOM_PORT", "3")

    settings = load_settings()

    assert (settings.port, settings.concurrency) == (3, 2)


def test_an_argument_comes_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTROOM_REDIS_URL", "redis://elsewhere")

    assert not Settings(redis_url="").redis_url


def test_the_file_may_lie_elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    Path("postroom.toml").write_text("port = 1\n")
    (tmp_path / "other.toml").write_text("port = 2\n")
    monkeypatch.setenv("POSTROOM_CONFIG", str(tmp_path / "other.toml"))

    assert load_settings().port == 2


def test_a_file_that_is_named_must_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTROOM_CONFIG", "/nowhere/postroom.toml")

    assert refusal() == "POSTROOM_CONFIG: there is no file /nowhere/postroom.toml"


# --- How they are read


def test_secrets_by_tenant_are_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTROOM_API_TOKENS", '{"acme": "first", "globex": "second"}')

    tokens = load_settings().api_tokens

    assert {tenant: token.get_secret_value() for tenant, token in tokens.items()} == {
        "acme": "first",
        "globex": "second",
    }


def test_secrets_by_tenant_are_a_table_in_the_file() -> None:
    Path("postroom.toml").write_text('[handoff_secrets]\nacme = "whsec_c2VjcmV0"\n')

    secrets = load_settings().handoff_secrets

    assert secrets["acme"].get_secret_value() == "whsec_c2VjcmV0"


def test_servers_are_trusted_by_the_host_of_a_mailbox(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTROOM_AUTHSERV_IDS", '{"IMAP.acme.example": "MX.acme.example,mx2"}')

    assert load_settings().authserv_ids == {"imap.acme.example": "mx.acme.example,mx2"}


@pytest.mark.parametrize(
    "given", ['{"": "mx"}', '{"imap": ""}', '{"imap": "a;b"}', '{"imap": "a, b"}']
)
def test_what_is_no_id_of_a_server_is_refused(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv("POSTROOM_AUTHSERV_IDS", given)

    assert refusal() == ('POSTROOM_AUTHSERV_IDS: is like {"imap.acme.example": "mx.acme.example"}')


@pytest.mark.parametrize("given", ["new,old", "new,old,"])
def test_secret_keys_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv("POSTROOM_SECRET_KEYS", given)

    assert [key.get_secret_value() for key in load_settings().secret_keys] == ["new", "old"]


@pytest.mark.parametrize(
    ("uid", "home"), [(0, Path("/var/lib/postroom")), (1000, Path.home() / ".postroom")]
)
def test_the_home_is_where_its_user_may_have_one(
    monkeypatch: pytest.MonkeyPatch, uid: int, home: Path
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: uid)

    assert load_settings().home == home


def test_the_home_is_absolute(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("POSTROOM_HOME", "here")

    assert load_settings().home == tmp_path / "here"


def test_a_web_address_ends_without_a_slash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTROOM_PUBLIC_URL", "https://mail.example.org/")

    assert load_settings().public_url == "https://mail.example.org"


# --- What is refused


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("PORT", "65536", "less than or equal to 65535"),
        ("PORT", "http", "valid integer"),
        ("CONCURRENCY", "0", "greater than or equal to 1"),
        ("LANE_CONCURRENCY", "0", "greater than or equal to 1"),
        ("MAX_ATTEMPTS", "0", "greater than or equal to 1"),
        ("RETRY_BASE_SECONDS", "0", "greater than 0"),
        ("MAX_MESSAGE_BYTES", "12", "greater than or equal to 1024"),
        ("DURABILITY", "perhaps", "'fsync', 'everysec' or 'memory'"),
        ("LOG_FORMAT", "xml", "'json' or 'console'"),
        ("INGRESS_IMAP", "on", "'queue', 'shadow' or 'off'"),
        ("HANDOFF_COMPATIBILITY", "header", "'none' or 'static-header'"),
        ("PUBLIC_URL", "mail.example.org", "begins with https://"),
        ("GRAPH_URL", "graph.microsoft.us", "begins with https://"),
        ("REDIS_URL", "localhost:6379", "begins with redis://"),
        ("DATABASE_URL", "mysql://localhost/mail", "begins with postgresql://"),
        ("BLOBS", "gs://bucket", "is `file`, or begins with file:/// or s3://bucket"),
        ("BLOBS", "s3://", "s3://bucket"),
        ("BLOBS", "s3://bucket?region=x", "s3://bucket"),
        ("BLOBS", "file://relative", "file:///"),
        ("S3_ENDPOINT_URL", "localhost:9000", "begins with https://"),
        ("ENCRYPT_MAIL", "perhaps", "valid boolean"),
        ("API_TOKENS", "not json", "is not JSON"),
        ("API_TOKENS", '{"acme": 7}', "acme: "),
        ("HANDOFF_SECRETS", "[]", "valid dictionary"),
    ],
)
def test_a_wrong_value_is_told_with_the_name_of_its_setting(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, told: str
) -> None:
    monkeypatch.setenv(f"POSTROOM_{variable}", value)

    line = refusal()

    assert line.startswith(f"POSTROOM_{variable}: ")
    assert told in line


@pytest.mark.parametrize(
    ("misspelt", "hint"),
    [
        ("POSTROOM_DATABSE_URL", "did you mean POSTROOM_DATABASE_URL?"),
        ("POSTROOM_CONFG", "did you mean POSTROOM_CONFIG?"),
        ("POSTROOM_FAVOURITE_COLOUR", "see docs/operator-guide.md"),
    ],
)
def test_a_misspelt_setting_is_not_ignored(
    monkeypatch: pytest.MonkeyPatch, misspelt: str, hint: str
) -> None:
    monkeypatch.setenv(misspelt, "x")

    assert refusal() == f"{misspelt}: there is no such setting; {hint}"


def test_a_misspelt_setting_in_the_file_is_not_ignored_either() -> None:
    Path("postroom.toml").write_text("concurency = 3\n")

    assert refusal() == (
        "POSTROOM_CONCURENCY: there is no such setting; did you mean POSTROOM_CONCURRENCY?"
    )


def test_a_file_that_does_not_parse_is_named() -> None:
    Path("postroom.toml").write_text("port = \n")

    assert refusal().startswith("postroom.toml cannot be read: ")


@pytest.mark.parametrize(
    "name", ["VENV", "SUPERVISED", "VALKEY_SERVER", "PG_BIN", "MAILBOX_PASSWORD", "MAILBOX_TOKEN"]
)
def test_what_others_read_is_not_called_misspelt(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(f"POSTROOM_{name}", "x")

    load_settings()


# --- What is secret

SECRETS = {
    "POSTROOM_REDIS_URL": "redis://user:hush-redis@localhost",
    "POSTROOM_DATABASE_URL": "postgresql://user:hush-database@localhost/mail",
    "POSTROOM_SECRET_KEYS": "hush-key,hush-old-key",
    "POSTROOM_API_TOKENS": '{"acme": "hush-token"}',
    "POSTROOM_HANDOFF_SECRETS": '{"acme": "hush-handoff"}',
}


def test_no_secret_is_shown_with_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)

    settings = load_settings()

    assert "hush" not in f"{settings!r} {settings}"


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("REDIS_URL", "http://user:hush@localhost"),
        ("DATABASE_URL", "user:hush@localhost"),
        ("API_TOKENS", '{"acme": "hush"'),
        ("API_TOKENS", '{"acme": ["hush"]}'),
        ("HANDOFF_SECRETS", '"hush"'),
        ("PUBLIC_URL", "user:hush@localhost"),
    ],
)
def test_what_is_refused_is_not_repeated(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(f"POSTROOM_{variable}", value)

    assert "hush" not in refusal()


# --- How mail is received


def test_each_provider_has_a_mode_of_ingress(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTROOM_INGRESS_GOOGLE", "shadow")
    monkeypatch.setenv("POSTROOM_INGRESS_IMAP", "off")

    settings = load_settings()

    assert settings.ingress_microsoft is IngressMode.QUEUE
    assert settings.ingress_google is IngressMode.SHADOW
    assert settings.ingress_imap is IngressMode.OFF


@pytest.mark.parametrize("given", ["One@p.example, two@p.example", "one@p.example,two@p.example,"])
def test_push_accounts_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv("POSTROOM_GOOGLE_PUSH_ACCOUNTS", given)

    assert load_settings().google_push_accounts == ("one@p.example", "two@p.example")


def test_a_push_account_is_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTROOM_GOOGLE_PUSH_ACCOUNTS", "pusher")

    with pytest.raises(InvalidSettings, match="POSTROOM_GOOGLE_PUSH_ACCOUNTS: is a list of"):
        load_settings()
