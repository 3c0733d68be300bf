"""Finite parts of ∫ xⁿ f(x) dx for f rational in e^{κx}, with powers of x and softplus(κx).

tanh, sigmoid and what is built on them are rational in y = e^{κx}. On the whole line, the finite
parts of all powers are Laurent coefficients at 0 of one Mellin transform, M(w) = ∫ y^{w−1} R(y) dy:

* R rational: M(w) = π/sin(πw) · Σ Res (−y)^{w−1} R(y) over the poles of R;
* R = y^j (1 + y)^{−p} log(1 + y)^m: M is the m-th derivative of a Beta function in p.

On a half-line from 0, R with poles at y = −1 alone expands in e^{−κx}, and the sums are values of
Dirichlet's η.

Source: Gradshteyn & Ryzhik, Table of Integrals, Series, and Products, 3.241.2 and 3.194.3 (the two
    transforms for a simple pole at y = −1).

>>> from freejac.symbolic.symbols import x
>>> total = ExponentialSum.of(sp.tanh(x) ** 2)
>>> total.polynomial(1), total.line(0), total.line(2)
({0: 1}, -2, -pi**2/6)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sympy as sp
from sympy.polys.fields import field

from freejac.symbolic.errors import NoClosedForm
from freejac.symbolic.finite_erf import is_short
from freejac.symbolic.functions import sigmoid, softplus
from freejac.symbolic.mellin import half_line_moment, logarithm_moment, pole_moment
from freejac.symbolic.symbols import x

__all__ = ["ExponentialSum"]

_y = sp.Dummy("y", positive=True)
_log = sp.Dummy("l", positive=True)


@dataclass(frozen=True)
class _Part:
    """xⁿ · softplus(κx)ᵐ · numerator(y)/denominator(y), in lowest terms."""

    power: int
    logs: int
    numerator: sp.Poly
    denominator: sp.Poly

    def limit(self, side: int) -> sp.Expr | None:
        """The value of the quotient at y → ∞ (side = 1) or y → 0; None when it is infinite."""
        if side > 0:
            top, bottom = self.numerator.degree(), self.denominator.degree()
            if top < bottom:
                return sp.S.Zero
            return self.numerator.LC() / self.denominator.LC() if top == bottom else None
        top, bottom = self.numerator.eval(0), self.denominator.eval(0)
        return sp.cancel(top / bottom) if bottom != 0 else None


@dataclass(frozen=True)
class ExponentialSum:
    """A function of the class: the rate κ > 0 and its parts."""

    rate: sp.Expr
    parts: tuple[_Part, ...]

    @classmethod
    def of(cls, expr: sp.Expr) -> ExponentialSum | None:
        """Write an expression in x in the class; None when it is outside.

        >>> ExponentialSum.of(sp.erf(sp.Symbol("x", real=True))) is None
        True
        """
        if not is_short(expr):
            return None
        rational = _in_exponentials(expr)
        rate = None if rational is None else _common_rate(rational)
        if rational is None or rate is None:
            return None
        inner = _in_one_variable(rational, rate)
        parts = None if inner is None else _parts(inner)
        return None if parts is None else cls(rate, tuple(parts))

    def polynomial(self, side: int) -> dict[int, sp.Expr]:
        """The polynomial that the function approaches at +∞ (side = 1) or −∞ (side = −1).

        Raises:
            NoClosedForm: the function grows faster than a polynomial.
        """
        result: dict[int, sp.Expr] = {}
        for part in self.parts:
            limit = part.limit(side)
            if limit is None:
                raise NoClosedForm(
                    "the series at q → ∞", "the function grows faster than a polynomial"
                )
            # softplus(κx) is κx at +∞ and 0 at −∞, up to exponentially small terms
            if side > 0 or part.logs == 0:
                n = part.power + part.logs
                result[n] = result.get(n, sp.S.Zero) + limit * self.rate**part.logs
        return {n: w for n, w in result.items() if sp.expand(w) != 0}

    def line(self, power: int) -> sp.Expr | None:
        """The finite part of ∫ xⁿ f(x) dx over the line; None when it is not found."""
        total = sp.S.Zero
        for part in self.parts:
            n = power + part.power
            if part.logs:
                value = logarithm_moment(part.numerator, part.denominator, part.logs, n)
            else:
                value = pole_moment(part.numerator, part.denominator, n)
            if value is None:
                return None
            total += sp.factorial(n) / self.rate ** (n + 1) * value
        return sp.expand(total)

    def half_line(self, side: int, power: int) -> sp.Expr | None:
        """The finite part over (0, ∞) (side = 1) or (−∞, 0); None when it is not found."""
        total = sp.S.Zero
        for part in self.parts:
            n = power + part.power
            if part.logs:
                return None
            quotient = part.numerator, part.denominator
            value = half_line_moment(*(_reciprocal(*quotient) if side > 0 else quotient), n)
            if value is None:
                return None
            total += side**n * sp.factorial(n) / self.rate ** (n + 1) * value
        return sp.expand(total)


def _in_exponentials(expr: sp.Expr) -> sp.Expr | None:
    """Rewrite hyperbolic and logistic functions; exp(k·softplus(u)) = (1 + eᵘ)ᵏ."""
    steps = (
        (sp.log, _as_softplus),
        (sp.tanh, lambda v: 1 - 2 / (1 + _exponential(2 * v))),
        (sigmoid, lambda v: 1 - 1 / (1 + _exponential(v))),
        (sp.cosh, lambda v: (_exponential(v) + 1 / _exponential(v)) / 2),
        (sp.sinh, lambda v: (_exponential(v) - 1 / _exponential(v)) / 2),
        (sp.exp, _exponential),
    )
    for func, rule in steps:
        expr = expr.replace(func, rule)
    allowed = (sp.exp, softplus)
    unknown = [f for f in expr.atoms(sp.Function, sp.exp) if f.has(x) and f.func not in allowed]
    affine = all(_affine(f.args[0]) for f in expr.atoms(*allowed) if f.has(x))
    return expr if affine and not unknown else None


def _as_softplus(argument: sp.Expr) -> sp.Expr:
    """log(1 + eᵘ) and log(cosh(u)) in softplus; another logarithm is left."""
    if isinstance(argument - 1, sp.exp):
        return softplus((argument - 1).exp)
    if isinstance(argument, sp.cosh):
        u = argument.args[0]
        return softplus(2 * u) - u - sp.log(2)
    return sp.log(argument)


def _exponential(exponent: sp.Expr) -> sp.Expr:
    """Exponential of a sum, with softplus in it resolved."""
    result = sp.S.One
    plain = sp.S.Zero
    for term in sp.Add.make_args(sp.expand(exponent)):
        factor, inner = term.as_coeff_Mul()
        if isinstance(inner, softplus) and factor.is_Integer:
            result *= (1 + sp.exp(inner.args[0])) ** factor
        else:
            plain += term
    return result * sp.exp(plain)


def _affine(expr: sp.Expr) -> tuple[sp.Expr, sp.Expr] | None:
    """(slope, offset) of an affine function of x, else None."""
    expanded = sp.expand(expr)
    if not expanded.is_polynomial(x) or sp.degree(expanded, x) > 1:
        return None
    return expanded.coeff(x, 1), expanded.coeff(x, 0)


def _common_rate(expr: sp.Expr) -> sp.Expr | None:
    """The largest κ > 0 of which every rate is an integer multiple."""
    rates = []
    for function in sorted(expr.atoms(sp.exp, softplus), key=sp.default_sort_key):
        slope, _ = _affine(function.args[0]) or (sp.S.Zero, sp.S.Zero)
        if slope != 0:
            rates.append(slope)
    if not rates:
        return None
    ratios = [sp.cancel(rate / rates[0]) for rate in rates]
    if not all(ratio.is_Rational for ratio in ratios):
        return None
    rate = sp.gcd_list(ratios) * rates[0]
    return rate if rate.is_positive else -rate if rate.is_negative else None


def _in_one_variable(expr: sp.Expr, rate: sp.Expr) -> sp.Expr | None:
    """Replace e^{κx} by y and softplus(κx) by l; None when another softplus is left."""
    replacements = {}
    for function in expr.atoms(sp.exp, softplus):
        slope, offset = _affine(function.args[0]) or (sp.S.Zero, sp.S.Zero)
        times = sp.cancel(slope / rate)
        if not function.has(x):
            continue
        if isinstance(function, sp.exp):
            replacements[function] = sp.exp(offset) * _y ** int(times)
        elif offset == 0 and abs(times) == 1:
            replacements[function] = _log if times > 0 else _log - rate * x
        else:
            return None
    return expr.xreplace(replacements)


def _parts(expr: sp.Expr) -> list[_Part] | None:
    """Sort by powers of x and softplus, over the field of rational functions of y and constants."""
    constants = {
        e
        for e in expr.atoms(sp.Symbol, sp.NumberSymbol, sp.Function, sp.exp, sp.Pow)
        if not e.has(x, _log, _y) and not (e.is_Pow and e.exp.is_Integer)
    }
    names = {e: sp.Dummy("c") for e in sorted(constants, key=sp.default_sort_key)}
    back = {name: e for e, name in names.items()}
    rational = field([_y, *back], sp.QQ)[0]
    found = _collected(expr.xreplace(names), rational)
    if found is None:
        return None
    parts = []
    for (n, m), quotient in found.items():
        top, bottom = (p.as_expr().xreplace(back) for p in (quotient.numer, quotient.denom))
        parts.append(_Part(n, m, sp.Poly(top, _y), sp.Poly(bottom, _y)))
    return parts


def _collected(expr: sp.Expr, rational: Any) -> dict[tuple[int, int], Any] | None:
    """Coefficients of xⁿ·softplusᵐ in a field; None where one of them is in a denominator."""
    if expr in (x, _log):
        return {(1, 0) if expr == x else (0, 1): rational.one}
    if expr.is_Add or expr.is_Mul:
        total = {} if expr.is_Add else {(0, 0): rational.one}
        for part in expr.args:
            inner = _collected(part, rational)
            if inner is None:
                return None
            total = _summed(total, inner) if expr.is_Add else _multiplied(total, inner)
        return total
    if expr.is_Pow and expr.exp.is_Integer:
        base = _collected(expr.base, rational)
        if base is None:
            return None
        if set(base) == {(0, 0)}:
            return {(0, 0): base[0, 0] ** int(expr.exp)}
        total = {(0, 0): rational.one}
        for _ in range(max(0, int(expr.exp))):
            total = _multiplied(total, base)
        return total if expr.exp > 0 else None
    return None if expr.has(x, _log) else {(0, 0): rational.from_expr(expr)}


def _summed(first: dict[Any, Any], second: dict[Any, Any]) -> dict[Any, Any]:
    total = dict(first)
    for key, value in second.items():
        total[key] = total[key] + value if key in total else value
    return {key: value for key, value in total.items() if value != 0}


def _multiplied(first: dict[Any, Any], second: dict[Any, Any]) -> dict[Any, Any]:
    total: dict[Any, Any] = {}
    for (n, m), a in first.items():
        total = _summed(total, {(n + k, m + j): a * b for (k, j), b in second.items()})
    return total


def _reciprocal(numerator: sp.Poly, denominator: sp.Poly) -> tuple[sp.Poly, sp.Poly]:
    """The quotient as a function of t = 1/y; it is finite at y → ∞."""
    size = denominator.degree()
    pair = (
        sp.Poly({(size - n,): weight for (n,), weight in p.terms()}, _y)
        for p in (numerator, denominator)
    )
    top, bottom = pair
    return top, bottom
