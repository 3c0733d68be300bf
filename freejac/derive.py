"""From an activation to its theory, stage by stage: what `freejac derive` prints.

`derive` reads as the flow of the whole house: text, activation, Gaussian expectations, mean field,
law of D², weights, Jacobian, residual network, kernels. Every stage gives a `Section` of
`Quantity`s, plain data, which `freejac.report` writes as text, LaTeX or JSON.

>>> theory = derive("hard_tanh", depth=2)
>>> theory["chi"].value
sigma_w**2*erf(sqrt(2)/(2*sqrt(q)))
>>> derive("tanh")["mu_1"].note
'no closed form: tanh(x)**4 is outside the class'
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import sympy as sp

from freejac import stages
from freejac.quantities import Derivation
from freejac.symbolic.activation import Activation, activation
from freejac.symbolic.derivative_law import general_law
from freejac.symbolic.ensembles import Ensemble
from freejac.symbolic.errors import DomainError
from freejac.symbolic.expectation import Expectation
from freejac.symbolic.fixed_points import bind_parameters
from freejac.symbolic.jacobian import Jacobian
from freejac.symbolic.mean_field import MeanField
from freejac.symbolic.residual import ResNet
from freejac.symbolic.symbols import depth as symbolic_depth
from freejac.symbolic.symbols import sigma_w

__all__ = ["derive"]


def derive(
    spec: str | sp.Expr | Activation,
    *,
    weights: str | Ensemble = "gaussian",
    depth: int | sp.Expr = symbolic_depth,
    positive: Iterable[str] = (),
    scales: tuple[sp.Expr, sp.Expr] | None = None,
    emit: Path | None = None,
    announce: Callable[[str], None] = lambda stage: None,
) -> Derivation:
    """Derive the theory of one activation.

    Args:
        spec: a library name, text, or a SymPy expression, as `freejac.activation` takes it.
        weights: "gaussian", "orthogonal", or an `Ensemble`.
        depth: the number of layers, or a symbol for it.
        positive: names of parameters declared positive.
        scales: numbers (σ_w, σ_b), for the fixed points of the length map; None for none.
        emit: file that kernels are written to; None for none.
        announce: is called with the name of each stage before it begins.

    Returns:
        The stages' results. A quantity without a closed form holds its exact unevaluated
        expectation, or the first terms of its series, and says why.

    Raises:
        InputError: an argument is not usable; nothing is written.

    >>> derive("where(x > 0, x, 3*x/10)", weights="orthogonal")["variance_at_criticality"].value
    8281*L/11881
    """
    announce("activation")
    phi = activation(spec, positive=positive)
    field = MeanField(phi)
    generic = Jacobian(general_law(), weights, depth)
    if scales is not None:
        _check_scales(phi, *scales)
    sections = [stages.definition(phi)]
    announce("Gaussian expectations")
    sections.append(stages.expectations(field))
    announce("mean field")
    sections.append(stages.mean_field_maps(field))
    announce("two inputs")
    sections.append(stages.two_inputs(field))
    if scales is not None:
        announce("fixed points")
        sections.append(stages.fixed_points(field, scales))
    announce("law of D²")
    sections.append(stages.law_of_slopes(field, generic.law))
    announce("weights")
    sections.append(stages.weight_ensemble(generic.ensemble))
    announce("Jacobian")
    sections.append(stages.jacobian_law(field, generic))
    announce("residual network")
    sections.append(stages.residual_law(ResNet(phi)))
    if emit is not None:
        announce("kernels")
        sections.append(stages.kernels(phi, emit, announce))
    return Derivation(phi, generic.ensemble, generic.depth, tuple(sections), _names(field))


def _check_scales(phi: Activation, weight: sp.Expr, bias: sp.Expr) -> None:
    """Refuse, before anything is computed, what fixed points cannot be found for."""
    for name, value in (("sigma_w", weight), ("sigma_b", bias)):
        if not (value.is_number and value.is_real and value.is_finite):
            raise DomainError(f"{name} must be a finite real number, not {value}")
    if not weight.is_positive:
        raise DomainError(f"sigma_w must be positive, not {weight}")
    if bias.is_negative:
        raise DomainError(f"sigma_b must be at least 0, not {bias}")
    bind_parameters(phi, {})


def _names(field: MeanField) -> dict[Expectation, str]:
    """Short names of the expectations that have no closed form."""
    sources: tuple[tuple[str, Callable[[], sp.Expr]], ...] = (
        ("E[φ]", lambda: field.mean),
        ("E[φ²]", lambda: field.second_moment),
        ("E[φ′²]", lambda: field.mu(1)),
        ("E[φ′⁴]", lambda: field.mu(2)),
        ("E[φ′² + φφ″]", lambda: field.chi_parallel / sigma_w**2),
    )
    names: dict[Expectation, str] = {}
    for name, make in sources:
        try:
            value = make()
        except DomainError:
            continue
        if isinstance(value, Expectation):
            names.setdefault(value, name)
    return names
