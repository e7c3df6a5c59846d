"""What the tests of the demonstration's Rucio share."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest

from calibstate.demo.rucio.site import RucioSite


@pytest.fixture
def scope(rucio_site: RucioSite) -> Iterator[str]:
    """A scope of one's own, on a site that works again afterwards."""
    name = f"scope-{uuid4().hex[:8]}"
    rucio_site.add_scope(name)
    yield name
    rucio_site.transfers.mend()
    rucio_site.transfers.go_on()
    rucio_site.transfers.start()
