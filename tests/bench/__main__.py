"""``python -m tests.bench [QUESTION …]``: prints times and their ratios."""

from __future__ import annotations

import argparse
import gc
import os
import platform
import sys
import tempfile
from pathlib import Path

import pytest

from calibstate.cli.main import COLLECTOR_LIMITS

from .certifying import certify_question
from .changing import impact_many_question, impact_question
from .constructing import construct_question
from .explaining import explain_question
from .growth import growth, ten_years, ten_years_in_postgres
from .importing import import_large_question, import_question, place_question
from .looking_up import lookup_question
from .measure import report
from .paging import page_of_ten_years
from .questions import plan_many_question, plan_question, validate_question
from .reading import read_many_question, read_postgres_question, read_question
from .remembering import history_question
from .resolving import resolve_many_question, resolve_question
from .reviewing import impact_of_many_question, report_question, validate_many_question
from .rucio import look_question, register_question
from .selecting import fingerprint_question
from .sources import source_folder_question, source_question
from .starting import start_question

QUESTIONS = {
    "start": start_question,
    "validate": validate_question,
    "plan": plan_question,
    "plan-many": plan_many_question,
    "import": import_question,
    "import-large": import_large_question,
    "place": place_question,
    "certify": certify_question,
    "construct": construct_question,
    "register": register_question,
    "look": look_question,
    "read": read_question,
    "read-many": read_many_question,
    "read-postgres": read_postgres_question,
    "resolve": resolve_question,
    "resolve-many": resolve_many_question,
    "fingerprint": fingerprint_question,
    "explain": explain_question,
    "lookup": lookup_question,
    "impact": impact_question,
    "impact-many": impact_many_question,
    "history": history_question,
    "validate-many": validate_many_question,
    "impact-of-many": impact_of_many_question,
    "report": report_question,
    "source": source_question,
    "source-folder": source_folder_question,
}

LONG = {
    "growth": growth,
    "ten-years": ten_years,
    "ten-years-in-postgres": ten_years_in_postgres,
    "page": page_of_ten_years,
}
"""What is measured only when it is named: it takes minutes and much disk."""


def main() -> None:
    """Measure and print, as Markdown."""
    # As in a process of the program itself.
    gc.set_threshold(*COLLECTOR_LIMITS)
    arguments = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    arguments.add_argument(
        "question",
        nargs="*",
        help=f"of {', '.join(QUESTIONS)}, which are all asked without; or of {', '.join(LONG)}",
    )
    arguments.add_argument("--turns", type=int, default=3, help="how often; the quickest counts")
    asked = arguments.parse_args()
    if unknown := [question for question in asked.question if question not in QUESTIONS | LONG]:
        arguments.error(f"no such question: {', '.join(unknown)}")
    print(f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}\n")
    for name in asked.question or QUESTIONS:
        print(f"{name} …", file=sys.stderr, flush=True)
        with tempfile.TemporaryDirectory(prefix="calibstate-bench-") as folder:
            # What a user's own looks have left is nobody's business here.
            os.environ["XDG_CACHE_HOME"] = str(Path(folder) / "caches")
            try:
                if name in LONG:
                    for line in LONG[name](Path(folder), asked.turns):
                        print(line, flush=True)
                    continue
                print(report(QUESTIONS[name](Path(folder), asked.turns)), flush=True)
            except pytest.skip.Exception as missing:
                print(f"### {name}\n\n{missing}\n", flush=True)


if __name__ == "__main__":
    main()
