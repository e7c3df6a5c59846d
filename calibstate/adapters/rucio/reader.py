"""Rucio to look at.

What a rule says and what is there are two things, so both are asked.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from math import inf
from typing import TYPE_CHECKING, Any

from rucio.common.exception import DataIdentifierNotFound, InvalidRSEExpression, RSENotFound
from typing_extensions import override

from ...model.names import with_code_points
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
        self,
        names: Iterable[str],
        *,
        sidecars: Iterable[str] = (),
    ) -> Mapping[str, RegisteredDataset]:
        """Return those datasets that exist, with their files."""
        with_sidecars = set(sidecars)
        datasets = {}
        for row in self._described(names, "DID_COLUMN"):
            name = row["name"]
            # A file or a container can have such a name too.
            if row["did_type"] != "DATASET":
                continue
            rows = self._files_of(name)
            if rows is None:
                # It was erased since it was described.
                continue
            uuids: Mapping[str, str | None] = {}
            if name in with_sidecars:
                uuids = self._uuids(rows)
            files = {file["name"]: _file(file, uuids) for file in rows}
            datasets[name] = RegisteredDataset(bool(row["is_open"]), files)
        return datasets

    @override
    def files(self, names: Iterable[str]) -> Mapping[str, RegisteredFile]:
        """Return those files that are registered, in whatever dataset."""
        rows = {}
        for row in self._described(names, "DID_COLUMN"):
            if row["did_type"] == "FILE":
                rows[row["name"]] = row
        uuids = self._uuids(rows.values())
        return {name: _file(row, uuids) for name, row in rows.items()}

    @override
    def rules(self, dataset: str) -> tuple[Rule, ...]:
        """Return the rules that keep all files of a dataset somewhere."""
        rows = self._rules_on(self._settings.scope, dataset)
        rows += self._rules_on_others(dataset)
        # Many rules have the same expression; each is asked for once.
        rses: dict[str, frozenset[str]] = {}
        for expression in {row["rse_expression"] for row in rows}:
            rses[expression] = self._rses(expression)
        rules = []
        for row in rows:
            rule = self._rule(row, rses[row["rse_expression"]])
            rules.append(rule)
        return tuple(rules)

    @override
    def available(self, dataset: str) -> Mapping[str, int]:
        """Return how many files of a dataset are available, by RSE."""
        scope = self._settings.scope
        rows = self._rucio.ask(
            f"count the replicas of {self._did(dataset)}",
            lambda client: list(client.list_dataset_replicas(scope, dataset, deep=True)),
        )
        available = {}
        for row in rows:
            if row["available_length"]:
                # PostgreSQL makes floats of sums.
                available[row["rse"]] = int(row["available_length"])
        return available

    @override
    def storage(self, rse: str) -> Storage | None:
        """Return what may be put at an RSE; `None` where there is none."""

        def describe(client: Client) -> Row | None:
            try:
                return dict(client.get_rse(rse))
            except RSENotFound:
                return None

        element = self._rucio.ask(f"describe the storage element {with_code_points(rse)}", describe)
        if element is None:
            return None
        is_writable = bool(element["availability_write"])
        account = self._rucio.account
        room = self._rucio.ask(
            f"tell the room at {with_code_points(rse)}",
            lambda client: _room(client, account, rse),
        )
        if room == inf:
            return Storage(is_writable, None)
        # It is negative where more is used than the limit allows now.
        return Storage(is_writable, max(0, int(room)))

    @override
    def has_scope(self) -> bool:
        """Say whether the scope exists."""
        scopes = self._rucio.ask("list its scopes", lambda client: client.list_scopes())
        return self._settings.scope in scopes

    @override
    def pfn(self, name: str) -> str | None:
        """Return the URL that the origin's RSE builds for a file."""
        rse = self._settings.origin_rse
        did = f"{self._settings.scope}:{name}"

        def build(client: Client) -> str | None:
            try:
                pfns = client.lfns2pfns(rse, [did], operation="write")
            except RSENotFound:
                return None
            return dict(pfns).get(did)

        return self._rucio.ask(f"tell the URL of {did} at {rse}", build)

    # How it asks.  A question is called again after a failure that may pass,
    # so each reads its answer to the end: Rucio's lists come bit by bit.

    def _did(self, dataset: str) -> str:
        return f"`{self._settings.scope}:{dataset}`"

    def _described(
        self,
        names: Iterable[str],
        plugin: str,
    ) -> Iterator[Row]:
        """Return what Rucio says of those names that it knows."""
        distinct = list(dict.fromkeys(names))
        for begin in range(0, len(distinct), _CHUNK):
            chunk = distinct[begin : begin + _CHUNK]
            what = f"describe {self._did(chunk[0])}"
            if len(chunk) > 1:
                what += f" and {len(chunk) - 1} more"
            dids = [{"scope": self._settings.scope, "name": name} for name in chunk]
            yield from self._rucio.ask(
                what,
                lambda client, dids=dids: list(client.get_metadata_bulk(dids, plugin=plugin)),  # type: ignore[misc]
            )

    def _files_of(self, dataset: str) -> list[Row] | None:
        """Return the files of a dataset of ours; `None`: there is none."""
        scope = self._settings.scope
        return self._rucio.ask(
            f"list the files of {self._did(dataset)}",
            lambda client: _files_in(client, scope, dataset),
        )

    def _uuids(self, files: Iterable[Row]) -> Mapping[str, str | None]:
        """Return the datasets that the sidecars of files name."""
        names = [file["name"] for file in files]
        uuids = {}
        for row in self._described(names, "JSON"):
            uuids[row["name"]] = _uuid(row.get("rubin_sidecar"))
        return uuids

    def _rules_on(self, scope: str, dataset: str) -> list[Row]:
        def list_rules(client: Client) -> list[Row]:
            try:
                return list(client.list_did_rules(scope, dataset))
            except DataIdentifierNotFound:
                return []

        return self._rucio.ask(f"list the rules of `{scope}:{dataset}`", list_rules)

    def _rules_on_others(self, dataset: str) -> list[Row]:
        """Return rules on other closed datasets that hold all its files."""
        others = self._datasets_with_a_file_of(dataset)
        others.discard((self._settings.scope, dataset))
        if not others:
            return []
        rows = self._files_of(dataset) or ()
        files = {row["name"] for row in rows}
        # All holders are known before the first is asked for its rules.
        holders = [other for other in sorted(others) if self._holds_for_good(other, files)]
        rules: list[Row] = []
        for other in holders:
            rules += self._rules_on(*other)
        return rules

    def _datasets_with_a_file_of(self, dataset: str) -> set[tuple[str, str]]:
        """Return the datasets that hold the first file of one.

        Whatever holds all its files is among them.
        """
        scope = self._settings.scope

        def list_parents(client: Client) -> list[Row]:
            try:
                file = next(iter(client.list_content(scope, dataset)), None)
                if file is None:
                    return []
                return list(client.list_parent_dids(file["scope"], file["name"]))
            except DataIdentifierNotFound:
                return []

        parents = self._rucio.ask(
            f"list the datasets that hold a file of {self._did(dataset)}",
            list_parents,
        )
        return {_key(parent) for parent in parents if parent["type"] == "DATASET"}

    def _holds_for_good(
        self,
        other: tuple[str, str],
        files: set[str],
    ) -> bool:
        """Say whether another dataset holds files of ours and is closed."""
        scope, name = other

        def list_if_closed(client: Client) -> list[Row] | None:
            try:
                is_open = bool(client.get_did(scope, name)["open"])
            except DataIdentifierNotFound:
                return None
            # From an open one any file may be taken away.
            if is_open:
                return None
            return _files_in(client, scope, name)

        rows = self._rucio.ask(f"list the files of `{scope}:{name}`", list_if_closed)
        if rows is None:
            return False
        held = {row["name"] for row in rows if row["scope"] == self._settings.scope}
        return files <= held

    def _rses(self, expression: str) -> frozenset[str]:
        def list_names(client: Client) -> list[str]:
            try:
                return [row["rse"] for row in client.list_rses(expression)]
            except InvalidRSEExpression:
                # None of them exists any more.
                return []

        what = f"list the storage elements of `{expression}`"
        return frozenset(self._rucio.ask(what, list_names))

    def _rule(self, row: Row, rses: frozenset[str]) -> Rule:
        """Return a rule, whose expression means some RSEs."""
        scope, dataset = _key(row)
        if scope != self._settings.scope:
            dataset = f"{scope}:{dataset}"
        if row["copies"] != len(rses):
            # It lets Rucio choose, so that no RSE is sure to have a copy.
            rses = frozenset()
        state = RuleState(row["state"])
        reason = row["error"] or ""
        retry_due = False
        if state is RuleState.STUCK:
            reason = self._reason(row)
            since_update = datetime.now(UTC) - row["updated_at"].replace(tzinfo=UTC)
            retry_due = since_update > _RETRIED_AFTER
        return Rule(
            id=row["id"],
            account=row["account"],
            dataset=dataset,
            rses=rses,
            state=state,
            ok=row["locks_ok_cnt"],
            replicating=row["locks_replicating_cnt"],
            stuck=row["locks_stuck_cnt"],
            since=_utc(row["created_at"]) or "",
            expires_at=_utc(row["expires_at"]),
            retry_due=retry_due,
            reason=reason,
        )

    def _reason(self, row: Row) -> str:
        """Return why a rule is stuck: what it says, and its transfers."""
        transfers = self._rucio.ask(
            f"say why the rule {row['id']} is stuck",
            lambda client: client.examine_replication_rule(row["id"]).get("transfers") or (),
        )
        reasons = [row["error"]]
        for transfer in transfers:
            reasons.append(transfer.get("last_error"))
        distinct: list[str] = []
        for reason in reasons:
            # Some transfers say no more than that they failed.
            if not reason or reason.startswith("RequestState."):
                continue
            if not any(reason in earlier for earlier in distinct):
                distinct.append(reason)
        return "; ".join(distinct)


def _files_in(client: Client, scope: str, name: str) -> list[Row] | None:
    try:
        return list(client.list_files(scope, name))
    except DataIdentifierNotFound:
        return None


def _room(client: Client, account: str, rse: str) -> float:
    """Return the bytes that Rucio's own choice of an RSE would still allow."""
    # A list of lists of attributes; what the attribute says does not count.
    attributes: list[Row] = []
    for row in client.list_account_attributes(account):
        attributes += row
    if any(attribute["key"] == "admin" for attribute in attributes):
        return inf
    usage = client.get_local_account_usage(account, rse)
    local: list[float] = [row["bytes_remaining"] for row in usage]
    # A global limit is one of an expression, which may mean this RSE.
    concerned = set()
    for expression, limit in client.get_global_account_limits(account).items():
        if rse in limit["resolved_rses"]:
            concerned.add(expression)
    everywhere: list[float] = []
    if concerned:
        for row in client.get_global_account_usage(account):
            if row["rse_expression"] in concerned:
                everywhere.append(row["bytes_remaining"])
    if not local:
        # No limit at all means no room at all.
        return 0
    return min([*local, *everywhere])


def _key(row: Row) -> tuple[str, str]:
    return row["scope"], row["name"]


def _file(row: Row, uuids: Mapping[str, str | None]) -> RegisteredFile:
    size = int(row["bytes"] or 0)
    adler32 = (row["adler32"] or "").lower().zfill(8)
    return RegisteredFile(size, adler32, uuids.get(row["name"]))


def _uuid(sidecar: object) -> str | None:
    """Return the dataset that a sidecar names, if it is one."""
    if isinstance(sidecar, str):
        try:
            sidecar = json.loads(sidecar)
        except json.JSONDecodeError:
            return None
    if not isinstance(sidecar, dict):
        return None
    uuid = sidecar.get("id")
    if not isinstance(uuid, str):
        return None
    return uuid


def _utc(moment: datetime | None) -> str | None:
    if moment is None:
        return None
    # Rucio tells UTC, without saying so.
    text = moment.replace(tzinfo=None).isoformat(timespec="seconds")
    return f"{text}Z"
