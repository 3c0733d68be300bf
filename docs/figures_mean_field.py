"""Pictures of lengths and slopes: what a signal does before any Jacobian is looked at."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import freejac as fj
from freejac.network_theory import residual_theory
from freejac.numeric import numpy_function
from freejac.phase_plot import draw
from freejac.phase_report import phase_diagram
from freejac.plot import save
from freejac.simulate import feed_forward

FOLDER = Path(__file__).parent / "figures"


def order_chaos() -> None:
    """The plane of tanh: χ, q*, and the line χ = 1."""
    axes = tuple(np.linspace(0.5, 3, 81)), tuple(np.linspace(0, 0.5, 41))
    draw(phase_diagram("tanh", *axes), FOLDER / "order_chaos.png")


def hard_tanh_plane() -> None:
    """q*, p and χ of hard tanh over the plane, with the exact line χ = 1."""
    axes = tuple(np.linspace(0.6, 3, 61)), tuple(np.linspace(0, 1, 41))
    diagram = phase_diagram("hard_tanh", *axes)
    figure = Figure(figsize=(9.0, 3.0), layout="constrained")
    panels = figure.subplots(1, 3, sharey=True)
    for panel, name, title in zip(panels, ("q", "p", "chi"), ("q*", "p(q*)", "χ"), strict=True):
        mesh = panel.pcolormesh(
            *axes, np.ma.masked_invalid(diagram.values[name].T), shading="nearest", rasterized=True
        )
        panel.plot(diagram.line.sigma_w, diagram.line.sigma_b, color="white")
        panel.set(xlim=(0.6, 3), ylim=(0, 1), xlabel="σ_w", title=title)
        figure.colorbar(mesh, ax=panel)
    panels[0].set_ylabel("σ_b")
    save(figure, FOLDER / "hard_tanh_plane.png")


def length_maps() -> None:
    """V(q) of tanh in three regimes (lines), and one layer of width 1000 (points)."""
    phi = fj.activation("tanh")
    kernels = fj.kernels("tanh")
    figure = Figure(figsize=(6.0, 4.0), layout="constrained")
    axes = figure.add_subplot()
    q = np.linspace(1e-4, 2.0, 200)
    for colour, (w, b) in zip(
        ("C0", "C1", "C2"), ((0.8, 0.0), (1.5, 0.0), (1.5, 0.5)), strict=True
    ):
        axes.plot(q, kernels.length_map(q, w, b), color=colour, label=f"σ_w = {w}, σ_b = {b}")
        for q1 in np.linspace(max(0.2, b * b), 2.0, 7):
            net = feed_forward(
                numpy_function(phi),
                numpy_function(phi, 1),
                width=1000,
                depth=2,
                sigma_w=w,
                sigma_b=b,
                q1=float(q1),
                draws=1,
                seed=int(1000 * q1),
            )
            axes.plot(*net.q[0], ".", color=colour)
    axes.plot(q, q, "k:", linewidth=1)
    axes.set(xlabel="q of a layer", ylabel="q of the next", xlim=(0, 2), ylim=(0, 2))
    axes.set_title("Length maps of tanh: theory (lines), width 1000 (points)")
    axes.legend(frameon=False)
    save(figure, FOLDER / "length_maps.png")


def critical_curves() -> None:
    """Where χ = 1, for several activations, with q* as the parameter along the curve."""
    figure = Figure(figsize=(6.0, 4.0), layout="constrained")
    axes = figure.add_subplot()
    q = np.geomspace(1e-3, 1e2, 300)
    for name in ("tanh", "erf", "hard_tanh", "sin", "gelu", "swish", "softplus", "smoothed_relu"):
        kernels = fj.kernels(name)
        weight = 1 / kernels.mu(q, 1)
        bias = q - weight * kernels.second_moment(q)
        shown = np.where(bias >= 0, bias, np.nan)
        axes.plot(np.sqrt(weight), np.sqrt(shown), label=name)
    axes.set(xlim=(0.9, 3), ylim=(0, 2.5), xlabel="σ_w", ylabel="σ_b")
    axes.set_title("Critical curves χ = 1")
    axes.legend(frameon=False)
    save(figure, FOLDER / "critical_curves.png")


def slopes() -> None:
    """The law of φ′(h) at several variances: theory (lines), 10⁵ values (bars)."""
    figure = Figure(figsize=(9.0, 2.8), layout="constrained")
    panels = figure.subplots(1, 3)
    random = np.random.default_rng(0)
    for panel, name in zip(panels, ("tanh", "erf", "softplus"), strict=True):
        phi = fj.activation(name)
        network = fj.Jacobian(phi, "orthogonal", depth=1)
        slope = numpy_function(phi, 1)
        top = float(slope(np.array([0.0]))[0]) if name != "softplus" else 1.0
        ends = np.linspace(0, top, 61)
        inner = (ends[1:] + ends[:-1]) / 2
        for colour, variance in zip(("C0", "C1", "C2"), (0.25, 1.0, 4.0), strict=True):
            values = slope(np.sqrt(variance) * random.standard_normal(10**5))
            panel.stairs(
                np.histogram(values, ends, density=True)[0],
                ends,
                fill=True,
                color=colour,
                alpha=0.3,
            )
            # φ′ ≥ 0 in all three: its density is 2φ′ times that of φ′²
            density = 2 * inner * network.density(inner**2, q=variance, sigma_w=1, digits=9)
            panel.plot(inner, density, color=colour, label=f"q = {variance:g}")
        panel.set(xlabel="φ′(h)", title=name, ylim=(0, 6 / top), xlim=(0, top))
    panels[0].legend(frameon=False)
    save(figure, FOLDER / "slopes.png")


def residual_signal() -> None:
    """q, ⟨x²⟩ and c_l through residual networks: recurrences (lines), width 400 (points)."""
    figure = Figure(figsize=(9.0, 3.0), layout="constrained")
    panels = figure.subplots(1, 3)
    depth, shown = 40, slice(0, 40, 4)
    for colour, name in zip(
        ("C0", "C1", "C2", "C3"), ("tanh", "hard_tanh", "relu", "sigmoid"), strict=True
    ):
        theory = residual_theory(name, depth=depth, sigma_w=1, sigma_b=1, q=1.5)
        signal = theory.residual_network.propagate(depth, 1, 1, 1.5)
        sample = theory.sample(width=400, seed=3)
        layers = np.arange(1, depth + 1)
        rows = (
            (signal.q, sample.q[0]),
            (signal.second_moment, sample.second_moment[0]),
            (signal.cumulants, sample.chi[0]),
        )
        for panel, (line, points) in zip(panels, rows, strict=True):
            panel.plot(layers, line, color=colour, label=name)
            panel.plot(layers[shown], points[shown], ".", color=colour)
    for panel, title in zip(panels, ("q", "⟨x²⟩", "c_l"), strict=True):
        panel.set(title=title, xlabel="layer")
    panels[0].legend(frameon=False)
    save(figure, FOLDER / "residual_signal.png")
