"""In which order a chain is written, and what an action on it means."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calibstate.kinds.chain import Chain, ChainKind, PrependToChain, RewriteChain, written_order
from calibstate.model.actions import Standing
from calibstate.model.contents import CollectionType
from calibstate.model.drift import What
from calibstate.model.names import Address, Place

AT = Address(place=Place("summit/LSSTCam"), kind="chain", name="LSSTCam/calib")
KIND = ChainKind()
NAMES = st.lists(st.sampled_from("abcdefgh"), unique=True)


def whats(declared, live):
    return [(drift.what, drift.subject) for drift in KIND.compare(declared, live)]


def test_a_new_child_goes_in_front_of_extras_too():
    assert written_order("nab", "xab") == tuple("nxab")


def test_an_extra_stays_in_front_of_the_child_that_it_stands_in_front_of():
    assert written_order("cab", "axb") == ("c", "a", "x", "b")


def test_several_extras_keep_their_order():
    assert written_order("ab", "xyazb") == tuple("xyazb")


def test_an_extra_behind_all_declared_children_stays_last():
    assert written_order("nab", "abx") == tuple("nabx")


def test_an_extra_moves_to_the_next_child_when_its_own_goes():
    assert written_order("ab", "axrb", frozenset("r")) == tuple("axb")


def test_an_extra_stays_last_when_the_children_behind_it_go():
    assert written_order("a", "axr", frozenset("r")) == tuple("ax")


@given(declared=NAMES, live=NAMES, unwanted=st.sets(st.sampled_from("abcdefgh")))
def test_writing_again_what_was_written_changes_nothing(declared, live, unwanted):
    written = written_order(declared, live, frozenset(unwanted))
    assert written_order(declared, written, frozenset(unwanted)) == written


@given(declared=NAMES, live=NAMES, unwanted=st.sets(st.sampled_from("abcdefgh")))
def test_only_what_is_unwanted_is_lost(declared, live, unwanted):
    written = written_order(declared, live, frozenset(unwanted))
    assert set(written) == (set(declared) | set(live)) - unwanted
    assert [c for c in written if c in declared] == [c for c in declared if c not in unwanted]


@given(declared=NAMES, live=NAMES)
def test_extras_keep_their_order_where_the_declared_children_keep_theirs(declared, live):
    declared.sort(key=lambda child: live.index(child) if child in live else -1)
    written = written_order(declared, live)
    assert [c for c in written if c not in declared] == [c for c in live if c not in declared]


def test_children_only_in_front_are_prepended():
    (action,) = KIND.remedy(Chain(AT, ("n", "a", "b")), Chain(AT, ("a", "b")))
    assert isinstance(action, PrependToChain)
    assert (action.children, action.onto) == (("n",), ("a", "b"))


def test_any_other_change_rewrites_the_chain():
    (action,) = KIND.remedy(Chain(AT, ("a", "n", "b")), Chain(AT, ("a", "b")))
    assert isinstance(action, RewriteChain)
    assert (action.children_before, action.children) == (("a", "b"), ("a", "n", "b"))


def test_an_absent_chain_is_made_with_all_its_children():
    (action,) = KIND.remedy(Chain(AT, ("a", "b")), None)
    assert isinstance(action, PrependToChain)
    assert (action.children, action.onto) == (("a", "b"), None)


def test_an_absent_chain_of_which_nothing_has_arrived_is_not_made():
    assert list(KIND.remedy(Chain(AT), None)) == []


def test_a_chain_in_sync_needs_nothing():
    assert list(KIND.remedy(Chain(AT, ("a",)), Chain(AT, ("a",)))) == []


def test_drift_tells_missing_misordered_unwanted_and_extra():
    declared = Chain(AT, ("n", "a", "b"), unwanted={"r": "retired: why"})
    assert whats(declared, Chain(AT, ("b", "x", "r", "a"))) == [
        (What.MISSING, "n"),
        (What.MISORDERED, "LSSTCam/calib"),
        (What.EXTRA, "x"),
        (What.UNWANTED, "r"),
    ]


def test_a_name_taken_by_another_type_is_changed_and_never_mended():
    taken = Chain(AT, type=CollectionType.CALIBRATION)
    assert whats(Chain(AT, ("a",)), taken) == [(What.CHANGED, "LSSTCam/calib")]
    assert list(KIND.remedy(Chain(AT, ("a",)), taken)) == []
    obstacle = KIND.obstacle(Chain(AT, ("a",)), taken)
    assert obstacle
    assert obstacle.is_refused


def test_a_child_that_cannot_be_had_stays_while_it_is_searched():
    declared = Chain(AT, ("a", "b"))
    assert KIND.without(declared, frozenset("ab"), Chain(AT, ("b",))).children == ("b",)


@given(children=NAMES.filter(bool), onto=st.none() | NAMES)
def test_an_action_is_ready_on_its_ground_done_after_it_and_else_stale(children, onto):
    children = [c for c in children if c not in (onto or ())]
    action = PrependToChain(target=AT, because="declared", children=children, onto=onto)
    before = None if onto is None else Chain(AT, tuple(onto))
    if children or onto is None:
        assert action.standing(before) is Standing.READY
    assert action.standing(action.subject()) is Standing.DONE
    assert action.standing(Chain(AT, ("q",))) is Standing.STALE


def test_a_chain_action_on_a_name_of_another_type_is_stale():
    action = PrependToChain(target=AT, because="declared", children=("a",), onto=None)
    assert action.standing(Chain(AT, type=CollectionType.RUN)) is Standing.STALE


def test_a_chain_says_in_a_few_words_whether_it_is_made():
    made = PrependToChain(target=AT, because="x", children=("a", "b"), onto=None)
    longer = PrependToChain(target=AT, because="x", children=("a", "b"), onto=("c",))
    assert (made.summary(), longer.summary()) == ("make with 2 children", "prepend 2 children")
    assert (made.displaced, longer.displaced) == (0, 0)


@pytest.mark.parametrize(
    ("children", "said"),
    [(("a",), "1 child is declared and not searched"), (("a", "b"), "2 children are declared and")],
)
def test_a_step_says_how_many_children_it_is_for(children, said):
    (action,) = KIND.remedy(Chain(AT, children), Chain(AT, ()))
    assert action.because.startswith(said)
