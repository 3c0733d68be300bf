"""Closed-form mean-field kernels against what one would write otherwise; one run, ratios.

    python -m pip install 'freejac[bench]'
    python benchmarks/closed_form_kernels.py

The same formula, as the engine derives it and with shared parts computed once, is timed in three
other ways: `sympy.lambdify` for NumPy and SciPy, the same under JAX (jit, CPU, float64), and C that
SymPy prints, `cc -O3 -march=native`, with the C library's functions. All run in this process on one
processor over the same 10⁶ values of q; a figure is the best of many runs, and the runs of the
four are interleaved. What is not installed is left out, and said.

The formulas are those of a textbook, which lose all digits to cancellation or overflow at the ends
of the kernels' domain; q is drawn from 1e-3 to 1e2, where they do not.
"""

from __future__ import annotations

import ctypes
import math
import os
import shutil
import subprocess
import tempfile
import time
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

import freejac as fj
from freejac.symbolic.functions import Phi
from freejac.symbolic.scaled import erfcx

POINTS = 1_000_000
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


def best_times(works: Sequence[Kernel | None], least: float = 1.0) -> list[float | None]:
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


def rows(cases: Sequence[tuple[str, str]] = CASES, points: int = POINTS) -> list[Row]:
    """Measure; every result is compared with ours first."""
    q = 10.0 ** np.random.default_rng(0).uniform(-3.0, 2.0, points)
    found = []
    with one_processor(), tempfile.TemporaryDirectory() as folder:
        for activation, kernel in cases:
            expr = formula(activation, kernel)
            ours, theirs = np.empty(points), np.empty(points)
            function = fj.kernels(activation).module
            function = getattr(function, kernel)
            extra = fj.kernels(activation).defaults.values()
            lambdified = sp.lambdify(fj.q, expr, modules=["scipy", "numpy"], cse=True)
            works = [
                lambda f=function, e=tuple(extra), o=ours: f(q, *e, out=o),
                lambda f=lambdified: f(q),
                in_jax(expr, q),
                in_c(expr, q, theirs, Path(folder)),
            ]
            _compare(works, theirs, f"{activation} {kernel}")
            mine, *others = best_times(works)
            ratios = [None if t is None else t / mine for t in others]
            name = f"{activation} {kernel}"
            found.append(Row(name, 1e9 * mine / points, *ratios, activation in TRIVIAL))
    return found


def _compare(works: Sequence[Kernel | None], by_c: np.ndarray, name: str) -> None:
    """They compute the same: to what the textbook's form leaves of the digits."""
    expected = works[0]()
    for number, work in enumerate(works[1:], 1):
        if work is not None:
            values = by_c if (result := work()) is None or number == 3 else np.asarray(result)
            assert np.allclose(values, expected, rtol=1e-8, atol=0.0), (name, number)


def main() -> None:
    """Print the table."""
    table = rows()
    heads = f"{'lambdify':>9s} {'JAX':>7s} {'C':>7s}"
    print(f"{'kernel, 10⁶ points, one processor':36s} {'ours':>9s} {heads}")
    for row in table:
        ratios = [
            f"{'-':>{width}s}" if ratio is None else f"{ratio:{width - 2}.1f} ×"
            for ratio, width in ((row.lambdify, 9), (row.jax, 7), (row.c, 7))
        ]
        mark = "  (memory-bound)" if row.trivial else ""
        print(f"{row.name:36s} {row.ours:6.2f} ns {' '.join(ratios)}{mark}")
    if table[0].jax is None:
        print("JAX is not installed: its column is left out.")
    if table[0].c is None:
        print("There is no C compiler: its column is left out.")


if __name__ == "__main__":
    main()
