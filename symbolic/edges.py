"""The ends of the continuous spectrum of JᵀJ: critical points of λ(m) = M⁻¹(m).

From λ = +∞ (m = 0⁺) downwards m grows until dλ/dm = 0 at the upper edge; where orthogonal weights
leave an atom at the top, m passes through infinity, and the same root is then below −1. From
λ = 0⁻ the inverse has a zero at m = −(smallest rank). Where that zero is simple, m goes on to the
lower critical point; else the spectrum starts at 0. Equal layers with one slope have a quadratic
condition and edges in closed form; all others have edges that are roots of a polynomial in λ.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import sympy as sp
from mpmath import mp

from freejac.symbolic.density import LayerProduct, NumericLayer
from freejac.symbolic.derivative_law import (
    AtomicLaw,
    DerivativeLaw,
    bernoulli,
    s_series_from_moments,
)
from freejac.symbolic.errors import DomainError, NoClosedForm
from freejac.symbolic.layers import Layer, PlacedLayer
from freejac.symbolic.series import readable
from freejac.symbolic.symbols import lam, z

__all__ = ["critical_polynomial", "edge_polynomial", "edges", "growth", "total_depth"]

Placed = Sequence[PlacedLayer]
_AGREEMENT = mp.mpf("1e-12")
_MOST_LAYERS = 32
_DIGITS = 30


def total_depth(layers: Placed) -> sp.Expr:
    """Count the layers."""
    return sp.Add(*(placed.count for placed in layers))


def critical_polynomial(layers: Placed) -> sp.Poly:
    """The polynomial in z = m whose real roots are the critical points of λ(m).

    Raises:
        NoClosedForm: S of a layer is a series only, or two different layers have several slopes
            each.
    """
    curve = _Curve(layers)
    condition = curve.condition
    if curve.variable != z:
        over, under = sp.fraction(sp.cancel(sp.together(curve.m)))
        condition = sp.Poly(sp.resultant(condition.as_expr(), z * under - over, curve.variable), z)
    return _positive(condition) if condition.degree() > 0 else condition


def edge_polynomial(layers: Placed) -> sp.Poly:
    """The polynomial in λ among whose real roots are the edges: Π (λ − λ(m)) over critical m.

    Raises:
        DomainError: the depth is a symbol.
        NoClosedForm: as for `critical_polynomial`.
    """
    if not all(placed.count.is_Integer for placed in layers):
        raise DomainError(
            "the edge polynomial needs a number of layers; critical_polynomial keeps the symbol"
        )
    curve = _Curve(layers)
    if curve.condition.degree() < 1:
        return sp.Poly(1, lam)
    over, under = curve.eigenvalue_modulo()
    eliminated = sp.resultant(
        curve.condition.as_expr(), lam * under.as_expr() - over.as_expr(), curve.variable
    )
    return _positive(sp.Poly(eliminated, lam).sqf_part())


def _positive(polynomial: sp.Poly) -> sp.Poly:
    """Without common factors, denominators, or a minus in front."""
    primitive = polynomial.clear_denoms(convert=True)[1].primitive()[1]
    return -primitive if primitive.LC().could_extract_minus_sign() else primitive


class _Curve:
    """λ and m as rational functions of one variable: m itself, or ζ of a D² with several values."""

    def __init__(self, layers: Placed) -> None:
        self.layers = layers
        self._names: dict[sp.Expr, sp.Symbol] = {}
        several = {
            (placed.layer.positive_atoms, placed.after)
            for placed in layers
            if isinstance(placed.layer.law, AtomicLaw) and len(placed.layer.positive_atoms) > 1
        }
        if len(several) > 1:
            raise NoClosedForm(
                "the edge polynomial", "different layers have a φ′² of several nonzero values"
            )
        self.variable: sp.Symbol = sp.Dummy("zeta") if several else z
        self.m: sp.Expr = z
        for atoms, width in several:
            self.m = width * sp.Add(*(a * w / (self.variable - a) for a, w in atoms))

    def _inverse_s(self, placed: PlacedLayer) -> sp.Expr:
        """1/S of one layer on the curve."""
        layer = placed.layer
        local = self.m / placed.after
        if len(layer.positive_atoms) > 1:
            derivative = self.variable * local / (1 + local)
        else:
            derivative = 1 / layer.s_derivative.subs(z, local)
        return derivative / layer.s_weights.subs(z, local) * placed.after / placed.before

    @property
    def condition(self) -> sp.Poly:
        """The numerator of d log λ over the differential of the variable."""
        t = self.variable
        slope = sp.diff(self.m, t) * (1 / (1 + self.m) - 1 / self.m)
        for placed in self.layers:
            inverse = self._inverse_s(placed)
            if not inverse.is_rational_function(t):
                raise NoClosedForm("the edge polynomial", "S of the weights is not rational")
            slope += placed.count * sp.cancel(sp.together(sp.diff(inverse, t) / inverse))
        return sp.Poly(sp.fraction(sp.cancel(sp.together(slope)))[0], t)

    def eigenvalue_modulo(self) -> tuple[sp.Poly, sp.Poly]:
        """Numerator and denominator of λ, each modulo the condition."""
        t, condition = self.variable, self.condition
        parts = [((1 + self.m) / self.m, 1)]
        parts += [(self._inverse_s(placed), int(placed.count)) for placed in self.layers]
        result = [sp.Poly(1, t), sp.Poly(1, t)]
        for factor, count in parts:
            for side, expr in enumerate(sp.fraction(sp.cancel(sp.together(factor)))):
                power = _power(sp.Poly(expr, t), count, condition)
                result[side] = sp.rem(result[side] * power, condition)
        return result[0], result[1]


def _power(base: sp.Poly, exponent: int, modulus: sp.Poly) -> sp.Poly:
    """base^exponent modulo a polynomial, by squaring."""
    result, square = sp.Poly(1, *base.gens), sp.rem(base, modulus)
    while exponent:
        if exponent & 1:
            result = sp.rem(result * square, modulus)
        square = sp.rem(square * square, modulus)
        exponent >>= 1
    return result


def edges(layers: Placed) -> tuple[sp.Expr, ...]:
    """The ends of the continuous spectrum, ascending; see `Jacobian.edges`."""
    if not all(isinstance(placed.layer.law, AtomicLaw) for placed in layers):
        name = next(p.layer.law.name for p in layers if not isinstance(p.layer.law, AtomicLaw))
        raise NoClosedForm(
            "the edges", f"φ′² of {name} has more than one nonzero value; support(…) has numbers"
        )
    for placed in layers:
        if placed.layer.ensemble.atoms is None or placed.layer.ensemble.s_transform is None:
            raise NoClosedForm(
                "the edges", f"weights {placed.layer.ensemble.name}: solve M⁻¹′ = 0 instead"
            )
    if _is_uniform(layers):
        named, values = _with_symbol(layers)
        condition = _Curve(named).condition
        if condition.degree() <= 2:
            return tuple(end.xreplace(values) for end in _closed(named, condition))
    return _roots(layers)


def growth(layer: Layer) -> sp.Expr:
    """Derive lim λ₊/(L m_1); see `Jacobian.edge_growth`."""
    moments, values = layer.law.stand_in_moments(2)
    series = s_series_from_moments(moments) * layer.ensemble.s_series(2)
    # at m = y/L, (1+m)/m tends to L/y and (S(0)/S(m))^L to exp(−S′(0)/S(0) y)
    y = sp.Dummy("y", positive=True)
    scaled = sp.exp(-series.unit[1] * y) / y
    condition = sp.fraction(sp.cancel(sp.together(sp.diff(sp.log(scaled), y))))[0]
    lowest = [scaled.subs(y, root) for root in sp.roots(sp.Poly(condition, y))]
    if not lowest:
        raise DomainError("all singular values are equal: there is no edge")
    return layer.at(sp.simplify(lowest[0]).xreplace(values))


def _is_uniform(layers: Placed) -> bool:
    """Whether the condition is a quadratic with known order: equal square layers, or one layer."""
    kinds = {
        (placed.layer.positive_atoms, placed.layer.ensemble, placed.before, placed.after)
        for placed in layers
    }
    ((atoms, _, before, after), *others) = kinds
    square = before == after == 1 or total_depth(layers) == 1
    return not others and square and len(atoms) == 1


def _with_symbol(layers: Placed) -> tuple[Placed, dict[sp.Symbol, sp.Expr]]:
    """Put a symbol in place of a probability that is a function of q."""
    ((value, mass),) = layers[0].layer.positive_atoms
    if mass.is_Rational or mass.is_Symbol:
        return layers, {}
    name = sp.Dummy("p", positive=True)
    return [_replaced(placed, bernoulli(name, value)) for placed in layers], {name: mass}


def _replaced(
    placed: PlacedLayer, law: DerivativeLaw, sigma_w: sp.Expr | None = None
) -> PlacedLayer:
    """The same layer with another law or σ_w."""
    old = placed.layer
    scale = old.sigma_w if sigma_w is None else sigma_w
    layer = Layer(law, old.width, sigma_w=scale, weights=old.ensemble, q=old.q, count=old.count)
    return PlacedLayer(layer, placed.before, placed.after, placed.count)


def _closed(layers: Placed, condition: sp.Poly) -> tuple[sp.Expr, ...]:
    """Edges of equal square layers with one slope, or of one layer."""
    if condition.degree() == 0:
        return ()
    upper, lower = _critical_points(condition)
    top = _eigenvalue(layers, upper)
    if lower is None:
        return (sp.S.Zero, top)
    depth, full = total_depth(layers), layers[0].layer.mass_at_zero == 0
    square = layers[0].before == layers[0].after
    if (full and square) or (depth - 1).is_positive:
        return (sp.S.Zero, top)
    single = _eigenvalue(layers, lower)
    if depth == 1:
        return (single, top)
    single = sp.simplify(single.subs(depth, 1))
    return (sp.Piecewise((single, sp.Eq(depth, 1)), (0, True)), top)


def _eigenvalue(layers: Placed, m: sp.Expr) -> sp.Expr:
    """λ(m), each factor simplified by itself."""
    parts = [readable(sp.radsimp(sp.cancel((1 + m) / m)))]
    for placed in layers:
        layer = sp.factor(sp.cancel((1 / placed.s_transform).subs(z, m)))
        parts.append(layer**placed.count)
    return sp.Mul(*parts)


def _critical_points(condition: sp.Poly) -> tuple[sp.Expr, sp.Expr | None]:
    """Solve dλ/dm = 0; of the two roots of a quadratic the positive one comes first.

    The quadratic is L m² + (L−1) m − p up to a factor: its roots have opposite signs, so the
    positive one is that with the positive root of the discriminant.
    """
    if condition.degree() == 1:
        slope, rest = condition.all_coeffs()
        return sp.factor(-rest / slope), None
    square, slope, rest = condition.all_coeffs()
    half, product = sp.factor(-slope / (2 * square)), sp.factor(rest / square)
    if not product.is_negative:
        raise NoClosedForm("the edges", "the order of the critical points of M⁻¹ is not decided")
    root = sp.sqrt(sp.factor(half**2 - product))
    return half + root, half - root


def _roots(layers: Placed) -> tuple[sp.Expr, ...]:
    """Edges as real roots of the edge polynomial, told apart by the numeric support.

    λ is proportional to every σ_w², so these may be symbols; all else has to be rational.
    """
    scale = sp.Mul(*(placed.layer.sigma_w ** (2 * placed.count) for placed in layers))
    unit = [_replaced(placed, placed.layer.law, sp.S.One) for placed in layers]
    needed = {s.name for p in unit for e in _ingredients(p) for s in e.free_symbols - {z}}
    if needed:
        raise NoClosedForm(
            "the edges",
            "φ′² has more than one nonzero value or layers differ, and the edge polynomial depends "
            f"on {', '.join(sorted(needed))}: give numbers, or see critical_polynomial",
        )
    if not all(e.is_Rational for p in unit for e in _ingredients(p)[:-1]):
        raise NoClosedForm(
            "the edges", "the edge polynomial is not rational; support(…) has numbers"
        )
    if sum(int(placed.count) for placed in layers) > _MOST_LAYERS:
        raise NoClosedForm(
            "the edges",
            f"the edge polynomial of more than {_MOST_LAYERS} layers has roots too close to "
            "isolate; see critical_polynomial",
        )
    numeric = LayerProduct([_numeric(placed) for placed in unit], _DIGITS)
    candidates = list(dict.fromkeys(sp.real_roots(edge_polynomial(unit)))) + _at_infinity(unit)
    found = [_matching(end, candidates) for interval in numeric.support for end in interval]
    return tuple(scale * end for end in found)


def _ingredients(placed: PlacedLayer) -> list[sp.Expr]:
    atoms = [e for pair in placed.layer.positive_atoms for e in pair]
    return [*atoms, placed.before, placed.after, placed.count, placed.layer.s_weights]


def _numeric(placed: PlacedLayer) -> NumericLayer:
    layer = placed.layer
    return NumericLayer(
        layer.positive_atoms, layer.s_weights, int(placed.count), placed.before, placed.after
    )


def _at_infinity(layers: Placed) -> list[sp.Expr]:
    """λ at m = ∞, where the weights keep it finite."""
    results = [sp.S.One]
    for placed in layers:
        far = sp.limit(placed.layer.s_weights, z, sp.oo)
        if not (far.is_finite and far.is_positive):
            return []
        choices = [(a / far) ** placed.count for a, _ in placed.layer.positive_atoms]
        results = [result * choice for result in results for choice in choices]
    return results


def _matching(end: object, candidates: list[sp.Expr]) -> sp.Expr:
    """The exact number for an end of the numeric support."""
    if end == 0:
        return sp.S.Zero
    with mp.workdps(_DIGITS):
        near = [c for c in candidates if abs(mp.mpf(c.evalf(_DIGITS)) / end - 1) < _AGREEMENT]
    if not near:
        raise NoClosedForm("the edges", f"no root of the edge polynomial is near {end}")
    return reduce(lambda a, b: min(a, b, key=sp.count_ops), near)
