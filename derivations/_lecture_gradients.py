"""The lecture's first slides: the Jacobian, back-propagation, and the transforms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy as sp

from freejac.derivations._checks import (
    every,
    geometric,
    matrices_agree,
    measured_moments,
    patiently,
    positive_from_end,
    s_multiplies,
)
from freejac.symbolic import ensembles
from freejac.symbolic.check import check
from freejac.symbolic.check_functions import check_law
from freejac.symbolic.claims import Claim, Skipped
from freejac.symbolic.derivative_law import general_law
from freejac.symbolic.ensembles import general
from freejac.symbolic.expectation import Expectation
from freejac.symbolic.jacobian import Jacobian
from freejac.symbolic.mean_field import MeanField
from freejac.symbolic.symbols import depth, lam, mu1, q, sigma_w, x, z
from freejac.symbolic.verdict import Verdict

__all__ = ["CLAIMS", "SKIPPED"]

L = depth
a, t, y = sp.symbols("a t y", real=True)
eps, step, w = sp.symbols("epsilon delta w", positive=True)
w0, w1, w2, b0, b1 = sp.symbols("w_0 w_1 w_2 b_0 b_1", real=True)
g0 = sp.Symbol("h_0", real=True)


def phi(u: sp.Expr) -> sp.Expr:
    """A polynomial activation, so that every step is exact: φ(u) = u + a u²."""
    return u + a * u**2


def slope(u: sp.Expr) -> sp.Expr:
    """φ′."""
    return 1 + 2 * a * u


def _network_jacobian(printed: bool) -> tuple[sp.Expr, sp.Expr]:
    """One unit, L = 1, without biases: the derivative that the slide names, and D¹W¹."""
    if printed:  # h¹ = W¹z¹, z¹ = φ(h⁰), h⁰ = W⁰z⁰, z⁰ = x⁰
        last = w1 * phi(w0 * x)
        return sp.diff(last, x), slope(last) * w1
    return sp.diff(phi(w1 * x), x), slope(w1 * x) * w1


def _loss(output: sp.Expr) -> sp.Expr:
    return (output - y) ** 2 / 2


def _delta_of_pre_activation() -> tuple[sp.Expr, sp.Expr]:
    """δ_0 and δ_1 of a network of one unit whose loss is taken of h¹ = w_1 φ(h_0) + b_1."""
    last = w1 * phi(g0) + b1
    return sp.diff(_loss(last), g0), (last - y)


def _layer_step(weight: sp.Symbol) -> tuple[sp.Expr, sp.Expr]:
    first, second = _delta_of_pre_activation()
    return first, slope(g0) * weight * second


def _layer_step_of_two_units() -> Verdict:
    """The mended step with matrices: δ_ℓ = D^ℓ (W^{ℓ+1})ᵀ δ_{ℓ+1}."""
    pre = sp.Matrix(sp.symbols("h_1 h_2", real=True))
    weights = sp.Matrix(2, 2, sp.symbols("w_11 w_12 w_21 w_22", real=True))
    target = sp.Matrix(sp.symbols("y_1 y_2", real=True))
    following = weights * pre.applyfunc(phi)
    loss = sum((u - v) ** 2 for u, v in zip(following, target, strict=True)) / 2
    first = sp.Matrix([sp.diff(loss, u) for u in pre])
    second = following - target
    slopes = sp.diag(*(slope(u) for u in pre))
    return matrices_agree("δ_ℓ", first, slopes * weights.T * second)


def _start(printed: bool) -> tuple[sp.Expr, sp.Expr]:
    """δ_L, the derivative of the loss by h_L; the loss is taken of φ(h_L)."""
    by_pre = sp.diff(_loss(phi(g0)), g0)
    by_output = phi(g0) - y
    return by_pre, slope(g0) * (by_pre if printed else by_output)


def _unrolled(weights: tuple[sp.Symbol, sp.Symbol]) -> tuple[sp.Expr, sp.Expr]:
    """δ_0 of three layers, h¹ = w_1 φ(h⁰), h² = w_2 φ(h¹), loss of φ(h²)."""
    one = w1 * phi(g0)
    two = w2 * phi(one)
    start = slope(two) * (phi(two) - y)
    first = sp.diff(_loss(phi(two)), g0)
    return first, slope(g0) * weights[0] * slope(one) * weights[1] * start


def _gradient(by: sp.Symbol, factor: Callable[[sp.Expr, sp.Expr], sp.Expr]) -> Verdict:
    """Two layers, h⁰ = w_0 x + b_0, h¹ = w_1 φ(h⁰) + b_1, loss of h¹: ∂/∂w_0 or ∂/∂b_0."""
    zero = w0 * x + b0
    one = w1 * phi(zero) + b1
    second = one - y
    first = slope(zero) * w1 * second
    return check(sp.diff(_loss(one), by), factor(first, second))


def _stability() -> Verdict:
    """0 < H(x+δ) − H(x) < wδ: both differences rise from 0 at δ = 0."""
    moved = sp.tanh(w * (x + step)) - sp.tanh(w * x)
    slope_there = sp.tanh(w * (x + step))
    return every(
        "a step is at most stretched by w",
        positive_from_end(moved, w * (1 - slope_there**2), step, sp.S.Zero),
        check(sp.diff(w * step - moved, step), w * slope_there**2),
        check(w * slope_there**2, 0, relation=">="),
        check((w * step - moved).subs(step, 0), 0),
    )


def _inversion() -> Verdict:
    """For an atom at 0: what the right side is before the limit is a density that narrows to it."""
    before = -sp.im(1 / (lam + sp.I * eps)) / sp.pi
    kernel = eps / (sp.pi * (lam**2 + eps**2))
    return every(
        "the inversion formula for an atom",
        check(before, kernel),
        check(sp.diff(sp.atan(lam / eps) / sp.pi, lam), kernel),
        patiently(sp.Limit(sp.atan(lam / eps) / sp.pi, lam, sp.oo), sp.S.Half),
        patiently(sp.Limit(sp.atan(lam / eps) / sp.pi, lam, -sp.oo), -sp.S.Half),
        patiently(sp.Limit(kernel, eps, 0), 0, sp.Ne(lam, 0)),
    )


def _generating() -> Verdict:
    """For one atom, every k; a law is a mean of atoms, and both sides are linear in it."""
    stieltjes = 1 / (z - t)
    mgf = t / (z - t)
    return every("M", check(z * stieltjes - 1, mgf), geometric(mgf, t, t))


def _first_coefficients() -> Verdict:
    """S = σ_w⁻²(1 + s_1 z) by the first two moments of WᵀW, which are known without S."""
    return every(
        "s_1",
        check_law(s=(1 - z) / sigma_w**2, moments=[sigma_w**2, 2 * sigma_w**4]),
        check_law(s=1 / sigma_w**2, moments=[sigma_w**2, sigma_w**4]),
    )


def _all_coefficients() -> Verdict:
    """With 1 + Σ s_k zᵏ = f: f = 1 − z f makes s_k = (−1)ᵏ, and f = 1 makes s_k = 0."""
    gaussian = sigma_w**2 * ensembles.gaussian().s_transform
    orthogonal = sigma_w**2 * ensembles.orthogonal().s_transform
    return every("σ_w² S_WᵀW", check(gaussian, 1 - z * gaussian), check(orthogonal, 1))


def _growth(units: str, derivative: sp.Expr) -> Verdict:
    """σ_w²μ_1 by the printed integral over a standard normal z, against E over h ~ N(0, q)."""
    scaled = derivative.subs(x, sp.sqrt(q) * x)
    return patiently(sigma_w**2 * Expectation(scaled**2, sp.S.One), MeanField(units).chi)


def _mean_measured(simulate: Any) -> Verdict:
    """Tanh, off criticality: the mean of the spectrum at depth 1 and 6."""
    return every("m_1 = χᴸ", *(_mean_at(simulate, layers) for layers in (1, 6)))


def _mean_at(simulate: Any, layers: int) -> Verdict:
    sigma, variance = 1.2, sp.Rational(1, 2)
    second = float(Expectation(sp.tanh(x) ** 2, variance).evalf(15))
    first = Expectation(1 / sp.cosh(x) ** 4, variance).evalf(15)
    network = simulate.feed_forward(
        sp.lambdify(x, sp.tanh(x), "numpy"),
        sp.lambdify(x, 1 / sp.cosh(x) ** 2, "numpy"),
        width=150,
        depth=layers,
        sigma_w=sigma,
        sigma_b=(0.5 - sigma**2 * second) ** 0.5,
        q1=0.5,
        draws=30,
        seed=7,
    )
    exact = (sp.Float(sigma, 15) ** 2 * first) ** layers
    return measured_moments(network, {1: exact}, bias=0.005 * layers, claim=f"L = {layers}")


CLAIMS = (
    Claim(
        "lecture.jacobian",
        "slide 'DNN Jacobian'",
        r"J = \frac{\partial h^{(L)}}{\partial x^{(0)}} = \prod_{\ell=1}^{L} D^{(\ell)}W^{(\ell)}",
        decide=lambda: check(*_network_jacobian(printed=True)),
        assumptions="h^ℓ = W^ℓ z^ℓ + b^ℓ, z^{ℓ+1} = φ(h^ℓ), z⁰ = x⁰; one unit, L = 1",
        expected="refuted",
        note="with these recursions h^L has no factor D^L, and x⁰ enters through W⁰; the product "
        "is the derivative of z^{L+1} by z¹ (ℓ is printed to run from 0 to L − 1 and from 1 to L)",
        correction=Claim(
            "lecture.jacobian.corrected",
            "slide 'DNN Jacobian'",
            r"\frac{\partial z^{(L+1)}}{\partial z^{(1)}}"
            r" = \prod_{\ell=1}^{L} D^{(\ell)}W^{(\ell)}",
            decide=lambda: check(*_network_jacobian(printed=False)),
            assumptions="one unit, L = 1; ps4.1a.jacobian has two layers of two units",
        ),
    ),
    Claim(
        "lecture.perturbation",
        "slide 'DNN Jacobian'",
        r"H(x+\delta) - H(x) = J\delta + O(\delta^2)",
        lhs=lambda: phi(w1 * phi(w0 * (x + t))) - phi(w1 * phi(w0 * x)),
        rhs=lambda: sp.diff(phi(w1 * phi(w0 * x)), x) * t + sp.O(t**2),
        assumptions="one unit, two layers, φ = u + a u²; δ is t",
    ),
    Claim(
        "lecture.stability",
        "slide 'DNN Jacobian'",
        r"\|H(x+\delta) - H(x)\| \le \|\delta\| \max\|J\|",
        decide=_stability,
        assumptions="one layer of one unit, φ = tanh; the maximum over all inputs, here |w|",
        note="for w, δ > 0, by monotonicity; the other signs mirror it",
    ),
    Claim(
        "lecture.backward.step",
        "slide 'Gradient back-propagation'",
        r"\delta_\ell = D^{(\ell)}(W^{(\ell)})^T\delta_{\ell+1}",
        decide=lambda: check(*_layer_step(w0)),
        assumptions="h^ℓ = W^ℓ z^ℓ + b^ℓ, z^{ℓ+1} = φ(h^ℓ), one unit, ℓ = 0, loss (h¹ − y)²/2",
        expected="refuted",
        note="the index of W is one too low: h^{ℓ+1} = W^{ℓ+1}φ(h^ℓ) + b^{ℓ+1}",
        correction=Claim(
            "lecture.backward.step.corrected",
            "slide 'Gradient back-propagation'",
            r"\delta_\ell = D^{(\ell)}(W^{(\ell+1)})^T\delta_{\ell+1}",
            decide=_layer_step_of_two_units,
            assumptions="two units, loss ‖h¹ − y‖²/2, φ = u + a u²",
        ),
    ),
    Claim(
        "lecture.backward.start",
        "slide 'Gradient back-propagation'",
        r"\delta_L = D^{(L)}\operatorname{grad}_{h^{(L)}}\mathcal{L}",
        decide=lambda: check(*_start(printed=True)),
        assumptions="δ_L = ∂ℒ/∂h^L; one unit, loss (φ(h) − y)²/2",
        expected="refuted",
        note="grad by h^L is δ_L itself; D^L belongs to the gradient by the output φ(h^L)",
        correction=Claim(
            "lecture.backward.start.corrected",
            "slide 'Gradient back-propagation'",
            r"\delta_L = D^{(L)}\operatorname{grad}_{\phi(h^{(L)})}\mathcal{L}",
            decide=lambda: check(*_start(printed=False)),
        ),
    ),
    Claim(
        "lecture.backward.product",
        "slide 'Gradient back-propagation'",
        r"\delta_\ell = \Bigl(\prod_{k=\ell}^{L-1} D^{(k)}(W^{(k)})^T\Bigr)D^{(L)}"
        r"\operatorname{grad}\mathcal{L}",
        decide=lambda: check(*_unrolled((w0, w1))),
        assumptions="one unit, ℓ = 0, L = 2, the gradient by φ(h^L)",
        expected="refuted",
        note="the same shift of the index",
        correction=Claim(
            "lecture.backward.product.corrected",
            "slide 'Gradient back-propagation'",
            r"\delta_\ell = \Bigl(\prod_{k=\ell}^{L-1} D^{(k)}(W^{(k+1)})^T\Bigr)D^{(L)}"
            r"\operatorname{grad}_{\phi(h^{(L)})}\mathcal{L}",
            decide=lambda: check(*_unrolled((w1, w2))),
        ),
    ),
    Claim(
        "lecture.gradient.weights",
        "slide 'Gradient back-propagation'",
        r"\frac{\partial\mathcal{L}}{\partial W^{(\ell)}} = \delta_{\ell+1}\cdot h_\ell^T",
        decide=lambda: _gradient(w0, lambda first, second: second * (w0 * x + b0)),
        assumptions="h^ℓ = W^ℓ z^ℓ + b^ℓ, one unit, ℓ = 0, loss (h¹ − y)²/2",
        expected="refuted",
        note="W^ℓ acts on z^ℓ and makes h^ℓ",
        correction=Claim(
            "lecture.gradient.weights.corrected",
            "slide 'Gradient back-propagation'",
            r"\frac{\partial\mathcal{L}}{\partial W^{(\ell)}} = \delta_\ell\,(z^{(\ell)})^T",
            decide=lambda: _gradient(w0, lambda first, second: first * x),
        ),
    ),
    Claim(
        "lecture.gradient.biases",
        "slide 'Gradient back-propagation'",
        r"\frac{\partial\mathcal{L}}{\partial b^{(\ell)}} = \delta_{\ell+1}",
        decide=lambda: _gradient(b0, lambda first, second: second),
        assumptions="h^ℓ = W^ℓ z^ℓ + b^ℓ, one unit, ℓ = 0, loss (h¹ − y)²/2",
        expected="refuted",
        note="b^ℓ is added to h^ℓ",
        correction=Claim(
            "lecture.gradient.biases.corrected",
            "slide 'Gradient back-propagation'",
            r"\frac{\partial\mathcal{L}}{\partial b^{(\ell)}} = \delta_\ell",
            decide=lambda: _gradient(b0, lambda first, second: first),
        ),
    ),
    Claim(
        "lecture.inversion",
        "slide 'Stieltjes and S Transforms'",
        r"\rho(\lambda) = -\pi^{-1}\lim_{\epsilon\to0_+}\operatorname{Im}G_\rho(\lambda+i\epsilon)",
        decide=_inversion,
        note="for a point mass, whose G is 1/z: a density of mass one that narrows to the point; "
        "every law is a mixture of these",
    ),
    Claim(
        "lecture.mgf",
        "slide 'Stieltjes and S Transforms'",
        r"M_\rho(z) = zG_\rho(z) - 1 = \sum_{k\ge1}\frac{m_k}{z^k}",
        decide=_generating,
        note="every k, for a point mass at t; a law is a mean of those",
    ),
    Claim(
        "lecture.s-product",
        "slide 'Stieltjes and S Transforms'",
        r"S_{\rho_1\rho_2} = S_{\rho_1}S_{\rho_2}",
        decide=s_multiplies,
        assumptions="ρ_1 and ρ_2 free",
        note="the first three moments, for any two laws, against the definition of freeness",
    ),
    Claim(
        "lecture.s-series",
        "slide 'Spectrum of the Jacobian'",
        r"S_{W^TW} = \sigma_w^{-2}\Bigl(1 + \sum_{k\ge1} s_kz^k\Bigr)",
        decide=_all_coefficients,
        note="Gaussian: s_k = (−1)ᵏ, orthogonal: s_k = 0, every k, from their laws",
    ),
    Claim(
        "lecture.s1",
        "slide 'Examples of moment generating functions'",
        r"s_1 = -1 \text{ (Gaussian)},\quad s_1 = 0 \text{ (orthogonal)}",
        decide=_first_coefficients,
        note="from m_1 and m_2 of WᵀW: σ_w², 2σ_w⁴ and σ_w², σ_w⁴",
    ),
    Claim(
        "lecture.mean",
        "slide 'Spectrum of the Jacobian'",
        r"m_1 = (\sigma_w^2\mu_1)^L",
        lhs=lambda: Jacobian(general_law(), general()).moment(1),
        rhs=(sigma_w**2 * mu1) ** L,
        note="for any D² and any weights",
    ),
    Claim(
        "lecture.mean-measured",
        "slides 'Spectrum of the Jacobian' and 'Edge of chaos curves'",
        r"m_1 = \chi^L",
        experiment=_mean_measured,
        assumptions="φ = tanh, σ_w = 6/5, q* = 1/2",
        expected="not refuted",
        note="L = 1 and 6, χ ≠ 1: 30 networks of width 150, 0.5 % a layer allowed for the width",
    ),
    Claim(
        "lecture.growth-factor",
        "slides 'Spectrum of the Jacobian' and 'Random DNN recursion map'",
        r"\sigma_w^2\mu_1 = \chi,\quad"
        r"\mu_k = \int (2\pi)^{-1/2}\phi'(\sqrt{q^{(*)}}z)^{2k}e^{-z^2/2}dz",
        decide=lambda: every(
            "χ",
            _growth("relu", sp.Heaviside(x)),
            _growth("erf", 2 / sp.sqrt(sp.pi) * sp.exp(-(x**2))),
            _growth("sin", sp.cos(x)),
        ),
        assumptions="φ = ReLU, erf, sin",
        note="in two places the radical is printed over z as well: read as an artefact of the scan",
    ),
)

SKIPPED = (
    Skipped("slide 'DNN Jacobian', the network and D", "definitions"),
    Skipped("slide 'Gradient back-propagation', the loss and δ", "definitions"),
    Skipped("slide 'Stieltjes and S Transforms', G and S", "definitions"),
    Skipped("slide 'Spectrum of the Jacobian', S of JJᵀ", "repeats ps4.1c.s-jacobian"),
)
