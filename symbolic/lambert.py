"""The function that solves residual networks: Lambert's W with a rational argument.

"The Lambert function" of Tarnowski et al. is not W, the inverse of x eˣ. With x = c(2zG − 1)
their Green's equation G = (zG − 1) exp(c(1 − 2zG)) reads
    eˣ (x + c)/(x − c) = z,
so that x = W(−c; c; z), the generalised Lambert function with one upper and one lower parameter,
W(t; s; ·) the inverse of x ↦ eˣ (x − t)/(x − s). With r = −z eᶜ and v = x + c = 2cz G it is also
    v eᵛ + r v = 2 c r,   v = W_r(2cr),
an r-Lambert function whose order moves with z. Neither reduces to Lambert's own W, which is r = 0.

Source: Mező and Baricz, "On the generalization of the Lambert W function", Trans. Amer. Math. Soc.
    369 (2017), arXiv:1408.3999, for W(t; s; ·), W_r and W(t; s; a) = t + W_{−a/eᵗ}(a(t − s)/eᵗ).
"""

from __future__ import annotations

from typing import Any

import mpmath
import sympy as sp
from mpmath import fp, mp
from sympy.core.function import ArgumentIndexError

from freejac.symbolic.errors import DomainError, NotConvergedError
from freejac.symbolic.path_following import follow

__all__ = ["GeneralizedLambertW"]

_GUARD_BITS = 20
_NEWTON_STEPS = 60
_FAR = 1e-3


class GeneralizedLambertW(sp.Function):
    r"""W(t; s; z): the solution x of eˣ (x − t)/(x − s) = z that tends to s as z → ∞.

    Args:
        t: the zero, real.
        s: the pole, real, t < s.
        z: any expression. The function is analytic but for a cut on the positive real axis,
            between the images of the two real critical points x of eˣ (x − t)/(x − s). On the cut
            it is the limit from the upper half-plane.

    Returns:
        s at infinity, t at 0, otherwise the unevaluated function. Numbers evaluate to any
        precision, on this branch, by continuation from infinity.

    Raises:
        DomainError: on evaluation, when t < s does not hold for real numbers t and s.
        NotConvergedError: on evaluation too close to an end of the cut, a branch point.

    Source: Mező and Baricz (2017), section 2; the branch is that of the Green's function.

    >>> value = GeneralizedLambertW(-1, 1, 2 + 3 * sp.I).evalf(30)
    >>> abs((sp.exp(value) * (value + 1) / (value - 1) - 2 - 3 * sp.I).evalf(30)) < 1e-28
    True
    >>> t, s, z = sp.symbols("t s z")
    >>> sp.latex(GeneralizedLambertW(t, s, z))
    'W\\left(t; s; z\\right)'
    """

    nargs = (3,)

    @classmethod
    def eval(cls, t: sp.Expr, s: sp.Expr, arg: sp.Expr) -> sp.Expr | None:
        """Exact values; None keeps the function unevaluated."""
        if arg.is_zero:
            return t
        if arg in (sp.oo, -sp.oo, sp.zoo):
            return s
        return None

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        """Differentiate x + log(x − t) − log(x − s) = log z implicitly.

        >>> t, s, z = sp.symbols("t s z")
        >>> sp.count_ops(GeneralizedLambertW(t, s, z).diff(z)) < 20
        True
        """
        t, s, arg = self.args
        slope = 1 + 1 / (self - t) - 1 / (self - s)
        if argindex == 1:
            return 1 / ((self - t) * slope)
        if argindex == 2:
            return -1 / ((self - s) * slope)
        if argindex == 3:
            return 1 / (arg * slope)
        raise ArgumentIndexError(self, argindex)

    def _eval_evalf(self, prec: int) -> sp.Expr | None:
        try:
            bits = prec + _GUARD_BITS
            t, s, arg = (a._to_mpmath(bits) for a in self.args)
        except ValueError:  # SymPy's answer for an argument that is no number
            return None
        with mpmath.workprec(bits):
            value = _shifted(t, s, mp.mpc(arg))
        return sp.Expr._from_mpmath(value, prec)

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        inner = "; ".join(printer._print(argument) for argument in self.args)
        power = "" if exp is None else f"^{{{exp}}}"
        return rf"W{power}\left({inner}\right)"


def _shifted(t: Any, s: Any, value: Any) -> Any:
    """Bring t and s to −c and c by x = (t + s)/2 + y, and |z| above 1 by y(1/z) = −y(z)."""
    t, s = mp.convert(t), mp.convert(s)
    if isinstance(t, mp.mpc) or isinstance(s, mp.mpc) or not t < s:
        shown = f"t = {mp.nstr(t, 8)} and s = {mp.nstr(s, 8)}"
        raise DomainError(f"W(t; s; z) evaluates for real t < s, not {shown}")
    middle, c = (t + s) / 2, (s - t) / 2
    log_value = mp.log(value) - middle
    # log z is kept with its imaginary part in [0, π]: the upper half-plane and its two sides
    mirrored, inverted = log_value.imag < 0, log_value.real < 0
    half = mp.mpc(abs(log_value.real), abs(log_value.imag))
    y = _symmetric(c, half)
    # conj and inversion each turn the half-plane over; on the cut only the explicit one counts
    if inverted:
        y = -mp.conj(y)
    return middle + (mp.conj(y) if mirrored else y)


def _symmetric(c: Any, log_value: Any) -> Any:
    """Solve y + log((y + c)/(y − c)) = log z for |z| ≥ 1, Im log z in [0, π]."""
    small, goal = float(c), complex(log_value)
    far = fp.log(2 * small) + small - fp.log(_FAR * min(1.0, small))
    start = complex(max(far, goal.real), fp.pi / 2)
    corner = complex(goal.real, fp.pi / 2)

    def solve(gap: complex, target: complex) -> complex | None:
        found: complex | None = _newton(fp, small, gap, target, 1e-13)
        return found if found is not None and abs(found - gap) < abs(gap) / 3 else None

    gap = _newton(fp, small, fp.exp(fp.log(2 * small) + small - start), start, 1e-13)
    if gap is None:
        raise NotConvergedError(f"W(t; s; z) has no start at infinity for s - t = {2 * small:.6g}")
    what = f"W(t; s; z) at |log z| = {abs(goal):.8g}"
    gap = follow(solve, follow(solve, gap, start, corner, what), corner, goal, what)
    polished = _newton(mp, c, mp.mpc(gap), log_value, mp.eps * 2 ** (_GUARD_BITS // 2))
    if polished is None:
        raise NotConvergedError(f"{what} is at a branch point to working precision")
    return c + polished


def _newton(ctx: Any, c: Any, gap: Any, target: Any, tolerance: Any) -> Any:
    """Newton's iteration for y − c; None when it does not settle.

    Between neighbouring targets the step is at most a third of the gap, so the logarithm's
    argument moves by less than π and the nearest branch is the right one.
    """
    for _ in range(_NEWTON_STEPS):
        if not gap or not gap + 2 * c:
            return None
        residual = c + gap + ctx.log((gap + 2 * c) / gap) - target
        turns = round(float(residual.imag / (2 * ctx.pi)))
        residual -= ctx.mpc(0, 2 * ctx.pi * turns)
        slope = 1 - 2 * c / (gap * (gap + 2 * c))
        if not slope:
            return None
        step = residual / slope
        gap -= step
        if abs(step) <= tolerance * abs(gap):
            return gap
    return None
