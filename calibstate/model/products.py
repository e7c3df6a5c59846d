"""What is made for a camera, and by which template: the products of cp_pipe.

A product is a word of ``make`` in a ticket file.  The table below was read
from the templates (``bps/templates``) and pipelines
(``pipelines/_ingredients/*LSST.yaml``) of lsst/cp_pipe f029a3f (2026-06-09)
and lsst/cp_verify 5855743 (2026-04-22), for IsrTaskLSST.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = [
    "BANDS",
    "PRODUCTS",
    "READ_FROM",
    "SELECTIONS",
    "VERIFIED",
    "Product",
    "Verified",
    "needs_of",
    "variable_of",
]

READ_FROM = "lsst/cp_pipe f029a3f"
"""Where the table was read: the commit of 2026-06-09."""

BANDS = ("u", "g", "r", "i", "z", "y")
"""Filters of which flats are made, each by a template of its own."""

_DETECTOR = ("detector",)
_FILTER = ("detector", "physical_filter")


@dataclass(frozen=True)
class Product:
    """What one template of cp_pipe makes."""

    name: str
    """Its word in ``make``: ``flat_g``."""

    template: str
    """Its template: ``bps_{template}.yaml``."""

    output: str
    """Name of its collection, without the iteration: ``flatGen-g``."""

    dataset_type: str
    """The calibration that it is."""

    dimensions: tuple[str, ...]
    """What tells its datasets apart, besides the instrument."""

    selection: str | None
    """The word of ``selections`` that says of which exposures it is made;
    `None`: of other products."""

    made_for: str | None = None
    """Where it has no selection: the product whose exposures tell for which
    detectors it is made."""

    condition: str = ""
    """What its template adds to the selection."""

    certified: str | None = None
    """Name of its certification collection, without the iteration; `None`: it
    is never certified."""

    needs: tuple[str, ...] = ()
    """Products that are applied to its exposures, or that it is made of."""

    searches_ticket: bool = True
    """Whether its template searches the ticket's own collections."""

    pipeline: str = ""
    """Its pipeline, ``pipelines/INSTRUMENT/{pipeline}.yaml``."""

    intermediate: str = ""
    """Dataset of each exposure that was used, as long as nobody prunes it;
    empty: it takes no exposures."""

    @property
    def is_asked_for(self) -> bool:
        """Whether a change of what it needs calls for a new one.

        Not of what is made of everything else, at its own time: corrections
        of gains and of illumination, and skies.
        """
        return self.searches_ticket or self.name == "defects"

    @property
    def is_bootstrap(self) -> bool:
        """Whether it serves other products only; its RUN has a number."""
        return self.name.endswith("_bootstrap")


@dataclass(frozen=True)
class Verified:
    """What one template of cp_verify verifies."""

    name: str
    """Its word in ``verify``: ``flat_g``."""

    template: str
    """Its template: ``bps_{template}.yaml``."""

    output: str
    """Name of its collection, without the iteration: ``verifyFlat-g``."""

    dataset_type: str
    """The dataset that tells that it is done."""

    dimensions: tuple[str, ...] = ()
    """What tells its datasets apart, besides the instrument."""

    selection: str = ""
    """The word by which its variable is called: ``SELECTION_{WORD}_V``."""

    condition: str = ""
    """What its template adds to the selection."""

    results: str | None = None
    """The table of what was measured, where there is one."""

    by_generation: bool = False
    """Whether its collection has the iteration of the generation."""

    by_exposure: bool = False
    """Whether its statistics have a part for each exposure."""

    @property
    def has_verdict(self) -> bool:
        """Whether its datasets tell what passed."""
        return self.dataset_type.endswith("Stats")


def _made(
    name: str,
    output: str,
    dataset_type: str,
    selection: str | None,
    needs: str,
    *,
    template: str | None = None,
    dimensions: tuple[str, ...] = _DETECTOR,
    certified: str | None = None,
    made_for: str | None = None,
    condition: str = "",
    searches_ticket: bool = True,
    intermediate: str | None = None,
    pipeline: str | None = None,
) -> Product:
    """Return a product; what is certified is called after its type."""
    is_bootstrap = name.endswith("_bootstrap")
    template = template or name
    stem = output.removesuffix("Gen")
    if intermediate is None:
        intermediate = f"cp{stem[0].upper()}{stem[1:]}IsrExp"
    if certified is None and not is_bootstrap:
        certified = dataset_type
    return Product(
        name=name,
        template=template,
        output=output,
        dataset_type=dataset_type,
        dimensions=dimensions,
        selection=selection,
        made_for=made_for,
        condition=condition,
        certified=certified,
        needs=tuple(needs.split()),
        searches_ticket=searches_ticket and not is_bootstrap,
        intermediate=intermediate,
        pipeline=pipeline or f"cp{template[0].upper()}{template[1:]}",
    )


def _products() -> dict[str, Product]:
    products = [
        _made("crosstalk", "crosstalkGen", "crosstalk", "crosstalk", ""),
        _made(
            "bias_bootstrap",
            "biasBootstrapGen",
            "biasBootstrap",
            "bias_bootstrap",
            "crosstalk",
            template="biasBootstrap",
        ),
        _made(
            "dark_bootstrap",
            "darkBootstrapGen",
            "darkBootstrap",
            "dark_bootstrap",
            "crosstalk bias_bootstrap",
            template="darkBootstrap",
        ),
        _made(
            "flat_bootstrap",
            "flatBootstrapGen",
            "flatBootstrap",
            "flat_bootstrap",
            "crosstalk bias_bootstrap dark_bootstrap",
            template="flatBootstrap",
            dimensions=_FILTER,
        ),
        _made(
            "defects",
            "defectGen",
            "defects",
            None,
            "bias_bootstrap dark_bootstrap flat_bootstrap",
            made_for="flat_bootstrap",
            # Its inputs are the bootstraps, by the names of their RUNs.
            searches_ticket=False,
            intermediate="",
        ),
        _made("linearizer", "linearizerGen", "linearizer", "ptc_linearizer", "crosstalk defects"),
        _made("cti", "ctiGen", "cti", "ptc_cti", "defects linearizer"),
        _made("ptc", "ptcGen", "ptc", "ptc", "crosstalk defects linearizer cti"),
        _made("bfk", "bfkGen", "bfk", "ptc_bfk", "defects linearizer cti"),
        _made(
            "electrostatic_bf",
            "electroBFDistortionMatrixGen",
            "electroBfDistortionMatrix",
            "ptc_bf",
            "ptc",
            template="electrostaticBFDistortionMatrix",
            intermediate="",
        ),
        _made("bias", "biasGen", "bias", "bias", "crosstalk linearizer ptc"),
        _made("dark", "darkGen", "dark", "dark", "bias defects linearizer ptc"),
    ]
    for band in BANDS:
        flat = _made(
            f"flat_{band}",
            f"flatGen-{band}",
            "flat",
            f"flat_{band}",
            "bias dark linearizer ptc cti",
            dimensions=_FILTER,
            certified=f"flat-{band}",
            condition=f"band='{band}'",
            intermediate="cpFlatIsrExp",
            pipeline="cpFlat",
        )
        products.append(flat)
    # They search no ticket collection: what they need is in `start_from`.
    alone = "bias dark defects linearizer ptc cti bfk flat"
    products += [
        _made(
            "gain_correction",
            "gainCorrectionGen",
            "gain_correction",
            "gain_correction_flat",
            alone,
            searches_ticket=False,
            intermediate="cpFlatIsrExp",
            pipeline="cpGainCorrection",
        ),
        _made(
            "illumination_correction",
            "illuminationCorrectionGen",
            "illuminationCorrection",
            "illumination_correction",
            alone,
            template="illuminationCorrection",
            dimensions=_FILTER,
            searches_ticket=False,
            intermediate="post_isr_image",
        ),
        _made("sky", "skyGen", "sky", "sky", alone, dimensions=_FILTER, searches_ticket=False),
    ]
    return {product.name: product for product in products}


PRODUCTS: Mapping[str, Product] = _products()
"""Products by the word of ``make``, in the order in which they are made."""


def _verified() -> dict[str, Verified]:
    verified = [
        # Of science frames mosaics are made, for eyes; nothing is measured.
        Verified(
            name="science",
            template="verify_science",
            output="verifyScience",
            dataset_type="verifyScienceIsrExp",
            dimensions=("exposure", "detector"),
            selection="science",
        ),
        Verified(
            name="bias",
            template="verify_bias",
            output="verifyBias",
            dataset_type="verifyBiasStats",
            selection="bias",
            results="verifyBiasResults",
            by_exposure=True,
        ),
        Verified(
            name="dark",
            template="verify_dark",
            output="verifyDark",
            dataset_type="verifyDarkStats",
            selection="dark",
            results="verifyDarkResults",
            by_exposure=True,
        ),
    ]
    for band in BANDS:
        flat = Verified(
            name=f"flat_{band}",
            template=f"verify_flat_{band}",
            output=f"verifyFlat-{band}",
            dataset_type="verifyFlatStats",
            dimensions=("physical_filter",),
            selection=f"flat_{band}",
            condition=f"band='{band}'",
            results="verifyFlatResults",
            by_exposure=True,
        )
        verified.append(flat)
    verified += [
        Verified(
            name="defects",
            template="verify_defects",
            output="verifyDefects",
            dataset_type="verifyDefectsStats",
            selection="defects",
            results="verifyDefectsResults",
        ),
        # Its template calls its collection after the generation's iteration.
        Verified(
            name="linearizer",
            template="verify_linearizer",
            output="verifyLinearizer",
            dataset_type="verifyLinearizerStats",
            selection="ptc_linearizer",
            results="verifyLinearizerResults",
            by_generation=True,
        ),
        Verified(
            name="ptc",
            template="verify_ptc",
            output="verifyPtc",
            dataset_type="verifyPtcStats",
            selection="ptc",
            results="verifyPtcResults",
        ),
        Verified(
            name="bfk",
            template="verify_bfk",
            output="verifyBfk",
            dataset_type="verifyBfkStats",
            selection="ptc_bfk",
            results="verifyBfkResults",
        ),
    ]
    return {template.name: template for template in verified}


VERIFIED: Mapping[str, Verified] = _verified()
"""Verifications by the word of ``verify``, in the order of the technote."""

_WITH_DEFERRED_CHARGE = frozenset({"LATISS", "LSSTCam", "LSSTComCam"})
"""Cameras whose pipelines correct for deferred charge (``cti``)."""

_MORE: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    # pipelines/LSSTComCam/cpBias.yaml and cpDark.yaml: doDeferredCharge.
    "LSSTComCam": {"bias": ("cti",), "dark": ("cti",)},
}
"""What a camera's own pipelines apply besides, by camera and type."""

_LESS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    # pipelines/LATISS/cpFlat.yaml is cpFlatSingleChipLSST.yaml.
    "LATISS": {"flat": ("cti",)},
}
"""What a camera's own pipelines do not apply, by camera and type."""


def needs_of(dataset_type: str, instrument: str) -> tuple[str, ...]:
    """Return which certified calibrations one is made with.

    Crosstalk, which is curated, is left out, and so are bootstraps, which
    stay in their generation.

    Parameters
    ----------
    dataset_type
        The calibration, such as ``flat``.
    instrument
        The camera whose pipelines make it.
    """
    needs: list[str] = []
    for product in PRODUCTS.values():
        if product.dataset_type == dataset_type:
            needs.extend(product.needs)
    needs.extend(_MORE.get(instrument, {}).get(dataset_type, ()))
    left_out = {"crosstalk", *_LESS.get(instrument, {}).get(dataset_type, ())}
    if instrument not in _WITH_DEFERRED_CHARGE:
        left_out.add("cti")
    kept = [need for need in needs if need not in left_out and not need.endswith("_bootstrap")]
    return tuple(dict.fromkeys(kept))


SELECTIONS: frozenset[str] = frozenset(
    product.selection for product in PRODUCTS.values() if product.selection
)
"""Words of ``selections`` that a product is made by."""


def variable_of(selection: str) -> str:
    """Return the variable of the templates that holds a selection.

    Flats keep the case of their band; all else is upper case.

    Parameters
    ----------
    selection
        A word of ``selections``, such as ``ptc_cti`` or ``flat_g``.
    """
    word = selection.upper()
    kind, _, band = selection.partition("_")
    if kind == "flat" and band in BANDS:
        word = f"FLAT_{band}"
    return f"SELECTION_{word}"
