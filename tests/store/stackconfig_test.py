"""A configuration of the stack is read as data; anything else is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from calibstate.errors import Diagnostic, InvalidStateError
from calibstate.store.stackconfig import LARGEST, read_settings

FILE = "skymaps/a.config"
CLASS = "MakeSkyMapConfig"

SAVED = """\
import lsst.pipe.tasks.script.registerSkymap
assert type(config) is lsst.pipe.tasks.script.registerSkymap.MakeSkyMapConfig, f"config is {type(config)}"

import lsst.skymap.ringsSkyMap
# Name assigned to created skymap in butler registry
config.name='a'

config.skyMap['rings'].numRings=120
config.skyMap.name='rings'
"""


def settings(text: str) -> dict[str, object]:
    return {setting.name: setting.value for setting in read_settings(text.encode(), FILE, CLASS)}


def problems(text: str | bytes) -> tuple[Diagnostic, ...]:
    content = text if isinstance(text, bytes) else text.encode()
    with pytest.raises(InvalidStateError) as refusal:
        read_settings(content, FILE, CLASS)
    return refusal.value.diagnostics


def test_what_the_stack_saves_is_read() -> None:
    assert settings(SAVED) == {
        "config.name": "a",
        'config.skyMap["rings"].numRings': 120,
        "config.skyMap.name": "rings",
    }


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("1.0 / 60", 1.0 / 60),
        ("-1 / 4", -0.25),
        ("-12", -12),
        ("1e-3", 0.001),
        ("True", True),
        ("None", None),
        ('"rings"', "rings"),
        ("[150, 150]", (150, 150)),
        ("(\n  150,\n  1.5,\n)", (150, 1.5)),
        ("[]", ()),
    ],
)
def test_plain_values_are_what_they_are_in_python(written: str, value: object) -> None:
    read = settings(f"config.a = {written}\n")["config.a"]
    assert (type(read), read) == (type(value), value)


@pytest.mark.parametrize(
    ("line", "summary"),
    [
        ("import os", "Not a setting"),
        ("import lsst.afw as numpy", "Not a setting"),
        ("from lsst import skymap", "Not a setting"),
        ("open('/tmp/a', 'w')", "Not a setting"),
        ("config.load('other.py')", "Not a setting"),
        ("numRings = 120", "Not a setting"),
        ("config = None", "Not a setting"),
        ("config.a.b().c = 1", "Not a setting"),
        ("config.a[0] = 1", "Not a setting"),
        ("config.a = config.b = 1", "Not a setting"),
        ("config.a += 1", "Not a setting"),
        ("del config.a", "Not a setting"),
        ("assert False", "Not a setting"),
        ("assert type(config) is type(open)", "Not a setting"),
        ("assert type(config) is lsst.a.OtherConfig", "Configuration of something else"),
        ("if True:\n    config.a = 1", "Not a setting"),
        ("config.a = __import__('os').system('id')", "Not a plain value"),
        ("config.a = open", "Not a plain value"),
        ("config.a = f'{open}'", "Not a plain value"),
        ("config.a = [[1]]", "Not a plain value"),
        ("config.a = [*open]", "Not a plain value"),
        ("config.a = {'a': 1}", "Not a plain value"),
        ("config.a = b'bytes'", "Not a plain value"),
        ("config.a = 1j", "Not a plain value"),
        ("config.a = 9 ** 9 ** 9 ** 9", "Not a plain value"),
        ("config.a = 'a' * 999999999", "Not a plain value"),
        ("config.a = 1 / 0", "Not a plain value"),
        ("config.a = 1e999", "Not a plain value"),
        ("config.a = -1e999", "Not a plain value"),
        ("config.a = 0x" + "f" * 50_000, "Not a plain value"),
        ("config.a = 1" + "0" * 50_000, "Invalid configuration"),
        ("config.a = lambda: 1", "Not a plain value"),
        ("config.a = [x for x in config]", "Not a plain value"),
        ("config.a = (b := 1)", "Not a plain value"),
        ("config.a == 1", "Not a setting"),
        ("config.a = ", "Invalid configuration"),
        ("config.a = '\\x41'", "Strange character"),
        ("config.a = 'a\0'", "Strange character"),
        ("config.a = 'a\u202e'", "Strange character"),
    ],
    ids=lambda text: text[:30],
)
def test_all_else_is_refused_at_its_line(line: str, summary: str) -> None:
    (problem,) = problems(f"# A comment\nconfig.name = 'a'\n{line}\n")
    assert problem.summary == summary
    assert problem.where is not None
    assert (problem.where.file, problem.where.line) == (FILE, 3)


@pytest.mark.parametrize(
    "text",
    [
        "config.a = " + "[" * 30_000 + "]" * 30_000,
        "config.a = " + "(" * 60_000,
        "config.a = " + "-" * 60_000 + "1",
        "config.a = " + "not " * 15_000 + "1",
        "config.a = " + "1/" * 30_000 + "1",
        "config.a = " + "lambda:" * 9_000 + "1",
        "config.a = b" + ".c" * 30_000,
        "config.a = f" + "()" * 30_000,
        "config" + ".a" * 30_000 + " = 1",
        "config" + ".a" * 900 + " = b",
        "config.a = " + "1 if 1 else " * 5_000 + "1",
        "assert type(config) is lsst" + ".a" * 30_000,
        "assert " + "not " * 15_000 + "type(config)",
        "assert lsst" + ".a" * 900 + " is lsst.a",
        "if 1:pass\n" + "elif 1:pass\n" * 5_000,
    ],
    ids=lambda text: f"{text[:18]} {len(text)}",
)
def test_what_is_made_to_exhaust_a_reader_does_not(text: str) -> None:
    assert problems(text)


def test_a_file_that_is_too_large_is_not_looked_at() -> None:
    (problem,) = problems(b"config.a = 1\n" * LARGEST)
    assert problem.summary == "File too large"


def test_what_is_no_text_is_refused_at_its_line() -> None:
    (problem,) = problems(b"config.a = 1\nconfig.b = '\xff'\n")
    assert problem.summary == "Not UTF-8"
    assert problem.where is not None
    assert problem.where.line == 2


def test_all_mistakes_are_told_at_once_up_to_a_number() -> None:
    assert len(problems("import os\n" * 2)) == 2
    assert len(problems("import os\n" * 5000)) == 100


def test_nothing_of_it_is_run(tmp_path: Path) -> None:
    trap = tmp_path / "sprung"
    spring = f"open({str(trap)!r}, 'w')"
    assert problems(f"config.a = {spring}\nassert {spring}\n{spring}\n")
    problems(f"assert type(config) is type({spring}), {spring}\n")
    settings(f"assert type(config) is lsst.a.MakeSkyMapConfig, {spring}\n")
    assert not trap.exists()
