"""Closed-form mean-field kernels against what one would write otherwise; one run, ratios.

    python -m pip install 'freejac[bench]'
    python benchmarks/closed_form_kernels.py

The same formula, as the engine derives it and with shared parts computed once, is timed in three
other ways: `sympy.lambdify` for NumPy and SciPy, the same under JAX (jit, CPU, float64), and C that
SymPy prints, `cc -O3 -march=native`, with the C library's functions. All run in this process on one
processor over the same 10⁶ values of q; a figure is the best of many runs, and the runs of the
four are interleaved. What is not installed is left out, and said.

The formulas are those of a textbook, which lose all digits to cancellation or overflow at the ends
of the kernels' domain; q is drawn from 1e-3 to 1e2, evenly in log q, where they do not. `--whole`
draws it from 1e-12 to 1e12; what the others return there is not compared. Time is that of the
processor, which other processes do not lengthen.
"""

from __future__ import annotations

import ctypes
import math
import os
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Read when JAX is loaded.
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")

import numpy as np
import sympy as sp
from table import Line, text

import freejac as fj
from freejac.symbolic.functions import Phi
from freejac.symbolic.scaled import erfcx

POINTS = 1_000_000
SPAN, WHOLE = (-3.0, 2.0), (-12.0, 12.0)
"""Decades of q: where the textbook formulas hold, and all of the domain."""
CASES = (
    ("relu", "second_moment"),
    ("leaky_relu", "second_moment"),
    ("erf", "second_moment"),
    ("erf", "mu_1"),
    ("gelu", "second_moment"),
    ("gelu", "mu_1"),
    ("sin", "mu_1"),
    ("hard_tanh", "second_moment"),
    ("hard_tanh", "mu_1"),
    ("hard_swish", "second_moment"),
    ("hard_swish", "mu_1"),
    ("shifted_relu", "second_moment"),
    ("elu", "second_moment"),
    ("elu", "mu_1"),
    ("selu", "second_moment"),
)
TRIVIAL = {"relu", "leaky_relu"}
"""One multiplication: the memory is measured, not the arithmetic."""

Kernel = Callable[[], Any]


@dataclass(frozen=True)
class Row:
    """One kernel: nanoseconds a point of ours, and how many times that the others take.

    Attributes:
        name: activation and kernel.
        ours: nanoseconds a point.
        lambdify, jax, c: the time of each over ours; None where it was not run.
        trivial: whether the memory is the limit.
    """

    name: str
    ours: float
    lambdify: float | None
    jax: float | None
    c: float | None
    trivial: bool


@contextmanager
def one_processor() -> Iterator[None]:
    """Confine this process to one processor, where the system can."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def formula(activation: str, kernel: str) -> sp.Expr:
    """The closed form in q, parameters at their defaults, in functions that all of them know."""
    phi = fj.activation(activation)
    base, power = {
        "second_moment": (phi.function, 2),
        "mu_1": (phi.distribution(1), 2),
    }[kernel]
    expr = fj.expect(base**power).subs(phi.defaults)
    expr = expr.replace(Phi, lambda t: sp.erfc(-t / sp.sqrt(2)) / 2)
    return expr.replace(erfcx, lambda t: sp.exp(t**2) * sp.erfc(t))


def in_jax(expr: sp.Expr, q: np.ndarray) -> Kernel | None:
    """The formula under JAX's compiler, or None without JAX."""
    try:
        import jax
        import jax.numpy
        from jax.scipy import special
    except ImportError:
        return None
    jax.config.update("jax_enable_x64", True)
    names = {"erf": special.erf, "erfc": special.erfc, "pi": math.pi}
    names |= {n: getattr(jax.numpy, n) for n in ("sqrt", "exp")}
    names |= {"asin": jax.numpy.arcsin, "atan": jax.numpy.arctan}
    # SymPy's printer for plain Python, with JAX's functions in place of those of `math`.
    body = jax.jit(sp.lambdify(fj.q, expr, modules=[names], cse=True, use_imps=False))
    values = jax.numpy.asarray(q)
    return lambda: body(values).block_until_ready()


def in_c(expr: sp.Expr, q: np.ndarray, out: np.ndarray, folder: Path) -> Kernel | None:
    """The formula as a C loop, or None without a compiler."""
    compiler = shutil.which("cc")
    if compiler is None:
        return None
    shared, (result,) = sp.cse(expr)
    lines = [f"const double {name} = {sp.ccode(part)};" for name, part in shared]
    text = "#include <math.h>\nvoid kernel(const double *in, double *restrict out, long n) {\n"
    text += "for (long i = 0; i < n; i++) { const double q = in[i];\n"
    text += "\n".join([*lines, f"out[i] = {sp.ccode(result)};", "}}\n"])
    source = folder / f"kernel_{len(list(folder.iterdir()))}.c"
    source.write_text(text)
    library = source.with_suffix(".so")
    options = ["-O3", "-march=native", "-std=gnu11", "-shared", "-fPIC"]
    subprocess.run([compiler, *options, "-o", library, source, "-lm"], check=True)
    function = ctypes.CDLL(str(library)).kernel
    ends = [a.ctypes.data_as(ctypes.c_void_p) for a in (q, out)]
    return lambda: function(*ends, ctypes.c_long(q.size))


def best_times(works: Sequence[Kernel | None], least: float = 0.5) -> list[float | None]:
    """Seconds of the fastest run of each, in rounds that fill `least` seconds a work."""
    present = [w for w in works if w is not None]
    for work in present:
        work()
    best = {id(work): math.inf for work in present}
    end = time.perf_counter() + least * len(present)
    while time.perf_counter() < end:
        for work in present:
            start = time.process_time()
            work()
            best[id(work)] = min(best[id(work)], time.process_time() - start)
    return [None if work is None else best[id(work)] for work in works]


def rows(
    cases: Sequence[tuple[str, str]] = CASES,
    points: int = POINTS,
    span: tuple[float, float] = SPAN,
) -> list[Row]:
    """Measure one multiplication, and then every case; results are compared with ours first."""
    q = 10.0 ** np.random.default_rng(0).uniform(*span, points)
    q = np.clip(q, 10.0 ** span[0], 10.0 ** span[1])
    with (
        one_processor(),
        tempfile.TemporaryDirectory() as folder,
        warnings.catch_warnings(),
        np.errstate(all="ignore"),
    ):
        half = np.empty(points)
        (floor,) = best_times([lambda: np.multiply(q, 0.5, out=half)])
        found = [Row("q/2", 1e9 * (floor or math.nan) / points, None, None, None, True)]
        for activation, kernel in cases:
            expr = formula(activation, kernel)
            ours, theirs = np.empty(points), np.empty(points)
            kernels = fj.kernels(activation)
            function = getattr(kernels.module, kernel)
            extra = tuple(kernels.defaults.values())
            lambdified = sp.lambdify(fj.q, expr, modules=["scipy", "numpy"], cse=True)
            works = [
                lambda f=function, e=extra, o=ours: f(q, *e, out=o),
                lambda f=lambdified: f(q),
                in_jax(expr, q),
                in_c(expr, q, theirs, Path(folder)),
            ]
            if span == SPAN:
                _compare(works, theirs, f"{activation} {kernel}")
            mine, *others = best_times(works)
            ratios = [None if t is None or mine is None else t / mine for t in others]
            name = f"{activation} {kernel}"
            found.append(Row(name, 1e9 * (mine or 0.0) / points, *ratios, activation in TRIVIAL))
    return found


def _compare(works: Sequence[Kernel | None], by_c: np.ndarray, name: str) -> None:
    """They compute the same: to what the textbook's form leaves of the digits."""
    expected = works[0]()
    for number, work in enumerate(works[1:], 1):
        if work is not None:
            values = by_c if (result := work()) is None or number == 3 else np.asarray(result)
            assert np.allclose(values, expected, rtol=1e-8, atol=0.0), (name, number)


_ASKED = {"sympy.lambdify, NumPy and SciPy": 10.0, "JAX jit": 5.0, "C, -O3 -march=native": 0.8}


def lines(cases: Sequence[tuple[str, str]] = CASES, span: tuple[float, float] = SPAN) -> list[Line]:
    """The table: ours, what else there is, and what one multiplication costs."""
    floor, *table = rows(cases, span=span)
    where = f"q in [1e{span[0]:g}, 1e{span[1]:g}]"
    found = [Line("q/2", "numpy.multiply", 1e-9 * floor.ours, remark="what the memory allows")]
    for row in table:
        limit = f"memory-bound: {row.ours / floor.ours:.1f} × q/2" if row.trivial else where
        found.append(Line(row.name, "freejac", 1e-9 * row.ours, remark=limit))
        for by, ratio in zip(_ASKED, (row.lambdify, row.jax, row.c), strict=True):
            if ratio is None:
                found.append(Line(row.name, by, math.nan, remark="not installed"))
                continue
            verdict = "" if ratio >= _ASKED[by] else ": missed"
            remark = f"asked {_ASKED[by]:g}{verdict}"
            found.append(Line(row.name, by, 1e-9 * row.ours * ratio, ratio, remark=remark))
    return found


def main() -> None:
    """Print the table."""
    print(text(lines(span=WHOLE if "--whole" in sys.argv[1:] else SPAN)))


if __name__ == "__main__":
    main()
