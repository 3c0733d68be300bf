"""Claims about functions by their inverses, and about laws by their transforms.

>>> from freejac.symbolic.symbols import z
>>> check_inverse(z**2 + 1, sp.sqrt(z - 1), z).status
'proved'
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sympy as sp

from freejac.symbolic.check import Side, Where, as_side, check
from freejac.symbolic.errors import InputError
from freejac.symbolic.free_cumulants import cumulants_from_moments, moments_from_cumulants
from freejac.symbolic.symbols import lam, z
from freejac.symbolic.verdict import ChainVerdict, Verdict, weakest

__all__ = ["check_inverse", "check_law"]


def check_inverse(
    f: Side,
    g: Side,
    variable: sp.Symbol = z,
    where: Where = (),
    domain: Where = None,
    **options: Any,
) -> Verdict:
    """Check that g is the compositional inverse of f: f(g(y)) = y.

    Args:
        f: an expression in the variable.
        g: an expression in the same variable.
        variable: the argument of both.
        where: conditions on the argument of g.
        domain: conditions on the argument of f. If given, g(f(x)) = x is checked there as well.
        options: passed on to `check`.

    Raises:
        InputError: a function or condition cannot be read.

    >>> from freejac.symbolic.symbols import x
    >>> check_inverse(sp.exp(x), sp.log(x), x, x > 0, domain=()).status
    'proved'
    """
    outer, inner = (as_side(side, {variable.name: variable}) for side in (f, g))
    claim = f"{inner} is the inverse function of {outer}"
    steps = [check(outer.subs(variable, inner), variable, where, **options)]
    if domain is not None:
        steps.append(check(inner.subs(variable, outer), variable, domain, **options))
    return weakest(claim, tuple(steps)) if len(steps) > 1 else steps[0].about(claim)


def check_law(
    *,
    density: Side | None = None,
    stieltjes: Side | None = None,
    mgf: Side | None = None,
    inverse_mgf: Side | None = None,
    blue: Side | None = None,
    r: Side | None = None,
    s: Side | None = None,
    moments: Any = None,
    cumulants: Any = None,
    support: tuple[Any, Any] | None = None,
    atoms: tuple[tuple[Any, Any], ...] = (),
    where: Where = (),
    argument: sp.Symbol = z,
    variable: sp.Symbol = lam,
    **options: Any,
) -> ChainVerdict:
    """Check that several descriptions are of one law.

    Args:
        density: ρ, an expression in `variable`, on `support`.
        stieltjes: G(z) = ∫ρ(t)/(z − t) dt, an expression in `argument`, as are all transforms.
        mgf: M(z) = zG(z) − 1.
        inverse_mgf: M⁻¹.
        blue: B = G⁻¹.
        r: R(z) = B(z) − 1/z.
        s: S(z) = (1 + z)/(z M⁻¹(z)).
        moments: (m_1, m_2, …).
        cumulants: the free cumulants (κ_1, κ_2, …).
        support: the ends of the density's support.
        atoms: pairs (place, mass).
        where: conditions on the argument of the transforms and on parameters. Transforms hold near
            infinity (G, M) or near 0 (B, R, S, M⁻¹): say where.
        argument: of the transforms.
        variable: of the density.
        options: passed on to `check`.

    Returns:
        The weakest verdict of a chain that links every description with the first.

    Raises:
        InputError: fewer than two descriptions, or a density without support.

    >>> check_law(stieltjes=1 / (z - 1), s=1, mgf="1/(z - 1)").status
    'proved'
    """
    given = {
        "density": density,
        "stieltjes": stieltjes,
        "mgf": mgf,
        "inverse_mgf": inverse_mgf,
        "blue": blue,
        "r": r,
        "s": s,
    }
    names = {symbol.name: symbol for symbol in (argument, variable)}
    sides = {name: as_side(side, names) for name, side in given.items() if side is not None}
    sequences = {"moments": moments, "cumulants": cumulants}
    lists = {
        name: [as_side(side, names) for side in side_list]
        for name, side_list in sequences.items()
        if side_list is not None
    }
    if len(sides) + len(lists) < 2:
        raise InputError("give at least two descriptions of the law")
    if density is not None and support is None:
        raise InputError("give the support of the density: support=(a, b)")
    law = _Described(sides, lists, support, atoms, argument, variable)
    steps = [check(left, right, where, **options).about(name) for name, left, right in law.links()]
    return weakest("one law: " + ", ".join([*sides, *lists]), tuple(steps), "link")


class _Described:
    """A law by several descriptions, and the identities that link each with the first."""

    def __init__(
        self,
        sides: dict[str, sp.Expr],
        lists: dict[str, list[sp.Expr]],
        support: tuple[Any, Any] | None,
        atoms: tuple[tuple[Any, Any], ...],
        argument: sp.Symbol,
        variable: sp.Symbol,
    ) -> None:
        self.sides, self.lists, self.z, self.t = sides, lists, argument, variable
        self.support = None if support is None else [as_side(end, {}) for end in support]
        self.atoms = [tuple(as_side(part, {}) for part in atom) for atom in atoms]
        self.first = next(iter(sides or lists))

    def links(self) -> Iterator[tuple[str, sp.Expr, sp.Expr]]:
        """Name and sides of each identity."""
        for name, side in self.sides.items():
            if name != self.first:
                yield self._link(name, side)
        for name, values in self.lists.items():
            if name == self.first:
                continue
            count = len(values)
            known = self.moments(count) if name == "moments" else self.cumulants(count)
            for n, (left, right) in enumerate(zip(known, values, strict=True), start=1):
                yield f"{self.first} and {name}, n = {n}", left, right

    def mean_of(self, f: sp.Expr) -> sp.Expr:
        """∫ f(t) ρ(t) dt and the atoms' part."""
        assert self.support is not None
        integral = sp.Integral(f * self.sides["density"], (self.t, *self.support))
        return integral + sum(mass * f.subs(self.t, place) for place, mass in self.atoms)

    def _direct(self, name: str) -> sp.Expr | None:
        """G, from a description that gives it."""
        if name == "density":
            return self.mean_of(1 / (self.z - self.t))
        if name == "stieltjes":
            return self.sides[name]
        return (1 + self.sides[name]) / self.z if name == "mgf" else None

    def _blue(self, name: str) -> sp.Expr | None:
        if name == "r":
            return self.sides[name] + 1 / self.z
        return self.sides[name] if name == "blue" else None

    def _inverse_mgf(self, name: str) -> sp.Expr | None:
        if name == "s":
            return (1 + self.z) / (self.z * self.sides[name])
        return self.sides[name] if name == "inverse_mgf" else None

    def _link(self, name: str, side: sp.Expr) -> tuple[str, sp.Expr, sp.Expr]:
        pair = f"{self.first} and {name}"
        if self.first not in self.sides:
            raise InputError(f"{pair} are linked through moments: give another description")
        z, ends = self.z, (self.first, name)
        direct = [self._direct(end) for end in ends]
        blues = [self._blue(end) for end in ends]
        inverses = [self._inverse_mgf(end) for end in ends]
        if None not in direct:
            return pair, direct[0], direct[1]
        if None not in blues:
            return pair, blues[0], blues[1]
        if None not in inverses:
            return pair, inverses[0], inverses[1]
        blue = next((found for found in blues if found is not None), None)
        inverse = next((found for found in inverses if found is not None), None)
        green = next((found for found in direct if found is not None), None)
        if green is not None and blue is not None:
            return pair, green.subs(z, blue), z
        assert inverse is not None, "there are three kinds, and two that differ"
        if green is not None:
            return pair, inverse * green.subs(z, inverse) - 1, z
        assert blue is not None, "there are three kinds, and two that differ"
        return pair, blue.subs(z, (1 + z) / inverse), inverse

    def moments(self, count: int) -> list[sp.Expr]:
        """The first moments, from the first description."""
        if self.first == "density":
            return [self.mean_of(self.t**n) for n in range(1, count + 1)]
        if self.first == "cumulants":
            return list(moments_from_cumulants(self.lists["cumulants"][:count]))
        inverse = self._inverse_mgf(self.first)
        t = sp.Dummy("t")
        if inverse is not None:
            series = sp.series(self.z * inverse, self.z, 0, count).removeO()
            powers = (sp.expand(series**n).coeff(self.z, n - 1) / n for n in range(1, count + 1))
            return list(powers)
        green = self._direct(self.first)
        if green is not None:
            series = sp.series(green.subs(self.z, 1 / t) / t, t, 0, count + 1).removeO()
            return [sp.expand(series).coeff(t, n) for n in range(1, count + 1)]
        return list(moments_from_cumulants(self.cumulants(count)))

    def cumulants(self, count: int) -> list[sp.Expr]:
        """The first free cumulants, from the first description."""
        blue = self._blue(self.first)
        if blue is not None:
            series = sp.expand(sp.series(blue - 1 / self.z, self.z, 0, count).removeO())
            return [series.coeff(self.z, n) for n in range(count)]
        return list(cumulants_from_moments(self.moments(count)))
