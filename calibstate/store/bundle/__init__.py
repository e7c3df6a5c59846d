"""The two texts of a bundle: ``export.yaml`` and ``manifest.json``."""

from .checks import check, check_content, check_export, check_reading, check_text
from .export import paths, read_contents, with_paths
from .manifest import dump_manifest, load_head, load_manifest, manifest_from
from .names import EXPORT, MANIFEST, path_problem
from .nodes import TIME, TIMESPAN, Tagged
from .reading import reading_of

__all__ = [
    "EXPORT",
    "MANIFEST",
    "TIME",
    "TIMESPAN",
    "Tagged",
    "check",
    "check_content",
    "check_export",
    "check_reading",
    "check_text",
    "dump_manifest",
    "load_head",
    "load_manifest",
    "manifest_from",
    "path_problem",
    "paths",
    "read_contents",
    "reading_of",
    "with_paths",
]
