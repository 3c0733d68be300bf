"""Duals of ReLU, erf and GELU: nanoseconds a point and worst errors, against the textbook formulas.

    python -m pip install jax
    python benchmarks/dual_kernels.py

The textbook formulas are those of libraries of neural-network kernels: Cho & Saul (2009) with
arccos for ReLU, Williams (1997) with arcsin for erf, and GELU's with the determinant of the
covariance; in NumPy, and under JAX's jit in double precision where JAX is installed. Everything is
timed in this process on one thread. Errors are relative, against the closed form at hundreds of
digits, on correlations that approach ±1 by factors of ten.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import mpmath
import numpy as np
import sympy as sp
from table import Line, text
from timing import seconds

import freejac as fj
from freejac.symbolic.symbols import c as correlation
from freejac.symbolic.symbols import q as variance

POINTS = 1_000_000
NAMES = ("relu", "erf", "gelu")
NUMPY, JAX = "NumPy", "JAX jit"
ASKED = {NUMPY: 10.0, JAX: 5.0}
"""How many times our time they are to take."""


@dataclass(frozen=True)
class Row:
    """One dual, evaluated in one way.

    Attributes:
        dual: the activation.
        way: what evaluates it.
        nanoseconds: time of one point.
        errors: worst relative error within 1e-3 of c = −1, of c = 1, and between.
    """

    dual: str
    way: str
    nanoseconds: float
    errors: tuple[float, float, float]


def textbook(np: Any) -> dict[str, Callable[[Any, Any], Any]]:
    """The formulas as they stand in the literature, in NumPy or in anything with its names."""

    def relu(q: Any, c: Any) -> Any:
        return q / (2 * np.pi) * (np.sqrt(1 - c * c) + (np.pi - np.arccos(c)) * c)

    def erf(q: Any, c: Any) -> Any:
        return 2 / np.pi * np.arcsin(2 * c * q / (1 + 2 * q))

    def gelu(q: Any, c: Any) -> Any:
        shared = c * q
        root = np.sqrt((1 + q) ** 2 - shared**2)
        first = q * q * (1 + q + c * c - c * c * q) / ((1 + q) * root)
        return (first + shared * (np.pi / 2 + np.arcsin(shared / (1 + q)))) / (2 * np.pi)

    return {"relu": relu, "erf": erf, "gelu": gelu}


def sample(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Variances from 1e-2 to 1e2 and correlations, half of them close to ±1."""
    draw = np.random.default_rng(seed)
    q = 10.0 ** draw.uniform(-2.0, 2.0, POINTS)
    near = 1.0 - 10.0 ** draw.uniform(-16.0, 0.0, POINTS)
    c = np.where(draw.random(POINTS) < 0.5, draw.uniform(-1.0, 1.0, POINTS), near)
    return q, np.where(draw.random(POINTS) < 0.5, c, -c)


def exact(name: str, q: np.ndarray, c: np.ndarray) -> list[mpmath.mpf]:
    """The closed form at 200 digits."""
    closed = fj.expect2(*(fj.activation(name).expr,) * 2)
    function = sp.lambdify([variance, correlation], closed, "mpmath")
    with mpmath.workdps(200):
        return [
            function(mpmath.mpf(float(a)), mpmath.mpf(float(b))) for a, b in zip(q, c, strict=True)
        ]


def errors(name: str, way: Callable[[Any, Any], Any]) -> tuple[float, float, float]:
    """Worst relative errors near c = −1, near c = 1, and between.

    Between, where a dual may cross zero, they are relative to the value at c = 1 at least by 1e-2.
    """
    steps = 10.0 ** -np.arange(3.0, 16.0)
    worst = []
    for ends in (-1.0 + steps, 1.0 - steps, np.linspace(-0.99, 0.99, 40)):
        q, c = (grid.ravel() for grid in np.meshgrid(np.geomspace(1e-2, 1e2, 9), ends))
        with np.errstate(all="ignore"):
            values = np.asarray(way(q, c))
        floor = 0.0 if ends.size < 40 else 1e-2
        worst.append(
            max(
                float(abs(float(value) - reference) / max(abs(reference), floor * abs(largest)))
                for value, reference, largest in zip(
                    values, exact(name, q, c), exact(name, q, np.ones_like(q)), strict=True
                )
            )
        )
    return worst[0], worst[1], worst[2]


def ways() -> Iterator[tuple[str, dict[str, Callable[[Any, Any], Any]]]]:
    """What is compared: the kernels, NumPy, and JAX where it is installed."""
    yield "freejac", {name: fj.kernels(name).dual for name in NAMES}
    yield NUMPY, textbook(np)
    compiled = under_jax()
    if compiled:
        yield JAX, compiled


def under_jax() -> dict[str, Callable[[Any, Any], Any]]:
    """The textbook formulas compiled by JAX; nothing where it is not installed."""
    if find_spec("jax") is None:
        return {}
    jax = import_module("jax")
    jax.config.update("jax_enable_x64", True)
    formulas = {name: jax.jit(run) for name, run in textbook(import_module("jax.numpy")).items()}
    return {name: partial(_waiting, run) for name, run in formulas.items()}


def _waiting(run: Callable[[Any, Any], Any], q: Any, c: Any) -> Any:
    return run(q, c).block_until_ready()


def rows() -> list[Row]:
    """Measure everything in one process."""
    given = sample()
    return [
        Row(name, way, _nanoseconds(run, *own(way, given)), errors(name, run))
        for way, functions in ways()
        for name, run in functions.items()
    ]


def own(way: str, arrays: Sequence[np.ndarray]) -> list[Any]:
    """The arrays as each has them: JAX in its own, so that it need not copy them."""
    if way != JAX:
        return list(arrays)
    return [import_module("jax.numpy").asarray(array) for array in arrays]


def _nanoseconds(run: Callable[[Any, Any], Any], q: Any, c: Any) -> float:
    return 1e9 * seconds(partial(run, q, c)) / POINTS


def _verdict(way: str, ratio: float) -> str:
    return f"asked {ASKED[way]:g}{'' if ratio >= ASKED[way] else ': missed'}; "


def lines() -> list[Line]:
    """The table; the error is the worst anywhere, where it is depends on c."""
    table = rows()
    ours = {row.dual: row.nanoseconds for row in table if row.way == "freejac"}
    return [
        Line(
            f"{row.dual} E[φφ]",
            row.way,
            1e-9 * row.nanoseconds,
            None if row.way == "freejac" else row.nanoseconds / ours[row.dual],
            max(row.errors),
            (_verdict(row.way, row.nanoseconds / ours[row.dual]) if row.way in ASKED else "")
            + "error c → −1: {:.0e}, c → 1: {:.0e}, between: {:.0e}".format(*row.errors),
        )
        for row in sorted(table, key=lambda row: NAMES.index(row.dual))
    ]


def main() -> None:
    """Print the table."""
    print(text(lines()))


if __name__ == "__main__":
    main()
