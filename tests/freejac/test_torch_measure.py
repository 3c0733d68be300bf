"""Modules measured by autograd, against arrays computed by hand and the simulation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from freejac.symbolic.errors import DomainError, InputError
from freejac.torch_measure import measure

torch = pytest.importorskip("torch")


def tower(width: int, depth: int, phi: Any, gain: float = 1.0) -> Any:
    """Linear layers of variance gain²/width without biases, and φ after each."""

    def make() -> Any:
        layers: list[Any] = []
        for _ in range(depth):
            linear = torch.nn.Linear(width, width, bias=False)
            torch.nn.init.normal_(linear.weight, std=gain / width**0.5)
            layers += [linear, phi()]
        return torch.nn.Sequential(*layers)

    return make


def test_the_jacobian_is_the_product_of_its_layers() -> None:
    kept = []

    def make() -> Any:
        kept.append(tower(8, 2, torch.nn.Tanh, 1.3)())
        return kept[-1]

    x = torch.randn(3, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    sample = measure(make, x, draws=2, seed=4)
    for k, module in enumerate(kept):
        first, second = (module[i].weight.detach().numpy() for i in (0, 2))
        h1 = x.numpy() @ first.T
        h2 = np.tanh(h1) @ second.T
        d1, d2 = 1 - np.tanh(h1[0]) ** 2, 1 - np.tanh(h2[0]) ** 2
        jacobian = d2[:, None] * second @ (d1[:, None] * first)
        assert sample.eigenvalues[k] == pytest.approx(np.linalg.eigvalsh(jacobian.T @ jacobian))
        assert sample.q[k] == pytest.approx([np.mean(h1[0] ** 2), np.mean(h2[0] ** 2)])
        gain = 8 * np.mean(second**2)
        assert sample.chi[k, 1] == pytest.approx(gain * np.mean(d2**2))
        assert sample.overlap[k, 1] == pytest.approx(h2 @ h2.T / 8)
        assert sample.mean[k, 1] == pytest.approx(np.mean(np.tanh(h2[0])))
    assert sample.overlap.shape == (2, 2, 3, 3)


def test_a_wide_module_has_the_spectrum_of_the_theory() -> None:
    from freejac.comparison import compare
    from freejac.network_spectra import jacobian_spectrum
    from freejac.networks import Jacobian

    x = torch.randn(1, 150, generator=torch.Generator().manual_seed(1))
    sample = measure(tower(150, 2, torch.nn.ReLU, 2**0.5), x, draws=4)
    law = jacobian_spectrum(Jacobian("relu", depth=2), sigma_w=2**0.5)
    assert compare(law, sample).within
    deeper = jacobian_spectrum(Jacobian("relu", depth=4), sigma_w=2**0.5)
    assert not compare(deeper, sample).within


def test_seeds_and_chunks() -> None:
    x = torch.ones(1, 6)
    before = torch.random.get_rng_state()
    shared = {"draws": 2, "seed": 7}
    whole = measure(tower(6, 1, torch.nn.GELU), x, **shared)
    chunked = measure(tower(6, 1, torch.nn.GELU), x, chunk_size=1, **shared)
    more = measure(tower(6, 1, torch.nn.GELU), x, draws=3, seed=7)
    assert torch.equal(before, torch.random.get_rng_state())
    assert whole.eigenvalues == pytest.approx(chunked.eigenvalues, rel=1e-12, abs=0.0)
    assert np.array_equal(whole.eigenvalues, more.eigenvalues[:2])
    assert not np.array_equal(whole.eigenvalues[0], whole.eigenvalues[1])


def test_images_through_a_convolution_and_a_narrow_head() -> None:
    def make() -> Any:
        return torch.nn.Sequential(
            torch.nn.Conv2d(2, 3, 3, padding=1),
            torch.nn.ReLU(),
            torch.nn.Flatten(),
            torch.nn.Dropout(0.5),
            torch.nn.Linear(48, 5),
        )

    seen: list[tuple[int, int]] = []
    sample = measure(
        make, torch.ones(2, 2, 4, 4), progress=lambda done, total: seen.append((done, total))
    )
    assert sample.eigenvalues.shape == (1, 32)
    assert np.count_nonzero(sample.eigenvalues > 1e-20) == 5
    assert np.isfinite(sample.chi[0, 0])
    assert np.isnan(sample.chi[0, 1])  # nothing follows the head
    assert np.isfinite(sample.q).all()
    assert seen == [(0, 1), (1, 1)]


def test_a_layer_that_mixes_units_is_no_activation() -> None:
    def make() -> Any:
        return torch.nn.Sequential(torch.nn.Linear(6, 6), torch.nn.Softmax(dim=-1))

    assert np.isnan(measure(make, torch.ones(1, 6)).chi).all()


def test_a_module_of_ones_own() -> None:
    class Residual(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner, self.phi = torch.nn.Linear(7, 7), torch.nn.Softplus()

        def forward(self, x: Any) -> Any:
            return x + self.phi(self.inner(x))

    sample = measure(Residual, torch.zeros(1, 7), draws=2)
    assert sample.eigenvalues.min() > 0
    assert np.isfinite(sample.chi).all()


def twice() -> Any:
    layer = torch.nn.Linear(4, 4)
    return torch.nn.Sequential(layer, torch.nn.Tanh(), layer)


@pytest.mark.parametrize(
    ("make", "inputs", "message"),
    [
        (lambda: None, torch.ones(1, 4), "not NoneType"),
        (torch.nn.Tanh, torch.ones(1, 4), "no Linear layer"),
        (twice, torch.ones(1, 4), "passed twice"),
        (tower(4, 1, torch.nn.Tanh), torch.ones(4), "one input a row"),
        (tower(4, 1, torch.nn.Tanh), torch.full((1, 4), float("nan")), "not finite"),
        (tower(4, 1, torch.nn.Tanh), [[1.0] * 4], "one input a row"),
    ],
)
def test_refusals(make: Any, inputs: Any, message: str) -> None:
    with pytest.raises(DomainError, match=message):
        measure(make, inputs)


@pytest.mark.parametrize("device", ["abacus", "meta", 1.5, "cuda:99"])
def test_a_device_that_is_not_there(device: Any) -> None:
    with pytest.raises(InputError, match="cannot be used"):
        measure(tower(4, 1, torch.nn.Tanh), torch.ones(1, 4), device=device)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no such device here")
def test_a_graphics_card_measures_the_same() -> None:
    x = torch.randn(2, 30, generator=torch.Generator().manual_seed(3))
    here, there = (
        measure(tower(30, 3, torch.nn.GELU, 1.4), x, draws=2, device=device)
        for device in ("cpu", "cuda")
    )
    assert there.eigenvalues == pytest.approx(here.eigenvalues, rel=1e-9, abs=1e-12)
    assert there.overlap == pytest.approx(here.overlap, rel=1e-12, abs=0.0)
    assert there.chi == pytest.approx(here.chi, rel=1e-12, abs=0.0)


def test_without_pytorch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("freejac.torch_measure.find_spec", lambda name: None)
    with pytest.raises(InputError, match="PyTorch"):
        measure(tower(4, 1, torch.nn.Tanh), torch.ones(1, 4))
