"""An activation function φ: its expression, its smooth pieces, its derivatives.

>>> phi = activation("relu")
>>> phi.breakpoints, phi.derivative(2)
((0,), DiracDelta(x))
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cached_property, lru_cache

import mpmath
import sympy as sp

from freejac.symbolic import library
from freejac.symbolic.domain import exact
from freejac.symbolic.errors import DomainError, InputError, UnknownNameError
from freejac.symbolic.intervals import precedes, zeros
from freejac.symbolic.parsing import call_parts, parse
from freejac.symbolic.piecewise import PiecewiseFunction, decompose
from freejac.symbolic.symbols import RESERVED, x

__all__ = ["Activation", "activation"]


class Activation:
    """An activation function, exact.

    Attributes:
        name: the library name, or the text or expression it was made from.
        expr: φ(x) as a SymPy expression in `freejac.x` and the parameters.
        parameters: the free parameters, sorted by name.
        defaults: values that kernels use for parameters the caller leaves out.
        source: where a library activation was published; "" for a user's own.
        function: φ split into smooth pieces.
    """

    def __init__(
        self,
        expr: sp.Expr,
        *,
        name: str = "",
        source: str = "",
        defaults: dict[sp.Symbol, sp.Rational] | None = None,
    ) -> None:
        """Split the expression and refuse what no Gaussian expectation could use."""
        self.expr = _named(exact("an activation", expr))
        self.name = name or str(self.expr)
        self.source = source
        self.function = decompose(self.expr)
        self.parameters: tuple[sp.Symbol, ...] = tuple(
            sorted(self.expr.free_symbols - {x}, key=lambda s: s.name)
        )
        self.defaults = {s: v for s, v in (defaults or {}).items() if s in self.parameters}
        if not self.expr.has(x):
            raise DomainError(f"φ(x) = {self.expr} does not depend on x")
        _require_regular(self.function)
        _require_integrable(self)

    def __repr__(self) -> str:
        return f"Activation({self.name!r}, {self.expr})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Activation) and self.expr == other.expr

    def __hash__(self) -> int:
        return hash(self.expr)

    @property
    def breakpoints(self) -> tuple[sp.Expr, ...]:
        """Points where φ or one of its derivatives jumps, ascending."""
        return self.function.breakpoints

    def distribution(self, order: int) -> PiecewiseFunction:
        """The derivative of the given order as smooth pieces and Dirac deltas.

        Raises:
            DomainError: the order is not a non-negative integer.
        """
        if not isinstance(order, int) or isinstance(order, bool) or order < 0:
            raise DomainError(f"the order of a derivative is an integer ≥ 0, not {order!r}")
        while len(self._derivatives) <= order:
            self._derivatives.append(self._derivatives[-1].derivative())
        return self._derivatives[order]

    def derivative(self, n: int = 1) -> sp.Expr:
        """The n-th derivative as a distribution: `DiracDelta` where φ⁽ⁿ⁻¹⁾ jumps.

        >>> activation("hard_tanh").derivative(2)
        -DiracDelta(x - 1) + DiracDelta(x + 1)
        """
        return self.expr if n == 0 else self.distribution(n).to_sympy()

    @property
    def is_piecewise_linear(self) -> bool:
        """Whether every piece is affine in x, so that φ′² takes finitely many values."""
        return not any(piece.expr.has(x) for piece in self.distribution(1).pieces)

    @cached_property
    def _derivatives(self) -> list[PiecewiseFunction]:
        return [self.function]


def activation(
    spec: str | sp.Expr | Activation, *, name: str | None = None, positive: Iterable[str] = ()
) -> Activation:
    """Make an activation from a library name, text, or a SymPy expression.

    Args:
        spec: a library name ("gelu"), with values or names for its parameters
            ("leaky_relu(3/10)", "elu(alpha)"); an expression in the text grammar
            ("0.7*tanh(x) + 0.3*x*sigmoid(x)"); or a SymPy expression in `freejac.x`.
        name: a name to show instead.
        positive: names of parameters declared positive (others are real).

    Returns:
        The activation, split at its kinks.

    Raises:
        ParseError: the text is not in the grammar.
        DomainError: φ is not a real function with finite Gaussian moments, or its kinks cannot
            be located.

    >>> activation("leaky_relu(3/10)").expr
    Piecewise((x, x > 0), (3*x/10, True))
    >>> activation("x*Phi(x)") == activation("gelu")
    True
    """
    if isinstance(spec, Activation):
        return spec
    if isinstance(spec, str):
        return _from_text(spec.strip(), name, tuple(sorted(positive)))
    if not isinstance(spec, sp.Expr):
        raise InputError(
            f"an activation is a name, a text or a SymPy expression, not {type(spec).__name__}"
        )
    clash = {s.name for s in spec.free_symbols - {x}} & (RESERVED - {"x"})
    impostor = any(s.name == "x" and s != x for s in spec.free_symbols)
    if impostor or clash:
        what = "x" if impostor else sorted(clash)[0]
        advice = "use freejac.x as the variable" if impostor else "rename the parameter"
        raise InputError(f"the symbol {what} has a meaning of its own here; {advice}")
    return Activation(spec, name=name or "")


@lru_cache(maxsize=256)
def _from_text(text: str, name: str | None, positive: tuple[str, ...]) -> Activation:
    head, arguments = call_parts(text)
    entry = library.resolve(head)
    if entry is not None and arguments in ([], ["x"]):
        return _from_entry(entry, [], name, positive)
    if entry is not None and entry.parameters:
        return _from_entry(entry, arguments, name, positive)
    expr = parse(text, positive=positive)
    if expr.is_Symbol and expr != x:
        near = library.near(text)
        hint = f"did you mean {near[0]}?" if near else "the names are in freejac.activations()"
        raise UnknownNameError(f"no activation is called {text!r}", hint=hint)
    return Activation(expr, name=name or text)


def _from_entry(
    entry: library.Entry, arguments: list[str], name: str | None, positive: tuple[str, ...]
) -> Activation:
    """Bind a library entry's parameters to the given values or names."""
    if len(arguments) > len(entry.parameters):
        raise InputError(
            f"{entry.name} takes {len(entry.parameters)} parameter(s), {len(arguments)} given"
        )
    declared = {p.name for p in entry.parameters if p.positive}
    expr = parse(entry.text, positive=declared)
    symbols = {s.name: s for s in expr.free_symbols}
    defaults = {symbols[p.name]: sp.Rational(p.default) for p in entry.parameters}
    bound: dict[sp.Symbol, sp.Expr] = {}
    for declaration, text in zip(entry.parameters, arguments, strict=False):
        names = {text.strip()} if declaration.positive else set()
        value = parse(text, positive={*positive, *names})
        if value.has(x):
            raise InputError(f"a parameter of {entry.name} cannot depend on x: {text}")
        if declaration.positive and not value.is_positive:
            raise DomainError(f"{declaration.name} of {entry.name} must be positive, not {value}")
        bound[symbols[declaration.name]] = value
    shown = entry.name + (f"({', '.join(arguments)})" if arguments else "")
    return Activation(
        expr.subs(bound, simultaneous=True),
        name=name or shown,
        source=entry.source,
        defaults={bound.get(s, s): v for s, v in defaults.items() if bound.get(s, s).is_Symbol},
    )


def _named(expr: sp.Expr) -> sp.Expr:
    """With log(u + √(u² + c)), c > 0, as asinh(u/√c) + log(c)/2, which does not cancel at u < 0."""

    def inverse(argument: sp.Expr) -> sp.Expr:
        for root in sp.Add.make_args(argument):
            rest = argument - root
            if rest.has(x) and root.is_Pow and root.exp == sp.S.Half:
                left = sp.expand(root.base - rest**2)
                if left.is_number and left.is_positive:
                    return sp.asinh(rest / sp.sqrt(left)) + sp.log(left) / 2
        return sp.log(argument)

    return expr.replace(sp.log, inverse)


def _require_regular(function: PiecewiseFunction) -> None:
    """Refuse poles, branch points and complex values: pieces are smooth up to their ends."""
    for piece in function.pieces:
        risky = [
            node
            for node in sp.preorder_traversal(piece.expr)
            if node.has(x)
            and (
                (isinstance(node, sp.Pow) and not (node.exp.is_integer and node.exp.is_nonnegative))
                or isinstance(node, sp.log)
            )
        ]
        for node in risky:
            inner = node.base if isinstance(node, sp.Pow) else node.args[0]
            if node.func is sp.exp or inner.is_positive or not inner.has(x):
                continue
            _require_no_zero(piece.lower, piece.upper, inner, node)


def _require_no_zero(lower: sp.Expr, upper: sp.Expr, inner: sp.Expr, node: sp.Expr) -> None:
    ends = [end for end in (lower, upper) if end.is_finite and inner.subs(x, end).is_zero]
    places = zeros(inner, lower, upper) + ends
    if places:
        raise DomainError(
            f"φ is not smooth at x = {places[0]}: {node} is singular there. Between kinks and "
            "jumps φ has to have all derivatives, up to their ends"
        )
    probe = (
        0 if upper == sp.oo and lower == -sp.oo else (upper - 1 if lower == -sp.oo else lower + 1)
    )
    integral = isinstance(node, sp.Pow) and node.exp.is_integer
    if not integral and precedes(inner.subs(x, probe), sp.S.Zero):
        raise DomainError(f"φ is not real: {node} has a negative argument at x = {probe}")


def _require_integrable(phi: Activation) -> None:
    """Refuse growth like exp(k x²) or faster, for which E[φ²] is infinite at large q.

    For φ = O(exp(|x|^r)) the ratio log|φ(x)|/x² falls between two large x by 2^(r−2); at r ≥ 2 it
    does not fall.
    """
    values = {s: sp.Rational(1) for s in phi.parameters} | phi.defaults
    for sign, piece in ((-1, phi.function.pieces[0]), (1, phi.function.pieces[-1])):
        numeric = sp.lambdify(x, piece.expr.subs(values), "mpmath")
        with mpmath.workdps(30):
            near, far = (_log_size(numeric, sign * at) / at**2 for at in (200, 400))
        if far > 1e-4 and far > 0.8 * near:
            raise DomainError(
                f"{phi.name} grows like exp(x²) or faster, so its Gaussian moments are infinite; "
                "an activation must grow more slowly"
            )


def _log_size(function: Callable[[mpmath.mpf], mpmath.mpf], at: int) -> mpmath.mpf:
    try:
        value = abs(function(mpmath.mpf(at)))
    except (OverflowError, ZeroDivisionError):
        return mpmath.inf
    return mpmath.log(value) if value else -mpmath.inf
