"""What of a matrix is run by day, and that the shares of a night are all."""

from __future__ import annotations

import pytest

MATRIX = """
    import pytest

    @pytest.mark.matrix{size}
    @pytest.mark.parametrize("place", ["a", "b", "c"])
    @pytest.mark.parametrize("fault", [*range(7)])
    def test_it(place, fault):
        pass
"""


def run(pytester: pytest.Pytester, *arguments: str) -> list[str]:
    """Return the cases that were run."""
    result = pytester.runpytest_inprocess("-p", "tests.sampling", "-p", "no:cacheprovider", "-v", *arguments)
    return [line.partition("[")[2].partition("]")[0] for line in result.outlines if "PASSED" in line]


def test_by_day_each_value_of_each_parameter_occurs(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(MATRIX.format(size=""))

    by_day, by_night = run(pytester, "-m", "not slow"), run(pytester, "-m", "slow")

    assert {case[-1] for case in by_day} == {"a", "b", "c"}
    assert sorted(case[0] for case in by_day) == [*"0123456"]
    assert len({*by_day, *by_night}) == len(by_day) + len(by_night) == 21


def test_of_a_matrix_so_many_are_kept_as_are_asked_for_and_always_the_same(
    pytester: pytest.Pytester,
) -> None:
    pytester.makepyfile(MATRIX.format(size="(4)"))

    by_day = run(pytester, "-m", "not slow")

    assert len(by_day) == 4
    assert run(pytester, "-m", "not slow") == by_day


def test_of_a_matrix_no_case_is_kept_that_is_slow_anyway(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import pytest

        SLOW = [pytest.param(number, marks=pytest.mark.slow) for number in range(30)]

        @pytest.mark.matrix(1)
        @pytest.mark.parametrize("number", [*SLOW, 30])
        def test_it(number):
            pass
    """)

    assert run(pytester, "-m", "not slow") == ["30"]


def test_the_shares_are_all_and_have_nothing_in_common(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(MATRIX.format(size=""))

    shares = [run(pytester, "--share", f"{number}/3") for number in (1, 2, 3)]

    assert sorted(case for share in shares for case in share) == sorted(run(pytester))
    assert all(shares)


@pytest.mark.parametrize("share", ["0/3", "4/3", "3", "a/b", "1/0"])
def test_a_share_that_is_none_is_refused(pytester: pytest.Pytester, share: str) -> None:
    result = pytester.runpytest_inprocess("-p", "tests.sampling", "--share", share)

    assert result.ret == pytest.ExitCode.USAGE_ERROR
