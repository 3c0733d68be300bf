"""The library is data: it parses, it is cited, and its definitions have the values they should."""

import re
from fractions import Fraction

import mpmath
import pytest
import sympy as sp

from freejac.symbolic import library
from freejac.symbolic.functions import Phi
from freejac.symbolic.parsing import parse
from freejac.symbolic.symbols import x

PROMISED = [
    "linear",
    "relu",
    "leaky_relu",
    "hard_tanh",
    "tanh",
    "sigmoid",
    "erf",
    "gelu",
    "elu",
    "selu",
    "swish",
    "softplus",
    "mish",
    "sin",
    "hard_sigmoid",
    "hard_swish",
    "relu2",
    "shifted_relu",
    "smoothed_relu",
]

# Each definition once more, numerically and by cases, from the cited papers.
SELU_ALPHA = mpmath.mpf("1.6732632423543772")
SELU_SCALE = mpmath.mpf("1.0507009873554805")
DEFINITIONS = {
    "linear": lambda t: t,
    "relu": lambda t: t if t > 0 else 0,
    "leaky_relu": lambda t: t if t > 0 else t / 100,
    "hard_tanh": lambda t: -1 if t < -1 else 1 if t > 1 else t,
    "tanh": lambda t: (mpmath.exp(2 * t) - 1) / (mpmath.exp(2 * t) + 1),
    "sigmoid": lambda t: 1 / (1 + mpmath.exp(-t)),
    "erf": lambda t: 2 / mpmath.sqrt(mpmath.pi) * mpmath.quad(lambda u: mpmath.exp(-u * u), [0, t]),
    "gelu": lambda t: t * (1 + mpmath.erf(t / mpmath.sqrt(2))) / 2,
    "elu": lambda t: t if t > 0 else mpmath.exp(t) - 1,
    "selu": lambda t: SELU_SCALE * (t if t > 0 else SELU_ALPHA * (mpmath.exp(t) - 1)),
    "swish": lambda t: t / (1 + mpmath.exp(-t)),
    "softplus": lambda t: mpmath.log(1 + mpmath.exp(t)),
    "mish": lambda t: t * mpmath.tanh(mpmath.log(1 + mpmath.exp(t))),
    "sin": mpmath.sin,
    "hard_sigmoid": lambda t: min(max(t + 3, 0), 6) / mpmath.mpf(6),
    "hard_swish": lambda t: t * min(max(t + 3, 0), 6) / mpmath.mpf(6),
    "relu2": lambda t: t * t if t > 0 else 0,
    "shifted_relu": lambda t: t if t > -0.5 else -mpmath.mpf(1) / 2,
    "smoothed_relu": lambda t: mpmath.quad(
        lambda u: (t + u) * mpmath.npdf(u), [-t, max(-t, 0) + 2, max(-t, 0) + 6, 40]
    ),
}


def entry_value(entry):
    positive = [p.name for p in entry.parameters if p.positive]
    expression = parse(entry.text, positive=positive)
    named = {s.name: s for s in expression.free_symbols - {x}}
    assert sorted(named) == sorted(p.name for p in entry.parameters)
    assert all(named[p.name].is_positive for p in entry.parameters if p.positive)
    return expression.subs({named[p.name]: p.default for p in entry.parameters})


def test_the_promised_names_in_order():
    assert library.names() == PROMISED
    assert set(DEFINITIONS) == set(PROMISED)


@pytest.mark.parametrize("name", PROMISED)
def test_values_follow_the_definition(name):
    expression = entry_value(library.LIBRARY[name])
    tolerance = mpmath.mpf(10) ** (-14 if name == "selu" else -45)
    for point in (-5, sp.Rational(-9, 7), sp.Rational(-1, 3), sp.Rational(2, 3), 4):
        with mpmath.workdps(60):
            at = mpmath.mpmathify(sp.Rational(point).evalf(70))
            found = mpmath.mpmathify(expression.subs(x, sp.Rational(point)).evalf(50))
            expected = DEFINITIONS[name](at)
            assert abs(found - expected) <= tolerance * (1 + abs(expected))


@pytest.mark.parametrize("name", PROMISED)
def test_entries_are_exact_and_cited(name):
    entry = library.LIBRARY[name]
    assert entry.name == name
    assert not parse(entry.text).has(sp.Float)
    assert re.search(r"\((19|20)\d\d\)", entry.source), "a year"
    assert re.search(r"arXiv:\d{4}\.\d{4,5}|ICML|NIPS|Nature|thesis|Springer", entry.source)
    assert all(isinstance(p.default, Fraction) for p in entry.parameters)


def test_selu_is_the_published_fixed_point():
    """Klambauer et al. (2017): mean 0 and variance 1 are kept; 30 decimals determine both."""
    phi = sp.lambdify(x, entry_value(library.LIBRARY["selu"]), "mpmath")
    with mpmath.workdps(40):
        law = [-30, -10, -3, 0, 3, 10, 30]
        mean = mpmath.quad(lambda t: phi(t) * mpmath.npdf(t), law)
        second = mpmath.quad(lambda t: phi(t) ** 2 * mpmath.npdf(t), law)
        assert abs(mean) < mpmath.mpf(10) ** -29
        assert abs(second - 1) < mpmath.mpf(10) ** -29


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("silu", "swish"),
        ("SiLU", "swish"),
        (" ReLU ", "relu"),
        ("relu²", "relu2"),
        ("relu^2", "relu2"),
        ("squared-relu", "relu2"),
        ("Hard Tanh", "hard_tanh"),
        ("identity", "linear"),
    ],
)
def test_resolve_finds_names_and_aliases(given, name):
    assert library.resolve(given).name == name


def test_names_are_unique_and_unknown_ones_are_none():
    every = [n for e in library.LIBRARY.values() for n in (e.name, *e.aliases)]
    assert len(every) == len(set(every))
    assert all(n == n.lower() for n in every)
    assert library.resolve("") is None
    assert library.resolve("x*Phi(x)") is None


def test_near_names():
    assert library.near("tahn")[0] == "tanh"
    assert library.near("sillu")[:2] == ["swish", "selu"]
    assert len(library.near("relu_")) <= 3
    assert library.near("zzzzzz") == []


def test_the_library_cannot_be_changed():
    with pytest.raises(TypeError):
        library.LIBRARY["relu"] = None


def test_smoothed_relu_tends_to_relu():
    expression = parse(library.LIBRARY["smoothed_relu"].text, positive=["s"])
    s = sp.Symbol("s", positive=True)
    assert expression.diff(x).equals(Phi(x / s))
    assert abs(expression.subs({s: sp.Rational(1, 10**6), x: -1}).evalf()) < 1e-100
