"""What commands on one network share: its options, and the theory that they ask for.

`freejac density` evaluates it, `freejac simulate` holds drawn networks against it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from freejac.command_line import exact_number
from freejac.symbolic.errors import InputError

if TYPE_CHECKING:
    from freejac.network_theory import NetworkTheory

__all__ = [
    "ActivationText",
    "Bias",
    "Depth",
    "FirstVariance",
    "PlotFile",
    "Scale",
    "Skip",
    "Weights",
    "network_theory_of",
    "refuse_without_residual",
]

ActivationText: TypeAlias = Annotated[
    str, typer.Argument(metavar="ACTIVATION", help="Name from the library, or an expression.")
]
Depth: TypeAlias = Annotated[
    int, typer.Option("--depth", metavar="L", min=1, max=10_000, help="Number of layers.")
]
Scale: TypeAlias = Annotated[str, typer.Option("--sigma-w", metavar="NUMBER", help="σ_w.")]
Bias: TypeAlias = Annotated[str, typer.Option("--sigma-b", metavar="NUMBER", help="σ_b.")]
Weights: TypeAlias = Annotated[
    str, typer.Option("--weights", metavar="NAME", help="gaussian or orthogonal.")
]
FirstVariance: TypeAlias = Annotated[
    str | None,
    typer.Option("--q", metavar="NUMBER", help="Variance in the first layer; the fixed point q*."),
]
Skip: TypeAlias = Annotated[
    str | None, typer.Option("--skip", metavar="NUMBER", help="Skip weight (residual); 1.")
]
PlotFile: TypeAlias = Annotated[
    Path | None, typer.Option("--plot", metavar="FILE", help="Draw it to this PNG file.")
]


def refuse_without_residual(is_residual: bool, finite: bool, skip: str | None) -> None:
    """Refuse what only a residual network has.

    Raises:
        InputError: one of the options is given without --residual.
    """
    if not is_residual and (finite or skip is not None):
        raise InputError("--finite and --skip need --residual")


def network_theory_of(
    activation: str,
    *,
    depth: int,
    sigma_w: str,
    sigma_b: str,
    q: str | None,
    weights: str,
    is_residual: bool,
    skip: str | None,
    finite: bool,
) -> NetworkTheory:
    """The theory of the network that the options name; lengths are followed through its layers.

    Raises:
        InputError: an option is no number, or names nothing.
    """
    from freejac.network_theory import feed_forward_theory, residual_theory  # imports SymPy

    numbers = {
        "sigma_w": exact_number("--sigma-w", sigma_w),
        "sigma_b": exact_number("--sigma-b", sigma_b),
        "q": None if q is None else exact_number("--q", q),
    }
    if not is_residual:
        return feed_forward_theory(activation, depth=depth, weights=weights, **numbers)
    factor = exact_number("--skip", skip or "1")
    return residual_theory(
        activation, depth=depth, weights=weights, skip=factor, finite=finite, **numbers
    )
