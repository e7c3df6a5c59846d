"""The part of Sasquatch's REST proxy that metrics are sent to, on loopback.

It is the REST proxy of Confluent: clusters and topics by its version 3, and
records by version 2, in Avro as JSON.  Each request is held to the published
form, and refused as the proxy refuses it.  A record is taken when all of its
fields have the type of the schema that comes with it.
"""

from __future__ import annotations

import json
import re
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from typing_extensions import override

__all__ = ["CLUSTER", "TOKEN", "SasquatchProxy", "sasquatch_proxy"]

CLUSTER = "loopback-cluster"
TOKEN = "gt-loopback"

_JSON = "application/json"
_AVRO = "application/vnd.kafka.avro.v2+json"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_TOPIC = re.compile(r"[A-Za-z0-9._-]{1,249}")
_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "float": (float, int),
    "double": (float, int),
    "int": int,
    "string": str,
}

Answer = tuple[int, Any]


@dataclass
class SasquatchProxy:
    """A proxy, and what it has taken."""

    address: str
    token: str | None = TOKEN
    """What opens it; `None`: it is open."""

    topics: dict[str, dict[str, Any]] = field(default_factory=dict)
    """How each was made, by name."""

    records: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """What it has taken, by topic."""

    schemas: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """The schemas that came with records, by topic."""

    asked: list[str] = field(default_factory=list)
    """Method and path of each request."""

    refused: list[str] = field(default_factory=list)
    """Why requests were refused."""

    faults: dict[str, int | str] = field(default_factory=dict)
    """By the end of a path: the code that is answered in its place; ``html``,
    a page; or ``partial``, the last record is not added."""

    def ids(self) -> Counter[str]:
        """Return how often each id was taken."""
        counter: Counter[str] = Counter()
        for records in self.records.values():
            counter.update(str(record["id"]) for record in records)
        return counter

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Answer a request as the proxy does."""
        self.asked.append(f"{method} {path}")
        fault = next((fault for end, fault in self.faults.items() if path.endswith(end)), None)
        if isinstance(fault, int):
            return fault, {"error_code": fault, "message": "A fault that was wanted"}
        if fault == "html":
            return 200, None
        if self.token and headers.get("Authorization") != f"Bearer {self.token}":
            return self._refuse(401, "Unauthorized")
        match method, path.strip("/").split("/"):
            case "GET", ["v3", "clusters"]:
                return 200, {"kind": "KafkaClusterList", "data": [{"cluster_id": CLUSTER}]}
            case "POST", ["v3", "clusters", cluster, "topics"]:
                return self._make(cluster, headers, body)
            case "POST", ["topics", topic]:
                return self._add(topic, headers, body, is_partial=fault == "partial")
        return self._refuse(404, "HTTP 404 Not Found")

    def _refuse(self, code: int, why: str) -> Answer:
        self.refused.append(why)
        return code, {"error_code": code, "message": why}

    def _make(self, cluster: str, headers: Mapping[str, str], body: bytes) -> Answer:
        if cluster != CLUSTER:
            return self._refuse(404, "Cluster not found")
        if headers.get("Content-Type") != _JSON:
            return self._refuse(415, "HTTP 415 Unsupported Media Type")
        wanted = _parsed(body)
        if set(wanted) != {"topic_name", "partitions_count", "replication_factor"}:
            return self._refuse(400, f"Unrecognized fields in {sorted(wanted)}")
        name = wanted["topic_name"]
        if not _TOPIC.fullmatch(name) or wanted["partitions_count"] < 1:
            return self._refuse(400, f"{name} is no topic")
        if name in self.topics:
            return 400, {"error_code": 40002, "message": f"Topic '{name}' already exists."}
        self.topics[name] = wanted
        return 201, {"kind": "KafkaTopic", "topic_name": name}

    def _add(self, topic: str, headers: Mapping[str, str], body: bytes, *, is_partial: bool) -> Answer:
        if headers.get("Content-Type") != _AVRO:
            return self._refuse(415, "HTTP 415 Unsupported Media Type")
        if topic not in self.topics:
            return self._refuse(404, f"Topic {topic} not found")
        request = _parsed(body)
        if set(request) != {"value_schema", "records"} or not isinstance(request["value_schema"], str):
            return self._refuse(422, f"Unrecognized fields in {sorted(request)}")
        schema = json.loads(request["value_schema"])
        if why := _wrong_in_schema(schema, topic):
            return self._refuse(422, f"Invalid Avro schema: {why}")
        for record in request["records"]:
            if why := _wrong_in_record(record, schema):
                return self._refuse(422, f"Conversion of JSON to Avro failed: {why}")
        self.schemas.setdefault(topic, []).append(schema)
        taken = self.records.setdefault(topic, [])
        offsets: list[dict[str, Any]] = []
        for number, record in enumerate(request["records"]):
            if is_partial and number == len(request["records"]) - 1:
                offsets.append({"error_code": 50002, "error": "the broker went away"})
                continue
            offsets.append({"partition": 0, "offset": len(taken), "error_code": None, "error": None})
            taken.append(record["value"])
        return 200, {"offsets": offsets, "key_schema_id": None, "value_schema_id": 1}


def _parsed(body: bytes) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(body)
    return parsed


def _wrong_in_schema(schema: Any, topic: str) -> str:
    if set(schema) != {"type", "namespace", "name", "fields"} or schema["type"] != "record":
        return f"{sorted(schema)} is no record"
    if f"{schema['namespace']}.{schema['name']}" != topic:
        return f"{schema['namespace']}.{schema['name']} is not {topic}"
    for part in schema["fields"]:
        if not _NAME.fullmatch(part["name"]) or part["type"] not in _TYPES:
            return f"{part} is no field"
        # As analysis_tools has it, so that a time keeps its seconds.
        if ("timestamp" in part["name"]) != (part["type"] == "double"):
            return f"{part['name']} is a {part['type']}"
    return ""


def _wrong_in_record(record: Any, schema: Any) -> str:
    if set(record) != {"value"}:
        return f"{sorted(record)} is no record"
    types = {part["name"]: part["type"] for part in schema["fields"]}
    values = record["value"]
    # Avro in JSON leaves no field out, whatever its default is.
    if set(values) != set(types):
        return f"fields {sorted(set(values) ^ set(types))}"
    for name, value in values.items():
        if isinstance(value, bool) or not isinstance(value, _TYPES[types[name]]):
            return f"{name} is {value!r}, not a {types[name]}"
    return ""


@contextmanager
def sasquatch_proxy(**settings: Any) -> Iterator[SasquatchProxy]:
    """Serve a proxy while the context lasts.

    Parameters
    ----------
    settings
        Of the proxy.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.serve()

        def do_POST(self) -> None:
            self.serve()

        def serve(self) -> None:
            size = int(self.headers.get("Content-Length") or 0)
            headers = dict(self.headers.items())
            code, answer = proxy.answer(self.command, self.path, headers, self.rfile.read(size))
            data = b"<html>sign in</html>" if answer is None else json.dumps(answer).encode()
            self.send_response(code)
            if 300 <= code < 400:
                self.send_header("Location", f"{proxy.address}/elsewhere")
            self.send_header("Content-Type", "text/html" if answer is None else _JSON)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        @override
        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    proxy = SasquatchProxy(f"http://127.0.0.1:{server.server_port}", **settings)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
