"""What Rucio tells of itself."""

from __future__ import annotations

from datetime import timedelta
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

    def ping(client: Client) -> tuple[str, str | None]:
        # The client's own question keeps the headers to itself.
        answer = client.session.get(
            f"{client.host}/ping",
            verify=client.ca_cert or False,
            timeout=timeout.total_seconds(),
        )
        answer.raise_for_status()
        return str(answer.json()["version"]), answer.headers.get("Date")

    rucio = Rucio(timeout=timeout)
    version, date = rucio.ask("say who it is", ping)
    scopes = rucio.ask("list its scopes", lambda client: client.list_scopes())
    allowed, why = None, "not tried: Rucio tells only who writes"
    if scope not in scopes:
        allowed, why = False, f"the scope {scope} does not exist"
    return Examined(
        f"Rucio knows us as {rucio.account}",
        allowed,
        why,
        (f"Rucio {version}",),
        offset=offset_of(date),
    )
