"""Pages tell how it stands, and nothing of machines."""

from __future__ import annotations

import csv
import getpass
import json
import re
import shutil
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from calibstate.factory import clock
from calibstate.model.timelinedocument import TimelineEntry
from calibstate.model.timelines import NOTHING
from calibstate.model.timespans import parse_tai
from calibstate.store import schemas
from tests import world
from tests.commands.impact_test import git
from tests.commands.sites import EMBARGO, INSTRUMENT, LEAVES, ORIGIN, SUMMIT, TOP, Sites
from tests.tree import Ran, Tree

jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")

POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'"
)
HOSTILE = "<img src=x onerror=alert(1)>" + "x" * 300


class Html(HTMLParser):
    """What a page holds, as a browser would read it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def values(self, attribute: str) -> list[str]:
        return [value for _, attrs in self.tags if (value := attrs.get(attribute)) is not None]


class Pages:
    """A folder of pages."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def files(self) -> dict[str, bytes]:
        found = (path for path in sorted(self.folder.rglob("*")) if path.is_file())
        return {path.relative_to(self.folder).as_posix(): path.read_bytes() for path in found}

    @property
    def addresses(self) -> list[str]:
        return [name for name in self.files if name.endswith("index.html")]

    def html(self, address: str) -> Html:
        return Html((self.folder / address / "index.html").read_text())

    def data(self, address: str = "") -> Any:
        return json.loads((self.folder / address / "data.json").read_text())

    def standing(self, repository: str) -> Any:
        (instrument,) = self.data()["instruments"]
        (found,) = (one for one in instrument["repositories"] if one["repository"] == repository)
        return found


def made(sites: Sites, *arguments: str, code: int = 0) -> Pages:
    """Make the pages, and return them."""
    folder = sites.tree.folder / "pages"
    ran = page(sites.tree, sites.capsys, *arguments)
    assert ran.code == code, ran.out + ran.err
    return Pages(folder)


def page(tree: Tree, capsys: Any, *arguments: str) -> Ran:
    return tree.run(capsys, "page", "-o", str(tree.folder / "pages"), *arguments)


def publish(sites: Sites, *sites_seen: str) -> None:
    for site in sites_seen or ("usdf", "summit"):
        ran = sites.run("observe", "--site", site, "--publish")
        assert ran.code == 0, ran.err


def observation(sites: Sites, address: str) -> Path:
    return sites.tree.folder / "records" / "observations" / f"{address}.json"


def age(sites: Sites, address: str, by: timedelta) -> str:
    """Have a repository been seen some time ago; return when."""
    at = (datetime.now(UTC) - by).strftime("%Y-%m-%dT%H:%M:%SZ")
    file = observation(sites, address)
    said = json.loads(file.read_text())
    said["observations"][0]["at"] = at
    file.write_text(json.dumps(said))
    return at


@pytest.fixture
def published(deployed: Sites) -> Sites:
    """Return deployed sites that have published what they see."""
    publish(deployed)
    return deployed


@pytest.mark.parametrize(
    ("report", "shown"),
    [
        ("https://kim:s3cret@reports.example.org/x", "…"),
        ("https://s3cret@reports.example.org/x", "…"),
        ("/sdf/home/k/kim/s3cret.pdf", "…"),
        ("s3://bucket/s3cret.pdf", "…"),
        ("https://reports.example.org/x", "https://reports.example.org/x"),
        ("DM-12345", "DM-12345"),
    ],
)
def test_no_address_or_path_that_somebody_wrote_is_on_a_page(
    published: Sites, report: str, shown: str
) -> None:
    approval = {"status": "adopted", "report": report, "taxicab": "TAXICAB-1"}
    summary = "Biases, see /sdf/home/k/kim/s3cret by s3cret@example.org"
    published.tree.ticket("DM-1", *LEAVES, approval=approval, summary=summary)

    pages = made(published)

    ticket = pages.data(f"{INSTRUMENT}/ticket/DM-1")["ticket"]
    assert (ticket["report"], ticket["summary"]) == (shown, "Biases, see … by …")
    assert [name for name, content in pages.files.items() if b"s3cret" in content] == []


def test_a_chain_that_is_not_there_yet_is_missing_where_somebody_looked(published: Sites) -> None:
    published.tree.chain(["DM-1"], f"{INSTRUMENT}/new")

    pages = made(published, "--live")

    chain = pages.data(f"{INSTRUMENT}/chain/new")
    assert {state for row in chain["rows"] for state in row["states"]} == {"missing"}


def test_what_no_seal_told_before_is_said_where_before_is_compared(published: Sites) -> None:
    published.commit()
    assert published.run("seal").code == 0
    published.commit()

    pages = made(published, "--since", "HEAD~1")

    timeline = pages.html(f"{INSTRUMENT}/timeline").text
    assert "newly covered" in timeline
    assert re.search(r"Before or after, of \d+ collections? no seal tells what they hold", timeline)


def test_a_ticket_that_another_chain_lists_is_not_retired(published: Sites) -> None:
    published.tree.chain(["DM-2"], f"{INSTRUMENT}/new", retired={"DM-1": "not for this"})

    pages = made(published, "--live", code=0)

    assert pages.data(f"{INSTRUMENT}/ticket/DM-1")["ticket"]["retired"] == ""


def test_reviews_of_a_ticket_that_is_gone_are_nobodys_task(published: Sites) -> None:
    assert published.run("verify", "--publish").code == 0
    file = published.tree.folder / "records" / "reviews" / f"{ORIGIN}.json"
    said = json.loads(file.read_text())
    (name, *_) = said["tickets"]
    said["tickets"][f"{INSTRUMENT}/DM-77"] = {**said["tickets"][name], "passed": False}
    file.write_text(json.dumps(said))

    pages = made(published)

    review = pages.standing(ORIGIN)["last_review"]
    assert review["passed"] == review["of"]
    assert "DM-77" not in (pages.folder / "feed.atom").read_text()
    assert "fails" not in pages.html("").text


# What it tells


def test_a_page_tells_that_all_is_in_sync_and_selects_the_same(published: Sites) -> None:
    pages = made(published)

    for address in (ORIGIN, EMBARGO, SUMMIT):
        standing = pages.standing(address)
        assert (standing["state"], standing["letter"], standing["seen"]["by"]) == (
            "in sync",
            "A",
            "published",
        )
    (instrument,) = pages.data()["instruments"]
    assert instrument["tasks"] == []
    assert "3 of 3 repositories are in sync." in pages.html("").text
    assert "All that were seen select the same calibrations." in pages.html("").text


def test_a_page_tells_what_a_person_must_do_and_by_which_command(deployed: Sites) -> None:
    deployed.add_own(SUMMIT)
    deployed.change_chain(SUMMIT, lambda children: ["u/somebody/bias", *children[1:]])
    publish(deployed)

    pages = made(deployed)

    assert pages.standing(SUMMIT)["state"] == "not searched"
    assert pages.standing(SUMMIT)["letter"] == "B"
    (instrument,) = pages.data()["instruments"]
    said = {task["sort"]: task for task in instrument["tasks"] if task["about"] == SUMMIT}
    assert "DM-2 not searched" in said["deploy"]["words"]
    assert said["deploy"]["command"].startswith("calibstate apply --site summit && ")
    assert "u/somebody/bias" in said["extra"]["words"]
    assert said["deploy"]["command"] in pages.html("").text


def test_a_page_is_never_greener_than_its_age(published: Sites) -> None:
    at = age(published, SUMMIT, timedelta(days=3))

    pages = made(published)

    standing = pages.standing(SUMMIT)
    assert standing["state"] == "unreachable"
    assert standing["seen"] == {"at": at, "by": "published", "stale": True}
    (look,) = (task for task in pages.data()["instruments"][0]["tasks"] if task["sort"] == "look")
    assert look["command"] == f"calibstate observe --repository {SUMMIT} --publish"
    assert "Look again there:" in look["words"]
    tickets = pages.data(f"{INSTRUMENT}/tickets")["tickets"]
    assert {
        place["stale"] for one in tickets for place in one["places"] if place["repository"] == SUMMIT
    } == {True}
    assert "was searched" in pages.html(f"{INSTRUMENT}/tickets").text
    assert "was searched" in pages.html(f"{INSTRUMENT}/chain/calib").text
    # Whoever says that it may be so old is told what was seen.
    assert made(published, "--max-age", "7d").standing(SUMMIT)["state"] == "in sync"


def test_what_was_seen_too_long_ago_is_to_be_looked_at_before_anything_is_done(deployed: Sites) -> None:
    deployed.change_chain(SUMMIT, lambda children: children[1:])
    publish(deployed)
    for address in (ORIGIN, EMBARGO, SUMMIT):
        age(deployed, address, timedelta(days=3))
    archive = deployed.tree.folder / "archive"
    for part in archive.rglob("*"):
        if part.is_file():
            part.unlink()

    tasks = made(deployed).data()["instruments"][0]["tasks"]

    assert {task["sort"] for task in tasks} == {"look", "archive"}
    assert [task["command"] for task in tasks if "apply" in task["command"]] == []
    (summit,) = [task for task in tasks if task["about"] == SUMMIT]
    assert "When last seen: DM-2 not searched. Look again before anything is done:" in summit["words"]
    (lacking,) = [task for task in tasks if task["sort"] == "archive"]
    assert lacking["command"] == f"calibstate observe --repository {ORIGIN} --publish"
    # What was seen just now is acted on.
    tasks = made(deployed, "--max-age", "7d").data()["instruments"][0]["tasks"]
    assert {task["command"].split()[1] for task in tasks} == {"apply"}


def test_a_look_of_the_future_counts_as_none(published: Sites) -> None:
    age(published, SUMMIT, -timedelta(days=1))

    page(published.tree, published.capsys)

    assert Pages(published.tree.folder / "pages").standing(SUMMIT)["state"] == "unreachable"


def test_repositories_are_looked_at_only_where_that_is_asked_for(published: Sites) -> None:
    published.change_chain(SUMMIT, lambda children: children[1:])

    assert made(published).standing(SUMMIT)["state"] == "in sync"
    standing = made(published, "--live").standing(SUMMIT)
    assert standing["state"] == "not searched"
    assert standing["seen"]["by"] == "live"


def test_a_look_of_the_very_second_of_a_sight_is_told_and_not_the_sight(
    deployed: Sites, monkeypatch: pytest.MonkeyPatch
) -> None:
    moment = datetime.now(UTC)
    monkeypatch.setattr(clock, "source", lambda: moment)
    publish(deployed)
    deployed.change_chain(SUMMIT, lambda children: [])

    pages = made(deployed, "--live")

    assert pages.standing(SUMMIT)["seen"]["at"] == moment.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert pages.standing(SUMMIT)["letter"] == "B"


def test_a_ticket_has_a_page_with_where_it_is_since_when(published: Sites) -> None:
    assert published.run("verify", "--site", "usdf", "--publish").code == 0

    pages = made(published)

    ticket = pages.data(f"{INSTRUMENT}/ticket/DM-1")["ticket"]
    place = next(one for one in ticket["places"] if one["repository"] == SUMMIT)
    assert place["state"] == "searched"
    assert place["searched"].startswith(datetime.now(UTC).strftime("%Y-"))
    assert place["arrived"] <= place["searched"]
    assert place["by"] == getpass.getuser()
    reviewed = next(one for one in ticket["places"] if one["repository"] == ORIGIN)
    assert reviewed["passed"] is True
    assert ticket["archived"]
    assert pages.html(f"{INSTRUMENT}/ticket/DM-1").text.count(place["run"]) >= 1


def test_what_came_without_a_journal_came_when_the_butler_says(published: Sites) -> None:
    sight = published.tree.folder / "records" / "sights" / ORIGIN / "newest.json"
    said = json.loads(sight.read_text())
    said["tickets"][f"{INSTRUMENT}/DM-1"]["ingested"] = {
        "first": "2025-01-02T03:04:05Z",
        "last": "2025-01-02T04:00:00Z",
    }
    sight.write_text(json.dumps(said))

    places = made(published).data(f"{INSTRUMENT}/ticket/DM-1")["ticket"]["places"]

    (origin,) = (place for place in places if place["repository"] == ORIGIN)
    assert (origin["run"], origin["arrived"]) == (None, "2025-01-02T04:00:00Z")


def test_a_sight_that_cannot_be_read_costs_time_and_no_more(published: Sites) -> None:
    assert published.run("seal").code == 0
    whole = made(published).data(f"{INSTRUMENT}/chain/calib")
    for sight in (published.tree.folder / "records").rglob("newest.json"):
        sight.write_bytes(sight.read_bytes()[:300])

    pages = made(published, code=1)

    assert pages.standing(SUMMIT)["letter"] == "A"
    assert pages.data(f"{INSTRUMENT}/chain/calib")["rows"] == whole["rows"]


def test_each_of_the_three_tickets_leads_to_the_page_of_the_ticket(published: Sites) -> None:
    approval = {"status": "adopted", "taxicab": "TAXICAB-7", "date": "2026-11-02"}
    published.tree.ticket("DM-1", *LEAVES, approval=approval, deployment="DM-77")

    pages = made(published)

    for key in ("DM-1", "TAXICAB-7", "DM-77"):
        html = pages.html(f"go/{key}")
        (refresh,) = (attrs["content"] for tag, attrs in html.tags if attrs.get("http-equiv") == "refresh")
        assert refresh == f"0; url=../../{INSTRUMENT}/ticket/DM-1/index.html"


def test_a_chain_tells_what_never_wins_and_where_an_extra_stands(published: Sites) -> None:
    assert published.run("seal").code == 0
    published.add_own(SUMMIT)
    published.change_chain(SUMMIT, lambda children: [children[0], "u/somebody/bias", *children[1:]])
    publish(published, "summit")

    pages = made(published)

    chain = pages.data(f"{INSTRUMENT}/chain/calib")
    assert [column["repositories"] for column in chain["columns"]] == [[EMBARGO, ORIGIN], [SUMMIT]]
    assert [row["name"] for row in chain["rows"]] == ["DM-2", "u/somebody/bias", "DM-1"]
    newest, extra, oldest = chain["rows"]
    assert extra["states"] == ["", "extra"]
    assert oldest["states"] == ["searched", "searched"]
    # DM-2 holds the same as DM-1, for the same spans, and is searched first.
    assert all(held["wins"] and not held["never"] for held in newest["holds"])
    assert all(held["never"] and not held["wins"] for held in oldest["holds"])
    assert chain["told_by"] == "seals"
    assert "s" in {tag for tag, _ in pages.html(f"{INSTRUMENT}/chain/calib").tags}


def test_the_timeline_of_a_page_is_what_lookups_get(published: Sites) -> None:
    assert published.run("seal").code == 0
    timeline = TimelineEntry.model_validate(
        made(published).data(f"{INSTRUMENT}/timeline/bias")["timeline"]
    ).timeline()

    (row,) = timeline.rows
    butler = published.seen(ORIGIN)
    for moment in ("2023-06-01T00:00:00", "2024-06-01T00:00:00", "2031-06-01T00:00:00"):
        at = parse_tai(moment)
        ref = butler.find_dataset(
            "bias",
            instrument=INSTRUMENT,
            detector=0,
            collections=TOP,
            timespan=world.timespan((at, at + 10**9)),
        )
        won = row.at(at, 0)
        assert (won != NOTHING) == (ref is not None), moment
        if ref:
            assert f"/{timeline.tickets[won]}/" in ref.run


def test_what_is_effective_before_and_after_is_drawn_where_a_revision_is_named(published: Sites) -> None:
    assert published.run("seal").code == 0
    published.commit()
    published.tree.chain(["DM-1"], retired={"DM-2": "it was wrong"})

    pages = made(published, "--since", "HEAD")

    html = pages.html(f"{INSTRUMENT}/timeline")
    assert [attrs["class"] for tag, attrs in html.tags if "pair" in (attrs.get("class") or "")] != []
    assert "replaced" in html.text
    assert page(published.tree, published.capsys, "--since", "nowhere").code == 64


def test_of_many_tickets_each_year_has_a_page_and_the_table_has_all(published: Sites) -> None:
    for number in range(101):
        approval = {"status": "proposed", "date": f"{2024 + number % 3}-05-01"}
        published.tree.ticket(f"DM-{1000 + number}", *LEAVES, approval=approval)

    pages = made(published)

    first = pages.data(f"{INSTRUMENT}/tickets")
    assert [year["year"] for year in first["years"]] == ["2026", "2025", "2024", "undated"]
    assert sum(year["tickets"] for year in first["years"]) == 103
    for year in first["years"]:
        assert len(pages.data(f"{INSTRUMENT}/tickets/{year['year']}")["tickets"]) == year["tickets"]
    table = (pages.folder / INSTRUMENT / "tickets" / "tickets.csv").read_text()
    assert len(list(csv.reader(table.splitlines()))) == 104


# How it is made


def test_every_document_is_as_its_schema_says_and_every_link_leads_somewhere(published: Sites) -> None:
    assert published.run("seal").code == 0
    published.commit()
    # A merge is compared with the one before it.
    published.tree.chain(["DM-1"], retired={"DM-2": "it was wrong"})
    published.commit()
    pages = made(published, "--jira", "https://jira.example.org/")

    by_kind = {}
    for document in schemas.DOCUMENTS:
        if document.file.startswith("page-"):
            by_kind[document.file.removesuffix(".json")] = schemas.schemas()[document.file]
    kinds = set()
    for address in pages.addresses:
        folder = str(PurePosixPath(address).parent)
        html = pages.html(folder)
        if not folder.startswith("go/"):
            data = pages.data(folder)
            kinds.add(data["kind"])
            jsonschema.Draft202012Validator(by_kind[data["kind"]]).validate(data)
            (policy,) = (
                attrs["content"]
                for _, attrs in html.tags
                if attrs.get("http-equiv") == "Content-Security-Policy"
            )
            assert policy == POLICY
        ids = html.values("id")
        assert len(ids) == len(set(ids)), address
        assert html.values("style") == []
        for link in [*html.values("href"), *html.values("src")]:
            parts = urlsplit(link)
            if link.startswith("#"):
                assert link[1:] in ids
                continue
            if parts.scheme:
                assert link.startswith("https://jira.example.org/browse/")
                continue
            target = (pages.folder / folder / unquote(parts.path)).resolve()
            assert target.is_file(), (address, link)
    status = json.loads((pages.folder / "status.json").read_text())
    jsonschema.Draft202012Validator(by_kind[status["kind"]]).validate(status)
    # Nothing is verified day by day here.
    assert kinds == set(by_kind) - {status["kind"], "page-daily", "page-trend"}


def test_the_same_inputs_give_the_same_bytes_but_for_the_time(
    published: Sites, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Whatever else is of this very minute would be taken for the time.
    monkeypatch.setenv("GIT_COMMITTER_DATE", "2026-01-02T03:04:05Z")
    published.commit()
    for address in (ORIGIN, EMBARGO, SUMMIT):
        age(published, address, timedelta(hours=2))
    first = made(published).files
    second = made(published).files

    def without_time(files: dict[str, bytes]) -> dict[str, bytes]:
        made_at = json.loads(files["page.json"])["generated"].encode()
        minute = made_at[:16].replace(b"T", b" ")
        seconds = b"%d\n" % datetime.fromisoformat(made_at.decode()).timestamp()
        without = {}
        for name, data in files.items():
            without[name] = data.replace(made_at, b"").replace(minute, b"").replace(seconds, b"")
        return without

    assert without_time(first) == without_time(second)


def test_a_check_writes_nothing_and_tells_what_would_be_written(published: Sites) -> None:
    pages = made(published)
    before = pages.files

    assert page(published.tree, published.capsys, "--check").code == 0
    published.tree.ticket("DM-1", *LEAVES, summary="Another word")
    ran = page(published.tree, published.capsys, "--check", "--format", "json")

    assert ran.code == 1
    assert f"{INSTRUMENT}/ticket/DM-1/data.json" in ran.json["stale"]
    assert pages.files == before


def test_a_folder_that_holds_anything_else_is_refused_and_left_alone(published: Sites) -> None:
    pages = made(published)
    (pages.folder / "thesis.tex").write_text("ten years")
    before = pages.files

    ran = page(published.tree, published.capsys)

    assert ran.code == 3
    assert "thesis.tex" in ran.err
    assert pages.files == before
    (pages.folder / "thesis.tex").unlink()
    assert made(published).files


def test_a_link_and_a_file_are_no_folder_of_pages(published: Sites, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    folder = published.tree.folder / "pages"
    folder.symlink_to(elsewhere)
    assert page(published.tree, published.capsys).code == 3
    folder.unlink()
    folder.write_text("a file")
    assert page(published.tree, published.capsys).code == 3
    assert folder.read_text() == "a file"


def test_pages_that_leave_take_their_files_with_them(published: Sites) -> None:
    published.tree.ticket("DM-3", *LEAVES, status="proposed")
    assert f"{INSTRUMENT}/ticket/DM-3/index.html" in made(published).files
    (published.tree.state / "tickets" / INSTRUMENT / "DM-3.yaml").unlink()

    assert f"{INSTRUMENT}/ticket/DM-3/index.html" not in made(published).files
    assert [path.name for path in published.tree.folder.iterdir() if path.name.startswith(".pages")] == []


def test_who_names_no_folder_is_told_so(published: Sites) -> None:
    ran = published.run("page")
    assert ran.code == 64
    assert "-o DIR" in ran.err


# What it does not tell


def processes(sites: Sites) -> Iterator[str]:
    """Yield what journals tell of hosts and processes."""
    for journal in (sites.tree.folder / "records" / "journal").iterdir():
        for line in journal.read_text().splitlines():
            began = json.loads(line).get("began")
            if began:
                process = began["process"]
                yield from (process["host"], process["machine"], process["boot"])


def test_nothing_of_machines_paths_and_databases_is_on_any_page(published: Sites) -> None:
    assert published.run("verify", "--site", "usdf", "--publish").code == 0
    git(published.tree.folder, "init", "-qb", "main")
    git(published.tree.folder, "add", "state")
    git(published.tree.folder, "commit", "-qm", "By nobody@example.org, see s3://bucket/key")
    # Places that say nothing say where they are.
    published.tree.site("tts", {"main": "copy"})
    published.tree.site("far", {"main": "copy"}, records="s3://far-away/records")
    secrets = {*processes(published), socket.gethostname(), str(published.tree.folder), "gen3.sqlite3"}
    secrets |= {"nobody@example.org", "s3://", "../repo", "far-away"}
    secrets.discard("")

    for arguments in ([], ["--live"]):
        pages = made(published, *arguments, code=1)
        for name, data in pages.files.items():
            told = [secret for secret in secrets if secret.encode() in data]
            assert told == [], name


def test_people_are_named_only_where_that_is_wished(published: Sites) -> None:
    git(published.tree.folder, "init", "-qb", "main")
    git(published.tree.folder, "add", "state")
    git(
        published.tree.folder,
        "-c",
        "user.name=Kari Ewer",
        "commit",
        "-qm",
        "All of it",
        "--author",
        "Kari Ewer <k@example.org>",
    )

    named = b"".join(made(published).files.values())
    unnamed = made(published, "--no-people").files

    assert b"Kari Ewer" in named
    assert [name for name, data in unnamed.items() if b"Kari Ewer" in data] == []
    places = made(published, "--no-people").data(f"{INSTRUMENT}/ticket/DM-1")["ticket"]["places"]
    assert {place["by"] for place in places} == {None}


def test_strange_names_are_text_and_strange_links_are_none(published: Sites) -> None:
    approval = {
        "status": "adopted",
        "report": "javascript://x.example/%0Aalert(1)",
        "note": "</script><b>",
        "taxicab": "TAXICAB-1",
    }
    published.tree.ticket("DM-1", *LEAVES, approval=approval, summary=HOSTILE)
    published.tree.chain(["DM-2", "DM-1"], retired={"u/strange/bias": "=HYPERLINK(1)<script>"})
    published.add_own(SUMMIT, "u/strange/<b>&'\"")
    published.change_chain(SUMMIT, lambda children: ["u/strange/<b>&'\"", *children])
    publish(published, "summit")

    git(published.tree.folder, "init", "-qb", "main")
    git(published.tree.folder, "add", "state")
    # Who forges a commit obeys no rule of trees.
    git(published.tree.folder, "commit", "-qm", "\u202e<b onclick=alert(1)>")

    pages = made(published)

    for address in pages.addresses:
        html = pages.html(str(PurePosixPath(address).parent))
        tags = [tag for tag, _ in html.tags]
        assert "img" not in tags
        # Scripts are files of our own, and nothing stands in a page.
        sources = [PurePosixPath(attrs.get("src") or "").name for tag, attrs in html.tags if tag == "script"]
        assert set(sources) <= {"page.js", "timelines.js", "moment.js", "compare.js"}
        assert [name for _, attrs in html.tags for name in attrs if name.startswith("on")] == []
        assert [link for link in html.values("href") if "javascript" in link] == []
        assert "\u202e" not in html.text
    ticket = pages.html(f"{INSTRUMENT}/ticket/DM-1").text
    assert HOSTILE in ticket
    assert "report: …" in ticket
    chain = pages.html(f"{INSTRUMENT}/chain/calib").text
    assert "u/strange/<b>&'\"" in chain
    assert "<U+202E><b onclick=alert(1)>" in chain
    for name in pages.files:
        assert re.fullmatch(r"[A-Za-z0-9._~/-]+", name), name


# What cannot be read


def test_one_silent_site_spoils_no_other(published: Sites) -> None:
    observation(published, SUMMIT).unlink()
    shutil.rmtree(published.tree.folder / "records" / "sights" / SUMMIT)

    pages = made(published, code=1)

    assert pages.standing(ORIGIN)["state"] == "in sync"
    standing = pages.standing(SUMMIT)
    assert (standing["state"], standing["seen"], standing["letter"]) == ("unreachable", None, "")
    assert SUMMIT in {source["source"] for source in pages.data()["unread"]}
    assert "could not be read" in pages.html(f"{INSTRUMENT}/tickets").text


def test_half_written_records_and_those_of_the_future_are_named_and_passed_over(published: Sites) -> None:
    assert published.run("verify", "--site", "usdf", "--publish").code == 0
    seen = observation(published, SUMMIT)
    seen.write_bytes(seen.read_bytes()[:200])
    reviews = published.tree.folder / "records" / "reviews"
    (reviews / f"{ORIGIN}.json").write_text('{"format_version": "7.0", "kind": "published-review"}')
    for journal in (published.tree.folder / "records" / "journal").iterdir():
        journal.write_bytes(journal.read_bytes()[:-40])

    pages = made(published, code=1)

    assert pages.standing(EMBARGO)["state"] == "in sync"
    assert pages.standing(SUMMIT)["state"] == "unreachable"
    assert {SUMMIT, f"the reviews of {ORIGIN}"} <= {one["source"] for one in pages.data()["unread"]}


def test_without_any_records_there_are_pages_all_the_same(sites: Sites) -> None:
    pages = made(sites, code=1)

    (instrument,) = pages.data()["instruments"]
    assert {one["state"] for one in instrument["repositories"]} == {"unreachable"}
    assert pages.data(f"{INSTRUMENT}/ticket/DM-1")["ticket"]["status"] == "adopted"


def test_an_empty_tree_has_a_page_that_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tree = Tree(tmp_path)
    tree.settings()

    ran = page(tree, capsys)

    assert ran.code == 0, ran.err
    assert "Nothing is declared yet" in Pages(tmp_path / "pages").html("").text


def test_of_an_unsound_tree_the_newest_sound_revision_is_told(published: Sites) -> None:
    published.commit()
    file = published.tree.state / "tickets" / INSTRUMENT / "DM-1.yaml"
    file.write_text("ticket: [")

    pages = made(published, code=1)

    assert pages.data()["unsound"] == 1
    for address in ("", f"{INSTRUMENT}/tickets", f"{INSTRUMENT}/ticket/DM-1"):
        assert "The state tree does not validate" in pages.html(address).text
    assert pages.standing(SUMMIT)["state"] == "in sync"


def test_where_no_revision_is_sound_a_page_says_so(published: Sites) -> None:
    (published.tree.state / "calibstate.yaml").write_text("version: [")
    published.commit()

    pages = made(published, code=1)

    assert "No revision of it is sound" in pages.html("").text


def test_the_headers_that_a_server_is_told_to_send_are_those_of_the_pages() -> None:
    page = (Path(__file__).parents[2] / "docs" / "how-to" / "publish-the-page.md").read_text()

    assert f"add_header Content-Security-Policy \"{POLICY}; frame-ancestors 'none'\" always;" in page
