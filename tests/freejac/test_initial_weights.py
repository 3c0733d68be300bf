"""Initialisations: what is promised of them, and what networks do that take them."""

from __future__ import annotations

import json
import math
import re
from typing import Any

import mpmath
import numpy as np
import pytest
from scipy import special

import freejac as fj
from freejac.cli import run
from freejac.edge_kernels import edges
from freejac.initial_report import as_text
from freejac.initial_result import Initialisation
from freejac.initial_spectrum import density
from freejac.initialiser_code import as_jax, as_torch
from freejac.simulate import feed_forward, residual
from freejac.symbolic.errors import Error, InputError


def mean(f: Any, q: float) -> mpmath.mpf:
    """E[f(√q z)] by quadrature."""
    root = mpmath.sqrt(q)
    return mpmath.quad(lambda z: mpmath.npdf(z) * f(root * z), [-14, -5, 0, 5, 14])


@pytest.mark.parametrize(("depth", "target"), [(8, 0.25), (100, 1.0)])
def test_orthogonal_weights_keep_to_a_variance(depth: int, target: float) -> None:
    found = fj.initialisation("tanh", depth, weights="orthogonal", variance=target)
    slope = lambda h: mpmath.sech(h) ** 4  # noqa: E731
    mu_1, mu_2 = mean(slope, found.q), mean(lambda h: slope(h) ** 2, found.q)
    assert float(found.sigma_w**2 * mu_1) == pytest.approx(1, rel=1e-12, abs=0.0)
    square = mean(lambda h: mpmath.tanh(h) ** 2, found.q)
    assert float(found.sigma_w**2 * square + found.sigma_b**2) == pytest.approx(
        found.q, rel=1e-10, abs=0.0
    )
    variance = depth * (mu_2 / mu_1**2 - 1)  # s_1 = 0
    assert float(variance) == pytest.approx(target, rel=1e-9)
    assert found.variance <= target
    assert found.moment_2 == pytest.approx(1 + target)


def test_a_quarter_is_aimed_at_when_nothing_is_said() -> None:
    assert fj.initialisation("erf", 30, weights="orthogonal").variance == pytest.approx(0.25)


def test_a_network_has_the_spectrum_that_is_promised() -> None:
    found = fj.initialisation("erf", 6, weights="orthogonal", variance=0.3)
    net = feed_forward(
        special.erf,
        lambda h: 2 / math.sqrt(math.pi) * np.exp(-(h**2)),
        width=150,
        depth=6,
        sigma_w=found.sigma_w,
        sigma_b=found.sigma_b,
        q1=found.q,
        weights="orthogonal",
        draws=5,
        seed=3,
    )
    assert np.mean(net.q[:, -1]) == pytest.approx(found.q, rel=0.1)
    second, error = net.moment(2)
    assert abs(second - found.moment_2) < 5 * error + 0.02
    assert net.eigenvalues.max() < found.edges[1] * 1.05


def test_relu_is_he_and_cannot_do_better() -> None:
    found = fj.initialisation("relu", 10)
    # He et al. (2015), arXiv:1502.01852: variance 2/N, biases 0
    assert (found.sigma_w, found.sigma_b) == (pytest.approx(2**0.5, rel=1e-15, abs=0.0), 0)
    assert found.variance == pytest.approx(20)
    assert found.atoms == ((0.0, 0.5),)
    assert found.condition_number == math.inf
    for weights, least in (("gaussian", 20), ("orthogonal", 10)):
        with pytest.raises(Error, match=rf"≥ {least} at every q, and not below 1 .*1711\.04735"):
            fj.initialisation("relu", 10, weights=weights, variance=1)
    assert fj.initialisation("relu", 10, weights="orthogonal").variance == pytest.approx(10)
    enough = fj.initialisation("relu", 10, weights="orthogonal", variance=11)
    assert enough.variance == pytest.approx(10)


def test_a_kink_at_zero_keeps_its_two_slopes_as_signals_vanish() -> None:
    found = fj.initialisation("selu", 10)
    # Klambauer et al. (2017), arXiv:1706.02515: slopes λ and λα on the two sides of 0
    right, left = 1.0507009873554805**2, (1.0507009873554805 * 1.6732632423543772) ** 2
    spread = ((right**2 + left**2) / 2) / ((right + left) / 2) ** 2 - 1
    assert (found.q, found.chi, found.chi_parallel) == (0, 1, 1)
    assert found.variance == pytest.approx(10 * (spread + 1), rel=1e-12, abs=0.0)
    two_slopes = edges("where(x > 0, x, 1.6732632423543772*x)", "gaussian", 10, 1.0, 1.0)
    scale = (found.sigma_w**2 * right) ** 10
    assert found.edges == (0, pytest.approx(float(two_slopes[1]) * scale, rel=1e-12, abs=0.0))
    assert fj.initialisation("tanh", 10, weights="gaussian").variance == 10


def test_the_picture_shows_where_the_density_is() -> None:
    found = fj.initialisation("gelu", 100, weights="orthogonal")
    rows = [line.split() for line in as_text(found, "none").splitlines() if "█" in line]
    assert len(rows) == 14
    assert float(rows[-1][0]) < 3 < found.edges[1]  # φ′² is largest at ±√2, far beyond √q


def test_gaussian_weights_alone_have_a_variance_of_the_depth() -> None:
    with pytest.raises(Error, match="take orthogonal ones"):
        fj.initialisation("erf", 16, variance=15)
    found = fj.initialisation("erf", 16, variance=17)
    assert found.variance == pytest.approx(17)


def test_no_point_of_the_plane_is_critical_for_softplus() -> None:
    with pytest.raises(Error, match="softplus has no critical point"):
        fj.initialisation("softplus", 10)


def test_a_point_of_the_line_may_be_asked_for() -> None:
    found = fj.initialisation("erf", 5, q=1.0)
    weight, bias = fj.MeanField("erf").critical_line()
    assert found.sigma_w**2 == pytest.approx(float(weight.subs(fj.q, 1)), rel=1e-14, abs=0.0)
    assert found.sigma_b**2 == pytest.approx(float(bias.subs(fj.q, 1)), rel=1e-13, abs=0.0)
    with pytest.raises(InputError, match="is not on the critical line of sigmoid"):
        fj.initialisation("sigmoid", 5, q=0.1)


@pytest.mark.parametrize("name", ["erf", "relu"])
def test_residual_networks_get_their_cumulant(name: str) -> None:
    found = fj.initialisation(name, 20, architecture="residual", cumulant=0.5, sigma_b=0.1)
    exact = fj.ResNet(name).propagate(20, found.sigma_w, 0.1, found.q)  # mpmath, layer by layer
    assert exact.effective_cumulant == pytest.approx(0.5, rel=1e-10, abs=0.0)
    assert found.q == pytest.approx(found.sigma_w**2 / 20 + 0.01)
    # Tarnowski et al. (2019): m_1 = eᶜ; the spectrum is symmetric in log λ.
    assert found.moment_1 == pytest.approx(math.exp(0.5))
    assert found.edges[0] * found.edges[1] == pytest.approx(1)


def test_a_residual_network_has_that_mean() -> None:
    # erf is odd: ⟨x⟩ stays 0, and no eigenvalue stands apart
    found = fj.initialisation("erf", 30, architecture="residual", cumulant=0.4)
    net = residual(
        special.erf,
        lambda h: 2 / math.sqrt(math.pi) * np.exp(-(h**2)),
        width=150,
        depth=30,
        sigma_w=found.sigma_w,
        q1=found.q,
        draws=8,
        seed=5,
    )
    first, error = net.moment(1)
    assert abs(first - found.moment_1) < 5 * error + 0.02


def test_the_density_integrates_to_one() -> None:
    found = fj.initialisation("relu", 10, architecture="residual", cumulant=0.5)
    # λ = a + (b − a) sin²θ takes the square roots at both ends away
    angle = (np.arange(400) + 0.5) * (math.pi / 2 / 400)
    low, high = found.edges
    values = density(found, low + (high - low) * np.sin(angle) ** 2)
    assert values is not None
    steps = (high - low) * np.sin(2 * angle) * (math.pi / 2 / 400)
    assert float((values * steps).sum()) == pytest.approx(1, abs=1e-6)


BAD = {
    "depth": (["relu", "--depth", "0"], "--depth must be positive"),
    "half a layer": (["relu", "--depth", "2.5"], "whole numbers"),
    "depths": (["relu", "--depth", "1,2"], "takes one number"),
    "no depth": (["relu"], "--depth"),
    "variance": (["erf", "--depth", "3", "--variance", "0"], "variance must be positive"),
    "both": (["erf", "--depth", "3", "--variance", "5", "--q", "1"], "not both"),
    "cumulant": (["erf", "--depth", "3", "--cumulant", "1"], "belong to residual networks"),
    "residual variance": (
        ["erf", "--depth", "3", "--architecture", "residual", "--variance", "1"],
        "a cumulant for its target, not a variance",
    ),
    "architecture": (["erf", "--depth", "3", "--architecture", "cnn"], "feedforward or residual"),
    "weights": (["erf", "--depth", "3", "--weights", "sparse"], "gaussian or orthogonal"),
    "code": (["erf", "--depth", "3", "--code", "cobol"], "torch, jax"),
    "activation": (["gelo", "--depth", "3"], "gelo"),
    "jump": (["sign(x)", "--depth", "3"], "jumps"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_line(case: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments, part = BAD[case]
    assert run(["init", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert re.fullmatch(r"freejac: error: \S.*\n", err), err
    assert part in err


def test_what_cannot_be_reached_is_an_answer(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["init", "relu", "--depth", "9", "--weights", "orthogonal", "--variance", "1"]
    assert run(arguments) == 1
    assert "≥ 9 at every q" in capsys.readouterr().err


def test_the_command_prints_numbers_spectrum_and_code(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["init", "relu", "--depth", "10", "--architecture", "residual"]
    assert run([*arguments, "--code", "torch"]) == 0
    out = capsys.readouterr().out
    assert "  c      0.125   effective cumulant\n" in out
    assert "  condition number   2.74648   of J\n" in out
    assert "█" in out
    assert "import torch" in out
    assert "import jax" not in out
    assert run([*arguments, "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["sigma_w"] == pytest.approx(0.5)
    assert data["chi"] is None
    assert "import jax" in data["jax"]


CASES = [
    ("erf", {"weights": "orthogonal", "variance": 0.3}),
    ("erf", {"weights": "gaussian", "q": 0.5}),
    ("relu", {"architecture": "residual", "cumulant": 0.5}),
    ("relu", {"architecture": "residual", "weights": "orthogonal", "sigma_b": 0.2}),
]


def the_case(name: str, options: dict[str, Any]) -> tuple[Initialisation, dict[str, Any]]:
    return fj.initialisation(name, 4, **options), {}


def check_weights(found: Initialisation, layers: list[tuple[Any, Any]]) -> None:
    """Shapes, variances of entries, and singular values of drawn layers."""
    for drawn in layers:
        weight, bias = (np.asarray(array, dtype=float) for array in drawn)
        fan_out, fan_in = weight.shape
        per_entry = found.sigma_w**2 / fan_in
        if found.architecture == "residual":
            per_entry /= found.depth
        assert np.var(weight) == pytest.approx(per_entry, rel=0.05)
        assert bias.shape == (fan_out,)
        assert np.std(bias) == pytest.approx(found.sigma_b, rel=0.25, abs=1e-12)
        if found.weights == "orthogonal":
            values = np.linalg.svd(weight, compute_uv=False)
            gain = math.sqrt(per_entry * max(fan_in, fan_out))
            assert values == pytest.approx(gain, rel=1e-4)


@pytest.mark.parametrize(("name", "options"), CASES)
def test_the_torch_initialiser(name: str, options: dict[str, Any]) -> None:
    torch = pytest.importorskip("torch")
    found, namespace = the_case(name, options)
    exec(compile(as_torch(found), "init_torch.py", "exec"), namespace)
    widths = [300, 300, 200, 300]
    model = torch.nn.Sequential(*(torch.nn.Linear(a, b) for a, b in zip(widths, widths[1:])))  # noqa: B905, RUF007
    generator = torch.Generator().manual_seed(1)
    assert namespace["initialise"](model, generator) is model
    check_weights(found, [(m.weight.detach().numpy(), m.bias.detach().numpy()) for m in model])
    again = torch.nn.Linear(5, 5, bias=False)
    namespace["initialise"](again)


@pytest.mark.parametrize(("name", "options"), CASES)
def test_the_jax_initialiser(name: str, options: dict[str, Any]) -> None:
    jax = pytest.importorskip("jax")
    found, namespace = the_case(name, options)
    exec(compile(as_jax(found), "init_jax.py", "exec"), namespace)
    layers = namespace["initialise"](jax.random.key(1), [300, 300, 200, 300])
    assert len(layers) == 3
    check_weights(found, layers)


@pytest.mark.parametrize(("name", "options"), CASES)
def test_the_code_is_python(name: str, options: dict[str, Any]) -> None:
    found, _ = the_case(name, options)
    for text in (as_torch(found), as_jax(found)):
        compile(text, "initialiser.py", "exec")
        assert max(map(len, text.splitlines())) <= 100
        assert repr(found.sigma_w) in text
    assert as_text(found, "none").count("def ") == 0
