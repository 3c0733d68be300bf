"""Duals in closed form at many points that the generator has not seen: 4 ULP away from zeros."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

import pytest

from freejac.codegen.catalogue import CATALOGUE
from freejac.codegen.crosscheck import compare
from freejac.codegen.dual_check import dual_points, dual_reference
from freejac.codegen.dual_spec import DualCode
from freejac.codegen.points import Point
from freejac.codegen.spec import Module

SEED = 11
MANY, SOME = 1000, 60
# References take a millisecond, and up to a tenth of a second where they have error functions or
# the bivariate normal distribution in them.
COUNTS = {
    **dict.fromkeys(("linear", "relu", "leaky_relu", "relu2", "smoothed_relu"), MANY),
    **dict.fromkeys(("erf", "sin", "gelu"), MANY),
    **dict.fromkeys(("hard_tanh", "hard_sigmoid", "shifted_relu", "hard_swish"), SOME),
    **dict.fromkeys(("selu", "elu"), SOME),
}
BOUND = 4.0


@contextmanager
def without_codes() -> Iterator[None]:
    """The committed modules are checked: what a module would be written with is not looked for."""
    none = DualCode((), "0.0", "")
    with patch("freejac.codegen.duals._closed_code", lambda *_: none):
        yield


def points(module: Module, count: int) -> list[Point]:
    """Those of the generator with another seed, every fifth of them next to c = 0."""
    spread = dual_points(module.kernels[0].arguments, count, seed=SEED)
    for index, point in enumerate(spread[::5]):
        point["c"] *= 10.0 ** -(index % 13)
    return spread


@pytest.mark.slow
@pytest.mark.parametrize("name", COUNTS)
def test_duals_in_closed_form_are_right_to_a_few_ulps_at_random_points(name: str) -> None:
    with without_codes():
        module = CATALOGUE[f"{name}_dual"]()
    # An index that asks for no quadrature: the generator's points are held against it.
    exact = [(p, dual_reference(module, p, 1)) for p in points(module, COUNTS[name])]
    compiled = importlib.import_module(f"freejac.generated.{name}_dual")
    for comparisons in compare(module, compiled, exact).values():
        assert max(comparison.ulp for comparison in comparisons) <= BOUND
