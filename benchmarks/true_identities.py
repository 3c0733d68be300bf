"""True identities among the project's own results, made by the engine in two ways that differ.

The sides come from different derivations: a mean and the derivative of another one (the heat
equation, Stein's lemma, Price's theorem), a moment at symbolic depth and the one at a number, a
transform and its defining equation, a definition and its closed form. None is typed in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import combinations

import sympy as sp

from freejac.symbolic import laws, library
from freejac.symbolic.activation import activation
from freejac.symbolic.bivariate import expect2
from freejac.symbolic.errors import Error
from freejac.symbolic.expectation import Expectation, as_function, expect
from freejac.symbolic.jacobian import Jacobian
from freejac.symbolic.law import Law
from freejac.symbolic.mean_field import MeanField
from freejac.symbolic.residual import ResNet
from freejac.symbolic.symbols import c, cumulant, depth, p, parameter, q, sigma_w, x, z

__all__ = ["Identity", "identities"]

_SLOPE = parameter("a", positive=True)
_NEAR_ZERO = "0 < z < 1/10"


@dataclass(frozen=True)
class Identity:
    """Two sides that are equal.

    Attributes:
        name: what it says.
        left: one side.
        right: the other side.
        where: conditions.
    """

    name: str
    left: sp.Expr
    right: sp.Expr
    where: object = ()


@cache
def identities() -> tuple[Identity, ...]:
    """All of them, in a fixed order, the kinds in turn, so that the first few are of every kind."""
    kinds = [list(_sound(kind)) for kind in _KINDS]
    woven: list[Identity] = []
    for turn in range(max(map(len, kinds))):
        woven += [kind[turn] for kind in kinds if turn < len(kind)]
    known = {(one.left, one.right): one for one in woven}
    return tuple(known.values())


def _sound(kind: Callable[[], Iterator[Identity]]) -> Iterator[Identity]:
    """Leave out what the engine has no closed form for, and what is the same text on both sides."""
    for one in kind():
        if one.left != one.right and not one.left.has(sp.nan, sp.zoo):
            yield one


def _activations() -> Iterator[tuple[str, sp.Expr]]:
    for name in library.names():
        if name in {"tanh", "sigmoid", "swish", "softplus", "mish"}:
            continue  # no closed forms
        yield name, activation(name).expr
    yield "leaky_relu(a)", activation("leaky_relu").expr.subs(sp.Symbol("a"), _SLOPE)
    yield "relu + erf", sp.Max(0, x) + sp.erf(x)
    yield "x exp(-x**2)", x * sp.exp(-(x**2))
    yield "cos", sp.cos(x)


def _integrands() -> Iterator[tuple[str, sp.Expr]]:
    for name, phi in _activations():
        slope = as_function(phi).derivative().to_sympy()
        yield f"E[φ], {name}", phi
        yield f"E[φ²], {name}", phi**2
        yield f"E[xφ], {name}", x * phi
        yield f"E[x²φ²], {name}", x**2 * phi**2
        if not slope.has(sp.DiracDelta):
            yield f"E[φ′²], {name}", slope**2
            yield f"E[φφ′], {name}", phi * slope
            yield f"E[φ′⁴], {name}", slope**4


def _closed(f: sp.Expr, variance: sp.Expr = q) -> sp.Expr | None:
    try:
        return expect(f, variance)
    except Error:
        return None


def _heat() -> Iterator[Identity]:
    """∂_q E[f] = E[f″]/2."""
    for name, f in _integrands():
        mean = _closed(f)
        curved = None if mean is None else _closed(as_function(f).derivative().derivative())
        if mean is not None and curved is not None:
            yield Identity(f"heat equation, {name}", sp.diff(mean, q), curved / 2)


def _stein() -> Iterator[Identity]:
    """E[x f] = q E[f′]."""
    for name, f in _integrands():
        mean, slope = _closed(x * f), _closed(as_function(f).derivative())
        if mean is not None and slope is not None:
            yield Identity(f"Stein's lemma, {name}", mean, q * slope)


def _linear() -> Iterator[Identity]:
    """E[(1 + f)²] = 1 + 2 E[f] + E[f²], and the like."""
    for name, f in _integrands():
        squares = [_closed(sp.expand((k + f) ** 2)) for k in (1, sp.Rational(-2, 3))]
        one, two = _closed(f), _closed(f**2)
        for k, square in zip((1, sp.Rational(-2, 3)), squares, strict=True):
            if square is not None and one is not None and two is not None:
                yield Identity(
                    f"E[({k} + f)²], {name}", square, sp.expand(k**2 + 2 * k * one + two)
                )


def _definitions() -> Iterator[Identity]:
    """A mean by its definition, and its closed form."""
    for name, f in _integrands():
        mean = _closed(f, sp.Integer(1))
        if mean is not None and "φ²]" in name:
            yield Identity(f"definition, {name}", Expectation(f, sp.Integer(1)), mean)


def _mean_field() -> Iterator[Identity]:
    """V′ = χ_∥; χ = 1 and V(q) = q on the critical line."""
    for name, phi in _activations():
        mf = MeanField(phi)
        try:
            parallel, chi, line = mf.chi_parallel, mf.chi, mf.critical_line()
        except Error:
            continue
        yield Identity(f"χ_∥, {name}", sp.diff(mf.length_map, q), parallel)
        yield Identity(f"χ = 1, {name}", chi.subs(sigma_w, sp.sqrt(line[0])), sp.S.One)
        yield Identity(f"χ, {name}", chi / sigma_w**2, mf.mu(1))


def _laws_of_derivatives() -> Iterator[tuple[str, sp.Expr | str]]:
    yield "relu", "relu"
    yield "leaky_relu(a)", "leaky_relu(a)"
    yield "hard_tanh", "hard_tanh"
    yield "erf", "erf"
    yield "linear", "linear"
    yield "sin", "sin"
    yield "relu2", "relu2"


def _moments() -> Iterator[Identity]:
    """m_k at symbolic depth, at a number of layers."""
    for name, phi in _laws_of_derivatives():
        for weights in ("gaussian", "orthogonal"):
            for layers in (1, 2, 3, 5):
                for k in range(1, 6):
                    try:
                        one = Jacobian(phi, weights=weights).moment(k).subs(depth, layers)
                        two = Jacobian(phi, weights=weights, depth=layers).moment(k)
                    except Error:
                        continue
                    what = f"m_{k}, {name}, {weights}, {layers} layers"
                    yield Identity(what, one, sp.expand(two) if k < 4 else two)


def _transforms() -> Iterator[Identity]:
    """S = S₁ᴸ; z S M⁻¹ = 1 + z."""
    for name, phi in _laws_of_derivatives():
        for weights in ("gaussian", "orthogonal"):
            try:
                J = Jacobian(phi, weights=weights)
                whole, layer, inverse = J.s_transform, J.layer_s_transform, J.inverse_mgf
            except Error:
                continue
            what = f"{name}, {weights}"
            yield Identity(f"S = S₁ᴸ, {what}", whole, layer**depth, _NEAR_ZERO)
            yield Identity(f"z S M⁻¹, {what}", z * whole * inverse, 1 + z, _NEAR_ZERO)
            for n in (2, 3):
                yield Identity(
                    f"S at {n} layers, {what}", whole.subs(depth, n), layer**n, _NEAR_ZERO
                )


def _variances() -> Iterator[Identity]:
    """m₂ − m₁² by the moments and by the formula of the variance."""
    for name, phi in _laws_of_derivatives():
        for weights in ("gaussian", "orthogonal"):
            try:
                J = Jacobian(phi, weights=weights)
                first, second, variance = J.moment(1), J.moment(2), J.variance
            except Error:
                continue
            yield Identity(f"variance, {name}, {weights}", second - first**2, variance)
            gap = second / first**2 - 1
            yield Identity(f"relative variance, {name}, {weights}", gap, J.variance_at_criticality)


def _every_law() -> Iterator[tuple[str, Law]]:
    yield "semicircle", laws.semicircle(q)
    yield "Marchenko–Pastur", laws.marchenko_pastur(p, q)
    yield "Marchenko–Pastur, square", laws.marchenko_pastur(1, q)
    yield "projection", laws.projection(p)
    yield "free Poisson", laws.free_poisson(p, 2)
    yield "arcsine", laws.arcsine(q)
    yield (
        "three atoms",
        laws.atomic([(0, sp.Rational(1, 3)), (1, sp.Rational(1, 3)), (q, sp.Rational(1, 3))]),
    )
    yield "two squares", laws.fuss_catalan(2)


def _law_moments() -> Iterator[Identity]:
    """Moments and free cumulants of a law, each by the other, and of sums and products."""
    named = list(_every_law())
    for name, law in named:
        moments, cumulants = law.moments(6), law.free_cumulants(6)
        by_moments, by_cumulants = laws.from_moments(moments), laws.from_free_cumulants(cumulants)
        pairs = [
            ("moment", moments, by_cumulants.moments(6)),
            ("cumulant", cumulants, by_moments.free_cumulants(6)),
        ]
        for what, ones, twos in pairs:
            for k, (one, two) in enumerate(zip(ones, twos, strict=True), start=1):
                yield Identity(f"{what} {k}, {name}", sp.expand(one), sp.factor(two))
    for (first, one), (second, two) in combinations(named, 2):
        try:
            total = (one + two).moments(4)
            parts = [
                sp.Add(*pair)
                for pair in zip(one.free_cumulants(4), two.free_cumulants(4), strict=True)
            ]
            direct = laws.from_free_cumulants(parts).moments(4)
        except Error:
            continue
        for k, (left, right) in enumerate(zip(total, direct, strict=True), start=1):
            yield Identity(f"moment {k}, {first} ⊞ {second}", sp.factor(left), sp.expand(right))


def _law_transforms() -> Iterator[Identity]:
    """B = R + 1/z, S z M⁻¹ = 1 + z, and G at Blue's function."""
    for name, law in _every_law():
        for what, sides in (
            ("B = R + 1/z", lambda law: (law.blue, law.r_transform + 1 / z)),
            ("z S M⁻¹ = 1 + z", lambda law: (z * law.s_transform * law.inverse_mgf, 1 + z)),
            ("M = zG − 1", lambda law: (law.mgf, z * law.stieltjes - 1)),
        ):
            try:
                left, right = sides(law)
            except Error:
                continue
            yield Identity(f"{what}, {name}", left, right, _NEAR_ZERO)


def _residual() -> Iterator[Identity]:
    """Moments of the residual Jacobian, by Lagrange's formula from the S-transform."""
    R = ResNet("relu")
    for k in range(1, 8):
        power = ((1 + z) / R.s_transform) ** k
        lagrange = sp.diff(power, z, k - 1).subs(z, 0) / sp.factorial(k)
        yield Identity(f"residual m_{k}", R.moment(k), lagrange)
        for slope in (2, sp.Rational(1, 3)):
            moved = R.moment(k).subs(sigma_w, sigma_w * slope)
            yield Identity(
                f"residual m_{k}, scaled", moved, sp.expand(lagrange.subs(sigma_w, slope * sigma_w))
            )
    yield Identity("residual z S M⁻¹", z * R.s_transform * R.inverse_mgf, 1 + z, _NEAR_ZERO)
    low, high = R.edges()
    yield Identity("residual edges", sp.sqrt(high / low), R.condition_number)
    yield Identity("residual cumulant", R.s_transform.subs(z, 0), sp.exp(-cumulant))


_PAIRS = ("relu", "erf", "leaky_relu(a)", "hard_tanh", "sin", "relu2", "linear", "gelu", "step")


def _pair(name: str) -> sp.Expr:
    if name == "step":
        return sp.Heaviside(x, sp.S.Half)
    if name == "leaky_relu(a)":
        return sp.Piecewise((x, x > 0), (_SLOPE * x, True))
    return activation(name).expr


def _price() -> Iterator[Identity]:
    """∂_c E[f g] = q E[f′ g′], in two variables."""
    for first in _PAIRS:
        for second in _PAIRS:
            f, g = _pair(first), _pair(second)
            slopes = [as_function(h).derivative() for h in (f, g)]
            try:
                left = sp.diff(expect2(f, g, q), c)
                right = q * expect2(*slopes, q)
            except Error:
                continue
            yield Identity(f"Price, {first} and {second}", left, right, "-1 < c < 1")


def _asin_by_atan(expr: sp.Expr) -> sp.Expr:
    return expr.replace(sp.asin, lambda u: sp.atan(u / sp.sqrt(1 - u**2)))


def _rearranged() -> Iterator[Identity]:
    """The same closed forms in other clothes: erfc by erf, asin by atan, factored, expanded."""
    ways: list[tuple[str, Callable[[sp.Expr], sp.Expr]]] = [
        ("factored", sp.factor),
        ("erfc by erf", lambda expr: expr.replace(sp.erfc, lambda u: 1 - sp.erf(u))),
        (
            "asin by atan",
            lambda expr: expr.replace(sp.asin, lambda u: sp.atan(u / sp.sqrt(1 - u**2))),
        ),
        ("together", lambda expr: sp.together(sp.expand(expr))),
        ("half the variance", lambda expr: expr.subs(q, 2 * q).subs(q, q / 2)),
    ]
    for name, f in _integrands():
        mean = _closed(f)
        if mean is None:
            continue
        for how, way in ways:
            yield Identity(f"{how}, {name}", mean, way(mean))


def _combined() -> Iterator[Identity]:
    """Sums and products of two identities about means."""
    means = [*_stein(), *_heat()]
    for shift in (7, 13):
        for one, two in zip(means, means[shift:], strict=False):
            sides = ((2 * a - b / 3) for a, b in ((one.left, two.left), (one.right, two.right)))
            yield Identity(f"2 {one.name} − 1/3 {two.name}", *sides)
            crossed = one.left * two.right, two.left * one.right
            yield Identity(f"{one.name} · {two.name}", *crossed)


_KINDS: tuple[Callable[[], Iterator[Identity]], ...] = (
    _heat,
    _stein,
    _linear,
    _definitions,
    _mean_field,
    _moments,
    _transforms,
    _variances,
    _law_moments,
    _law_transforms,
    _residual,
    _price,
    _rearranged,
    _combined,
)
