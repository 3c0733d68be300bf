"""The kernels of the density of J Jᵀ for residual networks of finite depth: what they are.

`freejac.codegen.residual_oracle` has their references.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from freejac.codegen.residual_oracle import DIGITS
from freejac.codegen.spec import Argument, Module, Sampled

__all__ = ["residual_blocks_density"]

_VALUES = Argument(
    "values",
    "values of φ′², an array with a row for every kind of block, each",
    "0.0",
    "1e12",
    several=True,
)
_MASSES = Argument(
    "masses", "their probabilities, of the same shape, each", "0.0", "1.0", several=True
)
_LAYERS = Argument(
    "layers",
    "how many blocks there are of each kind, not whole where few stand for many, each",
    "1e-6",
    "1e6",
    several=True,
)
_VARIANCE = Argument(
    "variance", "s = σ_w²/(a² L): mean squared singular value of X/a where φ′² = 1", "1e-9", "1e6"
)


def residual_blocks_density() -> Module:
    """Density of J Jᵀ, J a product of blocks 1 + D W, each D² a set of values."""
    lam = Argument("lam", "eigenvalues of J Jᵀ, an array of any shape", "-math.inf", "math.inf")
    arguments = (lam, _VALUES, _MASSES, _LAYERS, _VARIANCE)
    kernels = tuple(
        Sampled(
            f"{weights}_density",
            f"ρ(λ) = −Im m/(πλ), λ = (1 + m)/m Π m(1 + m)/w, w = {point}",
            arguments,
            "jacobian_density",
        )
        for weights, point in (("gaussian", "(1 + y)κ/s"), ("orthogonal", "(1 + y)²κ/s"))
    )
    return Module(
        name="residual_blocks_density",
        title="Eigenvalue density of J Jᵀ of a residual network of finite depth.",
        subject="J is a product of blocks 1 + D W; φ′² of a kind of block has the given values v "
        "with the probabilities p, and is 0 otherwise: its law, or a Gauss rule of it. Each kind "
        "has y = Σ p v κ/(1 − v κ), and (m − y)(1 + m − y) = w. With a skip weight a divide λ by "
        "a²ᴸ.",
        template="residual_blocks_density.py.jinja",
        kernels=kernels,
        tolerance=1e-10,
        source="Tarnowski et al. (2019), arXiv:1809.08848, section II.1, before 1/L is made small; "
        "S of a product is the product of the S (Voiculescu, 1987). m and all κ are solved for "
        "together by Newton's method: followed from large |λ| along the imaginary axis and down "
        "to the real line, then from each λ to the next. Outside the spectrum m is real and the "
        "density 0. The errors hold up to 1e-5 of an edge, relatively; nearer, at a distance d, "
        "the error is below 1e-15/d, and a value whose error exceeds 1e-8 is nan.",
        context=_context,
    )


def _context(_module: Module, _record: Any) -> Mapping[str, Any]:
    """The domain in code."""
    checks = [f"{_VARIANCE.low} <= variance <= {_VARIANCE.high}"]
    checks += [
        f"np.all(({a.name} >= {a.low}) & ({a.name} <= {a.high}))"
        for a in (_VALUES, _MASSES, _LAYERS)
    ]
    return {"inside": "\n        and ".join(checks), "digits": DIGITS}
