"""Ready-to-paste initialisers for PyTorch and JAX.

>>> from freejac.initial_weights import initialisation
>>> print(as_torch(initialisation("relu", 10)).splitlines()[0])
# relu, 10 layers, feedforward, gaussian weights
"""

from __future__ import annotations

from freejac.initial_result import Initialisation

__all__ = ["as_jax", "as_torch"]


def as_torch(found: Initialisation) -> str:
    """Write a function `initialise(model, generator=None)` for PyTorch.

    It draws weights and biases of every `torch.nn.Linear` of a model in place; in a residual
    network give it the layers inside the skip connections alone.
    """
    body = _TORCH.replace("@WEIGHT@", _torch_weight(found)).replace("@BIAS@", _torch_bias(found))
    return f"{_heading(found)}import math\n\nimport torch\n\n{_constants(found)}\n\n{body}"


def as_jax(found: Initialisation) -> str:
    """Write a function `initialise(key, widths)` for JAX.

    It returns a list of (weight, bias) for layers h = W x + b, the weight of shape
    (fan_out, fan_in); widths are those of the input and of every layer.
    """
    body = _JAX.replace("@WEIGHT@", _jax_weight(found))
    return f"{_heading(found)}import math\n\nimport jax\n\n{_constants(found)}\n\n{body}"


def _heading(found: Initialisation) -> str:
    layers = f"{found.depth} layer{'s' * (found.depth > 1)}"
    return f"# {found.activation}, {layers}, {found.architecture}, {found.weights} weights\n"


def _constants(found: Initialisation) -> str:
    depth = f"DEPTH = {found.depth}\n" if found.architecture == "residual" else ""
    return f"SIGMA_W = {found.sigma_w!r}\nSIGMA_B = {found.sigma_b!r}\n{depth}"


_TORCH = '''def initialise(model, generator=None):
    """Draw weights and biases of every linear layer of a model, in place."""
    for layer in model.modules():
        if isinstance(layer, torch.nn.Linear):
            fan_out, fan_in = layer.weight.shape
            @WEIGHT@
            if layer.bias is not None:
                @BIAS@
    return model
'''

_JAX = '''def initialise(key, widths):
    """Draw (weight, bias) for each layer h = W x + b; the widths begin with the input's."""
    layers = []
    for fan_in, fan_out in zip(widths[:-1], widths[1:]):
        key, for_weight, for_bias = jax.random.split(key, 3)
        @WEIGHT@
        bias = SIGMA_B * jax.random.normal(for_bias, (fan_out,))
        layers.append((weight, bias))
    return layers
'''


def _torch_weight(found: Initialisation) -> str:
    if found.weights == "orthogonal":
        return (
            f"gain = {_gain(found)}\n"
            "            torch.nn.init.orthogonal_(layer.weight, gain, generator=generator)"
        )
    return (
        f"std = {_deviation(found)}\n"
        "            torch.nn.init.normal_(layer.weight, 0.0, std, generator=generator)"
    )


def _torch_bias(found: Initialisation) -> str:
    if found.sigma_b == 0:
        return "torch.nn.init.zeros_(layer.bias)"
    return "torch.nn.init.normal_(layer.bias, 0.0, SIGMA_B, generator=generator)"


def _jax_weight(found: Initialisation) -> str:
    if found.weights == "orthogonal":
        return (
            f"gain = {_gain(found)}\n"
            "        draw = jax.nn.initializers.orthogonal(gain)\n"
            "        weight = draw(for_weight, (fan_out, fan_in))"
        )
    return (
        f"std = {_deviation(found)}\n"
        "        weight = std * jax.random.normal(for_weight, (fan_out, fan_in))"
    )


def _gain(found: Initialisation) -> str:
    """The singular values of W; larger where it widens, so that W_ij keeps its variance."""
    depth = " / DEPTH" if found.architecture == "residual" else ""
    return f"SIGMA_W * math.sqrt(max(1.0, fan_out / fan_in){depth})"


def _deviation(found: Initialisation) -> str:
    """The standard deviation of an entry of W."""
    inner = "DEPTH * fan_in" if found.architecture == "residual" else "fan_in"
    return f"SIGMA_W / math.sqrt({inner})"
