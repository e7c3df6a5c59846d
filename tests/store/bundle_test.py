"""Exports and manifests are read safely, and as the butler would."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from calibstate.errors import InvalidStateError, RefusedError
from calibstate.model.bundles import BundleFile, Manifest
from calibstate.model.contents import CollectionType
from calibstate.model.seals import content_digest
from calibstate.model.timespans import EMPTY, UNBOUNDED, UNBOUNDED_END, parse_tai
from calibstate.store import bundle
from calibstate.store.bundle import (
    TIME,
    Tagged,
    check,
    dump_manifest,
    load_head,
    load_manifest,
    manifest_from,
    path_problem,
    paths,
    read_contents,
    with_paths,
)
from tests.exports import CALIBRATION, HEAD, RUN, TICKET, Sample, make_sample

REALDATA = Path(__file__).parents[3] / "shared" / "realdata"

HSC = REALDATA / "ap_verify_ci_cosmos_pdr2.export.yaml"
DECAM = REALDATA / "ap_verify_ci_hits2015.export.yaml"
OLD = REALDATA / "pipelines_check.export.yaml"
EXPORTS = [HSC, DECAM, OLD]


def real(path: Path) -> str:
    if not path.exists():
        pytest.skip(f"the published export {path.name} is not beside the project")
    return path.read_text()


@pytest.fixture
def sample(tmp_path: Path) -> Sample:
    return make_sample(tmp_path)


@pytest.fixture
def manifest(sample: Sample) -> Manifest:
    contents = read_contents(sample.export.text)
    files = [
        BundleFile(path=d.path, size=7, sha256="0" * 64, adler32="0" * 8, datasets=(d.uuid,))
        for d in contents.datasets
    ]
    return manifest_from(
        TICKET,
        sample.collections,
        contents,
        files,
        made_at="2026-11-22T18:00:00.000Z",
        exported_from="usdf/main",
        text=sample.export.text,
    )


# What real exports say


def test_the_export_of_hsc_is_read_in_full() -> None:
    contents = read_contents(real(HSC))
    types = {name: type_ for name, (type_, _, _) in contents.collections.items()}
    chained = contents.collections["HSC/calib"][2]
    assert len([c for c in chained if types[c] is CollectionType.CALIBRATION]) == 4
    assert sum(len(contents.holding(c).rows) for c in chained) == 1000
    assert len(contents.datasets) == 1181


def test_the_export_of_decam_is_read_in_full() -> None:
    contents = read_contents(real(DECAM))
    assert len(contents.holding("DECam/calib").rows) == 506
    assert contents.universe_version == 7


def test_an_old_export_is_read_with_the_ids_that_the_butler_gives_it() -> None:
    contents = read_contents(real(OLD))
    rows = {row.dataset_type: row for row in contents.holding("HSC/calib").rows}
    assert len(contents.holding("HSC/calib").rows) == 10
    ids = uuid.UUID("4d4851f4-2890-4d41-8779-5f38a3f5062b")
    assert rows["bias"].uuid == str(uuid.uuid3(ids, "1016"))
    assert rows["bias"].begin == parse_tai("2013-05-07T00:00:00")
    assert (rows["camera"].begin, rows["camera"].end) == UNBOUNDED


@pytest.mark.parametrize("path", EXPORTS, ids=lambda p: p.name)
def test_a_real_export_is_read_as_the_butler_reads_it(path: Path) -> None:
    """Compare with the stock reader's plain data, dataset by dataset."""
    text = real(path)
    stock = json.loads(
        subprocess.run(
            [sys.executable, "-c", _STOCK], input=text, capture_output=True, text=True, check=True
        ).stdout
    )
    contents = read_contents(text)
    ours = {
        name: sorted([begin, end, uuid] for (begin, end), uuids in ranges for uuid in uuids)
        for name, ranges in contents.certifications.items()
    }
    assert ours == {name: sorted(rows) for name, rows in stock.items()}


_STOCK = """
import json, sys, uuid, yaml
import lsst.daf.butler
from lsst.daf.butler import Timespan
from lsst.daf.butler.transfers._yaml import _refIntId2UUID
from lsst.sphgeom import ConvexPolygon
found = {}
for entry in yaml.safe_load(sys.stdin)["data"]:
    for certified in entry.get("validity_ranges", ()):
        span = certified.get("timespan") or Timespan(certified["begin"], certified["end"])
        ids = [_refIntId2UUID[i] if isinstance(i, int) else i for i in certified["dataset_ids"]]
        found.setdefault(entry["collection"], []).extend([*span.nsec, str(i)] for i in ids)
print(json.dumps(found))
"""


@pytest.mark.parametrize("path", EXPORTS, ids=lambda p: p.name)
def test_paths_of_a_real_export_can_be_changed_and_changed_back(path: Path) -> None:
    text = real(path)
    before = paths(text)
    moved = with_paths(text, {p: f"s3://bucket/{p}#x: '" for p in before})
    assert paths(moved) == [f"s3://bucket/{p}#x: '" for p in before]
    back = with_paths(moved, {f"s3://bucket/{p}#x: '": p for p in before})
    assert read_contents(back) == read_contents(text)


def test_real_paths_are_fit_for_a_bundle() -> None:
    assert [p for path in EXPORTS for p in paths(real(path)) if path_problem(p)] == []


def test_an_export_of_2870_datasets_is_read_within_a_second_or_two(tmp_path: Path) -> None:
    text = make_sample(tmp_path, 1).export.text
    assert len(read_contents(many(text, 2870)).datasets) == 2870
    began = time.process_time()
    read_contents(many(text, 2870))
    assert time.process_time() - began < 5


def many(text: str, count: int) -> str:
    head, _, rest = text.partition("  - dataset_id")
    _, _, tail = rest.partition("- type: associations")
    ids = [uuid.UUID(int=n + 1) for n in range(count)]
    records = "".join(
        f"  - dataset_id:\n    - !uuid '{id_}'\n    data_id:\n    - instrument: LATISS\n      detector: {n}\n"
        f"    path: a/{n}.fits\n    formatter: x.Y\n"
        for n, id_ in enumerate(ids)
    )
    certified, _, _ = tail.partition("    - !uuid")
    return f"{head}{records}- type: associations{certified}" + "".join(f"    - !uuid '{i}'\n" for i in ids)


# Forms


def test_what_only_the_butler_can_construct_stays_tagged() -> None:
    text = HEAD + (
        "- type: dimension\n  element: tract\n  records:\n"
        "  - id: 1\n    when: !butler_time/tai/iso '2024-01-08 00:00:00.000000000'\n"
        "    region: !<lsst.sphgeom.ConvexPolygon>\n      encoded: 70ab\n"
        "    hash: !!binary aGFzaA==\n"
    )
    ((_, _), (element, (record,))) = read_contents(text).dimensions
    assert element == "tract"
    assert record["when"] == Tagged(TIME, "2024-01-08 00:00:00.000000000")
    assert record["region"] == Tagged("lsst.sphgeom.ConvexPolygon", {"encoded": "70ab"})
    assert record["hash"] == b"hash"


def test_ranges_and_moments_may_be_repeated_by_alias(sample: Sample) -> None:
    text = sample.export.text.replace("timespan: !lsst", "timespan: &id001 !lsst") + (
        "- type: collection\n  collection_type: CALIBRATION\n  name: other\n"
        "- type: associations\n  collection: other\n  collection_type: CALIBRATION\n"
        "  validity_ranges:\n  - timespan: *id001\n    dataset_ids: []\n"
    )
    contents = read_contents(text)
    assert contents.certifications["other"][0][0] == contents.certifications[CALIBRATION][0][0]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("{begin: null, end: null}", UNBOUNDED),
        ("EMPTY", EMPTY),
        (f"{{begin: !{TIME[1:]} '2024-01-02 00:00:00', end: !{TIME[1:]} '2024-01-01 00:00:00'}}", EMPTY),
        (
            f"{{begin: !{TIME[1:]} '2024-01-01 00:00:00', end: !{TIME[1:]} '2024-01-01 00:00:00'}}",
            (1704067200000000000, 1704067200000000001),
        ),
        (f"{{begin: !{TIME[1:]} '1960-01-01 00:00:00', end: !{TIME[1:]} '2200-01-01 00:00:00'}}", UNBOUNDED),
    ],
)
def test_ranges_are_those_that_the_butler_would_make(
    sample: Sample, written: str, meant: tuple[int, int]
) -> None:
    head, _, tail = sample.export.text.partition("timespan: !lsst.daf.butler.Timespan\n")
    _, _, ids = tail.partition("    dataset_ids")
    text = f"{head}timespan: !lsst.daf.butler.Timespan {written}\n    dataset_ids{ids}"
    assert read_contents(text).certifications[CALIBRATION][0][0] == meant


def test_a_run_of_an_old_export_is_a_run() -> None:
    contents = read_contents("version: 0\ndata:\n- {type: run, name: old/run}\n")
    assert contents.collections == {"old/run": (CollectionType.RUN, None, ())}


def test_a_run_holds_its_datasets_without_bounds(sample: Sample) -> None:
    holding = read_contents(sample.export.text).holding(RUN)
    assert len(holding.rows) == 3
    assert {(row.begin, row.end) for row in holding.rows} == {(0, UNBOUNDED_END)}


# What is refused


def refused(text: str) -> str:
    with pytest.raises(RefusedError) as raised:
        read_contents(text)
    assert raised.value.diagnostics[0].summary == "Export cannot be read"
    return str(raised.value)


@pytest.mark.parametrize("version", ["2.0.0", "1.1.0", "0.9", "1.0.0-rc1", "[1]"])
def test_an_export_of_another_version_is_refused(version: str) -> None:
    assert "version" in refused(f"version: {version}\ndata: []\n")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "just words",
        "- 1\n",
        "version: 1.0.2\n",
        "version: 1.0.2\ndata: {}\n",
        "version: 1.0.2\ndata: [1]\n",
        "version: 1.0.2\ndata: [{type: surprise}]\n",
        "version: 1.0.2\ndata: [{type: [a]}]\n",
        "version: 1.0.2\nuniverse_version: yes\ndata: []\n",
        "version: 1.0.2\nuniverse_namespace: 7\ndata: []\n",
        "a: b: c",
        "\x00",
        "\ud800",
        "version: 1.0.2\ndata: [{type: !!bool 7}]\n",
        "version: 1.0.2\ndata: [{type: !!timestamp x}]\n",
        "version: 1.0.2\ndata: [{? [a] : b}]\n",
        "version: 1.0.2\ndata: [{type: dataset, dataset_type: a, run: b, records: [{dataset_id: [1]}]}]\n",
        "version: 1.0.2\ndata: [{type: collection, name: a, collection_type: HEAP}]\n",
    ],
)
def test_what_is_no_export_is_refused(text: str) -> None:
    refused(text)


@pytest.mark.parametrize(
    "tag",
    [
        "!!python/object/apply:os.system ['echo no']",
        "!!python/name:os.system ''",
        "!<tag:yaml.org,2002:python/object:calibstate.errors.Where> {}",
        "!surprise x",
        "!include /etc/passwd",
    ],
)
def test_unknown_tags_are_refused(tag: str) -> None:
    assert "unknown tag" in refused(f"version: 1.0.2\ndata:\n- type: run\n  name: {tag}\n")


def test_tags_of_python_are_refused_in_dimension_records_too() -> None:
    text = HEAD + "- {type: dimension, element: x, records: [{a: !!python/name:os.system ''}]}\n"
    assert "unknown tag" in refused(text)


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? "], ids=["flow", "map", "block", "key"])
def test_deep_nesting_is_refused_and_crashes_nothing(opening: str) -> None:
    began = time.process_time()
    assert "nests" in refused(opening * 200_000)
    assert time.process_time() - began < 5


def test_lists_repeated_by_alias_are_refused() -> None:
    levels = "".join(f"- &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]\n" for n in range(1, 12))
    text = f"version: 1.0.2\ndata:\n- &l0 [x]\n{levels}"
    assert "repeated by an alias" in refused(text)


def test_records_repeated_by_alias_are_refused() -> None:
    text = HEAD.replace("  - {name: LATISS", "  - &r {name: LATISS") + "- {type: dimension, records: [*r]}\n"
    assert "repeated by an alias" in refused(text)


def test_an_alias_within_itself_is_refused() -> None:
    refused("version: 1.0.2\ndata:\n- &a [*a]\n")


def test_merge_keys_are_refused() -> None:
    merged = "".join(f"- &m{n} {{<<: [*m{n - 1}, *m{n - 1}]}}\n" for n in range(1, 40))
    refused(f"version: 1.0.2\ndata:\n- &m0 {{a: b}}\n{merged}")


def test_numbers_that_take_long_to_read_are_refused() -> None:
    assert "too long" in refused("version: 1.0.2\ndata:\n- type: 1" + ":59" * 100_000 + "\n")


def test_a_text_beyond_the_limit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle.nodes, "_MAX_CHARACTERS", 1000)
    assert "more than 1000" in refused("version: 1.0.2\n" + "#" * 1000)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("dataset_type: bias", "dataset_type: dark", "is not defined"),
        (f"run: {RUN}", "run: nowhere", "no RUN of the export"),
        (f"collection: {CALIBRATION}", "collection: nowhere", "no CALIBRATION collection"),
        ("detector: 1}]", "detector: 1}, {detector: 2}]", "1 dataset_id and 2 data_id"),
        ("detector: 1}", "detector: [1]}", "data ID"),
        ("detector: 1}", "detector: true}", "data ID"),
        ("'2024-01-08 00", "'2024-13-08 00", "month"),
        ("!uuid '", "!uuid 'x", "UUID"),
        ("      end: null\n", "", "begin and end"),
    ],
)
def test_an_export_that_contradicts_itself_is_refused(sample: Sample, old: str, new: str, says: str) -> None:
    assert old in sample.export.text
    assert says in refused(sample.export.text.replace(old, new))


def test_what_is_told_twice_is_refused(sample: Sample) -> None:
    text = sample.export.text
    dataset = text[text.index("- type: dataset\n") : text.index("- type: associations")]
    assert "described twice" in refused(text + dataset)
    associations = text[text.index("- type: associations") :]
    fewer = "\n".join(associations.splitlines()[:-1]) + "\n"
    assert "told in two ways" in refused(text + fewer)
    certified = text.splitlines()[-1]
    assert "twice for one range" in refused(f"{text}{certified}\n")
    assert "told in two ways" in refused(text + f"- {{type: run, name: {CALIBRATION}}}\n")


def test_a_certified_dataset_must_be_described(sample: Sample) -> None:
    text = sample.export.text + "    - !uuid '00000000-0000-0000-0000-000000000001'\n"
    assert "does not describe" in refused(text)


_BITS = [
    "",
    "[]",
    "{}",
    "null",
    "x",
    "-1",
    "*a",
    "&a ",
    "!uuid x",
    "!x ",
    "\n",
    "  ",
    "- ",
    ": ",
    "'",
    "[[1]]",
]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.floats(0, 1), length=st.integers(0, 40), bit=st.sampled_from(_BITS))
def test_a_damaged_export_is_read_or_refused_and_nothing_else(
    sample: Sample, at: float, length: int, bit: str
) -> None:
    text = sample.export.text
    cut = int(at * len(text))
    with contextlib.suppress(RefusedError):
        read_contents(text[:cut] + bit + text[cut + length :])


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/etc/passwd",
        "//host/x",
        "../x",
        "a/../../x",
        "a/..",
        "./a",
        "a//b",
        "a/",
        "file:/etc/passwd",
        "file:///etc/passwd",
        "s3://bucket/x",
        "s3:x",
        "a\\..\\b",
        "a\x00b",
        "a\nb",
        "%2e%2e/x",
        "a#b",
        "a?b",
        "manifest.json",
        "export.yaml",
        ".calibstate-1",
        "a/.calibstate-1",
    ],
)
def test_paths_that_could_lead_elsewhere_are_unfit(path: str) -> None:
    assert path_problem(path)


@pytest.mark.parametrize(
    "path",
    ["a", "HSC/calib/2013-01-31T00:00:00/bias_1:2.fits", "a/b~c@d+e,f g.fits", "a/..b/c..", "é/ü.fits"],
)
def test_odd_but_harmless_paths_are_fit(path: str) -> None:
    assert path_problem(path) is None


@given(st.lists(st.text(max_size=8), min_size=1, max_size=5).map("/".join))
def test_a_fit_path_stays_below_its_folder(path: str) -> None:
    if path_problem(path) is None:
        base = Path("/archive/bundle")
        joined = os.path.normpath(base / path)
        assert joined.startswith("/archive/bundle/")
        assert "\x00" not in path


# Manifests


def test_a_manifest_survives_its_file(manifest: Manifest) -> None:
    text = dump_manifest(manifest)
    assert load_manifest(text) == manifest
    assert text.endswith("\n")
    assert text == json.dumps(json.loads(text), indent=1, sort_keys=True) + "\n"


def test_files_of_a_manifest_are_in_order(manifest: Manifest, sample: Sample) -> None:
    again = manifest_from(
        TICKET,
        sample.collections,
        read_contents(sample.export.text),
        reversed(manifest.files),
        made_at=manifest.made_at,
        exported_from=manifest.exported_from,
        text=sample.export.text,
    )
    assert dump_manifest(again) == dump_manifest(manifest)


def _set(document: Any, at: str, value: Any) -> None:
    *way, last = [int(part) if part.isdigit() else part for part in at.split(".")]
    for part in way:
        document = document[part]
    document[last] = value


@pytest.mark.parametrize(
    ("at", "value"),
    [
        ("format_version", "2.0"),
        ("kind", "plan"),
        ("fingerprint", "sha256:../../../../etc"),
        ("fingerprint", "sha256:" + "0" * 64),
        ("ticket", ".."),
        ("ticket", "a/b"),
        ("instrument", "../.."),
        ("made_at", "yesterday"),
        ("made_at", "2026-02-31T00:00:00Z"),
        ("made_at", "2026-02-01T00:00:00"),
        ("collections.0.name", "a/../../b"),
        ("collections.0.type", "HEAP"),
        ("collections.0.fingerprint", "sha256:0"),
        ("files.0.path", "../../x"),
        ("files.0.path", "/etc/passwd"),
        ("files.0.path", "manifest.json"),
        ("files.0.size", -1),
        ("files.0.size", "7"),
        ("files.0.sha256", "x"),
        ("files.0.adler32", "x"),
        ("files.0.datasets", None),
        ("files", {}),
        ("surprise", 1),
    ],
)
def test_a_hostile_manifest_is_refused_by_name(manifest: Manifest, at: str, value: object) -> None:
    document = json.loads(dump_manifest(manifest))
    _set(document, at, value)
    with pytest.raises(InvalidStateError, match=r"s3://b/manifest\.json"):
        load_manifest(json.dumps(document), name="s3://b/manifest.json")

    with pytest.raises(InvalidStateError) as whole:
        load_manifest(_laid_out(document), name="s3://b/manifest.json")
    with pytest.raises(InvalidStateError) as by_head:
        text = _laid_out(document)
        # Whoever looks at the files meets what is wrong with them.
        assert len(load_head(text, name="s3://b/manifest.json", read_again=lambda: text).files)
    assert str(by_head.value) == str(whole.value)


def _laid_out(document: Any) -> str:
    return json.dumps(document, indent=1, sort_keys=True) + "\n"


def test_files_of_a_manifest_are_read_when_they_are_asked_for(manifest: Manifest) -> None:
    text, reads = dump_manifest(manifest), list[str]()

    def read_again() -> str:
        reads.append(text)
        return text

    head = load_head(text, read_again=read_again)
    assert (head.folder, head.fingerprints, head.reading) == (
        manifest.folder,
        manifest.fingerprints,
        manifest.reading,
    )
    assert not reads

    assert content_digest(head) == content_digest(manifest)
    assert head.sizes == manifest.sizes
    assert head == manifest
    assert dump_manifest(head) == text
    assert len(reads) == 2


@pytest.mark.parametrize(
    "lay_out",
    [
        lambda document: json.dumps(document),
        lambda document: json.dumps(document, indent=4),
        lambda document: json.dumps(document, indent=1).replace("\n", "\r\n"),
        lambda document: json.dumps({"files": document["files"], **document}, indent=1),
        lambda document: json.dumps({**document, "files": []}, indent=1),
    ],
)
def test_a_manifest_in_any_layout_is_read_as_json(manifest: Manifest, lay_out: Callable[[Any], str]) -> None:
    text = lay_out(json.loads(dump_manifest(manifest)))
    assert load_head(text, read_again=lambda: text) == load_manifest(text)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        # Where the list of files seems to end, it does not.
        ('"datasets": [', '"datasets": [\n ],\n "made_at": ['),
        ('\n "files": [', '\n "files": [],\n "files": ['),
        ('\n "files": [', '\n "files": [\n 1 ], "ticket": [\n ],\n "files": ['),
    ],
)
def test_a_manifest_that_feigns_its_layout_is_told_by_who_reads_all(
    manifest: Manifest, old: str, new: str
) -> None:
    text = dump_manifest(manifest).replace(old, new, 1)
    try:
        whole = load_manifest(text)
    except InvalidStateError as error:
        with pytest.raises(InvalidStateError) as by_head:
            assert len(load_head(text, read_again=lambda: text).files)
        assert str(by_head.value) == str(error)
    else:
        assert load_head(text, read_again=lambda: text) == whole


def test_a_file_or_a_dataset_twice_in_a_manifest_is_refused(manifest: Manifest) -> None:
    for what in ("path", "datasets"):
        document = json.loads(dump_manifest(manifest))
        document["files"][1][what] = document["files"][0][what]
        with pytest.raises(InvalidStateError, match="twice"):
            load_manifest(json.dumps(document))


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", "[" * 100_000, '{"a":' * 100_000, "\ud800", '{"files": 1e999}']
)
def test_what_is_no_manifest_is_refused(text: str) -> None:
    with pytest.raises(InvalidStateError, match="Manifest cannot be read"):
        load_manifest(text)


def test_an_export_that_fits_its_manifest_passes(manifest: Manifest, sample: Sample) -> None:
    check(read_contents(sample.export.text), manifest)


def test_a_dataset_without_a_file_is_refused(manifest: Manifest, sample: Sample) -> None:
    fewer = manifest.model_copy(update={"files": manifest.files[1:]})
    with pytest.raises(RefusedError, match=r"only the export has .*bias_0\.fits"):
        check(read_contents(sample.export.text), fewer)


def test_another_count_than_the_manifest_says_is_refused(manifest: Manifest, sample: Sample) -> None:
    (collection,) = manifest.collections
    other = manifest.model_copy(update={"collections": (collection.model_copy(update={"datasets": 4}),)})
    with pytest.raises(RefusedError, match="of 3 rows"):
        check(read_contents(sample.export.text), other)


def test_a_dataset_that_no_collection_holds_is_refused(manifest: Manifest, sample: Sample) -> None:
    extra = (
        "- type: dataset\n  dataset_type: bias\n"
        f"  run: {RUN}\n  records:\n"
        "  - dataset_id: [!uuid '00000000-0000-0000-0000-000000000001']\n"
        "    data_id: [{instrument: LATISS, detector: 9}]\n    path: x/y\n    formatter: z\n"
    )
    with pytest.raises(RefusedError, match="in no collection of the ticket"):
        check(read_contents(sample.export.text + extra), manifest)


def test_a_chain_other_than_the_tickets_is_refused(manifest: Manifest, sample: Sample) -> None:
    top = "- {type: collection, collection_type: CHAINED, name: LATISS/calib, children: [x]}\n"
    with pytest.raises(RefusedError, match="defines the chain LATISS/calib"):
        check(read_contents(sample.export.text + top), manifest)
