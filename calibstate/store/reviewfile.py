"""Published reviews: canonical JSON, read by other sites.

Nothing in them is believed before it was checked, as it is with observations.
"""

from __future__ import annotations

from pydantic import ValidationError

from ..errors import Diagnostic, InvalidStateError
from ..model.names import RepositoryAddress
from ..model.reviews import PublishedReview

__all__ = ["dumps", "loads"]


def dumps(review: PublishedReview) -> bytes:
    """Write a review as it is published."""
    text = review.model_dump_json()
    return text.encode() + b"\n"


def loads(data: bytes, of: RepositoryAddress) -> PublishedReview:
    """Read a published review.

    Parameters
    ----------
    data
        What `dumps` wrote.
    of
        The repository that it must be of.

    Raises
    ------
    InvalidStateError
        It is none, or of another version or repository.
    """
    try:
        review = PublishedReview.model_validate_json(data)
    except (ValidationError, RecursionError):
        raise _refused(of, "it is no review of this version") from None
    if lacking := {"kind", "format_version"} - review.model_fields_set:
        raise _refused(of, f"it does not say its {min(lacking)}")
    if review.address != of:
        raise _refused(of, "it is of another repository")
    return review


def _refused(of: RepositoryAddress, why: str) -> InvalidStateError:
    site, _, _ = of.partition("/")
    return InvalidStateError(
        Diagnostic(
            "Not a published review",
            f"What was published of the reviews of {of} cannot be read: {why}.",
            hint=f"Publish it anew, with this version: calibstate verify --site {site} --publish.",
        )
    )
