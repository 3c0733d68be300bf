"""Means by quadrature in the kernel: of what vanishes or cancels around 0, or oscillates."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from mpmath import mp, mpf

from freejac.codegen.activation_modules import activation_module
from freejac.codegen.approximate import approximate
from freejac.codegen.at_once import compiled
from freejac.codegen.load import load_text
from freejac.codegen.record import KernelRecord, ModuleRecord
from freejac.codegen.render import render
from freejac.codegen.spec import Argument, Base, Mean, Module
from freejac.codegen.table_form import TableForm
from freejac.symbolic.activation import activation
from freejac.symbolic.parity import even_part
from freejac.symbolic.parsing import parse
from freejac.symbolic.piecewise import decompose
from freejac.symbolic.quadrature import gaussian_mean

FULL = ("1e-12", "1e12")
LEAST, STEP = mpf(2) ** -1000, mpf(2) ** -26


def module_of(text: str, power: int) -> Module:
    return Module(
        name="tried",
        title="A mean.",
        template="activation.py.jinja",
        kernels=(Mean("value", "E[f(h)]", "_f", power, None),),
        tolerance=1e-13,
        source="a test",
        variable=Argument("q", "variance", *FULL),
        bases=(Base("_f", "Return f(x).", decompose(parse(text))),),
    )


@pytest.mark.parametrize(
    ("text", "power"),
    [("where(abs(x) > 1/2, tanh(x), 0)", 2), ("clip(tanh(2*x), -1/2, 4/5)", 1)],
)
def test_all_of_it_beyond_a_breakpoint(text: str, power: int) -> None:
    # At q = 0.0015 what 13 standard deviations see of E[f²] is a tenth of it, and what cancels in
    # E[f] is 10¹² times as much.
    module = module_of(text, power)
    kernel = load_text(
        render(module, ModuleRecord(kernels={"value": KernelRecord(domain=FULL)}))
    ).value
    function = decompose(parse(text)) ** power if power > 1 else decompose(parse(text))
    for q in (1.5e-3, 1e3):
        exact = gaussian_mean(function, q, 40)
        falls = 1 + 1 / (8 * q)  # |q F′/F|: like e^(−1/8q) at most
        assert abs(mpf(float(kernel(q))) / exact - 1) < 1e-15 * falls


@pytest.mark.parametrize(
    ("text", "name", "expected"),
    [
        ("where(abs(x) > 1/2, x, 0)", "second_moment", True),
        ("where(x > 1/2, x - 1/2, where(x < -1/2, x + 1/2, 0))", "mu_1", True),
        ("step(x - a)", "second_moment", True),
        ("relu", "second_moment", False),
        ("hard_tanh", "second_moment", False),
        ("hard_sigmoid", "mu_1", False),
    ],
)
def test_which_errors_are_relative_to_what_q_is_known_to(
    text: str, name: str, expected: bool
) -> None:
    module = activation_module(activation(text))
    (kernel,) = (k for k in module.kernels if k.name == name)
    assert isinstance(kernel, Mean)
    assert kernel.conditioned is expected
    assert (name in module.source) is expected


def test_a_step_away_from_0() -> None:
    # 1 − tanh² is 10⁻⁸ where the weight is; squares of it that are lost look like a step
    module = activation_module(activation("tanh(x + b)"))
    (chosen,) = (k for k in module.kernels if k.name == "mu_2")
    record = ModuleRecord(kernels={"mu_2": KernelRecord(domain=FULL)})
    kernel = load_text(render(replace(module, kernels=(chosen,)), record)).mu_2
    for at, q in ((-9.7, 1.0), (8.0, 10.0)):
        value = mpf(float(kernel(q, at)))

        def share(t: mpf, at: float = at, q: float = q, value: mpf = value) -> mpf:
            return mp.sech(t + at) ** 8 * mp.npdf(t, 0, mp.sqrt(q)) / value

        with mp.workdps(25):
            ends = sorted({*(mp.sqrt(q) * k for k in range(-14, 15, 2)), *range(-20, 21, 2)})
            assert abs(mp.quad(share, ends) - 1) < 1e-14


KINKED = [
    ("where(x > 1000, x - 1000, 0)", "mean"),
    ("clip(x, 1000, 2000)", "second_moment_slope"),
    ("where(x > 1/2, x - 1/2, where(x < -1/2, x + 1/2, 0))", "second_moment"),
    ("where(abs(x) > 1/2, x, 0)", "second_moment"),
    ("clip(tanh(x), -1/2, 1/2)", "mu_1"),
    ("clip(x, -1/1000, 1000)", "mean"),
    ("where(x > 2, tanh(x - 2), 0)", "mu_2"),
]
QUICK = 1


@pytest.mark.parametrize(
    ("text", "name"),
    [*KINKED[:QUICK], *(pytest.param(*row, marks=pytest.mark.slow) for row in KINKED[QUICK:])],
)
def test_kinked_functions_over_all_decades(
    text: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    whole = activation_module(activation(text))
    (chosen,) = (k for k in whole.kernels if k.name == name)
    assert isinstance(chosen, Mean)
    kernel = getattr(compiled(replace(whole, kernels=(chosen,))), name)
    base = whole.base(chosen.base)
    # of an odd power the even part: the rest would cancel to what the digits do not show
    function = even_part(base) if chosen.power == 1 else base**chosen.power
    places = random.Random(text)
    for exponent in range(-12, 12):
        q = 10 ** (exponent + places.random())
        value, exact = mpf(float(kernel(q))), gaussian_mean(function, q, 30)
        if abs(exact) < LEAST:
            assert abs(value) <= LEAST
        elif abs(value / exact - 1) > 1e-13:  # more only by the rounding of q
            moved = gaussian_mean(function, mpf(q) * (1 + STEP), 30)
            assert abs(value / exact - 1) <= 1e-13 * (1 + abs((moved / exact - 1) / STEP))


@pytest.mark.slow
def test_what_oscillates_has_a_table() -> None:
    module = module_of("sin(2*x)*tanh(x)", 1)
    (form,) = approximate([(module.base("_f"), 1)])
    assert isinstance(form, TableForm)
    kernel = load_text(
        render(module, ModuleRecord(kernels={"value": KernelRecord(domain=FULL, form=form)}))
    ).value
    for q in (1e-12, 3e-3, 0.7, 20.0):
        exact = gaussian_mean(module.base("_f"), q, 30)
        assert abs(mpf(float(kernel(q))) / exact - 1) < 2e-15
    with mp.workdps(30):  # by residues, as in tests/symbolic/test_oscillation.py
        limit = mp.pi / mp.sinh(mp.pi) / mp.sqrt(2 * mp.pi * 10**12)
        assert float(kernel(1e12)) == pytest.approx(float(limit), rel=1e-11, abs=0.0)
    assert np.isnan(kernel(2e12))
