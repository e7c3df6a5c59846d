"""Where the documentation is that a message points to."""

from __future__ import annotations

import os
from collections.abc import Mapping

__all__ = ["page_of"]

_VARIABLE = "CALIBSTATE_DOCS_URL"


def page_of(code: str, variables: Mapping[str, str] = os.environ) -> str:
    """Return where the page of a rule is.

    Parameters
    ----------
    code
        Code of the rule, such as ``N102``.
    variables
        Of the environment: ``CALIBSTATE_DOCS_URL`` is where the documentation
        is published.

    Returns
    -------
    str
        An address; else the page's file in a clone of calibstate.
    """
    page = f"reference/policy/{code}"
    # Nobody but the one who publishes them knows where the pages are.
    published = variables.get(_VARIABLE)
    if published:
        top = published.rstrip("/")
        return f"{top}/{page}.html"
    return f"docs/{page}.md"
