"""Functions in terms of others: identities that hold wherever both sides are defined."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy as sp

from freejac.symbolic.exponential_forms import LARGEST_POWER, ExponentialForms
from freejac.symbolic.functions import Phi, sigmoid, softplus
from freejac.symbolic.polynomials import Ratio
from freejac.symbolic.scaled import dawson, erfcx

__all__ = ["RULES"]


def _as(rewriting: Callable[..., sp.Expr]) -> Callable[..., Ratio]:
    """A rule that rewrites a function by others."""

    def rule(forms: ExponentialForms, *args: sp.Expr) -> Ratio:
        return forms.of(rewriting(*args))

    return rule


def _trigonometric(forms: ExponentialForms, arg: sp.Expr, sine: bool) -> Ratio:
    turn = forms.exponential(forms.tower.product(forms.i, forms.of(arg)))
    back = forms.tower.inverse(turn)
    half = forms.constant(sp.S.Half)
    if not sine:
        return forms.tower.product(half, forms.tower.sum(turn, back))
    difference = forms.tower.sum(turn, forms.negative(back))
    minus_i_half = forms.tower.product(forms.negative(half), forms.i)
    return forms.tower.product(minus_i_half, difference)


def _shifted_gamma(forms: ExponentialForms, arg: sp.Expr) -> Ratio:
    """Γ(u + n) by Γ(u): the whole number in the argument is taken out."""
    whole = int(sp.floor(arg.as_coeff_Add()[0])) if arg.as_coeff_Add()[0].is_Rational else 0
    if whole == 0 or abs(whole) > LARGEST_POWER:
        return forms.opaque(sp.gamma(arg, evaluate=False))
    base = sp.expand(arg - whole)
    factors = [base + k for k in range(whole)] if whole > 0 else []
    below = [base - k for k in range(1, -whole + 1)] if whole < 0 else []
    result = forms.opaque(sp.gamma(base, evaluate=False))
    for factor in factors:
        result = forms.tower.product(result, forms.of(factor))
    for factor in below:
        result = forms.tower.product(result, forms.tower.inverse(forms.of(factor)))
    return result


def _inverse_tanh(forms: ExponentialForms, arg: sp.Expr) -> Ratio:
    """By logarithms between −1 and 1; on the cuts outside conventions differ."""
    sides = [forms.of(1 + arg), forms.of(1 - arg)]
    if not all(forms.is_nonnegative(side) for side in sides):
        return forms.opaque(sp.atanh(arg, evaluate=False))
    return forms.of((sp.log(1 + arg) - sp.log(1 - arg)) / 2)


def _binomial(forms: ExponentialForms, n: sp.Expr, k: sp.Expr) -> Ratio:
    """By Γ, unless n may be negative and k is not a number: there conventions differ."""
    numbered = k.is_Integer and k.is_nonnegative
    if not numbered and not forms.is_nonnegative(forms.of(n)):
        return forms.opaque(sp.binomial(n, k, evaluate=False))
    return forms.of(sp.gamma(n + 1) / sp.gamma(k + 1) / sp.gamma(n - k + 1))


def _absolute_value(forms: ExponentialForms, arg: sp.Expr) -> Ratio:
    """Factor by factor."""
    value = forms.of(arg)
    if value.above.is_zero():
        return value
    result = forms.one
    for factor, power in forms.factors(value):
        part = forms.tower.power(forms.absolute(factor), power)
        result = forms.tower.product(result, part)
    return result


RULES: dict[Any, Callable[..., Ratio]] = {
    sp.exp: lambda forms, u: forms.exponential(forms.of(u)),
    sp.log: lambda forms, u, *base: (
        forms.log(forms.of(u)) if not base else forms.of(sp.log(u) / sp.log(base[0]))
    ),
    sp.sin: lambda forms, u: _trigonometric(forms, u, sine=True),
    sp.cos: lambda forms, u: _trigonometric(forms, u, sine=False),
    sp.tan: _as(lambda u: sp.sin(u) / sp.cos(u)),
    sp.cot: _as(lambda u: sp.cos(u) / sp.sin(u)),
    sp.sec: _as(lambda u: 1 / sp.cos(u)),
    sp.csc: _as(lambda u: 1 / sp.sin(u)),
    sp.sinh: _as(lambda u: (sp.exp(u) - sp.exp(-u)) / 2),
    sp.cosh: _as(lambda u: (sp.exp(u) + sp.exp(-u)) / 2),
    sp.tanh: _as(lambda u: (sp.exp(2 * u) - 1) / (sp.exp(2 * u) + 1)),
    sp.coth: _as(lambda u: (sp.exp(2 * u) + 1) / (sp.exp(2 * u) - 1)),
    sp.sech: _as(lambda u: 2 / (sp.exp(u) + sp.exp(-u))),
    sp.csch: _as(lambda u: 2 / (sp.exp(u) - sp.exp(-u))),
    sp.acos: _as(lambda u: sp.pi / 2 - sp.asin(u)),
    sp.asinh: _as(lambda u: sp.log(u + sp.sqrt(u**2 + 1))),
    sp.acosh: _as(lambda u: sp.log(u + sp.sqrt(u - 1) * sp.sqrt(u + 1))),
    sp.atanh: _inverse_tanh,
    sp.erfc: _as(lambda u: 1 - sp.erf(u)),
    erfcx: _as(lambda u: sp.exp(u**2) * (1 - sp.erf(u))),
    dawson: _as(lambda u: sp.sqrt(sp.pi) / 2 * sp.exp(-(u**2)) * sp.erfi(u)),
    Phi: _as(lambda u: (1 + sp.erf(u / sp.sqrt(2))) / 2),
    sigmoid: _as(lambda u: 1 / (1 + sp.exp(-u))),
    softplus: _as(lambda u: sp.log(1 + sp.exp(u))),
    sp.gamma: _shifted_gamma,
    sp.factorial: _as(lambda u: sp.gamma(u + 1)),
    sp.binomial: _binomial,
    sp.Abs: _absolute_value,
}
