"""Specifications of the modules on spectra: moments, densities, edges and atoms of J Jᵀ."""

from __future__ import annotations

import sympy as sp

from freejac.codegen.spec import Argument, Formula, Module, Sampled
from freejac.symbolic.depth_limits import bernoulli_limit, smooth_limit
from freejac.symbolic.derivative_law import general_law
from freejac.symbolic.ensembles import general
from freejac.symbolic.jacobian import Jacobian
from freejac.symbolic.residual import ResNet
from freejac.symbolic.symbols import depth, mu1, mu2

__all__ = [
    "jacobian_density",
    "jacobian_moments",
    "resnet_density",
    "universality_density",
]

_TOLERANCE = 1e-13

_spread = sp.Symbol("spread", nonnegative=True)
"""μ₂/μ₁² − 1, the relative variance of D²."""


def jacobian_moments() -> Module:
    """Moments of J Jᵀ from the general law: any activation, any ensemble, through s₁."""
    law = Jacobian(general_law(), general())
    by_spread = {mu2: mu1**2 * (1 + _spread), depth: sp.Symbol("depth", positive=True)}
    formulas = (
        Formula("m_1", sp.S.One),
        Formula("m_2", sp.simplify((law.moment(2) / law.mean**2).subs(by_spread))),
        Formula("variance", sp.simplify((law.variance / law.mean**2).subs(by_spread))),
    )
    mu_1 = Argument("mu_1", "E[φ′²]", "1e-6", "1e6")
    mu_2 = Argument("mu_2", "E[φ′⁴], at least mu_1**2", "1e-12", "1e24")
    s_1 = Argument(
        "s_1", "first coefficient of σ_w² S_{WᵀW}: -1 Gaussian, 0 orthogonal", "-1e3", "0.0"
    )
    scale = Argument("sigma_w", "scale of the weights", "1e-6", "1e6")
    layers = Argument("depth", "number of layers, a whole number", "1.0", "1e6")
    return Module(
        name="jacobian_moments",
        title="Moments of the squared singular values of J, L equal layers of any activation.",
        template="jacobian_moments.py.jinja",
        kernels=(
            Sampled("m_1", "m₁ = (σ_w² μ₁)ᴸ", (mu_1, scale, layers), "moment"),
            Sampled(
                "m_2", "m₂, from Lagrange inversion", (mu_1, mu_2, s_1, scale, layers), "moment"
            ),
            Sampled("variance", "m₂ − m₁²", (mu_1, mu_2, s_1, scale, layers), "moment"),
        ),
        tolerance=_TOLERANCE,
        source="Pennington, Schoenholz & Ganguli (2017), arXiv:1711.04735, eqs. (12)-(24). "
        "Measured where m_1 and its square are normal doubles; beyond, they become 0 or inf.",
        formulas=formulas,
    )


def resnet_density() -> Module:
    """Density and edges of J Jᵀ of a residual network."""
    lower, upper = ResNet().edges()
    number = Argument("cumulant", "effective cumulant c", "1e-6", "1e2")
    lam = Argument("lam", "eigenvalue of J Jᵀ", "-math.inf", "math.inf")
    return Module(
        name="resnet_density",
        title="Eigenvalue density of J Jᵀ for a residual network, L → ∞.",
        template="resnet_density.py.jinja",
        kernels=(
            Sampled("density", "ρ(λ) from G = (λG − 1) exp(c(1 − 2λG))", (lam, number), "density"),
            Sampled("lower_edge", "The lower end of the spectrum", (number,), "edge"),
            Sampled("upper_edge", "The upper end of the spectrum", (number,), "edge"),
        ),
        tolerance=_TOLERANCE,
        source="Tarnowski et al. (2019), arXiv:1809.08848, section II.1. With "
        "λG = 1/2 + s + i t the equation is one for log λ, without a critical point above the "
        "real line; where it is real 0 < 2ct < π, and the solution there is the only one. Newton's "
        "method finds it from a start that is right at both ends; ρ = t/(πλ), exactly 0 outside "
        "the support. The error of the density is divided by "
        "1 + |λ ρ′/ρ|, because the square-root edges magnify the rounding of λ itself.",
        formulas=(Formula("lower_edge", lower), Formula("upper_edge", upper)),
    )


def jacobian_density(weights: str) -> Module:
    """Density, edges and atom of J Jᵀ, L equal layers with D² Bernoulli."""
    is_gaussian = weights == "gaussian"
    shown = "Gaussian" if is_gaussian else weights
    lam = Argument("lam", "eigenvalue of J Jᵀ", "-math.inf", "math.inf")
    log_lam = Argument("log_lam", "logarithm of an eigenvalue of J Jᵀ", "-math.inf", "math.inf")
    p = Argument("p", "probability that φ′² is 1 and not 0", "1e-12", "1.0")
    scale = Argument("sigma_w", "scale of the weights", "1e-3", "1e3")
    layers = Argument("depth", "number of layers, a whole number", "1.0", "1e6")
    law = "(m + p)ᴸ (1 + m)/m" if is_gaussian else "(m + p)ᴸ/(m (1 + m)ᴸ⁻¹)"
    kernels = [
        Sampled(
            "density",
            f"ρ(λ) = −Im m/(πλ), λ = σ_w²ᴸ {law}",
            (lam, p, scale, layers),
            "jacobian_density",
        ),
        Sampled("log_density", "Log ρ, of log λ", (log_lam, p, scale, layers), "jacobian_density"),
        Sampled(
            "log_edge",
            "Log λ₊, the upper end of the continuous spectrum",
            (p, scale, layers),
            "jacobian_edge",
        ),
    ]
    if is_gaussian:
        end = "The lower end of the continuous spectrum"
        kernels.append(Sampled("lower_edge", end, (p, scale, layers), "jacobian_edge"))
        change = ""
    else:
        mass = "Mass of the atom at λ = σ_w²ᴸ; the one at 0 has 1 − p"
        kernels.append(Sampled("atom", mass, (p, layers), "jacobian_atom"))
        change = "Here m = p (w′ − 1)/(1 − p w′), w′ being w of L − 1 Gaussian layers with p = 1. "
    return Module(
        name=f"{weights}_jacobian_density",
        title=f"Eigenvalue density of J Jᵀ, {shown} weights, L equal layers, D² Bernoulli(p).",
        subject="Linear p = 1, relu p = 1/2, hard tanh and shifted relu in between; another slope "
        "than 1 is a factor of σ_w.",
        template="jacobian_density.py.jinja",
        kernels=tuple(kernels),
        tolerance=1e-12,
        source="Pennington, Schoenholz & Ganguli (2017), arXiv:1711.04735, sections 2 and 3. "
        "With Gaussian weights and w = m + p, F(w) = L log w + log(w + 1 − p) − log(w − p) is real "
        "on one curve above the real line, which meets each ray 0 < arg w < π/L once, and F′ does "
        "not vanish there: log λ is monotone along it, and the solution in that sector is the "
        "only one. Newton's method finds it from a start that is right at both ends. "
        f"{change}Differences from the edge are formed in twice double precision: the errors "
        "below hold up to 1e-6 of an edge, relatively; nearer, at a distance d, the error is below "
        "1e-16/d. That of a logarithm is absolute, over max(1, |log λ|).",
    )


def universality_density() -> Module:
    """Densities and edges of J Jᵀ in the depth limits at fixed total variance."""
    lam = Argument("lam", "eigenvalue of J Jᵀ", "-math.inf", "math.inf")
    root = Argument("sigma0", "root of the total variance of the eigenvalues", "1e-3", "10.0")
    kernels = []
    for name, limit, equation in (
        ("bernoulli", bernoulli_limit(), "S = exp(−σ₀² z/(1 + z))"),
        ("smooth", smooth_limit(), "S = exp(−σ₀² z)"),
    ):
        lower, upper = limit.edges()
        kernels.append(Sampled(f"{name}_density", f"ρ(λ), {equation}", (lam, root), "limit"))
        ends = (("lower", lower), ("upper", upper)) if lower != 0 else (("upper", upper),)
        kernels += [
            Sampled(f"{name}_{end}_edge", f"The {end} end of the spectrum", (root,), "limit_edge")
            for end, _ in ends
        ]
    log_lam = Argument("log_lam", "logarithm of an eigenvalue of J Jᵀ", "-math.inf", "math.inf")
    equation = "Log ρ of log λ, Bernoulli class"
    kernels.append(Sampled("bernoulli_log_density", equation, (log_lam, root), "limit"))
    atom = "Mass of the atom at λ = exp(σ₀²), Bernoulli class"
    return Module(
        name="universality_density",
        title="Eigenvalue densities of J Jᵀ at infinite depth, critical orthogonal networks.",
        template="universality_density.py.jinja",
        kernels=(*kernels, Sampled("bernoulli_atom", atom, (root,), "limit_atom")),
        tolerance=_TOLERANCE,
        source="Pennington, Schoenholz & Ganguli (2018), arXiv:1802.09979, section 4. Mean 1, "
        "variance σ₀². The Bernoulli class has λ = σ₀² exp(y)/y with 1 + m = 1/(1 − y/σ₀²): where "
        "λ is real y = θ cot θ + i θ, 0 < θ < π, and log λ falls as θ grows; Newton's method finds "
        "y. The smooth class is exp(−c) times the law of a residual network of cumulant "
        "c = σ₀²/2. The error of a density is divided by 1 + |λ ρ′/ρ|, because the edges magnify "
        "the rounding of λ itself.",
    )
