"""The REST proxy of Sasquatch, spoken to as analysis_tools does.

Read from ``interfaces/datastore/_dispatcher.py`` of lsst/analysis_tools
1019819 and from the documentation of Confluent's REST proxy:

* ``GET /v3/clusters`` gives the id of the Kafka cluster;
* ``POST /v3/clusters/ID/topics`` makes a topic; 400 says that it is there;
* ``POST /topics/NAMESPACE.TOPIC`` adds records, with their Avro schema as a
  text.  With 200 it still tells of each record whether it was added.

No redirect is followed: the token is for the address that is declared.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from functools import cached_property
from typing import Any

import requests
from typing_extensions import override

from ..errors import Diagnostic, UnreachableError, keep_secret
from ..model.metrics import Metric, Value
from ..ports.metrics import MetricStore, Taken
from ..ports.silence import USUAL_TIMEOUT, heard

__all__ = ["AT_ONCE", "Sasquatch"]

AT_ONCE = 100
"""Records of one request."""

_PARTITIONS = 1
_REPLICATION_FACTOR = 3

_AVRO = "application/vnd.kafka.avro.v2+json"

_SHOWN = 200
"""Characters of what the proxy says that are told."""

_TYPES: Mapping[type, Mapping[str, Value]] = {
    float: {"type": "float", "default": 0.0},
    int: {"type": "int", "default": 0},
    str: {"type": "string", "default": ""},
}
"""Avro types, with the defaults that analysis_tools gives them."""


class Sasquatch(MetricStore):
    """A REST proxy of Sasquatch.

    Parameters
    ----------
    address
        What stands in front of ``/topics``.
    namespace
        What the names of topics begin with.
    token
        What opens it; `None`: it is open.
    timeout
        How long it may be silent.
    """

    def __init__(
        self,
        address: str,
        namespace: str,
        token: str | None = None,
        timeout: timedelta = USUAL_TIMEOUT,
    ) -> None:
        self._address = address.rstrip("/")
        self._namespace = namespace
        self._token = token
        self._timeout = timeout.total_seconds()
        self._made: set[str] = set()
        """Topics that are surely there."""
        keep_secret(token)

    @override
    def send(self, metrics: Sequence[Metric], taken: Taken) -> None:
        for some in _alike(metrics):
            topic = f"{self._namespace}.{some[0].topic}"
            self._make(topic)
            schema = _schema(self._namespace, some[0])
            records = [{"value": dict(metric.fields)} for metric in some]
            body = {"value_schema": json.dumps(schema), "records": records}
            answer = self._ask("POST", f"/topics/{topic}", body, _AVRO)
            refused = _refused(answer, len(some))
            # What was added beside those that were not is told all the same.
            ids = []
            for number, metric in enumerate(some):
                if number not in refused:
                    ids.append(metric.id)
            taken(ids)
            for words in refused.values():
                detail = f"of {len(some)} records of {topic} it did not take {len(refused)}: {words}"
                raise self._unreachable("Metrics were not taken", detail)

    def _make(self, topic: str) -> None:
        """Make a topic, unless it is there."""
        if topic in self._made:
            return
        body = {
            "topic_name": topic,
            "partitions_count": _PARTITIONS,
            "replication_factor": _REPLICATION_FACTOR,
        }
        # Of one that is there it says so by 400.
        self._ask("POST", f"/v3/clusters/{self._cluster}/topics", body, may_be=400)
        self._made.add(topic)

    @cached_property
    def _cluster(self) -> str:
        """The id of the cluster behind the proxy."""
        answer = self._ask("GET", "/v3/clusters")
        try:
            return str(answer["data"][0]["cluster_id"])
        except (LookupError, TypeError):
            raise self._unreachable("No answer of Sasquatch", "it names no cluster") from None

    def _ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        content: str = "application/json",
        may_be: int = 200,
    ) -> Any:
        """Return the answer to a request, as data."""
        headers = {"Content-Type": content}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        data = None
        if body is not None:
            # What is not finite is no JSON, and was left out before.
            data = json.dumps(body, allow_nan=False).encode()
        try:
            response = requests.request(
                method,
                f"{self._address}{path}",
                data=data,
                headers=headers,
                timeout=self._timeout,
                allow_redirects=False,
            )
        except (requests.RequestException, OSError) as error:
            # Its words may hold what it was given.
            detail = f"it cannot be reached ({type(error).__name__})"
            raise self._unreachable("Sasquatch does not answer", detail) from None
        heard()
        code = response.status_code
        if 300 <= code < 400:
            raise self._unreachable("Sasquatch sends us elsewhere", f"{path} answers {code}")
        if code in {401, 403}:
            detail = f"it did not let us in ({code})"
            raise self._unreachable("Sasquatch did not let us in", detail, _SIGN_IN)
        if not response.ok and code != may_be:
            detail = f"{path} answers {code}{_words(response)}"
            raise self._unreachable("Sasquatch does not take it", detail)
        try:
            return response.json()
        except ValueError:
            detail = "its answer is no JSON; a page to sign in at, or a proxy's, is none"
            raise self._unreachable("No answer of Sasquatch", detail) from None

    def _unreachable(self, summary: str, detail: str, hint: str = "") -> UnreachableError:
        return UnreachableError(
            Diagnostic(
                summary,
                f"{self._address}: {detail}.",
                hint=hint or "What was not taken is sent by the next run with --send.",
            )
        )


_SIGN_IN = "Check CALIBSTATE_SASQUATCH_TOKEN: what opens the proxy."


def _alike(metrics: Sequence[Metric]) -> Iterator[Sequence[Metric]]:
    """Yield metrics that one request can send: of one topic and schema."""
    groups: dict[tuple[str, ...], list[Metric]] = {}
    for metric in metrics:
        # Tests that one detector lacks make another schema.
        types = [f"{name} {type(value).__name__}" for name, value in metric.fields.items()]
        group = groups.setdefault((metric.topic, *types), [])
        group.append(metric)
    for group in groups.values():
        for begin in range(0, len(group), AT_ONCE):
            yield group[begin : begin + AT_ONCE]


def _schema(namespace: str, metric: Metric) -> Mapping[str, Any]:
    """Return the Avro schema of a metric."""
    fields = []
    for name, value in metric.fields.items():
        # A float of Avro has not enough digits for a time.
        avro = {"type": "double"} if "timestamp" in name else _TYPES[type(value)]
        fields.append({"name": name, **avro})
    return {
        "type": "record",
        "namespace": namespace,
        "name": metric.topic,
        "fields": fields,
    }


def _refused(answer: Any, number: int) -> dict[int, str]:
    """Return which records were not added, and why, by their place."""
    offsets: Any = None
    if isinstance(answer, Mapping):
        offsets = answer.get("offsets")
    if not isinstance(offsets, list) or len(offsets) != number:
        return dict.fromkeys(range(number), "its answer does not tell of each record")
    refused = {}
    for place, offset in enumerate(offsets):
        # Null, where it was added.
        if offset.get("error_code"):
            refused[place] = str(offset.get("error", ""))[:_SHOWN]
    return refused


def _words(response: requests.Response) -> str:
    """Return what the proxy says, in a line, unless it is a page."""
    text = " ".join(response.text.split())
    if not text or text.startswith("<"):
        return ""
    return f": {text[:_SHOWN]}"
