"""How it stands with approvals: what the files say, and what Jira does."""

from __future__ import annotations

import base64
import json
import subprocess
from pathlib import Path

import pytest
import yaml

from calibstate.adapters.jira import AT_ONCE
from tests.golden import Golden
from tests.sealing import certified, seal, since
from tests.services.jira import FAULTS, JiraServer
from tests.tree import Ran, Tree

TOKEN = "t0ken-der-kammer-4711"
ENDINGS = {"text": "txt", "json": "json", "markdown": "md"}
OTHER = f"sha256:{'0' * 64}"


def approve(
    tree: Tree, ticket: str, taxicab: str | None = None, deployment: str | None = None, **more
) -> None:
    """Declare a ticket with what the board said of it."""
    said = {"status": "adopted", **({"taxicab": taxicab} if taxicab else {"note": "it is old"}), **more}
    about = {"deployment": deployment} if deployment else {}
    tree.ticket(ticket, "bias.20240101a", approval=said, **about)


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """Return a tree with four tickets that were approved in every way."""
    tree = Tree(tmp_path)
    tree.settings()
    tree.site("usdf", {"main": "origin"})
    tree.site("summit", {"LSSTComCam": "copy"})
    seal(tree, "DM-1", {"bias.20240101a": [certified("bias", since("2024-01-01"))]})
    digest = yaml.safe_load((tree.state / "seals/LSSTComCam/DM-1.yaml").read_text())["digest"]
    approve(tree, "DM-1", "TAXICAB-15", "DM-100", date="2025-02-11", seal=digest)
    approve(tree, "DM-2", "TAXICAB-16", seal=OTHER)
    approve(tree, "DM-3")
    approve(tree, "DM-4", "TAXICAB-17", status="flagged")
    return tree


@pytest.fixture
def jira(jira_server: JiraServer, monkeypatch: pytest.MonkeyPatch) -> JiraServer:
    """Return a Jira that says the same as the tree."""
    monkeypatch.setenv("CALIBSTATE_JIRA_URL", jira_server.address)
    for number in (1, 2, 3, 4):
        jira_server.file(f"DM-{number}")
    jira_server.file("TAXICAB-15", "Adopted", "Done", ["2025-02-11"], links=["DM-1"])
    jira_server.file("DM-100", "Done", "Done", links=["DM-1", "TAXICAB-15"])
    jira_server.file("TAXICAB-16", "Done", "Adopted", links=["DM-2"])
    jira_server.file("TAXICAB-17", "Flagged", links=["DM-4"])
    return jira_server


def verdicts(ran: Ran) -> dict[str, str]:
    return {one["ticket"]: one["jira"] for one in ran.json["approvals"]}


def findings(ran: Ran) -> list[tuple[str, str, str]]:
    """Return severity, summary and place of each finding."""
    return [
        (one["severity"], one["summary"], f"{one['at']['file']}:{one['at']['line']}" if one["at"] else "")
        for one in ran.json["findings"]
    ]


# --- what the files say ---


@pytest.mark.parametrize("form", ["text", "json", "markdown"])
def test_the_approvals_of_a_tree_are_told(tree: Tree, capsys, golden: Golden, form: str) -> None:
    ran = tree.run(capsys, "approvals", "--format", form)

    assert (ran.code, ran.err) == (0, "")
    golden(f"approvals/listed.{ENDINGS[form]}", ran.out)


@pytest.mark.parametrize(
    ("options", "left"),
    [
        (["--ticket", "DM-2"], ["DM-2"]),
        (["--exclude", "DM-[23]"], ["DM-1", "DM-4"]),
        (["--instrument", "LSSTComCam"], ["DM-1", "DM-2", "DM-3", "DM-4"]),
        (["--site", "summit"], ["DM-1", "DM-2", "DM-3"]),
        (["--repository", "usdf/main"], ["DM-1", "DM-2", "DM-3", "DM-4"]),
    ],
)
def test_they_are_narrowed_as_elsewhere(tree: Tree, capsys, options: list[str], left: list[str]) -> None:
    tree.ticket("DM-4", "bias.20240101a", status="flagged", skip={"summit": "no camera there"})

    ran = tree.run(capsys, "approvals", "--format", "json", *options)

    assert [one["ticket"] for one in ran.json["approvals"]] == left


def test_a_word_that_nobody_declared_is_wrong_usage(tree: Tree, capsys) -> None:
    assert tree.run(capsys, "approvals", "--ticket", "DM-9").code == 64


def test_without_being_told_to_check_nobody_is_asked(tree: Tree, jira: JiraServer, capsys) -> None:
    ran = tree.run(capsys, "approvals")

    assert "Not compared with Jira: --check does that." in ran.out
    assert jira.asked == []


# --- what Jira says ---


@pytest.mark.parametrize("cloud", [False, True], ids=["server", "cloud"])
def test_where_all_agrees_it_is_said_so(tree: Tree, jira: JiraServer, capsys, cloud: bool) -> None:
    jira.cloud = cloud

    ran = tree.run(capsys, "approvals", "--check")

    assert (ran.code, ran.err) == (0, "")
    assert ran.out.endswith("Jira: agrees 3, no record 1.\n")


@pytest.mark.parametrize("form", ["text", "json", "markdown"])
def test_what_jira_says_otherwise_is_told_with_its_line(
    tree: Tree, jira: JiraServer, capsys, golden: Golden, form: str
) -> None:
    jira.file("TAXICAB-15", "Flagged")
    jira.file("TAXICAB-16", "Adopted", "Done")
    jira.issues.pop("TAXICAB-17")

    ran = tree.run(capsys, "approvals", "--check", "--format", form)

    assert ran.code == 1
    golden(f"approvals/contradicted.{ENDINGS[form]}", ran.out + (ran.err if form == "text" else ""))


@pytest.mark.parametrize(
    ("status", "resolution", "declared", "agrees"),
    [
        ("Adopted", "Done", "adopted", True),
        ("Done", "Adopted", "adopted", True),
        ("ADOPTED", None, "adopted", True),
        ("Flagged", None, "flagged", True),
        ("Flagged", None, "adopted", False),
        ("Rejected", None, "rejected", True),
        ("Done", "Won't Do", "rejected", True),
        ("Closed", "Declined", "adopted", False),
        ("To Do", None, "proposed", True),
        ("Adopted", None, "proposed", False),
    ],
)
def test_status_and_resolution_are_compared_with_the_approval(
    tree: Tree, jira: JiraServer, capsys, status: str, resolution: str | None, declared: str, agrees: bool
) -> None:
    approve(tree, "DM-2", "TAXICAB-16", status=declared)
    jira.file("TAXICAB-16", status, resolution, links=["DM-2"])

    ran = tree.run(capsys, "approvals", "--check", "--ticket", "DM-2", "--format", "json")

    assert ran.code == (0 if agrees else 1)
    assert verdicts(ran) == {"DM-2": "agrees" if agrees else "contradicts"}
    told = [("error", "Approval is not what Jira says", "tickets/LSSTComCam/DM-2.yaml:4")]
    assert findings(ran) == ([] if agrees else told)


@pytest.mark.parametrize(("declared", "code"), [("adopted", 1), ("flagged", 0)])
def test_words_that_say_nothing_weigh_where_the_board_was_to_adopt(
    tree: Tree, jira: JiraServer, capsys, declared: str, code: int
) -> None:
    approve(tree, "DM-2", "TAXICAB-16", status=declared)
    jira.file("TAXICAB-16", "Done", "Done", links=["DM-2"])

    ran = tree.run(capsys, "approvals", "--check", "--ticket", "DM-2", "--format", "json")

    weighs = "error" if code else "warning"
    assert ran.code == code
    assert findings(ran) == [(weighs, "Decision cannot be told", "tickets/LSSTComCam/DM-2.yaml:4")]


@pytest.mark.parametrize(
    ("moment", "agrees"),
    [
        ("2025-02-11T15:04:05.000+0000", True),
        ("2025-02-11T23:30:00.000-0800", True),
        ("2025-02-12T00:30:00.000+0100", True),
        ("2025-02-12T15:04:05.000+0000", False),
        (None, True),
    ],
)
def test_the_day_of_the_decision_is_compared_where_both_know_it(
    tree: Tree, jira: JiraServer, capsys, moment: str | None, agrees: bool
) -> None:
    jira.issues["TAXICAB-15"]["fields"]["resolutiondate"] = moment

    ran = tree.run(capsys, "approvals", "--check", "--ticket", "DM-1", "--format", "json")

    told = [("error", "Day of the decision differs", "tickets/LSSTComCam/DM-1.yaml:6")]
    assert findings(ran) == ([] if agrees else told)
    assert ran.code == (0 if agrees else 1)


def test_tickets_that_do_not_point_to_each_other_are_warned_of(tree: Tree, jira: JiraServer, capsys) -> None:
    jira.file("DM-1")
    jira.file("TAXICAB-15", "Adopted", "Done", ["2025-02-11"])
    jira.file("DM-100", links=["TAXICAB-15"])

    ran = tree.run(capsys, "approvals", "--check", "--ticket", "DM-1", "--format", "json")

    assert (ran.code, verdicts(ran)) == (0, {"DM-1": "unlinked"})
    (told,) = ran.json["findings"]
    assert told["severity"] == "warning"
    assert "DM-1 and TAXICAB-15; DM-1 and DM-100 are not linked" in told["detail"]
    assert (told["at"]["file"], told["at"]["line"]) == ("tickets/LSSTComCam/DM-1.yaml", 5)


def test_a_ticket_that_was_moved_is_the_same_ticket(tree: Tree, jira: JiraServer, capsys) -> None:
    jira.file("DM-1")
    jira.file("TAXICAB-15", "Adopted", "Done", ["2025-02-11"])
    jira.file("DM-100", links=["TAXICAB-15", "DM-1"])
    jira.move("DM-1", "OPS-7")
    jira.file("TAXICAB-15", "Adopted", "Done", ["2025-02-11"], links=["OPS-7"])

    ran = tree.run(capsys, "approvals", "--check", "--ticket", "DM-1")

    assert (ran.code, ran.err) == (0, "")


@pytest.mark.parametrize(("key", "line"), [("TAXICAB-15", 5), ("DM-100", 10), ("DM-1", 1)])
def test_a_ticket_that_is_not_there_is_told_where_it_is_named(
    tree: Tree, jira: JiraServer, capsys, key: str, line: int
) -> None:
    jira.issues.pop(key)

    ran = tree.run(capsys, "approvals", "--check", "--ticket", "DM-1", "--format", "json")

    assert ran.code == 1
    assert findings(ran) == [("error", "Ticket not in Jira", f"tickets/LSSTComCam/DM-1.yaml:{line}")]


def test_a_word_that_is_no_key_is_not_asked_for(tree: Tree, jira: JiraServer, capsys) -> None:
    approve(tree, "flats", note="it is old")

    ran = tree.run(capsys, "approvals", "--check", "--ticket", "flats", "--format", "json")

    assert ran.code == 0, ran.err
    assert jira.asked == []


def test_a_key_that_is_none_is_refused_before_anybody_is_asked(tree: Tree, jira: JiraServer, capsys) -> None:
    approve(tree, "DM-1", "the board) or (project = DM", note="it is old")

    ran = tree.run(capsys, "approvals", "--check")

    assert ran.code == 1
    assert "tickets/LSSTComCam/DM-1.yaml:5" in ran.err
    assert jira.asked == []


@pytest.mark.parametrize("cloud", [False, True], ids=["server", "cloud"])
def test_tickets_are_asked_for_many_at_a_time(tree: Tree, jira: JiraServer, capsys, cloud: bool) -> None:
    jira.cloud, jira.page = cloud, 100
    for number in range(1000, 1120):
        approve(tree, f"DM-{number}")
        jira.file(f"DM-{number}")

    ran = tree.run(capsys, "approvals", "--check")

    assert ran.code == 0
    searches = [asked for asked in jira.asked if "/search" in asked]
    assert len(searches) == -(-128 // AT_ONCE)
    assert len(jira.asked) - len(searches) == 2, "serverInfo and field"


# --- where it cannot be asked ---


def test_without_an_address_it_is_wrong_usage(tree: Tree, capsys) -> None:
    ran = tree.run(capsys, "approvals", "--check")

    assert (ran.code, ran.out) == (64, "")
    assert "CALIBSTATE_JIRA_URL is not set, so no approval was compared with Jira." in ran.err


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("jira.example.org", "no address of the form"),
        ("ftp://jira.example.org", "no address of the form"),
        ("https://", "no address of the form"),
        ("https://h:port", "that is no address"),
        ("https://[", "that is no address"),
        ("http://jira.example.org", "for everybody to read"),
    ],
)
def test_an_address_that_cannot_be_used_is_wrong_usage(
    tree: Tree, capsys, address: str, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALIBSTATE_JIRA_URL", address)
    monkeypatch.setenv("CALIBSTATE_JIRA_TOKEN", TOKEN)

    ran = tree.run(capsys, "approvals", "--check")

    assert ran.code == 64
    assert why in ran.err


@pytest.mark.parametrize("fault", FAULTS)
def test_where_jira_does_not_answer_nothing_was_checked(
    tree: Tree, jira: JiraServer, capsys, caplog, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALIBSTATE_JIRA_TOKEN", TOKEN)
    jira.fault, said = FAULTS[fault]

    # On a slow machine one that is not silent may take longer, too.
    for limit in ("1s", "8s", "64s"):
        ran = tree.run(capsys, "approvals", "--check", "--timeout", limit, "--format", "json")
        if said in ran.out:
            break

    assert ran.code == 1
    assert set(verdicts(ran).values()) == {"not checked"}
    (told,) = ran.json["findings"]
    assert said in told["detail"]
    assert told["hint"]
    assert "Traceback" not in ran.err
    assert "s3cret-state" not in ran.out
    assert (ran.err, caplog.text) == ("", ""), "its client keeps quiet"


@pytest.mark.parametrize("request_", ["serverInfo", "field", "search"])
@pytest.mark.parametrize("fault", ["401", "a page", "half of it"])
def test_it_may_fail_at_any_request(tree: Tree, jira: JiraServer, capsys, request_: str, fault: str) -> None:
    usual, (otherwise, said) = jira.answer, FAULTS[fault]

    def answer(path: str, query: dict[str, list[str]]) -> tuple[int, object]:
        if path.rpartition("/")[2] == request_:
            jira.fault = otherwise
        return usual(path, query)

    jira.answer = answer  # type: ignore[method-assign]
    tree.run(capsys, "approvals", "--check")  # until that request
    ran = tree.run(capsys, "approvals", "--check")

    assert ran.code == 1
    assert said in ran.err
    assert "not checked 4" in ran.out


def test_what_the_files_say_is_told_all_the_same(
    tree: Tree, jira: JiraServer, capsys, golden: Golden
) -> None:
    jira.fault = FAULTS["429"][0]

    ran = tree.run(capsys, "approvals", "--check")

    assert ran.code == 1
    golden("approvals/not-checked.txt", (ran.out + ran.err).replace(jira.address, "https://jira.example.org"))


def test_nobody_listens_there(tree: Tree, capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALIBSTATE_JIRA_URL", "http://127.0.0.1:1")

    ran = tree.run(capsys, "approvals", "--check")

    assert ran.code == 1
    assert "http://127.0.0.1:1: it cannot be reached" in ran.err


def test_a_silent_jira_does_not_keep_the_program_from_ending(tree: Tree, jira: JiraServer) -> None:
    jira.fault = FAULTS["drops"][0]

    process = tree.spawn("approvals", "--check", "--timeout", "1s")

    try:
        out, err = process.communicate(timeout=250)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    assert process.returncode == 1
    assert "not checked 4" in out
    assert "it did not answer within 1 s" in err


# --- who asks ---


def basic(user: str) -> str:
    return base64.b64encode(f"{user}:{TOKEN}".encode()).decode()


@pytest.mark.parametrize("user", [None, "calib@example.org"])
def test_the_token_lets_us_in_and_is_told_nowhere(
    tree: Tree, jira: JiraServer, capsys, caplog, user: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALIBSTATE_JIRA_TOKEN", TOKEN)
    if user:
        monkeypatch.setenv("CALIBSTATE_JIRA_USER", user)
    jira.authorization = f"Basic {basic(user)}" if user else f"Bearer {TOKEN}"
    before = {path: path.stat().st_mtime_ns for path in tree.folder.rglob("*")}

    assert tree.run(capsys, "approvals", "--check").code == 0

    assert set(jira.given) == {jira.authorization}
    jira.fault = lambda request: mirror(request, 500)
    monkeypatch.setenv("CALIBSTATE_TRACEBACK", "1")
    ran = tree.run(capsys, "approvals", "--check")
    assert "it answers 500: you gave" in ran.err
    told = ran.out + ran.err + caplog.text
    assert [secret for secret in (TOKEN, basic(user or "")) if secret in told] == []
    assert {path: path.stat().st_mtime_ns for path in tree.folder.rglob("*")} == before, "nothing is kept"


def test_a_token_from_a_file_ends_with_its_line(
    tree: Tree, jira: JiraServer, capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALIBSTATE_JIRA_TOKEN", f"{TOKEN}\n")
    jira.authorization = f"Bearer {TOKEN}"

    assert tree.run(capsys, "approvals", "--check").code == 0


@pytest.mark.parametrize("token", [f"{TOKEN}\nX-Other: x", f"{TOKEN} x", f"{TOKEN}ü"])
def test_a_token_that_cannot_be_sent_is_wrong_usage(
    tree: Tree, jira: JiraServer, capsys, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALIBSTATE_JIRA_TOKEN", token)

    ran = tree.run(capsys, "approvals", "--check")

    assert (ran.code, jira.asked) == (64, [])
    assert TOKEN not in ran.out + ran.err


def mirror(request, status: int) -> None:
    """Answer with what was given."""
    body = json.dumps({"errorMessages": [f"you gave {request.headers['Authorization']}"]}).encode()
    request.send_response(status)
    request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    request.wfile.write(body)


def test_a_token_does_not_travel_to_where_a_redirect_points(
    tree: Tree, jira: JiraServer, capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALIBSTATE_JIRA_TOKEN", TOKEN)

    def elsewhere(request) -> None:
        request.send_response(302)
        request.send_header("Location", "/jira/login.jsp?os_destination=secret")
        request.send_header("Content-Length", "0")
        request.end_headers()

    jira.fault = elsewhere

    ran = tree.run(capsys, "approvals", "--check")

    assert ran.code == 1
    assert "it sends us to /jira/login.jsp, as to a page to sign in at" in ran.err
    assert len(jira.asked) == 1
