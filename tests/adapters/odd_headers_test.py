"""What a server says in an unusual form is told in words, or left out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from calibstate.adapters.checkup import examine_store, offset_of
from calibstate.adapters.objectstores import open_store
from calibstate.errors import UnreachableError
from tests.services.gateway import Gateway, gateway
from tests.tree import Tree

Headers = list[tuple[str, str]]

MOMENT = "Sun, 29 Nov 2026 01:30:37 GMT"


@pytest.mark.parametrize(
    "date",
    [
        f"{MOMENT}, {MOMENT}",
        MOMENT.removesuffix(" GMT"),
        MOMENT.replace("GMT", "-0000"),
        "Sun Nov 29 01:30:37 2026",
        "2026-11-29T01:30:37Z",
        "Fri, 31 Dec 9999 23:59:59.9 GMT",
        "Fri, 31 Dec 9999 23:59:59 -2359",
        "Sun, 99 Nov 2026 01:30:37 GMT",
        "1795915837",
        "Mon,",
        ",",
        "\u0661",
    ],
)
def test_a_date_of_whatever_form_is_a_clock_or_none(date: str) -> None:
    offset_of(date)


def test_a_date_that_says_no_zone_is_no_clock() -> None:
    assert offset_of(f"{MOMENT}, {MOMENT}") is None
    assert offset_of(MOMENT.removesuffix(" GMT")) is None
    assert offset_of(MOMENT.replace("GMT", "-0000")) is None
    assert offset_of("Sunday, 29-Nov-26 01:30:37 GMT") is not None, "the older form of HTTP"


def without(name: str) -> Callable[[Headers], Headers]:
    return lambda headers: [header for header in headers if header[0].lower() != name]


def instead(name: str, *values: str) -> Callable[[Headers], Headers]:
    return lambda headers: [*without(name)(headers), *((name, value) for value in values)]


ODD = {
    "date twice": instead("date", MOMENT, MOMENT),
    "date without a zone": instead("date", MOMENT.removesuffix(" GMT")),
    "no date": without("date"),
    "no etag": without("etag"),
    "weak etag": instead("etag", 'W/"0"'),
    "empty etag": instead("etag", ""),
    "two etags": instead("etag", '"1"', '"2"'),
    "no last-modified": without("last-modified"),
    "odd last-modified": instead("last-modified", "yesterday"),
    "last-modified far away": instead("last-modified", "Fri, 31 Dec 99999 23:59:59 GMT"),
    "no length": lambda headers: [*without("content-length")(headers), ("Connection", "close")],
    "odd length": lambda headers: [*instead("content-length", "many")(headers), ("Connection", "close")],
    "two lengths": instead("content-length", "1", "2"),
    "negative length": instead("content-length", "-1"),
    "another type": instead("content-type", "text/html; charset=nosuch"),
}


@pytest.fixture
def server(s3: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gateway]:
    with gateway(s3.endpoint) as opened:
        monkeypatch.setenv("S3_ENDPOINT_URL", opened.endpoint)
        yield opened


SHORT = timedelta(seconds=1)
"""How long is waited for bytes that never come.

On a slow machine other answers may come too late, too.  That is told in words
as well, so a test must do with either.
"""


@pytest.fixture
def there(server: Gateway, s3: Any) -> str:
    """Return the address of a store with something in it."""
    uri: str = s3.bucket("odd") + "/prefix"
    open_store(uri).write("there", b"bytes")
    return uri


@pytest.mark.parametrize("form", ODD)
@pytest.mark.matrix(5)
def test_a_store_with_odd_headers_works_or_says_why_not(there: str, server: Gateway, form: str) -> None:
    uri = there
    server.changes_headers = ODD[form]
    store = open_store(uri, SHORT)
    questions: list[Callable[[], object]] = [
        store.look,
        store.date,
        lambda: store.read("there", limit=100) in {b"bytes", None},
        lambda: store.digest("there"),
        lambda: store.sizes(""),
        lambda: store.create("new", b"1"),
        lambda: store.swap("new", b"1", b"2"),
        lambda: store.withdraw("new", b"2"),
    ]
    for ask in questions:
        try:
            ask()
        except OSError as error:
            assert str(error)
    try:
        examine_store(uri, SHORT)
    except UnreachableError as error:
        assert error.diagnostics[0].detail


def test_doctor_compares_no_clock_where_the_date_says_no_zone(
    server: Gateway, s3: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree = Tree(tmp_path, archive=s3.bucket("archive"), records=s3.bucket("records"))
    tree.settings()
    tree.site("usdf", {"main": "origin"})
    server.changes_headers = ODD["date twice"]

    ran = tree.run(capsys, "doctor", "--format", "json")

    checks = {(check["place"], check["check"]) for check in ran.json["checks"]}
    assert ("archive", "read") in checks
    assert ("archive", "clock") not in checks
