"""An initialisation: the scales of weights and biases, and what to expect of them."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Initialisation"]


@dataclass(frozen=True)
class Initialisation:
    """Weights and biases to begin with, and what to expect of them.

    Attributes:
        activation: name or text of φ.
        architecture: "feedforward" or "residual".
        weights: "gaussian" or "orthogonal".
        depth: the number of layers L.
        sigma_w: σ_w: W_ij has variance σ_w²/N_in, or σ_w²/(L N_in) in a residual network;
            orthogonal weights are σ_w, or σ_w/√L, times a Haar matrix.
        sigma_b: σ_b, the standard deviation of the biases.
        q: the variance of the pre-activations: q* at every layer, or, of a residual network, that
            of the first; 0 for the limit q → 0.
        chi: χ at q*, 1 in a feed-forward network; nan in a residual one.
        chi_parallel: χ_∥ at q*; nan in a residual network.
        cumulant: the effective cumulant of a residual network; nan in a feed-forward one.
        moment_1: m_1 of JJᵀ.
        moment_2: m_2 of JJᵀ.
        variance: m_2 − m_1².
        edges: the lowest and the largest eigenvalue of JJᵀ, atoms included; nan where they are not
            resolved.
        atoms: (place, mass) of each atom of JJᵀ.
        condition_number: largest over smallest singular value of J.
        reason: how the point was chosen.
    """

    activation: str
    architecture: str
    weights: str
    depth: int
    sigma_w: float
    sigma_b: float
    q: float
    chi: float
    chi_parallel: float
    cumulant: float
    moment_1: float
    moment_2: float
    variance: float
    edges: tuple[float, float]
    atoms: tuple[tuple[float, float], ...]
    condition_number: float
    reason: str

    @property
    def length_growth(self) -> float:
        """χ_∥ᴸ: what becomes of a small deviation of q from q* at the last layer."""
        return self.chi_parallel**self.depth
