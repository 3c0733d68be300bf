"""Axes of grids as their users write them."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freejac.ranges import read_axis, read_counts
from freejac.symbolic.errors import InputError


@given(
    st.floats(1e-6, 1e3), st.floats(1e-6, 1e3), st.integers(2, 200), st.sampled_from(["", ":log"])
)
def test_a_range_has_both_ends_and_as_many_points_as_asked(
    start: float, width: float, count: int, spacing: str
) -> None:
    stop = start + width * 2
    values = read_axis("a", f"{start!r}:{stop!r}:{count}{spacing}")
    assert (values[0], values[-1], len(values)) == (start, stop, count)
    assert all(a < b for a, b in pairwise(values))


def test_numbers_are_read_in_the_grammar() -> None:
    assert read_axis("a", "sqrt(2), 3/2, 0.1") == (0.1, math.sqrt(2), 1.5)
    assert read_axis("a", [2, 1.5]) == (1.5, 2.0)
    assert read_axis("a", 3) == (3.0,)
    assert read_counts("depth", "1:1000:7:log") == (1, 3, 10, 32, 100, 316, 1000)


@pytest.mark.parametrize(
    ("given", "part"),
    [
        ("", "a: "),
        ("1:2", "START:STOP:COUNT"),
        ("1:2:3:lin", "START:STOP:COUNT"),
        ("1:2:3:4:5", "START:STOP:COUNT"),
        ("2:1:3", "ascends"),
        ("1:2:1", "from 2 to"),
        ("1:2:2.5", "from 2 to"),
        ("1:2:99999999999", "from 2 to"),
        ("0:2:5:log", "begins above 0"),
        ("-1", "≥ 0"),
        ("1,1", "twice"),
        ("nan", "'nan'"),
        ("1e999", "1e999"),
        ("x", "not a finite number"),
        ("__import__('os')", "a: "),
        ([], "no values"),
        ([True], "not a finite number"),
        (None, "not a number"),
        ([[1, 2]], "not a number"),
    ],
)
def test_what_is_no_axis_is_refused(given: object, part: str) -> None:
    with pytest.raises(InputError, match=r"^a") as caught:
        read_axis("a", given)
    assert part in str(caught.value)


def test_a_depth_is_a_whole_number() -> None:
    with pytest.raises(InputError, match=r"whole numbers, not 2\.5"):
        read_counts("depth", [1, 2.5])
    with pytest.raises(InputError, match="must be positive"):
        read_counts("depth", "0")
