"""A real browser on a folder of pages, over HTTP and from the disk."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium-headless-shell", "chromium", "google-chrome")
"""Browsers that are looked for, in this order; none is ever downloaded."""

WIDE = 1440
NARROW = 390
_HEIGHT = 900
_PATIENCE = 60_000
"""Milliseconds: a busy machine is slow, and none of these tests is about
that."""

_PERMANENT = {"commit", "run", "seal"}
"""Sorts of pages that belong to no instrument."""

_POLLED = 0.02
"""Seconds until a server notices that it is no longer asked."""


def executable() -> str:
    """Return where the browser is, or skip the test and tell why."""
    pytest.importorskip("playwright", reason="playwright is not installed")
    for name in NAMES:
        path = shutil.which(name)
        if path:
            return path
    pytest.skip(f"there is no browser here: none of {', '.join(NAMES)} is on the PATH")


class _Quiet(SimpleHTTPRequestHandler):
    """Serves files, and says nothing about it."""

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder as any web server would; yield its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, args=(_POLLED,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def launched() -> Iterator[Any]:
    """Start the browser; yield it."""
    path = executable()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        # Inside of containers there is only root, and no sandbox for it.
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


@dataclass(frozen=True)
class Looked:
    """A page in the browser, and what the browser complained of."""

    tab: Any
    complaints: list[str] = field(default_factory=list)

    def evaluate(self, script: str) -> Any:
        return self.tab.evaluate(script)

    def in_widths(self, *widths: int) -> Iterator[int]:
        """Have the window these widths in turn; yield each."""
        for width in widths:
            self.tab.set_viewport_size({"width": width, "height": _HEIGHT})
            yield width

    @property
    def is_cut_off(self) -> bool:
        """Return whether something is to be scrolled to sideways."""
        page = "document.documentElement"
        return bool(self.evaluate(f"() => {page}.scrollWidth > {page}.clientWidth"))


def violations(looked: Looked, scheme: str) -> list[Any]:
    """Return what keeps somebody from reading a page, each with where it is.

    Parameters
    ----------
    looked
        The page; its own policy must not be kept (``bypass_csp``), as what
        tests it is a script.
    scheme
        Which colours it is shown in: but for contrast nothing is another in
        the dark.
    """
    module = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")
    # It lists only these: of all that is well the list is long.
    options: dict[str, Any] = {"resultTypes": ["violations"]}
    if scheme == "dark":
        options["runOnly"] = ["color-contrast"]
    listed = module.Axe().run(looked.tab, options=options).response["violations"]
    return [(one["id"], [node["target"] for node in one["nodes"]]) for one in listed]


@dataclass(frozen=True)
class Browsed:
    """A folder of pages, and a browser to look at them."""

    browser: Any
    folder: Path
    http: str

    @property
    def addresses(self) -> list[str]:
        """Return the addresses of all pages, but for mere redirects."""
        found: list[str] = []
        for path in sorted(self.folder.rglob("index.html")):
            address = path.parent.relative_to(self.folder).as_posix()
            if not address.startswith("go/"):
                found.append("" if address == "." else f"{address}/")
        return found

    @property
    def sample(self) -> list[str]:
        """Return one page of each sort, that which has most in it."""
        largest: dict[str, tuple[int, str]] = {}
        for address in self.addresses:
            size = (self.folder / address / "index.html").stat().st_size
            sort = _sort_of(address)
            largest[sort] = max(largest.get(sort, (0, "")), (size, address))
        return sorted(address for _, address in largest.values())

    def url(self, address: str, *, on_disk: bool = False) -> str:
        """Return where a page is; its query may stand behind its address."""
        path, mark, query = address.partition("?")
        if on_disk:
            return f"{self.folder.as_uri()}/{path}index.html{mark}{query}"
        return f"{self.http}{path}{mark}{query}"

    @contextmanager
    def look(
        self,
        address: str,
        *,
        on_disk: bool = False,
        width: int = WIDE,
        clock: str = "",
        **options: Any,
    ) -> Iterator[Looked]:
        """Open a page in a window of its own.

        Parameters
        ----------
        address
            Of the page, with its query.
        on_disk
            Whether it is opened as a file.
        width
            Of the window, in pixels.
        clock
            What time it is there; empty: the real one.
        **options
            Of Playwright's ``new_context``.
        """
        with self.window(width=width, clock=clock, **options) as looked:
            looked.tab.goto(self.url(address, on_disk=on_disk))
            yield looked

    @contextmanager
    def window(self, *, width: int = WIDE, clock: str = "", **options: Any) -> Iterator[Looked]:
        """Open an empty window, to look at many pages one after the other.

        Parameters
        ----------
        width, clock, **options
            As for `look`.
        """
        context = self.browser.new_context(viewport={"width": width, "height": _HEIGHT}, **options)
        context.set_default_timeout(_PATIENCE)
        try:
            if clock:
                context.clock.install(time=clock)
            tab = context.new_page()
            looked = Looked(tab)
            tab.on("console", lambda message: looked.complaints.append(message.text))
            tab.on("pageerror", lambda error: looked.complaints.append(str(error)))
            tab.on("requestfailed", lambda request: looked.complaints.append(f"failed: {request.url}"))
            tab.on("response", lambda answer: _note(looked, answer))
            yield looked
        finally:
            context.close()

    def walk(self, addresses: Iterable[str], **options: Any) -> Iterator[tuple[str, Looked]]:
        """Yield pages one after the other, all in one window.

        A window for each takes longer than the page.

        Parameters
        ----------
        addresses
            Of the pages.
        **options
            As for `look`; what the browser complained of is that of the page.
        """
        on_disk = options.pop("on_disk", False)
        with self.window(**options) as looked:
            for address in addresses:
                looked.complaints.clear()
                looked.tab.goto(self.url(address, on_disk=on_disk))
                yield address, looked


def _note(looked: Looked, answer: Any) -> None:
    if answer.status >= 400:
        looked.complaints.append(f"{answer.status}: {answer.url}")


def _sort_of(address: str) -> str:
    """Return what sort of page is at an address."""
    first, *rest = address.rstrip("/").split("/")
    if not rest or first in _PERMANENT:
        return first
    # Below an instrument: a list of all, or one of them.
    return f"{rest[0]}/{len(rest[:2])}"
