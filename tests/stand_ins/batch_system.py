"""A plugin of BPS whose batch system takes a batch, and runs it later.

As HTCondor and PanDA do.  What a batch does is said by a file in its folder.
"""

from __future__ import annotations

from pathlib import Path

from lsst.ctrl.bps import BaseWmsService, BaseWmsWorkflow, WmsStates


class Workflow(BaseWmsWorkflow):
    """A batch that is written down."""

    def write(self, out_prefix):
        Path(out_prefix, "queued").write_text("")


class Service(BaseWmsService):
    """A batch system that returns at once."""

    def prepare(self, config, generic_workflow, out_prefix=None):
        workflow = Workflow("queued", config)
        workflow.write(config["submitPath"])
        workflow.path = config["submitPath"]
        return workflow

    def submit(self, workflow, **kwargs):
        # BPS tells this to who submits, and takes it for what `status` asks.
        workflow.run_id = workflow.path
        Path(workflow.path, "state").write_text("PENDING")

    def restart(self, wms_workflow_id):
        Path(wms_workflow_id, "state").write_text("RUNNING")
        return wms_workflow_id, "queued", ""

    def get_status(self, wms_workflow_id, hist=1, is_global=False):
        return WmsStates[Path(wms_workflow_id, "state").read_text()], ""


class SilentService(Service):
    """One whose plugin cannot tell how a batch is, as that of Parsl."""

    def get_status(self, wms_workflow_id, hist=1, is_global=False):
        raise NotImplementedError
