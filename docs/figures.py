"""Draws the pictures of docs/figures: `make docs-figures`."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import freejac as fj
from freejac.numeric import numpy_function
from freejac.plot import Curve, save, spectra
from freejac.simulate import residual

FOLDER = Path(__file__).parent / "figures"
WIDTH, DEPTH, DRAWS = 600, 50, 10


def residual_curve(name: str, sigma_w: float, q1: float) -> Curve:
    """Predict the spectrum of residual networks of an activation, and simulate them."""
    network = fj.ResNet(name)
    signal = network.propagate(DEPTH, sigma_w, sigma_b=0, q1=q1)
    effective = signal.effective_cumulant
    lower, upper = (float(edge.subs(fj.cumulant, effective)) for edge in network.edges())
    lam = np.concatenate([[0.0], np.linspace(lower, upper, 240), [1.05 * upper]])
    phi = fj.activation(name)
    sample = residual(
        numpy_function(phi),
        numpy_function(phi, 1),
        width=WIDTH,
        depth=DEPTH,
        sigma_w=sigma_w,
        q1=q1,
        seed=7,
        draws=DRAWS,
    )
    return Curve(
        label=f"{name}, cumulant {effective:.2f}",
        lam=lam,
        density=np.array(network.density(lam, cumulant=effective)),
        eigenvalues=sample.eigenvalues,
    )


def residual_spectra() -> None:
    """Two activations, two cumulants, one family of curves."""
    curves = [residual_curve("gelu", 0.6, 0.5), residual_curve("tanh", 0.8, 0.2)]
    title = f"Jacobian of {DEPTH} residual layers: theory (lines), width {WIDTH} (bars)"
    save(spectra(curves, title=title, bins=140), FOLDER / "residual.png")


if __name__ == "__main__":
    residual_spectra()
