"""Rucio to add to.

Every call may be made again: what is there already is left as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from rucio.common.exception import (
    AccessDenied,
    DuplicateRule,
    InsufficientAccountLimit,
    InsufficientTargetRSEs,
    InvalidRSEExpression,
    RSEWriteBlocked,
    RuleNotFound,
    UnsupportedOperation,
)
from typing_extensions import override

from ...errors import Diagnostic, PlanIsStaleError
from ...model.names import with_code_points
from ...model.settings import RucioSettings
from ...ports.progress import Watch, unwatched
from ...ports.records import Fence, unfenced
from ...ports.rucio import FileToRegister, RucioWriter
from ...ports.silence import USUAL_TIMEOUT
from .asking import Rucio
from .reader import RucioServerReader

if TYPE_CHECKING:
    from rucio.client import Client

__all__ = ["RucioServerWriter", "open_rucio"]

_MANY = 1000
"""Files of a dataset above which a rule is made by and by: at once it would
take 20 ms a file."""


class RucioServerWriter(RucioServerReader, RucioWriter):
    """A Rucio server, to add to."""

    @override
    def register(
        self,
        dataset: str,
        files: Sequence[FileToRegister],
        *,
        watch: Watch = unwatched,
        fence: Fence = unfenced,
    ) -> None:
        """Register files at the origin's RSE and attach them to a dataset."""
        # With this the butler is imported.
        from .registering import register

        register(self, self._rucio, self._settings, dataset, files, watch, fence)

    @override
    def close(self, dataset: str) -> None:
        """Close a dataset; nothing happens where it is closed."""
        scope = self._settings.scope

        def close(client: Client) -> None:
            if not client.get_did(scope, dataset)["open"]:
                return
            try:
                client.close(scope, dataset)
            except UnsupportedOperation:
                # Rucio refuses to close what is closed, since a moment ago.
                if client.get_did(scope, dataset)["open"]:
                    raise

        hint = f"The owner of the scope can run `rucio did update --close {scope}:{dataset}`."
        self._rucio.ask(f"close {self._did(dataset)}", close, {AccessDenied: hint})

    @override
    def add_rule(self, dataset: str, rse: str, *, comment: str) -> None:
        """Have Rucio keep one copy of all files at an RSE, for good."""
        writable = f"An administrator can run `rucio rse update {rse} --key availability_write --value True`."
        hints = {
            InsufficientAccountLimit: "An administrator can run "
            f"`rucio account limit set {self.account} --rse {rse} --bytes BYTES`.",
            InsufficientTargetRSEs: writable,
            InvalidRSEExpression: "Correct `rse` in the site's file; `rucio rse list` tells those there are.",
            RSEWriteBlocked: writable,
        }
        scope = self._settings.scope

        def add(client: Client) -> None:
            did = client.get_did(scope, dataset, dynamic_depth="FILE")
            files = did["length"] or 0
            try:
                client.add_replication_rule(
                    [{"scope": scope, "name": dataset}],
                    copies=1,
                    rse_expression=rse,
                    comment=comment,
                    asynchronous=files > _MANY,
                )
            except DuplicateRule:
                # Somebody has made it, or a try whose answer was lost.
                return

        self._rucio.ask(f"keep a copy of {self._did(dataset)} at {with_code_points(rse)}", add, hints)

    @override
    def keep_rule(self, rule: str) -> None:
        """Have a rule last."""
        hint = f"An administrator can run `rucio rule update --lifetime None {rule}`."
        self._change(rule, f"let the rule {rule} last", {"lifetime": None}, hint)

    @override
    def boost_rule(self, rule: str) -> None:
        """Have Rucio try a stuck rule again at its next occasion."""
        hint = f"An administrator can run `rucio rule update --boost-rule {rule}`."
        self._change(rule, f"try the rule {rule} again", {"boost_rule": True}, hint)

    def _change(
        self,
        rule: str,
        what: str,
        options: dict[str, Any],
        hint: str,
    ) -> None:
        def change(client: Client) -> None:
            try:
                client.update_replication_rule(rule, options)
            except RuleNotFound as error:
                raise PlanIsStaleError(
                    Diagnostic(
                        "Rule is gone",
                        f"Rucio has no rule {rule} any more.",
                        hint="Plan again; a rule that is needed will be made anew.",
                    )
                ) from error

        self._rucio.ask(what, change, {AccessDenied: hint})


def open_rucio(
    settings: RucioSettings,
    *,
    pause: float = 1.0,
    timeout: timedelta = USUAL_TIMEOUT,
) -> RucioServerWriter:
    """Return Rucio as its own configuration names it; nothing is asked yet.

    Parameters
    ----------
    settings
        How datasets and files are called.
    pause
        Seconds before the second try of what may pass by itself.
    timeout
        How long Rucio may be silent.
    """
    return RucioServerWriter(settings, Rucio(pause, timeout))
