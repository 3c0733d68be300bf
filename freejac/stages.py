"""The stages of a derivation: each takes the stage before it and gives a `Section`.

>>> [quantity.name for quantity in mean_field_maps(MeanField("relu")).quantities][:2]
['length_map', 'chi']
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import sympy as sp

from freejac.quantities import Quantity, Section, atoms, quantity
from freejac.symbolic.activation import Activation
from freejac.symbolic.derivative_law import AtomicLaw, DerivativeLaw, derivative_law
from freejac.symbolic.ensembles import Ensemble
from freejac.symbolic.errors import DomainError, InternalError, NotConvergedError
from freejac.symbolic.fixed_points import bind_parameters
from freejac.symbolic.jacobian import Jacobian
from freejac.symbolic.mean_field import MeanField
from freejac.symbolic.residual import ResNet
from freejac.symbolic.series import Series, from_expr
from freejac.symbolic.symbols import q, sigma_w, z

__all__ = [
    "definition",
    "expectations",
    "fixed_points",
    "jacobian_law",
    "kernels",
    "law_of_slopes",
    "mean_field_maps",
    "residual_law",
    "two_inputs",
    "weight_ensemble",
]

_TERMS = 2
"""How far S and M⁻¹ are expanded where they do not close: as far as μ_1 and μ_2 determine them."""


def definition(phi: Activation) -> Section:
    """φ, φ′, φ″ as distributions, and where they are not smooth."""
    rows = [
        quantity("phi", "φ(x)", r"\varphi(x)", "definition", lambda: phi.expr),
        quantity("slope", "φ′(x)", r"\varphi'(x)", "derivatives", lambda: phi.derivative(1)),
        quantity("curvature", "φ″(x)", r"\varphi''(x)", "", lambda: phi.derivative(2)),
    ]
    if phi.breakpoints:
        points = sp.FiniteSet(*phi.breakpoints)
        rows.append(quantity("breakpoints", "x", "x", "kinks or jumps at", lambda: points))
    return Section("activation", "Activation", tuple(rows))


def expectations(field: MeanField) -> Section:
    """E[φ], E[φ²], μ_1 and μ_2."""
    mean, square, slope, fourth = (
        rf"\mathbb{{E}}[{power}]"
        for power in (r"\varphi(h)", r"\varphi(h)^2", r"\varphi'(h)^2", r"\varphi'(h)^4")
    )
    rows = (
        quantity("mean", "E[φ]", mean, "mean", lambda: field.mean),
        quantity("second_moment", "E[φ²]", square, "mean square", lambda: field.second_moment),
        quantity("mu_1", "μ₁ = E[φ′²]", rf"\mu_1 = {slope}", "moments of D²", lambda: field.mu(1)),
        quantity("mu_2", "μ₂ = E[φ′⁴]", rf"\mu_2 = {fourth}", "", lambda: field.mu(2)),
    )
    return Section("expectations", "Gaussian expectations, h ~ N(0, q)", rows)


def mean_field_maps(field: MeanField) -> Section:
    """The length map, the susceptibilities, and the critical line in its parameter q."""
    line = cache(field.critical_line)
    rows = (
        quantity("length_map", "V(q)", "V(q)", "length map", lambda: field.length_map),
        quantity("chi", "χ", r"\chi", "σ_w² E[φ′²]", lambda: field.chi),
        quantity("chi_parallel", "χ_∥", r"\chi_\parallel", "V′(q)", lambda: field.chi_parallel),
        quantity(
            "critical_sigma_w2", "σ_w²", r"\sigma_w^2", "critical line χ = 1", lambda: line()[0]
        ),
        quantity("critical_sigma_b2", "σ_b²", r"\sigma_b^2", "", lambda: line()[1]),
    )
    return Section("mean_field", "Mean field", rows)


def two_inputs(field: MeanField) -> Section:
    """The duals of φ and φ′, which the correlation map and its slope are made of."""
    rows = (
        quantity(
            "dual",
            "E[φ(h₁)φ(h₂)]",
            r"\mathbb{E}[\varphi(h_1)\varphi(h_2)]",
            "dual of φ",
            lambda: field.dual,
        ),
        quantity(
            "slope_dual",
            "E[φ′(h₁)φ′(h₂)]",
            r"\mathbb{E}[\varphi'(h_1)\varphi'(h_2)]",
            "dual of φ′",
            lambda: field.slope_dual,
        ),
    )
    return Section("two_inputs", "Two inputs: h₁, h₂ of variance q and correlation c", rows)


def fixed_points(field: MeanField, scales: tuple[sp.Expr, sp.Expr]) -> Section:
    """Every fixed point of the length map at numerical (σ_w, σ_b), its stability, and χ there."""
    title = f"Fixed points of the length map at σ_w = {scales[0]}, σ_b = {scales[1]}"
    try:
        points = field.fixed_points(*scales)
        trouble = "" if points else "none: V(q) > q throughout, lengths grow without bound"
    except (DomainError, NotConvergedError) as reason:
        points, trouble = (), str(reason)
    if trouble:
        none = Quantity("fixed_points", "q*", "q^*", "fixed points", None, False, trouble)
        return Section("fixed_points", title, (none,))
    numbers = bind_parameters(field.phi, {}) | {sigma_w: scales[0]}
    quantities: list[Quantity] = []
    for k, point in enumerate(points, start=1):
        key = f"fixed_point_{k}"
        kind = "numerical; " + ("stable" if point.stable else "unstable")
        rows = [
            (key, "q*", "q^*", f"fixed point {k}", sp.Float(point.q), kind),
            (f"{key}_slope", "V′(q*)", "V'(q^*)", "", sp.Float(point.slope), "numerical"),
        ]
        if point.q > 0 and not field.phi.distribution(1).deltas:
            chi = field.chi.subs({**numbers, q: sp.Float(point.q)}).evalf(15)
            rows.append((f"{key}_chi", "χ(q*)", r"\chi(q^*)", "", chi, "numerical"))
        quantities += [Quantity(*row[:5], False, row[5]) for row in rows]
    return Section("fixed_points", title, tuple(quantities))


def _law(field: MeanField) -> DerivativeLaw:
    field.slope_integrand()  # a φ that jumps is refused here, where the message says what follows
    return derivative_law(field.phi)


def law_of_slopes(field: MeanField, generic: DerivativeLaw) -> Section:
    """The law of D² = φ′(h)²; `generic` is the same law with μ_1 and μ_2 as symbols."""
    law = cache(lambda: _law(field))
    linear = field.phi.is_piecewise_linear
    rows = atoms("atom", "D²", "D^2", lambda: _atoms_of(law())) if linear else []
    rows += [
        quantity(
            "spread",
            "μ₂/μ₁² − 1",
            r"\mu_2/\mu_1^2 - 1",
            "relative variance",
            lambda: _spread(law()),
            general=lambda: _spread(generic),
        ),
        quantity(
            "derivative_mgf",
            "M(z)",
            "M_{D^2}(z)",
            "E[D²/(z − D²)]",
            lambda: law().mgf,
            series=lambda: sum(
                (generic.moment(k) / z**k for k in range(1, _TERMS + 1)),
                sp.O(z ** -(_TERMS + 1), (z, sp.oo)),
            ),
        ),
        quantity(
            "derivative_s_transform",
            "S(z)",
            "S_{D^2}(z)",
            "S-transform",
            lambda: law().s_transform,
            series=lambda: _sum(generic.s_series(_TERMS)),
        ),
    ]
    return Section("derivative_law", "Law of D² = φ′(h)²", tuple(rows))


def _atoms_of(law: DerivativeLaw) -> tuple[tuple[sp.Expr, sp.Expr], ...]:
    if not isinstance(law, AtomicLaw):
        raise InternalError(f"the law of D² of {law.name} should be atomic")
    return law.atoms()


def _spread(law: DerivativeLaw) -> sp.Expr:
    """μ_2/μ_1² − 1: the variance that one orthogonal layer leaves at criticality."""
    return Jacobian(law, "orthogonal", 1).variance_at_criticality


def weight_ensemble(weights: Ensemble) -> Section:
    """The law of the weights, by its S-transform."""
    rows = (
        quantity(
            "weights_s_transform",
            "S(z)",
            "S_{WW^T}(z)",
            "S-transform of W Wᵀ",
            lambda: sp.sympify(weights.s_transform),
        ),
    )
    return Section("weights", f"Weights: {weights.name}", rows)


def jacobian_law(field: MeanField, generic: Jacobian) -> Section:
    """Derive the law of J Jᵀ; `generic` has the same weights and depth, and μ_1, μ_2 as symbols."""
    network = cache(lambda: Jacobian(_law(field), generic.ensemble, generic.depth))
    edges = cache(lambda: _edges(network()))

    def moment(
        name: str, symbol: str, latex: str, meaning: str, of: Callable[[Jacobian], sp.Expr]
    ) -> Quantity:
        return quantity(
            name, symbol, latex, meaning, lambda: of(network()), general=lambda: of(generic)
        )

    rows = [
        quantity(
            "s_transform",
            "S(z)",
            "S_{JJ^T}(z)",
            "S-transform of J Jᵀ",
            lambda: network().s_transform,
            series=lambda: _sum(_s_series(generic)),
        ),
        quantity(
            "inverse_mgf",
            "M⁻¹(z)",
            "M^{-1}_{JJ^T}(z)",
            "(1+z)/(z S(z))",
            lambda: network().inverse_mgf,
            series=lambda: _sum(_inverse_mgf_series(generic)),
        ),
        moment("moment_1", "m₁", "m_1", "moments", lambda j: j.moment(1)),
        moment("moment_2", "m₂", "m_2", "", lambda j: j.moment(2)),
        moment("variance", "m₂ − m₁²", "m_2 - m_1^2", "variance", lambda j: j.variance),
        moment(
            "variance_at_criticality",
            "m₂ − m₁²",
            r"m_2 - m_1^2\big|_{\chi = 1}",
            "variance at χ = 1",
            lambda j: j.variance_at_criticality,
        ),
        quantity("edge_lower", "λ₋", r"\lambda_-", "edges", lambda: edges()[0]),
        quantity("edge_upper", "λ₊", r"\lambda_+", "", lambda: edges()[1]),
        *atoms("jacobian_atom", "λ", r"\lambda", lambda: network().atoms()),
    ]
    return Section("jacobian", "Jacobian J of L layers: the law of J Jᵀ", tuple(rows))


def _edges(network: Jacobian) -> tuple[sp.Expr, ...]:
    edges = network.edges()
    if not edges:
        raise DomainError("the spectrum consists of atoms")
    return edges


def _s_series(network: Jacobian) -> Series:
    """S of J Jᵀ from the series of one layer."""
    layer = network.law.s_series(_TERMS) * network.ensemble.s_series(_TERMS)
    return layer.power(network.depth)


def _inverse_mgf_series(network: Jacobian) -> Series:
    """M⁻¹ = (1+z)/(z S)."""
    return (from_expr(1 + z, z, _TERMS) * _s_series(network).inverse()).shift(-1)


def _sum(series: Series) -> sp.Expr:
    """Write a series out, with the order of what follows."""
    powers = range(series.valuation, series.valuation + len(series.unit))
    terms = (c * z**k for k, c in zip(powers, series.coefficients, strict=True))
    return sp.Add(*terms, sp.O(z**powers.stop))


def residual_law(network: ResNet) -> Section:
    """The universal law of a deep residual network, and what φ has to do with it: c_l."""
    rows = (
        quantity(
            "residual_cumulant", "c_l", "c_l", "cumulant of a layer", lambda: network.cumulant
        ),
        quantity(
            "residual_s_transform",
            "S(z)",
            "S_{JJ^T}(z)",
            "S-transform of J Jᵀ",
            lambda: network.s_transform,
        ),
        quantity(
            "residual_green_equation",
            "",
            "",
            "Green's function",
            lambda: network.green_equation,
        ),
        quantity("residual_moment_1", "m₁", "m_1", "moments", lambda: network.moment(1)),
        quantity("residual_moment_2", "m₂", "m_2", "", lambda: network.moment(2)),
        quantity(
            "residual_variance", "m₂ − m₁²", "m_2 - m_1^2", "variance", lambda: network.variance
        ),
        quantity(
            "residual_condition_number",
            "κ",
            r"\kappa",
            "condition number",
            lambda: network.condition_number,
        ),
    )
    title = "Residual network, L → ∞, cumulant = mean of c_l over the layers"
    return Section("residual", title, rows)


def kernels(phi: Activation, path: Path, announce: Callable[[str], None]) -> Section:
    """Write kernels to a file, checked: the worst error of each on its domain."""
    from freejac.codegen.emit import emit  # imports NumPy and Numba

    record = emit(phi, path, progress=announce)
    rows = [
        Quantity(
            f"kernel_{name}",
            name,
            rf"\mathtt{{{name}}}".replace("_", r"\_"),
            "" if k else "worst relative error",
            sp.Float(kernel.error, 2),
            False,
            f"numerical; {kernel.points} points"
            + (f" of q from {kernel.domain[0]} to {kernel.domain[1]}" if kernel.domain else ""),
        )
        for k, (name, kernel) in enumerate(record.kernels.items())
    ]
    return Section("kernels", f"Kernels written to {path}", tuple(rows))
