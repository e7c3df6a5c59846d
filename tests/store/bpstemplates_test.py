"""What templates come to, and what is refused before BPS would guess."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from calibstate.errors import RefusedError
from calibstate.model.constructed import Constructed
from calibstate.model.products import PRODUCTS, VERIFIED, variable_of
from calibstate.model.submissions import Submission
from calibstate.model.tickets import Ticket
from calibstate.store.bpstemplates import BpsTemplate, around, read_template

REAL = Path(__file__).parents[2].parent / "shared" / "realdata"

TEMPLATE = """\
pipelineYaml: "${CP_PIPE_DIR}/pipelines/${INSTRUMENT}/cpBias.yaml"

project: "${TICKET}"
submitPath: "${SCRATCH}/submit/${outputRun}"

payload:
  payloadName: "${INSTRUMENT}_${TICKET}_bias"
  output: "${USER_CALIB_PREFIX}$INSTRUMENT/calib/$TICKET/$TAG/biasGen.${RERUN}"
  butlerConfig: "${REPO}"
  inCollection: "${RAW_COLLECTION},${CALIB_COLLECTIONS}"
  dataQuery: "${SELECTION_BIAS}"
"""

VARIABLES = {
    "USER_CALIB_PREFIX": "",
    "INSTRUMENT": "LSSTComCam",
    "TICKET": "DM-48520",
    "TAG": "DP1",
    "RERUN": "20250207a",
    "RAW_COLLECTION": "LSSTComCam/raw/all",
    "CALIB_COLLECTIONS": "LSSTComCam/calib/DM-48650,LSSTComCam/calib/DM-46360/ptc",
    "SELECTION_BIAS": "instrument='LSSTComCam' and exposure.day_obs=20241208",
    "REPO": "/repo/main",
}

DECLARED = Submission(
    home="cp_pipe",
    template="bias",
    variables=VARIABLES,
    output="LSSTComCam/calib/DM-48520/DP1/biasGen.20250207a",
    inputs=("LSSTComCam/raw/all", "LSSTComCam/calib/DM-48650", "LSSTComCam/calib/DM-46360/ptc"),
    query="instrument='LSSTComCam' and exposure.day_obs=20241208",
)


class Package:
    """A package with one pipeline and one template."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "bps_bias.yaml"
        pipeline = folder / "pipelines" / "LSSTComCam" / "cpBias.yaml"
        pipeline.parent.mkdir(parents=True)
        pipeline.touch()

    def rendered(
        self,
        text: str = TEMPLATE,
        declared: Submission = DECLARED,
        site: Mapping[str, Any] | None = None,
        **variables: str | None,
    ) -> BpsTemplate:
        """Return what a template comes to; `None`: a variable is not set."""
        self.file.write_text(text)
        merged = {**VARIABLES, "CP_PIPE_DIR": str(self.folder), **variables}
        values = {name: value for name, value in merged.items() if value is not None}
        return read_template(self.file, declared, values, site or {})

    def refused(self, *args: Any, **kwargs: Any) -> list[str]:
        """Return what a template is refused for: line, summary and detail."""
        with pytest.raises(RefusedError) as refused:
            self.rendered(*args, **kwargs)
        lines = []
        for diagnostic in refused.value.diagnostics:
            where = diagnostic.where
            at = f"{Path(where.file).name}:{where.line}" if where else "-"
            lines.append(f"{at} {diagnostic.summary}: {diagnostic.detail}")
        return lines


@pytest.fixture
def package(tmp_path: Path) -> Package:
    return Package(tmp_path / "cp_pipe")


def test_a_template_comes_to_what_its_variables_say(package: Package) -> None:
    template = package.rendered()
    assert template.pipeline == f"{package.folder}/pipelines/LSSTComCam/cpBias.yaml"
    assert template.output == DECLARED.output
    assert template.run is None
    assert template.inputs == DECLARED.inputs
    assert template.query == DECLARED.query
    assert template.butler == "/repo/main"


def test_keys_in_braces_stand_for_what_bps_finds_first(package: Package) -> None:
    text = TEMPLATE.replace('"${RAW_COLLECTION},', '"{searched},').replace(
        "payload:\n", 'searched: "wrong"\nraws: "${RAW_COLLECTION}"\n\npayload:\n  searched: "{raws}"\n'
    )
    assert package.rendered(text).inputs == DECLARED.inputs


def test_options_for_the_quantum_graph_are_kept(package: Package) -> None:
    options = '\nextraQgraphOptions: "--config cpBias:name=${RERUN}"\n'
    assert package.rendered(TEMPLATE + options).graph_options == "--config cpBias:name=20250207a"


# Variables


@pytest.mark.parametrize(
    ("name", "line"),
    [("CP_PIPE_DIR", 1), ("TAG", 8), ("REPO", 9), ("CALIB_COLLECTIONS", 10), ("SELECTION_BIAS", 11)],
)
def test_a_variable_that_is_not_set_is_refused_with_its_line(package: Package, name: str, line: int) -> None:
    assert package.refused(**{name: None})[0] == (
        f"bps_bias.yaml:{line} Variable is not set: ${{{name}}} is not set; "
        "BPS would leave it as it is written."
    )


def test_all_variables_that_are_not_set_are_told_at_once(package: Package) -> None:
    refused = package.refused(TAG=None, SELECTION_BIAS=None)
    assert [line.partition(" ")[0] for line in refused] == ["bps_bias.yaml:8", "bps_bias.yaml:11"]


def test_a_variable_that_is_not_set_is_refused_wherever_it_stands(package: Package) -> None:
    """BPS hands what it does not know on to the jobs."""
    text = TEMPLATE + "\npipetask:\n  cpBias:\n    extraRunQuantumOptions: ['-j $CORES']\n"
    assert package.refused(text)[0].startswith("bps_bias.yaml:15 Variable is not set: ${CORES}")


@pytest.mark.parametrize("empty", ["", " ", "\t"])
def test_an_empty_selection_is_refused_since_it_takes_all_raws(package: Package, empty: str) -> None:
    assert package.refused(SELECTION_BIAS=empty) == [
        "bps_bias.yaml:11 Variable is empty: SELECTION_BIAS is empty: all raws would be taken."
    ]


@pytest.mark.parametrize("name", ["TAG", "RERUN", "RAW_COLLECTION", "REPO"])
def test_no_variable_but_the_prefix_of_a_trial_may_be_empty(package: Package, name: str) -> None:
    assert f"Variable is empty: {name} is empty." in package.refused(**{name: ""})[0]


@pytest.mark.parametrize("value", ["a\nb", "a\rb", "a\x00b", "a\u2028b"])
def test_a_variable_in_several_lines_is_refused(package: Package, value: str) -> None:
    assert package.refused(SELECTION_BIAS=value)[0].startswith("bps_bias.yaml:11 Variable in several lines")


@pytest.mark.parametrize("mark", ['"', "`", "$", "\\", "{", "}"])
def test_what_means_something_to_the_commands_of_bps_is_refused(package: Package, mark: str) -> None:
    refused = package.refused(SELECTION_BIAS=f"exposure={mark}5")
    assert refused[0].startswith("bps_bias.yaml:11 Variable cannot be quoted: SELECTION_BIAS holds")


# Collections


@pytest.mark.parametrize(
    "collections",
    [
        "LSSTComCam/calib/DM-48650,     LSSTComCam/calib/DM-46360/ptc",
        "LSSTComCam/calib/DM-48650 ,LSSTComCam/calib/DM-46360/ptc",
        "LSSTComCam/calib/DM-48650,,LSSTComCam/calib/DM-46360/ptc",
        "LSSTComCam/calib/DM-48650,LSSTComCam/calib/DM-46360/ptc,",
    ],
)
def test_blanks_in_a_list_of_collections_are_refused(package: Package, collections: str) -> None:
    """As the indented lines of the technote's script leave them."""
    (refused,) = package.refused(CALIB_COLLECTIONS=collections)
    assert refused.startswith("bps_bias.yaml:10 Blanks in a list of collections: ")


# Keys


def test_a_key_that_is_not_known_is_refused(package: Package) -> None:
    """BPS puts nothing in its place."""
    refused = package.refused(TEMPLATE.replace('"${RAW_COLLECTION},', '"{biasRun},'))
    assert refused[0] == (
        "bps_bias.yaml:10 Key is not known: `{biasRun}` is no key of the template; "
        "BPS would put nothing in its place."
    )


def test_a_key_that_stands_for_itself_is_refused(package: Package) -> None:
    refused = package.refused(
        f'here: "{{there}}"\nthere: "{{here}}"\n{TEMPLATE}'.replace("${REPO}", "{here}")
    )
    assert "Key stands for itself" in refused[0]


def test_braces_without_an_end_are_refused(package: Package) -> None:
    refused = package.refused(TEMPLATE.replace('"${REPO}"', '"{REPO"'))
    assert refused[0].startswith("bps_bias.yaml:9 Braces do not match")


@pytest.mark.parametrize("key", ["output", "inCollection", "dataQuery", "butlerConfig"])
def test_a_template_without_a_key_that_matters_is_refused(package: Package, key: str) -> None:
    text = re.sub(rf"^  {key}: .*\n", "", TEMPLATE, flags=re.MULTILINE)
    assert f"says nothing of `payload.{key}`." in package.refused(text)[0]


# What is declared


@pytest.mark.parametrize(
    ("changed", "line", "words"),
    [
        ({"output": "LSSTComCam/calib/DM-48520/DP1/biasGen.20250207b"}, 8, "output comes to"),
        ({"run": "LSSTComCam/calib/DM-48520/DP1/biasGen.20250207a/run1"}, 8, "outputRun comes to"),
        ({"inputs": ("LSSTComCam/raw/all",)}, 10, "inCollection comes to"),
        ({"inputs": DECLARED.inputs[::-1]}, 10, "inCollection comes to"),
        ({"query": "instrument='LSSTComCam'"}, 11, "dataQuery comes to"),
    ],
)
def test_a_template_that_comes_to_something_else_than_declared_is_refused(
    package: Package, changed: dict[str, Any], line: int, words: str
) -> None:
    (refused,) = package.refused(declared=DECLARED.model_copy(update=changed))
    assert refused.startswith(f"bps_bias.yaml:{line} Template comes to something else: {words}")


def test_a_template_with_a_fixed_run_is_refused_where_none_is_declared(package: Package) -> None:
    (refused,) = package.refused(TEMPLATE + '  outputRun: "{output}/run1"\n')
    assert refused.startswith("bps_bias.yaml:12 Template comes to something else: outputRun comes to")


def test_a_template_for_another_repository_is_refused(package: Package) -> None:
    (refused,) = package.refused(TEMPLATE.replace("${REPO}", "/repo/embargo"))
    assert "butlerConfig comes to /repo/embargo; declared is /repo/main." in refused


@pytest.mark.parametrize(
    "site", [{"payload": {"dataQuery": "exposure > 0"}}, {"payload": {"inCollection": "u/me/calib"}}]
)
def test_settings_of_a_site_cannot_change_what_is_declared(package: Package, site: dict[str, Any]) -> None:
    (refused,) = package.refused(site=site)
    assert refused.startswith("- Template comes to something else: ")


def test_what_a_site_includes_cannot_change_what_is_declared_either(package: Package, tmp_path: Path) -> None:
    included = tmp_path / "site.yaml"
    included.write_text("\npayload:\n  dataQuery: exposure > 0\n")
    (refused,) = package.refused(site={"includeConfigs": str(included)})
    assert refused.startswith(
        "site.yaml:3 Template comes to something else: dataQuery comes to exposure > 0;"
    )


def test_a_variable_in_the_settings_of_a_site_must_be_set_too(package: Package) -> None:
    site = {"site": {"slac": {"account": "${ACCOUNT}"}}}
    assert package.refused(site=site)[0].startswith("- Variable is not set: ${ACCOUNT}")
    assert package.rendered(site=site, ACCOUNT="rubin").output == DECLARED.output


def test_a_key_that_is_declared_otherwise_is_never_looked_at_in_the_template(package: Package) -> None:
    text = f'biasBootstrapRun: "${{BOOTSTRAP}}"\n{TEMPLATE}'.replace(
        "${RAW_COLLECTION}", "{biasBootstrapRun},${RAW_COLLECTION}"
    )
    run = "LSSTComCam/calib/DM-48520/DP1/biasBootstrapGen.20250206b/run1"
    declared = DECLARED.model_copy(
        update={"overrides": {"biasBootstrapRun": run}, "inputs": (run, *DECLARED.inputs)}
    )
    assert package.rendered(text, declared).inputs == declared.inputs


def test_a_pipeline_that_is_not_there_is_refused(package: Package) -> None:
    (refused,) = package.refused(TEMPLATE.replace("cpBias.yaml", "cpBiases.yaml"))
    assert refused.startswith("bps_bias.yaml:1 Pipeline is not there: ")


# Files


def test_a_template_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="Template is not there") as refused:
        read_template(tmp_path / "bps_bias.yaml", DECLARED, VARIABLES, {})
    assert "construction" in refused.value.first.hint


@pytest.mark.parametrize(
    ("text", "line"), [("a: [\n", 2), ("a: 1\nb: 'x\n", 3), ("- a\n", 1), ("", 1), ("a: b: c", 1)]
)
def test_a_template_that_is_no_yaml_is_refused_with_its_line(package: Package, text: str, line: int) -> None:
    (refused,) = package.refused(text)
    assert refused.startswith(f"bps_bias.yaml:{line} Template is no YAML: ")


def test_what_a_template_includes_is_read_and_overridden(package: Package) -> None:
    (package.folder / "more.yaml").write_text('payload:\n  butlerConfig: "/other"\nkeep: "${RERUN}"\n')
    text = f"includeConfigs:\n  - ${{CP_PIPE_DIR}}/more.yaml\n{TEMPLATE}"
    assert package.rendered(text).butler == "/repo/main"
    (package.folder / "more.yaml").write_text('keep: "${CACHE}"\n')
    assert package.refused(text)[0].startswith("more.yaml:1 Variable is not set: ${CACHE}")


def test_what_is_included_is_found_beside_the_template(package: Package) -> None:
    (package.folder / "more.yaml").write_text('raws: "${RAW_COLLECTION}"\n')
    text = f"includeConfigs: more.yaml\n{TEMPLATE}".replace("${RAW_COLLECTION}", "{raws}")
    assert package.rendered(text).inputs == DECLARED.inputs


def test_what_is_included_and_not_there_is_refused_with_its_line(package: Package) -> None:
    (refused,) = package.refused(f"\nincludeConfigs:\n  - more.yaml\n{TEMPLATE}")
    assert refused.startswith("bps_bias.yaml:3 Template is not there: ")


def test_files_that_include_each_other_are_refused(package: Package) -> None:
    (refused,) = package.refused(f"includeConfigs: bps_bias.yaml\n{TEMPLATE}")
    assert "Template includes itself" in refused


# The templates of cp_pipe and cp_verify

ELSEWHERE = {
    # Flats of single LEDs, and illumination corrections, are not declared yet.
    "LED_NAME",
    "SELECTION_FLAT_white",
    "SELECTION_ILLUMINATION_CORRECTION_V",
    # A slip of one template, in a folder that is another one here.
    "outputRun",
}

SITES = {"REPO", "SCRATCH", "CP_PIPE_DIR", "CP_VERIFY_DIR"}


def every_selection(ticket: str = "DM-48520") -> Constructed:
    """Return a ticket that makes and verifies all that is known."""
    selections = {product.selection for product in PRODUCTS.values() if product.selection}
    construction = {
        "tag": "DP1",
        "rerun": "20250207a",
        "raws": "LSSTComCam/raw/all",
        "start_from": ["LSSTComCam/calib/DM-48650", "LSSTComCam/calib/DM-46360/ptc"],
        "selections": {word: "exposure > 5 or exposure=3" for word in sorted(selections)},
        "make": list(PRODUCTS),
        "verify": {"rerun": "20250210a"} | dict.fromkeys(VERIFIED, "exposure=4"),
    }
    document = {
        "ticket": ticket,
        "instrument": "LSSTComCam",
        "approval": {"status": "proposed"},
        "collections": ["DP1/bias.20250207a"],
        "construction": construction,
    }
    return Constructed(Ticket.model_validate(document))


def submissions() -> dict[str, Submission]:
    """Return all that can be submitted, by the file of its template."""
    constructed = every_selection()
    by_file = {}
    for recipe in constructed.recipes.values():
        file = f"cp_pipe_bps/bps_{recipe.product.template}.yaml"
        by_file[file] = constructed.submission(recipe)
    for verified in VERIFIED.values():
        file = f"cp_verify_bps/bps_{verified.template}.yaml"
        by_file[file] = constructed.verification_submission(verified)
    return by_file


@pytest.mark.skipif(not REAL.is_dir(), reason="the templates of cp_pipe are not beside this checkout")
def test_every_variable_of_every_real_template_is_set_by_somebody() -> None:
    by_us = set(every_selection().variables("20250207a")) | SITES
    for file in sorted(REAL.glob("cp_*_bps/*.yaml")):
        variables = {a or b for a, b in re.findall(r"\$(?:\{(\w+)\}|(\w+))", file.read_text())}
        assert variables - by_us <= ELSEWHERE, file.name


@pytest.mark.skipif(not REAL.is_dir(), reason="the templates of cp_pipe are not beside this checkout")
@pytest.mark.parametrize("file", list(submissions()))
def test_every_real_template_comes_to_what_is_declared_and_so_says_bps(
    file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bps = pytest.importorskip("lsst.ctrl.bps")
    declared = submissions()[file]
    site = {"REPO": "/repo/main", "SCRATCH": str(tmp_path)}
    for home in ("cp_pipe", "cp_verify"):
        site[f"{home.upper()}_DIR"] = str(tmp_path / home)
    variables = {**declared.variables, **site}
    template = REAL / file
    named = re.search(r"pipelines/\$\{INSTRUMENT\}/(\w+.yaml)", template.read_text())
    assert named, "a template names its pipeline"
    pipeline = tmp_path / declared.home / "pipelines" / "LSSTComCam" / named[1]
    caching = tmp_path / "cp_pipe" / "bps" / "caching" / "cp_caching.yaml"
    for path in (pipeline, caching):
        path.parent.mkdir(parents=True)
        path.write_text("caching: true\n")

    rendered = read_template(template, declared, variables, {})

    wrapper = tmp_path / "bps.yaml"
    wrapper.write_text(around(template, declared, {}, str(tmp_path / "submit"), rendered.run))
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    config = bps.BpsConfig(
        str(wrapper),
        search_order=bps.BPS_SEARCH_ORDER,
        defaults=bps.BPS_DEFAULTS,
        wms_service_class_fqn="lsst.ctrl.bps.parsl.ParslService",
    )
    config[".bps_defined.timestamp"] = "20250101T000000Z"
    assert config["pipelineYaml"] == rendered.pipeline == str(pipeline)
    assert config["output"] == rendered.output == declared.output
    assert config["outputRun"] == (declared.run or f"{declared.output}/20250101T000000Z")
    assert tuple(config["inCollection"].split(",")) == rendered.inputs == declared.inputs
    assert config["dataQuery"] == rendered.query == declared.query
    assert config["submitPath"] == str(tmp_path / "submit")
    assert config["finalJob"]["requestCpus"] == 1


# What is put around a template


def test_a_site_may_ask_for_more_cores_than_one() -> None:
    site = {"finalJob": {"requestCpus": 8, "requestMemory": 4096}, "includeConfigs": "/site/more.yaml"}
    text = around(Path("/t/bps_bias.yaml"), DECLARED, site, "/s/submit", "a/run")
    assert text == (
        "# Written by calibstate around a template that stays as it is.\n"
        "includeConfigs:\n- /t/bps_bias.yaml\n- /site/more.yaml\n"
        "finalJob:\n  requestCpus: 8\n  requestMemory: 4096\n"
        "payload:\n  outputRun: a/run\n"
        "submitPath: /s/submit\n"
    )


def test_each_selection_has_one_variable() -> None:
    words = {product.selection for product in PRODUCTS.values() if product.selection}
    assert len({variable_of(word) for word in words}) == len(words)
