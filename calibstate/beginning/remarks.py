"""What a person is told of a beginning: mistakes, and what to know."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from ..errors import CalibstateError, Diagnostic, RefusedError, Severity, UsageError, without_secrets
from ..model.names import RepositoryAddress, nearest, spelled

__all__ = [
    "EXAMPLE",
    "address_unwritable",
    "butler_missing",
    "in_a_line",
    "in_the_way",
    "instrument_strange",
    "instrument_unnamed",
    "instruments_without_origin",
    "kept_not_ignoring",
    "label_left_out",
    "label_unknown",
    "one_butler",
    "origin_declared",
    "origin_taken",
    "origin_unknown",
    "origin_unseen",
    "program_unfixed",
    "program_unknown",
    "program_used",
    "repository_believed",
    "repository_left_out",
    "repository_named_twice",
    "repository_unnamed",
    "second_name",
    "secret_in_address",
    "site_kept",
    "site_unnamed",
    "site_wanted",
    "strange_folder",
    "two_sites_of_index",
]

EXAMPLE = "calibstate init --site usdf/main=/repo/main"
"""A command that works wherever there is such a repository."""

_LONGEST_REASON = 200


def in_a_line(reason: str) -> str:
    """Return what a place said as one line that a file may hold.

    Parameters
    ----------
    reason
        Words of a butler, which may say anything.
    """
    words = " ".join(without_secrets(reason).split())
    printable = "".join(filter(str.isprintable, words))
    if len(printable) > _LONGEST_REASON:
        printable = f"{printable[:_LONGEST_REASON]}…"
    return printable


# --- sites and repositories as they are named ---


def site_unnamed(site: str, word: str) -> UsageError:
    """Return the error that a site cannot be called so."""
    return UsageError(
        Diagnostic(
            "Not the name of a site",
            f"--site {word}: {spelled(site)} cannot be the name of a site, which is letters, digits, "
            "`.`, `-` and `_`.",
            hint=f"Write it as in {EXAMPLE}.",
        )
    )


def two_sites_of_index(sites: Iterable[str]) -> UsageError:
    """Return the error that two sites cannot both have the index."""
    names = " and ".join(sites)
    return UsageError(
        Diagnostic(
            "Two sites for one index",
            f"The repository index lists what one facility has, and {names} cannot both have it.",
            hint="Name one site alone, and give the butlers of the others: --site SITE/REPOSITORY=BUTLER.",
        )
    )


def repository_named_twice(address: RepositoryAddress) -> UsageError:
    """Return the error that a repository is given two butlers."""
    return UsageError(
        Diagnostic(
            "Repository is named twice",
            f"{address} is given two butlers.",
            hint="Give each a name of its own: --site SITE/REPOSITORY=BUTLER.",
        )
    )


def repository_unnamed(name: str, site: str, butler: str) -> UsageError:
    """Return the error that a repository cannot be called so."""
    return UsageError(
        Diagnostic(
            "Repository needs a name",
            f"{spelled(name)} cannot be the name of a repository: letters, digits, `.`, `-` and `_` can.",
            hint=f"Give one: --site {site}/NAME={butler}.",
        )
    )


def butler_missing(word: str) -> UsageError:
    """Return the error that no butler is named."""
    return UsageError(
        Diagnostic(
            "No butler",
            f"--site {word} names no butler behind the `=`.",
            hint="Give a path, a URI, or a label of the repository index.",
        )
    )


def secret_in_address(what: str) -> UsageError:
    """Return the error that an address holds what nobody may read."""
    return UsageError(
        Diagnostic(
            "Secret in an address",
            f"{what} is given with a password or a token, and a state tree is read by many.",
            hint="Leave it out: passwords of databases belong into ~/.lsst/db-auth.yaml.",
        )
    )


def address_unwritable(what: str, address: str) -> UsageError:
    """Return the error that an address is nothing that a file should hold."""
    return UsageError(
        Diagnostic(
            "Address cannot be written",
            f"{what} is {address!a}, which no file should hold.",
            hint="Give a path or a URI of characters that can be seen.",
        )
    )


def site_wanted(labels: Iterable[str]) -> UsageError:
    """Return the error that nobody says which facility an index is of."""
    names = ", ".join(sorted(labels))
    return UsageError(
        Diagnostic(
            "Site needs a name",
            f"The repository index lists {names}; which facility has them, it does not say.",
            hint="Name it: calibstate init --site NAME, such as usdf or summit.",
        )
    )


def site_kept(address: RepositoryAddress) -> Diagnostic:
    """Return that a site is declared already, without a repository."""
    return Diagnostic(
        "Site is declared already",
        f"sites/{address.site}.yaml is kept as it is, and does not declare {address}.",
        hint="Add the repository there by hand.",
        severity=Severity.WARNING,
    )


# --- the repository index ---


def label_unknown(address: RepositoryAddress, label: str, labels: Iterable[str]) -> UsageError:
    """Return the error that an index does not have a label."""
    labels = sorted(labels)
    hint = f"Known are: {', '.join(labels) or 'none'}. A path begins with `./` or `/`."
    near = nearest(label, labels)
    if near:
        hint = f"Did you mean {near}? A path begins with `./` or `/`."
    if Path(label).is_dir():
        hint = f"If the folder is meant: --site {address}=./{label}."
    return UsageError(
        Diagnostic(
            "Unknown repository label",
            f"{spelled(label)} is no label of the repository index.",
            hint=hint,
        )
    )


def label_left_out(site: str, label: str, why: str) -> Diagnostic:
    """Return that a label is not declared."""
    return Diagnostic(
        "Repository left out",
        f"{spelled(label)} of the repository index: {why}.",
        hint=f"Name it yourself: --site {site}/NAME=BUTLER.",
        severity=Severity.WARNING,
    )


def second_name(second: RepositoryAddress, first: RepositoryAddress) -> Diagnostic:
    """Return that an index lists a repository a second time."""
    return Diagnostic(
        "One butler, two names",
        f"{second} of the repository index opens the same repository as {first}, which is declared.",
        severity=Severity.NOTE,
    )


# --- what butlers show ---


def one_butler(
    first: RepositoryAddress, second: RepositoryAddress, butlers: Mapping[RepositoryAddress, str]
) -> UsageError:
    """Return the error that one butler has two names."""
    if first not in butlers:
        hint = f"It is declared already: leave --site {second}=… out."
    elif first.site == second.site:
        hint = f"Give it one name, which gets all its instruments: --site {first.site}/NAME={butlers[first]}."
    else:
        hint = (
            "Give it to one site only. If each site has another repository there: begin with one site, "
            "write `hosts` in its file, and add the file of the other by hand."
        )
    return UsageError(
        Diagnostic(
            "One butler, two names",
            f"{first} and {second} open the same repository; one would undo the other's work.",
            hint=hint,
        )
    )


def repository_left_out(address: RepositoryAddress, why: str) -> Diagnostic:
    """Return that a repository is left to write by hand."""
    return Diagnostic(
        "Repository left out",
        f"{address}: {in_a_line(why)}",
        hint=f"Write it by hand, or name its instruments: --instrument {address}=LSSTCam.",
        severity=Severity.WARNING,
    )


def repository_believed(address: RepositoryAddress, why: str) -> Diagnostic:
    """Return that a repository is declared as a person says."""
    return Diagnostic(
        "Repository could not be seen",
        f"{address} is declared with the instruments that you name: {in_a_line(why)}",
        severity=Severity.NOTE,
    )


def instrument_unnamed(instrument: str, word: str) -> UsageError:
    """Return the error that an instrument cannot be called so."""
    return UsageError(
        Diagnostic(
            "Not the name of an instrument",
            f"--instrument {word}: {spelled(instrument)} cannot be one.",
            hint="Write --instrument LSSTCam, or --instrument SITE/REPOSITORY=LSSTCam.",
        )
    )


def instrument_strange(address: RepositoryAddress, instrument: str) -> Diagnostic:
    """Return that a repository has an instrument that no tree can name."""
    return Diagnostic(
        "Instrument left out",
        f"{address} has {spelled(instrument)}, which cannot be the name of an instrument here.",
        severity=Severity.WARNING,
    )


def instruments_without_origin(address: RepositoryAddress, instruments: Iterable[str]) -> Diagnostic:
    """Return that nobody makes calibrations of some instruments."""
    names = ", ".join(instruments)
    return Diagnostic(
        "No origin",
        f"{address} has {names}, whose calibrations are made at no repository that is declared.",
        hint="Declare where they are made, a repository with `route: origin`; then name them here.",
        severity=Severity.WARNING,
    )


# --- the origin ---


def origin_declared(origin: str, origins: Iterable[str]) -> UsageError:
    """Return the error that another origin is declared already."""
    names = " and ".join(sorted(set(origins)))
    return UsageError(
        Diagnostic(
            "Origin is declared already",
            f"Calibrations are made at {names}, and not at {spelled(origin)}.",
            hint="Change the `route` in the files of both sites by hand.",
        )
    )


def origin_unknown(origin: str, addresses: Iterable[str]) -> UsageError:
    """Return the error that the origin is no repository that is named."""
    addresses = list(addresses)
    hint = f"Known are: {', '.join(addresses) or 'none'}."
    near = nearest(origin, addresses)
    if near:
        hint = f"Did you mean {near}?"
    return UsageError(
        Diagnostic("Unknown origin", f"--origin {spelled(origin)} is none of the repositories.", hint=hint)
    )


def origin_unseen(origin: RepositoryAddress, why: str) -> CalibstateError:
    """Return the error that no tree can begin with what is not known."""
    return CalibstateError(
        Diagnostic(
            "Nothing is known of the origin",
            f"{origin} is to be where calibrations are made, but: {in_a_line(why)}",
            hint=f"Name its instruments (--instrument {origin}=LSSTCam), or another --origin.",
        )
    )


def origin_taken(origin: RepositoryAddress) -> Diagnostic:
    """Return that the first repository is taken for the origin."""
    return Diagnostic(
        "Origin",
        f"{origin} is taken for where calibrations are made, since it is the first; the others get copies.",
        hint="Where that is not so: --origin SITE/REPOSITORY, or `route` in the files of the sites.",
        severity=Severity.NOTE,
    )


# --- files and folders ---


def in_the_way(path: Path, what: str) -> RefusedError:
    """Return the error that something has the place of a file."""
    return RefusedError(
        Diagnostic(
            "Something is in the way",
            f"{path} is {what}; nothing was written.",
            hint="Move it away, or begin in another folder.",
        )
    )


def kept_not_ignoring(lines: Iterable[str]) -> Diagnostic:
    """Return that Git would take what is no part of the tree."""
    names = " and ".join(lines)
    return Diagnostic(
        "Not ignored",
        f".gitignore is kept as it is, and does not leave out {names}, which is no part of the tree.",
        hint="Add it there, each in a line of its own.",
        severity=Severity.WARNING,
    )


def strange_folder(folder: str) -> Diagnostic:
    """Return that no workflow can name the folder of a tree."""
    return Diagnostic(
        "No files for GitHub and pre-commit",
        f"The tree is in the folder {folder!a} of its repository, which no workflow can name safely.",
        hint="Give it a name of letters, digits, `.`, `-` and `_`, and run this again.",
        severity=Severity.WARNING,
    )


# --- the program that workflows run ---


def program_unknown() -> Diagnostic:
    """Return that nobody says what workflows are to run."""
    return Diagnostic(
        "No workflows",
        "Where calibstate is at GitHub is not known here, so no workflow can run it.",
        hint="Name it, and run this again: --program OWNER/NAME@REF; or leave GitHub out: --no-github.",
        severity=Severity.NOTE,
    )


def program_used(repository: str, ref: str) -> Diagnostic:
    """Return what workflows need of a person."""
    return Diagnostic(
        "Workflows",
        f"They run {repository} at {ref}, with an environment and a runner for each site; and they see an "
        "archive and records that are in S3.",
        hint="How to set that up: the page `Set up GitHub`, docs/how-to/set-up-github.md.",
        severity=Severity.NOTE,
    )


def program_unfixed(repository: str, ref: str) -> Diagnostic:
    """Return that what workflows run can become something else."""
    return Diagnostic(
        "Revision can be moved",
        f"Whoever can move {ref} of {repository} decides what runs at the sites.",
        hint="Name a commit: --program OWNER/NAME@ and its 40 hex digits.",
        severity=Severity.WARNING,
    )
