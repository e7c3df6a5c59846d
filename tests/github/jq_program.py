"""Stands in for ``jq``, by the library of that name, as workflows call it."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import jq


def main() -> None:
    parser = argparse.ArgumentParser("jq")
    parser.add_argument("-n", dest="no_input", action="store_true")
    parser.add_argument("-c", dest="compact", action="store_true")
    parser.add_argument("--arg", nargs=2, action="append", default=[])
    parser.add_argument("query")
    parser.add_argument("file", nargs="?")
    said = parser.parse_args()
    value = None if said.no_input else json.loads(Path(said.file).read_text())
    for found in jq.compile(said.query, args=dict(said.arg)).input_value(value).all():
        print(json.dumps(found, separators=(",", ":")) if said.compact else json.dumps(found, indent=2))  # noqa: T201


if __name__ == "__main__":
    main()
