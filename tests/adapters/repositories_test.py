"""Which repositories are read without the butler, and that it is no matter."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from lsst.daf.butler import Config

from calibstate.adapters import butler, repositories
from calibstate.adapters.registry.plain import NotPlainError, PlainRepository, known_repositories
from calibstate.adapters.repositories import RegistryReader
from calibstate.errors import UnreachableError
from tests import world
from tests.calibrations import SINCE_2024
from tests.hands import RealHands
from tests.services.postgres import Postgres

BIAS = "calib/bias"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("plain") / "repository"
    world.make_repo(folder).close()
    hands = RealHands(str(folder))
    hands.add_calibration(BIAS, "bias", SINCE_2024)
    hands.add_chain("calib", [BIAS])
    hands.butler.close()
    return folder


@pytest.fixture
def folder(template: Path, tmp_path: Path) -> Path:
    return world.clone(template, tmp_path / "a repository")


def rewrite(folder: Path, change: Callable[[Config], None]) -> None:
    file = folder / "butler.yaml"
    config = Config(str(file))
    change(config)
    config.dumpToUri(str(file))


def put(*key: str, value: object) -> Callable[[Config], None]:
    def change(config: Config) -> None:
        config[key] = value

    return change


def test_it_is_told_from_another_as_the_butler_tells_it(folder: Path) -> None:
    assert PlainRepository.at(str(folder)).identity == butler.identity(str(folder))
    assert PlainRepository.at(str(folder)).server == butler.server_of(str(folder))
    for address in (str(folder / "butler.yaml"), folder.as_uri(), f"{folder.as_uri()}/"):
        assert (
            PlainRepository.at(address).identity == butler.identity(address) == butler.identity(str(folder))
        )


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://calib@127.0.0.1:5433/butler",
        "postgresql://localhost/butler",
        "postgresql://usdf-butler.slac.stanford.edu:5432/lsstdb1",
        "postgresql://calib:p%40ss%2Fword@Host.EXAMPLE.org:5432/lsstdb1",
    ],
)
@pytest.mark.parametrize("namespace", [None, "main_20210215"])
def test_a_database_of_postgresql_is_told_from_another_as_the_butler_tells_it(
    folder: Path, url: str, namespace: str | None
) -> None:
    rewrite(folder, put("registry", "db", value=url))
    if namespace:
        rewrite(folder, put("registry", "namespace", value=namespace))
    assert PlainRepository.at(str(folder)).identity == butler.identity(str(folder))
    assert PlainRepository.at(str(folder)).server == butler.server_of(str(folder))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (put("datastore", "cls", value="some.other.Datastore"), "not a single one of files"),
        (put("datastore", "cached", value={"root": "/tmp"}), "datastore.cached"),
        (put("registry", "password", value="secret"), "registry.password"),
        (put("registry", "db", value="sqlite:///relative.sqlite3"), "no plain path"),
        (put("registry", "db", value="sqlite:///<butlerRoot>/a.sqlite3?mode=ro"), "no plain path"),
        (put("registry", "db", value="postgresql://host/db?sslmode=require"), "not known"),
        (put("registry", "db", value="oracle://host/db"), "not known"),
        (put("registry", "managers", "datasets", value="some.other.Manager"), "another class"),
        (put("root", value="/elsewhere"), "root"),
        (put("remote_butler", value={"url": "https://butler.example.org"}), "remote_butler"),
    ],
)
def test_what_is_not_known_is_left_to_the_butler(
    folder: Path, change: Callable[[Config], None], why: str
) -> None:
    rewrite(folder, change)
    with pytest.raises(NotPlainError, match=why):
        PlainRepository.at(str(folder))


def _include(folder: Path) -> None:
    file = folder / "butler.yaml"
    file.write_text(file.read_text() + "storageClasses: !include more.yaml\n")


def _nonsense(folder: Path) -> None:
    (folder / "butler.yaml").write_text("{{{")


def _nothing(folder: Path) -> None:
    (folder / "butler.yaml").unlink()


def _a_list(folder: Path) -> None:
    (folder / "butler.yaml").write_text("- datastore\n")


def _no_registry(folder: Path) -> None:
    (folder / "butler.yaml").write_text("datastore: {cls: x, records: {table: y}}\n")


@pytest.mark.parametrize("spoil", [_include, _nonsense, _nothing, _a_list, _no_registry])
def test_a_file_that_is_no_plain_configuration_is_left_to_the_butler(
    folder: Path, spoil: Callable[[Path], None]
) -> None:
    spoil(folder)
    with pytest.raises(NotPlainError):
        PlainRepository.at(str(folder))


def test_a_configuration_from_elsewhere_is_left_to_the_butler(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAF_BUTLER_CONFIG_PATH", str(tmp_path))
    reader = repositories.open_reader(str(folder))
    assert not isinstance(reader, RegistryReader)
    assert reader.aside == "DAF_BUTLER_CONFIG_PATH is set"
    assert reader.examine().read.endswith("every look at it takes longer: DAF_BUTLER_CONFIG_PATH is set")
    assert set(reader.holdings([BIAS])) == {BIAS}
    reader.close()


def test_a_chain_that_nobody_has_and_an_absent_collection_are_told_alike(folder: Path) -> None:
    names = ["calib", "nobody", BIAS]
    quick, stock = repositories.open_reader(str(folder)), butler.open_reader(str(folder))
    assert isinstance(quick, RegistryReader)
    assert quick.collections(names) == stock.collections(names)
    assert list(quick.collections(names)) == ["calib", BIAS]
    assert quick.holdings(names) == stock.holdings(names)
    for reader in (quick, stock):
        reader.close()


@pytest.mark.parametrize(
    ("url", "user"),
    [
        ("postgresql://127.0.0.1/*", "calib"),
        ("postgresql://127.0.0.1/*", "nobody_here"),
        ("postgresql://elsewhere/*", "calib"),
    ],
)
def test_the_file_of_database_passwords_is_heard(
    postgres: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str, user: str
) -> None:
    folder, server = tmp_path / "repository", postgres.another()
    world.make_repo(folder, db=server.url, namespace="butler").close()
    rewrite(folder, put("registry", "db", value=server.url.replace("calib@", "")))
    monkeypatch.setenv(
        "LSST_DB_AUTH_CREDENTIALS", json.dumps([{"url": url, "username": user, "password": ""}])
    )
    if user == "calib" and "127" in url:
        assert isinstance(repositories.open_reader(str(folder)), RegistryReader)
        return
    with pytest.raises(UnreachableError) as quick:
        repositories.open_reader(str(folder))
    with pytest.raises(UnreachableError) as stock:
        butler.open_reader(str(folder))
    assert quick.value.diagnostics == stock.value.diagnostics


def test_a_damaged_file_of_database_passwords_is_told_by_the_butler(
    postgres: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, server = tmp_path / "repository", postgres.another()
    world.make_repo(folder, db=server.url, namespace="butler").close()
    monkeypatch.setenv("LSST_DB_AUTH_CREDENTIALS", "{{{")
    with pytest.raises(UnreachableError, match="the file of database passwords cannot be used"):
        repositories.open_reader(str(folder))


@pytest.mark.parametrize(
    "said",
    [
        "main: {repo}\n",
        "main: {uri}\nother: s3://bucket/repo\n",
        "main: {repo}/\n",
        "main: {repo}/butler.yaml\n",
    ],
)
def test_a_label_means_what_the_butler_says(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    index = tmp_path / "index.yaml"
    index.write_text(said.format(repo=folder, uri=folder.as_uri()))
    monkeypatch.setenv("DAF_BUTLER_REPOSITORY_INDEX", str(index))
    assert known_repositories() == butler.known_labels()
    assert repositories.resolve("main", "/") == butler.known_labels()["main"]


@pytest.mark.parametrize("said", ["main: [a, b]\n", "main: relative/repo\n", "{{{", "- main\n"])
def test_an_index_of_another_kind_is_left_to_the_butler(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    index = tmp_path / "index.yaml"
    index.write_text(said)
    monkeypatch.setenv("DAF_BUTLER_REPOSITORY_INDEX", str(index))
    with pytest.raises(NotPlainError):
        known_repositories()


def test_a_plain_one_is_read_without_a_module_of_the_butler(folder: Path) -> None:
    code = (
        "import sys\n"
        "from calibstate.adapters.repositories import identity, open_reader, resolve\n"
        f"uri = resolve({str(folder)!r}, '/')\n"
        "reader = open_reader(uri)\n"
        f"assert identity(uri) and reader.collections(['calib']) and reader.holdings([{BIAS!r}])\n"
        "reader.close()\n"
        "print(sorted(m for m in sys.modules if m.split('.')[0] in {'lsst', 'sqlalchemy', 'numpy'}))\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
