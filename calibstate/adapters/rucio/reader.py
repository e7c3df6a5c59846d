"""Rucio to look at.

What a rule says and what is there are two things, so both are asked.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from math import inf
from typing import TYPE_CHECKING, Any

from rucio.common.exception import DataIdentifierNotFound, InvalidRSEExpression, RSENotFound
from typing_extensions import override

from ...model.rucio import RegisteredDataset, RegisteredFile, Rule, RuleState, Storage
from ...model.settings import RucioSettings
from ...ports.rucio import RucioReader
from .asking import Rucio

if TYPE_CHECKING:
    from rucio.client import Client

__all__ = ["RucioServerReader"]

_CHUNK = 500
"""Files whose metadata are asked at once."""

_RETRIED_AFTER = timedelta(hours=2)
"""Rucio leaves a stuck rule alone for so long."""

Row = dict[str, Any]


class RucioServerReader(RucioReader):
    """A Rucio server, to look at.

    Parameters
    ----------
    settings
        How datasets and files are called.
    rucio
        The server.
    """

    def __init__(self, settings: RucioSettings, rucio: Rucio) -> None:
        self._settings = settings
        self._rucio = rucio

    @property
    @override
    def account(self) -> str:
        """The account that asks."""
        return self._rucio.account

    @override
    def datasets(
        self, names: Iterable[str], *, sidecars: Iterable[str] = ()
    ) -> Mapping[str, RegisteredDataset]:
        """Return those datasets that exist, with their files."""
        with_sidecars = set(sidecars)
        datasets = {}
        for row in self._described(names, "DID_COLUMN"):
            files = self._files_of(row["name"]) if row["did_type"] == "DATASET" else None
            if files is not None:
                uuids = self._uuids(files) if row["name"] in with_sidecars else {}
                held = {file["name"]: _file(file, uuids.get(file["name"])) for file in files}
                datasets[row["name"]] = RegisteredDataset(bool(row["is_open"]), held)
        return datasets

    @override
    def files(self, names: Iterable[str]) -> Mapping[str, RegisteredFile]:
        """Return those files that are registered, in whatever dataset."""
        rows = {row["name"]: row for row in self._described(names, "DID_COLUMN") if row["did_type"] == "FILE"}
        uuids = self._uuids(rows.values())
        return {name: _file(row, uuids.get(name)) for name, row in rows.items()}

    @override
    def rules(self, dataset: str) -> tuple[Rule, ...]:
        """Return the rules that keep all files of a dataset somewhere."""
        rows = [*self._rules_on(self._settings.scope, dataset), *self._rules_on_others(dataset)]
        expressions = {row["rse_expression"] for row in rows}
        rses = {expression: self._rses(expression) for expression in expressions}
        return tuple(self._rule(row, rses[row["rse_expression"]]) for row in rows)

    @override
    def available(self, dataset: str) -> Mapping[str, int]:
        """Return how many files of a dataset are available, by RSE."""
        rows = self._rucio.ask(
            f"count the replicas of {self._did(dataset)}",
            lambda client: list(client.list_dataset_replicas(self._settings.scope, dataset, deep=True)),
        )
        # PostgreSQL makes floats of sums.
        return {row["rse"]: int(row["available_length"]) for row in rows if row["available_length"]}

    @override
    def storage(self, rse: str) -> Storage | None:
        """Return what may be put at an RSE; `None` where there is none."""
        element = self._rucio.ask(f"describe the storage element {rse}", lambda client: _rse(client, rse))
        if element is None:
            return None
        room = self._rucio.ask(
            f"tell the room at {rse}", lambda client: _room(client, self._rucio.account, rse)
        )
        return Storage(bool(element["availability_write"]), None if room == inf else max(0, int(room)))

    @override
    def has_scope(self) -> bool:
        """Say whether the scope exists."""
        return self._settings.scope in self._rucio.ask("list its scopes", lambda client: client.list_scopes())

    @override
    def pfn(self, name: str) -> str | None:
        """Return the URL that the origin's RSE builds for a file."""
        rse, did = self._settings.origin_rse, f"{self._settings.scope}:{name}"
        pfns = self._rucio.ask(f"tell the URL of {did} at {rse}", lambda client: _pfns(client, rse, did))
        return pfns.get(did)

    # How it asks

    def _did(self, dataset: str) -> str:
        return f"`{self._settings.scope}:{dataset}`"

    def _described(self, names: Iterable[str], plugin: str) -> Iterator[Row]:
        """Return what Rucio says of those names that it knows."""
        for chunk in _chunks(list(dict.fromkeys(names)), _CHUNK):
            dids = [{"scope": self._settings.scope, "name": name} for name in chunk]
            yield from self._rucio.ask(
                f"describe {self._did(chunk[0])}{_and_more(chunk)}",
                lambda client, dids=dids: list(client.get_metadata_bulk(dids, plugin=plugin)),  # type: ignore[misc]
            )

    def _files_of(self, dataset: str) -> list[Row] | None:
        what = f"list the files of {self._did(dataset)}"
        return self._rucio.ask(what, lambda client: _files_in(client, self._settings.scope, dataset))

    def _uuids(self, files: Iterable[Row]) -> Mapping[str, str | None]:
        rows = self._described([file["name"] for file in files], "JSON")
        return {row["name"]: _uuid(row.get("rubin_sidecar")) for row in rows}

    def _rules_on(self, scope: str, dataset: str) -> list[Row]:
        what = f"list the rules of `{scope}:{dataset}`"
        return self._rucio.ask(what, lambda client: _rules_on(client, scope, dataset))

    def _rules_on_others(self, dataset: str) -> list[Row]:
        """Return rules on other closed datasets that hold all its files."""
        what = f"list the datasets that hold a file of {self._did(dataset)}"
        scope = self._settings.scope
        parents = self._rucio.ask(what, lambda client: _parents_of_a_file_in(client, scope, dataset))
        others = sorted(parents - {(scope, dataset)})
        if not others:
            return []
        files = {file["name"] for file in self._files_of(dataset) or ()}
        holders = [other for other in others if self._holds_for_good(other, files)]
        rules: list[Row] = []
        for other in holders:
            rules += self._rules_on(*other)
        return rules

    def _holds_for_good(self, other: tuple[str, str], files: set[str]) -> bool:
        scope, name = other
        held = self._rucio.ask(
            f"list the files of `{scope}:{name}`",
            lambda client: None if _is_open(client, scope, name) else _files_in(client, scope, name),
        )
        return held is not None and files <= {f["name"] for f in held if f["scope"] == self._settings.scope}

    def _rses(self, expression: str) -> frozenset[str]:
        what = f"list the storage elements of `{expression}`"
        return self._rucio.ask(what, lambda client: _rses_of(client, expression))

    def _rule(self, row: Row, rses: frozenset[str]) -> Rule:
        scope, name = _key(row)
        state = RuleState(row["state"])
        is_stuck = state is RuleState.STUCK
        return Rule(
            id=row["id"],
            account=row["account"],
            dataset=name if scope == self._settings.scope else f"{scope}:{name}",
            rses=rses if row["copies"] == len(rses) else frozenset(),
            state=state,
            ok=row["locks_ok_cnt"],
            replicating=row["locks_replicating_cnt"],
            stuck=row["locks_stuck_cnt"],
            since=_utc(row["created_at"]) or "",
            expires_at=_utc(row["expires_at"]),
            retry_due=is_stuck and _age(row["updated_at"]) > _RETRIED_AFTER,
            reason=self._reason(row) if is_stuck else row["error"] or "",
        )

    def _reason(self, row: Row) -> str:
        transfers = self._rucio.ask(
            f"say why the rule {row['id']} is stuck",
            lambda client: client.examine_replication_rule(row["id"]).get("transfers") or (),
        )
        return _joined([row["error"] or "", *(transfer.get("last_error") or "" for transfer in transfers)])


def _joined(reasons: Iterable[str]) -> str:
    distinct: list[str] = []
    for reason in reasons:
        # Some transfers say no more than that they failed.
        if not reason or reason.startswith("RequestState."):
            continue
        if not any(reason in earlier for earlier in distinct):
            distinct.append(reason)
    return "; ".join(distinct)


def _chunks(names: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for begin in range(0, len(names), size):
        yield names[begin : begin + size]


def _and_more(names: Sequence[str]) -> str:
    return f" and {len(names) - 1} more" if len(names) > 1 else ""


def _files_in(client: Client, scope: str, name: str) -> list[Row] | None:
    try:
        return list(client.list_files(scope, name))
    except DataIdentifierNotFound:
        return None


def _rules_on(client: Client, scope: str, name: str) -> list[Row]:
    try:
        return list(client.list_did_rules(scope, name))
    except DataIdentifierNotFound:
        return []


def _parents_of_a_file_in(client: Client, scope: str, name: str) -> set[tuple[str, str]]:
    try:
        file = next(iter(client.list_content(scope, name)), None)
        parents = list(client.list_parent_dids(file["scope"], file["name"])) if file else []
    except DataIdentifierNotFound:
        return set()
    return {_key(parent) for parent in parents if parent["type"] == "DATASET"}


def _is_open(client: Client, scope: str, name: str) -> bool:
    try:
        return bool(client.get_did(scope, name)["open"])
    except DataIdentifierNotFound:
        return True


def _rses_of(client: Client, expression: str) -> frozenset[str]:
    try:
        return frozenset(row["rse"] for row in client.list_rses(expression))
    except InvalidRSEExpression:
        # None of them exists any more.
        return frozenset()


def _rse(client: Client, rse: str) -> Row | None:
    try:
        return dict(client.get_rse(rse))
    except RSENotFound:
        return None


def _pfns(client: Client, rse: str, did: str) -> Mapping[str, str]:
    try:
        return dict(client.lfns2pfns(rse, [did], operation="write"))
    except RSENotFound:
        return {}


def _room(client: Client, account: str, rse: str) -> float:
    """Return the bytes that Rucio's own choice of an RSE would still allow."""
    # A list of lists of attributes; what the attribute says does not count.
    attributes: list[Row] = []
    for row in client.list_account_attributes(account):
        attributes += row
    if any(attribute["key"] == "admin" for attribute in attributes):
        return inf
    # No limit at all means no room at all.
    local = [row["bytes_remaining"] for row in client.get_local_account_usage(account, rse)]
    concerned = {
        expression
        for expression, limit in client.get_global_account_limits(account).items()
        if rse in limit["resolved_rses"]
    }
    usage = client.get_global_account_usage(account) if concerned else ()
    everywhere = [row["bytes_remaining"] for row in usage if row["rse_expression"] in concerned]
    return min([*local, *everywhere]) if local else 0


def _key(row: Row) -> tuple[str, str]:
    return row["scope"], row["name"]


def _file(row: Row, uuid: str | None) -> RegisteredFile:
    return RegisteredFile(int(row["bytes"] or 0), (row["adler32"] or "").lower().zfill(8), uuid)


def _uuid(sidecar: object) -> str | None:
    """Return the dataset that a sidecar names, if it is one."""
    try:
        value = json.loads(sidecar) if isinstance(sidecar, str) else sidecar
    except json.JSONDecodeError:
        return None
    uuid = value.get("id") if isinstance(value, dict) else None
    return uuid if isinstance(uuid, str) else None


def _utc(moment: datetime | None) -> str | None:
    # Rucio tells UTC, without saying so.
    return None if moment is None else f"{moment.replace(tzinfo=None).isoformat(timespec='seconds')}Z"


def _age(moment: datetime) -> timedelta:
    return datetime.now(UTC) - moment.replace(tzinfo=UTC)
