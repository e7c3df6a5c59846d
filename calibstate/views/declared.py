"""The declared chains of each repository, as trees."""

from __future__ import annotations

from collections.abc import Iterator

from ..model.results.declared import DeclaredChain, DeclaredChains

__all__ = ["as_text"]

_Chains = dict[str, DeclaredChain]
"""Of a repository, by name."""


def as_text(result: DeclaredChains) -> Iterator[str]:
    """Yield the chains of each repository, with what they search indented."""
    revision = result.revision
    if revision:
        yield f"As declared at {revision}"
    by_repository: dict[str, _Chains] = {}
    for chain in result.chains:
        chains = by_repository.setdefault(chain.repository, {})
        chains[chain.name] = chain
    # A repository may have resources and no chain.
    for resource in result.resources:
        by_repository.setdefault(resource.repository, {})
    for repository, chains in by_repository.items():
        yield repository
        # A chain within another one is shown there, and not at the top.
        inside: set[str] = set()
        for chain in chains.values():
            inside.update(chain.children)
        for name in chains:
            if name not in inside:
                yield from _branch(name, chains, 1)
        for resource in result.resources:
            if resource.repository != repository:
                continue
            kind = resource.kind
            name = resource.name
            sentence = resource.sentence
            yield f"  {kind} {name} {sentence}"


def _branch(
    name: str,
    chains: _Chains,
    depth: int,
) -> Iterator[str]:
    """Yield a child, and what it searches where it is a chain of ours."""
    indent = "  " * depth
    yield f"{indent}{name}"
    chain = chains.get(name)
    if chain is None:
        return
    for child in chain.children:
        yield from _branch(child, chains, depth + 1)
    # What is not wanted is no child, and stands behind them in brackets.
    for child, reason in chain.unwanted.items():
        yield f"{indent}  ({child}: {reason})"
