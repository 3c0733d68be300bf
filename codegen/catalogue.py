"""The kernels that freejac offers: two modules per library activation, and two on spectra.

Everything here is derived from an activation or from the engine's general laws; no result is
written down.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import sympy as sp

from freejac.codegen.approximate_dual import refit
from freejac.codegen.contour_kernels import contour_density
from freejac.codegen.duals import dual_module
from freejac.codegen.names import code_name
from freejac.codegen.slopes_kernels import slopes_density
from freejac.codegen.sound import soundly
from freejac.codegen.spec import Argument, Base, Derived, Formula, Mean, Module, Sampled
from freejac.symbolic.activation import Activation, activation
from freejac.symbolic.bivariate import expect2
from freejac.symbolic.depth_limits import bernoulli_limit, smooth_limit
from freejac.symbolic.derivative_law import general_law
from freejac.symbolic.ensembles import general
from freejac.symbolic.errors import NoClosedForm
from freejac.symbolic.expectation import expect
from freejac.symbolic.jacobian import Jacobian
from freejac.symbolic.library import LIBRARY
from freejac.symbolic.piecewise import PiecewiseFunction
from freejac.symbolic.residual import ResNet
from freejac.symbolic.symbols import depth, mu1, mu2, sigma_b, sigma_w

__all__ = [
    "CATALOGUE",
    "DUALS",
    "activation_dual_module",
    "activation_module",
    "moment_module",
    "refit_library",
    "spread",
]

Q = Argument("q", "variance of the pre-activation h", "1e-12", "1e12")
_SIGMA_W = Argument("sigma_w", "scale of the weights", "1e-3", "1e3")
_SIGMA_B = Argument("sigma_b", "standard deviation of the biases", "0.0", "1e3")
_TOLERANCE = 1e-13
_GROWTH = "second_moment_slope"
_MEASURE = (
    " The errors of mean, second_moment_slope and chi_parallel, F(q), are divided by 1 + |q F′/F|: "
    "where F vanishes depends on the parameters."
)

spread = sp.Symbol("spread", nonnegative=True)
"""μ₂/μ₁² − 1, the relative variance of D²."""


def activation_module(phi: Activation, *, name: str = "", text: str = "") -> Module:
    """Kernels of one activation.

    Args:
        phi: the activation; its parameters become arguments of every kernel.
        name: module name.
        text: the definition to show; the SymPy expression when empty.

    Returns:
        E[φ], E[φ²] with the length map and its slope χ_∥, and the moments of φ′², each with its
        closed form if there is one.

    Raises:
        DomainError: φ jumps, so that the moments of φ′ do not exist.
    """
    safe = {p: sp.Symbol(code_name(p.name), **p.assumptions0) for p in phi.parameters}
    function, slope = phi.function.subs(safe), phi.distribution(1).subs(safe)
    parallel = slope**2 + function * phi.distribution(2).subs(safe)
    parameters = tuple(_parameter(safe[p], phi.defaults.get(p)) for p in phi.parameters)
    means = (
        Mean("mean", "E[φ(h)]", "_phi", 1, _closed(function), bool(parameters)),
        Mean("second_moment", "E[φ(h)²]", "_phi", 2, _closed(function**2)),
        Mean(
            _GROWTH,
            "d/dq E[φ(h)²] = E[φ′(h)² + φ(h) φ″(h)]",
            "_parallel",
            1,
            _closed(parallel),
            bool(parameters),
        ),
        Mean("mu_1", "E[φ′(h)²]", "_slope", 2, _closed(slope**2)),
        Mean("mu_2", "E[φ′(h)⁴]", "_slope", 4, _closed(slope**4)),
    )
    length_map = Derived(
        "length_map",
        "σ_w² E[φ(h)²] + σ_b²",
        "second_moment",
        sigma_w**2 * _value("second_moment") + sigma_b**2,
        (_SIGMA_W, _SIGMA_B),
    )
    chi = Derived("chi", "σ_w² E[φ′(h)²]", "mu_1", sigma_w**2 * _value("mu_1"), (_SIGMA_W,))
    chi_parallel = Derived(
        "chi_parallel",
        "σ_w² E[φ′(h)² + φ(h) φ″(h)], the slope of the length map",
        _GROWTH,
        sigma_w**2 * _value(_GROWTH),
        (_SIGMA_W,),
    )
    source = phi.source or "given by the user"
    measure = _MEASURE if parameters else ""
    return Module(
        name=name or "activation",
        title="Gaussian means of an activation and of its slope.",
        subject=f"φ(x) = {text or phi.expr}" + (f" ({name})" if name else ""),
        template="activation.py.jinja",
        kernels=(*means[:2], length_map, means[2], chi_parallel, means[3], chi, means[4]),
        tolerance=_TOLERANCE,
        source=f"φ: {source}. Length map and χ: Poole et al. (2016), arXiv:1606.05340. μ_1 and "
        "μ_2, the moments of D²: Pennington, Schoenholz & Ganguli (2017), arXiv:1711.04735."
        f"{measure}",
        variable=Q,
        parameters=parameters,
        bases=(
            Base("_phi", "Return φ(x); x is not a breakpoint.", function),
            Base("_slope", "Return φ′(x); x is not a breakpoint.", slope),
            Base("_parallel", "Return φ′(x)² + φ(x) φ″(x); x is not a breakpoint.", parallel),
        ),
    )


def moment_module(phi: Activation, k: int) -> Module:
    """The kernel of μ_k = E[φ′(h)^{2k}] alone.

    Args:
        phi: the activation; its parameters become arguments.
        k: at least 1.

    Raises:
        DomainError: φ jumps, so that the moments of φ′ do not exist.
    """
    safe = {p: sp.Symbol(code_name(p.name), **p.assumptions0) for p in phi.parameters}
    slope = phi.distribution(1).subs(safe)
    return Module(
        name=f"mu_{k}",
        title="A moment of the slope of an activation.",
        subject=f"φ(x) = {phi.expr}",
        template="activation.py.jinja",
        kernels=(Mean(f"mu_{k}", f"E[φ′(h)^{2 * k}]", "_slope", 2 * k, _closed(slope ** (2 * k))),),
        tolerance=_TOLERANCE,
        source="Pennington, Schoenholz & Ganguli (2017), arXiv:1711.04735.",
        variable=Q,
        parameters=tuple(_parameter(safe[p], phi.defaults.get(p)) for p in phi.parameters),
        bases=(Base("_slope", "Return φ′(x); x is not a breakpoint.", slope),),
    )


def _value(kernel: str) -> sp.Symbol:
    """The symbol of another kernel's value."""
    return sp.Symbol(kernel, real=True)


def _closed(integrand: PiecewiseFunction) -> sp.Expr | None:
    try:
        return soundly(integrand, expect(integrand)).expr
    except NoClosedForm:
        return None


def _parameter(symbol: sp.Symbol, default: sp.Rational | None) -> Argument:
    shown = "" if default is None else f", {default} by default"
    if symbol.is_positive:
        return Argument(symbol.name, f"parameter{shown}", "1e-2", "1e2")
    return Argument(symbol.name, f"parameter{shown}", "-10.0", "10.0", logarithmic=False)


def activation_dual_module(
    phi: Activation,
    *,
    name: str = "",
    text: str = "",
    progress: Callable[[str], None] = lambda _: None,
) -> Module:
    """Kernels of one activation that take a correlation.

    Args:
        phi: the activation; its parameters become arguments of every kernel.
        name: name of the activation.
        text: the definition to show; the SymPy expression when empty.
        progress: told each step in words.

    Returns:
        E[φ(h₁)φ(h₂)] and E[φ′(h₁)φ′(h₂)].

    Raises:
        NoClosedForm: φ has parameters, and there is no closed form that double precision can
            evaluate.
        DomainError: φ jumps, so that the dual of its slope is infinite at c = 1.
    """
    safe = {p: sp.Symbol(code_name(p.name), **p.assumptions0) for p in phi.parameters}
    parameters = tuple(_parameter(safe[p], phi.defaults.get(p)) for p in phi.parameters)
    return dual_module(phi, Q, parameters, name=name, text=text, progress=progress)


def refit_library(progress: Callable[[str], None] = lambda _: None) -> None:
    """Fit the duals of the library that close nowhere anew, and keep their coefficients."""
    for name in sorted(LIBRARY):
        phi = activation(name)
        try:
            for order in (0, 1):
                expect2(phi.distribution(order), phi.distribution(order))
        except NoClosedForm:
            refit(phi, progress)


def _library_module(name: str) -> Callable[[], Module]:
    return lambda: activation_module(activation(name), name=name, text=LIBRARY[name].text)


def _library_duals(name: str) -> Callable[[], Module]:
    return lambda: activation_dual_module(activation(name), name=name, text=LIBRARY[name].text)


def jacobian_moments() -> Module:
    """Moments of J Jᵀ from the general law: any activation, any ensemble, through s₁."""
    law = Jacobian(general_law(), general())
    by_spread = {mu2: mu1**2 * (1 + spread), depth: sp.Symbol("depth", positive=True)}
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


def _density_module(weights: str) -> Callable[[], Module]:
    return lambda: jacobian_density(weights)


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


_NO_DUAL = frozenset({"mish"})
"""Activations whose duals are integrated on panels, too slowly for solvers."""

_AT_ONCE = _NO_DUAL | {"elu", "selu", "swish", "tanh"}
"""Those whose duals miss the tolerance somewhere on the whole domain, or are slow there: they are
made when asked for, and refused where trials say so."""

DUALS: Mapping[str, Callable[[], Module]] = {
    name: _library_duals(name) for name in sorted(LIBRARY) if name not in _NO_DUAL
}
"""The duals that solvers use, by activation; the solvers are checked by themselves."""

CATALOGUE: Mapping[str, Callable[[], Module]] = {
    **{name: _library_module(name) for name in sorted(LIBRARY)},
    **{f"{name}_dual": make for name, make in DUALS.items() if name not in _AT_ONCE},
    "contour_density": contour_density,
    "gaussian_jacobian_density": _density_module("gaussian"),
    "gaussian_slopes_density": partial(slopes_density, "gaussian"),
    "jacobian_moments": jacobian_moments,
    "orthogonal_jacobian_density": _density_module("orthogonal"),
    "orthogonal_slopes_density": partial(slopes_density, "orthogonal"),
    "resnet_density": resnet_density,
    "universality_density": universality_density,
}
"""Every committed module by name; a call derives it."""
