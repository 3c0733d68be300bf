"""Text where a number belongs is refused in one line and never evaluated."""

from __future__ import annotations

from pathlib import Path

import pytest

from freejac.symbolic.activation import Activation
from freejac.symbolic.derivative_law import bernoulli
from freejac.symbolic.errors import InputError
from freejac.symbolic.expectation import Expectation, expect
from freejac.symbolic.jacobian import Jacobian
from freejac.symbolic.mean_field import MeanField
from freejac.symbolic.piecewise import decompose
from freejac.symbolic.quadrature import gaussian_mean
from freejac.symbolic.residual import ResNet
from freejac.symbolic.symbols import x

CALLS = {
    "expect": lambda text: expect(x**2, text),
    "Expectation": lambda text: Expectation(x, text),
    "Activation": Activation,
    "bernoulli": bernoulli,
    "gaussian_mean": lambda text: gaussian_mean(decompose(x), text),
    "fixed_points": lambda text: MeanField("tanh").fixed_points(text, 0),
    "parameters": lambda text: MeanField("elu").fixed_points(1, 0, {"alpha": text}),
    "jacobian density": lambda text: Jacobian("hard_tanh", depth=2).density([1], q=text),
    "jacobian lambda": lambda text: Jacobian("relu", depth=2).density([text]),
    "depth": lambda text: Jacobian("relu", depth=text),
    "residual density": lambda text: ResNet().density(1, cumulant=text),
    "propagate": lambda text: ResNet("tanh").propagate(2, text, 0, 1),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_text_is_refused_and_not_evaluated(call, tmp_path: Path):
    target = tmp_path / "evaluated"
    with pytest.raises(InputError) as refusal:
        call(f"open({str(target)!r}, 'w')")
    assert "\n" not in str(refusal.value)
    assert not target.exists()
