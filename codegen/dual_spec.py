r"""How a dual kernel is evaluated, as text that a template lays into a module.

A dual E[φ(h₁)φ(h₂)] with a closed form gets its code from `codegen.dual_forms`; one without, from a
generator of approximations with the signature of `Approximation`: a `DualCode` either way.

>>> code = DualCode(lines=("step = 0.5 * q",), result="c * step", method="closed form")
>>> code.text
'step = 0.5 * q\nc * step'
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from freejac.symbolic.activation import Activation

__all__ = ["MEASURE", "Approximation", "DualCode"]

MEASURE = (
    "Errors of a dual D are relative to |D|, and in ULPs of D; where half an ULP of an argument "
    "(of q, of a parameter, or of the nearest of 1 + c, c and 1 - c) changes D by more than an "
    "ULP, as next to a zero of D, the unit is larger in the same ratio."
)
"""What errors of duals in closed form are relative to."""


@dataclass(frozen=True)
class DualCode:
    """The body of a scalar function of q, c and the parameters.

    Attributes:
        lines: statements in order, without indentation; `q`, `c` and the parameters are in scope,
            and helpers of `templates/helpers.jinja` may be called. None of them returns.
        result: the expression of the value.
        method: how it is evaluated, in a few words for the module's header.
        constants: lines at the level of the module, before the functions: arrays and helper
            functions that only this kernel uses. Their names begin with `_DUAL_` or `_dual_` for
            the dual, with `_SLOPE_` or `_slope_` for the dual of the slope.
        lacks: what the doubles in the lines lack of the numbers that they stand for, where it is
            known.
        shared: blocks of lines at the level of the module, before the constants, that the other
            dual may need as well: the same block is written once.
        straight: whether the lines are straight arithmetic, harmless for any double: the check of
            the domain then comes last, so that the loop over an array is vectorised. Otherwise q, c
            and the parameters are checked before.
    """

    lines: tuple[str, ...]
    result: str
    method: str
    constants: tuple[str, ...] = ()
    straight: bool = False
    shared: tuple[tuple[str, ...], ...] = ()
    lacks: Mapping[float, float] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """Everything, for finding the helpers that it calls."""
        blocks = (line for block in self.shared for line in block)
        return "\n".join((*blocks, *self.constants, *self.lines, self.result))


Approximation: TypeAlias = Callable[[Activation, bool, Callable[[str], None]], DualCode]
"""`approximated_dual(phi, slope, progress)`: the code of E[φ(h₁)φ(h₂)], or of E[φ′(h₁)φ′(h₂)] if
`slope`, for an activation without parameters that has no closed form; `progress` is told each step
in words."""
