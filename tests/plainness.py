"""How densely calibstate is written, held by a ratchet: ``make lint``.

``[tool.plainness]`` of pyproject.toml says what the whole package may come to;
these numbers may only fall (that of comments only rise).  Rooms under
`plain` meet what a reader should find everywhere.

    python -m tests.plainness
"""

from __future__ import annotations

import ast
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[1]

EMPTY = frozenset({"told", "found", "made", "said", "one", "seen", "known", "asked"})
"""Names that say nothing of what they hold."""

WANTED: Mapping[str, float] = {
    "nodes": 3.5,
    "comprehensions": 30,
    "conditions": 15,
    "helpers": 20,
    "names": 0,
}
"""What a plain room comes to at most."""

SLACK = 0.03
"""Part of a number by which a figure may be better before it is lowered."""


@dataclass
class Count:
    """What stands in some modules."""

    lines: int = 0
    """Lines of code: no docstring, no comment, not blank."""

    comments: int = 0
    nodes: int = 0
    comprehensions: int = 0
    conditions: int = 0
    functions: int = 0
    helpers: int = 0
    """Private functions that their module names once elsewhere."""

    names: int = 0
    """Variables and parameters with an empty name; fields of a Noun are none
    of them, since files and documents have them for their keys."""

    where: Counter[str] = field(default_factory=Counter)
    """Files with empty names."""

    def figures(self) -> Mapping[str, float]:
        """Return the figures that are held."""
        return {
            "nodes": self.nodes / max(self.lines, 1),
            "comprehensions": 1000 * self.comprehensions / self.lines,
            "conditions": 1000 * self.conditions / self.lines,
            "helpers": 100 * self.helpers / max(self.functions, 1),
            "names": self.names,
            "comments": 100 * self.comments / self.lines,
        }


def count(folder: Path) -> Count:
    """Count what stands in all modules of a folder."""
    total = Count()
    for path in sorted(folder.rglob("*.py")):
        _add(total, path)
    return total


def _add(total: Count, path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    tree = ast.parse(source)
    texts = frozenset(_lines_of_texts(tree))
    for number, line in enumerate(source.splitlines(), 1):
        if line.strip().startswith("#"):
            total.comments += 1
        elif line.strip() and number not in texts:
            total.lines += 1
    keys = frozenset(_keys(tree))
    uses: Counter[str] = Counter()
    functions = []
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            functions.append(node.name)
        elif isinstance(node, ast.arg):
            _count_name(total, node.arg, path)
        elif isinstance(node, ast.expr):
            _count_expression(total, node, texts, uses)
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node not in keys:
                _count_name(total, node.id, path)
    total.functions += len(functions)
    private = [name for name in functions if name.startswith("_") and not name.startswith("__")]
    total.helpers += sum(uses[name] == 1 for name in private)


def _count_expression(total: Count, node: ast.expr, texts: frozenset[int], uses: Counter[str]) -> None:
    if not (isinstance(node, ast.Constant) and node.lineno in texts):
        total.nodes += 1
    if isinstance(node, ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
        total.comprehensions += 1
    elif isinstance(node, ast.IfExp):
        total.conditions += 1
    elif isinstance(node, ast.Attribute):
        uses[node.attr] += 1
    elif isinstance(node, ast.Name):
        uses[node.id] += 1


def _count_name(total: Count, name: str, path: Path) -> None:
    if name in EMPTY:
        total.names += 1
        total.where[str(path.relative_to(ROOT))] += 1


def _keys(tree: ast.AST) -> Iterator[ast.expr]:
    """Yield the fields of Nouns, which are keys of files and documents."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.ClassDef):
            continue
        if not any(isinstance(base, ast.Name) and base.id == "Noun" for base in node.bases):
            continue
        for statement in node.body:
            if isinstance(statement, ast.AnnAssign):
                yield statement.target


def _lines_of_texts(tree: ast.AST) -> Iterator[int]:
    """Yield the lines of docstrings, and of texts under fields."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Expr) or not isinstance(node.value, ast.Constant):
            continue
        if isinstance(node.value.value, str):
            yield from range(node.lineno, (node.end_lineno or node.lineno) + 1)


def exceeded(figures: Mapping[str, float], most: Mapping[str, float]) -> Iterator[str]:
    """Yield the figures that are worse than they may be."""
    for name, limit in most.items():
        figure = figures[name]
        if name == "comments" and figure < limit:
            yield f"{name} {figure:.2f}, at least {limit}"
        elif name != "comments" and figure > limit:
            yield f"{name} {figure:.2f}, at most {limit}"


def bettered(figures: Mapping[str, float], most: Mapping[str, float]) -> Iterator[str]:
    """Yield the figures whose numbers can be tightened."""
    for name, limit in most.items():
        figure = figures[name]
        by = figure - limit if name == "comments" else limit - figure
        if by > SLACK * limit:
            yield f"{name} = {figure:.2f}"


def main() -> int:
    """Print the figures; return 1 where one is worse than it may be."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["plainness"]
    package = ROOT / "calibstate"
    figures = count(package).figures()
    problems = [f"calibstate: {words}" for words in exceeded(figures, settings["most"])]
    for room in settings["plain"]:
        there = count(package / room)
        problems += [f"calibstate/{room}: {words}" for words in exceeded(there.figures(), WANTED)]
    for problem in problems:
        print(f"{problem}; see STYLE in docs/developers", file=sys.stderr)
    for words in bettered(figures, settings["most"]):
        print(f"plainer than [tool.plainness.most] says, which can be lowered: {words}")
    return 1 if problems else 0


if __name__ == "__main__":
    for name in sys.argv[1:]:
        room = count(ROOT / name)
        print(
            name,
            {key: round(value, 2) for key, value in room.figures().items()},
            dict(room.where.most_common(8)),
        )
    if not sys.argv[1:]:
        sys.exit(main())
