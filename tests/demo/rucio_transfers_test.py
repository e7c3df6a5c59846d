"""Bytes really go where a rule wants them, or it is told why not."""

from __future__ import annotations

import os

from calibstate.demo.rucio.furniture import Rse
from calibstate.demo.rucio.site import ORIGIN, RSES, RucioSite
from tests.services.moto import S3

from .datasets import add_rule, make_dataset, register

SUMMIT, BASE = RSES[1:]


def test_files_arrive_at_two_storage_elements(rucio_site: RucioSite, scope: str) -> None:
    content = make_dataset(rucio_site, scope)
    client = rucio_site.client()
    rules = [add_rule(client, scope, rse) for rse in (SUMMIT, BASE)]
    assert [client.get_replication_rule(r)["state"] for r in rules] == ["REPLICATING"] * 2
    assert rucio_site.under_way(scope) == 2
    rucio_site.drain(scope)
    assert [client.get_replication_rule(r)["state"] for r in rules] == ["OK", "OK"]
    for rse in (SUMMIT, BASE):
        folder = rucio_site.storage(rse, scope)
        assert {name: (folder / name).read_bytes() for name in content} == content


def test_files_go_from_bucket_to_bucket(rucio_site: RucioSite, scope: str, s3: S3) -> None:
    there, here = (s3.bucket() for _ in range(2))
    unique = scope.partition("-")[2].upper()
    for name, bucket in ((f"ORIGIN_{unique}", there), (f"SITE_{unique}", here)):
        rucio_site.add_rse(Rse.in_bucket(name, s3.endpoint, bucket.removeprefix("s3://")))
    content = {f"run/f{number}": os.urandom(1000 + number) for number in range(5)}
    for name, data in content.items():
        s3.client.put_object(Bucket=there.removeprefix("s3://"), Key=f"{scope}/{name}", Body=data)
    register(rucio_site, scope, content, f"ORIGIN_{unique}")
    rule = add_rule(rucio_site.client(), scope, f"SITE_{unique}")
    rucio_site.drain(scope)
    assert rucio_site.client().get_replication_rule(rule)["state"] == "OK"
    assert objects(s3, here) == {f"{scope}/{name}": data for name, data in content.items()}


def objects(s3: S3, uri: str) -> dict[str, bytes]:
    bucket = uri.removeprefix("s3://")
    return {key: s3.client.get_object(Bucket=bucket, Key=key)["Body"].read() for key in s3.keys(uri)}


def test_transfers_that_fail_leave_a_rule_stuck_until_it_is_boosted(
    rucio_site: RucioSite, scope: str
) -> None:
    content = make_dataset(rucio_site, scope)
    client = rucio_site.client()
    rucio_site.transfers.fail(SUMMIT, "no route to the summit")
    rule = add_rule(client, scope, SUMMIT)
    rucio_site.drain(scope)
    stuck = client.get_replication_rule(rule)
    assert (stuck["state"], stuck["locks_stuck_cnt"]) == ("STUCK", len(content))
    assert "no route to the summit" in stuck["error"]
    assert not rucio_site.storage(SUMMIT, scope).exists()

    rucio_site.transfers.mend()
    client.update_replication_rule(rule, {"boost_rule": True})
    rucio_site.round("repairer")
    rucio_site.drain(scope)
    assert client.get_replication_rule(rule)["state"] == "OK"


def test_a_corrupted_source_does_not_arrive(rucio_site: RucioSite, scope: str) -> None:
    make_dataset(rucio_site, scope)
    (rucio_site.storage(ORIGIN, scope) / "run/f0.fits").write_bytes(b"x" * 1000)
    client = rucio_site.client()
    rule = add_rule(client, scope, SUMMIT)
    rucio_site.drain(scope)
    stuck = client.get_replication_rule(rule)
    assert (stuck["state"], stuck["locks_stuck_cnt"]) == ("STUCK", 1)
    assert "SOURCE CHECKSUM MISMATCH" in stuck["error"]
    assert not (rucio_site.storage(SUMMIT, scope) / "run/f0.fits").exists()


def test_a_held_transfer_is_under_way(rucio_site: RucioSite, scope: str) -> None:
    make_dataset(rucio_site, scope)
    client = rucio_site.client()
    rucio_site.transfers.hold()
    rule = add_rule(client, scope, SUMMIT)
    rucio_site.drain(scope)
    assert client.get_replication_rule(rule)["state"] == "REPLICATING"
    rucio_site.transfers.go_on()
    rucio_site.drain(scope)
    assert client.get_replication_rule(rule)["state"] == "OK"


def test_a_transfer_service_that_is_down_is_told_as_such(rucio_site: RucioSite, scope: str) -> None:
    make_dataset(rucio_site, scope)
    client = rucio_site.client()
    rucio_site.transfers.stop()
    rule = add_rule(client, scope, SUMMIT)
    rucio_site.drain(scope)
    stuck = client.get_replication_rule(rule)
    assert stuck["state"] == "STUCK"
    assert "SUBMISSION_FAILED" in stuck["error"]
