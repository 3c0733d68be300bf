"""The Jacobian of a PyTorch module of one's own, measured at initialisation by autograd.

Needs the `torch` extra: pip install 'freejac[torch]'. As `freejac.simulate` it knows no closed
form: J comes from `torch.func`, the variances of the pre-activations from hooks on linear layers
and convolutions, and χ from the slopes of the activation modules that follow them.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from freejac.network_draws import count
from freejac.samples import Sample, gathered
from freejac.symbolic.errors import DomainError, InputError

if TYPE_CHECKING:
    import torch

__all__ = ["measure"]

Array = NDArray[np.float64]
Progress = Callable[[int, int], None]


def measure(
    make: Callable[[], torch.nn.Module],
    inputs: torch.Tensor,
    *,
    draws: int = 1,
    seed: int = 0,
    chunk_size: int | None = None,
    device: str | torch.device = "cpu",
    progress: Progress | None = None,
) -> Sample:
    """Measure networks that a function makes: the spectrum of JᵀJ, lengths, angles and χ.

    Args:
        make: a function without arguments that makes a freshly initialised module, such as a class;
            PyTorch's generator is seeded before every call, and left as it was.
        inputs: a batch of inputs, shape (inputs, …); J is that at the first.
        draws: number of independent networks, 1 or more.
        seed: seed of the random numbers, 0 or more; draw k does not depend on the others.
        chunk_size: how many rows of J are computed at a time; fewer take less memory.
        device: where to compute, such as "cuda"; it has to know double precision.
        progress: called with (draws done, draws) before the first draw and after each.

    Returns:
        The measurements, a row a network: eigenvalues of JᵀJ, as many as an input has entries. A
        layer is a `Linear` or a convolution, in the order in which they are passed; χ is
        N_in Var(W) × mean of φ′(h)² over its units, φ the elementwise module that takes its output,
        and NaN where no module does. The means of x are those of that module's output.

    Raises:
        InputError: PyTorch is not installed, or has no such device here.
        DomainError: `make` gives no module, the inputs are no batch of numbers, the module has no
            linear layer or passes one twice, layers differ between draws, or J is not finite.

    The module is measured in evaluation mode (no dropout, running statistics of batch
    normalisation), in double precision. Weights are drawn where `make` draws them, whatever the
    device of the measurement.

    >>> from torch import nn, randn                                            # doctest: +SKIP
    >>> net = lambda: nn.Sequential(nn.Linear(64, 64), nn.Tanh())              # doctest: +SKIP
    >>> measure(net, randn(2, 64), draws=3).eigenvalues.shape                  # doctest: +SKIP
    (3, 64)
    """
    if find_spec("torch") is None:
        raise InputError("this needs PyTorch: pip install 'freejac[torch]'")
    import torch

    batch = _batch(inputs).to(_device(device))
    tell = progress or (lambda done, total: None)
    streams = np.random.SeedSequence(count("seed", seed, least=0)).spawn(count("draws", draws))
    rows = []
    tell(0, draws)
    for done, stream in enumerate(streams, start=1):
        with torch.random.fork_rng():
            torch.manual_seed(int(stream.generate_state(1, np.uint64)[0] >> 1))
            module = make()
        if not isinstance(module, torch.nn.Module):
            raise DomainError(f"make() gives a torch.nn.Module, not {type(module).__name__}")
        rows.append(_measured(module.to(batch.device).double().eval(), batch, chunk_size))
        if rows[-1][1].shape != rows[0][1].shape:
            raise DomainError("the number of linear layers differs between draws")
        tell(done, draws)
    return gathered(rows)


def _batch(inputs: Any) -> torch.Tensor:
    import torch

    if not isinstance(inputs, torch.Tensor) or inputs.ndim < 2 or inputs.numel() == 0:
        raise DomainError("inputs: give a tensor of shape (inputs, …), one input a row")
    batch = inputs.detach().to(dtype=torch.float64, device="cpu")
    if not torch.isfinite(batch).all():
        raise DomainError("inputs: a value is not finite")
    return batch


def _device(name: Any) -> torch.device:
    """A device on which a number can be put."""
    import torch

    try:
        found = torch.device(name)
        torch.zeros(1, dtype=torch.float64, device=found).cpu()
    except (RuntimeError, TypeError, AssertionError, NotImplementedError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"device {str(name)!r} cannot be used: {reason}") from error
    return found


def _measured(
    module: torch.nn.Module, batch: torch.Tensor, chunk_size: int | None
) -> tuple[Array, ...]:
    """The row of one network."""
    import torch

    def flat(entry: torch.Tensor) -> torch.Tensor:
        """The output for one input."""
        return module(entry.reshape(1, *batch.shape[1:])).reshape(-1)

    layers = _layers(module, batch)
    jacobian = torch.func.jacrev(flat, chunk_size=chunk_size)(batch[0].reshape(-1)).detach()
    if not torch.isfinite(jacobian).all():
        raise DomainError("the Jacobian has values that are not finite")
    singular = torch.linalg.svdvals(jacobian).cpu().numpy()
    eigenvalues = np.zeros(batch[0].numel())
    eigenvalues[: singular.size] = singular**2
    return np.sort(eigenvalues), *layers


def _layers(module: torch.nn.Module, batch: torch.Tensor) -> tuple[Array, Array, Array, Array]:
    """Overlaps of h and of φ′, mean and mean square of x, layer by layer, by hooks."""
    import torch

    kinds = (torch.nn.Linear, torch.nn.modules.conv._ConvNd)
    passed: list[tuple[torch.nn.Module, torch.Tensor]] = []
    followed: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}

    def linear(own: torch.nn.Module, _: Any, output: torch.Tensor) -> None:
        if any(own is other for other, _ in passed):
            raise DomainError("a linear layer is passed twice: its variance is not one number")
        passed.append((own, output))

    def other(own: torch.nn.Module, given: tuple[Any, ...], output: Any) -> None:
        for k, (_, h) in enumerate(passed):
            if k not in followed and given and given[0] is h:
                slope = _slope(own, h)
                if slope is not None:
                    followed[k] = slope, output

    hooks = []
    for own in module.modules():
        if isinstance(own, kinds):
            hooks.append(own.register_forward_hook(linear))
        elif not list(own.children()):
            hooks.append(own.register_forward_hook(other))
    try:
        with torch.no_grad():
            module(batch)
    finally:
        for hook in hooks:
            hook.remove()
    if not passed:
        raise DomainError("the module has no Linear layer or convolution")
    missing = torch.full((1,), float("nan"), dtype=torch.float64, device=batch.device)
    columns: list[list[Array]] = [[], [], [], []]
    for k, (own, h) in enumerate(passed):
        slope, x = followed.get(k, (missing, missing))
        columns[0].append(_overlap(h))
        columns[1].append(_gain(own) * _overlap(slope.expand(h.shape)))
        columns[2].append(x.expand(h.shape)[0].mean().item())
        columns[3].append((x.expand(h.shape)[0] ** 2).mean().item())
    overlap, slopes, mean, square = (np.array(column, dtype=np.float64) for column in columns)
    return overlap, slopes, mean, square


def _slope(module: torch.nn.Module, h: torch.Tensor) -> torch.Tensor | None:
    """φ′(h) of an elementwise module, by a derivative along ones; None if it is not one.

    What keeps every entry as it is, as dropout does in evaluation, is none either.
    """
    import torch

    if isinstance(module, (torch.nn.Identity, torch.nn.modules.dropout._DropoutNd)):
        return None
    signs = torch.ones_like(h)
    signs.reshape(-1)[::2] = -1.0
    # forward alone: the module's hooks are not to be called again
    output, slope = torch.func.jvp(module.forward, (h,), (torch.ones_like(h),))
    if not isinstance(output, torch.Tensor) or output.shape != h.shape:
        return None
    _, other = torch.func.jvp(module.forward, (h,), (signs,))
    return slope.detach() if torch.allclose(other, signs * slope, rtol=1e-9, atol=1e-12) else None


def _overlap(values: torch.Tensor) -> Array:
    """hᵃ·hᵇ/N over the entries of every input."""
    rows = values.reshape(values.shape[0], -1)
    return np.asarray((rows @ rows.T / rows.shape[1]).cpu().numpy())


def _gain(layer: Any) -> float:
    """σ_w² = N_in Var(W), from the weights themselves."""
    weight = layer.weight.detach()
    return float(weight[0].numel() * (weight**2).mean())
