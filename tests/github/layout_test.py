"""What every workflow keeps to, as far as no program checks it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from check_jsonschema import main as check_jsonschema  # type: ignore[import-untyped]
from click.testing import CliRunner

from calibstate.cli.app import run as calibstate
from tests.github.expressions import Expressions
from tests.github.hub import Hub
from tests.github.runner import ROOT, files, load

BIN = Path(sys.executable).parent
SITES = {file.stem for file in (ROOT / "state" / "sites").glob("*.yaml")}
WORKFLOWS = [file for file in files() if file.name != "action.yml"]
PINNED = re.compile(r"uses: (?P<action>[\w-]+/[\w-]+)@(?P<commit>[0-9a-f]{40}) # v\d+\.\d+\.\d+$")


def named(file: Path) -> str:
    return str(file.relative_to(ROOT / ".github"))


def jobs() -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for file in WORKFLOWS:
        said = load(file)
        for name, job in said["jobs"].items():
            yield file.name, name, {"permissions": said["permissions"], **job}


def zizmor(folder: Path) -> subprocess.CompletedProcess[str]:
    words = ("--offline", "--no-progress", "--color=never", str(folder))
    return subprocess.run([BIN / "zizmor", *words], capture_output=True, text=True, check=False)


def check(schema: str, file: Path) -> int:
    words = ("--builtin-schema", f"vendor.github-{schema}", str(file))
    return CliRunner().invoke(check_jsonschema, words, catch_exceptions=False).exit_code


def test_zizmor_finds_nothing() -> None:
    done = zizmor(ROOT / ".github")
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("file", "old", "new", "finding"),
    [
        ("workflows/ci.yml", "@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1", "@v7", "unpinned-uses"),
        ("workflows/plan.yml", "issues/$NUMBER/", "issues/${{ github.head_ref }}/", "template-injection"),
        ("workflows/plan.yml", "  pull_request:", "  pull_request_target:", "dangerous-triggers"),
        ("workflows/drift.yml", "persist-credentials: false", "fetch-depth: 1", "artipacked"),
    ],
)
def test_zizmor_sees_what_it_is_there_for(
    tmp_path: Path, file: str, old: str, new: str, finding: str
) -> None:
    shutil.copytree(ROOT / ".github", tmp_path / ".github")
    broken = tmp_path / ".github" / file
    assert old in broken.read_text()
    broken.write_text(broken.read_text().replace(old, new))
    done = zizmor(tmp_path / ".github")
    assert done.returncode != 0
    assert finding in done.stdout


@pytest.mark.parametrize("file", [*files()], ids=named)
def test_a_file_has_the_form_that_github_asks_for(file: Path, tmp_path: Path) -> None:
    schema = "actions" if file.name == "action.yml" else "workflows"
    assert check(schema, file) == 0
    broken = tmp_path / file.name
    broken.write_text(file.read_text().replace("runs-on:", "runs_on:").replace("using:", "use:"))
    if broken.read_text() != file.read_text():
        assert check(schema, broken) != 0


@pytest.mark.parametrize("file", [*files()], ids=named)
def test_what_others_made_is_pinned_to_one_commit_with_its_version(file: Path) -> None:
    uses = [line.strip().removeprefix("- ") for line in file.read_text().splitlines() if "uses: " in line]
    assert [use for use in uses if not use.startswith("uses: ./") and not PINNED.fullmatch(use)] == []


OURS_ELSEWHERE = f"observatory/calibstate/.github/actions/calibstate@{'0' * 40}"


@pytest.fixture(scope="module", params=["", "declared/calibrations"], ids=["alone", "in a folder"])
def begun(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a repository in which `init` has begun a tree."""
    top = tmp_path_factory.mktemp("begun")
    (top / ".git").mkdir()
    sites = [word for site in ("usdf", "tts", "summit") for word in ("--site", f"{site}=/{site}/main")]
    program = ("--program", f"observatory/calibstate@{'0' * 40}", "--instrument", "LSSTCam")
    assert calibstate(["init", str(top / request.param), *sites, *program]) == 0
    # Of a workflow of the same repository, as here.
    shutil.copy(ROOT / ".github" / "zizmor.yml", top / ".github")
    return top


def test_zizmor_finds_nothing_in_what_init_writes(begun: Path) -> None:
    done = zizmor(begun / ".github")
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", ["plan", "apply", "apply-site", "drift", "pages"])
def test_what_init_writes_is_what_we_have_ourselves(begun: Path, name: str) -> None:
    file = begun / ".github" / "workflows" / f"{name}.yml"
    text = file.read_text()
    assert check("workflows", file) == 0
    uses = [line.strip().removeprefix("- ") for line in text.splitlines() if "uses: " in line]
    known = (
        "uses: ./.github/workflows/",
        f"uses: observatory/calibstate/.github/actions/calibstate@{'0' * 40}",
    )
    assert [use for use in uses if not use.startswith(known) and not PINNED.fullmatch(use)] == []
    assert not re.search(r"(?<![\w-])(state/|-C state)|@[A-Z]+@", text)
    ours, theirs = load(ROOT / ".github" / "workflows" / file.name), load(file)
    assert ours["permissions"] == theirs["permissions"] == {}
    for job, said in theirs["jobs"].items():
        assert (
            said["permissions"] == ours["jobs"].get(job, {"permissions": {"contents": "read"}})["permissions"]
        )


def test_what_init_writes_names_the_sites(begun: Path) -> None:
    plan, apply, drift = (
        load(begun / ".github" / "workflows" / f"{name}.yml") for name in ("plan", "apply", "drift")
    )
    sites = ["usdf", "tts", "summit"]
    assert [plan["env"]["ORIGIN"], *plan["env"]["OTHERS"].split()] == sites
    assert apply["on"]["workflow_dispatch"]["inputs"]["site"]["options"] == sites
    assert drift["jobs"]["observe"]["strategy"]["matrix"]["site"] == sites
    assert drift["jobs"]["archive"]["runs-on"][-1] == apply["jobs"]["origin"]["with"]["site"] == "usdf"


def test_every_exact_version_is_kept_fresh() -> None:
    updates = load(ROOT / ".github" / "dependabot.yml")["updates"]
    watched = {(update["package-ecosystem"], update["directory"]) for update in updates}
    pins = {f"/{file.parent.relative_to(ROOT)}" for file in ROOT.glob("*/*.txt") if "==" in file.read_text()}

    assert watched == {("github-actions", "/")} | {("pip", folder) for folder in pins}


def test_an_action_has_the_same_commit_everywhere() -> None:
    pins = {
        (found["action"], found["commit"])
        for file in files()
        for line in file.read_text().splitlines()
        if (found := PINNED.search(line.strip()))
    }
    assert len(pins) == len({action for action, _ in pins})


@pytest.mark.parametrize("file", [*files()], ids=named)
def test_no_expression_stands_in_a_script(file: Path) -> None:
    said = load(file)
    steps = (
        said["runs"]["steps"]
        if "runs" in said
        else [s for j in said["jobs"].values() for s in j.get("steps", ())]
    )
    assert [step for step in steps if "${{" in step.get("run", "")] == []


def test_every_job_has_an_end_and_no_more_rights_than_it_says() -> None:
    for file, name, job in jobs():
        assert "timeout-minutes" in job or "uses" in job, (file, name)
        assert isinstance(job["permissions"], dict), (file, name)


def test_only_these_jobs_may_write() -> None:
    writers = {
        (file, name, area)
        for file, name, job in jobs()
        for area, right in job["permissions"].items()
        if right == "write"
    }
    assert writers == {
        ("plan.yml", "plan", "pull-requests"),
        ("drift.yml", "compare", "issues"),
        ("drift.yml", "pages", "pages"),
        ("drift.yml", "pages", "id-token"),
        ("pages.yml", "deploy", "pages"),
        ("pages.yml", "deploy", "id-token"),
        ("publish.yml", "publish", "id-token"),
    }


def test_no_pull_request_reaches_a_runner_of_a_site() -> None:
    for file in WORKFLOWS:
        said = load(file)
        triggers = said["on"] if isinstance(said["on"], dict) else {said["on"]: None}
        if "pull_request" in triggers:
            assert all(job["runs-on"] == "ubuntu-latest" for job in said["jobs"].values()), file
        assert "pull_request_target" not in triggers


def test_the_workflows_name_the_sites_that_are_declared() -> None:
    plan, apply, drift = (
        load(ROOT / ".github" / "workflows" / f"{n}.yml") for n in ("plan", "apply", "drift")
    )
    named = [
        {plan["env"]["ORIGIN"], *plan["env"]["OTHERS"].split()},
        set(apply["on"]["workflow_dispatch"]["inputs"]["site"]["options"]),
        set(drift["jobs"]["observe"]["strategy"]["matrix"]["site"]),
    ]
    assert named == [SITES] * 3


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("'a' == 'A'", True),
        ("'' == 0 && null == ''", True),
        ("a.b-c[0].d || 'none'", "none"),
        ("a.list[1]", "two"),
        ("!(a.no && true) || false", True),
        ("format('{1}-{0}', 'x', 1)", "1-x"),
        ("fromJSON('{\"a\": [1]}').a[0]", 1),
        ("contains(a.list, 'TWO')", True),
        ("a.yes && 'it''s' || 'not'", "it's"),
    ],
)
def test_expressions_mean_what_they_mean_to_github(expression: str, value: Any) -> None:
    context = {"a": {"list": ["one", "two"], "yes": True, "no": False}}
    assert Expressions(context, {}).value(expression) == value


@pytest.mark.parametrize("expression", ["nowhere.x", "hashFiles('x')", "a.b +", "a.*.b", "'open"])
def test_an_expression_that_is_not_known_is_an_error(expression: str) -> None:
    with pytest.raises((AssertionError, IndexError)):
        Expressions({"a": {}}, {}).value(expression)


@pytest.mark.parametrize(
    "call",
    [
        ["pr", "list"],
        ["api", "user"],
        ["api", "--method", "DELETE", "repos/observatory/calibrations/issues/comments/1"],
        ["api", "graphql"],
        ["issue", "list", "--label", "x"],
        ["issue", "delete", "1"],
    ],
    ids=" ".join,
)
def test_the_stand_in_of_gh_knows_no_other_call_than_ours(tmp_path: Path, call: list[str]) -> None:
    (tmp_path / "files").mkdir()
    hub = Hub.founded(tmp_path / "hub", tmp_path / "files")
    before = hub.known
    token = hub.token({"issues": "write", "pull-requests": "write"}, fork=False)
    variables = {"GITHUB_STAND_IN": str(hub.folder), "GH_TOKEN": token, "GH_REPO": "observatory/calibrations"}
    done = subprocess.run(
        [sys.executable, "-m", "tests.github.gh", *call],
        cwd=ROOT,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert done.stderr
    assert json.dumps(hub.known["issues"]) == json.dumps(before["issues"])
