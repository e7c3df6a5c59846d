"""Butlers that cannot be opened, or can be addressed in several ways."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy
from lsst.daf.butler import Butler

from calibstate.adapters.butler import open_writer, recover
from calibstate.adapters.butler.opening import Repository
from calibstate.adapters.repositories import identity, open_reader, resolve
from calibstate.errors import CalibstateError, NeedsRecoveryError, RefusedError, UnreachableError
from tests import world
from tests.services.moto import S3
from tests.services.postgres import Postgres

PASSWORD = "geheim/mit@zeichen"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("template") / "repository"
    world.make_repo(folder).close()
    return folder


@pytest.fixture
def repository(template: Path, tmp_path: Path) -> Path:
    return world.clone(template, tmp_path / "repository")


def with_database(folder: Path, url: str, namespace: str | None = None) -> Path:
    """Let a repository's configuration point to another database."""
    config = folder / "butler.yaml"
    text = config.read_text().replace("sqlite:///<butlerRoot>/gen3.sqlite3", url)
    if namespace:
        text = text.replace("registry:\n", f"registry:\n  namespace: {namespace}\n")
    config.write_text(text)
    return folder


def test_a_configuration_that_was_changed_is_read_anew(repository: Path) -> None:
    before = identity(str(repository))
    with_database(repository, "sqlite:///<butlerRoot>/another.sqlite3")

    assert before.endswith("gen3.sqlite3")
    assert identity(str(repository)).endswith("another.sqlite3")


def test_what_is_done_to_a_configuration_stays_with_who_did_it(repository: Path) -> None:
    Repository(str(repository)).config["registry", "db"] = "sqlite:///elsewhere.sqlite3"

    assert identity(str(repository)).endswith("gen3.sqlite3")


# Troubles


def _no_folder(folder: Path) -> str:
    return str(folder.parent / "nowhere")


def _a_plain_folder(folder: Path) -> str:
    (folder / "butler.yaml").unlink()
    return str(folder)


def _unreadable_yaml(folder: Path) -> str:
    (folder / "butler.yaml").write_text("registry: [db: }")
    return str(folder)


def _yaml_that_is_no_configuration(folder: Path) -> str:
    (folder / "butler.yaml").write_text("just words")
    return str(folder)


def _no_database(folder: Path) -> str:
    (folder / "gen3.sqlite3").unlink()
    return str(folder)


def _an_empty_database(folder: Path) -> str:
    (folder / "gen3.sqlite3").write_bytes(b"")
    return str(folder)


def _no_database_at_all(folder: Path) -> str:
    (folder / "gen3.sqlite3").write_bytes(b"x" * 5000)
    return str(folder)


def _another_schema(folder: Path) -> str:
    with sqlite3.connect(folder / "gen3.sqlite3") as connection:
        connection.execute("UPDATE butler_attributes SET value = '99.0.0' WHERE name LIKE 'version:%'")
    return str(folder)


def _a_refused_connection(folder: Path) -> str:
    return str(with_database(folder, f"postgresql://calib:{PASSWORD}@127.0.0.1:1/butler"))


def _an_unknown_kind_of_database(folder: Path) -> str:
    return str(with_database(folder, f"mysql://calib:{PASSWORD}@127.0.0.1/butler"))


def _a_butler_server(folder: Path) -> str:
    (folder / "butler.yaml").write_text(
        "cls: lsst.daf.butler.remote_butler.RemoteButler\nremote_butler: {url: 'http://127.0.0.1:1/main'}\n"
    )
    return str(folder)


def _an_unknown_scheme(folder: Path) -> str:
    return "gopher://somewhere/repository"


TROUBLES = [
    (_no_folder, "does not exist"),
    (_a_plain_folder, "without butler.yaml"),
    (_unreadable_yaml, "does not work as a butler"),
    (_yaml_that_is_no_configuration, "does not work as a butler"),
    (_no_database, "gen3.sqlite3 does not exist"),
    (_an_empty_database, "does not answer"),
    (_no_database_at_all, "does not answer"),
    (_another_schema, "does not work as a butler"),
    (_a_refused_connection, "does not answer"),
    (_an_unknown_kind_of_database, "does not work as a butler"),
    (_an_unknown_scheme, "does not work as a butler"),
]


def test_a_butler_server_is_never_opened_to_be_changed(repository: Path) -> None:
    with pytest.raises(RefusedError, match="can be read and not be changed"):
        open_writer(_a_butler_server(repository))


@pytest.mark.parametrize("opened", [open_reader, open_writer])
@pytest.mark.parametrize(("spoil", "told"), TROUBLES)
def test_what_keeps_a_butler_from_being_opened_is_told(
    repository: Path, opened: Callable[[str], object], spoil: Callable[[Path], str], told: str
) -> None:
    uri = spoil(repository)
    with pytest.raises(UnreachableError) as error:
        opened(uri)
    assert told in str(error.value)
    assert "geheim" not in str(error.value)
    assert not isinstance(error.value, NeedsRecoveryError)


def test_a_lost_database_is_not_made_by_looking_for_it(repository: Path) -> None:
    database = repository / "gen3.sqlite3"
    database.unlink()
    for opened in (open_reader, open_writer, recover):
        with pytest.raises(UnreachableError):
            opened(str(repository))
    assert not database.exists()


def test_a_password_in_the_address_reaches_no_message() -> None:
    with pytest.raises(UnreachableError) as error:
        open_reader("s3://calib:geheim@127.0.0.1:1/repository")
    assert "geheim" not in str(error.value)


def test_a_role_without_access_is_told(repository: Path, postgres: Postgres) -> None:
    nobody = postgres.url.replace("calib@", "nobody@")
    with pytest.raises(UnreachableError, match="nobody"):
        open_reader(str(with_database(repository, nobody)))


def test_a_database_without_a_butler_is_told(repository: Path, postgres: Postgres) -> None:
    with pytest.raises(UnreachableError):
        open_reader(str(with_database(repository, postgres.url, postgres.namespace())))


def test_a_bucket_without_credentials_is_told(
    s3: S3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket = s3.bucket()
    # A client is kept for each endpoint: one without keys is for this test.
    monkeypatch.setenv("S3_ENDPOINT_URL", s3.endpoint.replace("127.0.0.1", "localhost"))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(UnreachableError):
        open_reader(f"{bucket}/repository")


@contextmanager
def unprivileged() -> Iterator[None]:
    """Be somebody to whom permissions mean something."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def visible(template: Path) -> Iterator[Path]:
    """A repository that others may look at, in folders that they may enter."""
    top = Path(tempfile.mkdtemp(prefix="calibstate-visible-"))
    top.chmod(0o755)
    yield world.clone(template, top / "repository")
    shutil.rmtree(top)


def test_missing_permissions_are_told(visible: Path) -> None:
    database = visible / "gen3.sqlite3"
    # What is imported late must be imported before, by who may read it.
    open_writer(str(visible)).close()

    database.chmod(0o444)
    with unprivileged(), pytest.raises(UnreachableError, match="no permission to write"):
        open_writer(str(visible))
    database.chmod(0o000)
    with unprivileged(), pytest.raises(UnreachableError, match="no permission to read"):
        open_reader(str(visible))
    (visible / "butler.yaml").chmod(0o000)
    with unprivileged(), pytest.raises(UnreachableError, match="no permission to read"):
        open_reader(str(visible))


def test_a_database_that_goes_away_is_unreachable_and_not_empty(repository: Path) -> None:
    butler = open_reader(str(repository))
    (repository / "gen3.sqlite3").write_bytes(b"x" * 5000)
    with pytest.raises(UnreachableError):
        butler.collections(["LSSTComCam/calib"])
    with pytest.raises(UnreachableError):
        butler.holdings(["LSSTComCam/calib"])


# A killed writer


def kill_a_writer(database: Path) -> None:
    """Let a process die with a transaction half written to the file."""
    child = os.fork()
    if child == 0:
        connection = sqlite3.connect(database, isolation_level=None)
        # A cache of a page makes SQLite write before the transaction ends.
        connection.execute("PRAGMA cache_size = 1")
        connection.execute("PRAGMA cache_spill = 1")
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("CREATE TABLE half (written TEXT)")
        connection.executemany("INSERT INTO half VALUES (?)", [("x" * 4000,)] * 200)
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    assert database.with_name(f"{database.name}-journal").exists()


def test_a_killed_writer_is_told_apart_and_undone_by_recovery(repository: Path) -> None:
    with open_fresh(repository) as hands:
        world.add_chain(hands, "LSSTComCam/calib", [])
    already_open = open_reader(str(repository))
    kill_a_writer(repository / "gen3.sqlite3")

    with pytest.raises(NeedsRecoveryError, match="calibstate apply"):
        open_reader(str(repository))
    with pytest.raises(NeedsRecoveryError):
        already_open.collections(["LSSTComCam/calib"])

    recover(str(repository))
    assert set(open_reader(str(repository)).collections(["LSSTComCam/calib"])) == {"LSSTComCam/calib"}
    with sqlite3.connect(repository / "gen3.sqlite3") as connection:
        assert not connection.execute("SELECT name FROM sqlite_master WHERE name = 'half'").fetchall()


def test_a_writer_undoes_what_a_killed_one_left(repository: Path) -> None:
    kill_a_writer(repository / "gen3.sqlite3")
    open_writer(str(repository)).close()
    open_reader(str(repository)).close()


def test_recovery_of_a_database_that_recovers_by_itself_is_nothing(
    repository: Path, postgres: Postgres
) -> None:
    recover(str(with_database(repository, postgres.url)))


@contextmanager
def open_fresh(folder: Path) -> Iterator[Butler]:
    butler = Butler.from_config(str(folder), writeable=True)
    yield butler
    butler.close()


# Addresses


def test_one_repository_has_one_identity_by_whatever_path(repository: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(repository)
    addresses = [
        str(repository),
        f"{repository}/",
        f"{repository}/butler.yaml",
        f"file://{repository}",
        str(link),
        str(repository.parent / "x" / ".." / "repository"),
    ]
    assert len({identity(address) for address in addresses}) == 1
    other = world.clone(repository, tmp_path / "other")
    assert identity(str(other)) != identity(str(repository))


def test_two_configurations_of_one_database_are_one_butler(template: Path, tmp_path: Path) -> None:
    def of(name: str, url: str, namespace: str | None = None) -> str:
        return identity(str(with_database(world.clone(template, tmp_path / name), url, namespace)))

    one = of("a", f"postgresql://calib:{PASSWORD}@DB.example.org/butler")
    assert one == of("b", "postgresql://other@db.example.org:5432/butler", "public")
    assert "geheim" not in one
    assert len({one, of("c", "postgresql://db.example.org/butler", "lsstcam")}) == 2
    assert len({one, of("d", "postgresql://db.example.org:5433/butler")}) == 2
    assert len({one, of("e", "postgresql://db.example.org/other")}) == 2
    assert of("f", "postgresql://localhost/butler") == of("g", "postgresql://127.0.0.1/butler")


def test_an_identity_is_told_without_the_database(repository: Path) -> None:
    (repository / "gen3.sqlite3").unlink()
    assert identity(str(repository))


def test_an_identity_of_nothing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UnreachableError):
        identity(str(tmp_path))


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "index.yaml"
    file.write_text("main: /repo/main\nweird/label: s3://bucket/repo\n")
    monkeypatch.setenv("DAF_BUTLER_REPOSITORY_INDEX", str(file))
    monkeypatch.delenv("DAF_BUTLER_REPOSITORIES", raising=False)
    return file


@pytest.mark.parametrize(
    ("butler", "means"),
    [
        ("main", "file:///repo/main"),
        ("weird/label", "s3://bucket/repo"),
        ("s3://bucket/other", "s3://bucket/other"),
        ("/repo/other", "/repo/other"),
        ("./repo", "/tree/sites/repo"),
        ("../../repo", "/repo"),
        ("repo/main", "/tree/sites/repo/main"),
        (".", "/tree/sites"),
    ],
)
def test_an_address_is_a_label_or_else_a_uri_or_a_path(index: Path, butler: str, means: str) -> None:
    assert resolve(butler, "/tree/sites") == means


def test_an_unknown_label_is_told_with_the_known_ones(index: Path) -> None:
    with pytest.raises(UnreachableError, match=r"`mian`.*main, weird/label"):
        resolve("mian", "/tree")


def test_a_label_without_an_index_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DAF_BUTLER_REPOSITORY_INDEX", raising=False)
    monkeypatch.delenv("DAF_BUTLER_REPOSITORIES", raising=False)
    with pytest.raises(UnreachableError, match="no repository index"):
        resolve("main", "/tree")


def test_every_trouble_is_one_of_ours(repository: Path) -> None:
    assert issubclass(NeedsRecoveryError, UnreachableError)
    assert issubclass(UnreachableError, CalibstateError)


def test_a_full_disk_is_told_by_its_cause(repository: Path) -> None:
    engine = sqlalchemy.create_engine(f"sqlite:///{repository}/gen3.sqlite3")
    asked = Repository(str(repository))
    with (
        pytest.raises(UnreachableError, match="its disk is full") as told,
        asked.asking(),
        engine.connect() as connection,
    ):
        connection.exec_driver_sql("PRAGMA max_page_count = 1")
        connection.exec_driver_sql("CREATE TABLE big AS SELECT randomblob(1000000)")
    assert "Make room" in told.value.diagnostics[0].hint
    assert "`butler`" not in told.value.diagnostics[0].hint


def test_a_limit_of_the_database_is_not_told_as_ours(repository: Path, postgres: Postgres) -> None:
    asked = Repository(str(with_database(repository, postgres.url)))
    engine = asked.engine()
    with pytest.raises(UnreachableError) as told, asked.asking(), engine.connect() as connection:
        connection.exec_driver_sql("SET LOCAL statement_timeout = 50")
        connection.exec_driver_sql("SELECT pg_sleep(30)")
    detail = told.value.diagnostics[0].detail
    assert "its database ends what takes longer than it allows" in detail
    assert "did not answer within" not in detail
