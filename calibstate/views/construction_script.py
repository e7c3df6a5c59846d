"""A construction as a script, to read, to attach, or to run by hand.

It follows from the files alone, and is the same for the same files.  It does
what section 7 of DMTN-222 does, but for what that leaves to chance: nothing
is redefined, and every variable is set.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator

from ..errors import without_secrets
from ..model.constructed import Constructed
from ..model.constructions import Recipe
from ..model.results.constructions import ConstructionShown
from ..model.submissions import Submission
from .shell_words import ShellWord, expanded, in_document, quoted, shortened

__all__ = ["as_shell"]

_HOMES = {"cp_pipe": "CP_PIPE_DIR", "cp_verify": "CP_VERIFY_DIR"}

_REPOSITORY = ShellWord("$REPO")

_WIDTH = 100
"""Characters of a line, but for a word that is longer."""

_EMPTY_CHAIN = """\
# It is searched before anything is in it; no command makes it empty.
python - <<'EOF'
import os
from lsst.daf.butler import Butler, CollectionType
with Butler.from_config(os.environ['REPO'], writeable=True) as butler:
    butler.collections.register({chain}, CollectionType.CHAINED)
EOF"""
"""What makes the ticket collection, which is there before it is searched."""

_PAUSE = """\
pause() {  # Wait for a person who looks at images, if there is one.
    if [ -t 0 ]; then
        read -r -p "Look at $1, then press Enter to go on, or Ctrl-C to stop. "
    fi
}"""


def as_shell(result: ConstructionShown) -> Iterator[str]:
    """Yield the lines of the script."""
    yield from _Script(result).lines()


class _Script:
    """The script of one construction."""

    def __init__(self, result: ConstructionShown) -> None:
        self._result = result
        self._settings = result.settings
        self._constructed = Constructed(result.ticket, result.prefix)
        self._construction = self._constructed.construction
        self._variables = self._constructed.variables(self._construction.rerun)
        self._is_chain_there = False
        # What is written as a variable, the longest first.
        self._written_as = {
            self._variables["CALIB_COLLECTIONS"]: "$CALIB_COLLECTIONS",
            self._constructed.folder: "$made",
            self._constructed.chain: "$ticket",
            self._construction.raws: "$RAW_COLLECTION",
        }
        for name, value in self._variables.items():
            if name.startswith("SELECTION_"):
                self._written_as.setdefault(value, f"${name}")

    def lines(self) -> Iterator[str]:
        """Yield the whole script."""
        yield from self._head()
        for recipe in self._constructed.recipes.values():
            yield from self._product(recipe)
        for verified in self._construction.verified:
            yield ""
            yield f"# --- verify {verified.name}"
            submission = self._constructed.verification_submission(verified)
            name, _, _ = verified.output.partition("-")
            pipeline = f"$CP_VERIFY_DIR/pipelines/$INSTRUMENT/{name}.yaml"
            yield from self._submit(submission, ShellWord(pipeline))
        yield from self._report()

    def _head(self) -> Iterator[str]:
        ticket = self._result.ticket
        yield "#!/usr/bin/env bash"
        yield f"# Construction of {ticket.name} at {self._result.repository}, written by calibstate."
        yield "#"
        yield "# Set up the pipelines before.  That a command ends without an error says"
        yield f"# nothing of what it made: `calibstate construct {ticket.name}` looks."
        yield "set -euo pipefail"
        yield ""
        yield 'export CP_PIPE_DIR="${CP_PIPE_DIR:?set up cp_pipe}"'
        yield 'export CP_VERIFY_DIR="${CP_VERIFY_DIR:?set up cp_verify}"'
        if self._settings.scratch == "${SCRATCH}":
            yield 'export SCRATCH="${SCRATCH:?give a folder for submissions and images}"'
        else:
            yield f"export SCRATCH={expanded(self._settings.scratch)}"
        yield f"export REPO={self._repository()}"
        for name, value in self._variables.items():
            yield f"export {name}={quoted(value)}"
        yield f'files="$SCRATCH/calibstate/{ticket.name}"'
        yield 'ticket="$USER_CALIB_PREFIX$INSTRUMENT/calib/$TICKET"'
        yield 'made="$ticket/$TAG"'
        yield 'mkdir -p "$files/images"'
        yield ""
        yield from _PAUSE.splitlines()

    def _repository(self) -> str:
        """Return the repository without a password of its address."""
        butler = self._result.butler
        if without_secrets(butler) != butler:
            return '"${REPO:?give the repository, whose address has a password}"'
        return shlex.quote(butler)

    def _product(self, recipe: Recipe) -> Iterator[str]:
        """Yield what makes, shows, certifies and chains a product."""
        product = recipe.product
        constructed = self._constructed
        yield ""
        yield f"# --- {product.name}"
        if product.searches_ticket and not self._is_chain_there:
            chain = repr(constructed.chain)
            yield from _EMPTY_CHAIN.format(chain=chain).splitlines()
            self._is_chain_there = True
        submission = constructed.submission(recipe)
        pipeline = f"$CP_PIPE_DIR/pipelines/$INSTRUMENT/{product.pipeline}.yaml"
        yield from self._submit(submission, ShellWord(pipeline))
        yield from self._look_at(recipe)
        certified = constructed.certification(recipe)
        if certified is None:
            return
        certifying = self._construction.certify
        dates: list[tuple[str, str]] = []
        if certifying.begin:
            dates.append(("--begin-date", certifying.begin))
        if certifying.end:
            dates.append(("--end-date", certifying.end))
        yield self._command(
            "butler certify-calibrations",
            _REPOSITORY,
            *dates,
            constructed.generation(recipe),
            certified,
            product.dataset_type,
        )
        yield self._command(
            "butler collection-chain",
            _REPOSITORY,
            ("--mode", "prepend"),
            constructed.chain,
            certified,
        )
        self._is_chain_there = True

    def _look_at(self, recipe: Recipe) -> Iterator[str]:
        look_at = recipe.making.look_at
        if look_at is None:
            return
        constructed = self._constructed
        where = f"instrument='{constructed.ticket.instrument}'"
        if look_at.where:
            where = constructed.where(look_at.where)
        collection = constructed.run(recipe) or constructed.generation(recipe)
        folder = f"$files/images/{recipe.product.name}"
        yield f'mkdir -p "{folder}"'
        yield self._command(
            "butler retrieve-artifacts",
            _REPOSITORY,
            ShellWord(folder),
            ("-d", look_at.type),
            ("--collections", collection),
            ("--where", where),
            "--no-preserve-path",
            "--find-first",
            "--clobber",
        )
        yield f'pause "{folder}"'

    def _submit(self, submission: Submission, pipeline: ShellWord) -> Iterator[str]:
        """Yield what runs a template, or what is in it."""
        # What one command has otherwise than the rest stands in front of it.
        changed = ""
        for name, value in submission.variables.items():
            if self._variables.get(name) != value:
                changed += f"{name}={shlex.quote(value)} "
        if self._settings.submit == "bps":
            yield from self._bps(submission, changed)
            return
        output = [("-o", submission.output)]
        if submission.run:
            output.append(("--output-run", submission.run))
        yield self._command(
            "pipetask run",
            ("-b", _REPOSITORY),
            ("-i", ",".join(submission.inputs)),
            *output,
            ("-p", pipeline),
            ("-d", submission.query),
            "--register-dataset-types",
        )

    def _bps(self, submission: Submission, changed: str) -> Iterator[str]:
        """Yield what submits a template, with what the site adds to it."""
        home = _HOMES[submission.home]
        folder = getattr(self._settings.templates, submission.home)
        template = f"{folder}/bps_{submission.template}.yaml"
        # BPS asks 16 cores for its last job, unless somebody says otherwise.
        around = {"finalJob": {"requestCpus": 1}, **self._settings.bps, **submission.overrides}
        # JSON is YAML too.
        included = in_document(json.dumps(template), has_variables=True)
        text = in_document(json.dumps(around, indent=1))
        wrapper = f"$files/{home.lower()}_{submission.template}.yaml"
        yield f'cat >"{wrapper}" <<EOF'
        yield f'{{"includeConfigs": [{included}],'
        # That of crosstalk is a folder of the name of a variable.
        yield f' "submitPath": "$files/submit/{submission.name}/{{timestamp}}",'
        yield text.removeprefix("{\n")
        yield "EOF"
        yield f'{changed}bps submit "{wrapper}"'

    def _report(self) -> Iterator[str]:
        """Yield the report for the board: verifications first, as it wants."""
        constructed = self._constructed
        collections = [constructed.verification(verified) for verified in self._construction.verified]
        if not collections:
            return
        for recipe in constructed.recipes.values():
            if recipe.product.certified:
                collections.append(constructed.generation(recipe))
        yield ""
        yield "# --- report"
        yield 'if [ -x "$CP_VERIFY_DIR/bin/cpv_report.py" ]; then'
        yield '    "$CP_VERIFY_DIR/bin/cpv_report.py" -r "$REPO" -O "$files/report" \\'
        options = [f"        -c {self._word(collection)}" for collection in collections]
        yield " \\\n".join(options)
        yield "fi"

    def _word(self, word: str) -> str:
        """Return a word of a command line, with variables where they fit."""
        if isinstance(word, ShellWord):
            return f'"{word}"'
        return shortened(word, self._written_as)

    def _command(self, command: str, *parts: str | tuple[str, str]) -> str:
        """Return a command line; an option stands on a line with its value.

        Parameters
        ----------
        command
            The command.
        *parts
            Words, and options with their values.
        """
        lines = [command]
        for part in parts:
            match part:
                case (option, value):
                    word = self._word(value)
                    words = f"{option} {word}"
                case str() if part.startswith("--"):
                    words = part
                case str():
                    words = self._word(part)
            line = lines[-1]
            if len(line) + len(words) < _WIDTH:
                lines[-1] = f"{line} {words}"
            else:
                lines.append(f"    {words}")
        return " \\\n".join(lines)
