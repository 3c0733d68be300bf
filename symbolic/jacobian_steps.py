"""The derivation of a Jacobian's law, step by step, with what the objects themselves say.

>>> from freejac.symbolic.jacobian import Jacobian
>>> for step in Jacobian("relu", depth=2).explain():
...     print(step.text)
phi(x) = Max(0, x)
Derivative(phi(x), x) = Piecewise((0, x < 0), (1, True))
M_D(z) = 1/(2*(z - 1))
M_D^-1(z) = (2*z + 1)/(2*z)
S_D(z) = 2*(z + 1)/(2*z + 1)
S_W(z) = 1/(sigma_w**2*(z + 1))
S(z) = 4/(sigma_w**4*(2*z + 1)**2)
M^-1(z) = sigma_w**4*(z + 1)*(2*z + 1)**2/(4*z)
m_k = [z^(k-1)] ((1+z)/S(z))^k / k
m_1 = sigma_w**4/4
m_2 = 5*sigma_w**8/16
Var(lambda) = sigma_w**8/4
P_lambda(0) = 1/2
4*z**2 + 2*z - 1 = 0
lambda_- = 0
lambda_+ = sigma_w**4*(1 + sqrt(5))**2*(2 + sqrt(5))/16
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import sympy as sp

from freejac.symbolic.derivative_law import AtomicLaw, s_series_from_moments
from freejac.symbolic.errors import DomainError, NoClosedForm
from freejac.symbolic.explanation import Explanation, Step
from freejac.symbolic.layers import Layer
from freejac.symbolic.series import Series
from freejac.symbolic.symbols import parameter, x, z

if TYPE_CHECKING:
    from freejac.symbolic.jacobian import Jacobian

__all__ = ["explain", "lagrange_step"]

_RESURRECTING = "Pennington, Schoenholz and Ganguli (2017), Resurrecting the sigmoid"
_VOICULESCU = "Voiculescu (1987), Multiplication of certain noncommuting random variables"
_BERCOVICI = "Bercovici and Voiculescu (1998), Regularity questions for free convolution"
_TERMS = 3


def explain(jacobian: Jacobian) -> Explanation:
    """Write the derivation down; see `Jacobian.explain`."""
    steps: list[Step] = []
    kinds = list(dict.fromkeys(jacobian.layers))
    for number, layer in enumerate(kinds, start=1):
        steps += _layer_steps(layer, "" if len(kinds) == 1 else str(number))
    steps += _product_steps(jacobian)
    steps += _moment_steps(jacobian)
    steps += _spectrum_steps(jacobian)
    return Explanation(f"The law of the squared singular values, {jacobian!r}", tuple(steps))


def _layer_steps(layer: Layer, mark: str) -> Iterator[Step]:
    """From φ to the S-transforms of D² and W Wᵀ."""
    if layer.phi is not None:
        yield _equation(f"phi{mark}", layer.phi.expr, "the activation", layer.phi.source, x)
        rule = "differentiate, piece by piece"
        slope = sp.Derivative(sp.Function(f"phi{mark}")(x), x)
        yield _relation(slope, layer.phi.derivative(1), rule)
    law = layer.law
    if isinstance(law, AtomicLaw):
        rule = "φ′(h)², h ~ N(0, q), has finitely many values a: M = Σ P(φ′² = a) a/(z − a)"
        yield _equation(f"M_D{mark}", layer.at(law.mgf), rule)
    else:
        for k in range(1, _TERMS):
            rule = "μ_k = E[φ′(h)^(2k)], h ~ N(0, q)"
            yield _relation(_moment_name(k, mark), layer.at(law.moment(k)), rule)
    try:
        inverse = layer.at(law.inverse_mgf)
        yield _equation(f"M_D{mark}^-1", inverse, "solve M_D(ζ) = z, ζ ~ μ_1/z at z → 0")
        yield _equation(f"S_D{mark}", layer.s_derivative, "S = (1+z)/(z M⁻¹(z))", _VOICULESCU)
    except NoClosedForm:
        rule = "revert the series Σ μ_k zᵏ; S = (1+z)/z times it"
        names = tuple(_moment_name(k, mark) for k in range(1, _TERMS))
        series = _sum(s_series_from_moments(names))
        yield _equation(f"S_D{mark}", series, rule, _VOICULESCU)
    yield _weights_step(layer, mark)


def _moment_name(k: int, mark: str) -> sp.Symbol:
    return parameter(f"mu{mark}_{k}", positive=True)


def _weights_step(layer: Layer, mark: str) -> Step:
    ensemble = layer.ensemble
    rules = {
        "gaussian": "the moments of W Wᵀ are σ_w^(2k) times Catalan numbers",
        "orthogonal": "W Wᵀ = σ_w²",
    }
    rule = rules.get(ensemble.name, f"the ensemble {ensemble.name}, by definition")
    if ensemble.s_transform is not None:
        return _equation(f"S_W{mark}", layer.s_weights, rule, _RESURRECTING)
    known = len(ensemble.s_coefficients) + 1
    return _equation(f"S_W{mark}", layer.at(_sum(ensemble.s_series(known))), rule)


def _product_steps(jacobian: Jacobian) -> Iterator[Step]:
    """The product of the layers and its inverse moment function."""
    square = all(placed.before == placed.after == 1 for placed in jacobian.factors)
    rule = (
        "S multiplies over free factors: one S_D S_W a layer"
        if square
        else "S multiplies over free factors; a layer from width ν to ν′, in widths of the input, "
        "has (ν/ν′) S_D(z/ν′) S_W(z/ν′)"
    )
    try:
        yield _equation("S", jacobian.s_transform, rule, _VOICULESCU)
        yield _equation("M^-1", jacobian.inverse_mgf, "M⁻¹(z) = (1+z)/(z S(z))")
    except NoClosedForm:
        series, values = jacobian.normalised_series(_TERMS - 1)
        ratio = sp.Function("S")(z) / sp.Function("S")(0)
        named = _named(jacobian, _sum(series).xreplace(values))
        yield _relation(ratio, named, rule, _VOICULESCU)


def _moment_steps(jacobian: Jacobian) -> Iterator[Step]:
    """Lagrange's formula and what it gives."""
    yield lagrange_step()
    for k in (1, 2):
        yield _relation(sp.Symbol(f"m_{k}"), _named(jacobian, jacobian.moment(k)), f"k = {k}")
    spread = _named(jacobian, jacobian.variance)
    yield _relation(sp.Function("Var")(sp.Symbol("lambda")), spread, "m_2 − m_1²")


def lagrange_step() -> Step:
    """The formula that gives every moment from S."""
    return Step(
        "m_k = [z^(k-1)] ((1+z)/S(z))^k / k",
        "Lagrange inversion of M⁻¹, the inverse of Σ m_k z^(-k)",
        f"{_RESURRECTING}, eq. (18)",
        r"m_k = \frac{1}{k} [z^{k-1}] \left(\frac{1+z}{S(z)}\right)^k",
    )


def _named(jacobian: Jacobian, expr: sp.Expr) -> sp.Expr:
    """Write μ_k for moments of D² that stay expectations."""
    kinds = list(dict.fromkeys(jacobian.layers))
    names: dict[sp.Expr, sp.Symbol] = {}
    for number, layer in enumerate(kinds, start=1):
        if not isinstance(layer.law, AtomicLaw):
            mark = "" if len(kinds) == 1 else str(number)
            names |= {layer.at(layer.law.moment(k)): _moment_name(k, mark) for k in (1, 2)}
    return expr.xreplace(names)


def _spectrum_steps(jacobian: Jacobian) -> Iterator[Step]:
    """Atoms and edges, where they are known."""
    rule = "an atom of a product: at 0 the largest mass at 0; elsewhere Σ masses − (factors − 1)"
    try:
        for location, mass in jacobian.atoms():
            yield _relation(sp.Function("P_lambda")(location), mass, rule, _BERCOVICI)
        condition = jacobian.critical_polynomial
        if condition.degree() < 1:
            return
        yield _relation(condition.as_expr(), sp.S.Zero, "at an edge dM⁻¹/dz = 0")
        ends = jacobian.edges()
    except (NoClosedForm, DomainError) as reason:
        yield Step(str(reason), "atoms and edges")
        return
    names = (
        ["lambda_-", "lambda_+"] if len(ends) == 2 else [f"lambda_{k}" for k in range(len(ends))]
    )
    for name, end in zip(names, ends, strict=True):
        yield _relation(sp.Symbol(name), end, "an end of the support: λ = M⁻¹ there, or 0")


def _equation(
    name: str, value: sp.Expr, rule: str, source: str = "", variable: sp.Symbol = z
) -> Step:
    return _relation(sp.Function(name)(variable), value, rule, source)


def _relation(left: sp.Expr, right: sp.Expr, rule: str, source: str = "") -> Step:
    return Step(sp.Eq(left, right, evaluate=False), rule, source)


def _sum(series: Series) -> sp.Expr:
    """Write a series out, with the order of what follows."""
    powers = range(series.valuation, series.order)
    terms = (c * z**k for k, c in zip(powers, series.coefficients, strict=True))
    return sp.Add(*terms, sp.O(z**powers.stop))
