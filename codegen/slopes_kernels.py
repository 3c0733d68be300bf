"""The kernels of the density of J Jᵀ for a D² of any number of values: what they are.

`freejac.codegen.slopes_oracle` has their references.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from freejac.codegen.slopes_oracle import DIGITS
from freejac.codegen.spec import Argument, Module, Sampled

__all__ = ["slopes_density"]

_VALUES = Argument(
    "values", "positive values of φ′², an array, each", "1e-12", "1e12", several=True
)
_MASSES = Argument(
    "masses", "their probabilities, an array; what they lack of 1 is at 0, each", "0.0", "1.0",
    several=True,
)  # fmt: skip
_SCALE = Argument("sigma_w", "scale of the weights", "1e-3", "1e3")
_DEPTH = Argument("depth", "number of layers, a whole number", "1.0", "1e4")


def slopes_density(weights: str) -> Module:
    """Density of J Jᵀ, L equal layers, φ′² with any number of values."""
    lam = Argument("lam", "eigenvalues of J Jᵀ, an array of any shape", "-math.inf", "math.inf")
    log_lam = Argument("log_lam", "log λ, an array of any shape", "-math.inf", "math.inf")
    is_gaussian = weights == "gaussian"
    shown = "Gaussian" if is_gaussian else weights
    law = "ζᴸ Mᴸ⁻¹ (1 + M)" if is_gaussian else "ζᴸ (M/(1 + M))ᴸ⁻¹"
    rest = (_VALUES, _MASSES, _SCALE, _DEPTH)
    equation = f"ρ(λ) = −Im M/(πλ), λ = σ_w²ᴸ {law}"
    kernels = (
        Sampled("density", equation, (lam, *rest), "jacobian_density"),
        Sampled("log_density", "Log ρ, of log λ", (log_lam, *rest), "jacobian_density"),
    )
    return Module(
        name=f"{weights}_slopes_density",
        title=f"Eigenvalue density of J Jᵀ, {shown} weights, L layers, φ′² of several values.",
        subject="φ′² has the given values a with the probabilities w, and is 0 otherwise: leaky "
        "relu has 1 and its slope squared, each with 1/2. M(ζ) = Σ w a/(ζ − a).",
        template="slopes_density.py.jinja",
        kernels=kernels,
        tolerance=1e-10,
        source="Pennington, Schoenholz & Ganguli (2017), arXiv:1711.04735, eqs. (12)-(14), with "
        "the subordination variable ζ of D² (Belinschi & Bercovici, Math. Z. 248 (2004) 665). "
        "On the ray arg ζ = θ of a circle |ζ| = r, θ − Im log λ is a positive harmonic function of "
        "log ζ that vanishes at θ = π: divided by θ it falls, so that λ is real at one θ at most, "
        "and there it grows with r. Above the real line log λ = t has one solution, arguments "
        "without a multiple of 2π: a solution that is found is the density. On the real line "
        "the same function divided by θ is convex in log r where it is finite, which gives the "
        "ends of every interval of the spectrum; outside the density is 0. Newton's method goes "
        "from point to point; where it leaves the upper half-plane the two monotone functions are "
        "bisected. The errors hold up to 1e-6 of an edge, relatively; nearer, at a distance d, "
        "the error is below 1e-16 L/d.",
        context=_context,
    )


def _context(module: Module, _record: Any) -> Mapping[str, Any]:
    """What the template needs besides the kernels: the domain in code."""
    checks = (f"{a.low} <= {a.name} <= {a.high}" for a in (_SCALE, _DEPTH))
    return {
        "digits": DIGITS,
        "inside": " and ".join(checks),
        "smallest": _VALUES.low,
        "largest": _VALUES.high,
        "is_gaussian": module.name.startswith("gaussian"),
    }
