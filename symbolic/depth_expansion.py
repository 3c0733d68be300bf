"""S of a residual layer in powers of 1/L, and the law of infinite depth as its limit.

With t = 1/L, X = √t X_1 and C_X(w) = C_{X_1}(t w), so the relation (m − y)(1 + m − y) = a² w with
y = C_{X_1}(t w) determines w, and S = w/(m(1+m)), as power series in t whose coefficients are
polynomials in m. To first order S a² = 1 − (c_l t/a²)(1 + 2m): only the mean square c_l of X_1
enters, which is what makes the limit universal. The next order knows more of φ and the weights.

>>> depth_expansion(general_coefficients(2), sp.S.One, 2)[1]
-alpha_1*(2*z + 1)
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import sympy as sp

from freejac.symbolic.errors import DomainError
from freejac.symbolic.symbols import z

__all__ = ["depth_expansion", "general_coefficients", "universal_exponent"]


def general_coefficients(orders: int) -> tuple[sp.Symbol, ...]:
    """Name α_1, …, α_orders of the determining series C(w) = α_1 w + α_2 w² + O(w³).

    >>> general_coefficients(2)
    (alpha_1, alpha_2)
    """
    return tuple(sp.Symbol(f"alpha_{n}", real=True) for n in range(1, orders + 1))


def depth_expansion(
    determining: Sequence[sp.Expr], skip: sp.Expr, orders: int
) -> tuple[sp.Expr, ...]:
    """Expand a² S of a layer of share t = 1/L in t.

    Args:
        determining: (α_1, α_2, …), the determining series of √L X.
        skip: the skip weight a, not 0.
        orders: how many coefficients; as many less one of the α_n are needed.

    Returns:
        The coefficients of t⁰, t¹, …, polynomials in z.

    Raises:
        DomainError: a is 0, or too few α_n are given.

    >>> alpha = general_coefficients(2)
    >>> depth_expansion(alpha, sp.S.One, 3)[2].subs(alpha[1], 0)     # circular X
    5*alpha_1**2*z**2 + 5*alpha_1**2*z + alpha_1**2
    """
    if skip == 0:
        raise DomainError("the expansion in 1/L needs a skip connection: a must not be 0")
    if len(determining) < orders - 1:
        raise DomainError(f"{orders} orders need {orders - 1} coefficients of the series")
    t, m = sp.Dummy("t"), z
    # a² w = (m − y)(1 + m − y) is solved order by order: y at order n knows w to order n − 1
    point = m * (1 + m) / skip**2
    for order in range(1, orders):
        y = sp.Add(*(alpha * (t * point) ** n for n, alpha in enumerate(determining[:order], 1)))
        y = _truncated(y, t, order)
        point = _truncated((m - y) * (1 + m - y), t, order) / skip**2
    ratio = sp.Poly(sp.expand(point * skip**2), t)
    return tuple(
        sp.factor(sp.cancel(ratio.coeff_monomial(t**n) / (m * (1 + m)))) for n in range(orders)
    )


def _truncated(expr: sp.Expr, t: sp.Symbol, order: int) -> sp.Expr:
    polynomial = sp.Poly(sp.expand(expr), t)
    return sp.Add(*(polynomial.coeff_monomial(t**n) * t**n for n in range(order + 1)))


@lru_cache(maxsize=1)
def universal_exponent() -> sp.Expr:
    """Take the limit: log S = L log S_l → −c(1 + 2z)/a² + log a^{−2L}, for one unit of c/a².

    Terms beyond the first are O(1/L²) in each of L layers and add up to O(1/L).

    >>> universal_exponent()
    -2*z - 1
    """
    (slope,) = general_coefficients(1)
    zeroth, first = depth_expansion((slope,), sp.S.One, 2)
    return sp.expand(first / (slope * zeroth))
