"""The library of activation functions, as data: a text in the grammar, and where it comes from.

An entry never holds a result: every derivative and every expectation is derived from its text.
Names are found without SymPy, which takes longer to load than a kernel.

>>> resolve("SiLU").text
'x*sigmoid(x)'
>>> near("rleu")
['relu', 'relu2', 'leaky_relu']
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType

__all__ = ["LIBRARY", "Entry", "Parameter", "names", "near", "resolve"]


@dataclass(frozen=True)
class Parameter:
    """A parameter of an activation.

    Attributes:
        name: as it stands in the text.
        default: exact value taken when none is given.
        positive: whether it is declared positive (it is real in any case).
    """

    name: str
    default: Fraction
    positive: bool = False


@dataclass(frozen=True)
class Entry:
    """An activation function: its definition and its origin.

    Attributes:
        name: canonical name, lower case.
        text: definition in the grammar of `freejac.symbolic.parsing`.
        source: authors, year, title, and arXiv number or venue.
        parameters: in the order in which a call such as "elu(2)" gives them.
        aliases: other names.
    """

    name: str
    text: str
    source: str
    parameters: tuple[Parameter, ...] = ()
    aliases: tuple[str, ...] = ()


_SMOOTHED = "x*Phi(x/s) + s*exp(-x**2/(2*s**2))/sqrt(2*pi)"
_SPECTRAL = (
    "Pennington, Schoenholz & Ganguli (2018), The emergence of spectral universality in deep "
    "networks, AISTATS, arXiv:1802.09979, fig. 4"
)
_MOBILENET = "Howard et al. (2019), Searching for MobileNetV3, ICCV, arXiv:1905.02244"

_ENTRIES = (
    Entry(
        "linear",
        "x",
        "Saxe, McClelland & Ganguli (2014), Exact solutions to the nonlinear dynamics of learning "
        "in deep linear neural networks, ICLR, arXiv:1312.6120",
        aliases=("identity",),
    ),
    Entry(
        "relu",
        "relu(x)",
        "Nair & Hinton (2010), Rectified linear units improve restricted Boltzmann machines, ICML",
    ),
    Entry(
        "leaky_relu",
        "where(x>0, x, a*x)",
        "Maas, Hannun & Ng (2013), Rectifier nonlinearities improve neural network acoustic "
        "models, ICML workshop on deep learning for audio, speech and language processing",
        parameters=(Parameter("a", Fraction(1, 100)),),
        aliases=("lrelu",),
    ),
    Entry(
        "hard_tanh",
        "clip(x, -1, 1)",
        "Collobert (2004), Large scale machine learning, PhD thesis, Université Paris 6",
    ),
    Entry(
        "tanh",
        "tanh(x)",
        "LeCun, Bottou, Orr & Müller (1998), Efficient BackProp, in Neural Networks: Tricks of "
        "the Trade, Springer",
    ),
    Entry(
        "sigmoid",
        "sigmoid(x)",
        "Rumelhart, Hinton & Williams (1986), Learning representations by back-propagating "
        "errors, Nature 323, 533-536",
        aliases=("logistic",),
    ),
    Entry(
        "erf",
        "erf(x)",
        "Williams (1997), Computing with infinite networks, NIPS 9",
    ),
    Entry(
        "gelu",
        "x*Phi(x)",
        "Hendrycks & Gimpel (2016), Gaussian error linear units (GELUs), arXiv:1606.08415",
    ),
    Entry(
        "elu",
        "where(x>0, x, alpha*(exp(x) - 1))",
        "Clevert, Unterthiner & Hochreiter (2016), Fast and accurate deep network learning by "
        "exponential linear units (ELUs), ICLR, arXiv:1511.07289, eq. (15)",
        parameters=(Parameter("alpha", Fraction(1), positive=True),),
    ),
    Entry(
        "selu",
        "1.0507009873554804934193349852946"
        "*where(x>0, x, 1.6732632423543772848170429916717*(exp(x) - 1))",
        "Klambauer, Unterthiner, Mayr & Hochreiter (2017), Self-normalizing neural networks, "
        "NIPS 30, arXiv:1706.02515, eq. (2); the decimals are those of the authors' code",
    ),
    Entry(
        "swish",
        "x*sigmoid(x)",
        "Ramachandran, Zoph & Le (2017), Searching for activation functions, arXiv:1710.05941; "
        "as SiLU: Elfwing, Uchibe & Doya (2018), Neural Networks 107, 3-11, arXiv:1702.03118",
        aliases=("silu",),
    ),
    Entry(
        "softplus",
        "softplus(x)",
        "Dugas, Bengio, Bélisle, Nadeau & Garcia (2001), Incorporating second-order functional "
        "knowledge for better option pricing, NIPS 13",
    ),
    Entry(
        "mish",
        "x*tanh(softplus(x))",
        "Misra (2019), Mish: a self regularized non-monotonic activation function, BMVC 2020, "
        "arXiv:1908.08681",
    ),
    Entry(
        "sin",
        "sin(x)",
        "Sitzmann, Martel, Bergman, Lindell & Wetzstein (2020), Implicit neural representations "
        "with periodic activation functions, NeurIPS 33, arXiv:2006.09661, at frequency 1",
        aliases=("sine",),
    ),
    Entry("hard_sigmoid", "clip(x/6 + 1/2, 0, 1)", f"{_MOBILENET}: ReLU6(x + 3)/6"),
    Entry("hard_swish", "x*clip(x/6 + 1/2, 0, 1)", f"{_MOBILENET}: x ReLU6(x + 3)/6"),
    Entry(
        "relu2",
        "relu(x)**2",
        "So, Mańke, Liu, Dai, Shazeer & Le (2021), Primer: searching for efficient transformers "
        "for language modeling, NeurIPS 34, arXiv:2109.08668",
        aliases=("relu²", "relu^2", "relu**2", "squared_relu"),
    ),
    Entry(
        "shifted_relu",
        "relu(x + 1/2) - 1/2",
        f"{_SPECTRAL}; the figure names it without a formula: the shift by 1/2 along the diagonal "
        "is the one taken here",
    ),
    Entry(
        "smoothed_relu",
        _SMOOTHED,
        f"the Gaussian smoothing E[relu(x + s z)], z ~ N(0, 1); a smoothed ReLU is in {_SPECTRAL}, "
        "without a formula",
        parameters=(Parameter("s", Fraction(1), positive=True),),
    ),
)

LIBRARY: Mapping[str, Entry] = MappingProxyType({entry.name: entry for entry in _ENTRIES})
"""Every entry by its canonical name, in the order in which they are listed."""

_BY_ANY_NAME: Mapping[str, Entry] = MappingProxyType(
    {name: entry for entry in _ENTRIES for name in (entry.name, *entry.aliases)}
)


def _normal(name: str) -> str:
    return name.strip().lower().replace("-", "_").replace(" ", "_")


def names() -> list[str]:
    """Canonical names in the order of the library.

    Returns:
        A new list.

    >>> names()[:3]
    ['linear', 'relu', 'leaky_relu']
    """
    return list(LIBRARY)


def resolve(name: str) -> Entry | None:
    """Find the entry that a name or an alias stands for.

    Args:
        name: any case; a hyphen or a space counts as an underscore.

    Returns:
        The entry, or None.

    >>> resolve("ReLU²").name, resolve("nothing")
    ('relu2', None)
    """
    return _BY_ANY_NAME.get(_normal(name))


def near(name: str) -> list[str]:
    """Names of the library that look like a given one, the nearest first.

    Args:
        name: a name that the library may not have.

    Returns:
        At most three canonical names, none twice.

    >>> near("gleu")
    ['gelu', 'leaky_relu']
    """
    close = difflib.get_close_matches(_normal(name), list(_BY_ANY_NAME), n=6, cutoff=0.6)
    return list(dict.fromkeys(_BY_ANY_NAME[found].name for found in close))[:3]
