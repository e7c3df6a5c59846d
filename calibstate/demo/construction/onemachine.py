"""Parsl on one machine, for the ``bps:`` settings of a site.

The plugin's own ``sites.Local`` gives Parsl no address, which then asks a
service outside for one.
"""

from __future__ import annotations

from typing import Any

from lsst.ctrl.bps.parsl.configuration import get_bps_config_value
from lsst.ctrl.bps.parsl.site import SiteConfig
from parsl.executors import HighThroughputExecutor, ThreadPoolExecutor
from parsl.executors.base import ParslExecutor
from parsl.providers import LocalProvider
from typing_extensions import override

__all__ = ["Loopback", "Threads"]


class Threads(SiteConfig):
    """A thread waits for each job: no sockets, and the quickest start.

    Its site says how many at once: ``cores``.
    """

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs, resource_list=[])

    @override
    def get_executors(self) -> list[ParslExecutor]:
        """Return the one executor."""
        return [ThreadPoolExecutor("local", max_threads=_cores(self))]

    @override
    def select_executor(self, job: Any) -> str:
        """Return the name of the executor of a job."""
        return "local"


class Loopback(SiteConfig):
    """Processes that are talked to over 127.0.0.1, as on a cluster's nodes.

    Its site says how many at once: ``cores``.
    """

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs, resource_list=["priority"])

    @override
    def get_executors(self) -> list[ParslExecutor]:
        """Return the one executor."""
        executor = HighThroughputExecutor(
            "local", address="127.0.0.1", provider=LocalProvider(), max_workers_per_node=_cores(self)
        )
        return [executor]

    @override
    def select_executor(self, job: Any) -> str:
        """Return the name of the executor of a job."""
        return "local"


def _cores(site: SiteConfig) -> int:
    return int(get_bps_config_value(site.site, "cores", int, required=True))
