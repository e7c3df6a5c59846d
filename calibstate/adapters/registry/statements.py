"""What is asked of the tables of a registry.

Each statement is filled in with the ``schema`` of the tables, and with the
words that stand in braces besides.  In conditions ``a`` is a table of
associations: it says which datasets a collection holds.
"""

from __future__ import annotations

__all__ = [
    "ATTRIBUTES",
    "CHILDREN",
    "COLLECTIONS",
    "DATASET_TYPES",
    "DETECTORS",
    "DIGESTS_OF_LINES",
    "EXPOSURES",
    "EXPOSURES_BY_DAY",
    "FILES",
    "FILTERS",
    "FIRST_OF_TYPE",
    "INGESTED",
    "INSTRUMENTS",
    "LINES",
    "LINES_WITH_RANGES",
    "NIGHTS",
    "NO_DATASETS",
    "ROWS",
    "RUNS",
    "SKYMAPS",
    "SOME_DATASETS",
    "TEXTS_OF_LINES",
    "UNRECORDED",
]

ATTRIBUTES = """
    SELECT name, value
    FROM {schema}butler_attributes
    WHERE name <> 'config:dimensions.json'
"""
"""Versions of the schema; the description of the dimensions is long, and is
not needed."""

FIRST_OF_TYPE = """
    SELECT min(name)
    FROM {schema}collection
    WHERE type = {type}
"""

COLLECTIONS = """
    SELECT collection_id, name, type
    FROM {schema}collection
    WHERE name IN ({names})
"""

CHILDREN = """
    SELECT k.parent, c.name
    FROM {schema}collection_chain k
    JOIN {schema}collection c ON c.collection_id = k.child
    WHERE k.parent IN ({chains})
    ORDER BY k.parent, k.position
"""

DATASET_TYPES = """
    SELECT s.collection_id, t.id, t.name, t.tag_association_table, t.calibration_association_table
    FROM {schema}collection_summary_dataset_type s
    JOIN {schema}dataset_type t ON t.id = s.dataset_type_id
    WHERE s.collection_id IN ({collections})
"""
"""The summary may name types that are gone; it never lacks one."""

ROWS = """
    SELECT a.collection_id, a.dataset_type_id, {uuid}, {columns}
    FROM {schema}{table} a
    WHERE {where}
    ORDER BY a.dataset_type_id, a.collection_id
"""
"""In this order they lie in the index."""

FILES = """
    SELECT DISTINCT {uuid}, r.component, r.path, r.file_size
    FROM {schema}{table} a
    JOIN {schema}{records} r ON r.dataset_id = a.dataset_id
    WHERE {where}
"""
"""A dataset that was written in components has several."""

UNRECORDED = """
    SELECT DISTINCT a.collection_id, {uuid}
    FROM {schema}{table} a
    WHERE {where}
    AND NOT EXISTS (SELECT 1 FROM {schema}{records} r WHERE r.dataset_id = a.dataset_id)
"""

RUNS = """
    SELECT {uuid}, c.name
    FROM (SELECT id AS dataset_id, run_id FROM {schema}dataset) a
    JOIN {schema}collection c ON c.collection_id = a.run_id
    WHERE a.dataset_id IN ({datasets})
"""

INGESTED = """
    SELECT a.collection_id, min(d.ingest_date), max(d.ingest_date)
    FROM {schema}{table} a
    JOIN {schema}dataset d ON d.id = a.dataset_id
    WHERE {where}
    GROUP BY a.collection_id
"""
"""Nanoseconds of TAI."""

DETECTORS = """
    SELECT id, full_name
    FROM {schema}detector
    WHERE instrument = {instrument}
"""

FILTERS = """
    SELECT name, band
    FROM {schema}physical_filter
    WHERE band IS NOT NULL AND instrument = {instrument}
"""

INSTRUMENTS = """
    SELECT name
    FROM {schema}instrument
"""

SKYMAPS = """
    SELECT name, hash
    FROM {schema}skymap
"""

EXPOSURES = """
    SELECT e.id, e.day_obs, e.obs_id, e."group", e.observation_type
    FROM {schema}exposure e
    WHERE e.instrument = {instrument} AND e.day_obs IN ({days})
    ORDER BY e.id
"""

NIGHTS = """
    SELECT n.day_obs, n.physical_filter, n.band, count(*), min(n.first_ns), max(n.last_ns)
    FROM (
        SELECT a.day_obs, a.physical_filter, f.band, {begin} AS first_ns, {end} AS last_ns
        FROM {schema}exposure a
        LEFT JOIN {schema}physical_filter f ON f.instrument = a.instrument AND f.name = a.physical_filter
        WHERE a.instrument = {instrument}
    ) n
    WHERE n.first_ns < n.last_ns
    GROUP BY n.day_obs, n.physical_filter, n.band
"""

EXPOSURES_BY_DAY = """
    SELECT
        e.day_obs,
        count(d.dataset_id),
        sum(CASE WHEN e.observation_type = 'flat' AND d.dataset_id IS NULL THEN 1 ELSE 0 END)
    FROM {schema}exposure e
    LEFT JOIN ({datasets}) d ON d.instrument = e.instrument AND d.exposure = e.id
    WHERE e.instrument = {instrument} AND e.day_obs >= {since}
    GROUP BY e.day_obs
"""

SOME_DATASETS = """
    SELECT a.instrument, a.exposure, a.dataset_id
    FROM {schema}{table} a
    WHERE {where}
"""

NO_DATASETS = """
    SELECT instrument, id AS exposure, obs_id AS dataset_id
    FROM {schema}exposure
    WHERE 1 = 0
"""
"""Of a RUN or a dataset type that is not there."""

TEXTS_OF_LINES = """
    SELECT a.collection_id, group_concat({line}, char(10)), count(*), max({is_odd})
    FROM {schema}{table} a
    JOIN {schema}dataset_type t ON t.id = a.dataset_type_id
    WHERE {where}
    GROUP BY a.dataset_type_id, a.collection_id
"""
"""For SQLite: all lines of a dataset type in a collection as one text."""

LINES = """
    SELECT a.collection_id, {line} AS line
    FROM {schema}{table} a
    JOIN {schema}dataset_type t ON t.id = a.dataset_type_id
    WHERE {where}
"""
"""For PostgreSQL, within `DIGESTS_OF_LINES`."""

LINES_WITH_RANGES = """
    SELECT a.collection_id, {line} AS line
    FROM {schema}{table} a
    JOIN {schema}dataset_type t ON t.id = a.dataset_type_id
    WHERE {where} AND NOT isempty(a.timespan)
    UNION ALL
    SELECT DISTINCT a.collection_id, {line} AS line
    FROM {schema}{table} a
    JOIN {schema}dataset_type t ON t.id = a.dataset_type_id
    WHERE {where} AND isempty(a.timespan)
"""
"""An EMPTY range can be certified many times, and is told once."""

DIGESTS_OF_LINES = """
    SELECT collection_id, {digest}, count(*)
    FROM ({lines}) lines
    GROUP BY collection_id
"""
