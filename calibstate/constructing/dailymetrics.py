"""Metrics of a day's verification, as they are sent.

The fields that all metrics have are those of analysis_tools: empty where
nothing is known of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime

from ..model.dailyrecords import DailyRecord, ExposureResult
from ..model.metrics import Metric, Value

__all__ = ["metrics_of"]

_TAG = "daily"
"""By which these records are told from those of others."""

_STAMP = "%Y%m%dT%H%M%SZ"

_IS_STAMP = re.compile(r"[0-9]{8}T[0-9]{6}Z")

_FIELD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
"""What Avro takes for the name of a field."""


def metrics_of(record: DailyRecord) -> Iterator[Metric]:
    """Yield the metrics of a day: of each exposure, and of its detectors.

    Parameters
    ----------
    record
        What is kept of the day.
    """
    for result in record.results:
        stem = f"verify{result.kind.capitalize()}"
        common = _common(record, result)
        failed = 0
        failures = 0
        for detector in result.detectors.values():
            failed += bool(detector.failed)
            failures += len(detector.failed)
        yield Metric(
            stem,
            {
                "id": result.uuid,
                "dataset_type": f"{stem}ExpStats",
                **common,
                "detector": "",
                "success": int(not result.has_failed),
                "detectors": len(result.detectors),
                "detectors_failed": failed,
                "tests_failed": failures,
            },
        )
        for detector in result.detectors.values():
            # Of statistics that were left out there is nothing to send.
            if not detector.uuid:
                continue
            fields: dict[str, Value] = {
                "id": detector.uuid,
                "dataset_type": f"{stem}DetStats",
                **common,
                "detector": str(detector.number),
                "success": int(not detector.failed),
            }
            for test, measured in detector.measured.items():
                # Whatever else cp_verify may call a test is no field.
                if not _FIELD.fullmatch(test):
                    continue
                fields[f"{test}_least"] = measured.least
                fields[f"{test}_median"] = measured.median
                fields[f"{test}_most"] = measured.most
            yield Metric(f"{stem}Detector", fields)


def _common(record: DailyRecord, result: ExposureResult) -> dict[str, Value]:
    """Return the fields that all metrics of an exposure have."""
    # The name of a RUN tells when it began; one that a person has named does
    # not, and counts from the day of its exposures.
    _, _, stamp = result.run.rpartition("/")
    if not _IS_STAMP.fullmatch(stamp):
        stamp = f"{record.day}T120000Z"
    moment = datetime.strptime(stamp, _STAMP).replace(tzinfo=UTC)
    began = moment.timestamp()
    return {
        "run": result.run,
        "reference_package": "",
        "reference_package_version": "",
        "reference_package_timestamp": 0.0,
        "run_timestamp": began,
        "timestamp": began,
        "dataset_tag": _TAG,
        "patch": "",
        "skymap": "",
        "visit": "",
        "tract": "",
        "physical_filter": result.against.physical_filter if result.against else "",
        "instrument": record.instrument,
        "band": "",
        "exposure": str(result.exposure),
        "group": "",
        "day_obs": str(record.day),
    }
