"""Metrics go to Sasquatch in the published form, and failures are told.

The twin is held first: it takes what analysis_tools sends, and refuses all
else, so that a form that it takes is worth something.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import requests

from calibstate.adapters.sasquatch import AT_ONCE, Sasquatch
from calibstate.errors import UnreachableError
from calibstate.model.metrics import Metric
from tests.services.sasquatch import CLUSTER, TOKEN, SasquatchProxy, sasquatch_proxy

NAMESPACE = "lsst.test"
TOPIC = f"{NAMESPACE}.verifyBias"


@pytest.fixture
def proxy() -> Iterator[SasquatchProxy]:
    with sasquatch_proxy() as served:
        yield served


def sasquatch(proxy: SasquatchProxy, token: str | None = TOKEN) -> Sasquatch:
    return Sasquatch(f"{proxy.address}/", NAMESPACE, token, timedelta(seconds=20))


def metric(number: int, topic: str = "verifyBias", **fields: str | float) -> Metric:
    return Metric(topic, {"id": f"id-{number}", "timestamp": 1.5e9 + number, "MEAN_median": 0.5, **fields})


# --- the twin ---

SCHEMA = {
    "type": "record",
    "namespace": NAMESPACE,
    "name": "verifyBias",
    "fields": [
        {"name": "id", "type": "string", "default": ""},
        {"name": "timestamp", "type": "double"},
        {"name": "MEAN", "type": "float", "default": 0.0},
    ],
}
GOOD: dict[str, Any] = {
    "value_schema": json.dumps(SCHEMA),
    "records": [{"value": {"id": "a", "timestamp": 1.0, "MEAN": 0.5}}],
}
CREATE = {"topic_name": TOPIC, "partitions_count": 1, "replication_factor": 3}
AVRO = {"Content-Type": "application/vnd.kafka.avro.v2+json", "Authorization": f"Bearer {TOKEN}"}
JSON = {**AVRO, "Content-Type": "application/json"}


def post(proxy: SasquatchProxy, path: str, body: Any, headers: dict[str, str]) -> int:
    answer = requests.post(f"{proxy.address}{path}", data=json.dumps(body), headers=headers, timeout=20)
    return answer.status_code


def test_the_twin_takes_the_published_form(proxy: SasquatchProxy) -> None:
    topics = f"/v3/clusters/{CLUSTER}/topics"
    assert [post(proxy, topics, CREATE, JSON) for _ in range(2)] == [201, 400]
    assert post(proxy, f"/topics/{TOPIC}", GOOD, AVRO) == 200
    assert proxy.records == {TOPIC: [GOOD["records"][0]["value"]]}


@pytest.mark.parametrize(
    ("change", "headers", "code"),
    [
        ({"records": [{"value": {"id": "a", "timestamp": 1.0}}]}, AVRO, 422),
        ({"records": [{"value": {"id": "a", "timestamp": 1.0, "MEAN": "0.5"}}]}, AVRO, 422),
        ({"records": [{"id": "a", "timestamp": 1.0, "MEAN": 0.5}]}, AVRO, 422),
        ({"value_schema": SCHEMA}, AVRO, 422),
        ({"value_schema": json.dumps({**SCHEMA, "name": "verifyDark"})}, AVRO, 422),
        ({"value_schema": json.dumps({**SCHEMA, "fields": [{"name": "a b", "type": "int"}]})}, AVRO, 422),
        ({"key_schema": "x"}, AVRO, 422),
        ({}, JSON, 415),
        ({}, {**AVRO, "Authorization": "Bearer other"}, 401),
    ],
)
def test_the_twin_refuses_other_forms(
    proxy: SasquatchProxy, change: dict[str, Any], headers: dict[str, str], code: int
) -> None:
    post(proxy, f"/v3/clusters/{CLUSTER}/topics", CREATE, JSON)

    assert post(proxy, f"/topics/{TOPIC}", {**GOOD, **change}, headers) == code
    assert proxy.records == {}


def test_the_twin_refuses_records_of_a_topic_that_nobody_made(proxy: SasquatchProxy) -> None:
    assert post(proxy, f"/topics/{TOPIC}", GOOD, AVRO) == 404
    assert post(proxy, "/v3/clusters/other/topics", CREATE, JSON) == 404
    assert post(proxy, f"/v3/clusters/{CLUSTER}/topics", {**CREATE, "more": 1}, JSON) == 400
    assert proxy.topics == {}


# --- what is sent ---


def test_topics_are_made_and_records_are_sent_once(proxy: SasquatchProxy) -> None:
    taken: list[str] = []
    metrics = [metric(1), metric(2), metric(3, "verifyDark")]

    sasquatch(proxy).send(metrics, taken.extend)
    sasquatch(proxy).send([metric(4)], taken.extend)

    assert proxy.refused == []
    assert taken == ["id-1", "id-2", "id-3", "id-4"]
    assert proxy.topics[TOPIC] == CREATE
    assert [record["id"] for record in proxy.records[TOPIC]] == ["id-1", "id-2", "id-4"]
    assert proxy.records[f"{NAMESPACE}.verifyDark"] == [dict(metrics[2].fields)]


def test_records_with_other_fields_have_a_schema_of_their_own(proxy: SasquatchProxy) -> None:
    taken: list[str] = []

    sasquatch(proxy).send([metric(1), metric(2, NOISE_median=3.0), metric(3)], taken.extend)

    assert proxy.refused == []
    assert sorted(taken) == ["id-1", "id-2", "id-3"]
    assert len(proxy.schemas[TOPIC]) == 2


def test_many_records_are_sent_in_several_requests(proxy: SasquatchProxy) -> None:
    taken: list[str] = []

    sasquatch(proxy).send([metric(number) for number in range(AT_ONCE + 1)], taken.extend)

    assert len(taken) == AT_ONCE + 1
    assert proxy.asked.count(f"POST /topics/{TOPIC}") == 2


def test_nothing_to_send_asks_nobody(proxy: SasquatchProxy) -> None:
    sasquatch(proxy).send([], lambda ids: None)

    assert proxy.asked == []


@pytest.mark.parametrize(
    ("faults", "token", "says"),
    [
        ({"/v3/clusters": 503}, TOKEN, "/v3/clusters answers 503"),
        ({"/topics": 500}, TOKEN, "/topics answers 500"),
        ({f"/topics/{TOPIC}": 422}, TOKEN, "A fault that was wanted"),
        ({"/v3/clusters": "html"}, TOKEN, "its answer is no JSON"),
        ({"/v3/clusters": 302}, TOKEN, "/v3/clusters answers 302"),
        ({}, "wrong", "it did not let us in (401)"),
        ({}, None, "it did not let us in (401)"),
    ],
)
def test_what_is_not_taken_is_told(
    proxy: SasquatchProxy, faults: dict[str, int | str], token: str | None, says: str
) -> None:
    proxy.faults.update(faults)
    taken: list[str] = []

    with pytest.raises(UnreachableError) as error:
        sasquatch(proxy, token).send([metric(1)], taken.extend)

    assert says in str(error.value)
    assert "wrong" not in str(error.value)
    assert taken == []
    assert proxy.records == {}
    # No redirect was followed with the token.
    assert not any("elsewhere" in request for request in proxy.asked)


def test_a_record_that_was_not_added_is_told_although_the_answer_is_200(proxy: SasquatchProxy) -> None:
    proxy.faults[TOPIC] = "partial"
    taken: list[str] = []

    with pytest.raises(UnreachableError, match="it did not take 1: the broker went away"):
        sasquatch(proxy).send([metric(1), metric(2)], taken.extend)

    assert taken == ["id-1"]


def test_a_proxy_that_is_away_is_told() -> None:
    with sasquatch_proxy() as proxy:
        away = sasquatch(proxy)

    with pytest.raises(UnreachableError, match="it cannot be reached"):
        away.send([metric(1)], lambda ids: None)
