"""``python -m tests.mutants [SET …]``: breaks the code, and asks the tests.

Cosmic Ray changes one thing at a time (``==`` to ``!=``, ``and`` to ``or``, a
loop that is never entered …) in what decides and what writes, and runs the
tests of that part.  A mutant that no test notices survives: it is printed
with its change.  All is done in a clone below ``build``, of the last commit.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TOP = Path(__file__).parents[2]
CLONE = TOP / "build" / "mutants"
COSMIC_RAY = Path(os.environ.get("CALIBSTATE_COSMIC_RAY", TOP / ".venv-mutants" / "bin"))


@dataclass(frozen=True)
class MutantSet:
    """Modules, and the tests that should notice what is wrong with them."""

    modules: tuple[str, ...]
    tests: tuple[str, ...]
    """The quick ones first: the first failure ends a mutant."""


SETS = {
    "kinds": MutantSet(
        ("kinds",),
        (
            "tests/kinds",
            "tests/engine/convergence_test.py",
            "tests/commands/chain_test.py",
            "tests/commands/promises_test.py",
        ),
    ),
    "reconciler": MutantSet(
        tuple(
            f"engine/{name}.py"
            for name in ("converge", "execute", "expand", "guards", "hold", "observe", "pin", "plan")
        ),
        (
            "tests/engine/hold_test.py",
            "tests/engine/guards_test.py",
            "tests/engine/plan_test.py",
            "tests/engine/convergence_test.py",
            "tests/commands/promises_test.py",
            "tests/commands/chain_test.py",
            "tests/commands/waves_test.py",
            "tests/commands/holds_test.py",
        ),
    ),
    "writers": MutantSet(
        (
            "adapters/archive.py",
            "adapters/locks.py",
            "adapters/objectstores",
            *(
                f"adapters/butler/{name}.py"
                for name in ("conflicts", "importing", "incoming", "placing", "survey", "writer")
            ),
        ),
        (
            "tests/adapters/records_test.py",
            "tests/contracts/records_test.py",
            "tests/contracts/archive_test.py",
            "tests/adapters/archive_test.py",
            "tests/adapters/butler_test.py",
            "tests/contracts/butler_test.py",
            "tests/commands/faults_test.py",
            "tests/commands/conflict_test.py",
        ),
    ),
}

LEFT_OUT = (
    # `X | None` of an annotation is never evaluated.
    "core/ReplaceBinaryOperator_BitOr_.*",
    # `@override` tells mypy something; without `@property` nothing starts.
    "core/RemoveDecorator",
    # One name for another ends nearly always before a test begins.
    "core/Variable.*",
    # An identity that is an equality, where there is one object of each.
    "core/ReplaceComparisonOperator_Is_Eq",
    "core/ReplaceComparisonOperator_IsNot_NotEq",
    # Orders of what has none.
    "core/ReplaceComparisonOperator_(Eq|NotEq|Is|IsNot)_(Lt|LtE|Gt|GtE|Is|IsNot)",
    # A sum that is no sum fails with a TypeError for most of what is added.
    "core/ReplaceBinaryOperator_Add_(Mul|Div|FloorDiv|Mod|Pow|RShift|LShift|BitOr|BitAnd|BitXor)",
)


def main() -> int:
    """Break, ask, and print the survivors; 1 where there are any."""
    arguments = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    arguments.add_argument(
        "sets", nargs="*", metavar="SET", help=f"of {', '.join(SETS)}; all of them without"
    )
    arguments.add_argument(
        "--share", default="1/1", metavar="K/N", help="the K-th of N shares of the mutants"
    )
    arguments.add_argument("--most", type=int, default=None, metavar="COUNT", help="at most so many of a set")
    arguments.add_argument(
        "--only", default=None, metavar="MODULE", help="one file of a set, as kinds/chain.py"
    )
    arguments.add_argument(
        "--tests", nargs="+", metavar="FILE", help="these alone, in place of the set's own"
    )
    arguments.add_argument(
        "--limit", type=float, default=900, metavar="SECONDS", help="for the tests of a mutant"
    )
    asked = arguments.parse_args()
    if unknown := [name for name in asked.sets if name not in SETS]:
        arguments.error(f"no such set: {', '.join(unknown)}")
    clone()
    survivors = 0
    for name in asked.sets or SETS:
        survivors += ask(name, asked)
    return 1 if survivors else 0


def clone() -> None:
    """Make a clone in which things may be broken."""
    shutil.rmtree(CLONE, ignore_errors=True)
    CLONE.parent.mkdir(exist_ok=True)
    subprocess.run(["git", "clone", "--quiet", "--shared", TOP, CLONE], check=True)


def ask(name: str, asked: argparse.Namespace) -> int:
    """Try the mutants of a set, and return how many survive."""
    session, configuration = CLONE / f"{name}.sqlite", CLONE / f"{name}.toml"
    modules = [asked.only] if asked.only else SETS[name].modules
    configuration.write_text(configured(modules, asked.tests or SETS[name].tests, asked.limit))
    ray = str(COSMIC_RAY / "cosmic-ray")
    run(ray, "init", configuration.name, session.name)
    run(str(COSMIC_RAY / "cr-filter-operators"), session.name, configuration.name)
    keep(session, asked.share, asked.most)
    run(ray, "baseline", configuration.name)
    run(ray, "exec", configuration.name, session.name)
    return told(name, dump(ray, session))


def configured(modules: Sequence[str], tests: Sequence[str], limit: float) -> str:
    """Return the configuration of Cosmic Ray."""
    # Its own processes are mutated code too; nothing may come from elsewhere.
    command = f"env PYTHONPATH={CLONE} {sys.executable} -m pytest -x -q -p no:cacheprovider -m 'not slow' "
    paths = [f"calibstate/{module}" for module in modules]
    return "\n".join(
        [
            "[cosmic-ray]",
            f"module-path = {json.dumps(paths)}",
            f"timeout = {limit}",
            "excluded-modules = []",
            f"test-command = {json.dumps(command + ' '.join(tests))}",
            "[cosmic-ray.distributor]",
            'name = "local"',
            "[cosmic-ray.filters.operators-filter]",
            f"exclude-operators = {json.dumps(LEFT_OUT)}",
            "",
        ]
    )


def run(*command: str) -> None:
    """Run a command of Cosmic Ray in the clone."""
    subprocess.run(command, cwd=CLONE, check=True, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})


def keep(session: Path, share: str, most: int | None) -> None:
    """Leave only a share of the mutants to be tried.

    They are dealt out at random, by a seed that is always the same: so all
    shares are all mutants, and each share has some of every module.
    """
    number, _, shares = share.partition("/")
    with sqlite3.connect(session) as database:
        # What was left out has a result already.
        pending = "SELECT job_id FROM work_items WHERE job_id NOT IN (SELECT job_id FROM work_results)"
        order = "SELECT job_id FROM mutation_specs ORDER BY module_path, operator_name, occurrence"
        open_jobs = {job for (job,) in database.execute(pending)}
        jobs = [job for (job,) in database.execute(order) if job in open_jobs]
        random.Random(1).shuffle(jobs)
        kept = set(jobs[int(number) - 1 :: int(shares)][:most])
        others = [(job,) for job in jobs if job not in kept]
        for table in ("mutation_specs", "work_items"):
            database.executemany(f"DELETE FROM {table} WHERE job_id = ?", others)
    print(f"{len(kept)} of {len(jobs)} mutants.", flush=True)


def dump(ray: str, session: Path) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Return each mutant with what came of it."""
    lines = subprocess.run([ray, "dump", session.name], cwd=CLONE, check=True, capture_output=True, text=True)
    pairs = [json.loads(line) for line in lines.stdout.splitlines()]
    return [(item, result) for item, result in pairs if result and result["worker_outcome"] != "skipped"]


def told(name: str, mutants: list[tuple[dict[str, Any], dict[str, Any]]]) -> int:
    """Print the share that was noticed, and each that was not."""
    outcomes = Counter(result["test_outcome"] or result["worker_outcome"] for _, result in mutants)
    survivors = [result for _, result in mutants if result["test_outcome"] == "survived"]
    for result in survivors:
        print(result["diff"], "\n")
    killed = outcomes["killed"] / len(mutants) if mutants else 1.0
    print(f"{name}: {len(mutants)} mutants, {killed:.0%} noticed: {dict(outcomes)}", flush=True)
    return len(survivors)


if __name__ == "__main__":
    sys.exit(main())
