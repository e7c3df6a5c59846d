"""The schemas say what calibstate reads, and are as fresh as its nouns."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from calibstate.kinds.table import forms
from calibstate.model.names import Noun
from calibstate.model.outcomes import Outcome, Result
from calibstate.store.fieldstrings import WithFieldStrings
from calibstate.store.schemas import schemas, stale, write
from calibstate.store.yamlsource import read_yaml
from tests.written import GOOD, spoilt

jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")

REPOSITORY = Path(__file__).parents[2]
SCHEMAS = schemas(forms())
"""Made once: they are made of all nouns, which takes its time."""

SCHEMA_OF = {
    "calibstate.yaml": "calibstate.json",
    "sites": "site.json",
    "tickets": "ticket.json",
    "skymaps": "skymap.json",
    "sources": "source.json",
    "daily": "daily.json",
}


class Lamp(Noun):
    """A lamp."""

    colour: str
    """What it looks like."""

    bulb: str
    """What glows in it."""


class Laser(Lamp):
    """A lamp without a bulb."""

    bulb: str

    watts: int = 0
    """How strong it is."""


def errors(schema: str, data: Any) -> list[str]:
    validator = jsonschema.Draft202012Validator(SCHEMAS[schema])
    return [error.message for error in validator.iter_errors(data)]


def schema_for(file: str) -> str:
    return SCHEMA_OF.get(file.partition("/")[0], "chain.json")


def test_the_schemas_of_the_project_are_fresh() -> None:
    assert stale(REPOSITORY / "schemas", forms()) == (), "run: make schemas"


def test_no_schema_of_the_project_is_a_leftover() -> None:
    assert {path.name for path in (REPOSITORY / "schemas").iterdir()} == set(SCHEMAS)


def test_what_is_written_is_fresh_and_what_is_spoilt_is_stale(tmp_path: Path) -> None:
    assert set(write(tmp_path / "new", forms())) == set(SCHEMAS)
    assert stale(tmp_path / "new", forms()) == write(tmp_path / "new", forms()) == ()
    (tmp_path / "new" / "site.json").write_text("{}")
    (tmp_path / "new" / "chain.json").unlink()
    assert set(stale(tmp_path / "new")) == {"site.json", "chain.json"}


@pytest.mark.parametrize("file", SCHEMAS)
def test_each_is_a_schema_of_the_dialect_that_it_names(file: str) -> None:
    schema = SCHEMAS[file]
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    jsonschema.Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("file", GOOD)
def test_good_files_fit_their_schema(file: str) -> None:
    assert errors(schema_for(file), read_yaml(GOOD[file].encode(), file).data) == []


@pytest.mark.parametrize("path", sorted((REPOSITORY / "state").rglob("*.yaml")), ids=lambda path: path.name)
def test_the_declaration_of_the_observatory_fits_its_schemas(path: Path) -> None:
    file = path.relative_to(REPOSITORY / "state").as_posix()
    assert errors(schema_for(file), read_yaml(path.read_bytes(), file).data) == []


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("calibstate.yaml", "archive:", "archvie:"),
        ("sites/usdf.yaml", "route: copy", "route: cpoy"),
        ("sites/usdf.yaml", "route: copy", "route: {by: rucio}"),
        ("tickets/LATISS/DM-1.yaml", "adopted", "Adopted"),
        ("tickets/LATISS/DM-1.yaml", "ticket: DM-1", "ticket: a/b"),
        ("chains/LATISS.yaml", "external:", "outside:"),
    ],
)
def test_an_editor_marks_what_calibstate_would_refuse(file: str, old: str, new: str) -> None:
    text = spoilt(file, old, new)[file]
    assert errors(schema_for(file), read_yaml(text.encode(), file).data)


def test_an_editor_explains_the_keys() -> None:
    ticket = SCHEMAS["ticket.json"]
    assert ticket["properties"]["collections"]["description"].startswith(
        "Search order in the ticket collection"
    )
    assert not [name for name, field in ticket["properties"].items() if "title" in field]


def test_a_field_is_told_by_the_string_where_it_was_last_declared() -> None:
    fields = Laser.model_json_schema(schema_generator=WithFieldStrings)["properties"]

    strings = {name: field.get("description") for name, field in fields.items()}
    assert strings == {"colour": "What it looks like.", "bulb": None, "watts": "How strong it is."}


def test_what_we_print_fits_its_schema_and_must_say_its_kind() -> None:
    outcome = Outcome(step="1", do="x", target="t", result=Result.DONE).model_dump(mode="json")
    assert errors("outcome.json", outcome) == []
    for key in ("kind", "format_version"):
        assert errors("outcome.json", {k: v for k, v in outcome.items() if k != key})


def test_schemas_are_json_that_people_can_review(tmp_path: Path) -> None:
    write(tmp_path)
    text = (tmp_path / "site.json").read_text()
    assert json.loads(text) == SCHEMAS["site.json"]
    assert text.count("\n") > 50
