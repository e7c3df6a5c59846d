"""Sites, their repositories, and the route by which calibrations reach each.

A route says which kinds of resources a ticket becomes on its way.  A new way
of delivery is a class here.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, GetJsonSchemaHandler

from .names import InstrumentName, Noun, RepositoryAddress, Word
from .watching import WatchSettings

__all__ = [
    "Copy",
    "Origin",
    "Repository",
    "Route",
    "Rucio",
    "Site",
    "SiteConstruction",
    "Templates",
]


class Origin(Noun):
    """The calibrations of the instruments are made here."""

    by: Literal["origin"] = "origin"


class Copy(Noun):
    """Imported from the bundle; files are copied into the datastore."""

    by: Literal["copy"] = "copy"


class Rucio(Noun):
    """Files arrive at an RSE by a Rucio rule and are recorded in place."""

    by: Literal["rucio"] = "rucio"

    rse: str
    """RSE of the site."""

    prefix: str
    """URI under which the RSE's files are seen at the site."""


class _AlsoAWord:
    """Tells the JSON Schema that a route without fields may be its name."""

    def __get_pydantic_json_schema__(self, core: Any, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"anyOf": [{"enum": ["origin", "copy"]}, handler(core)]}


def _spelled_out(route: Any) -> Any:
    """Accept ``copy`` for ``{by: copy}``."""
    # A route of Rucio has fields, and its name alone is refused for lack of
    # them.
    if isinstance(route, str):
        return {"by": route}
    return route


Route = Annotated[
    Origin | Copy | Rucio,
    Field(discriminator="by"),
    BeforeValidator(_spelled_out),
    _AlsoAWord(),
]
"""How calibrations reach a repository."""


class Templates(Noun):
    """Where the templates of BPS are; variables may stand in front."""

    cp_pipe: str = "${CP_PIPE_DIR}/bps/templates"
    """Folder of those that make calibrations."""

    cp_verify: str = "${CP_VERIFY_DIR}/bps/templates"
    """Folder of those that verify them."""


class SiteConstruction(Noun):
    """Who makes calibrations at a site, and where."""

    submit: Literal["bps", "pipetask", "here"] = "bps"
    """What runs the templates: a batch system, this machine, or the process
    of calibstate itself, as in tests and demonstrations."""

    bps: dict[str, Any] = Field(default_factory=dict)
    """What is said around each template, such as ``wmsServiceClass``,
    ``computeSite`` and ``site``."""

    templates: Templates = Templates()
    """Where the templates are."""

    scratch: str = "${SCRATCH}"
    """Folder for submissions, logs and images."""

    user_prefix: Annotated[str, Field(pattern=r"^(u/[A-Za-z0-9_.-]+/)?$")] = ""
    """What stands before the names of all collections in a trial."""

    environment: tuple[str, ...] = ()
    """Variables of ours that the middleware gets besides the usual ones."""


class Repository(Noun):
    """A butler repository at a site."""

    butler: Annotated[str, Field(min_length=1)]
    """A label of the butler's repository index, a URI or a path."""

    instruments: Annotated[tuple[InstrumentName, ...], Field(min_length=1)]
    """Instruments whose calibrations it has; ``any`` among them where it has
    what belongs to no instrument."""

    route: Route | None = None
    """How calibrations reach it, where not as the site says."""

    hold: str | None = None
    """Reason for changing nothing here at present."""

    note: str | None = None
    """Anything a reader should know."""


class Site(Noun):
    """A facility: ``sites/SITE.yaml``."""

    site: Word
    """Name of the site."""

    title: str | None = None
    """Its name for people."""

    hosts: tuple[str, ...] = ()
    """Hosts, as shell patterns, on which labels and absolute paths of this
    site mean something; none: anywhere."""

    route: Route | None = None
    """How calibrations reach its repositories, where they do not say."""

    records: str | None = None
    """Where this site's journals and locks are, if not where the tree says."""

    hold: str | None = None
    """Reason for changing nothing at the whole site at present."""

    construction: SiteConstruction | None = None
    """Who makes calibrations here; `None`: BPS, as its own defaults are."""

    watch: WatchSettings | None = None
    """What runs here without a person; `None`: nothing does."""

    note: str | None = None
    """Anything a reader should know."""

    repositories: dict[Word, Repository]
    """Repositories by name."""

    def address(self, repository: str) -> RepositoryAddress:
        """Return the address of one of its repositories."""
        return RepositoryAddress(f"{self.site}/{repository}")

    def route_of(self, repository: str) -> Origin | Copy | Rucio | None:
        """Return the route to one of its repositories, if it has one."""
        own_route = self.repositories[repository].route
        return own_route or self.route

    def with_instruments_of(self, name: str, other: Repository) -> str:
        """Return the YAML of a repository that goes by another name, too.

        Parameters
        ----------
        name
            The name here, which stays.
        other
            What is declared under the other name.
        """
        instruments = (*self.repositories[name].instruments, *other.instruments)
        listed = ", ".join(dict.fromkeys(instruments))
        return f"repositories:\n  {name}:\n    instruments: [{listed}]"
