"""The workflows, carried out on real repositories.

One module, so that in the end it can tell whether every script of every
workflow was run.
"""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml

from calibstate.cli.app import run as calibstate
from tests.github.conftest import NEW, REPOSITORIES, World, proposal, ticket
from tests.github.hub import Hub, state
from tests.github.runner import ROOT, Job, Run, Runner, load, run_steps
from tests.services.jira import JiraServer

MARKER = "<!-- calibstate report -->"
DIGEST = re.compile(r"The digest of this plan is `(sha256:[0-9a-f]{64})`")
CLOCK = {"observe": "17 7 * * *", "compare": "17 8 * * *"}
SITES = list(REPOSITORIES)
ALL_WELL = {
    "shown": "success",
    "usdf": "success",
    "usdf / apply": "success",
    "test-stands": "success",
    "test-stands (bts)": "success",
    "test-stands (bts) / apply": "success",
    "test-stands (tts)": "success",
    "test-stands (tts) / apply": "success",
    "summit": "success",
    "summit / apply": "success",
}

NOT_RUN: dict[str, str] = {}
"""Scripts that no test runs, and why."""


def report(hub: Hub, run: Run) -> Path:
    """Return the artifact of a report."""
    (folder,) = (hub.folder / "artifacts" / str(run.number)).iterdir()
    return folder


def shown(hub: Hub, run: Run) -> dict[str, str]:
    digests: dict[str, str] = json.loads((report(hub, run) / "report.json").read_text())["digests"]
    return digests


def plan(hub: Hub, runner: Runner, number: int) -> Run:
    run = runner.run("plan.yml", hub.opened(number))
    assert run.results == {"plan": "success"}, run.jobs["plan"].log
    return run


def planned(hub: Hub, runner: Runner) -> int:
    """Propose `NEW` and have it planned; return the pull request."""
    number = hub.propose(proposal(hub))
    plan(hub, runner, number)
    return number


def at(run: Run, site: str) -> Job:
    """Return what became of a site's own job."""
    stand = site in {"bts", "tts"}
    return run.jobs[f"test-stands ({site}) / apply" if stand else f"{site} / apply"]


def by_hand(hub: Hub, runner: Runner, site: str, digest: str) -> Run:
    return runner.run("apply.yml", hub.dispatched(site=site, digest=digest), approved=True)


def observe(hub: Hub, runner: Runner) -> Run:
    return runner.run("drift.yml", hub.scheduled(CLOCK["observe"]))


def compare(hub: Hub, runner: Runner) -> Run:
    return runner.run("drift.yml", hub.scheduled(CLOCK["compare"]))


# A pull request


def test_a_pull_request_is_told_of_in_one_comment_that_is_kept_up_to_date(hub: Hub, runner: Runner) -> None:
    number = hub.propose(proposal(hub))

    plan(hub, runner, number)
    (comment,) = hub.comments
    with state(hub.folder) as known:
        known["comments"].insert(0, {"id": 1, "number": number, "user": {"login": "me"}, "body": MARKER})
    hub.propose({"state/notes.md": "More of it.\n"}, pull=number)
    second = plan(hub, runner, number)

    assert comment.startswith(MARKER)
    assert (len(hub.comments), hub.comments[0]) == (2, MARKER), "another's comment is left alone"
    assert len(hub.asked("api", "--method", "PATCH")) == 1
    artifact = report(hub, second)
    assert artifact.name == f"calibstate-report-{hub.pull(number)['head']['sha']}"
    assert shown(hub, second).keys() == REPOSITORIES.keys()
    for site, digest in shown(hub, second).items():
        made = json.loads((artifact / "plans" / f"{site}.json").read_text())
        assert (made["digest"], bool(made["steps"])) == (digest, True)
        assert digest in comment
    assert (artifact / "full.md").stat().st_size >= len(comment)


def test_a_fork_gets_no_secret_no_plan_and_no_comment(hub: Hub, runner: Runner) -> None:
    # Whoever proposes may bring what a workflow would write, and modules.
    brought = {"report/plans/usdf.json": "{}", "report/report.json": "{}", "pip.py": "raise SystemExit(70)\n"}
    number = hub.propose({**proposal(hub), **brought}, fork=True)

    run = plan(hub, runner, number)

    assert hub.asked() == []
    assert MARKER in run.jobs["plan"].summary
    assert shown(hub, run) == {}
    assert not (report(hub, run) / "plans").exists()


@pytest.mark.parametrize("fork", [False, True], ids=["ours", "a fork"])
def test_the_picture_of_a_proposal_is_kept_beside_its_report(hub: Hub, runner: Runner, fork: bool) -> None:
    ticket_file = f"state/tickets/LSSTComCam/{NEW}.yaml"
    files = proposal(hub)
    hostile = re.sub(r"summary: .*", 'summary: "<script>alert(1)</script> ]]> & more"', files[ticket_file])
    number = hub.propose({**files, ticket_file: hostile}, fork=fork)

    picture = report(hub, plan(hub, runner, number)) / "timeline.svg"

    drawn = ElementTree.fromstring(picture.read_text())
    assert drawn.tag == "{http://www.w3.org/2000/svg}svg"
    assert {element.tag.partition("}")[2] for element in drawn.iter()}.isdisjoint({"script", "foreignObject"})
    assert NEW in "".join(drawn.itertext())


def test_of_a_proposal_with_mistakes_there_is_no_picture(hub: Hub, runner: Runner) -> None:
    wrong = "state/chains/LSSTComCam.yaml"
    files = proposal(hub)
    number = hub.propose({**files, wrong: files[wrong].replace("entries:", "entires:")})

    run = runner.run("plan.yml", hub.opened(number))

    assert run.results == {"plan": "failure"}
    assert {file.name for file in report(hub, run).iterdir()} == {"report.md", "report.json", "full.md"}


def test_jira_is_asked_for_ours_and_never_for_a_fork(
    hub: Hub, runner: Runner, jira_server: JiraServer
) -> None:
    runner.variables["CALIBSTATE_JIRA_URL"] = jira_server.address
    ours, forked = hub.propose(proposal(hub)), hub.propose(proposal(hub), fork=True)

    plan(hub, runner, forked)
    of_fork = len(jira_server.asked)
    plan(hub, runner, ours)

    assert of_fork == 0
    assert jira_server.asked
    assert f"]({jira_server.address}/browse/" in hub.comments[0]


def test_mistakes_are_told_at_their_lines_and_in_the_comment(hub: Hub, runner: Runner) -> None:
    files = proposal(hub)
    wrong = f"state/tickets/LSSTComCam/{NEW}.yaml"
    number = hub.propose({**files, wrong: files[wrong].replace("status: adopted", "status: adoptd")})

    run = runner.run("plan.yml", hub.opened(number))

    assert run.results == {"plan": "failure"}
    assert run.jobs["plan"].step("Plan for each site").outcome == "skipped"
    (annotation,) = run.annotations()[:1]
    assert f"file={wrong},line=" in annotation
    assert "adoptd" in hub.comments[0]


def test_what_is_proposed_gives_github_no_orders(hub: Hub, runner: Runner) -> None:
    files = proposal(hub)
    ticket_file = f"state/tickets/LSSTComCam/{NEW}.yaml"
    order = 'hold: "striped\\n::error::owned\\n  ::warning::owned"\n'
    number = hub.propose({**files, ticket_file: files[ticket_file] + order})

    run = plan(hub, runner, number)

    assert "::error::owned" in run.jobs["plan"].step("Plan for each site").log
    assert not [words for words in run.annotations() if "owned" in words]
    assert not [words for words in run.annotations("warning") if words == ": owned"]


def test_a_new_ticket_is_planned_once_the_sites_have_observed_for_it(
    world: World, hub: Hub, runner: Runner
) -> None:
    for name in ("state", "desk/state"):
        for folder in (world.folder, hub.folder):
            if (file := ticket(folder / name)).exists():
                file.unlink()
    hub.push({})
    for site in SITES:
        world.calibstate("observe", "--publish", "--site", site, here=site)
    number = hub.propose(proposal(hub))

    before = shown(hub, plan(hub, runner, number))
    observed = runner.run("drift.yml", hub.dispatched(what="observe", pull=str(number)))
    after = shown(hub, plan(hub, runner, number))

    assert len(set(before.values())) == 1, "nothing is known of it"
    assert observed.results["observe"] == "success", observed.jobs["observe (usdf)"].log
    assert len(set(after.values())) == len({"usdf", "summit", "bts, tts"}) + 1
    assert not set(before.values()) & set(after.values())


# The merge


def test_what_was_shown_is_applied_site_by_site_and_the_summit_is_asked_for(
    world: World, hub: Hub, runner: Runner
) -> None:
    push = hub.merge(planned(hub, runner))

    first = runner.run("apply.yml", push)
    at_first = [site for site in SITES if world.is_deployed(site)]
    again = runner.run("apply.yml", push, approved=True, resumed=first)

    assert first.results == {**ALL_WELL, "summit": "waiting", "summit / apply": "waiting"}
    assert at_first == ["usdf", "bts", "tts"]
    assert again.results == ALL_WELL, at(again, "summit").log
    assert world.is_deployed("summit")
    for site in SITES:
        job = at(again, site)
        assert job.group == f"calibstate-{site}"
        assert f"**Done** at {site}" in job.summary
        assert f"**{NEW} passes at " in job.step("Verify").log
    # What they have published is what there is now.
    assert compare(hub, runner).results["compare"] == "success"
    assert hub.known["issues"] == []


@pytest.mark.slow
def test_another_plan_than_the_one_that_was_shown_is_refused_and_can_be_approved(
    world: World, hub: Hub, runner: Runner
) -> None:
    number = planned(hub, runner)
    world.disturb("bts")

    run = runner.run("apply.yml", hub.merge(number), approved=True)

    wrong = {"test-stands", "test-stands (bts)", "test-stands (bts) / apply"}
    skipped = {**ALL_WELL, "summit": "skipped", **dict.fromkeys(wrong, "failure")}
    del skipped["summit / apply"]
    assert run.results == skipped
    assert [site for site in SITES if world.is_deployed(site)] == ["usdf", "tts"]
    job = at(run, "bts")
    assert job.step("Apply").code == 3
    assert "**Refused** at bts" in job.summary
    assert job.step("Verify").outcome == "skipped"
    assert job.step("Publish what is there now").outcome == "success"
    made = DIGEST.search(job.summary)
    assert made, job.summary

    assert by_hand(hub, runner, "summit", made[1]).results["summit"] == "failure", "it is the plan of the bts"
    approved = by_hand(hub, runner, "bts", made[1])

    assert at(approved, "bts").result == "success", at(approved, "bts").log
    assert approved.results["usdf"] == approved.results["summit"] == "skipped"
    assert "test-stands (tts)" not in approved.results
    assert [site for site in SITES if world.is_deployed(site)] == ["usdf", "bts", "tts"]


def test_what_waits_is_no_failure(world: World, hub: Hub, runner: Runner) -> None:
    hub.merge(hub.propose(proposal(hub)))

    run = by_hand(hub, runner, "summit", f"sha256:{'0' * 64}")

    assert at(run, "summit").result == "success", at(run, "summit").log
    assert at(run, "summit").step("Apply").outputs["code"] == "4"
    assert "**Pending** at summit" in at(run, "summit").summary
    assert not world.is_deployed("summit")


@pytest.mark.parametrize(
    "how", ["a push", "a fork", pytest.param("an outdated branch", marks=pytest.mark.slow)]
)
def test_where_nothing_was_shown_nothing_is_written(world: World, hub: Hub, runner: Runner, how: str) -> None:
    if how == "a push":
        event = hub.push(proposal(hub))
    elif how == "a fork":
        number = hub.propose(proposal(hub), fork=True)
        run = plan(hub, runner, number)
        # As somebody may have it say who opens a pull request.
        told = report(hub, run) / "report.json"
        digest = {site: f"sha256:{'a' * 64}" for site in SITES}
        told.write_text(json.dumps({**json.loads(told.read_text()), "digests": digest}))
        event = hub.merge(number)
    else:
        number = planned(hub, runner)
        hub.push({"state/tickets/LSSTComCam/DM-47365.yaml": another_summary(hub)})
        event = hub.merge(number)

    run = runner.run("apply.yml", event, approved=True)

    assert run.results["usdf"] == "failure"
    assert at(run, "usdf").step("Apply").code == 3
    assert run.results["test-stands"] == run.results["summit"] == "skipped"
    assert not any(world.is_deployed(site) for site in SITES)
    assert ("nothing was shown" in run.jobs["shown"].summary) is (how != "an outdated branch")


def another_summary(hub: Hub) -> str:
    said = (hub.desk / "state/tickets/LSSTComCam/DM-47365.yaml").read_text()
    return re.sub(r"summary: .*", "summary: Something else", said)


def test_a_digest_that_is_none_is_refused_before_any_site(hub: Hub, runner: Runner) -> None:
    run = by_hand(hub, runner, "bts", "sha256:0 --allow hold")

    assert run.results["shown"] == "failure"
    assert {run.results[site] for site in ("usdf", "test-stands", "summit")} == {"skipped"}


def test_only_what_is_on_main_is_applied(hub: Hub, runner: Runner) -> None:
    event = hub.dispatched(site="bts", digest=f"sha256:{'0' * 64}")

    run = runner.run("apply.yml", type(event)(**{**vars(event), "ref": "refs/heads/mine"}))

    assert set(run.results.values()) == {"skipped"}


@pytest.mark.slow
def test_a_stand_that_is_away_and_one_that_fails_keep_the_summit_and_nobody_else(
    world: World, hub: Hub, runner: Runner
) -> None:
    number = planned(hub, runner)
    runner.away.add("bts")
    shutil.rmtree(world.path("tts"))

    run = runner.run("apply.yml", hub.merge(number), approved=True)

    assert (run.results["test-stands (bts)"], run.results["test-stands (tts)"]) == ("queued", "failure")
    assert (run.results["usdf"], run.results["summit"]) == ("success", "queued")
    assert at(run, "tts").step("Apply").code == 1
    assert "**Failed** at tts" in at(run, "tts").summary


# The night


def test_drift_is_kept_in_one_issue_until_it_is_over(world: World, hub: Hub, runner: Runner) -> None:
    runner.away.add("tts")
    world.disturb("bts")

    observed = observe(hub, runner)
    first = compare(hub, runner)
    (opened,) = hub.known["issues"]
    world.disturb("summit", "u/somebody/else")
    observe(hub, runner)
    compare(hub, runner)
    (updated,) = hub.known["issues"]
    world.settle("bts")
    world.settle("summit", "u/somebody/else")
    observe(hub, runner)
    compare(hub, runner)
    (closed,) = hub.known["issues"]

    assert observed.results == {
        "observe": "queued",
        "observe (usdf)": "success",
        "observe (summit)": "success",
        "observe (bts)": "success",
        "observe (tts)": "queued",
        "archive": "success",
        "compare": "skipped",
        "pages": "skipped",
    }
    assert first.results["compare"] == "success"
    assert (opened["state"], opened["labels"]) == ("open", ["calibstate-drift"])
    assert "u/somebody/flats" in opened["body"]
    assert (updated["number"], updated["state"]) == (opened["number"], "open")
    assert "u/somebody/else" in updated["body"]
    assert (closed["state"], len(closed["comments"])) == ("closed", 1)
    artifact = hub.artifact(first.number, "calibstate-drift")
    assert (artifact / "junit.xml").read_text().startswith("<")
    assert "u/somebody/flats" in (artifact / "junit.xml").read_text()


def test_a_site_that_was_away_is_not_said_to_be_in_sync(world: World, hub: Hub, runner: Runner) -> None:
    compare(hub, runner)
    assert hub.known["issues"] == []
    published = world.folder / "records" / "observations" / "tts" / "LSSTComCam.json"
    told = json.loads(published.read_text())
    told["observations"][0]["at"] = f"{datetime.now(UTC) - timedelta(hours=30):%Y-%m-%dT%H:%M:%SZ}"
    published.write_text(json.dumps(told))

    run = compare(hub, runner)

    # Too old is unreachable: what is there now is not known.
    assert run.results["compare"] == "failure"
    (issue,) = hub.known["issues"]
    assert "Not every place could be seen" in issue["body"]
    assert "tts/LSSTComCam" in issue["body"]

    # What it showed stands in for its rows; without both nobody knows.
    published.unlink()
    for sight in (world.folder / "records" / "sights" / "tts" / "LSSTComCam").iterdir():
        sight.unlink()
    run = compare(hub, runner)

    assert run.results["compare"] == "failure"
    (issue,) = hub.known["issues"]
    assert "Not every place could be seen" in issue["body"]


@pytest.mark.slow
def test_what_is_only_awaited_opens_no_issue(world: World, hub: Hub, runner: Runner) -> None:
    # On hold: a step is there, and nobody is to take it.
    site = "state/sites/tts.yaml"
    said = (
        (hub.desk / site)
        .read_text()
        .replace("    instruments:", "    hold: it is being moved\n    instruments:")
    )
    hub.merge(hub.propose({**proposal(hub), site: said}))
    for other in ("usdf", "bts", "summit"):
        shutil.copytree(hub.desk / "state", world.state, dirs_exist_ok=True)
        world.calibstate("apply", "--yes", "--site", other, here=other)
        world.calibstate("observe", "--publish", "--files", "--site", other, here=other)

    run = compare(hub, runner)

    assert run.jobs["compare"].step("Compare").outputs["code"] == "4", run.jobs["compare"].log
    assert hub.known["issues"] == []


# The action


def use(hub: Hub, runner: Runner, folder: Path, **inputs: str) -> Job:
    """Carry out a workflow that uses the action, with another step behind."""
    checkout = load(ROOT / ".github/workflows/ci.yml")["jobs"]["ci"]["steps"][0]
    after = {
        "name": "After",
        "if": "always()",
        "shell": "bash",
        "run": 'echo "code $CODE"; cat "$OUTPUT"',
        "env": {"CODE": "${{ steps.tried.outputs.code }}", "OUTPUT": "${{ steps.tried.outputs.output }}"},
    }
    tried = {"id": "tried", "name": "Tried", "uses": "./.github/actions/calibstate", "with": inputs}
    job = {"runs-on": "ubuntu-latest", "timeout-minutes": 1, "steps": [checkout, tried, after]}
    said = {"name": "Try", "on": "push", "permissions": {}, "jobs": {"try": job}}
    (folder / "try.yml").write_text(yaml.safe_dump(said))
    return replace(runner, workflows=folder).run("try.yml", hub.pushed()).jobs["try"]


def test_the_code_and_the_output_are_told_whether_it_fails_or_not(
    hub: Hub, runner: Runner, tmp_path: Path
) -> None:
    failed = use(hub, runner, tmp_path, command="-C state show nowhere/LSSTCam")
    allowed = use(
        hub, runner, tmp_path, **{"command": "-C state show nowhere/LSSTCam", "allow-codes": "2 64"}
    )
    well = use(hub, runner, tmp_path, command="-C state validate", summary="true")

    assert (failed.result, allowed.result, well.result) == ("failure", "success", "success")
    assert "code 64" in failed.step("After").log
    assert "code 0" in well.step("After").log
    assert "sound" in well.step("After").log
    assert "sound" in well.summary


def test_no_shell_reads_a_command_line(hub: Hub, runner: Runner, tmp_path: Path) -> None:
    job = use(hub, runner, tmp_path, command="validate $(touch pwned) `touch pwned` ; touch pwned * \n--help")

    assert "Usage:" in job.log
    assert not list(hub.folder.rglob("pwned"))


def test_what_is_told_gives_github_no_orders(hub: Hub, runner: Runner, tmp_path: Path) -> None:
    job = use(hub, runner, tmp_path, **{"command": "-C ::error::mine validate", "allow-codes": "0 1 64"})

    run = Run(1, {"try": job})
    assert "::error::mine" in job.log
    assert run.annotations() == []


def test_a_version_can_be_asked_for(hub: Hub, runner: Runner, tmp_path: Path) -> None:
    job = use(hub, runner, tmp_path, command="--version", version="0.1.0")
    wrong = use(hub, runner, tmp_path, command="--version", version="0.1.0 --index-url=https://example.org")

    assert job.result == "success"
    assert "calibstate==0.1.0" in (runner.programs / "installed").read_text().splitlines()[-1]
    assert (wrong.result, wrong.step("Tried").code) == ("failure", 64)


# A tree in a repository of its own, which has the program from another one


@pytest.fixture
def own(world: World, programs: Path, executed: set[str], tmp_path: Path) -> Runner:
    """Return who runs the workflows that `init` writes for such a tree."""
    source = tmp_path / "own"
    shutil.copytree(world.state, source)
    assert calibstate(["init", str(source), "--program", f"observatory/calibstate@{'0' * 40}"]) == 0
    hub = Hub.founded(tmp_path / "hub", source)
    return Runner(hub, programs, executed, workflows=hub.desk / ".github" / "workflows", top=hub.desk)


def test_a_repository_of_its_own_is_planned_by_what_init_writes(own: Runner) -> None:
    hub = own.hub
    number = hub.propose(proposal(hub, folder=""))

    planned = plan(hub, own, number)

    assert shown(hub, planned).keys() == REPOSITORIES.keys()
    assert len(hub.comments) == 1


@pytest.mark.slow
def test_a_repository_of_its_own_is_applied_by_what_init_writes(world: World, own: Runner) -> None:
    hub = own.hub
    number = hub.propose(proposal(hub, folder=""))

    plan(hub, own, number)
    observed = own.run("drift.yml", hub.dispatched(what="observe", pull=str(number)))
    applied = own.run("apply.yml", hub.merge(number), approved=True)

    assert {observed.results[f"observe ({site})"] for site in SITES} == {"success"}
    jobs = ["origin", *(f"others ({site})" for site in SITES if site != "usdf")]
    inner = [f"{job} / apply" for job in jobs]
    assert applied.results == dict.fromkeys(["shown", "others", *jobs, *inner], "success")
    assert all(world.is_deployed(site) for site in SITES)
    assert own.run("drift.yml", hub.scheduled(CLOCK["compare"])).results["compare"] == "success"
    assert hub.known["issues"] == []


@pytest.mark.slow
def test_only_the_site_that_somebody_names_is_applied_there(world: World, own: Runner) -> None:
    hub = own.hub
    for site, jobs in (("usdf", {"origin"}), ("bts", {"others", "others (bts)"})):
        run = by_hand(hub, own, site, f"sha256:{'0' * 64}")

        assert run.results["shown"] == "success"
        ran = {job for job, result in run.results.items() if result != "skipped" and " / " not in job}
        assert ran - {"shown"} == jobs


# The rest


@pytest.mark.parametrize(
    ("workflow", "does"),
    [
        ("ci.yml", ["make lint", "make docs", "make test", "make test-words"]),
        ("nightly.yml", ["make test-all"]),
    ],
)
def test_our_own_tests_are_run(hub: Hub, runner: Runner, workflow: str, does: list[str]) -> None:
    event = hub.pushed() if workflow == "ci.yml" else hub.scheduled("17 6 * * *")

    run = runner.run(workflow, event)

    assert set(run.results.values()) == {"success"}, run.jobs
    recorded = (runner.programs / "recorded").read_text().splitlines()
    assert [line for line in recorded if line.startswith("make")][: len(does)] == does


def test_a_night_runs_each_share_of_all_tests(hub: Hub, runner: Runner) -> None:
    job = yaml.safe_load((ROOT / ".github" / "workflows" / "nightly.yml").read_text())["jobs"]["everything"]

    shares = job["strategy"]["matrix"]["share"]

    assert shares == [f"{number}/{len(shares)}" for number in range(1, len(shares) + 1)]
    assert job["timeout-minutes"] <= 90
    assert [step["env"] for step in job["steps"] if step.get("run") == "make test-all"] == [
        {"SHARE": "${{ matrix.share }}"}
    ]


# The pages


URL = "https://observatory.github.io/calibrations/"


def published(hub: Hub) -> Path:
    return hub.folder / "pages"


def overview(folder: Path) -> dict[str, str]:
    """Return how each repository stands by the pages of a folder."""
    told = json.loads((folder / "status.json").read_text())
    return {entry["repository"]: entry["state"] for entry in told["repositories"]}


def test_the_pages_are_published_and_the_documentation_below_them(hub: Hub, runner: Runner) -> None:
    hub.set_up_pages(URL)

    run = runner.run("pages.yml", hub.pushed())

    assert run.results == {"build": "success", "deploy": "success"}, run.jobs["build"].log
    assert run.annotations() == run.annotations("warning") == run.annotations("notice") == []
    assert (published(hub) / "docs" / "index.html").is_file()
    page = (published(hub) / "index.html").read_text()
    assert f'<a href="{URL}docs">Documentation</a>' in page
    assert "main" in page
    assert set(overview(published(hub)).values()) == {"in sync"}
    assert URL in (published(hub) / "feed.atom").read_text()


def test_pages_that_nobody_has_set_up_are_kept_and_not_published(hub: Hub, runner: Runner) -> None:
    run = runner.run("pages.yml", hub.scheduled("47 * * * *"))

    assert run.results == {"build": "success", "deploy": "skipped"}
    assert [words for words in run.annotations("notice") if "not set up" in words]
    assert not published(hub).exists()
    assert (hub.artifact(run.number, "github-pages") / "index.html").is_file()


def test_pages_of_another_branch_are_not_published(hub: Hub, runner: Runner) -> None:
    hub.set_up_pages()
    event = hub.dispatched()

    run = runner.run("pages.yml", type(event)(**{**vars(event), "ref": "refs/heads/mine"}))

    assert run.results == {"build": "success", "deploy": "skipped"}


def test_pages_without_a_source_are_published_and_say_what_is_missing(
    world: World, hub: Hub, runner: Runner
) -> None:
    hub.set_up_pages()
    for file in (world.folder / "records").rglob("*"):
        if file.is_file() and "tts" in file.parts:
            file.write_text("half a rec")

    run = runner.run("pages.yml", hub.scheduled("47 * * * *"))

    assert run.results == {"build": "success", "deploy": "success"}
    assert [words for words in run.annotations("warning") if "could be read" in words]
    states = overview(published(hub))
    assert states["tts/LSSTComCam"] == "unreachable"
    assert states["bts/LSSTComCam"] == "in sync"


def test_pages_of_a_main_that_does_not_validate_tell_of_the_newest_one_that_does(
    hub: Hub, runner: Runner
) -> None:
    hub.set_up_pages()
    chain = "state/chains/LSSTComCam.yaml"
    hub.push({chain: (hub.desk / chain).read_text().replace("entries:", "entires:")})

    run = runner.run("pages.yml", hub.pushed())

    assert run.results == {"build": "success", "deploy": "success"}
    assert "does not validate" in (published(hub) / "index.html").read_text()
    assert overview(published(hub)).keys() == {
        f"{site}/{name}" for site, names in REPOSITORIES.items() for name in names
    }


def test_what_was_compared_is_published_at_once(world: World, hub: Hub, runner: Runner) -> None:
    hub.set_up_pages()
    world.disturb("bts")
    observe(hub, runner)

    run = compare(hub, runner)

    assert run.results == {
        "observe": "skipped",
        "archive": "skipped",
        "compare": "success",
        "pages": "success",
        "pages / build": "success",
        "pages / deploy": "success",
    }
    assert overview(published(hub))["bts/LSSTComCam"] == "extra"
    assert "u/somebody/flats" in (published(hub) / "index.html").read_text()


def test_a_repository_of_its_own_publishes_its_pages_without_a_documentation(own: Runner) -> None:
    own.hub.set_up_pages()
    own.variables["CALIBSTATE_NO_PEOPLE"] = "yes"

    run = own.run("pages.yml", own.hub.pushed())

    assert run.results == {"build": "success", "deploy": "success"}, run.jobs["build"].log
    assert not (published(own.hub) / "docs").exists()
    pages = [file.read_text() for file in published(own.hub).rglob("*.html")]
    assert pages
    assert not [page for page in pages if "Observer" in page or ">Documentation</a>" in page]


RELEASE = {
    "calibstate/__init__.py": '__version__ = "0.2.0"\n',
    "CHANGELOG.md": "# Changes\n\n## 0.2.0 (2026-12-01)\n",
}


def test_a_tag_is_built_tried_and_published(hub: Hub, runner: Runner) -> None:
    hub.push(RELEASE)

    run = runner.run("publish.yml", hub.tag("v0.2.0"))

    assert run.results == {"build": "success", "publish": "success"}
    recorded = (runner.programs / "recorded").read_text().splitlines()
    assert recorded[-2:] == ["make dist", "make test TESTS=tests/wheel_test.py"]
    assert [file.name for file in (hub.folder / "pypi").iterdir()] == ["calibstate.whl"]


@pytest.mark.parametrize(
    ("tag", "changed"),
    [
        ("v0.2.1", {}),
        ("v0.2.0", {"CHANGELOG.md": "# Changes\n\n## 0.2.0rc1 (2026-11-01)\n"}),
    ],
    ids=["another version", "no change notes"],
)
def test_a_tag_that_is_not_the_release_publishes_nothing(
    hub: Hub, runner: Runner, tag: str, changed: dict[str, str]
) -> None:
    hub.push(RELEASE | changed)

    run = runner.run("publish.yml", hub.tag(tag))

    assert run.results == {"build": "failure", "publish": "skipped"}
    assert len(run.annotations()) == 1
    assert not (hub.folder / "pypi").exists()


def test_a_night_tells_of_damage_in_the_archive(world: World, hub: Hub, runner: Runner) -> None:
    # Whichever day it is, some of them are in its share.
    files = [file for file in (world.folder / "archive").rglob("*.ecsv") if file.is_file()]
    for file in files:
        file.write_bytes(b"x" * file.stat().st_size)

    run = runner.run("drift.yml", hub.dispatched(what="archive"))

    assert files
    assert run.results == {
        "observe": "skipped",
        "archive": "failure",
        "compare": "skipped",
        "pages": "skipped",
    }
    assert "SHA-256" in run.jobs["archive"].summary


def slow(test: object) -> bool:
    return any(mark.name == "slow" for mark in getattr(test, "pytestmark", ()))


def test_every_script_of_every_workflow_was_run(request: pytest.FixtureRequest, executed: set[str]) -> None:
    # Fewer tests than there are run fewer scripts.
    mine = {item.name for item in request.session.items if item.path == request.path}
    here = {
        name for name, test in vars(request.module).items() if name.startswith("test_") and not slow(test)
    }
    if not here <= {name.partition("[")[0] for name in mine}:
        pytest.skip("only part of this module is run")
    assert run_steps() - executed == NOT_RUN.keys()
