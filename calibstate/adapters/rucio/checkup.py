"""What Rucio tells of itself."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from ...model.checkups import Examined
from ...ports.silence import USUAL_TIMEOUT
from ..checkup import offset_of
from .asking import Rucio

if TYPE_CHECKING:
    from rucio.client import Client

__all__ = ["examine"]


def examine(scope: str, timeout: timedelta = USUAL_TIMEOUT) -> Examined:
    """Look whether one can work with Rucio; nothing is written.

    Parameters
    ----------
    scope
        Where our datasets are.
    timeout
        How long Rucio may be silent.

    Raises
    ------
    RefusedError
        Rucio refuses.
    UnreachableError
        It does not answer, or did not let us in.
    """
    rucio = Rucio(timeout=timeout)
    version, date = rucio.ask("say who it is", partial(_ping, timeout))
    has_scope = scope in rucio.ask("list its scopes", lambda client: client.list_scopes())
    return Examined(
        f"Rucio knows us as {rucio.account}",
        None if has_scope else False,
        "not tried: Rucio tells only who writes" if has_scope else f"the scope {scope} does not exist",
        (f"Rucio {version}",),
        offset=offset_of(date),
    )


def _ping(timeout: timedelta, client: Client) -> tuple[str, str | None]:
    # The client's own question keeps the headers to itself.
    answer = client.session.get(
        f"{client.host}/ping", verify=client.ca_cert or False, timeout=timeout.total_seconds()
    )
    answer.raise_for_status()
    return str(answer.json()["version"]), answer.headers.get("Date")
