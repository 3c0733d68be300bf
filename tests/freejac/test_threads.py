"""Threads change nothing but the time; single precision stays what it is."""

from __future__ import annotations

import multiprocessing
import threading

import numpy as np
import pytest

import freejac as fj
from freejac import threads
from freejac.symbolic.errors import DomainError
from freejac.threads import threaded


@pytest.fixture(autouse=True)
def _four_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "_processors", lambda: 4)


SHAPES = [
    ((100_003,), ()),
    ((100_003,), (100_003,)),
    ((1, 50_000), (3, 1)),
    ((20_000, 1), (1, 5)),
    ((7,), (5_000, 1)),
    ((0, 4), (4,)),
    ((), ()),
]


@pytest.mark.parametrize("shapes", SHAPES, ids=str)
def test_results_are_the_same_bits(shapes: tuple[tuple[int, ...], ...]) -> None:
    rng = np.random.default_rng(1)
    given = [rng.uniform(0.5, 2.0, shape) for shape in shapes]
    result = threaded(np.arctan2)(*given)
    assert np.shape(result) == np.broadcast_shapes(*shapes)
    assert np.array_equal(result, np.arctan2(*given))


def test_several_threads_do_the_work() -> None:
    seen = set()

    def spy(a: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
        seen.add(threading.get_ident())
        return np.sqrt(a, out=out)

    big = np.ones(4_000_000)
    assert (threaded(spy)(big) == 1.0).all()  # type: ignore[arg-type]
    assert len(seen - {threading.get_ident()}) > 1


def test_parallel_kernels_are_the_serial_ones() -> None:
    q = np.geomspace(1e-11, 1e11, 60_001)
    for name in ("hard_tanh", "elu"):
        serial, parallel = fj.kernels(name), fj.kernels(name, parallel=True)
        assert parallel.parallel
        assert not serial.parallel
        assert np.array_equal(parallel.second_moment(q), serial.second_moment(q))
        assert np.array_equal(parallel.chi(q, 1.5), serial.chi(q, 1.5))
        assert parallel.mu_1(2.0) == serial.mu_1(2.0)


def test_single_precision_stays_single() -> None:
    k = fj.kernels("hard_tanh")
    q = np.geomspace(1e-3, 1e3, 50, dtype=np.float32)
    assert k.chi(q, 1.5).dtype == np.float32
    assert np.array_equal(k.mu_1(q), k.mu_1(q.astype(float)).astype(np.float32))
    assert k.chi(q, np.array([1.5])).dtype == np.float64
    assert k.mu_1([0.5, 1.0]).dtype == np.float64
    assert fj.kernels("hard_tanh", parallel=True).mu_1(np.repeat(q, 2000)).dtype == np.float32
    with pytest.raises(DomainError):
        k.mu_1("one")


def roots(values: np.ndarray) -> np.ndarray:
    return threaded(np.sqrt)(values)


def test_a_forked_process_has_threads_of_its_own() -> None:
    values = np.linspace(0.0, 1.0, 50_000)
    roots(values)
    with multiprocessing.get_context("fork").Pool(1) as pool:
        found = pool.apply_async(roots, (values,)).get(timeout=60)
    assert np.array_equal(found, np.sqrt(values))


def test_shapes_that_do_not_fit_are_named() -> None:
    relu = fj.kernels("leaky_relu")
    for call in (
        lambda: relu.dual(np.ones((2, 3)), np.ones(4)),
        lambda: relu.chi(np.ones(3), 1.0, a=np.ones(2)),
        lambda: relu.phase(np.ones(3), np.ones(2)),
    ):
        with pytest.raises(DomainError, match=r"do not broadcast: .* has \("):
            call()
