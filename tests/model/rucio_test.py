"""Names and places in Rucio."""

from __future__ import annotations

import pytest

from calibstate.model.rucio import MAX_NAME, expected_path, expected_pfn, name_problem
from calibstate.model.settings import RucioSettings


def settings(rse_root: str | None = None, dtn_url: str | None = None) -> RucioSettings:
    return RucioSettings(scope="main", origin_rse="SLAC_BUTLER_DISK", rse_root=rse_root, dtn_url=dtn_url)


@pytest.mark.parametrize(
    ("root", "path"),
    [
        ("/rse/slac", "/rse/slac/main/a/b"),
        ("/rse/slac/", "/rse/slac/main/a/b"),
        ("", "/main/a/b"),
        (None, None),
    ],
    ids=["folder", "with a slash", "bucket", "not told"],
)
def test_a_file_of_the_origin_is_below_the_folder_of_the_scope(root: str | None, path: str | None) -> None:
    assert expected_path(settings(rse_root=root), "a/b") == path


@pytest.mark.parametrize(
    ("url", "pfn"),
    [
        ("davs://dtn.example:1094/rse", "davs://dtn.example:1094/rse/main/a/b"),
        ("s3://host:5000/slac/", "s3://host:5000/slac/main/a/b"),
        (None, None),
    ],
)
def test_a_file_of_the_origin_has_the_url_of_its_transfer_node(url: str | None, pfn: str | None) -> None:
    assert expected_pfn(settings(dtn_url=url), "a/b") == pfn


@pytest.mark.parametrize("name", ["a", "LSSTCam/calib/DM-1/bias.a/x_y-z.fits", "x" * MAX_NAME])
def test_good_names_are_taken(name: str) -> None:
    assert name_problem(name) is None


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a~b", ".a", "ä", "x" * (MAX_NAME + 1)])
def test_other_names_are_not(name: str) -> None:
    assert name_problem(name)
