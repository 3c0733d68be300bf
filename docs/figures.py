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


def universality_classes() -> None:
    """Deep orthogonal networks whose JJᵀ has total variance 1/4: two limits, whatever the φ."""
    figure = Figure(figsize=(9.0, 3.4), layout="constrained")
    panels = figure.subplots(1, 2)
    classes = (
        ("smooth class", ("tanh", "erf", "sin"), (0.1, 10.0), 1.0),
        ("Bernoulli class", ("hard_tanh", "clip(x, -1, 2)"), (0.02, 2.0), 0.3),
    )
    for panel, (title, names, span, top) in zip(panels, classes, strict=True):
        for seed, name in enumerate(names):
            theory = of_total_variance(name, depth=64, variance=0.25)
            eigenvalues = theory.sample(width=300, draws=3, seed=seed).eigenvalues
            bins = np.geomspace(*span, 51)
            counts, _ = np.histogram(eigenvalues, bins)
            heights = counts / eigenvalues.size / np.diff(np.log(bins))
            panel.stairs(heights, bins, color=f"C{seed}", label=f"{name}, L = 64")
        limit = fj.Jacobian(names[0], "orthogonal").depth_limit(fj.parse("1/2"))
        low, high = (float(edge) for edge in limit.edges())
        lam = np.geomspace(max(low, span[0]) * 1.0001, high * 0.9999, 200)
        heights = lam * np.array([float(v) for v in limit.density(lam.tolist())])
        panel.plot(lam, heights, color="black", linewidth=1.2, label="limit")
        for place, mass in limit.atoms():
            panel.axvline(float(place), color="black", linestyle=":", label=f"atom, mass {mass}")
        panel.set(title=title, xlabel="eigenvalue λ of JJᵀ", xscale="log", ylabel="λρ(λ)")
        panel.set(xlim=span, ylim=(0, top))
        panel.legend(frameon=False, loc="upper left")
    save(figure, FOLDER / "universality_classes.png")


def of_total_variance(name: str, depth: int, variance: float) -> NetworkTheory:
    """The critical network with L(μ_2/μ_1² − 1) = variance."""
    field = fj.MeanField(name)
    low, high = 1e-4, 1.0
    for _ in range(30):
        middle = (low * high) ** 0.5
        first, second = (float(field.mu(k).subs(fj.q, middle)) for k in (1, 2))
        large = depth * (second / first**2 - 1) > variance
        low, high = (low, middle) if large else (middle, high)
    return critical(name, "orthogonal", depth, high)


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
