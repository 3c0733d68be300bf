"""The cross-check finds what is wrong, by references that share nothing with the kernels."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import mpmath
import pytest
import sympy as sp

from freejac.codegen import measure
from freejac.codegen.activation_modules import activation_module
from freejac.codegen.catalogue import CATALOGUE
from freejac.codegen.crosscheck import check_points, compare, references, rounded_up, worst
from freejac.codegen.load import load_text
from freejac.codegen.oracle import residual_stieltjes
from freejac.codegen.plan import plan
from freejac.codegen.record import KernelRecord, ModuleRecord
from freejac.codegen.render import render
from freejac.codegen.spec import Module
from freejac.symbolic.activation import activation
from freejac.symbolic.errors import Error
from freejac.symbolic.residual import ResNet
from freejac.symbolic.symbols import q, x

FULL = ("1e-12", "1e12")


def everywhere(module: object, closed: tuple[str, str] | None) -> ModuleRecord:
    kernels = {
        k.name: KernelRecord(closed if getattr(k, "closed", None) is not None else None, FULL)
        for k in module.kernels
    }
    return ModuleRecord(kernels=kernels)


def only(module: Module, *names: str) -> Module:
    """The module with these kernels alone: each of the others takes half a second to compile."""
    return replace(module, kernels=tuple(k for k in module.kernels if k.name in names))


def with_closed(module: object, name: str, closed: sp.Expr) -> object:
    kernels = tuple(replace(k, closed=closed) if k.name == name else k for k in module.kernels)
    return replace(module, kernels=kernels)


def test_a_wrong_closed_form_is_caught(tmp_path: Path) -> None:
    # E[relu²] = q/2; the planted form is off by one part in 10¹².
    relu = only(CATALOGUE["relu"](), "second_moment", "length_map", "mu_1")
    module = with_closed(relu, "second_moment", q / 2 * (1 + sp.Rational(1, 10**12)))
    record = everywhere(module, FULL)
    exact = references(module, check_points(module, record, 5))
    results = compare(module, load_text(render(module, record), tmp_path), exact)
    assert worst(results["second_moment"]).error == pytest.approx(1e-12, rel=1e-3)
    assert worst(results["length_map"]).error > 1e-13
    assert worst(results["mu_1"]).error < 1e-15


def test_a_wrong_closed_form_is_not_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "POINTS", 3)
    module = with_closed(only(CATALOGUE["linear"](), "mu_2"), "mu_2", sp.Rational(11, 10))
    with pytest.raises(Error, match="mu_2 misses its tolerance"):
        measure.measure(module)


def test_a_polynomial_takes_over_where_a_closed_form_cancels() -> None:
    # E[hard_tanh²] = q·erf − … + erfc: its parts are of order √q and q, the sum at most 1.
    record = plan(only(CATALOGUE["hard_tanh"](), "second_moment", "mu_1"), stride=12)
    assert record.kernels["second_moment"].closed == FULL
    assert record.kernels["mu_1"].closed == FULL


def test_a_polynomial_serves_where_the_series_diverges() -> None:
    # E[x² e^{−|x|}]: polynomials in q times a scaled tail.
    module = activation_module(activation("x*exp(-abs(x)/2)"))
    record = plan(only(module, "second_moment"), stride=12)
    assert record.kernels["second_moment"].closed == FULL


def test_a_feature_too_sharp_for_the_panels_shrinks_the_domain_or_is_refused() -> None:
    # A step of width 10⁻⁷ at x = 1 is invisible to panels of width 2⁻¹¹; no centre tells of it.
    module = activation_module(activation(x + sp.tanh((x**3 - 1) * 10**7) / 10**3))
    with pytest.raises(Error, match=r"around q = 1|not resolved"):
        plan(only(module, "second_moment"), stride=12)


def test_the_residual_reference_solves_the_engine_s_equation() -> None:
    # The oracle is written for speed; the equation it must solve is the engine's.
    equation = ResNet().green_equation
    unknown, z, c = sp.symbols("G z cumulant")
    symbols = {s.name: s for s in equation.free_symbols}
    residual = sp.lambdify(
        [symbols[n.name] for n in (unknown, z, c)], equation.lhs - equation.rhs, "mpmath"
    )
    for lam, number in ((0.5, 0.4), (1.0, 0.01), (30.0, 2.0)):
        g = residual_stieltjes(lam, number)
        assert g.imag < 0
        with mpmath.workdps(60):
            assert abs(residual(g, mpmath.mpf(lam), mpmath.mpf(number))) < mpmath.mpf("1e-45")


def test_a_growing_activation_is_promised_only_where_its_means_are_representable() -> None:
    # E[e^{2h}] = e^{2q} exceeds every double beyond q = 354.
    record = plan(only(activation_module(activation("exp(x)")), "second_moment"), stride=12)
    low, high = record.kernels["second_moment"].domain or ("", "")
    assert low == "1e-12"
    assert 1.0 <= float(high) <= 1e2


def test_published_figures_are_rounded_up() -> None:
    assert [rounded_up(v) for v in (1.01e-16, 9.2e-15, 2e-3, 0.0)] == [
        "2e-16",
        "1e-14",
        "2e-3",
        "0",
    ]
