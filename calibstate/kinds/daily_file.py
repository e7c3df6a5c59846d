"""What is wrong with a file of daily verification, beside all others.

No resource is declared by it: what it asks for is done by ``daily`` and by no
plan.
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from ..errors import Diagnostic
from ..model.daily import Daily
from ..model.desired import DesiredState, Written
from ..model.forms import Form
from ..model.names import ANY, nearest, spelled

__all__ = ["FORM", "check_daily"]

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def check_daily(written: Written[Daily], desired: DesiredState) -> Iterator[Diagnostic]:
    """Yield what does not fit in a file, and between it and all others."""
    instrument = written.noun.instrument
    having = desired.with_instrument(instrument)
    if instrument == ANY or not having:
        yield Diagnostic(
            "Unknown instrument",
            f"No repository has exposures of the instrument {instrument}.",
            written.lines.value_at("instrument"),
            hint="List it under `instruments` of one.",
        )
        return
    yield from _check_place(written, desired)
    yield from _check_chain(written, desired)
    yield from _check_address(written)


def _check_place(written: Written[Daily], desired: DesiredState) -> Iterator[Diagnostic]:
    daily = written.noun
    having = desired.with_instrument(daily.instrument)
    if daily.at is None and desired.origin(daily.instrument) is None:
        yield Diagnostic(
            "Nowhere to verify",
            f"No repository is the origin of {daily.instrument}.",
            written.lines.at("instrument"),
            hint="Name a repository with `at`, or give one `route: origin` in its site's file.",
        )
    if daily.at is None or daily.at in having:
        return
    near = nearest(daily.at, having)
    hint = "A repository is written SITE/REPOSITORY."
    if near:
        hint = f"Did you mean `{near}`?"
    yield Diagnostic(
        "Unknown repository",
        f"{spelled(daily.at)} is no repository that has {daily.instrument}.",
        written.lines.value_at("at"),
        hint=hint,
    )


def _check_chain(written: Written[Daily], desired: DesiredState) -> Iterator[Diagnostic]:
    daily = written.noun
    where = written.lines.value_at("chain")
    chain = desired.chains.get(daily.chain)
    if chain is None:
        near = nearest(daily.chain, desired.chains)
        hint = "Declare it in a file under chains/."
        if near:
            hint = f"Did you mean `{near}`?"
        yield Diagnostic(
            "Unknown chain",
            f"{spelled(daily.chain)} is no chain that is declared.",
            where,
            hint=hint,
        )
    elif chain.noun.instrument != daily.instrument:
        yield Diagnostic(
            "Chain of another instrument",
            f"{daily.chain} is a chain of {chain.noun.instrument}, not of {daily.instrument}.",
            where,
        )


def _check_address(written: Written[Daily]) -> Iterator[Diagnostic]:
    send = written.noun.send
    if send is None:
        return
    where = written.lines.value_at("send", "sasquatch", "url")
    problem = _address_problem(send.sasquatch.url)
    if problem:
        yield Diagnostic(
            "Address of Sasquatch cannot be used",
            problem,
            where,
            hint="Write what stands in front of /topics, such as https://HOST/sasquatch-rest-proxy.",
        )


def _address_problem(address: str) -> str:
    """Return why metrics cannot be sent to an address, or nothing."""
    try:
        parts = urlsplit(address)
        host = parts.hostname
        _ = parts.port
    except ValueError:
        return f"{spelled(address)} is no address."
    besides = (
        parts.query,
        parts.fragment,
        parts.username,
        parts.password,
    )
    if parts.scheme not in {"http", "https"} or not host or any(besides):
        return f"{spelled(address)} is no address of the form https://HOST or https://HOST/PATH."
    if parts.scheme == "http" and host not in _LOOPBACK:
        return f"{address}: a token would be sent there for everybody to read; only https keeps it."
    return ""


FORM = Form(
    "daily",
    Daily,
    "instrument",
    "how each day's calibration exposures are verified",
    check_daily,
    word="daily verification",
    schema="daily",
    is_deployed=False,
)
"""The files of daily verification."""
