"""The kernels of the density of J Jᵀ whose law of φ′² is a rule on a contour: what they are.

`freejac.codegen.contour_nodes` makes the rules, `freejac.codegen.contour_oracle` the references.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from freejac.codegen.contour_anchors import ANCHOR
from freejac.codegen.contour_oracle import DIGITS, PHIS
from freejac.codegen.spec import Argument, Module, Sampled

__all__ = ["contour_density"]

_FLAT = Argument("flat", "mass of φ′² at 0", "0.0", "1.0")
_VALUES = Argument(
    "values",
    "values of φ′² along a contour, a complex array, in modulus each",
    "1e-300",
    "1e300",
    several=True,
)
_MASSES = Argument(
    "masses", "their weights, a complex array, in modulus each", "0.0", "1e3", several=True
)
_SCALE = Argument("sigma_w", "scale of the weights", "1e-3", "1e3")
_DEPTH = Argument("depth", "number of layers, a whole number", "1.0", "1e4")
_ANCHORS = Argument(
    "anchors",
    f"complex rows for places next to edges, as contour_anchors gives them, or none: {ANCHOR}",
    "-math.inf",
    "math.inf",
    several=True,
)


def contour_density() -> Module:
    """Density of J Jᵀ, L equal layers of any φ, continued in double precision."""
    lam = Argument("lam", "eigenvalues of J Jᵀ, an array of any shape", "-math.inf", "math.inf")
    arguments = (lam, _FLAT, _VALUES, _MASSES, _SCALE, _DEPTH, _ANCHORS)
    kernels = tuple(
        Sampled(
            f"{weights}_density",
            f"ρ(λ) = −Im M/(πλ), λ = σ_w²ᴸ {law}; nan where that is lost",
            arguments,
            "jacobian_density",
        )
        for weights, law in (("gaussian", "ζᴸ Mᴸ⁻¹ (1 + M)"), ("orthogonal", "ζᴸ (M/(1 + M))ᴸ⁻¹"))
    )
    return Module(
        name="contour_density",
        title="Eigenvalue density of J Jᵀ, L equal layers, φ′² as a rule on a contour.",
        subject="M(ζ) = Σ w a/(ζ − a) over complex values a with Im a ≤ 0: a Gaussian mean over "
        "the real line that was moved to where no pole is passed.",
        template="contour_density.py.jinja",
        kernels=kernels,
        tolerance=1e-10,
        source="Pennington, Schoenholz & Ganguli (2017), arXiv:1711.04735, eqs. (12)-(14), with "
        "the subordination variable ζ of D². ζ is followed from large |λ| along the imaginary "
        "axis and down to the first λ, then from each λ to the next, by tangents and Newton's "
        "method with an adaptive step. What rounding does to a value is bounded with it. In log λ "
        "it is some 1e-15 L, which an edge at a relative distance d amplifies by 1/d; from an "
        "anchor next to the edge log λ is measured without that loss. A value is nan where the "
        "bound exceeds 1e-10, or where Im M is lost beside M: outside the spectrum, and in tails. "
        "There solve_real and solve_beside take it from the density of φ′² itself. The errors "
        f"below are those of rules for {', '.join(PHIS[:-1])} and {PHIS[-1]}, depths 1 (orthogonal "
        "2) to 1000, q from 1e-3 to 100, against the continuation in mpmath, whose means are "
        "integrated by panels; from 1e-9 beside an end to λ = 1e-280 of deep Gaussian ones.",
        context=_context,
    )


def _context(_module: Module, _record: Any) -> Mapping[str, Any]:
    """The domain in code."""
    inside = " and ".join(f"{a.low} <= {a.name} <= {a.high}" for a in (_SCALE, _DEPTH))
    return {"inside": inside, "digits": DIGITS}
