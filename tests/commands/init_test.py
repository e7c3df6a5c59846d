"""A tree of one's own, begun from butlers that nobody prepared for it."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator
from lsst.daf.butler import Butler, Config

from calibstate.beginning.remarks import in_a_line
from calibstate.cli.app import run
from calibstate.store.schemas import schemas
from tests import world
from tests.calibrations import instrument_record
from tests.golden import Golden
from tests.tree import Ran

COMMIT = "observatory/calibstate@3d3c42e5aac5ba805825da76410c181273ba90b1"
TOP = "LSSTComCam/calib"
TREE = ["calibstate.yaml", "sites/summit.yaml", "sites/usdf.yaml"]
AROUND = [".github/CODEOWNERS", ".github/PULL_REQUEST_TEMPLATE.md", ".gitignore", ".pre-commit-config.yaml"]
WORKFLOWS = [f".github/workflows/{name}.yml" for name in ("apply-site", "apply", "drift", "pages", "plan")]
ALL = sorted([*TREE, *AROUND, *WORKFLOWS])

Init = Callable[..., Ran]


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of repositories, as others make them."""
    folder = tmp_path_factory.mktemp("facility") / "repo"
    with _closed(world.make_repo(folder / "main", detectors=1)) as butler:
        world.add_instrument(butler, "LATISS", detectors=1)
        world.add_ticket(butler, "LSSTComCam", "DM-1", {"bias.20250207a": ["bias"]}, top=TOP)
    world.make_repo(folder / "embargo", detectors=1).close()
    world.make_repo(folder / "LATISS", "LATISS", detectors=1).close()
    Butler.makeRepo(str(folder / "bare"))
    with _closed(world.make_repo(folder / "strange", detectors=1)) as butler:
        for name in ("../climber", "two\nlines", "any", "\x1b[31mred"):
            butler.registry.insertDimensionData("instrument", instrument_record(name))
    return folder


@contextmanager
def _closed(butler: Butler) -> Iterator[Butler]:
    yield butler
    butler.close()


@pytest.fixture
def here(tmp_path: Path, repo: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty folder, in which we are, beside the repositories."""
    folder = tmp_path / "here"
    folder.mkdir()
    (folder / "repo").symlink_to(repo)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def init(here: Path) -> Init:
    return lambda *arguments: calibstate("init", *arguments)


def calibstate(*arguments: str) -> Ran:
    with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as err:
        code = run(list(arguments))
    return Ran(code, out.getvalue(), err.getvalue())


USDF = ("--site", "usdf/main=repo/main", "--site", "usdf/embargo=./repo/embargo")
SUMMIT = ("--site", "summit=repo/LATISS")


def files(folder: Path) -> dict[str, str]:
    found = (path for path in folder.rglob("*") if path.is_file() and ".git/" not in f"{path}")
    return {str(path.relative_to(folder)): path.read_text() for path in found}


def declared(folder: Path, site: str) -> dict[str, tuple[list[str], str]]:
    """Return instruments and route of a site's repositories."""
    said = yaml.safe_load((folder / "sites" / f"{site}.yaml").read_text())
    return {name: (r["instruments"], r["route"]) for name, r in said["repositories"].items()}


def index(folder: Path, said: object, monkeypatch: pytest.MonkeyPatch, name: str = "index.yaml") -> None:
    """Have an index of repositories, in YAML or JSON."""
    if not isinstance(said, str):
        said = json.dumps(said) if name.endswith("json") else yaml.safe_dump(said, sort_keys=False)
    (folder / name).write_text(said)
    monkeypatch.setenv("DAF_BUTLER_REPOSITORY_INDEX", str(folder / name))


def git(*words: str, at: Path) -> None:
    subprocess.run(["git", *words], cwd=at, check=True, capture_output=True)


def assert_is_sound(folder: Path) -> None:
    """Assert that nothing is found in a tree, and that one can work in it."""
    for command in (("validate",), ("fmt", "--check"), ("drift",), ("plan",)):
        ran = calibstate("-C", str(folder), *command)
        assert (ran.code, "warning" in ran.err, "error" in ran.err) == (0, False, False), ran.out + ran.err
    assert "sound" in calibstate("-C", str(folder), "validate").out
    assert calibstate("-C", str(folder), "doctor").code == 0


# --- what is written ---


def test_a_tree_is_begun_from_butlers(init: Init, here: Path, golden: Golden) -> None:
    ran = init("mine", *USDF, *SUMMIT, "--program", COMMIT)

    assert ran.code == 0, ran.err
    golden("init.txt", (ran.out + "---\n" + ran.err).replace(str(here), "HERE"))
    assert sorted(files(here / "mine")) == ALL
    assert declared(here / "mine", "usdf") == {
        "main": (["LATISS", "LSSTComCam"], "origin"),
        "embargo": (["LSSTComCam"], "copy"),
    }
    assert declared(here / "mine", "summit") == {"LATISS": (["LATISS"], "copy")}
    for file in TREE:
        golden(f"init/{Path(file).name}", files(here / "mine")[file].replace(str(here), "/HERE"))
    assert_is_sound(here / "mine")


def test_what_comes_next_works_as_it_is_printed(init: Init, here: Path) -> None:
    folder = "it's mine"
    ran = init(folder, *USDF)

    script = ran.out.partition("next:\n")[2]
    who = {f"GIT_{role}_{what}": "nobody" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    shell = ["bash", "-e", "-c", script]
    subprocess.run(shell, env={**os.environ, **who, "PATH": path}, check=True, capture_output=True)

    (here / folder / "archive").mkdir()
    (here / folder / "archive" / "bundle").touch()
    status = subprocess.run(
        ["git", "status", "--porcelain"], cwd=here / folder, capture_output=True, text=True, check=True
    )
    assert status.stdout == "", "archive and records are ignored, and all else is committed"
    assert (here / folder / "chains/LSSTComCam-calib.yaml").exists()
    # What the other repository lacks is skipped there.
    plan = calibstate("-C", folder, "plan", "--exclude", "archive", "--format", "json")
    assert [step for step in plan.json["steps"] if "/" in step["target"]["place"]] == []


def test_again_it_writes_nothing(init: Init, here: Path) -> None:
    words = ("mine", *USDF, *SUMMIT, "--program", COMMIT)
    init(*words)
    before = files(here / "mine")

    ran = init(*words, "--format", "json")

    assert ran.code == 0, ran.err
    assert {file["what"] for file in ran.json["files"]} == {"kept"}
    assert sorted(file["path"] for file in ran.json["files"]) == ALL
    assert (ran.json["repositories"], ran.json["next"]) == ([], [])
    assert files(here / "mine") == before


def test_another_site_is_added_later(init: Init, here: Path) -> None:
    init("mine", *USDF)
    before = files(here / "mine")

    ran = init("mine", *USDF, *SUMMIT)

    assert ran.code == 0, ran.err
    after = files(here / "mine")
    assert after.keys() - before.keys() == {"sites/summit.yaml"}
    assert {file: after[file] for file in before} == before
    assert declared(here / "mine", "summit") == {"LATISS": (["LATISS"], "copy")}
    assert_is_sound(here / "mine")


def test_a_site_that_is_declared_stays_and_what_it_lacks_is_told(init: Init, here: Path) -> None:
    init("mine", *USDF[:2])

    ran = init("mine", *USDF)

    assert ran.code == 0
    assert "sites/usdf.yaml is kept as it is, and does not declare usdf/embargo" in ran.err
    assert declared(here / "mine", "usdf").keys() == {"main"}


def test_the_site_of_the_origin_is_written_first(init: Init, here: Path) -> None:
    ran = init("mine", *SUMMIT, *USDF, "--origin", "usdf/main", "--format", "json")

    assert [file["path"] for file in ran.json["files"]][:2] == ["sites/usdf.yaml", "sites/summit.yaml"]
    assert "Origin" not in ran.err, "it is as somebody says"


@pytest.mark.parametrize("number", range(len(ALL)))
@pytest.mark.matrix(4)
def test_what_was_cut_off_is_completed(
    init: Init, here: Path, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("mine", *USDF, *SUMMIT, "--program", COMMIT)
    init(*words)
    whole = files(here / "mine")
    subprocess.run(["rm", "-r", "mine"], check=True)
    link, left = Path.hardlink_to, iter(range(number))

    def cut(path: Path, target: Path) -> None:
        if next(left, None) is None:
            raise KeyboardInterrupt
        link(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "hardlink_to", cut)
        assert init(*words).code == 1
    assert len(files(here / "mine")) == number
    assert not (here / "mine/calibstate.yaml").exists(), "what is not whole is no tree"

    ran = init(*words)

    assert ran.code == 0, ran.err
    assert files(here / "mine") == whole


def test_what_a_dry_run_shows_is_not_written(init: Init, here: Path) -> None:
    ran = init("mine", *USDF, "--dry-run")

    assert ran.code == 0
    assert "+    route: origin  # calibrations are made here" in ran.out
    assert "nothing was" in ran.out
    assert not (here / "mine").exists()


def test_the_document_has_its_schema(init: Init, here: Path) -> None:
    ran = init("mine", *USDF, "--site", "tts=/nowhere/main", "--format", "json")

    assert ran.code == 1
    Draft202012Validator(schemas()["beginning.json"]).validate(ran.json)
    assert [(r["address"], r["route"]) for r in ran.json["repositories"]] == [
        ("usdf/main", "origin"),
        ("usdf/embargo", "copy"),
        ("tts/main", None),
    ]
    assert ran.json["repositories"][2]["unseen"] == "/nowhere/main: it does not exist."
    assert ran.json["next"][-2] == "calibstate capture"


def test_markdown_has_the_same_in_tables(init: Init, here: Path) -> None:
    ran = init("mine", *USDF, "--format", "markdown", "--no-github")

    assert "| usdf/main | origin | LATISS, LSSTComCam |" in ran.out
    assert "| calibstate.yaml | new |" in ran.out
    assert ".github" not in ran.out
    assert not (here / "mine/.github").exists()


# --- the repository index ---


@pytest.mark.parametrize("name", ["index.yaml", "index.json"])
def test_a_site_has_what_the_index_lists(
    init: Init, here: Path, repo: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = {"main": f"{repo}/main", "embargo": f"{repo}/embargo", "/repo/main": f"{repo}/main"}
    index(here, listed, monkeypatch, name)

    ran = init("mine", "--site", "usdf")

    assert ran.code == 0, ran.err
    said = yaml.safe_load((here / "mine/sites/usdf.yaml").read_text())["repositories"]
    assert {name: repository["butler"] for name, repository in said.items()} == {
        "main": "main",
        "embargo": "embargo",
    }
    assert_is_sound(here / "mine")


def test_an_index_may_be_a_uri_or_stand_in_a_variable(
    init: Init, here: Path, repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index(here, {"main": f"file://{repo}/main/"}, monkeypatch)
    monkeypatch.setenv("DAF_BUTLER_REPOSITORY_INDEX", f"file://{here}/index.yaml")
    assert init("by_uri", "--site", "usdf").code == 0

    monkeypatch.delenv("DAF_BUTLER_REPOSITORY_INDEX")
    monkeypatch.setenv("DAF_BUTLER_REPOSITORIES", f"main: {repo}/main")
    monkeypatch.setenv("CALIBSTATE_HERE", "usdf")
    assert init("by_variable").code == 0

    by_uri, by_variable = files(here / "by_uri"), files(here / "by_variable")
    assert by_uri == by_variable


@pytest.fixture
def web(here: Path) -> Iterator[str]:
    """Return where others find the files of the folder."""
    handler = partial(SimpleHTTPRequestHandler, directory=str(here))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_an_index_may_be_elsewhere(
    init: Init, here: Path, repo: Path, web: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    index(here, {"main": f"{repo}/main"}, monkeypatch)

    monkeypatch.setenv("DAF_BUTLER_REPOSITORY_INDEX", f"{web}/index.yaml")
    ran = init("mine", "--site", "usdf")
    monkeypatch.setenv("DAF_BUTLER_REPOSITORY_INDEX", f"{web}/indx.yaml")
    missing = init("other", "--site", "usdf")

    assert ran.code == 0, ran.err
    assert declared(here / "mine", "usdf").keys() == {"main"}
    assert (missing.code, "Repository index cannot be read" in missing.err) == (1, True)
    assert not (here / "other").exists()


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({}, "Repository index is empty"),
        ("[main, embargo]", "Not a repository index"),
        ("{main: [", "Not a repository index"),
        ("main: {uri: /repo/main}", "Not a repository index"),
        (None, "Repository index cannot be read"),
        ("unset", "No repository index"),
    ],
    ids=["empty", "a list", "broken", "nested", "missing", "unset"],
)
def test_an_index_that_tells_nothing_is_told(
    init: Init, here: Path, said: object, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if said != "unset":
        index(here, said or {}, monkeypatch)
    if said is None:
        (here / "index.yaml").unlink()

    ran = init("mine", "--site", "usdf")

    assert ran.code in {1, 64}
    assert f"error: {words}" in ran.err
    assert not (here / "mine").exists()


def test_an_index_without_a_site_asks_for_its_name(
    init: Init, here: Path, repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index(here, {"main": f"{repo}/main"}, monkeypatch)

    ran = init("mine")

    assert ran.code == 64
    assert "The repository index lists main; which facility has them, it does not say." in ran.err
    assert "calibstate init --site NAME" in ran.err


def test_labels_that_cannot_be_names_are_left_out_and_told(
    init: Init, here: Path, repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = {
        "main": f"{repo}/main",
        "again": f"file://{repo}/main/",
        "two words": f"{repo}/embargo",
        "..": f"{repo}/embargo",
        "\x1b[31mred": f"{repo}/embargo",
        "open": "https://me:secret-word@example.org/butler.yaml",
        "/other/main": f"{repo}/embargo",
    }
    index(here, listed, monkeypatch)

    ran = init("mine", "--site", "usdf")

    assert ran.code == 0, ran.err
    assert declared(here / "mine", "usdf").keys() == {"main"}
    assert ran.err.count("warning: Repository left out") == 5
    assert "usdf/again of the repository index opens the same repository as usdf/main" in ran.err
    assert "\x1b" not in ran.err
    assert "secret-word" not in ran.err
    assert "secret-word" not in "".join(files(here / "mine").values())


def test_what_a_place_says_becomes_no_order_in_a_file(
    init: Init, here: Path, repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd = "/nowhere/\x1b[31m\nsite: other\u2028"
    index(here, {"main": f"{repo}/main", "odd": odd}, monkeypatch)

    ran = init("mine", "--site", "usdf")

    assert ran.code == 1
    text = (here / "mine/sites/usdf.yaml").read_text()
    assert "  # odd:\n" in text
    assert not re.search("[\x1b\u2028]|^site: other", text + ran.err, re.MULTILINE)
    assert_is_sound(here / "mine")


def test_a_reason_is_one_line_that_can_be_seen_whatever_a_database_says() -> None:
    assert in_a_line("no\x1b[31m such\r\n  table\u202e") == "no[31m such table"
    assert in_a_line("x" * 300) == "x" * 200 + "…"


def test_a_label_that_the_index_does_not_know_is_told(
    init: Init, here: Path, repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index(here, {"main": f"{repo}/main"}, monkeypatch)
    (here / "embargo").mkdir()

    for butler, words in (("mian", "Did you mean main?"), ("embargo", "--site usdf/embargo=./embargo")):
        ran = init("mine", "--site", f"usdf/{butler}={butler}")
        assert ran.code == 64
        assert words in ran.err


def test_the_folder_of_a_butler_that_is_here_needs_no_index(init: Init, here: Path, repo: Path) -> None:
    (here / "main").symlink_to(repo / "main")

    ran = init("mine", "--site", "usdf=main")

    assert ran.code == 0, ran.err
    assert f"butler: {here}/main\n" in (here / "mine/sites/usdf.yaml").read_text()


def test_an_index_of_which_nothing_can_be_declared_is_told(
    init: Init, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index(here, {"m": "postgresql://u:secretpw@h/db", "k": "https://u:secretpw@h/r"}, monkeypatch)

    ran = init("mine", "--site", "usdf")

    assert "defect" not in ran.err
    assert "secretpw" not in ran.out + ran.err
    assert (ran.code, (here / "mine").exists()) == (64, False)
    assert "error: Repository left out" in ran.err


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null", "pipe"])
def test_what_is_no_file_and_no_folder_is_not_read(init: Init, here: Path, device: str) -> None:
    os.mkfifo(here / "pipe")

    ran = init("mine", "--site", f"usdf/main={here / device}")

    assert ran.code == 1
    assert "no file" in ran.err


# --- what butlers show ---


def test_what_cannot_be_seen_is_left_to_write_by_hand(init: Init, here: Path) -> None:
    ran = init("mine", *USDF, "--site", "usdf/far=/repo/far", "--site", "tts=/repo/main")

    assert ran.code == 1, "a place that was asked for was not seen"
    assert "usdf/far: /repo/far: it does not exist" in ran.err
    text = (here / "mine/sites/usdf.yaml").read_text()
    assert "  # Not declared: /repo/far: it does not exist.\n  # far:\n  #   butler: /repo/far\n" in text
    assert not (here / "mine/sites/tts.yaml").exists(), "a later look can declare all of it"
    assert_is_sound(here / "mine")


def test_what_cannot_be_seen_is_declared_as_somebody_says(init: Init, here: Path) -> None:
    far = ("--site", "tts=/repo/main", "--instrument", "tts/main=LATISS")
    ran = init("mine", *USDF, *far)

    assert ran.code == 0, ran.err
    assert "tts/main is declared with the instruments that you name" in ran.err
    assert declared(here / "mine", "tts") == {"main": (["LATISS"], "copy")}
    assert declared(here / "mine", "usdf")["main"] == (["LATISS", "LSSTComCam"], "origin")


def test_an_origin_of_which_nothing_is_known_is_refused(init: Init, here: Path) -> None:
    for repository, why in (
        ("/nowhere/main", "it does not exist"),
        ("repo/bare", "it has no instrument yet"),
    ):
        ran = init("mine", "--site", f"usdf={repository}", *SUMMIT)
        assert ran.code == 1
        assert why in ran.err
        assert not (here / "mine").exists()


def test_only_the_instruments_that_are_asked_for_are_declared(init: Init, here: Path) -> None:
    ran = init("mine", *USDF, *SUMMIT, "--instrument", "LSSTComCam")

    assert ran.code == 0, ran.err
    assert declared(here / "mine", "usdf")["main"] == (["LSSTComCam"], "origin")
    assert "summit/LATISS: it has LATISS only" in ran.err
    assert not (here / "mine/sites/summit.yaml").exists()


def test_instruments_that_nobody_makes_calibrations_of_are_told(init: Init, here: Path) -> None:
    ran = init("mine", *USDF, *SUMMIT, "--origin", "usdf/embargo")

    assert ran.code == 0, ran.err
    assert declared(here / "mine", "usdf") == {
        "main": (["LSSTComCam"], "copy"),
        "embargo": (["LSSTComCam"], "origin"),
    }
    assert "usdf/main has LATISS, whose calibrations are made at no repository" in ran.err
    assert "summit/LATISS" in ran.err
    assert_is_sound(here / "mine")


def test_instruments_with_names_of_no_good_are_left_out(init: Init, here: Path) -> None:
    ran = init("mine", "--site", "usdf=repo/strange")

    assert ran.code == 0, ran.err
    assert declared(here / "mine", "usdf") == {"strange": (["LSSTComCam"], "origin")}
    assert ran.err.count("warning: Instrument left out") == 4
    assert "\x1b" not in ran.err
    assert_is_sound(here / "mine")


def test_one_butler_has_one_name(init: Init, here: Path, repo: Path) -> None:
    twice = init("mine", "--site", "usdf/a=repo/main", "--site", f"usdf/b=file://{repo}/main/butler.yaml")
    apart = init("mine", "--site", "usdf=repo/main", "--site", f"tts=./repo/../{repo.name}/main")

    assert (twice.code, apart.code) == (64, 64)
    assert "usdf/a and usdf/b open the same repository" in twice.err
    assert f"Give it one name, which gets all its instruments: --site usdf/NAME={here}/repo/main" in twice.err
    assert "Give it to one site only" in apart.err
    init("mine", "--site", "usdf=repo/main")
    ran = init("mine", "--site", "tts=repo/main")
    assert "It is declared already" in ran.err
    assert not (here / "mine/sites/tts.yaml").exists()


# --- words of no good ---


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--site", "usdf="], "No butler"),
        (["--site", "=repo/main"], "Not the name of a site"),
        (["--site", "../up=repo/main"], "Not the name of a site"),
        (["--site", ".git=repo/main"], "Not the name of a site"),
        (["--site", "README=repo/main"], "Not the name of a site"),
        (["--site", "archive=repo/main"], None),
        (["--site", f"{'s' * 101}=repo/main"], "Not the name of a site"),
        (["--site", "us\u202edf=repo/main"], "Not the name of a site"),
        (["--site", "usdf/a/b=repo/main"], "Repository needs a name"),
        (["--site", "usdf/..=repo/main"], "Repository needs a name"),
        (["--site", "usdf=/"], "Repository needs a name"),
        (["--site", "usdf=repo/ma\nin"], "Address cannot be written"),
        (["--site", "usdf/x=repo/\ud800"], "Address cannot be written"),
        (["--site", "usdf=s3://key:secret-word@bucket/main"], "Secret in an address"),
        (["--site", "usdf", "--site", "tts"], "Two sites for one index"),
        (["--site", "usdf/x=repo/main", "--site", "usdf/x=repo/embargo"], "Repository is named twice"),
        (["--site", "usdf=repo/main", "--origin", "usdf/mian"], "Unknown origin"),
        (["--site", "usdf=repo/main", "--instrument", "a b"], "Not the name of an instrument"),
        (["--site", "usdf=repo/main", "--archive", " "], "Address cannot be written"),
        (["--site", "usdf=repo/main", "--records", "s3://key:secret-word@bucket/x"], "Secret in an address"),
        (["--site", "usdf=repo/main", "--program", "calibstate"], "Not a program"),
        (["--site", "usdf=repo/main", "--program", "a/b@c\n  evil: true"], "Not a program"),
        (["--site", "usdf=repo/main", "--program", "../x@v1"], "Not a program"),
    ],
    ids=lambda value: ascii(value),
)
def test_what_means_nothing_is_told(init: Init, here: Path, words: list[str], told: str | None) -> None:
    ran = init("mine", *words)

    assert ran.code == (64 if told else 0), ran.err
    assert f"error: {told}" in ran.err or not told
    assert (here / "mine").exists() is (told is None)
    assert not re.search("Unexpected error|Traceback|secret-word|\u202e", ran.err)


@pytest.mark.parametrize("site", ["archive", "true", "1e3", "null", "~tts", "-x", "a.b", "on"])
def test_a_site_is_called_as_somebody_likes(init: Init, here: Path, site: str) -> None:
    ran = init("mine", "--site", f"{site}=repo/main", "--program", COMMIT)

    if ran.code == 64:
        assert site == "~tts"
        return
    assert yaml.safe_load((here / f"mine/sites/{site}.yaml").read_text())["site"] == site
    workflows = [yaml.safe_load(text) for file, text in files(here / "mine").items() if "workflows" in file]
    (apply,) = (workflow for workflow in workflows if workflow["name"] == "Apply")
    assert apply[True]["workflow_dispatch"]["inputs"]["site"]["options"] == [site]
    (plan,) = (workflow for workflow in workflows if workflow["name"] == "Plan")
    assert plan["env"] == {"ORIGIN": site, "OTHERS": ""}


# --- folders ---


def a_file(here: Path) -> str:
    (here / "mine").write_text("mine")
    return "mine"


def below_a_file(here: Path) -> str:
    (here / "mine").write_text("mine")
    return "mine/tree"


def a_link_to_itself(here: Path) -> str:
    (here / "mine").symlink_to("mine")
    return "mine"


def within_a_tree(here: Path) -> str:
    (here / "calibstate.yaml").write_text("version: 1\n")
    return "mine/deeper"


def around_a_tree(here: Path) -> str:
    (here / "mine/state").mkdir(parents=True)
    (here / "mine/state/calibstate.yaml").write_text("version: 1\n")
    return "mine"


def a_linked_folder(here: Path) -> str:
    (here / "mine").mkdir()
    (here / "elsewhere").mkdir()
    (here / "mine/.github").symlink_to(here / "elsewhere")
    return "mine"


def a_link_out_of_the_tree(here: Path) -> str:
    (here / "mine").mkdir()
    (here / "elsewhere").mkdir()
    (here / "mine/sites").symlink_to(here / "elsewhere")
    return "mine"


def a_linked_file(here: Path) -> str:
    (here / "mine").mkdir()
    (here / "mine/.gitignore").symlink_to(here / "nowhere")
    return "mine"


def a_folder_for_a_file(here: Path) -> str:
    (here / "mine/.pre-commit-config.yaml").mkdir(parents=True)
    return "mine"


def a_broken_tree(here: Path) -> str:
    (here / "mine").mkdir()
    (here / "mine/calibstate.yaml").write_text("version: 1\nrecrods: x\n")
    return "mine"


def the_system(here: Path) -> str:
    return "/proc/mine"


@pytest.mark.parametrize(
    ("make", "code", "told"),
    [
        (a_file, 64, "is there, and is no folder"),
        (below_a_file, 64, "is there, and is no folder"),
        (a_link_to_itself, 64, "leads nowhere"),
        (within_a_tree, 64, "none can be within another one"),
        (around_a_tree, 64, "calibstate init"),
        (a_linked_folder, 3, ".github is a link"),
        (a_link_out_of_the_tree, 1, "leads out of the state tree"),
        (a_linked_file, 3, ".gitignore is a link"),
        (a_folder_for_a_file, 3, "is no file"),
        (a_broken_tree, 1, "recrods"),
        (the_system, 1, "/proc/mine"),
    ],
)
def test_where_no_tree_can_begin_nothing_is_written(
    init: Init, here: Path, make: Callable[[Path], str], code: int, told: str
) -> None:
    folder = make(here)
    before = files(here)

    ran = init(folder, *USDF)

    assert ran.code == code, ran.err
    assert told in ran.err
    assert "Unexpected error" not in ran.err
    assert files(here) == before


def test_a_folder_where_nothing_may_be_written_is_told_before_any_look(
    init: Init, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Whoever runs the tests may write everywhere, perhaps.
    monkeypatch.setattr(os, "access", lambda path, mode: mode == os.F_OK and Path(path).exists())

    ran = init("mine", "--site", "usdf=/nowhere/main")

    assert ran.code == 1
    assert f"You may write nothing in {here}" in ran.err


def test_a_file_that_comes_meanwhile_is_not_overwritten(
    init: Init, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = Path.hardlink_to

    def late(path: Path, target: Path) -> None:
        if path.name == ".gitignore":
            path.write_text("mine\n")
        link(path, target)

    monkeypatch.setattr(Path, "hardlink_to", late)

    ran = init("mine", *USDF)

    assert ran.code == 1
    assert "File exists" in ran.err
    assert (here / "mine/.gitignore").read_text() == "mine\n"


def test_files_of_others_are_kept_and_named(init: Init, here: Path) -> None:
    (here / "mine/.github").mkdir(parents=True)
    others: Mapping[str, str] = {
        "README.md": "Ours.\n",
        ".gitignore": "*.pyc\n",
        ".github/CODEOWNERS": "* @us\n",
    }
    for file, text in others.items():
        (here / "mine" / file).write_text(text)

    ran = init("mine", *USDF)

    assert ran.code == 0, ran.err
    assert "kept  .gitignore\nkept  .github/CODEOWNERS\n" in ran.out
    assert others.items() <= files(here / "mine").items()
    assert ".gitignore is kept as it is, and does not leave out /archive/ and /records/" in ran.err


def test_where_we_are_is_the_tree_unless_told(init: Init, here: Path, tmp_path: Path) -> None:
    (here / "repo").unlink()
    (here / "tree").mkdir()
    for words, folder in (((), here), (("-C", str(tmp_path / "named")), tmp_path / "named")):
        ran = calibstate(*words, "init", "--site", "usdf=/nowhere/main", "--instrument", "LSSTCam")
        assert ran.code == 0, ran.err
        assert (folder / "calibstate.yaml").exists()
    assert calibstate("-C", str(here), "init", "tree", *USDF).code == 64


def test_in_a_repository_of_others_the_tree_stands_in_a_folder_of_it(init: Init, here: Path) -> None:
    git("init", "-q", at=here)
    (here / ".gitignore").write_text("theirs\n")

    ran = init("declared/calibrations", *USDF, "--program", COMMIT)

    assert ran.code == 0, ran.err
    assert "git init" not in ran.out
    tree = here / "declared/calibrations"
    assert sorted(files(tree)) == [".gitignore", "calibstate.yaml", "sites/usdf.yaml"]
    assert "new   ../../.github/workflows/plan.yml" in ran.out
    plan = (here / ".github/workflows/plan.yml").read_text()
    assert 'paths: ["declared/calibrations/**"]' in plan
    assert "-C declared/calibrations validate" in plan
    assert "-C declared/calibrations validate" in (here / ".pre-commit-config.yaml").read_text()
    assert (here / ".gitignore").read_text() == "theirs\n"
    assert_is_sound(tree)


def test_a_folder_that_no_workflow_can_name_gets_none(init: Init, here: Path) -> None:
    git("init", "-q", at=here)

    ran = init("a $(touch x) b", *USDF, "--program", COMMIT)

    assert ran.code == 0, ran.err
    assert "No files for GitHub and pre-commit" in ran.err
    assert not (here / ".github").exists()
    assert not (here / ".pre-commit-config.yaml").exists()


AT_GITHUB = {"url": "https://github.com/me/my.calibstate.git", "vcs_info": {"commit_id": "0" * 40}}


@pytest.mark.parametrize(
    ("told", "action"),
    [
        (AT_GITHUB, f"me/my.calibstate/.github/actions/calibstate@{'0' * 40}"),
        (
            {**AT_GITHUB, "url": "https://github.com/me/mine"},
            f"me/mine/.github/actions/calibstate@{'0' * 40}",
        ),
        ({**AT_GITHUB, "url": "https://github.com/me/mine@x: y"}, None),
        ({**AT_GITHUB, "url": "https://example.org/me/mine.git"}, None),
        ({**AT_GITHUB, "vcs_info": {"commit_id": "main"}}, None),
        ({"url": "file:///home/me/mine", "dir_info": {}}, None),
        ([], None),
        ("{", None),
    ],
)
def test_workflows_run_what_pip_had_from_github(
    init: Init, here: Path, told: object, action: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    about = here / "installed" / "calibstate-0.1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: calibstate\nVersion: 0.1.0\n")
    (about / "direct_url.json").write_text(told if isinstance(told, str) else json.dumps(told))
    monkeypatch.syspath_prepend(here / "installed")

    ran = init("mine", *USDF[:2])

    assert ran.code == 0, ran.err
    plan = here / "mine/.github/workflows/plan.yml"
    assert plan.exists() is bool(action)
    assert ("No workflows" in ran.err) is (action is None)
    if action:
        assert f"uses: {action}\n" in plan.read_text()


def test_archive_and_records_are_where_somebody_says(init: Init, here: Path) -> None:
    ran = init("mine", *USDF, "--archive", "s3://calib/archive", "--records", "mine/kept")

    settings = yaml.safe_load((here / "mine/calibstate.yaml").read_text())
    assert (settings["archive"], settings["records"]) == ("s3://calib/archive", "kept")
    assert "/kept/" in (here / "mine/.gitignore").read_text()
    assert "s3" not in (here / "mine/.gitignore").read_text()
    assert ran.code == 0


def test_a_butler_that_cannot_be_opened_says_why_without_secrets(init: Init, here: Path, repo: Path) -> None:
    (here / "closed").mkdir()
    config = Config(str(repo / "main" / "butler.yaml"))
    config["registry", "db"] = "postgresql://calib:secret-word@127.0.0.1:9/butler"
    config.dumpToUri(f"{here}/closed/butler.yaml")

    ran = init("mine", *USDF, "--site", "usdf/closed=./closed", "--timeout", "5s")

    assert ran.code == 1
    assert "usdf/closed" in ran.err
    assert "secret-word" not in ran.err + "".join(files(here / "mine").values())
    assert_is_sound(here / "mine")
