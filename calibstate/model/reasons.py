"""Why something is not as declared, and is left so: a code, and a sentence.

Programs go by the code and by its weight, people by the sentence, the line
and the hint.  Nothing is decided by what a sentence says.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from ..errors import Diagnostic, Where

__all__ = ["Code", "Reason", "Weight"]


class Weight(Enum):
    """What a reason asks of people."""

    AWAITED = "awaited"
    """It goes away by itself, or by what is done elsewhere."""

    REFUSED = "refused"
    """It is a contradiction that a person must resolve."""

    UNREACHABLE = "unreachable"
    """A place could not be seen; awaited, too."""

    GUARDED = "guarded"
    """A guard stops it, which a person can pass."""

    PLAIN = "plain"
    """No step of ours would change it."""


class Code(Enum):
    """What the reason is, in a word, and what that means."""

    means: str
    """For people, without the particulars."""

    def __new__(cls, word: str, means: str) -> Code:
        """Make a code whose value is its word."""
        code = object.__new__(cls)
        code._value_ = word
        code.means = means
        return code

    # What a ticket holds, and who can bring it

    APPROVED_OTHERWISE = ("approved-otherwise", "What is sealed is not what was approved.")

    BUNDLE_UNREADABLE = ("bundle-unreadable", "The manifest of its bundle cannot be read.")

    BUNDLE_ALTERED = ("bundle-altered", "A bundle has the sealed datasets with other bytes.")

    BUNDLE_OF_OTHERS = ("bundle-of-others", "The ticket was exported with other collections.")

    ORIGIN_CHANGED = ("origin-changed", "The origin no longer holds what was sealed.")

    ORIGIN_LACKS = ("origin-lacks", "The origin does not hold all of its collections yet.")

    ORIGIN_INVALID = ("origin-invalid", "The origin has a certification that begins after it ends.")

    NOT_EXPORTED = ("not-exported", "Its origin has to export it first.")

    # What a place showed

    PLACE_UNSEEN = ("place-unseen", "A place could not be seen.")

    LOOK_REFUSED = ("look-refused", "A place refuses to say how it stands.")

    CONTENT_DIFFERS = ("content-differs", "It holds what was not declared, sealed or exported.")

    SAME_CONTENT = ("same-content", "It holds the same content, under other UUIDs.")

    CONTENT_UNKNOWN = ("content-unknown", "It is not as it should be, in what nobody can tell at present.")

    NAME_TAKEN = ("name-taken", "The name belongs to a collection of another type.")

    MADE_BY_OTHERS = ("made-by-others", "Others make this collection, and it does not exist.")

    NOT_THERE = ("not-there", "It is not there, and no step brings it.")

    # Skymaps

    SKYMAP_DIFFERS = ("skymap-differs", "Another skymap is registered under the name.")

    SKYMAP_NAMED_OTHERWISE = (
        "skymap-named-otherwise",
        "The skymap is registered under another name.",
    )

    # Rucio

    REGISTERED_OTHERWISE = ("registered-otherwise", "Rucio has other files under these names.")

    CLOSED_TOO_EARLY = ("closed-too-early", "The dataset was closed before it was whole.")

    CANNOT_REGISTER = ("cannot-register", "Nothing of it could be registered.")

    BROUGHT_OTHERWISE = ("brought-otherwise", "What a rule brings is not what the bundle holds.")

    UNDER_WAY = ("under-way", "Rucio is bringing the files.")

    RULE_SUSPENDED = ("rule-suspended", "A rule is suspended, which Rucio never ends by itself.")

    NO_RSE = ("no-rse", "Rucio has no such storage element.")

    RSE_CLOSED = ("rse-closed", "The storage element may not be written at present.")

    NO_ROOM = ("no-room", "The account has no room for the files there.")

    # Construction

    NOTHING_SELECTED = ("nothing-selected", "A selection finds no exposure with raws.")

    TEMPLATE_UNFIT = ("template-unfit", "A template cannot be filled in as declared.")

    PREREQUISITE_MISSING = ("prerequisite-missing", "Its pipeline needs what nothing that it searches holds.")

    INPUTS_CHANGED = ("inputs-changed", "It was begun from other collections than are searched now.")

    LITTER = ("litter", "Files lie under the name of a RUN that no dataset has.")

    NOT_MADE = ("not-made", "Nothing was made yet that could be certified.")

    PARTIAL = ("partial", "The newest RUN lacks what it should hold.")

    TWO_AT_ONCE = ("two-at-once", "Two datasets would be valid for one data ID at one time.")

    TABLE_UNFIT = ("table-unfit", "A table of files cannot be ingested as declared.")

    INGESTING = ("ingesting", "Files are being ingested.")

    HALF_WRITTEN = ("half-written", "A command was cut amid its writing, and cannot go on.")

    PACKAGE_MISSING = ("package-missing", "The package that holds the text is not set up here.")

    PACKAGE_DIFFERS = ("package-differs", "Another text than declared is set up here.")

    LEFT_ORIGIN = ("left-origin", "Its ticket has left the origin, and what it holds is final.")

    # Readings of instruments

    EXPOSURE_AWAITED = ("exposure-awaited", "The exposure that a file is about is not known yet.")

    FILE_UNMATCHED = ("file-unmatched", "A file is about no exposure that is known.")

    # What a plan leaves

    OTHER_SITE = ("other-site", "Another site has to do it.")

    REFUSED_BEFOREHAND = ("refused-beforehand", "The step would be refused once it is begun.")

    FAILED_BEFORE = ("failed-before", "The step failed in this run, and is not tried again.")

    WOULD_OVERTAKE = ("would-overtake", "It would move what was not approved so.")

    NOT_ASKED_FOR = ("not-asked-for", "The command leaves it alone; never shown.")

    NOTHING_TO_SEARCH = ("nothing-to-search", "Nothing is searched through it; never shown.")

    # Guards, by their names in ``--allow``

    HOLD = ("hold", "A site, a repository, a ticket or a chain is on hold.")

    WAVE = ("wave", "The wave before has not passed.")

    WINDOW = ("window", "The place is closed at this time.")

    CHAIN_CHANGES = ("chain_changes", "More children than usual would leave a chain or move within it.")

    RECERTIFY = ("recertify", "What is certified would be certified no more, or for another range.")


@dataclass(frozen=True)
class Reason:
    """Why something is not, and is not made, as declared."""

    code: Code

    detail: str
    """In a sentence, with all particulars."""

    weight: Weight

    where: Where | None = None
    """The line that stands in the way, where there is one."""

    hint: str = ""
    """What to do, where that is known."""

    place: str = ""
    """The place that could not be seen, where that is why."""

    also: tuple[Reason, ...] = ()
    """Others that stop the same step."""

    @classmethod
    def awaited(cls, code: Code, detail: str, where: Where | None = None) -> Reason:
        """Return a reason that goes away by itself."""
        return cls(code, detail, Weight.AWAITED, where)

    @classmethod
    def refused(cls, code: Code, detail: str, where: Where | None = None, hint: str = "") -> Reason:
        """Return a reason that a person must resolve."""
        return cls(code, detail, Weight.REFUSED, where, hint)

    @classmethod
    def of(cls, code: Code, diagnostic: Diagnostic) -> Reason:
        """Return the reason that something is refused, with its line."""
        return cls(code, diagnostic.detail, Weight.REFUSED, diagnostic.where, diagnostic.hint)

    @classmethod
    def unseen(cls, place: str, detail: str) -> Reason:
        """Return the reason that a place could not be seen."""
        return cls(Code.PLACE_UNSEEN, detail, Weight.UNREACHABLE, place=place)

    @property
    def is_awaited(self) -> bool:
        """Whether it goes away without a person at this place."""
        return self.weight in {Weight.AWAITED, Weight.UNREACHABLE}

    @property
    def is_refused(self) -> bool:
        """Whether a person must resolve it."""
        return self.weight is Weight.REFUSED
