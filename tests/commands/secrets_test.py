"""No secret reaches the screen, a plan, a journal, a lock or another file."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

import boto3
import pytest
import yaml
from lsst.daf.butler import Butler

from calibstate.errors import Diagnostic, keep_secret, without_secrets
from calibstate.store import statefile
from tests import world
from tests.commands.sites import INSTRUMENT, SUMMIT, TOP, Sites
from tests.services.moto import S3
from tests.services.postgres import Postgres

PASSWORD = "gehe1m/nicht@sagen:bitte"
KEY_OF_A_PROFILE = "pr0file/Schluessel+Bart"
KEY = "l00pback/Schluessel+Loch"
TOKEN = "t0ken-der-nacht-4711"
SECRETS = (PASSWORD, KEY_OF_A_PROFILE, KEY, TOKEN)

EVERY_COMMAND: Sequence[Sequence[str]] = (
    ["show", "--format", "json"],
    ["drift"],
    ["drift", "--files", "--format", "json"],
    ["plan", "-o", "plan.json"],
    ["apply", "--yes", "--format", "json"],
    ["apply", "--yes"],
    ["fingerprint", "--format", "json"],
    ["explain", "bias", "detector=0", "--at", "2024-06-01T00:00:00"],
    ["observe", "-o", "observed.json", "--publish"],
    ["drift", "--observed", "published"],
    ["seal", "DM-1"],
    ["verify", "--bytes", "--format", "json"],
    ["verify", "--publish"],
    ["status", "--format", "json"],
    ["capture", SUMMIT, INSTRUMENT, "--dry-run"],
    ["log", "--format", "json"],
    ["approvals", "--format", "json"],
    ["unlock", SUMMIT],
    ["doctor", "--format", "json"],
)


def told_forms() -> set[str]:
    """Return the secrets as they may be written."""
    return {form for secret in SECRETS for form in (secret, quote(secret), quote(secret, safe=""))}


def leaks(where: str, data: str) -> list[str]:
    return [f"{where}: {form}" for form in told_forms() if form in data]


def ask(sites: Sites, database: str) -> None:
    file = sites.path(SUMMIT) / "butler.yaml"
    said = yaml.safe_load(file.read_text())
    said["registry"]["db"] = database
    file.write_text(yaml.safe_dump(said))


@pytest.fixture
def secretive(sites: Sites, s3: S3, postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> Sites:
    """Return sites whose places are opened with secrets only."""
    namespace = postgres.namespace()
    shutil.rmtree(sites.path(SUMMIT))
    world.make_repo(sites.path(SUMMIT), db=postgres.url, namespace=namespace).close()
    ask(sites, postgres.url.replace("calib@", f"calib:{quote(PASSWORD, safe='')}@"))
    with Butler.from_config(str(sites.path(SUMMIT))):
        pass
    bucket = s3.bucket("kept").removeprefix("s3://")
    host = s3.endpoint.removeprefix("http://")
    profile = f"http://keeper:{quote(KEY_OF_A_PROFILE, safe='')}@{host}"
    monkeypatch.setenv("LSST_RESOURCES_S3_PROFILE_keeper", profile)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", KEY)
    monkeypatch.setenv("AWS_SESSION_TOKEN", TOKEN)
    settings = sites.tree.state / "calibstate.yaml"
    text = settings.read_text().replace("archive: ../archive", f"archive: s3://keeper@{bucket}/archive")
    settings.write_text(text.replace("records: ../records", f"records: s3://keeper@{bucket}/records"))
    return sites


def run_everything(sites: Sites, monkeypatch: pytest.MonkeyPatch) -> tuple[list[int], list[str]]:
    written = sites.tree.folder / "written"
    written.mkdir(exist_ok=True)
    monkeypatch.chdir(written)
    codes, found = [], list[str]()
    for command in EVERY_COMMAND:
        ran = sites.run(*command)
        codes.append(ran.code)
        found += leaks(" ".join(command), ran.out + ran.err)
    return codes, found


def in_files(folder: Path) -> list[str]:
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != "butler.yaml")
    return [leak for path in files for leak in leaks(str(path), path.read_bytes().decode(errors="replace"))]


def in_objects(s3: S3) -> list[str]:
    client = boto3.client("s3", endpoint_url=s3.endpoint)
    return [
        leak
        for bucket in client.list_buckets()["Buckets"]
        if bucket["Name"].startswith("kept-")
        for key in s3.keys(f"s3://{bucket['Name']}")
        for data in [client.get_object(Bucket=bucket["Name"], Key=key)["Body"].read()]
        for leak in leaks(key, data.decode(errors="replace"))
    ]


def test_where_all_goes_well_no_secret_is_told(
    secretive: Sites, s3: S3, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes, found = run_everything(secretive, monkeypatch)
    assert found == []
    wrong = {" ".join(c): code for c, code in zip(EVERY_COMMAND, codes, strict=True) if code not in {0, 2}}
    assert wrong == {}
    assert secretive.chain(SUMMIT) == (f"{TOP}/DM-2", f"{TOP}/DM-1")
    assert in_files(secretive.tree.folder) == []
    assert in_objects(s3) == []


def test_where_nothing_answers_no_secret_is_told(
    secretive: Sites, s3: S3, silent_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALIBSTATE_TIMEOUT", "1s")
    monkeypatch.setenv("CALIBSTATE_TRACEBACK", "1")
    ask(secretive, f"postgresql://calib:{quote(PASSWORD, safe='')}@127.0.0.1:1/butler")
    profile = f"http://keeper:{quote(KEY_OF_A_PROFILE, safe='')}@127.0.0.1:1"
    monkeypatch.setenv("LSST_RESOURCES_S3_PROFILE_keeper", profile)
    codes, found = run_everything(secretive, monkeypatch)
    assert found == []
    assert codes.count(1) > len(codes) / 2
    assert in_files(secretive.tree.folder) == []


@pytest.mark.parametrize("address", [f"postgresql://calib:{PASSWORD}@h/b", f"s3://key:{PASSWORD}@bucket/x"])
def test_a_secret_in_the_tree_itself_is_not_repeated(
    sites: Sites, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALIBSTATE_TIMEOUT", "1s")
    site = sites.tree.state / "sites" / "summit.yaml"
    said = yaml.safe_load(site.read_text())
    said["repositories"][SUMMIT.partition("/")[2]]["butler"] = address
    site.write_text(yaml.safe_dump(said))
    for command in (["drift"], ["doctor"], ["doctor", "--format", "json"], ["plan", "--format", "json"]):
        ran = sites.run(*command)
        assert ran.code == 1
        assert leaks(" ".join(command), ran.out + ran.err) == []


def test_keys_in_the_address_of_a_bucket_are_not_repeated(
    sites: Sites, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALIBSTATE_TIMEOUT", "2s")
    sites.tree.settings(archive=f"s3://key:{PASSWORD.replace('/', '')}@bucket/x")
    for command in (["drift"], ["doctor", "--format", "json"], ["status"], ["status", "--format", "json"]):
        ran = sites.run(*command)
        said = ran.out + ran.err
        if command == ["status", "--format", "json"]:
            # A document that may be published has no address at all.
            assert "archive cannot be seen" in ran.out
            assert "bucket" not in ran.out
        else:
            assert "***" in said
        assert [form for form in (PASSWORD, PASSWORD.replace("/", "")) if form in said] == []


@pytest.mark.parametrize("traceback", ["", "1"])
def test_an_unexpected_error_tells_no_secret(
    sites: Sites, traceback: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError(f"cannot open postgresql://calib:{PASSWORD}@host/b with {TOKEN}")

    monkeypatch.setenv("CALIBSTATE_TRACEBACK", traceback)
    monkeypatch.setenv("AWS_SESSION_TOKEN", TOKEN)
    monkeypatch.setattr(statefile, "load", fail)
    ran = sites.run("show")
    assert ran.code == 1
    assert "RuntimeError" in ran.err
    assert ("Traceback" in ran.err) == bool(traceback)
    assert leaks("show", ran.out + ran.err) == []


# What takes them out


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("postgresql://me:a/b@c:d@host:5432/db", "postgresql://me:***@host:5432/db"),
        ("s3://profile@bucket/prefix", "s3://profile@bucket/prefix"),
        ("https://ghp_0123456789@host/x", "https://***@host/x"),
        ("host=h password=geheim dbname=d", "host=h password=*** dbname=d"),
        ("?X-Amz-Signature=0123456789abcdef&x=1", "?X-Amz-Signature=***&x=1"),
        ("{'X-Rucio-Auth-Token': 'root-root-unknown-1'}", "{'X-Rucio-Auth-Token': '***'}"),
        ("http://127.0.0.1:8443/path: no answer", "http://127.0.0.1:8443/path: no answer"),
        ("LSSTCam/calib/DM-1 has no token", "LSSTCam/calib/DM-1 has no token"),
    ],
)
def test_a_secret_is_known_by_where_it_stands(said: str, told: str) -> None:
    assert without_secrets(said) == told
    assert without_secrets(told) == told


def test_a_secret_that_was_learned_is_known_wherever_it_stands() -> None:
    keep_secret("auswendig-gelernt")
    keep_secret("kurz")
    told = Diagnostic("Words", "it says auswendig-gelernt, kurz", hint="auswendig-gelernt")
    assert (told.detail, told.hint) == ("it says ***, kurz", "***")


def test_what_the_environment_keeps_secret_is_what_it_holds_now(monkeypatch: pytest.MonkeyPatch) -> None:
    said = "its answer: sesame-0815 and alibaba-4711"
    monkeypatch.delenv("DOOR_TOKEN", raising=False)
    assert without_secrets(said) == said

    monkeypatch.setenv("DOOR_TOKEN", "sesame-0815")
    assert without_secrets(said) == "its answer: *** and alibaba-4711"
    monkeypatch.setenv("DOOR_TOKEN", "alibaba-4711")
    assert without_secrets(said) == "its answer: sesame-0815 and ***"
    monkeypatch.delenv("DOOR_TOKEN")
    assert without_secrets(said) == said
