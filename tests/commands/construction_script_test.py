"""A script does what is declared, and nothing that is written in it besides.

It is written for whoever reviews a pull request, who runs it.  What would be
refused in a file is put into it all the same here.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from calibstate.demo.construction.ticket import ticket_document
from calibstate.demo.construction.world import SMALL
from calibstate.model.constructed import Constructed
from calibstate.model.constructions import Construction, LookAt, Making
from calibstate.model.names import Place
from calibstate.model.repositories import SiteConstruction, Templates
from calibstate.model.results.constructions import ConstructionShown
from calibstate.model.tickets import Ticket
from calibstate.views.construction_script import as_shell
from calibstate.views.shell_words import expanded, in_document, quoted, shortened

RAWS = "LSSTComCam/raw/all"
NAMES = {RAWS: "$RAW_COLLECTION", "LSSTComCam/calib/DM-1": "$ticket", "LSSTComCam/calib/DM-1/DP1": "$made"}
VALUES = {variable.removeprefix("$"): value for value, variable in NAMES.items()}

HOSTILE = (
    "$(touch canary)",
    "`touch canary`",
    '"; touch canary; "',
    "'; touch canary; '",
    "\\$(touch canary)\\",
    "\\\\`touch canary`",
    "${HOME:-$(touch canary)}",
    "$((1+1)) $$ $1 ${!x} !!",
    "a\nEOF\ntouch canary\n",
    "; touch canary #",
    "-x --help",
    "",
)
WORDS = (
    *HOSTILE,
    *(f"{RAWS}{text}" for text in HOSTILE),
    *(f"{text}{RAWS}" for text in HOSTILE),
    RAWS,
    f"{RAWS}2",
    f"{RAWS}_x",
    "LSSTComCam/calib/DM-10/DP1,LSSTComCam/calib/DM-1/DP12,LSSTComCam/calib/DM-1/DP1/bias",
)


def bash(folder: Path, text: str, variables: Mapping[str, str]) -> str:
    file = folder / "script.sh"
    file.write_text(text)
    path = f"{folder / 'bin'}:/usr/bin:/bin"
    ran = subprocess.run(
        ["bash", "-eu", str(file)],
        cwd=folder,
        env={**variables, "PATH": path, "LC_ALL": "C.UTF-8"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert not list(folder.glob("canary*")), text
    return ran.stdout


def test_a_word_reaches_the_command_as_it_is(tmp_path: Path) -> None:
    text = ""
    for word in WORDS:
        text += f"printf '%s\\0' {quoted(word)} {shortened(word, NAMES)}\n"

    written = bash(tmp_path, text, VALUES)

    assert written.split("\0")[:-1] == [word for word in WORDS for _ in range(2)]


def test_a_setting_has_its_variables_set_and_no_more(tmp_path: Path) -> None:
    text = ""
    for word in HOSTILE:
        text += f"printf '%s\\0' {expanded('${SCRATCH}/$SCRATCH/' + word)}\n"

    written = bash(tmp_path, text, {"SCRATCH": "/scratch", "HOME": "/home"})

    assert written.split("\0")[:-1] == [f"/scratch//scratch/{word}" for word in HOSTILE]


@pytest.mark.parametrize("word", HOSTILE)
def test_a_document_has_what_was_declared(tmp_path: Path, word: str) -> None:
    template = in_document(json.dumps("${SCRATCH}/" + word), has_variables=True)
    site = in_document(json.dumps("${SCRATCH}/" + word))

    written = bash(tmp_path, f"cat <<EOF\n[{template}, {site}]\nEOF\n", {"SCRATCH": "/scratch"})

    assert json.loads(written) == [f"/scratch/{word}", "${SCRATCH}/" + word]


def construction_with(change: Callable[[dict[str, Any]], None]) -> Ticket:
    text = ticket_document(SMALL, ["LSSTComCam/calib/DM-48650"], RAWS, each=2)
    content = yaml.safe_load(text)
    change(content["construction"])
    return Ticket.model_validate(content)


RECORDED = '#!/bin/sh\nfor word in {name} "$@"; do printf "%s\\\\0" "$word"; done >>"$CALLS"\n'


@pytest.mark.parametrize("submit", ["pipetask", "bps"])
@pytest.mark.parametrize("word", [text for text in HOSTILE if text and "\n" not in text])
def test_nothing_that_is_declared_becomes_a_command(tmp_path: Path, submit: str, word: str) -> None:
    selection = f"exposure.obs_id='{RAWS}{word}'"
    looked_at = Making(look_at=LookAt.model_construct(type=word, where=f"{RAWS} {word}"))

    def change(construction: dict[str, Any]) -> None:
        construction["selections"]["bias"] = selection
        construction["known_failures"] = {f"verify bias: {word} {word}": word}

    ticket = construction_with(change)
    construction = ticket.construction
    assert construction
    made = [{"bias": looked_at} if entry == "bias" else entry for entry in construction.make]
    construction = Construction.model_copy(construction, update={"make": tuple(made)})
    ticket = ticket.model_copy(update={"construction": construction})
    settings = SiteConstruction.model_validate(
        {
            "submit": submit,
            "bps": {"computeSite": word, word or "x": {"x": [word]}},
            "scratch": str(tmp_path / "scratch" / word.replace("/", "")),
            "templates": Templates(cp_pipe="${CP_PIPE_DIR}/" + word, cp_verify=word),
        }
    )
    shown = ConstructionShown(ticket, Place("usdf/main"), settings, f"repo {word}", ())
    calls = tmp_path / "calls"
    (tmp_path / "bin").mkdir()
    for program in ("bps", "pipetask", "butler", "python"):
        stand_in = tmp_path / "bin" / program
        stand_in.write_text(RECORDED.format(name=program))
        stand_in.chmod(0o755)

    variables = {"CP_PIPE_DIR": "/cp_pipe", "CP_VERIFY_DIR": "/cp_verify", "CALLS": str(calls)}
    bash(tmp_path, "\n".join(as_shell(shown)) + "\n", variables)

    said = calls.read_text().split("\0")
    assert f"repo {word}" in said
    assert word in said
    if submit == "pipetask":
        constructed = Constructed(ticket, "")
        queries = {constructed.submission(recipe).query for recipe in constructed.recipes.values()}
        assert queries <= set(said)
