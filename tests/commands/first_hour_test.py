"""From butlers that nobody prepared to a ticket at all of them, by one page.

The page is followed to the letter: its commands, its edits of files, and
nothing else.  How many it takes is counted, and what came of it is asked of
the stock butler.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from lsst.daf.butler import Butler

from tests.docs_test import FILES, ROOT, Block, Shell, blocks, exchanges
from tests.strangers import LABELS, NEW, make_strangers
from tests.world import INSTRUMENT

PAGE = ROOT / "docs" / "tutorials" / "your-own-repository.md"

AT_MOST_COMMANDS, AT_MOST_EDITS = 10, 2
"""What a person has to type, those of Git with them."""

TOP = f"{INSTRUMENT}/calib"


def followed() -> list[Block]:
    """Return the blocks that lead to the deployed ticket."""
    until_deployed, _, _ = PAGE.read_text().partition("## And then")
    return list(blocks(until_deployed))


def commands() -> list[str]:
    typed: list[str] = []
    for block in followed():
        if block.language == "console":
            typed += [command for command, _ in exchanges(block.body) if not command.startswith("cd ")]
    return typed


def test_few_commands_and_fewer_edits_lead_to_a_deployed_ticket() -> None:
    edits = [block for block in followed() if block.language in FILES]

    assert len(commands()) <= AT_MOST_COMMANDS
    assert len(edits) <= AT_MOST_EDITS


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Shell:
    """Return one that sits beside the butlers of a stranger."""
    folder = tmp_path / "observatory"
    make_strangers(folder)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("CI", "true")
    return Shell(folder, capsys)


def test_who_follows_the_page_has_the_ticket_at_four_repositories_in_front_of_what_was(
    shell: Shell,
) -> None:
    before = {label: children(shell.world / label, TOP) for label in LABELS}

    for block in followed():
        if block.language in FILES:
            name, _, content = block.body.partition("\n")
            shell.write(name.removeprefix("# "), content)
            continue
        for command, _ in exchanges(block.body):
            printed = shell.run(command)
            assert shell.code == 0, f"$ {command}\n{printed}"

    expected = children(shell.world / LABELS[0], f"{TOP}/{NEW}")
    assert expected
    for label in LABELS:
        folder = shell.world / label
        assert children(folder, TOP) == (f"{TOP}/{NEW}", *before[label])
        assert children(folder, f"{TOP}/{NEW}") == expected
        assert found(folder) == found(shell.world / LABELS[0])


def children(folder: Path, chain: str) -> tuple[str, ...]:
    with Butler.from_config(str(folder)) as butler:
        return butler.collections.get_info(chain).children


def found(folder: Path) -> dict[str, tuple[str, bytes]]:
    """Return what the new ticket gives at a repository: UUIDs and bytes."""
    files: dict[str, tuple[str, bytes]] = {}
    with Butler.from_config(str(folder)) as butler:
        for name in children(folder, f"{TOP}/{NEW}"):
            for dataset_type in ("bias", "flat"):
                for ref in butler.query_datasets(dataset_type, name, find_first=False, explain=False):
                    files[f"{name} {ref.dataId}"] = (str(ref.id), butler.getURI(ref).read())
    return files
