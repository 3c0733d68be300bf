"""Duals that close nowhere: code of E[φ(h₁)φ(h₂)] and E[φ′(h₁)φ′(h₂)] of any activation.

h₁ and h₂ are normal of variance q and correlation c, q from 1e-12 to 1e12 and c from −1 to 1.

A smooth φ that approaches polynomials at ±∞ up to what every power outgrows (tanh, sigmoid,
softplus, swish, mish) gets piecewise polynomials of two variables, some 40 ns a point, the cost of
which does not depend on q and c, if a bounded effort finds them. Any other φ is integrated on
panels, which costs about 100 microseconds at q = 1 and milliseconds at both ends of q.

The coefficients of the library's activations are kept in `generated/duals.json`, each with a
digest of what it was fitted to: the fit takes seconds, and its last bits depend on the machine.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable
from functools import lru_cache, partial
from pathlib import Path
from types import ModuleType
from typing import Any

import sympy as sp

from freejac.codegen.approximate_dual_fit import UnfitError, fit
from freejac.codegen.approximate_dual_growth import Growth, growth_of
from freejac.codegen.approximate_dual_quadrature import Panels, quadrature_text
from freejac.codegen.approximate_dual_square import Rules
from freejac.codegen.approximate_dual_table import Table, polynomial_lines, table_code
from freejac.codegen.dual_spec import DualCode
from freejac.codegen.files import write_atomically
from freejac.codegen.filling import preamble, template
from freejac.codegen.load import cache_folder, load_text
from freejac.symbolic.activation import Activation
from freejac.symbolic.bivariate_quadrature import gaussian_mean2
from freejac.symbolic.errors import DomainError, Error, InputError, NoClosedForm, Undecided
from freejac.symbolic.piecewise import PiecewiseFunction
from freejac.symbolic.quadrature import gaussian_mean
from freejac.symbolic.symbols import x

__all__ = ["LEDGER", "approximated_dual", "integrand", "refit"]

LEDGER = Path(__file__).resolve().parents[1] / "generated" / "duals.json"
"""Coefficients of the library's activations."""

_VERSION = 1
"""Of what the numbers of a table mean."""
_FIT = 3
"""Of the way of fitting: what an earlier one left on a machine is fitted anew. The tables of the
ledger stay, since their modules are measured."""
_TOLERANCE = 5e-14
_PANELS = (Panels(), Panels(0.25, 1), Panels(0.25, 4), Panels(0.03125, 4))
_EFFORT = 36_000
"""What a fit may cost at once, in evaluations of the product rule on the widest panels with one
transcendental function; so counted it ends in the same way on every machine."""
_PATIENCE = 10
"""By how much more it may cost where the coefficients are kept in the ledger."""

_PROBES = ((1e-3, 0.5), (1.0, 0.75), (1.0, -0.75), (1.0, 1.0), (100.0, -0.999), (1e4, 0.5))


def approximated_dual(
    phi: Activation, slope: bool = False, progress: Callable[[str], None] = lambda _: None
) -> DualCode:
    """The code of a dual that has no closed form.

    Args:
        phi: an activation without parameters.
        slope: whether E[φ′(h₁)φ′(h₂)] is wanted in place of E[φ(h₁)φ(h₂)].
        progress: told each step in words.

    Returns:
        Module-level constants and functions, and the body of a function of q and c.

    Raises:
        InputError: the activation has parameters.
        DomainError: φ jumps, so that the dual of its slope does not exist.
        Error: φ varies too sharply for the panels.

    >>> from freejac.symbolic.activation import activation
    >>> approximated_dual(activation("where(x>0, tanh(x), 0)")).result
    '_dual_mean(q, c)'
    """
    f = integrand(phi, slope)
    name = _name(phi, slope)
    growth = _growth(f)
    if growth is not None:
        table = _kept(f, growth, partial(_tell, progress, name))
        if table is not None:
            return _by_table(table, growth, slope)
    return _by_quadrature(f, slope, partial(_tell, progress, name))


def _name(phi: Activation, slope: bool) -> str:
    return f"{phi.name}, dual of φ{'′' if slope else ''}"


def refit(phi: Activation, progress: Callable[[str], None] = lambda _: None) -> None:
    """Fit both duals of an activation anew and keep their coefficients in the ledger.

    Where polynomials do not reach the goal the ledger says so, with no rows.

    Args:
        phi: an activation without parameters.
        progress: told each step in words.
    """
    kept = _read(LEDGER)
    for slope in (False, True):
        f = integrand(phi, slope)
        growth = _growth(f)
        if growth is not None:
            name = _name(phi, slope)
            kept[_digest(f)] = _entry(
                name, _fitted(f, growth, partial(_tell, progress, name), _PATIENCE * _EFFORT)
            )
    write_atomically(LEDGER, _ledger_text(kept))
    _read_once.cache_clear()


def _tell(progress: Callable[[str], None], name: str, step: str) -> None:
    progress(f"{name}: {step}")


def _entry(name: str, table: Table | None) -> dict[str, Any]:
    return {"of": name, **({"rows": []} if table is None else table.to_json())}


def _table(entry: dict[str, Any]) -> Table | None:
    return Table.from_json(entry) if entry["rows"] else None


def integrand(phi: Activation, slope: bool) -> PiecewiseFunction:
    """φ or φ′, of which a dual is the mean of a product.

    Raises:
        InputError: the activation has parameters.
        DomainError: φ jumps, so that the dual of its slope does not exist.
    """
    if phi.parameters:
        raise InputError(
            f"{phi.name} has the parameter {phi.parameters[0]}; give it a number, as in "
            '"tanh(3*x)" for "tanh(a*x)"'
        )
    f = phi.distribution(1) if slope else phi.function
    if f.deltas:
        raise DomainError(
            f"{phi.name} jumps at x = {f.deltas[0].location}, so that the dual of its slope does "
            "not exist"
        )
    return f


def _growth(f: PiecewiseFunction) -> Growth | None:
    """The exact part of the dual of a smooth function, if it is of the kind that has one."""
    if f.breakpoints:
        return None
    try:
        return growth_of(f)
    except (NoClosedForm, Undecided):
        return None


def _by_table(table: Table, growth: Growth, slope: bool) -> DualCode:
    constants, lines, result = table_code(table, growth, _prefix(slope))
    shared = polynomial_lines(table.degree)
    return DualCode(tuple(lines), result, "polynomials", tuple(constants), shared=shared)


def _by_quadrature(f: PiecewiseFunction, slope: bool, progress: Callable[[str], None]) -> DualCode:
    """Panels fine enough for the tolerance at a few points.

    Raises:
        Error: none of those tried is.
    """
    for panels in _PANELS:
        progress(f"integrating on panels of {panels.finest:g} beside breakpoints")
        if _probe(f, _compiled(f, panels)) <= _TOLERANCE:
            lines = quadrature_text(f, _prefix(slope), _summary(slope), panels)
            return DualCode((), f"{_prefix(slope)}_mean(q, c)", "quadrature", tuple(lines))
    if any(wave.has(x) for piece in f.pieces for wave in piece.expr.atoms(sp.sin, sp.cos)):
        raise Error(
            "the activation oscillates, its dual has no closed form, and the panels that are tried "
            "do not resolve it over all q; its means of one variable have kernels all the same"
        )
    raise Error("the activation varies too sharply for the panels of its dual; rescale x")


def _probe(f: PiecewiseFunction, module: ModuleType) -> float:
    """Worst error of the product rule, over E[f²], at a few points."""
    worst = 0.0
    for q, c in _PROBES:
        exact = gaussian_mean2(f, f, q, q, c, 20)
        scale = gaussian_mean2(f, f, q, q, 1, 20)
        worst = max(worst, float(abs(module._dual_mean(q, c) - exact) / scale))
    return worst


def _fitted(
    f: PiecewiseFunction, growth: Growth, progress: Callable[[str], None], effort: float
) -> Table | None:
    """Coefficients, if polynomials reach the goal."""
    for panels in _PANELS:
        module = _compiled(f, panels)
        if _probe(f, module) > _TOLERANCE / 5.0:
            continue
        try:
            return fit(_rules(f, module, panels, effort), growth, progress)
        except UnfitError:
            return None
    return None


def _rules(f: PiecewiseFunction, module: ModuleType, panels: Panels, effort: float) -> Rules:
    """Values of the dual in double precision, as many as the effort allows."""
    left = effort / (_operations(f) * (panels.parts * (1.0 - 0.2 * math.log2(panels.finest))) ** 2)

    def metered(rule: Callable[..., float]) -> Callable[..., float]:
        def value(*arguments: float) -> float:
            nonlocal left
            left -= 1.0
            if left < 0.0:
                raise UnfitError
            return rule(*arguments)

        return value

    def mean(variance: float) -> float:
        return (
            float(gaussian_mean(f, variance, 40))
            if variance
            else float(f.pieces[0].expr.subs(x, 0))
        )

    def square(variance: float) -> float:
        return float(module._dual_product(1.0, variance, 0.0))

    return Rules(metered(module._dual_product), metered(module._odd_product), mean, square)


def _operations(f: PiecewiseFunction) -> int:
    """Different transcendental functions and roots in a smooth function, at least 1.

    Those of u and −u count as one.
    """
    parts = sp.preorder_traversal(f.pieces[0].expr)
    costly = [p for p in parts if p.is_Function or (p.is_Pow and not p.exp.is_Integer)]
    return max(1, len({(p.func, frozenset((*p.args, *(-u for u in p.args)))) for p in costly}))


def _compiled(f: PiecewiseFunction, panels: Panels) -> ModuleType:
    """The product rule as a module, for fitting and for probing."""
    text = "\n".join(quadrature_text(f, "_dual", _summary(False), panels))
    helpers = preamble(text, always_math=True, always_numpy=True)["helpers"]
    return load_text(
        template("dual_rule.py.jinja", text=text, helpers=helpers, finest=panels.finest)
    )


def _prefix(slope: bool) -> str:
    return "_slope" if slope else "_dual"


def _summary(slope: bool) -> str:
    return f"Return φ{'′' if slope else ''}(x); x is not a breakpoint."


def _digest(f: PiecewiseFunction) -> str:
    """Fingerprint of a smooth function and of what the numbers of its table mean."""
    return hashlib.sha256(f"{_VERSION} {sp.srepr(f.pieces[0].expr)}".encode()).hexdigest()[:32]


def _kept(f: PiecewiseFunction, growth: Growth, progress: Callable[[str], None]) -> Table | None:
    """Coefficients from the ledger, or from an earlier fit on this machine, or fitted now."""
    digest = _digest(f)
    entry = _read_once(LEDGER).get(digest)
    if entry is not None:
        return _table(entry)
    own = cache_folder() / f"dual_{_FIT}_{digest}.json"
    if own.exists():
        return _table(_read(own)[digest])
    table = _fitted(f, growth, progress, _EFFORT)
    write_atomically(own, _ledger_text({digest: _entry(str(f.pieces[0].expr), table)}))
    return table


@lru_cache(maxsize=1)
def _read_once(path: Path) -> dict[str, Any]:
    return _read(path)


def _read(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        for entry in data.values():
            _table(entry)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path.name} is not a ledger of coefficients ({type(error).__name__}); restore it"
        ) from None
    return dict(data)


def _ledger_text(kept: dict[str, Any]) -> str:
    """The ledger's file content: a line for each row of coefficients."""
    entries = []
    for key, entry in sorted(kept.items(), key=lambda item: item[1]["of"]):
        rows = ",\n".join(f"   {json.dumps(row)}" for row in entry["rows"])
        head = {name: value for name, value in entry.items() if name != "rows"}
        body = ",\n".join(
            f"  {json.dumps(name)}: {json.dumps(value, ensure_ascii=False)}"
            for name, value in head.items()
        )
        entries.append(f' {json.dumps(key)}: {{\n{body},\n  "rows": [\n{rows}\n  ]\n }}')
    return "{\n" + ",\n".join(entries) + "\n}\n"
