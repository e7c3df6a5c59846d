"""A look at readings of instruments, beside a bare listing of their store."""

from __future__ import annotations

import logging
import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import boto3
from lsst.daf.butler import Butler, DatasetType, Timespan
from moto.server import ThreadedMotoServer

from calibstate.engine.observe import observe
from calibstate.factory.places import Places
from calibstate.kinds.source import Source
from calibstate.kinds.table import own_folders
from calibstate.model.scope import Scope
from calibstate.store import statefile
from tests import world
from tests.annex import electrometer_file, electrometer_path
from tests.tree import Tree

from .measure import Measured, measure
from .worlds import INSTRUMENT

__all__ = ["source_folder_question", "source_question"]

DAYS, A_DAY = 30, 34
YEARS, A_NIGHT = 1000, 34

_KEYS = {
    "AWS_ACCESS_KEY_ID": "loopback",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_DEFAULT_REGION": "us-east-1",
}


def source_question(folder: Path, turns: int) -> Measured:
    """Measure a look at a thousand files in S3: all ingested, and none."""
    with _s3() as endpoint:
        os.environ.update({**_KEYS, "S3_ENDPOINT_URL": endpoint})
        client = boto3.client("s3", endpoint_url=endpoint)
        client.create_bucket(Bucket="annex")

        def put(path: str, data: bytes) -> None:
            client.put_object(Bucket="annex", Key=f"fits/{path}", Body=data)

        def listing(turn: int) -> None:
            pages = client.get_paginator("list_objects_v2").paginate(Bucket="annex", Prefix="fits/")
            if sum(len(page["Contents"]) for page in pages) != DAYS * A_DAY:
                raise RuntimeError("files are missing")

        look = _world(folder / "s3", DAYS, A_DAY, "s3://annex/fits/", put)
        return measure(
            f"Look at {DAYS * A_DAY:,} readings of {DAYS} days in S3",
            {
                "calibstate: all are ingested": lambda turn: look("done", 0),
                "calibstate: none is ingested": lambda turn: look("none", DAYS * A_DAY),
                "a bare listing of the bucket": listing,
            },
            turns,
        )


def source_folder_question(folder: Path, turns: int) -> Measured:
    """Measure a look at a thousand days in a folder, all ingested."""
    annex = folder / "annex"

    def put(path: str, data: bytes) -> None:
        file = annex / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)

    def listing(turn: int) -> None:
        number = 0
        for above, _, names in os.walk(annex):
            for name in names:
                number += os.stat(f"{above}/{name}").st_size > 0
        if number != YEARS * A_NIGHT:
            raise RuntimeError("files are missing")

    look = _world(folder / "disk", YEARS, A_NIGHT, str(annex), put)
    return measure(
        f"Look at {YEARS * A_NIGHT:,} readings of {YEARS:,} days in a folder",
        {
            "calibstate: all are ingested": lambda turn: look("done", 0),
            "a bare listing of the folder": listing,
        },
        turns,
    )


def _world(
    folder: Path, days: int, a_day: int, store: str, put: Callable[[str, bytes], None]
) -> Callable[[str, int], None]:
    """Write the files of some days, and record all that they are about.

    Returns
    -------
    callable
        Looks at them as they come into a RUN, and checks how many are missing.
    """
    tree = Tree(folder, INSTRUMENT)
    tree.settings()
    tree.site("usdf", {"main": "origin"})
    all_days = [int(f"{date(2025, 6, 7) + timedelta(days=shift):%Y%m%d}") for shift in range(days)]
    with closing(world.make_repo(tree.repository("usdf/main"), INSTRUMENT)) as butler:
        numbers: list[int] = []
        for day in all_days:
            numbers += _take(butler, day, a_day)
        type_ = DatasetType("photodiode", butler.dimensions.conform(["instrument", "exposure"]), "IsrCalib")
        butler.registry.registerDatasetType(type_)
        butler.collections.register("done")
        data_ids = [{"instrument": INSTRUMENT, "exposure": number} for number in numbers]
        butler.registry.insertDatasets(type_, data_ids, run="done")
    files = [(day, seq) for day in all_days for seq in range(1, a_day + 1)]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda file: put(electrometer_path(*file), electrometer_file(_group(*file))), files))

    def look(run: str, missing: int) -> None:
        feed = f"{{from: '{store}', since: 2025-06-07, into: {run}}}"
        file = tree.state / "sources" / f"{INSTRUMENT}.yaml"
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"instrument: {INSTRUMENT}\nat: usdf\nphotodiode: {feed}\n")
        desired, _ = statefile.load(tree.state, own=own_folders())
        view = observe(desired, Scope(), Places(desired))
        (source,) = Source.among(seen.resource for seen in view.observed.values())
        if source.shown.hidden or len(source.shown.missing) != missing:
            raise RuntimeError(
                f"{len(source.shown.missing)} are missing, not {missing}: {source.shown.hidden}"
            )

    return look


def _group(day: int, seq: int) -> str:
    return f"{day}T20#{seq}"


def _take(butler: Butler, day: int, number: int) -> Sequence[int]:
    """Record the exposures of a day, in one go."""
    made: list[int] = []
    records: list[dict[str, Any]] = []
    for seq in range(1, number + 1):
        fields = world.exposure_record(day, seq, INSTRUMENT, "g_01")
        records.append({**fields, "group": _group(day, seq), "observation_type": "flat"})
        made.append(int(fields["id"]))
    insert = butler.registry.insertDimensionData
    with butler.transaction():
        span = Timespan.from_day_obs(day, offset=12 * 3600)
        insert("day_obs", {"instrument": INSTRUMENT, "id": day, "timespan": span})
        insert("group", *({"instrument": INSTRUMENT, "name": record["group"]} for record in records))
        insert("exposure", *records)
    return made


@contextmanager
def _s3() -> Iterator[str]:
    """Open an S3 server in a process of its own, whose CPU is not counted."""
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=_serve, args=(theirs,), daemon=True)
    server.start()
    try:
        yield ours.recv()
    finally:
        server.kill()


def _serve(pipe: Any) -> None:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    pipe.send(f"http://{host}:{port}")
    pipe.recv()
