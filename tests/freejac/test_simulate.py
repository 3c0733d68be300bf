"""The simulation against facts that need no theory of wide networks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from freejac.simulate import Sample, feed_forward, haar, residual
from freejac.symbolic.errors import DomainError


def identity(h: np.ndarray) -> np.ndarray:
    return h


def sech2(h: np.ndarray) -> np.ndarray:
    return 1 / np.cosh(h) ** 2


def test_haar_is_orthogonal_and_has_no_preferred_sign() -> None:
    random = np.random.default_rng(0)
    matrices = [haar(4, random) for _ in range(2000)]
    assert all(np.allclose(m @ m.T, np.eye(4), atol=1e-12) for m in matrices)
    # Entries have mean 0 and variance 1/4, so 2000 draws give a standard error of 0.011; without
    # the sign correction the diagonal's mean is about -0.4 (LAPACK's convention).
    assert np.abs(np.mean(matrices, axis=0)).max() < 5 * 0.5 / 2000**0.5


def test_the_seed_decides_everything() -> None:
    def run(seed: int) -> Sample:
        return residual(np.tanh, sech2, width=20, depth=3, sigma_b=0.1, seed=seed, draws=2)

    first, again, other = run(1), run(1), run(2)
    assert np.array_equal(first.eigenvalues, again.eigenvalues)
    assert np.array_equal(first.q, again.q)
    assert not np.array_equal(first.eigenvalues, other.eigenvalues)
    assert not np.array_equal(first.eigenvalues[0], first.eigenvalues[1])


def test_a_linear_orthogonal_network_is_an_isometry_times_a_scale() -> None:
    net = feed_forward(
        identity, np.ones_like, width=30, depth=4, sigma_w=1.5, weights="orthogonal", draws=2
    )
    # J is a product of four matrices 1.5 × orthogonal.
    assert np.allclose(net.eigenvalues, 1.5**8, rtol=1e-12)


def test_a_residual_layer_of_rotations_is_bounded_by_the_triangle_inequality() -> None:
    net = residual(identity, np.ones_like, width=40, depth=1, sigma_w=0.25, weights="orthogonal")
    assert net.eigenvalues.min() >= 0.75**2
    assert net.eigenvalues.max() <= 1.25**2


def test_without_a_skip_a_residual_network_is_feed_forward_with_divided_weights() -> None:
    shared: dict[str, Any] = {"width": 25, "depth": 4, "sigma_b": 0.2, "q1": 0.7, "seed": 3}
    divided = residual(np.tanh, sech2, sigma_w=2.0, skip=0.0, **shared)
    plain = feed_forward(np.tanh, sech2, sigma_w=1.0, **shared)  # 2/√4
    assert np.allclose(divided.eigenvalues, plain.eigenvalues, rtol=1e-10)
    assert np.allclose(divided.chi, 4 * plain.chi, rtol=1e-10)


@pytest.mark.parametrize("weights", ["gaussian", "orthogonal"])
@pytest.mark.parametrize("skip", [0.0, 0.5, 1.0])
def test_the_mean_square_of_a_linear_residual_jacobian(weights: str, skip: float) -> None:
    net = residual(
        identity,
        np.ones_like,
        width=60,
        depth=5,
        sigma_w=1.2,
        skip=skip,
        weights=weights,
        draws=40,
    )
    estimate, error = net.moment(1)
    # W is independent of the layers below and has mean zero, so E tr JJᵀ/N = (a² + σ_w²/L)ᴸ.
    assert estimate == pytest.approx((skip**2 + 1.2**2 / 5) ** 5, abs=5 * error + 1e-12)


@pytest.mark.parametrize("sigma_b", [0.0, 0.6])
def test_the_length_of_a_linear_network(sigma_b: float) -> None:
    net = feed_forward(
        identity, np.ones_like, width=150, depth=3, sigma_w=1.1, sigma_b=sigma_b, q1=0.8, draws=40
    )
    expected = [0.8]
    for _ in range(2):  # q → σ_w² q + σ_b²
        expected.append(1.1**2 * expected[-1] + sigma_b**2)
    error = net.q.std(axis=0, ddof=1) / 40**0.5
    assert np.all(np.abs(net.q.mean(axis=0) - expected) < 5 * error)
    assert np.allclose(net.chi, 1.1**2)


def test_measurements_of_a_layer() -> None:
    net = feed_forward(np.ones_like, np.zeros_like, width=10, depth=2, draws=3)
    assert net.mean.tolist() == net.second_moment.tolist() == [[1.0, 1.0]] * 3
    assert net.eigenvalues.tolist() == [[0.0] * 10] * 3
    assert net.chi.tolist() == [[0.0, 0.0]] * 3


def test_the_jacobian_is_the_derivative_of_the_map() -> None:
    # With φ = tanh(εh)/ε the network is linear up to ε², and its Jacobian that of the linear one.
    shared: dict[str, Any] = {"width": 30, "depth": 3, "seed": 5}
    linear = residual(identity, np.ones_like, **shared)
    nearly = residual(lambda h: np.tanh(1e-4 * h) / 1e-4, lambda h: sech2(1e-4 * h), **shared)
    assert np.allclose(linear.eigenvalues, nearly.eigenvalues, rtol=1e-6)


def test_moments_and_distribution_of_known_eigenvalues() -> None:
    layers, pairs = np.zeros((2, 1)), np.zeros((2, 1, 1, 1))
    sample = Sample(np.array([[1.0, 3.0], [2.0, 2.0]]), pairs, pairs, layers, layers)
    assert sample.moment(1) == (2.0, 0.0)
    assert sample.moment(2) == (4.5, 0.5)
    assert sample.cdf(np.array([0.5, 1.0, 2.5, 3.0])).tolist() == [0.0, 0.25, 0.75, 1.0]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"sigma_w": -1.0}, "sigma_w = -1.0"),
        ({"sigma_w": 0.0}, "sigma_w = 0.0"),
        ({"sigma_w": float("nan")}, "sigma_w = nan"),
        ({"sigma_w": "2"}, "sigma_w = '2'"),
        ({"sigma_b": -0.1}, "sigma_b = -0.1"),
        ({"sigma_b": float("inf")}, "sigma_b = inf"),
        ({"sigma_b": 2.0, "q1": 1.0}, "q1 = 1.0"),
        ({"q1": 0.0}, "q1 = 0.0"),
        ({"q1": float("nan")}, "q1 = nan"),
        ({"width": 1}, "width = 1"),
        ({"width": 2.5}, "width = 2.5"),
        ({"depth": 0}, "depth = 0"),
        ({"draws": 0}, "draws = 0"),
        ({"seed": -1}, "seed = -1"),
        ({"weights": "sparse"}, "weights = 'sparse'"),
        ({"skip": float("nan")}, "skip = nan"),
        ({"threads": 0}, "threads = 0"),
        ({"q1": (1.0, 2.0)}, "several inputs need correlations"),
        ({"q1": (1.0, -2.0), "correlations": 0.5}, "q1 = (1.0, -2.0)"),
        ({"q1": (1.0, 1.0, 1.0), "correlations": np.eye(2)}, "3 values of q1"),
        ({"correlations": 1.5}, "correlations: give a symmetric matrix"),
        ({"correlations": [[1.0, 0.5], [0.4, 1.0]]}, "correlations: give a symmetric matrix"),
        ({"q1": (1.0,) * 3, "correlations": -0.9}, "no negative eigenvalue"),
        ({"correlations": float("nan")}, "finite numbers"),
        ({"sigma_b": 0.9, "correlations": 0.0}, "it less sigma_b**2"),
        ({"width": (10, 10, 10)}, "width = (10, 10, 10)"),
    ],
)
def test_bad_arguments_are_refused(wrong: dict[str, Any], message: str) -> None:
    arguments: dict[str, Any] = {"width": 10, "depth": 2, **wrong}
    with pytest.raises(DomainError) as caught:
        residual(np.tanh, sech2, **arguments)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("phi", "slope", "message"),
    [
        (np.log, np.reciprocal, "the activation gave"),
        (identity, lambda h: np.full_like(h, np.nan), "the derivative gave"),
        (np.sum, np.ones_like, "the activation gave"),
    ],
)
def test_functions_that_fail_are_named(phi: Any, slope: Any, message: str) -> None:
    with pytest.raises(DomainError, match=message):
        feed_forward(phi, slope, width=10, depth=2)


def test_an_overflowing_jacobian_is_refused() -> None:
    with pytest.raises(DomainError, match="overflows at layer"):
        feed_forward(np.tanh, lambda h: np.full_like(h, 1e200), width=4, depth=3)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"width": (10, 20)}, "2 layers have 3 widths"),
        ({"width": (10, 1, 20)}, "width = 1"),
        ({"width": (10, 20, 10), "weights": "orthogonal"}, "need layers of one width"),
        ({"width": "12"}, "width = '12'"),
    ],
)
def test_bad_widths_are_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(DomainError) as caught:
        feed_forward(np.tanh, sech2, depth=2, **wrong)
    assert message in str(caught.value)


@pytest.mark.parametrize("weights", ["gaussian", "orthogonal"])
def test_threads_change_no_bit(weights: str) -> None:
    def run(threads: int) -> Sample:
        return feed_forward(
            np.tanh, sech2, width=30, depth=2, weights=weights, draws=7, threads=threads, seed=4
        )

    one, three = run(1), run(3)
    assert one.eigenvalues.tobytes() == three.eigenvalues.tobytes()
    assert one.overlap.tobytes() == three.overlap.tobytes()


@pytest.mark.parametrize("threads", [1, 2])
def test_progress_counts_every_draw(threads: int) -> None:
    seen: list[tuple[int, int]] = []
    residual(
        np.tanh,
        sech2,
        width=10,
        depth=1,
        draws=4,
        threads=threads,
        progress=lambda done, total: seen.append((done, total)),
    )
    assert seen == [(k, 4) for k in range(5)]


@pytest.mark.parametrize("threads", [1, 2])
def test_a_draw_that_fails_ends_the_run(threads: int) -> None:
    with pytest.raises(DomainError, match="the activation gave"):
        feed_forward(np.log, np.reciprocal, width=8, depth=1, draws=5, threads=threads)


def test_more_draws_begin_with_the_same_networks() -> None:
    few, more = (
        feed_forward(np.tanh, sech2, width=12, depth=2, draws=draws, seed=9) for draws in (2, 4)
    )
    assert np.array_equal(few.eigenvalues, more.eigenvalues[:2])


def test_inputs_have_the_covariance_that_was_asked_for() -> None:
    c = np.array([[1.0, 0.6, -0.3], [0.6, 1.0, 0.2], [-0.3, 0.2, 1.0]])
    q1 = (0.5, 1.0, 3.0)
    net = feed_forward(
        identity, np.ones_like, width=200, depth=1, sigma_b=0.3, q1=q1, correlations=c, draws=40
    )
    expected = c * np.sqrt(np.outer(q1, q1))
    error = net.overlap.std(axis=0, ddof=1) / 40**0.5
    assert np.all(np.abs(net.overlap.mean(axis=0) - expected) < 5 * error)
    assert np.all(error < 0.03 * np.sqrt(np.outer(q1, q1)))
    assert net.lengths.shape == (40, 1, 3)
    assert net.correlations[0, 0] == pytest.approx(net.correlations[0, 0].T)


def test_the_first_input_of_several_is_the_one_of_a_single() -> None:
    shared: dict[str, Any] = {"width": 20, "depth": 1, "sigma_w": 1.3, "seed": 2}
    alone = feed_forward(np.tanh, sech2, **shared)
    pair = feed_forward(np.tanh, sech2, correlations=0.4, **shared)
    assert pair.overlap.shape == (1, 1, 2, 2)
    # the second input takes numbers from the stream, so that only the first layer's input agrees
    equal = feed_forward(np.tanh, sech2, correlations=1.0, **shared)
    assert equal.correlations[0, 0, 0, 1] == pytest.approx(1.0, abs=1e-12)
    assert alone.q.shape == pair.q.shape == (1, 1)


def test_the_correlation_map_of_relu_by_simulation() -> None:
    def relu(h: np.ndarray) -> np.ndarray:
        return np.maximum(h, 0.0)

    def step(h: np.ndarray) -> np.ndarray:
        return (h > 0) * 1.0

    net = feed_forward(
        relu, step, width=600, depth=4, sigma_w=2**0.5, correlations=0.2, draws=8, seed=3
    )
    # Cho & Saul (2009), arc-cosine kernel of degree 1
    c, expected = 0.2, []
    for _ in range(4):
        expected.append(c)
        c = (np.sqrt(1 - c * c) + c * (np.pi - np.arccos(c))) / np.pi
    measured = net.correlations[:, :, 0, 1]
    error = measured.std(axis=0, ddof=1) / 8**0.5
    assert np.all(np.abs(measured.mean(axis=0) - expected) < 5 * error)
    assert np.all(error < 0.03)


def test_unequal_widths_leave_zeros_where_the_network_is_narrow() -> None:
    net = feed_forward(identity, np.ones_like, width=(40, 10, 30), depth=2, draws=3)
    assert net.eigenvalues.shape == (3, 40)
    assert np.all(net.eigenvalues[:, :30] < 1e-20)
    assert np.all(net.eigenvalues[:, 30:] > 1e-6)
    # E tr JᵀJ/N_0 = (N_1/N_0)(N_2/N_1) with W_ij of variance 1/N_in
    estimate, error = net.moment(1)
    assert abs(estimate - 30 / 40) < 5 * error


def test_a_silent_layer_has_no_correlation() -> None:
    net = feed_forward(np.zeros_like, np.zeros_like, width=5, depth=2, correlations=0.5)
    assert np.isnan(net.correlations[0, 1]).all()
    assert np.isfinite(net.correlations[0, 0]).all()


def test_a_moment_of_order_zero_is_refused() -> None:
    with pytest.raises(DomainError, match="k = 0"):
        feed_forward(identity, np.ones_like, width=4, depth=1).moment(0)
