"""Seal files: written by us, reviewed and committed by people.

A line for each range of data IDs, so that a difference reads as what it is.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from ..errors import CalibstateError, Diagnostic
from ..model.seals import Seal

__all__ = ["dumps", "in_one_line", "path_of", "write"]

_HEADER = "# Made by `calibstate seal`; never edited by hand.\n"


def path_of(root: Path, seal: Seal) -> Path:
    """Return the file of a seal within a state tree."""
    return root / "seals" / seal.instrument / f"{seal.ticket}.yaml"


def dumps(seal: Seal) -> str:
    """Return the text of a seal file."""
    text = _HEADER
    for line in _lines(seal):
        text += f"{line}\n"
    return text


def write(root: Path, seal: Seal) -> Path:
    """Write a seal into a state tree, whole or not at all.

    Parameters
    ----------
    root
        Root of the tree.
    seal
        What to write.

    Raises
    ------
    CalibstateError
        It cannot be written.
    """
    path = path_of(root, seal)
    hidden = f".calibstate-{path.name}"
    aside = path.with_name(hidden)
    text = dumps(seal)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        aside.write_text(text, encoding="utf-8")
        os.replace(aside, path)  # noqa: PTH105
    except OSError as error:
        raise CalibstateError(
            Diagnostic(
                "Seal cannot be written",
                f"{path}: {error.strerror}.",
            )
        ) from None
    return path


def _lines(seal: Seal) -> Iterator[str]:
    """Yield the lines of a seal file, without its heading."""
    yield f"ticket: {in_one_line(seal.ticket)}"
    yield f"instrument: {in_one_line(seal.instrument)}"
    yield f"fingerprint: {seal.fingerprint}"
    yield f"content: {seal.content}"
    yield f"digest: {seal.digest}"
    if seal.reading:
        digests = seal.reading.model_dump()
        yield f"reading: {in_one_line(digests)}"
    origin = seal.sealed_from.model_dump()
    yield f"sealed_from: {in_one_line(origin)}"
    yield f"files: {seal.files}"
    yield f"bytes: {seal.bytes}"
    if seal.full_names:
        yield "full_names: true"
    yield "collections:"
    for name, sealed in seal.collections.items():
        yield f"  {in_one_line(name)}:"
        yield f"    fingerprint: {sealed.fingerprint}"
        yield "    types:"
        for dataset_type, sealed_type in sealed.types.items():
            yield f"      {in_one_line(dataset_type)}:"
            yield f"        datasets: {sealed_type.datasets}"
            if sealed_type.run:
                yield f"        run: {in_one_line(sealed_type.run)}"
            yield "        coverage:"
            for entry in sealed_type.coverage:
                yield f"          - {in_one_line(entry)}"


def in_one_line(value: Any) -> str:
    """Return a value as YAML within a line."""
    text = yaml.safe_dump(
        value,
        default_flow_style=True,
        width=2**30,
        sort_keys=False,
        allow_unicode=True,
        explicit_end=False,
    )
    # A word alone is ended by dots, whatever was asked for.
    text = text.removesuffix("\n")
    return text.removesuffix("\n...")
