"""Templates of BPS: what they come to with the variables that are given them.

A template is read as BPS reads it, and whatever BPS would leave open, take
for empty or pass over in silence is refused here with its file and line: a
variable that is not set stays as it is written, one that is empty selects all
raws, and a key that is not known is replaced by nothing.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from ..errors import Diagnostic, RefusedError, Where
from ..model.products import SELECTIONS, VERIFIED, variable_of
from ..model.submissions import Submission
from .yamlsource import MAX_BYTES

__all__ = ["BpsTemplate", "around", "read_template", "service_of"]

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_VARIABLE = re.compile(r"\$(?:\{([^}]*)\}|([A-Za-z0-9_]+))")
"""As `os.path.expandvars` finds them, by which BPS replaces them."""

_BREAK = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]")

_NOT_QUOTED = re.compile(r"[\"`$\\{}]")
"""What means something to BPS, or within the quotes of its commands."""

_MAY_BE_EMPTY = frozenset({"USER_CALIB_PREFIX"})

_SECTIONS = ("bps_cmdline", "payload", "cluster", "pipetask", "site", "cloud", "bps_defined")
"""Where BPS looks for a key, before the top of the file."""

_DEEPEST = 10
"""Files that include each other, and keys that stand for keys."""

_SETTERS = {
    "REPO": "It is the repository of the site's file.",
    "SCRATCH": "Say `scratch` under `construction` in the site's file, or set SCRATCH.",
    "CP_PIPE_DIR": "Set up cp_pipe, or say `templates` under `construction` in the site's file.",
    "CP_VERIFY_DIR": "Set up cp_verify, or say `templates` under `construction` in the site's file.",
}

_Keys = tuple[str, ...]


@dataclass(frozen=True)
class _Setting:
    """One text of a file."""

    text: str
    where: Where | None
    """`None`: it is a site's, or follows from what is declared."""


@dataclass(frozen=True)
class BpsTemplate:
    """What a template comes to."""

    file: str
    """The template."""

    pipeline: str
    """File of the pipeline, with its subset where it has one."""

    butler: str
    """The repository."""

    inputs: tuple[str, ...]
    """Collections that are searched, in order."""

    output: str
    """CHAINED collection that it writes to."""

    run: str | None
    """RUN that it writes to; `None`: a new one, by the time."""

    query: str
    """Which data."""

    graph_options: str = ""
    """More options for the command that makes the quantum graph."""

    variables: frozenset[str] = field(default_factory=frozenset)
    """Variables that stand in it."""


def read_template(
    file: Path,
    submission: Submission,
    variables: Mapping[str, str],
    site: Mapping[str, Any],
) -> BpsTemplate:
    """Return what a template comes to, when that is what is declared.

    Parameters
    ----------
    file
        The template.
    submission
        What is declared of it.
    variables
        Values of the variables, those of the environment included.
    site
        What a site says around it, which BPS takes before the template's.

    Raises
    ------
    RefusedError
        It is not there or no YAML; a variable in it is not set, is empty or
        holds what cannot be meant; or it comes to something else.
    """
    reading = _Reading(variables)
    reading.include(file, Where(str(file), 1))
    for name in _included(site):
        reading.include_named(_Setting(name, Where(name, 1)), file.parent)
    reading.take(site)
    reading.take(submission.overrides)
    reading.check_variables()
    if reading.problems:
        raise RefusedError(*reading.problems)
    template = reading.template(str(file))
    departures = _departures(template, submission, variables, reading.settings)
    problems = [*reading.problems, *departures]
    if problems:
        raise RefusedError(*problems)
    return template


def around(
    file: Path,
    submission: Submission,
    site: Mapping[str, Any],
    submit_path: str,
    run: str | None,
) -> str:
    """Return a file for BPS that includes a template and leaves it as it is.

    Parameters
    ----------
    file
        The template.
    submission
        What is declared of it.
    site
        What a site says around it.
    submit_path
        Folder in which BPS works; it must not be there.
    run
        RUN that is written to; `None`: as the template says.
    """
    content = deepcopy(dict(site))
    content.pop("includeConfigs", None)
    # The final job is small here, and BPS would ask for 16 cores.
    final_job = content.get("finalJob", {})
    content["finalJob"] = {"requestCpus": 1} | final_job
    if run is not None:
        payload = content.get("payload", {})
        content["payload"] = payload | {"outputRun": run}
    whole = {
        "includeConfigs": [str(file), *_included(site)],
        **content,
        **submission.overrides,
        "submitPath": submit_path,
    }
    text = yaml.safe_dump(
        whole,
        sort_keys=False,
        allow_unicode=True,
        width=1000,
    )
    return f"# Written by calibstate around a template that stays as it is.\n{text}"


def _included(site: Mapping[str, Any]) -> list[str]:
    """Return the files that a site includes, of which there may be one."""
    included = site.get("includeConfigs", [])
    if isinstance(included, str):
        return [included]
    return list(included)


def service_of(config: Path) -> str | None:
    """Return the class of the plugin that a batch was submitted to.

    Parameters
    ----------
    config
        The configuration that BPS has written beside it.
    """
    try:
        root = yaml.compose(config.read_bytes(), Loader=_LOADER)
    except (OSError, yaml.YAMLError, UnicodeError, ValueError, RecursionError):
        return None
    if root is None:
        return None
    for keys, node in _scalars(root, ()):
        if keys == ("wmsServiceClass",):
            return str(node.value)
    return None


class _Reading:
    """Gathers what files say, and what is wrong with it.

    Parameters
    ----------
    variables
        Values of the variables.
    """

    def __init__(self, variables: Mapping[str, str]) -> None:
        self.settings: dict[_Keys, _Setting] = {}
        self.problems: list[Diagnostic] = []
        self._variables = variables
        self._used: set[str] = set()

    def include(self, file: Path, where: Where, base: _Keys = (), depth: int = 0) -> None:
        """Read a file, and those that it includes, which it overrides.

        Parameters
        ----------
        file
            The file.
        where
            Where it is asked for.
        base
            Keys under which its content is put.
        depth
            How many files have included each other.
        """
        root = _compose(file, where)
        if depth == _DEEPEST:
            raise RefusedError(
                Diagnostic(
                    "Template includes itself",
                    f"{file}: {_DEEPEST} files include each other.",
                    where,
                )
            )
        own: dict[_Keys, _Setting] = {}
        for keys, node in _scalars(root, base):
            number = node.start_mark.line + 1
            line = Where(str(file), number)
            setting = _Setting(node.value, line)
            # Several files stand in a list, whose numbers are keys here.
            names = []
            for key in keys:
                if not key.isdigit():
                    names.append(key)
            above = tuple(names)
            if above[-1:] == ("includeConfigs",):
                self.include_named(setting, file.parent, above[:-1], depth)
            else:
                own[keys] = setting
        self.settings |= own

    def include_named(self, setting: _Setting, folder: Path, base: _Keys = (), depth: int = 0) -> None:
        """Read a file by its name, in which variables may stand.

        Parameters
        ----------
        setting
            Its name.
        folder
            Where it is looked for, unless its name says.
        base, depth
            As for `include`.
        """
        before = len(self.problems)
        name = self._substituted(setting)
        # What a variable lacks is told, and no such file is looked for.
        if len(self.problems) == before:
            assert setting.where is not None, "what a file says has its line"
            self.include(folder / name, setting.where, base, depth + 1)

    def take(self, content: Mapping[str, Any], base: _Keys = ()) -> None:
        """Put settings in the place of those that were read."""
        for key, value in content.items():
            keys = (*base, key)
            if isinstance(value, Mapping):
                self.take(value, keys)
            elif key != "includeConfigs":
                self.settings[keys] = _Setting(str(value), None)

    def check_variables(self) -> None:
        """Note each variable that is not set, or holds what is not meant."""
        for keys, setting in self.settings.items():
            # The folder in which BPS works is another one.
            if keys != ("submitPath",):
                self._substituted(setting)

    def _substituted(self, setting: _Setting) -> str:
        """Return a text with the values of its variables."""

        def value(match: re.Match[str]) -> str:
            name = match[1] or match[2]
            self._check(name, setting.where)
            # One that is not set stays as it is written, as in BPS.
            return self._variables.get(name, match[0])

        return _VARIABLE.sub(value, setting.text)

    def _check(self, name: str, where: Where | None) -> None:
        """Note what is wrong with a variable, once."""
        if name in self._used:
            return
        self._used.add(name)
        value = self._variables.get(name)
        if value is None:
            self._note(
                "Variable is not set",
                f"${{{name}}} is not set; BPS would leave it as it is written.",
                where,
                _setter(name),
            )
        elif not value.strip():
            if name in _MAY_BE_EMPTY:
                return
            detail = f"{name} is empty."
            if name.startswith("SELECTION_"):
                detail = f"{name} is empty: all raws would be taken."
            self._note(
                "Variable is empty",
                detail,
                where,
                _setter(name),
            )
        elif _BREAK.search(value):
            self._note(
                "Variable in several lines",
                f"{name} holds a line break or a control character: {value!r}.",
                where,
                _setter(name),
            )
        elif unquoted := _NOT_QUOTED.search(value):
            self._note(
                "Variable cannot be quoted",
                f"{name} holds {unquoted[0]!r}, which means something else in commands of BPS: {value}.",
                where,
                "Write it without; text in an expression stands in single quotes.",
            )

    def _note(self, summary: str, detail: str, where: Where | None, hint: str = "") -> None:
        """Note what is wrong."""
        problem = Diagnostic(
            summary,
            detail,
            where,
            hint,
        )
        self.problems.append(problem)

    def template(self, file: str) -> BpsTemplate:
        """Return what is said for all that matters."""
        run = None
        if ("payload", "outputRun") in self.settings:
            run = self._required(file, "payload", "outputRun")
        inputs = self._required(file, "payload", "inCollection")
        options = ""
        if ("extraQgraphOptions",) in self.settings:
            options = self._required(file, "extraQgraphOptions")
        return BpsTemplate(
            file=file,
            pipeline=self._required(file, "pipelineYaml"),
            butler=self._required(file, "payload", "butlerConfig"),
            inputs=tuple(inputs.split(",")),
            output=self._required(file, "payload", "output"),
            run=run,
            query=self._required(file, "payload", "dataQuery"),
            graph_options=options,
            variables=frozenset(self._used),
        )

    def _required(self, file: str, *keys: str) -> str:
        setting = self.settings.get(keys)
        if setting is None:
            path = ".".join(keys)
            self._note(
                "Template lacks a key",
                f"{file} says nothing of `{path}`.",
                Where(file, 1),
            )
            return ""
        return self._expanded(setting, keys[-1], 0)

    def _expanded(self, setting: _Setting, key: str, depth: int) -> str:
        """Return a text with what its keys in braces stand for."""
        text = self._substituted(setting)
        if depth == _DEEPEST:
            self._note(
                "Key stands for itself",
                f"`{{{key}}}` stands for itself.",
                setting.where,
            )
            return text
        try:
            fields = list(string.Formatter().parse(text))
        except ValueError as error:
            self._note(
                "Braces do not match",
                f"`{text}`: {error}.",
                setting.where,
            )
            return text
        # Each is text up to a key in braces, and that key, if there is one.
        expanded = ""
        for literal, name, _, _ in fields:
            expanded += literal
            if name is None:
                continue
            named = self._setting_of(name)
            if named is None:
                self._note(
                    "Key is not known",
                    f"`{{{name}}}` is no key of the template; BPS would put nothing in its place.",
                    setting.where,
                )
                continue
            expanded += self._expanded(named, name, depth + 1)
        return expanded

    def _setting_of(self, name: str) -> _Setting | None:
        """Return what a key stands for, as BPS looks for it."""
        for section in _SECTIONS:
            if (section, name) in self.settings:
                return self.settings[section, name]
        return self.settings.get((name,))


def _compose(file: Path, where: Where) -> yaml.Node:
    """Return the nodes of a file."""
    try:
        with file.open("rb") as stream:
            # One that is cut off here is no YAML, or none of ours.
            root = yaml.compose(stream.read(MAX_BYTES), Loader=_LOADER)
    except OSError as error:
        hint = "Set up the package, or say `templates` under `construction` in the site's file."
        if where.file != str(file):
            hint = f"It is included by {where}."
        raise RefusedError(
            Diagnostic(
                "Template is not there",
                f"{file}: {error.strerror}.",
                where,
                hint,
            )
        ) from None
    except (yaml.YAMLError, UnicodeError, ValueError, RecursionError) as error:
        number = 1
        if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark:
            number = error.problem_mark.line + 1
        first_line = str(error).splitlines()[0]
        raise RefusedError(
            Diagnostic(
                "Template is no YAML",
                f"{file} is no YAML that can be read: {first_line}.",
                Where(str(file), number),
            )
        ) from None
    if not isinstance(root, yaml.MappingNode):
        raise RefusedError(
            Diagnostic(
                "Template is no YAML",
                f"{file} holds no mapping.",
                Where(str(file), 1),
            )
        )
    return root


def _scalars(root: yaml.Node, base: _Keys) -> Iterator[tuple[_Keys, yaml.ScalarNode]]:
    """Yield the texts of a file with the keys under which they stand."""
    pending = [(base, root)]
    while pending:
        keys, node = pending.pop()
        if isinstance(node, yaml.ScalarNode):
            yield keys, node
            continue
        inner: list[tuple[_Keys, yaml.Node]] = []
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                path = (*keys, str(key.value))
                inner.append((path, value))
        elif isinstance(node, yaml.SequenceNode):
            for number, value in enumerate(node.value):
                path = (*keys, str(number))
                inner.append((path, value))
        # The last is taken first, so that they come as they stand.
        pending += reversed(inner)


def _setter(name: str) -> str:
    """Say how a variable gets its value."""
    if name in _SETTERS:
        return _SETTERS[name]
    for word in SELECTIONS:
        variable = variable_of(word)
        if variable == name:
            return f"Say `{word}` under `selections` in the ticket's construction."
    for verified in VERIFIED.values():
        variable = variable_of(verified.selection)
        if f"{variable}_V" == name:
            return f"Say `{verified.name}` under `verify` in the ticket's construction."
    return "Name it under `environment` in the site's `construction`, and set it."


def _departures(
    template: BpsTemplate,
    submission: Submission,
    variables: Mapping[str, str],
    settings: Mapping[_Keys, _Setting],
) -> Iterator[Diagnostic]:
    """Yield what a template comes to and is not as declared."""
    by_time = "a new one, by the time"
    # Queries may be written in several lines, and mean the same.
    query = " ".join(template.query.split())
    declared_query = " ".join(submission.query.split())
    rows = [
        ("outputRun", template.run or by_time, submission.run or by_time),
        ("output", template.output, submission.output),
        ("dataQuery", query, declared_query),
        ("butlerConfig", template.butler, variables.get("REPO", "")),
    ]
    hint = "Does the site take the templates of another version? See `templates` in its `construction`."
    for key, value, declared in rows:
        if value != declared:
            yield Diagnostic(
                "Template comes to something else",
                f"{key} comes to {value}; declared is {declared}.",
                _where(template.file, settings, key),
                hint,
            )
    where = _where(template.file, settings, "inCollection")
    inputs = ", ".join(template.inputs)
    blank = [name for name in template.inputs if not name or " " in name]
    if blank:
        yield Diagnostic(
            "Blanks in a list of collections",
            f"inCollection comes to {inputs!r}: a name with blanks in it, or none between two commas.",
            where,
            "Give the names without blanks.",
        )
    elif template.inputs != submission.inputs:
        declared_inputs = ", ".join(submission.inputs)
        yield Diagnostic(
            "Template comes to something else",
            f"inCollection comes to {inputs}; declared is {declared_inputs}.",
            where,
            hint,
        )
    file, _, _ = template.pipeline.partition("#")
    # One with a scheme is no file of this machine.
    if "://" not in file and not Path(file).is_file():
        yield Diagnostic(
            "Pipeline is not there",
            f"{file} is no file; nothing says what is to be run.",
            _where(template.file, settings, "pipelineYaml"),
        )


def _where(file: str, settings: Mapping[_Keys, _Setting], key: str) -> Where | None:
    for keys in (("payload", key), (key,), ("payload", "output")):
        if keys in settings:
            return settings[keys].where
    return Where(file, 1)
