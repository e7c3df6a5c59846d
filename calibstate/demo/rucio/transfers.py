"""A service that moves files when Rucio asks, by the REST interface of FTS.

Rucio never moves a byte itself: its conveyor submits jobs to FTS and asks
what became of them.  This service speaks as much of that as the conveyor
uses, and really copies.  It can be told to fail, to hold, and to be down.
"""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlparse

from typing_extensions import override

from .copying import Content, copy
from .loopback import LoopbackPort

__all__ = ["Copy", "Transfers"]

_WORKERS = 8


@dataclass(frozen=True)
class Copy:
    """One file that is to be copied to one place."""

    name: str
    """Name in Rucio, without its scope."""

    rse: str
    """Where it is to arrive."""

    source: str
    destination: str
    """URLs."""

    content: Content
    """What must arrive."""


@dataclass
class _File:
    """One source of one file of a job, as FTS tells of it."""

    copy: Copy
    metadata: dict[str, Any]
    """Rucio's own words on the file; they are handed back to it."""

    state: str = "SUBMITTED"
    reason: str | None = None
    began: str | None = None
    ended: str | None = None

    def as_answer(self) -> dict[str, Any]:
        """Return it as FTS answers."""
        return {
            "file_state": self.state,
            "source_surl": self.copy.source,
            "dest_surl": self.copy.destination,
            "file_metadata": self.metadata,
            "reason": self.reason,
            "start_time": self.began,
            "finish_time": self.ended,
            "staging_start": None,
            "staging_finished": None,
        }


@dataclass
class _Job:
    """Files that were submitted together, each with its sources."""

    files: list[list[_File]]
    metadata: dict[str, Any]
    state: str = "SUBMITTED"
    canceled: bool = False
    id: str = field(default_factory=lambda: str(uuid.uuid4()))

    def as_answer(self) -> dict[str, Any]:
        """Return it as FTS answers, with each source of each file."""
        files = []
        for sources in self.files:
            files += [source.as_answer() for source in sources]
        return {
            "job_id": self.id,
            "http_status": "200 Ok",
            "job_state": self.state,
            "job_type": "N",
            "job_metadata": self.metadata,
            "files": files,
        }


class Transfers:
    """The service."""

    def __init__(self) -> None:
        self.port = LoopbackPort()
        self.fault: Callable[[Copy], str | None] | None = None
        """Asked before each copy: why it fails, or `None`."""

        self.done: list[Copy] = []
        """Copies that arrived, oldest first."""

        self._jobs: dict[str, _Job] = {}
        self._running: set[Future[None]] = set()
        self._going = threading.Event()
        self._going.set()
        self._pool = ThreadPoolExecutor(_WORKERS, "transfer")
        self._server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        """Where the service is, up or down."""
        return self.port.url

    def start(self) -> None:
        """Answer; the jobs from before are still known."""
        if self._server is None:
            server = ThreadingHTTPServer(
                ("127.0.0.1", 0),
                _handler(self),
                bind_and_activate=False,
            )
            server.daemon_threads = True
            # It listens where it did before, not where it would by itself.
            server.socket.close()
            server.socket = self.port.listen()
            self._server = server
            serving = threading.Thread(
                target=server.serve_forever,
                args=(0.05,),
                daemon=True,
            )
            serving.start()

    def stop(self) -> None:
        """Be down: who asks is refused."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def close(self) -> None:
        """Stop for good; what has not begun is not copied."""
        self.stop()
        for job in self._jobs.values():
            job.canceled = True
        self.go_on()
        self._pool.shutdown(cancel_futures=True)
        self.port.release()

    def fail(self, rse: str, reason: str = "Communication error on send") -> None:
        """Fail every transfer to a storage element, until `mend`."""
        self.fault = lambda wanted: reason if wanted.rse == rse else None

    def mend(self) -> None:
        """Fail no more."""
        self.fault = None

    def hold(self) -> None:
        """Begin no copy until `go_on`: they stay on their way."""
        self._going.clear()

    def go_on(self) -> None:
        """Copy again."""
        self._going.set()

    @property
    def held(self) -> bool:
        """Whether copies are held."""
        return not self._going.is_set()

    def settle(self) -> None:
        """Return when nothing is being copied; at once if held."""
        if not self.held:
            ended, _ = wait_for(self._running)
            self._running -= ended
            for job in ended:
                job.result()

    def submit(self, request: dict[str, Any]) -> str:
        """Take a job; return its name."""
        files = [_sources(file) for file in request["files"]]
        metadata = request["params"].get("job_metadata")
        job = _Job(files, metadata or {})
        self._jobs[job.id] = job
        running = self._pool.submit(self._run, job)
        self._running.add(running)
        return job.id

    def cancel(self, names: Iterable[str]) -> None:
        """Give up what has not begun of some jobs."""
        for name in names:
            if name in self._jobs:
                self._jobs[name].canceled = True

    def look(self, names: Iterable[str]) -> list[dict[str, Any]]:
        """Return what became of jobs."""
        answers: list[dict[str, Any]] = []
        for name in names:
            if name in self._jobs:
                job = self._jobs[name]
                answers.append(job.as_answer())
            else:
                answers.append({"job_id": name, "http_status": "404 Not Found"})
        return answers

    def _run(self, job: _Job) -> None:
        """Copy the files of a job, one after the other."""
        job.state = "ACTIVE"
        arrived = [self._try_each(sources, job) for sources in job.files]
        if job.canceled:
            job.state = "CANCELED"
        elif all(arrived):
            job.state = "FINISHED"
        elif any(arrived):
            job.state = "FINISHEDDIRTY"
        else:
            job.state = "FAILED"

    def _try_each(self, sources: list[_File], job: _Job) -> bool:
        """Copy a file from the first of its sources that works."""
        arrived = False
        for file in sources:
            if arrived:
                file.state = "NOT_USED"
                continue
            arrived = self._try(file, job)
        return arrived

    def _try(self, file: _File, job: _Job) -> bool:
        """Copy a file from one source, once copies are not held."""
        file.began = _now()
        self._going.wait()
        try:
            self._copy(file.copy, job)
        except OSError as error:
            # FTS gives each error its number; 5: input and output.
            number = error.errno or 5
            file.reason = f"TRANSFER [{number}] {error.strerror or error}"
            file.ended = _now()
            file.state = "CANCELED" if job.canceled else "FAILED"
            return False
        # Who sees it as finished must see it among what arrived.
        self.done.append(file.copy)
        file.ended = _now()
        file.state = "FINISHED"
        return True

    def _copy(self, wanted: Copy, job: _Job) -> None:
        """Copy a file, unless its job is canceled or it is to fail."""
        if job.canceled:
            raise OSError("canceled")
        if self.fault:
            reason = self.fault(wanted)
            if reason:
                raise OSError(reason)
        copy(wanted.source, wanted.destination, wanted.content)


def _sources(file: dict[str, Any]) -> list[_File]:
    """Return the sources that a request names for a file."""
    metadata = file["metadata"]
    # The checksum is written with its sort: ``ADLER32:…``.
    _, _, checksum = file["checksum"].rpartition(":")
    content = Content(file["filesize"], checksum)
    (destination,) = file["destinations"]
    sources = []
    for source in file["sources"]:
        wanted = Copy(
            name=metadata["name"],
            rse=metadata["dst_rse"],
            source=source,
            destination=destination,
            content=content,
        )
        sources.append(_File(wanted, metadata))
    return sources


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _handler(service: Transfers) -> type[BaseHTTPRequestHandler]:
    """Return what speaks HTTP for a service."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        @override
        def log_message(self, *_: object) -> None:
            pass

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            body = self.rfile.read(length)
            names = self._names()
            # Anything but a new job changes a priority, which means nothing
            # to us: all jobs run at once.
            if names:
                self._answer({"job_id": names[0]})
                return
            request = json.loads(body or b"{}")
            job = service.submit(request)
            self._answer({"job_id": job})

        def do_GET(self) -> None:
            names = self._names()
            if names:
                self._answer(service.look(names), 207)
            else:
                self._answer({"user_dn": "loopback"})

        def do_DELETE(self) -> None:
            service.cancel(self._names())
            self._answer({"job_state": "CANCELED"})

        def _names(self) -> list[str]:
            """Return the jobs that the path names."""
            _, _, names = urlparse(self.path).path.partition("/jobs/")
            return [name for name in names.split(",") if name]

        def _answer(self, value: object, status: int = 200) -> None:
            body = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return Handler
