"""Values of expressions at an algebraic number, reduced by its minimal polynomial.

SymPy's substitution leaves quotients of nested sums of surds, which `radsimp` does not always mend
in time. In the field ℚ(q*), every rational function of q* is a polynomial in q*.

>>> value_at(sp.sqrt(1 + q) / (q**2 - 1), sp.sqrt(2))
sqrt(1 + sqrt(2))
"""

from __future__ import annotations

import sympy as sp

from freejac.symbolic.symbols import q

__all__ = ["value_at"]


def value_at(expr: sp.Expr, root: sp.Expr) -> sp.Expr:
    """An expression in q at q = root, an algebraic number.

    Rational functions of q with rational coefficients are reduced, wherever they occur: as factors,
    under roots, and as arguments.
    """
    return sp.expand(_reduced(expr, root, sp.minimal_polynomial(root, q, polys=True)))


def _reduced(expr: sp.Expr, root: sp.Expr, minimal: sp.Poly) -> sp.Expr:
    if not expr.has(q):
        return expr
    if _is_rational(expr):
        return _in_field(expr, root, minimal)
    if not (expr.is_Mul or (expr.is_Pow and not isinstance(expr, sp.exp))):
        return expr.func(*(_reduced(part, root, minimal) for part in expr.args))
    rational, rest = sp.S.One, sp.S.One
    for factor in sp.Mul.make_args(expr):
        base, exponent = (factor, sp.S.One) if isinstance(factor, sp.exp) else factor.as_base_exp()
        if _is_rational(base) and exponent.is_Rational:
            whole = sp.floor(exponent)
            rational *= base**whole
            rest *= _in_field(base, root, minimal) ** (exponent - whole)
        else:
            power = _reduced(exponent, root, minimal)
            rest *= _reduced(base, root, minimal) ** power
    return _in_field(rational, root, minimal) * rest


def _is_rational(expr: sp.Expr) -> bool:
    constants = expr.atoms(sp.Function, sp.NumberSymbol, sp.exp)
    return not constants and expr.free_symbols <= {q} and expr.is_rational_function(q)


def _in_field(expr: sp.Expr, root: sp.Expr, minimal: sp.Poly) -> sp.Expr:
    numerator, denominator = (sp.Poly(part, q) for part in sp.fraction(sp.together(expr)))
    inverse = sp.invert(denominator.rem(minimal), minimal)
    return sp.expand((numerator * inverse).rem(minimal).as_expr().subs(q, root))
