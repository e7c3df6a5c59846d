"""Where pages have their content from: each source fails by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cached_property, partial
from typing import TYPE_CHECKING, TypeVar

from .. import __version__
from ..constructing.alarms import alarms_of
from ..engine.expand import places_of
from ..errors import CalibstateError, Diagnostic, UsageError
from ..factory.past import checked_out, declared_in_time
from ..model.approvals import Approved
from ..model.changes import Changes
from ..model.daily import Daily
from ..model.desired import DesiredState
from ..model.drift import Drift
from ..model.names import RUCIO, CollectionName, InstrumentName, RepositoryAddress
from ..model.observations import CLOCKS_AGREE, stamp
from ..model.pages import (
    DailyNights,
    DeclaredSearch,
    DeclaredThen,
    LiveChain,
    Merge,
    PageContent,
    PageWishes,
    SearchTurn,
    SelectedThen,
    Standing,
    Task,
    Unread,
)
from ..model.reviews import PublishedReview, Reviewed
from ..model.revisions import Then
from ..model.runs import PastRun
from ..model.scope import Scope
from ..model.seen import Seen, SeenPlaces
from ..model.sights import Sight
from ..model.status import Status
from ..model.tickets import ApprovalStatus
from ..model.watching import WatchState
from ..past.changes import changes
from ..ports.daily import DailyRecords
from ..store.documents.pages import main_chain_in
from ..surveys.approvals import approvals
from ..surveys.standings import standings
from ..surveys.status import status
from ..surveys.tasks import Tasks
from ..surveys.turns import turns
from .daily import daily_file, repository_of
from .looking import look
from .revisions import declared_at, desired_at
from .session import Session

if TYPE_CHECKING:
    from ..factory.places import Places

__all__ = ["Sources"]

T = TypeVar("T")

_MOST_REVISIONS = 50
"""Merges that are compared, each with the one before."""

_MOST_CERTIFICATIONS = 300_000
"""Certifications that are resolved for those merges, all together; of a camera
of ten years some twenty weekly merges."""

_MOST_SIGHTS = 12
"""Sights of a repository that are read, of those that are kept for good."""

_AS_OLD_AS_IT_IS = timedelta(days=36_500)
"""Sights are read however old they are: the page says how old."""


_NIGHTS = 30
"""Nights of daily verification that pages show."""


@dataclass
class Sources:
    """What pages are made of, read one by one."""

    session: Session
    wishes: PageWishes
    max_age: timedelta

    unread: list[Unread] = field(default_factory=list)
    """What could not be read so far."""

    def content(self, unsound: tuple[Diagnostic, ...], since: str | None) -> PageContent:
        """Return all that pages tell of a tree.

        Parameters
        ----------
        unsound
            Mistakes of the tree as it is, where an older revision is shown.
        since
            The revision that is compared with; `None`: none is.

        Raises
        ------
        UsageError
            There is no such revision.
        """
        # With these numpy is imported, which a tree without a sound revision
        # need not wait for.
        from ..lookups.searched import declared_searches, tickets_of_collections

        session = self.session
        desired, scope = session.desired, session.scope
        before: Mapping[CollectionName, tuple[DeclaredSearch, ...]] = {}
        base = ""
        if since is not None:
            then = declared_at(session, since)
            before = declared_searches(desired_at(then), scope)
            base = then.words
        # A revision that is not there is a mistake of whoever asked, and came
        # first; from here on every source may fail by itself.
        here = checked_out(str(session.root))
        status_there, drift, unreachable = self.status()
        ages = self.ages(unreachable)
        sights = self.sights(ages)
        nothing: Mapping[CollectionName, tuple[DeclaredSearch, ...]] = {}
        declared = self._read(
            "the seals",
            lambda: declared_searches(desired, scope),
            nothing,
        )
        no_revisions: tuple[DeclaredThen, ...] = ()
        revisions = self._read(
            "what was effective before",
            lambda: tuple(self.revisions(declared)),
            no_revisions,
        )
        kept = self.kept(ages)
        no_turns: tuple[SearchTurn, ...] = ()
        search_turns = self._read(
            "how repositories searched",
            lambda: tuple(self.turns(kept)),
            no_turns,
        )
        live = self.live(unreachable, sights, self.unsealed_origins(declared))
        approved: tuple[Approved, ...] = self._read(
            "the approvals",
            lambda: approvals(desired, scope),
            (),
        )
        reviews = self.reviews()
        standing_there: tuple[Standing, ...] = ()
        to_do: tuple[Task, ...] = ()
        if status_there:
            standing_there = standings(
                desired,
                status_there,
                ages,
            )
            to_do = Tasks(
                desired,
                status_there,
                standing_there,
                approved,
                reviews,
            ).all()
        return PageContent(
            at=stamp(session.now()),
            version=__version__,
            wishes=self.wishes,
            desired=desired,
            instruments=tuple(self.instruments()),
            commit=here.commit,
            dirty=here.dirty,
            unsound=unsound,
            status=status_there,
            drift=drift,
            standings=standing_there,
            tasks=to_do,
            approvals=approved,
            merges=self.merges(),
            runs=self.runs(),
            reviews=reviews,
            watches=tuple(self.watches()),
            daily=self.daily(),
            ages=ages,
            live=live,
            declared=declared,
            sights=sights,
            before=before,
            base=base,
            revisions=revisions,
            kept=kept,
            turns=search_turns,
            tickets=tickets_of_collections(desired),
            unread=tuple(self.unread),
        )

    def _read(self, source: str, read: Callable[[], T], otherwise: T) -> T:
        """Return what a source tells; if it fails, that is noted."""
        try:
            return read()
        except CalibstateError as error:
            self.unread.append(Unread(source, error.diagnostics))
            return otherwise

    def instruments(self) -> Iterator[InstrumentName]:
        """Yield the instruments that are asked for, sorted."""
        desired, scope = self.session.desired, self.session.scope
        instruments: set[InstrumentName] = set()
        for address in places_of(desired, scope):
            _, repository = desired.repository(address)
            instruments.update(repository.instruments)
        instruments.update(key.instrument for key in desired.tickets)
        for instrument in sorted(instruments):
            if scope.has_instrument(instrument):
                yield instrument

    def unsealed_origins(
        self,
        declared: Mapping[CollectionName, tuple[DeclaredSearch, ...]],
    ) -> frozenset[RepositoryAddress]:
        """Return the origins that tell what seals do not."""
        desired = self.session.desired
        origins: set[RepositoryAddress] = set()
        for name, searches in declared.items():
            if not any(search.unsealed for search in searches):
                continue
            origin = desired.origin(desired.chains[name].noun.instrument)
            if origin:
                origins.add(origin)
        return frozenset(origins)

    # What Git tells

    def _in_time(self) -> Iterator[Then]:
        """Yield what was declared in time, the newest first."""
        try:
            yield from declared_in_time(str(self.session.root))
        except CalibstateError as error:
            # A tree that is kept in no repository has no history to read.
            unread = Unread("the history of the tree", error.diagnostics)
            if checked_out(str(self.session.root)).commit is not None and unread not in self.unread:
                self.unread.append(unread)

    def newest_sound(self) -> DesiredState | None:
        """Return what the newest sound revision declares, if there is one."""
        for then in self._in_time():
            if then.desired is not None:
                # Places are where they are now.
                return replace(then.desired, root=str(self.session.root))
        return None

    def merges(self) -> tuple[Merge, ...]:
        """Return the commits that say something else, the newest first."""
        return tuple(merge for merge, _ in self._merges)

    @cached_property
    def _merges(self) -> Sequence[tuple[Merge, DesiredState | None]]:
        """The commits that say something else, the newest first.

        The newest ones each with what it declares; all of ten years would fill
        the memory.
        """
        merges: list[tuple[Merge, DesiredState | None] | None] = []
        newer: Then | None = None
        place = 0
        sound = 0
        for then in self._in_time():
            if then.problems:
                merge = Merge(
                    then.revision,
                    Changes(),
                    len(then.problems),
                )
                merges.append((merge, None))
                continue
            if then.desired is None:
                continue
            if newer:
                merges[place] = _merge(then, newer, keeps=sound <= _MOST_REVISIONS)
            newer = then
            sound += 1
            # What it says otherwise is known once the one before it is read.
            place = len(merges)
            merges.append(None)
        if newer:
            merges[place] = _merge(None, newer, keeps=sound <= _MOST_REVISIONS)
        return tuple(merge for merge in merges if merge)

    def revisions(
        self,
        declared: Mapping[CollectionName, tuple[DeclaredSearch, ...]],
    ) -> Iterator[DeclaredThen]:
        """Yield what was effective by the newest merges, the newest first.

        Parameters
        ----------
        declared
            What is effective by the tree as it is.
        """
        now = self.session.desired.digest
        today = {name: self._followed(name, of_chain) for name, of_chain in declared.items() if of_chain}
        spent = last = 0
        sound = [(merge, desired) for merge, desired in self._merges if desired]
        for merge, desired in sound[:_MOST_REVISIONS]:
            if desired.digest == now:
                yield DeclaredThen(merge.revision, today)
                continue
            # To resolve ten years of a camera takes seconds, each time.
            if spent + last > _MOST_CERTIFICATIONS:
                return
            chains = self._selected_by(desired, today)
            last = sum(selected.certifications for selected in chains.values())
            spent += last
            yield DeclaredThen(merge.revision, chains)

    def _followed(self, chain: CollectionName, searches: Sequence[DeclaredSearch]) -> SelectedThen:
        """Return what a chain selects at the repository that is followed.

        It is the origin, or one that is as most are.

        Parameters
        ----------
        chain
            Its name.
        searches
            What it searches, as most repositories do first.
        """
        desired = self.session.desired
        origin = desired.origin(desired.chains[chain].noun.instrument)
        search = searches[0]
        repository = search.repositories[0]
        for other in searches:
            if origin in other.repositories:
                search, repository = other, origin
        return SelectedThen(search.timeline, len(search.unsealed), repository)

    def _selected_by(
        self,
        desired: DesiredState,
        today: Mapping[CollectionName, SelectedThen],
    ) -> Mapping[CollectionName, SelectedThen]:
        """Return what the first chain of each instrument selected.

        Parameters
        ----------
        desired
            What was declared.
        today
            What chains select by the tree as it is, at the repositories that
            are followed.
        """
        from ..lookups.searched import selected_then

        chains: dict[CollectionName, SelectedThen] = {}
        for instrument in self.instruments():
            name = main_chain_in(desired, instrument)
            if name is None:
                continue
            scope = self.session.scope
            now = today.get(name)
            chain = desired.chains[name].noun
            # Else the repository is younger, and one that was as most are.
            if now and now.repository in desired.repositories and desired.has_chain(now.repository, chain):
                scope = replace(scope, repositories=(now.repository,))
            selected = selected_then(desired, scope, name)
            if selected:
                chains[name] = selected
        return chains

    # What places tell

    @cached_property
    def _places(self) -> Places:
        session = self.session
        session.looks = self.wishes.live
        session.by_sights = True
        session.max_age = _AS_OLD_AS_IT_IS
        return session.places()

    def status(self) -> tuple[Status | None, tuple[Drift, ...], frozenset[str]]:
        """Return how it stands, all drift, and the places that say nothing."""
        try:
            seen_now = look(self.session, self._places)
        except UsageError:
            raise
        except CalibstateError as error:
            self.unread.append(Unread("how it stands", error.diagnostics))
            return None, (), frozenset()
        unreachable: dict[str, Diagnostic] = {}
        for place, problem in seen_now.view.unreachable.items():
            unreachable[place] = problem
        for name in sorted(unreachable):
            # What is not looked at on purpose is no failure.
            if self.wishes.live or name != RUCIO:
                self.unread.append(Unread(name, (unreachable[name],)))
        return (
            status(seen_now.view, seen_now.plan),
            seen_now.plan.drift,
            frozenset(unreachable),
        )

    def ages(self, unreachable: frozenset[str]) -> SeenPlaces:
        """Return when places were seen, and whether that is too old."""
        places: dict[RepositoryAddress, Seen] = {}
        for address, age in self._places.seen(unreachable).items():
            is_of_the_future = age.since < -CLOCKS_AGREE
            stale = age.since > self.max_age or is_of_the_future
            places[address] = age.model_copy(update={"stale": stale})
        return places

    def sights(self, ages: SeenPlaces) -> Mapping[RepositoryAddress, Sight]:
        """Return what was published of repositories, small.

        Parameters
        ----------
        ages
            When they were seen: what is of another moment tells of another
            state.
        """
        sights: dict[RepositoryAddress, Sight] = {}
        for address, age in ages.items():
            # What was published may be of the same second, and of before.
            if age.is_live:
                continue
            try:
                sight = self._places.sight(address)
            except CalibstateError as error:
                # The observation tells the same, and only takes longer.
                self.unread.append(Unread(f"the sight of {address}", error.diagnostics))
                continue
            if sight and sight.at == age.at:
                sights[address] = sight
        return sights

    def kept(self, ages: SeenPlaces) -> Mapping[RepositoryAddress, tuple[Sight, ...]]:
        """Return what of repositories is kept for good, by address.

        Parameters
        ----------
        ages
            When they were seen last.
        """
        kept: dict[RepositoryAddress, tuple[Sight, ...]] = {}
        nothing: tuple[Sight, ...] = ()
        for address, age in ages.items():
            sights = self._read(
                f"the history of {address}",
                partial(self._kept, address, age.at),
                nothing,
            )
            if sights:
                kept[address] = sights
        return kept

    def _kept(self, address: RepositoryAddress, at: str) -> tuple[Sight, ...]:
        """Return what a repository showed until a moment, newest first."""
        sights: list[Sight] = []
        history = self._places.sights(address)
        looks = [kept for kept in history.kept if stamp(kept.began) <= at]
        for kept in looks[:_MOST_SIGHTS]:
            sight = history.read(kept)
            # Somebody may have deleted it since it was listed.
            if sight:
                sights.append(sight)
        return tuple(sights)

    def turns(self, kept: Mapping[RepositoryAddress, tuple[Sight, ...]]) -> Iterator[SearchTurn]:
        """Yield when repositories began or ceased to search as declared.

        Parameters
        ----------
        kept
            What they showed, whenever that changed.
        """
        desired = self.session.desired
        declared = {desired.digest: desired}
        for _, then in self._merges:
            if then:
                declared[then.digest] = then
        for address, sights in kept.items():
            yield from turns(address, sights, declared)

    def live(
        self,
        unreachable: frozenset[str],
        sights: Mapping[RepositoryAddress, Sight],
        by_rows: frozenset[RepositoryAddress],
    ) -> Mapping[RepositoryAddress, Mapping[CollectionName, LiveChain]]:
        """Return the declared chains as they were seen, by repository.

        Parameters
        ----------
        unreachable
            Places that say nothing.
        sights
            What was published of repositories, small.
        by_rows
            Those of which it has to be known what collections hold.
        """
        from ..lookups.searched import chains_of_sight, live_chains

        session = self.session
        chains: dict[RepositoryAddress, Mapping[CollectionName, LiveChain]] = {}
        others: list[RepositoryAddress] = []
        for address in places_of(session.desired, session.scope):
            sight = sights.get(address)
            of_sight = None
            # Rows that take long to read are worth less than an hourly page.
            if sight and (address not in by_rows or self._places.is_by_sight(address)):
                of_sight = chains_of_sight(session.desired, sight)
            if of_sight is None:
                others.append(address)
            else:
                chains[address] = of_sight
        if not others:
            return chains
        # Without a sight the rows are read, which takes a while.
        scope = Scope(
            repositories=tuple(others),
            instruments=session.scope.instruments,
        )
        try:
            with session.counting("looking at", "repositories") as watch:
                live, unseen = live_chains(
                    session.desired,
                    scope,
                    self._places,
                    watch,
                )
        except CalibstateError as error:
            self.unread.append(Unread("the live chains", error.diagnostics))
            return chains
        for address, problem in unseen.items():
            # That it says nothing was told already.
            if address not in unreachable:
                self.unread.append(Unread(f"the chains of {address}", (problem,)))
        return {**chains, **live}

    def reviews(self) -> Mapping[RepositoryAddress, PublishedReview]:
        """Return what was published of reviews, by repository.

        Of tickets that are adopted: what became of others is nobody's task.
        """
        adopted: set[str] = set()
        for key, written in self.session.desired.tickets.items():
            if written.noun.approval.status is ApprovalStatus.ADOPTED:
                adopted.add(key.name)
        reviews: dict[RepositoryAddress, PublishedReview] = {}
        for address in places_of(self.session.desired, self.session.scope):
            review = self._read(
                f"the reviews of {address}",
                lambda address=address: self._places.published_review(address),  # type: ignore[misc]
                None,
            )
            if review:
                of_adopted: dict[str, Reviewed] = {}
                for name, reviewed in review.tickets.items():
                    if name in adopted:
                        of_adopted[name] = reviewed
                reviews[address] = review.model_copy(
                    update={
                        "tickets": of_adopted,
                    }
                )
        return reviews

    def watches(self) -> Iterator[WatchState]:
        """Yield how the loops of sites go on."""
        desired = self.session.desired
        sites = {address.site for address in places_of(desired, self.session.scope)}
        for site in sorted(sites):
            if desired.sites[site].noun.watch is None:
                continue
            state = self._read(
                f"the loop of {site}",
                partial(self._places.watch, site),
                None,
            )
            if state:
                yield state

    def daily(self) -> Mapping[InstrumentName, DailyNights]:
        """Return what verifications of the last nights say, by instrument."""
        kept: dict[InstrumentName, DailyNights] = {}
        for instrument in self.instruments():
            daily = daily_file(self.session.desired, instrument)
            if daily is None:
                continue
            address = repository_of(self.session.desired, instrument)
            nights = self._read(
                f"the daily verification of {instrument}",
                partial(_nights, daily, self._places.daily_records(address, instrument)),
                None,
            )
            if nights:
                kept[instrument] = nights
        return kept

    def runs(self) -> tuple[PastRun, ...]:
        """Return the runs of all stores, the newest first."""
        runs: list[PastRun] = []
        for number, store in enumerate(self._places.stores_of_records(), 1):
            # Of stores nothing is told but how many there are.
            try:
                runs.extend(self._places.past_runs(store, ""))
            except CalibstateError as error:
                self.unread.append(Unread(f"the journals of store {number}", error.diagnostics))
        runs.sort(key=lambda run: run.id, reverse=True)
        return tuple(runs)


def _merge(
    older: Then | None,
    newer: Then,
    *,
    keeps: bool,
) -> tuple[Merge, DesiredState | None] | None:
    """Return what a sound revision says otherwise; `None`: nothing."""
    assert newer.desired, "it is sound"
    before = older.desired if older else None
    different = changes(before, newer.desired)
    if not different:
        return None
    return Merge(newer.revision, different), newer.desired if keeps else None


def _nights(daily: Daily, records: DailyRecords) -> DailyNights | None:
    """Return what is kept of the last nights; `None`: nothing is."""
    nights = []
    for day in records.days()[-_NIGHTS:]:
        record = records.read(day)
        if record and record.results:
            nights.append(record)
    if not nights:
        return None
    return DailyNights(tuple(nights), alarms_of(daily, nights[-1], records))
