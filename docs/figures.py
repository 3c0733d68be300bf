"""Draws the pictures of docs/figures: `make docs-figures`; some alone by their names.

>>> sorted(FIGURES)[:3]
['critical_curves', 'hard_tanh_plane', 'length_maps']
"""

from __future__ import annotations

import sys

import numpy as np
from figures_mean_field import (
    FOLDER,
    critical_curves,
    hard_tanh_plane,
    length_maps,
    order_chaos,
    residual_signal,
    slopes,
)
from matplotlib.figure import Figure

import freejac as fj
from freejac.network_theory import NetworkTheory, feed_forward_theory, residual_theory
from freejac.plot import Curve, save, spectra
from freejac.spectra_report import grid


def curve(theory: NetworkTheory, label: str, *, points: int, log: bool, **drawn: int) -> Curve:
    """A law, and a simulation of it unless nothing is said of its width."""
    lam = grid(theory.law(), points, log=log)
    eigenvalues = theory.sample(**drawn).eigenvalues if drawn else None
    return Curve(label, lam, theory.density(lam), eigenvalues)


def critical(name: str, weights: str, depth: int, variance: float) -> NetworkTheory:
    """A network on the critical line at a given q*."""
    sides = fj.MeanField(name).critical_line()
    w2, b2 = (float(side.subs(fj.q, variance).evalf()) for side in sides)
    return feed_forward_theory(
        name, depth=depth, sigma_w=w2**0.5, sigma_b=max(b2, 0.0) ** 0.5, weights=weights, q=variance
    )


def jacobian_spectra() -> None:
    """Critical tanh and hard tanh networks, both ensembles, over log λ."""
    drawn = {"width": 300, "draws": 4, "seed": 1}
    curves = [
        curve(critical(name, weights, 4, 0.2), f"{name}, {weights}", points=80, log=True, **drawn)
        for name, weights in (
            ("tanh", "gaussian"),
            ("tanh", "orthogonal"),
            ("hard_tanh", "gaussian"),
            ("hard_tanh", "orthogonal"),
        )
    ]
    title = "JJᵀ of 4 critical layers: theory (lines), width 300 (bars)"
    save(spectra(curves, title=title, log=True), FOLDER / "jacobian.png")


def universality_classes() -> None:
    """Orthogonal networks at variance 1/4 on the way to the two limits of large depth."""
    figure = Figure(figsize=(9.0, 3.4), layout="constrained")
    panels = figure.subplots(1, 2)
    for panel, name in zip(panels, ("hard_tanh", "erf"), strict=True):
        limit = fj.Jacobian(name, "orthogonal").depth_limit(sigma0=0.5)
        ends = [float(edge) for edge in limit.edges()]
        for colour, depth in zip(("C3", "C1", "C2", "C4"), (2, 8, 32, 128), strict=True):
            theory = critical(name, "orthogonal", depth, variance_at(name, depth))
            line = curve(theory, f"L = {depth}", points=100, log=False)
            panel.plot(line.lam, line.density, color=colour, label=line.label)
            if depth == 8:
                bars = theory.sample(width=300, draws=3, seed=2).eigenvalues
                span = (float(line.lam[0]), float(line.lam[-1]))
                counts, edges = np.histogram(bars, 60, span)
                heights = counts / bars.size / np.diff(edges)
                panel.stairs(heights, edges, fill=True, color=colour, alpha=0.25)
        inside = np.linspace(*ends, 202)[1:-1]
        panel.plot(inside, limit.density(inside.tolist()), "k--", label="limit")
        panel.set(title=name, xlabel="λ", xlim=(0, 2.6), ylim=(0, 3))
    panels[0].legend(frameon=False)
    save(figure, FOLDER / "universality.png")


def variance_at(name: str, depth: int) -> float:
    """The q at which L(μ₂/μ₁² − 1) = 1/4, by bisection of the kernels."""
    kernels = fj.kernels(name)
    low, high = 1e-8, 1e2
    for _ in range(80):
        middle = (low * high) ** 0.5
        spread = depth * (float(kernels.mu(middle, 2)) / float(kernels.mu(middle, 1)) ** 2 - 1)
        low, high = (middle, high) if spread < 0.25 else (low, middle)
    return low


def residual_spectra() -> None:
    """Two activations, two cumulants, one family of curves."""
    curves = []
    for name, sigma_w, q in (("gelu", 0.6, 0.5), ("tanh", 0.8, 0.2)):
        theory = residual_theory(name, depth=50, sigma_w=sigma_w, q=q)
        label = f"{name}, cumulant {theory.cumulant:.2f}"
        curves.append(curve(theory, label, points=240, log=False, width=600, draws=10, seed=7))
    title = "Jacobian of 50 residual layers: theory (lines), width 600 (bars)"
    save(spectra(curves, title=title, bins=140), FOLDER / "residual.png")


def residual_depths() -> None:
    """Tanh of several depths against the limit, and ReLU of several cumulants."""
    figure = Figure(figsize=(9.0, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    for colour, depth in zip(("C0", "C1", "C2"), (2, 5, 20), strict=True):
        theory = residual_theory("tanh", depth=depth, sigma_w=1, q=0.5)
        bars(left, theory, f"L = {depth}", colour)
    for colour, scale in zip(("C0", "C1", "C2"), ("1/2", "1", "7/5"), strict=True):
        theory = residual_theory("relu", depth=20, sigma_w=fj.parse(scale), q=1)
        bars(right, theory, f"c = {theory.cumulant:.3g}", colour)
    left.set(title="tanh: the limit (lines), width 300 (bars)", xlabel="λ", xlim=(0, 6))
    right.set(title="relu, L = 20", xlabel="λ", xlim=(0, 6), ylim=(0, 2))
    for panel in (left, right):
        panel.legend(frameon=False)
    save(figure, FOLDER / "residual_depths.png")


def bars(axes: object, theory: NetworkTheory, label: str, colour: str) -> None:
    """A law as a line and a simulation as outlined bars."""
    line = curve(theory, label, points=120, log=False, width=300, draws=4, seed=5)
    assert line.eigenvalues is not None
    counts, edges = np.histogram(line.eigenvalues, 80, (0, 6))
    heights = counts / line.eigenvalues.size / np.diff(edges)
    axes.stairs(heights, edges, fill=True, color=colour, alpha=0.25)  # type: ignore[attr-defined]
    axes.plot(line.lam, line.density, color=colour, label=label)  # type: ignore[attr-defined]


FIGURES = {
    draw.__name__: draw
    for draw in (
        critical_curves,
        hard_tanh_plane,
        jacobian_spectra,
        length_maps,
        order_chaos,
        residual_depths,
        residual_signal,
        residual_spectra,
        slopes,
        universality_classes,
    )
}

if __name__ == "__main__":
    for name in sys.argv[1:] or FIGURES:
        FIGURES[name]()
