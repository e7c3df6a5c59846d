"""The files of a tree agree, or every disagreement is told with its line."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from calibstate.checks.crosscheck import MAX_ERRORS
from calibstate.errors import Severity
from calibstate.store.statefile import load
from tests.written import GOOD, besides_seals, mistakes, spoilt, told, written

CHAIN = "chains/LATISS.yaml"
DM1 = "tickets/LATISS/DM-1.yaml"
DM2 = "tickets/LATISS/DM-2.yaml"
DM3 = "tickets/LATISS/DM-3.yaml"
SETTINGS = "calibstate.yaml"
USDF = "sites/usdf.yaml"
SUMMIT = "sites/summit.yaml"
TTS = "sites/tts.yaml"

OTHER_CHAIN = "chain: LATISS/other\ninstrument: LATISS\nentries: [LATISS/defaults]\n"

ENTRY = "  - as: late/flat.20240301a\n    datasets_of: LATISS/calib/DM-1/new/dark.20240101a\n"


def certifying(
    begin: str = "begin: null",
    end: str = "end: null",
    *,
    of: str = "LATISS/calib/DM-1/new/dark.20240101a",
    listed: str = "late/flat.20240301a",
) -> Mapping[str, str | bytes | None]:
    """Return a ticket that certifies datasets of another."""
    entry = ENTRY.replace("LATISS/calib/DM-1/new/dark.20240101a", of)
    text = f"certify:\n{entry}    {begin}\n    {end}\n"
    return spoilt(DM3, "collections: [late/flat.20240301a]\n", f"collections: [{listed}]\n{text}")


def ingesting(run: str, number: int = 1) -> str:
    """Return what a ticket says that ingests into a RUN."""
    words = "type: stars, dimensions: [htm7], storage_class: Catalog, table: a.csv, transfer: direct"
    entry = f"  - {{run: {run}, {words}}}\n"
    return "ingest:\n" + entry * number


def curated(
    bare: str = "",
    label: str = "label: DM-2",
    into: str = "LATISS/calib/DM-2",
    of: str = "class: lsst.obs.lsst.Latiss",
) -> str:
    """Return a ticket whose calibrations a package holds."""
    text = f"curated:\n  {of}\n  {label}\n  collection: {into}\n  data: {{obs_lsst_data: c8fc86a}}\n"
    return GOOD[DM2] + bare + text


MISTAKES: dict[str, tuple[Mapping[str, str | bytes | None], list[str], str]] = {
    "a ticket under another's name": (
        spoilt(DM3, "ticket: DM-3", "ticket: DM-4"),
        [f"{DM3}:1:9 File under another name"],
        "tickets/LATISS/DM-4.yaml",
    ),
    "a site under another's name": (
        {"sites/else.yaml": "site: other\nrepositories: {}\n"},
        ["sites/else.yaml:1:7 File under another name"],
        "sites/other.yaml",
    ),
    "a site in two files, the second with what the first has not": (
        {
            "sites/zz.yaml": "site: usdf\nrepositories:\n"
            "  other: {butler: /other, instruments: [HSC], route: copy}\n",
            **spoilt(SETTINGS, "rucio:", "bundles: full\nrucio:"),
        },
        ["sites/zz.yaml:1:7 Declared twice", "sites/zz.yaml:1:7 File under another name"],
        "sites/usdf.yaml:1 already",
    ),
    "a copy of such a site's bundles": (
        {
            "sites/zz.yaml": "site: usdf\nrepositories:\n"
            "  other: {butler: /other, instruments: [HSC], route: copy}\n",
            **spoilt(SETTINGS, "rucio:", "bundles: by_reference\nrucio:"),
            TTS: None,
            DM3: None,
        },
        ["sites/zz.yaml:1:7 Declared twice", "sites/zz.yaml:1:7 File under another name"],
        "",
    ),
    "a chain in two files": (
        {"chains/again.yaml": GOOD["chains/defaults.yaml"]},
        ["chains/defaults.yaml:1:8 Declared twice"],
        "chains/again.yaml:1",
    ),
    "a ticket in two files": (
        {"tickets/LATISS/DM-9.yaml": GOOD[DM3]},
        [
            "tickets/LATISS/DM-9.yaml:1:9 Declared twice",
            "tickets/LATISS/DM-9.yaml:1:9 File under another name",
        ],
        f"{DM3}:1 already",
    ),
    "a ticket of nothing": (
        spoilt(DM3, "collections: [late/flat.20240301a]\n", ""),
        [f"{DM3}:1:1 Ticket without collections"],
        "nothing to deploy",
    ),
    "a ticket of an empty list": (
        spoilt(DM3, "[late/flat.20240301a]", "[]"),
        [f"{DM3}:4:1 Ticket without collections"],
        "",
    ),
    "a ticket of both forms": (
        spoilt(DM3, "skip:", "bare: [LATISS/x]\nskip:"),
        [f"{DM3}:5:1 Collections and bare"],
        "",
    ),
    "a range that ends before it begins": (
        certifying("begin: 2025-01-01T00:00:00", "end: 2024-01-01T00:00:00"),
        [f"{DM3}:9:10 Validity range ends before it begins"],
        "late/flat.20240301a of DM-3 is empty",
    ),
    "a range that ends when it begins": (
        certifying("begin: 2024-01-01T00:00:00", "end: 2024-01-01T00:00:00"),
        [f"{DM3}:9:10 Validity range ends before it begins"],
        "",
    ),
    "a certification that is not listed": (
        certifying(listed="late/flat.20240302a"),
        [f"{DM3}:6:9 Certified and not listed"],
        "certifies late/flat.20240301a",
    ),
    "a certification by two entries": (
        certifying("begin: null", f"end: null\n{ENTRY}"),
        [f"{DM3}:10:9 Certified twice"],
        "two entries",
    ),
    "a certification of itself": (
        certifying(of="LATISS/calib/DM-3/late/flat.20240301a"),
        [f"{DM3}:7:18 Certified twice"],
        "from itself",
    ),
    "an ingest that is not listed": (
        spoilt(DM2, "bare:\n", ingesting("LATISS/calib/DM-2/other") + "bare:\n"),
        [f"{DM2}:7:11 Ingested and not listed"],
        "Give it under `bare`",
    ),
    "an ingest by two entries": (
        spoilt(DM2, "bare:\n", ingesting("LATISS/calib/DM-2/unbounded", 2) + "bare:\n"),
        [f"{DM2}:8:46 Ingested twice"],
        "two entries",
    ),
    "curated into the chain of all": (
        {DM2: curated(into="LATISS/calib")},
        [f"{DM2}:12:15 Curated collection is a chain"],
        "LATISS/calib is a declared chain (chains/LATISS.yaml:1:8)",
    ),
    "curated into another ticket": (
        {DM2: curated(into="LATISS/calib/DM-1")},
        [f"{DM2}:12:15 Curated collection is a chain"],
        "Give `collection: LATISS/calib/DM-2`",
    ),
    "curated and not listed": (
        {DM2: curated(into="LATISS/calib/DM-20")},
        [f"{DM2}:12:15 Curated and not listed"],
        "under `bare`",
    ),
    "curated with what is certified": (
        {DM2: curated("certify: [{as: LATISS/calib/DM-2, datasets_of: LATISS/x}]\n")},
        [f"{DM2}:10:1 Curated and made otherwise"],
        "two tickets",
    ),
    "curated by a class that nobody knows": (
        {DM2: curated(of="class: somebody.Else")},
        [f"{DM2}:10:10 Curated folder not known"],
        "`policyName`",
    ),
    "curated with the label of another": (
        {
            DM2: curated(),
            "tickets/LATISS/DM-4.yaml": curated()
            .replace("DM-2", "DM-4")
            .replace("label: DM-4", "label: DM-2"),
        },
        ["tickets/LATISS/DM-4.yaml:11:10 Curated label twice"],
        "Give `label: DM-4`",
    ),
    "no origin": (
        spoilt(USDF, "route: origin", "route: copy"),
        [f"{SUMMIT}:7:19 No origin", f"{USDF}:9:27 No origin"],
        "route: origin",
    ),
    "two origins": (
        spoilt(USDF, "route: copy", "route: origin"),
        [f"{USDF}:5:19 Two origins", f"{USDF}:5:27 Two origins"],
        "usdf/embargo",
    ),
    "no route": (
        spoilt(TTS, "route: copy\n", ""),
        [f"{TTS}:4:3 No route"],
        "tts/LATISS",
    ),
    "Rucio without its settings": (
        {SETTINGS: "version: 1\narchive: a\nrecords: r\n"},
        [f"{SUMMIT}:3:1 No settings for Rucio"],
        "origin_rse",
    ),
    "a Rucio dataset for all tickets": (
        spoilt(SETTINGS, "  scope", "  dataset: Dataset/{instrument}\n  scope"),
        [f"{SETTINGS}:6:12 Not a name of Rucio datasets"],
        "lacks",
    ),
    "a Rucio dataset by an unknown word": (
        spoilt(SETTINGS, "  scope", '  dataset: "{instrument}/{tickte}"\n  scope'),
        [f"{SETTINGS}:6:12 Not a name of Rucio datasets"],
        "{tickte}",
    ),
    "a Rucio dataset by half a brace": (
        spoilt(SETTINGS, "  scope", '  dataset: "{instrument}/{ticket"\n  scope'),
        [f"{SETTINGS}:6:12 Not a name of Rucio datasets"],
        "brace",
    ),
    "a Rucio dataset that two tickets would share": (
        spoilt(
            SETTINGS,
            "origin_rse: SLAC_BUTLER_DISK",
            'origin_rse: SLAC_BUTLER_DISK\n  dataset: "{instrument}{ticket:.3}"',
        ),
        [f"{SETTINGS}:8:12 Not a name of Rucio datasets"],
        "share",
    ),
    "a scope that Rucio does not take": (
        spoilt(SETTINGS, "scope: ancillary", "scope: anc illary"),
        [f"{SETTINGS}:6:10 Not a scope of Rucio"],
        "letters",
    ),
    "a transfer node without its scheme": (
        spoilt(
            SETTINGS,
            "origin_rse: SLAC_BUTLER_DISK",
            "origin_rse: SLAC_BUTLER_DISK\n  dtn_url: localhost/foo",
        ),
        [f"{SETTINGS}:8:12 Not a URL"],
        "https://",
    ),
    "a relative root of the RSE": (
        spoilt(
            SETTINGS, "origin_rse: SLAC_BUTLER_DISK", "origin_rse: SLAC_BUTLER_DISK\n  rse_root: rucio/rse"
        ),
        [f"{SETTINGS}:8:13 Not a root of the RSE"],
        "absolute",
    ),
    "a site that receives at the origin": (
        spoilt(SUMMIT, "SUMMIT_CALIB_DISK", "SLAC_BUTLER_DISK"),
        [f"{SUMMIT}:3:1 Site receives at the origin"],
        "RSE of the site",
    ),
    "a prefix of a scheme that nobody knows": (
        spoilt(SUMMIT, "s3://summit", "htp://summit"),
        [f"{SUMMIT}:3:1 Not a prefix"],
        "s3://",
    ),
    "a prefix that climbs": (
        spoilt(SUMMIT, "summit/ancillary", "summit/../ancillary"),
        [f"{SUMMIT}:3:1 Not a prefix"],
        "nowhere",
    ),
    "bundles without files, and a copy elsewhere": (
        spoilt(SETTINGS, "rucio:", "bundles: by_reference\nrucio:"),
        [f"{TTS}:3:1 Nothing to copy from"],
        "usdf/main",
    ),
    "one path at one site twice": (
        spoilt(USDF, "/repo/embargo", "/repo/main/"),
        [f"{USDF}:8:13 One butler, two addresses"],
        "    instruments: [LATISS, LSSTCam]",
    ),
    "one path at two sites on the same hosts": (
        spoilt(TTS, "*.tts.example", "*.summit.example"),
        [f"{TTS}:6:13 One butler, two addresses"],
        "summit/LATISS",
    ),
    "one path at two sites, one of them anywhere": (
        spoilt(TTS, 'hosts: ["*.tts.example"]\n', ""),
        [f"{TTS}:5:13 One butler, two addresses"],
        "hosts",
    ),
    "one path at one site for each of its instruments": (
        spoilt(
            USDF, "/repo/embargo\n    instruments: [LATISS, LSSTCam]", "/repo/main\n    instruments: [HSC]"
        ),
        [f"{USDF}:8:13 One butler, two addresses", f"{USDF}:9:19 No origin"],
        "repositories:\n  main:\n    instruments: [LATISS, LSSTCam, HSC]",
    ),
    "one label twice, once by its file": (
        spoilt(USDF, "/repo/embargo", "/repo/main/butler.yaml"),
        [f"{USDF}:8:13 One butler, two addresses"],
        "",
    ),
    "a hold without a reason": (
        spoilt(TTS, "route: copy", "route: copy\nhold:"),
        [f"{TTS}:4:1 Reason missing"],
        "",
    ),
    "a repository's hold without a reason": (
        spoilt(TTS, "    butler:", '    hold: " "\n    butler:'),
        [f"{TTS}:6:5 Reason missing"],
        "",
    ),
    "an unknown place to skip": (
        spoilt(DM3, "tts:", "sumit:"),
        [f"{DM3}:6:3 Unknown site or repository"],
        "`summit`",
    ),
    "a skip without a reason": (
        spoilt(DM3, "no use there", '""'),
        [f"{DM3}:6:3 Reason missing"],
        "",
    ),
    "an unknown place of a chain": (
        spoilt("chains/defaults.yaml", "summit/LATISS", "summit/LATIS"),
        ["chains/defaults.yaml:3:14 Unknown site or repository"],
        "`summit/LATISS`",
    ),
    "an unknown place of an external": (
        spoilt(CHAIN, "usdf/main", "usdf/mian"),
        [f"{CHAIN}:7:12 Unknown site or repository"],
        "`usdf/main`",
    ),
    "an instrument that nobody has": (
        spoilt(CHAIN, "instrument: LATISS", "instrument: LATIS")
        | {"tickets/LATIS/DM-7.yaml": GOOD[DM3].replace("LATISS", "LATIS").replace("DM-3", "DM-7")},
        [
            "tickets/LATIS/DM-7.yaml:2:13 Unknown instrument",
            f"{CHAIN}:4:5 Entry that means nothing",
            f"{CHAIN}:5:5 Entry that means nothing",
        ],
        "`LATISS`",
    ),
    "an entry that means nothing": (
        spoilt(CHAIN, "- DM-1", "- DM-11"),
        [f"{CHAIN}:4:5 Entry that means nothing"],
        "`DM-1`",
    ),
    "a misspelt collection": (
        spoilt(CHAIN, "- LATISS/calib/DM-2", "- LATISS/calib/DM-2/unbuonded"),
        [f"{CHAIN}:5:5 Entry that means nothing"],
        "`LATISS/calib/DM-2/unbounded`",
    ),
    "an entry that is a ticket collection": (
        spoilt(CHAIN, "- DM-1", "- LATISS/calib/DM-1"),
        [f"{CHAIN}:4:5 Entry is part of a ticket"],
        "DM-1",
    ),
    "an entry that is one collection of a ticket": (
        spoilt(CHAIN, "- DM-1", "- LATISS/calib/DM-1/new/bias.20240101a"),
        [f"{CHAIN}:4:5 Entry is part of a ticket"],
        "DM-1",
    ),
    "an external that is declared": (
        spoilt("chains/defaults.yaml", "external: refcats", "external: LATISS/calib/DM-1"),
        ["chains/defaults.yaml:6:15 External is declared"],
        "ticket collection of LATISS/DM-1",
    ),
    "an entry listed twice": (
        spoilt(CHAIN, "  - external", "  - DM-1\n  - external"),
        [f"{CHAIN}:6:5 Listed twice"],
        "line 4",
    ),
    "a bare ticket and one of its collections": (
        spoilt(CHAIN, "- DM-1", "- DM-2"),
        [f"{CHAIN}:5:5 Listed twice"],
        "LATISS/calib/DM-2",
    ),
    "a ticket that is flagged": (
        spoilt(CHAIN, "- DM-1", "- DM-3"),
        [f"{DM3}:3:12 Ticket not adopted"],
        'TAXICAB-3 is still "flagged"',
    ),
    "a ticket that is rejected": (
        spoilt(CHAIN, "- DM-1", "- DM-3") | spoilt(DM3, "flagged", "rejected"),
        [f"{DM3}:3:12 Ticket not adopted"],
        'TAXICAB-3 is "rejected"',
    ),
    "a collection of a bare ticket that is proposed": (
        spoilt(DM2, "adopted", "proposed"),
        [f"{DM2}:4:3 Ticket not adopted"],
        'its approval is still "proposed"',
    ),
    "an adoption without a record": (
        spoilt(DM1, "  taxicab: TAXICAB-1\n", ""),
        [f"{DM1}:4:3 Adopted without a record"],
        "taxicab",
    ),
    "a ticket listed and retired": (
        spoilt(CHAIN, "LATISS/calib/DM-0", "DM-1"),
        [f"{CHAIN}:9:3 Listed and retired"],
        "line 4",
    ),
    "a bare ticket retired, one of its collections listed": (
        spoilt(CHAIN, "LATISS/calib/DM-0", "DM-2"),
        [f"{CHAIN}:9:3 Listed and retired"],
        "line 5",
    ),
    "a retired word that means nothing": (
        spoilt(CHAIN, "LATISS/calib/DM-0", "DM-33"),
        [f"{CHAIN}:9:3 Retired word that means nothing"],
        "`DM-3`",
    ),
    "a retired collection that cannot be": (
        spoilt(CHAIN, "LATISS/calib/DM-0", "LATISS/../DM-0"),
        [f"{CHAIN}:9:3 Retired word that means nothing"],
        "climb",
    ),
    "retired without a reason": (
        spoilt(CHAIN, "replaced by DM-1", '" "'),
        [f"{CHAIN}:9:3 Reason missing"],
        "LATISS/calib/DM-0",
    ),
    "a chain that holds itself": (
        spoilt("chains/defaults.yaml", "- LATISS/calib", "- LATISS/defaults"),
        ["chains/defaults.yaml:5:5 Circle of chains"],
        "LATISS/defaults → LATISS/defaults",
    ),
    "a circle of chains": (
        spoilt(CHAIN, "- DM-1", "- LATISS/other") | {"chains/other.yaml": OTHER_CHAIN},
        [f"{CHAIN}:4:5 Circle of chains"],
        "LATISS/calib → LATISS/other → LATISS/defaults → LATISS/calib",
    ),
    "a chain called as a ticket collection": (
        {"chains/z.yaml": "chain: LATISS/calib/DM-1\ninstrument: LATISS\nentries: []\n"},
        ["chains/z.yaml:1:8 One collection, two meanings"],
        DM1,
    ),
    "a chain called as a bare collection": (
        {"chains/z.yaml": "chain: LATISS/calib/DM-2/unbounded\ninstrument: LATISS\nentries: []\n"},
        ["chains/z.yaml:1:8 One collection, two meanings"],
        DM2,
    ),
    "one collection in two tickets": (
        spoilt(DM3, "late/flat.20240301a", "LATISS/calib/DM-1/new/dark.20240101a"),
        [f"{DM3}:4:15 One collection, two meanings"],
        f"{DM1}:8",
    ),
    "a ticket that holds its own collection": (
        spoilt(DM3, "late/flat.20240301a", "LATISS/calib/DM-3"),
        [f"{DM3}:4:15 One collection, two meanings"],
        "the ticket collection of LATISS/DM-3",
    ),
    "a collection of a ticket listed twice": (
        spoilt(DM1, "new/dark", "LATISS/calib/DM-1/new/bias"),
        [f"{DM1}:8:5 Collection listed twice"],
        "line 7",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_told_with_its_line_and_alone(mistake: str, tmp_path: Path) -> None:
    changes, expected, words = MISTAKES[mistake]
    found = mistakes(written(tmp_path, changes))
    assert sorted(told(found)) == sorted(expected)
    assert any(words in f"{d.detail} {d.hint}" for d in found)


def test_the_good_tree_is_good(tmp_path: Path) -> None:
    desired, told = load(written(tmp_path))
    assert besides_seals(told) == ()
    assert len(desired.tickets) == 3


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    changes = (
        spoilt(USDF, "route: copy", "route: {by: cpoy}")
        | spoilt(DM1, "new/dark", "../dark")
        | spoilt(CHAIN, "replaced by DM-1", '""')
        | spoilt(SETTINGS, "archive:", "archvie:")
        | spoilt(DM3, "tts:", "tt:")
    )
    assert told(mistakes(written(tmp_path, changes))) == [
        "calibstate.yaml:1:1 Key missing",
        "calibstate.yaml:3:1 Unknown key",
        "chains/LATISS.yaml:9:3 Reason missing",
        "sites/usdf.yaml:10:17 Unknown word",
        "tickets/LATISS/DM-1.yaml:8:5 Not a valid value",
        "tickets/LATISS/DM-3.yaml:6:3 Unknown site or repository",
    ]


@pytest.mark.parametrize("file", [USDF, DM1, DM2, "tickets/LATISS/DM-9.yaml", CHAIN])
@pytest.mark.parametrize("content", ["a: [\n", "a: 1\n"])
def test_what_an_unread_file_may_have_declared_is_not_held_against_others(
    file: str, content: str, tmp_path: Path
) -> None:
    others = spoilt(CHAIN, "LATISS/calib/DM-0:", "DM-9:") | {
        "tickets/LATISS/DM-9.yaml": GOOD[DM3].replace("DM-3", "DM-9"),
        "chains/z.yaml": "chain: LSSTCam/calib\ninstrument: LSSTCam\nonly: [usdf/main]\nentries: []\n",
    }
    found = mistakes(written(tmp_path, others | {file: content}))
    assert {d.where.file for d in found if d.where} == {file}


def test_an_unread_ticket_does_not_hide_another_unknown_word(tmp_path: Path) -> None:
    changes = {DM1: "a: [\n"} | spoilt(CHAIN, "  - external", "  - DM-77\n  - external")
    assert f"{CHAIN}:6:5 Entry that means nothing" in told(mistakes(written(tmp_path, changes)))


def test_an_adopted_ticket_in_no_chain_is_noted(tmp_path: Path) -> None:
    root = written(tmp_path, spoilt(CHAIN, "  - DM-1\n", ""))
    _, told_ = load(root)
    assert [(d.severity, str(d.where)) for d in besides_seals(told_)] == [(Severity.NOTE, f"{DM1}:1:1")]


@pytest.mark.parametrize("word", ["DM-1", "LATISS/calib/DM-1"])
def test_a_retired_ticket_needs_no_note(word: str, tmp_path: Path) -> None:
    changes = {CHAIN: GOOD[CHAIN].replace("  - DM-1\n", "").replace("LATISS/calib/DM-0", word)}
    assert besides_seals(load(written(tmp_path, changes))[1]) == ()


def test_a_chain_that_no_repository_has_is_warned_of(tmp_path: Path) -> None:
    changes = {"chains/z.yaml": "chain: c\ninstrument: LSSTCam\nonly: [summit]\nentries: []\n"}
    _, told_ = load(written(tmp_path, changes))
    assert [(d.severity, str(d.where)) for d in besides_seals(told_)] == [
        (Severity.WARNING, "chains/z.yaml:3:1")
    ]


@pytest.mark.parametrize("word", ["DM-3", "LATISS/gone/for.good", "refcats", "LATISS/defaults"])
def test_what_may_be_retired(word: str, tmp_path: Path) -> None:
    assert mistakes(written(tmp_path, spoilt(CHAIN, "LATISS/calib/DM-0", word))) == []


def test_a_repository_may_have_an_instrument_without_tickets(tmp_path: Path) -> None:
    desired, _ = load(written(tmp_path))
    assert desired.with_instrument("LSSTCam") and not desired.tickets_of("LSSTCam")


def test_bundles_without_files_serve_a_copy_at_the_origins_own_site(tmp_path: Path) -> None:
    changes = spoilt(SETTINGS, "rucio:", "bundles: by_reference\nrucio:") | {TTS: None, DM3: None}
    assert mistakes(written(tmp_path, changes)) == []


def test_two_circles_are_two_mistakes(tmp_path: Path) -> None:
    pairs = {"A": "B", "B": "A", "C": "D", "D": "C", "E": "A"}
    changes = {
        f"chains/{n}.yaml": f"chain: {n}\ninstrument: LATISS\nentries: [{o}]\n" for n, o in pairs.items()
    }
    found = mistakes(written(tmp_path, changes))
    assert [d.detail.partition(":")[0] for d in found] == ["A → B → A", "C → D → C"]


def test_chains_nested_beyond_any_stack_are_told(tmp_path: Path) -> None:
    inner = {n: f"c/{n + 1}" for n in range(1200)} | {1200: "DM-1"}
    changes = {
        f"chains/{n}.yaml": f"chain: c/{n}\ninstrument: LATISS\nentries: [{entry}]\n"
        for n, entry in inner.items()
    }
    assert told(mistakes(written(tmp_path, changes))) == ["chains/0.yaml:3:1 Chains nested too deeply"]


def test_countless_mistakes_are_cut_short_before_they_take_an_hour(tmp_path: Path) -> None:
    entries = "".join(f"  - DN-{n}\n" for n in range(60_000))
    found = mistakes(written(tmp_path, spoilt(CHAIN, "  - DM-1\n", entries)))
    assert len(found) == MAX_ERRORS + 1
    assert found[-1].summary == "Too many mistakes"


def test_adopted_tickets_that_nobody_has_sealed_are_warned_of_together(tmp_path: Path) -> None:
    (warning,) = load(written(tmp_path))[1]

    assert warning.summary == "Tickets without a seal"
    assert (warning.severity, str(warning.where)) == (Severity.WARNING, f"{DM1}:1:1")
    assert warning.hint == "calibstate seal DM-1 DM-2"


def test_a_begin_at_the_epoch_is_noted(tmp_path: Path) -> None:
    files = {**GOOD, **certifying("begin: 1970-01-01T00:00:00")}
    _, notes = load(written(tmp_path, files))
    (note,) = [note for note in notes if note.summary == "Begin at the epoch"]
    assert note.severity is Severity.NOTE
    assert str(note.where) == f"{DM3}:8:12"
    _, notes = load(written(tmp_path / "other", {**GOOD, **certifying("begin: 1970-01-01T00:00:01")}))
    assert "Begin at the epoch" not in [note.summary for note in notes]


def test_curated_calibrations_of_an_unknown_revision_are_noted(tmp_path: Path) -> None:
    text = curated()
    assert besides_seals(load(written(tmp_path, {DM2: text}))[1]) == ()
    without = text.replace("  data: {obs_lsst_data: c8fc86a}\n", "")
    (note,) = besides_seals(load(written(tmp_path / "other", {DM2: without}))[1])
    assert (note.severity, str(note.where), note.summary) == (
        Severity.NOTE,
        f"{DM2}:9:1",
        "Curated without a revision",
    )
