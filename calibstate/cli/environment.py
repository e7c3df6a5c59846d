"""Variables of the environment: those that are read, and one that is misspelt.

Most are of options, and stand with them.  A word that a shell still holds for
another command is fine; one that no command reads does nothing, and whoever
set it believes that it does.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from typing import Any

from .layout import is_argument

__all__ = ["NOT_FOR_PEOPLE", "OTHERS", "sentences_of_unread", "variables_of"]

_PREFIX = "CALIBSTATE_"

OTHERS = frozenset(
    {
        "CALIBSTATE_HERE",
        "CALIBSTATE_DOCS_URL",
        "CALIBSTATE_JIRA_TOKEN",
        "CALIBSTATE_JIRA_URL",
        "CALIBSTATE_JIRA_USER",
        "CALIBSTATE_NOTIFY_MAIL",
        "CALIBSTATE_NOTIFY_SECRET",
        "CALIBSTATE_NOTIFY_SLACK",
        "CALIBSTATE_NOTIFY_URL",
        "CALIBSTATE_SASQUATCH_TOKEN",
        "CALIBSTATE_PAGER",
        "CALIBSTATE_LOG_FILE",
        "CALIBSTATE_ROOT",
        "CALIBSTATE_RUCIO_SERVER",
        "CALIBSTATE_TRACEBACK",
    }
)
"""Variables that people set and that no option has."""

NOT_FOR_PEOPLE = frozenset(
    {
        # What runs for us is known by them.
        "CALIBSTATE_BATCH",
        "CALIBSTATE_COMMAND",
        # Of the stand-ins, and of our own tests.
        "CALIBSTATE_COSMIC_RAY",
        "CALIBSTATE_STANDIN_FAIL",
        "CALIBSTATE_STANDIN_SLEEP",
        "CALIBSTATE_TEST_ALL",
        "CALIBSTATE_TEST_FUZZ",
        # It is told where a guard could be passed.
        "CALIBSTATE_ALLOW",
        "CALIBSTATE_BECAUSE",
        "CALIBSTATE_OVERRIDE",
    }
)
"""Variables that are known, and that nobody is told of."""


def variables_of(command: Any) -> Iterator[str]:
    """Yield the variables of the options of a command."""
    for parameter in command.params:
        if is_argument(parameter) or not parameter.envvar:
            continue
        variables = parameter.envvar
        if isinstance(variables, str):
            variables = [variables]
        yield from variables


def sentences_of_unread(running: Any, all_commands: Iterable[Any]) -> Iterator[str]:
    """Yield what is said of variables that no command reads.

    Parameters
    ----------
    running
        The command that runs.
    all_commands
        All there are; they are taken only if one of them must be asked.
    """
    ours = [name for name in sorted(os.environ) if name.startswith(_PREFIX)]
    read = {*OTHERS, *NOT_FOR_PEOPLE, *variables_of(running)}
    if read.issuperset(ours):
        return
    for command in all_commands:
        read.update(variables_of(command))
    words = [name.removeprefix(_PREFIX) for name in sorted(read - NOT_FOR_PEOPLE)]
    for name in ours:
        if name in read:
            continue
        sentence = f"{name} is set, and nothing reads it."
        # What all of them begin with makes none of them near.
        for near in get_close_matches(name.removeprefix(_PREFIX), words, n=1, cutoff=0.7):
            sentence += f" Did you mean {_PREFIX}{near}?"
        yield sentence
