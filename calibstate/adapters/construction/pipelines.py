"""A pipeline that is run as it is, as if a template had asked for it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from ...errors import Diagnostic, RefusedError
from ...model.submissions import PipelineSubmission
from ...store.bpstemplates import BpsTemplate

__all__ = ["as_template"]

_VARIABLE = re.compile(r"\$\{([A-Za-z0-9_]+)\}")


def as_template(submission: PipelineSubmission, variables: Mapping[str, str]) -> BpsTemplate:
    """Return what a template would come to that asks for a pipeline.

    Parameters
    ----------
    submission
        What is to be run.
    variables
        Values of the variables, those of the environment included.

    Raises
    ------
    RefusedError
        A variable is not set, or the pipeline is not there.
    """
    for match in _VARIABLE.finditer(submission.pipeline):
        if not variables.get(match[1]):
            raise _unset(match[1], submission)
    pipeline = _VARIABLE.sub(lambda match: variables[match[1]], submission.pipeline)
    file, _, _ = pipeline.partition("#")
    # One with a scheme is no file of this machine.
    if "://" not in file and not Path(file).is_file():
        raise RefusedError(
            Diagnostic(
                "Pipeline is not there",
                f"{file} is no file; nothing says what is to be run.",
                hint="Correct it under `verify` in the instrument's file of daily verification.",
            )
        )
    return BpsTemplate(
        file=file,
        pipeline=pipeline,
        butler=variables["REPO"],
        inputs=submission.inputs,
        output=submission.output,
        run=submission.run,
        query=submission.query,
    )


def _unset(name: str, submission: PipelineSubmission) -> RefusedError:
    """Return the error that a variable of a pipeline is not set."""
    hint = f"Set {name}."
    if name == "CP_VERIFY_DIR":
        hint = "Set up cp_verify, or say `templates` under `construction` in the site's file."
    return RefusedError(
        Diagnostic(
            "Variable is not set",
            f"{name} is not set here, and the pipeline is {submission.pipeline}.",
            hint=hint,
        )
    )
