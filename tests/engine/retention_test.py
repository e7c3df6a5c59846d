"""What nobody needs any more, held against every lookup that there is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from calibstate.model.contents import CollectionType, Holding, Row
from calibstate.model.names import RepositoryAddress, TicketKey
from calibstate.model.retention import (
    Facts,
    Inventory,
    Keeper,
    Keeps,
    LineState,
    LitterFile,
    RetentionClass,
    RetentionLine,
    StoredAs,
)
from calibstate.model.timespans import UNBOUNDED
from calibstate.surveys.retention import retention_lines
from calibstate.surveys.retention_uses import uses_of

HERE, THERE = RepositoryAddress("usdf/main"), RepositoryAddress("summit/LSSTComCam")
NOW = datetime(2025, 6, 1, tzinfo=UTC)
TOP = "C/calib"
FOLDER = "C/calib/DM-9/DP1"
RUN = f"{FOLDER}/biasGen.20250207a/20250207T010000Z"
CERTIFIED = f"{FOLDER}/bias.20250207a"
KEY = TicketKey("C", "DM-9")

Chains = Mapping[str, tuple[str, ...]]


def uuid(number: int) -> str:
    return f"00000000-0000-0000-0000-{number:012d}"


def run(name: str, *datasets: tuple[str, int]) -> Holding:
    """Return a RUN of datasets, each with its type and number."""
    rows = tuple(Row(type_, f"detector={n}", uuid(n), *UNBOUNDED) for type_, n in datasets)
    return Holding(name, CollectionType.RUN, rows)


def certified(name: str, *rows: tuple[int, int, int], type_: CollectionType | None = None) -> Holding:
    """Return a collection with numbers of biases, begins and ends."""
    held = tuple(Row("bias", f"detector={n % 3}", uuid(n), begin, end) for n, begin, end in rows)
    return Holding(name, type_ or CollectionType.CALIBRATION, held)


def inventory(
    *holdings: Holding, address: RepositoryAddress = HERE, chains: Chains | None = None, **more: object
) -> Inventory:
    by_name = {holding.collection: holding for holding in holdings}
    return Inventory(address, chains or {}, by_name, **more)  # type: ignore[arg-type]


def lines(shown: Inventory, *others: Inventory, facts: Facts | None = None) -> tuple[RetentionLine, ...]:
    facts = facts or Facts(selecting=frozenset({TOP}))
    return retention_lines(shown, uses_of((shown, *others), facts), facts, (), NOW)


def only(shown: Inventory, *others: Inventory, facts: Facts | None = None) -> RetentionLine:
    (line,) = lines(shown, *others, facts=facts)
    return line


def keeps(line: RetentionLine) -> set[Keeps]:
    return {keeper.by for keeper in line.kept}


# Against brute force

NAMES = [f"C/calib/c{number}" for number in range(4)]
CHAINS = [TOP, f"{TOP}/defaults", "C/frozen", "u/somebody/chain"]

ranges = st.tuples(st.integers(0, 5), st.integers(0, 5))


@st.composite
def worlds(draw: st.DrawFn) -> tuple[list[Inventory], Facts]:
    """Return what two repositories keep, and what is declared there."""
    inventories = []
    for address in (HERE, THERE):
        holdings = [run("C/calib/run", *(("bias", number) for number in range(9)))]
        for name in NAMES:
            rows = draw(st.lists(st.tuples(st.integers(0, 8), ranges), max_size=4))
            holdings.append(certified(name, *((number, *span) for number, span in rows)))
        tagged = draw(st.lists(st.integers(0, 8), max_size=1))
        spans = [(number, *UNBOUNDED) for number in tagged]
        holdings.append(certified("u/somebody/tagged", *spans, type_=CollectionType.TAGGED))
        chains = {}
        for place, name in enumerate(CHAINS):
            if draw(st.booleans()):
                # No chain holds itself.
                below = st.sampled_from([*NAMES, "C/calib/run", *CHAINS[place + 1 :]])
                chains[name] = tuple(draw(st.lists(below, max_size=3, unique=True)))
        inventories.append(inventory(*holdings, address=address, chains=chains))
    children = st.lists(st.sampled_from(NAMES), max_size=3, unique=True).map(tuple)
    declared = {address: {TOP: draw(children)} for address in (HERE, THERE) if draw(st.booleans())}
    return inventories, Facts(selecting=frozenset(CHAINS[:2]), declared=declared)


def lookup(name: str, chains: Chains, holdings: Mapping[str, Holding], moment: int, data_id: str) -> set[str]:
    """Return what a search finds first; several where it is ambiguous."""
    if name in chains:
        for child in chains[name]:
            answer = lookup(child, chains, holdings, moment, data_id)
            if answer:
                return answer
        return set()
    rows = holdings[name].rows if name in holdings else ()
    return {row.uuid for row in rows if row.data_id == data_id and row.begin <= moment < row.end}


def all_answers(inventories: list[Inventory], facts: Facts, names: list[str]) -> Iterator[set[str]]:
    """Yield what chains give at each edge, live and as declared."""
    for shown in inventories:
        declared = {**shown.chains, **facts.declared.get(shown.address, {})}
        for chains in (shown.chains, declared):
            for name in names:
                for moment in range(6):
                    for data_id in {row.data_id for h in shown.holdings.values() for row in h.rows}:
                        if name in chains:
                            yield lookup(name, chains, shown.holdings, moment, data_id)


@given(world=worlds())
def test_what_is_called_unselectable_is_given_by_no_lookup_at_any_edge(
    world: tuple[list[Inventory], Facts],
) -> None:
    inventories, facts = world
    searched = set().union(*all_answers(inventories, facts, CHAINS[:2]))
    by_any_name = set().union(*all_answers(inventories, facts, CHAINS))
    for shown in inventories:
        rest = [other for other in inventories if other is not shown]
        for line in lines(shown, *rest, facts=facts):
            if line.retention is not RetentionClass.SELECTED:
                assert not searched & set(line.uuids), line
            if line.state is LineState.OFFERED:
                assert not by_any_name & set(line.uuids), line


@given(world=worlds())
def test_what_is_offered_is_in_no_tagged_collection_and_no_chain_of_others(
    world: tuple[list[Inventory], Facts],
) -> None:
    inventories, facts = world
    for shown in inventories:
        rest = [other for other in inventories if other is not shown]
        for line in lines(shown, *rest, facts=facts):
            if line.state is not LineState.OFFERED:
                continue
            for place in inventories:
                tagged = {row.uuid for row in place.holdings["u/somebody/tagged"].rows}
                assert not tagged & set(line.uuids)


# Classes, one by one


def test_a_dataset_that_is_selected_there_is_in_use_here() -> None:
    here = inventory(run(RUN, ("bias", 1)), certified(CERTIFIED, (1, 0, 5)))
    there = inventory(certified(CERTIFIED, (1, 0, 5)), address=THERE, chains={TOP: (CERTIFIED,)})

    assert only(here).retention is RetentionClass.UNSEARCHED
    assert only(here, there).retention is RetentionClass.SELECTED


def test_a_dataset_that_only_the_declared_chain_selects_is_in_use() -> None:
    shadowing = certified("C/calib/new", (4, *UNBOUNDED))
    chains: Chains = {TOP: ("C/calib/new", CERTIFIED)}
    shown = inventory(run(RUN, ("bias", 1)), certified(CERTIFIED, (1, 0, 5)), shadowing, chains=chains)
    declared = Facts(frozenset({TOP}), declared={HERE: {TOP: (CERTIFIED, "C/calib/new")}})

    assert only(shown).retention is RetentionClass.SHADOWED
    assert only(shown, facts=declared).retention is RetentionClass.SELECTED


def test_both_of_two_that_the_butler_refuses_to_choose_between_are_in_use() -> None:
    shown = inventory(
        run(RUN, ("bias", 1), ("bias", 4)),
        certified(CERTIFIED, (1, 0, 5), (4, 1, 4)),
        chains={TOP: (CERTIFIED,)},
    )

    assert only(shown).uuids == (uuid(1), uuid(4))


def test_what_has_not_arrived_yet_is_selected_as_it_will_be() -> None:
    here = inventory(run(RUN, ("bias", 1)), certified(CERTIFIED, (1, 0, 5)))
    there = inventory(address=THERE)
    facts = Facts(frozenset({TOP}), declared={THERE: {TOP: (CERTIFIED,)}})

    assert only(here, there, facts=facts).retention is RetentionClass.SELECTED


def test_what_is_searched_under_any_of_its_names_is_searched() -> None:
    twice = (certified("C/calib/A", (1, 0, 5)), certified(CERTIFIED, (1, 0, 5)))
    new = certified("C/calib/new", (4, *UNBOUNDED))

    line = only(inventory(run(RUN, ("bias", 1)), *twice, new, chains={TOP: ("C/calib/new", CERTIFIED)}))

    assert (line.retention, line.collection) == (RetentionClass.SHADOWED, CERTIFIED)
    assert line.certifications == 2


def test_what_a_template_made_on_the_way_is_told_by_its_type() -> None:
    shown = inventory(
        run(RUN, ("bias", 1), ("cpBiasIsrExp", 2), ("cpBiasIsrExp", 3), ("log", 4)),
        certified(CERTIFIED, (1, *UNBOUNDED)),
        chains={TOP: (CERTIFIED,)},
    )

    told = {(line.retention.value, line.dataset_type): line.datasets for line in lines(shown)}

    assert told == {("A", None): 1, ("D", "cpBiasIsrExp"): 2, ("D", "log"): 1}


def test_a_type_of_which_one_is_certified_is_not_offered() -> None:
    shown = inventory(run(RUN, ("bias", 1), ("bias", 2)), certified(CERTIFIED, (1, *UNBOUNDED)))

    (intermediate,) = [line for line in lines(shown) if line.retention is RetentionClass.INTERMEDIATE]

    assert keeps(intermediate) == {Keeps.WITH_OTHERS}
    assert intermediate.command == ()


def test_bootstraps_are_those_whose_defects_are_certified() -> None:
    bootstrap = run(f"{FOLDER}/biasBootstrapGen.20250207a/run1", ("biasBootstrap", 1))
    defects = run(f"{FOLDER}/defectGen.20250207a/20250207T000000Z", ("defects", 2))
    as_certified = Holding(
        f"{FOLDER}/defects.20250207a",
        CollectionType.CALIBRATION,
        (Row("defects", "detector=2", uuid(2), *UNBOUNDED),),
    )

    biases = run(RUN, ("bias", 3))

    before = {line.collection: line.retention.value for line in lines(inventory(bootstrap, defects, biases))}
    after = {
        line.collection: line.retention.value
        for line in lines(inventory(bootstrap, defects, biases, as_certified))
    }

    assert before == {bootstrap.collection: "G", defects.collection: "G", RUN: "G"}
    assert after == {bootstrap.collection: "E", as_certified.collection: "C", RUN: "G"}


def test_a_run_of_no_template_is_of_no_class() -> None:
    assert lines(inventory(run("C/calib/photodiode", ("photodiode", 1)))) == ()


def test_a_run_is_kept_whole_by_what_names_one_dataset_of_it() -> None:
    tagged = certified("u/somebody/tagged", (2, *UNBOUNDED), type_=CollectionType.TAGGED)

    line = only(inventory(run(RUN, ("bias", 1), ("bias", 2)), tagged))

    assert line.retention is RetentionClass.UNCERTIFIED
    assert keeps(line) == {Keeps.TAGGED}


def test_the_chain_of_its_own_output_keeps_no_run() -> None:
    line = only(inventory(run(RUN, ("bias", 1)), chains={RUN.rpartition("/")[0]: (RUN,)}))

    assert line.state is LineState.OFFERED
    assert line.command == ("butler", "remove-runs", "$REPO", RUN)


def test_a_chain_of_any_other_name_keeps_all_that_is_below_it() -> None:
    chains: Chains = {"C/DP1/defaults": ("C/DP1/calib",), "C/DP1/calib": (CERTIFIED,)}
    line = only(inventory(run(RUN, ("bias", 1)), certified(CERTIFIED, (1, 0, 5)), chains=chains))

    assert {keeper.name for keeper in line.kept} == set(chains)


def test_a_chain_over_a_declared_one_keeps_what_that_selects_only() -> None:
    chains: Chains = {"C/defaults": (TOP,), TOP: ("C/calib/new", CERTIFIED)}
    new = certified("C/calib/new", (4, *UNBOUNDED))
    shown = inventory(run(RUN, ("bias", 1)), certified(CERTIFIED, (1, 0, 5)), new, chains=chains)

    line = only(shown)

    assert (line.retention, line.state) == (RetentionClass.SHADOWED, LineState.OFFERED)
    # No command takes it away: the tree has to retire it first.
    assert line.command == ()


def test_what_something_names_is_kept_with_all_below_it() -> None:
    for reason in (Keeps.START_FROM, Keeps.SEAL, Keeps.RULE, Keeps.RECERTIFIED):
        facts = Facts(named=(("C/calib/DM-9", Keeper(reason, "it")),))
        chains: Chains = {"C/calib/DM-9": (CERTIFIED,)}
        of_ticket = Facts(of_tickets=frozenset(chains), named=facts.named)
        shown = inventory(run(RUN, ("bias", 1)), certified(CERTIFIED, (1, 0, 5)), chains=chains)

        assert keeps(only(shown, facts=of_ticket)) == {reason}


def test_what_is_named_at_another_repository_is_kept_here() -> None:
    tagged = certified("u/somebody/tagged", (1, *UNBOUNDED), type_=CollectionType.TAGGED)

    line = only(inventory(run(RUN, ("bias", 1))), inventory(tagged, address=THERE))

    assert line.kept == (Keeper(Keeps.TAGGED, "u/somebody/tagged", THERE),)


def test_a_file_that_another_repository_records_is_kept() -> None:
    files = {uuid(1): StoredAs(("file:///shared/bias.fits",), 10)}
    here = inventory(run(RUN, ("bias", 1)), files=files)
    there = inventory(address=THERE, files=files)

    assert only(here).kept == ()
    assert only(here, there).kept == (Keeper(Keeps.USED_ELSEWHERE, "", THERE),)


def test_nothing_is_offered_where_a_place_was_not_seen() -> None:
    facts = Facts()
    shown = inventory(run(RUN, ("bias", 1)))

    (line,) = retention_lines(shown, uses_of([shown], facts), facts, (THERE,), NOW)

    assert line.state is LineState.NOT_KNOWN
    assert line.command == ()


def test_a_ticket_that_is_being_made_keeps_what_is_its_own() -> None:
    keeper = Keeper(Keeps.UNDER_CONSTRUCTION, KEY.name)

    line = only(inventory(run(RUN, ("bias", 1))), facts=Facts(keeper_of={KEY: keeper}))

    assert line.kept == (keeper,)


def test_what_a_ticket_certifies_is_its_own_before_its_file_says_so() -> None:
    keeper = Keeper(Keeps.UNDER_CONSTRUCTION, KEY.name)
    facts = Facts(keeper_of={KEY: keeper}, tickets=frozenset({KEY}))
    aside = "C/calib/DM-99/bias.20250207a"
    shown = inventory(
        run(RUN, ("bias", 1), ("bias", 2)), certified(CERTIFIED, (1, 0, 5)), certified(aside, (2, 0, 5))
    )

    of_collection = {line.collection: line for line in lines(shown, facts=facts)}

    assert of_collection[CERTIFIED].kept == (keeper,)
    # One number begins with the other.
    assert of_collection[aside].kept == ()


def test_an_adopted_ticket_that_no_chain_lists_yet_is_kept() -> None:
    shown = inventory(run(RUN, ("bias", 1)), certified(CERTIFIED, (1, 0, 5)))
    facts = Facts(adopted={KEY: None}, ticket_of={CERTIFIED: KEY})
    retired = Facts(adopted={KEY: None}, ticket_of={CERTIFIED: KEY}, listed=frozenset({KEY}))

    assert keeps(only(shown, facts=facts)) == {Keeps.NOT_LISTED}
    assert only(shown, facts=retired).state is LineState.OFFERED


def test_a_day_of_the_tree_only_puts_off_what_is_offered() -> None:
    shown = inventory(run(RUN, ("bias", 1)))
    for days, state in ((10, LineState.OFFERED), (400, LineState.LATER)):
        facts = Facts(adopted={KEY: date(2025, 5, 1)}, keep_intermediates=timedelta(days=days))
        line = only(shown, facts=facts)

        assert line.state is state
        assert line.not_before == date(2025, 5, 1) + timedelta(days=days)
        assert line.command


def test_no_day_puts_off_what_was_certified() -> None:
    facts = Facts(
        adopted={KEY: date(2025, 5, 1)},
        listed=frozenset({KEY}),
        ticket_of={CERTIFIED: KEY},
        keep_intermediates=timedelta(days=400),
    )
    shown = inventory(run(RUN, ("bias", 1)), certified(CERTIFIED, (1, 0, 5)))

    assert only(shown, facts=facts).not_before is None


def test_litter_that_was_written_lately_may_be_that_of_a_batch() -> None:
    for changed, expected in (
        (NOW - timedelta(days=8), set()),
        (NOW - timedelta(days=6), {Keeps.WRITTEN_LATELY}),
        (None, {Keeps.WRITTEN_LATELY}),
    ):
        file = LitterFile(RUN, "file:///repo/x.fits", 7, changed)
        line = only(inventory(litter=(file,)))

        assert keeps(line) == expected
        assert (line.retention, line.files, line.bytes) == (RetentionClass.LITTER, 1, 7)


def test_members_of_a_zip_file_are_one_file() -> None:
    files = {uuid(n): StoredAs((f"file:///repo/a.zip#unzip={n}",), 10) for n in (1, 2)}

    line = only(inventory(run(RUN, ("bias", 1), ("bias", 2)), files=files))

    assert (line.files, line.bytes) == (1, 20)
