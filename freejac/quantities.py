"""What a derivation consists of: quantities in sections, as data.

>>> from freejac.symbolic.symbols import x
>>> open_mean = Expectation(sp.tanh(x) ** 2, sp.Integer(1))
>>> quantity("mean", "m", "m", "mean", lambda: open_mean).note
'no closed form: tanh(x)**2 is outside the class'
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, partial

import sympy as sp

from freejac.symbolic.activation import Activation
from freejac.symbolic.bivariate import Expectation2, expect2
from freejac.symbolic.ensembles import Ensemble
from freejac.symbolic.errors import DomainError, InternalError, NoClosedForm, NotConvergedError
from freejac.symbolic.expectation import Expectation, expect

__all__ = ["Derivation", "Quantity", "Section", "atoms", "quantity"]


@dataclass(frozen=True)
class Quantity:
    """One line of a derivation.

    Attributes:
        name: key, unique in a derivation.
        symbol: how it is written in text, "E[φ²]".
        latex: the same in LaTeX.
        meaning: what it is, in a few words.
        value: the exact expression; None where there is none.
        closed_form: whether the value is a closed form: no unevaluated expectation, no truncated
            series, no numerical approximation.
        note: why it is not, or what else there is to know; "" for nothing.
        general: the same in terms of μ_1 and μ_2, where that is shorter to read; else None.
    """

    name: str
    symbol: str
    latex: str
    meaning: str
    value: sp.Basic | None
    closed_form: bool
    note: str = ""
    general: sp.Expr | None = None


@dataclass(frozen=True)
class Section:
    """The result of one stage.

    Attributes:
        name: key.
        title: heading.
        quantities: in the order in which they follow from each other.
    """

    name: str
    title: str
    quantities: tuple[Quantity, ...]


@dataclass(frozen=True)
class Derivation:
    """Everything derived for one activation, one weight ensemble and one depth.

    Attributes:
        phi: the activation.
        weights: the weight ensemble.
        depth: the number of layers, or the symbol L.
        sections: the stages.
        names: short names of the expectations that stay unevaluated.
    """

    phi: Activation
    weights: Ensemble
    depth: sp.Expr
    sections: tuple[Section, ...]
    names: Mapping[Expectation, str]

    def __iter__(self) -> Iterator[Quantity]:
        """Go over all quantities."""
        return (quantity for section in self.sections for quantity in section.quantities)

    def __getitem__(self, name: str) -> Quantity:
        """Find a quantity by its name.

        Raises:
            KeyError: there is none of that name.
        """
        for quantity in self:
            if quantity.name == name:
                return quantity
        raise KeyError(name)


def quantity(
    name: str,
    symbol: str,
    latex: str,
    meaning: str,
    make: Callable[[], sp.Basic],
    *,
    series: Callable[[], sp.Expr] | None = None,
    general: Callable[[], sp.Expr] | None = None,
) -> Quantity:
    """Make one quantity; one that has no closed form, or does not exist, stops no other.

    `make` gives the exact value, `series` the first terms in μ_1 and μ_2 of a transform that does
    not close, `general` the value in terms of μ_1 and μ_2.
    """
    try:
        value = make()
    except NoClosedForm as reason:
        note = f"no closed form: {reason.obstruction}"
        if series is None:
            return Quantity(name, symbol, latex, meaning, None, False, note)
        note += "; the first terms, from μ_1 and μ_2"
        return Quantity(name, symbol, latex, meaning, series(), False, note)
    except (DomainError, NotConvergedError) as reason:
        return Quantity(name, symbol, latex, meaning, None, False, str(reason))
    gaps = sorted(value.atoms(Expectation, Expectation2), key=str)
    reasons = dict.fromkeys(_obstruction(gap) for gap in gaps)
    note = "no closed form: " + "; ".join(reasons) if gaps else ""
    shape = general() if general is not None else None
    return Quantity(name, symbol, latex, meaning, value, not gaps, note, shape)


@cache
def _obstruction(gap: Expectation | Expectation2) -> str:
    """Why an expectation stays unevaluated."""
    try:
        (expect2 if isinstance(gap, Expectation2) else expect)(*gap.args)
    except NoClosedForm as reason:
        return reason.obstruction
    raise InternalError(f"{gap} has a closed form and was left unevaluated")


def atoms(
    key: str, of: str, latex: str, find: Callable[[], tuple[tuple[sp.Expr, sp.Expr], ...]]
) -> list[Quantity]:
    """List the point masses of a law, or one line that says why there is no list."""
    try:
        found = find()
    except (NoClosedForm, DomainError) as reason:
        note = (
            f"no closed form: {reason.obstruction}"
            if isinstance(reason, NoClosedForm)
            else str(reason)
        )
        symbol, shown = f"P({of} = ·)", rf"\mathbb{{P}}({latex} = \cdot)"
        return [Quantity(f"{key}s", symbol, shown, f"atoms of {of}", None, False, note)]
    return [
        quantity(
            f"{key}_{k}",
            f"P({of} = {location})",
            rf"\mathbb{{P}}({latex} = {sp.latex(location)})",
            f"atoms of {of}" if k == 1 else "",
            partial(_itself, mass),
        )
        for k, (location, mass) in enumerate(found, start=1)
    ]


def _itself(value: sp.Expr) -> sp.Expr:
    return value
