"""Closed-form mean-field kernels against what one would write otherwise; one run, ratios.

    python -m pip install 'freejac[bench]'
    python benchmarks/closed_form_kernels.py

The same formula, as the engine derives it and with shared parts computed once, is timed in three
other ways: `sympy.lambdify` for NumPy and SciPy, the same under JAX (jit, CPU, float64), and C that
SymPy prints, `cc -O3 -march=native`, with the C library's functions. All run in this process on one
processor over the same 10⁶ values of q; a figure is the best of many runs, and the four take turns
of five calls, so that each finds its arrays in the caches. What is not installed is left out, and
said.

Three more are timed beside them: q/2, by NumPy, into an array that is there, as ours and C write
into, and a root and an exponential where the formula has one, each the fastest that is at hand. No
kernel is faster than these, so what another takes over the longest of them is the most that a ratio
can be: "the memory", "a root" or "an exponential allows" so much where that is less than what was
asked. A ratio that is allowed and that ours does not reach is "missed". Lambdified formulas and JAX
make new arrays, whose pages GNU's allocator gives back and makes again, up to 3 ns a point for
each: that is what they take, unless it is told to keep them, `--keep-pages`.

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
from timing import keep_pages

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
    ("relu", "length_map"),
    ("erf", "length_map"),
    ("gelu", "length_map"),
    ("gelu", "chi"),
    ("elu", "chi"),
)
SCALES = {"sigma_w": sp.Rational(3, 2), "sigma_b": sp.Rational(1, 4)}
"""Where the maps are taken; the others have these numbers in their formulas."""

FLOORS: dict[str, Callable[..., Any]] = {
    "the memory": lambda q, out: np.multiply(q, 0.5, out),
    "a root": fj.compile(sp.sqrt(1 + 2 * fj.q), [fj.q]),
    "an exponential": np.exp,
}
"""What no kernel is faster than: each by itself, into an array that is there."""
PARTS = {"the memory": (sp.Symbol,), "a root": (sp.Pow, sp.asin), "an exponential": (sp.exp,)}
"""What a formula has that takes it."""

_TURN = 5
"""Calls of one way before it is another's turn."""

Kernel = Callable[[], Any]


@dataclass(frozen=True)
class Row:
    """One kernel: nanoseconds a point of ours, and how many times that the others take.

    Attributes:
        name: activation and kernel.
        ours: nanoseconds a point.
        limit: what no kernel of this formula is faster than.
        floor: the nanoseconds a point of that.
        lambdify, jax, c: the time of each over ours; None where it was not run.
    """

    name: str
    ours: float
    limit: str
    floor: float
    lambdify: float | None
    jax: float | None
    c: float | None


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
    slope = kernel in {"mu_1", "chi"}
    expr = fj.expect((phi.distribution(1) if slope else phi.function) ** 2).subs(phi.defaults)
    if kernel in {"length_map", "chi"}:
        expr = SCALES["sigma_w"] ** 2 * expr + (0 if slope else SCALES["sigma_b"] ** 2)
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

    def call() -> np.ndarray:
        function(*ends, ctypes.c_long(q.size))
        return out

    return call


def best_times(works: Sequence[Kernel | None], least: float = 0.5) -> list[float | None]:
    """Seconds of the fastest run of each, in rounds that fill `least` seconds a work."""
    present = [w for w in works if w is not None]
    for work in present:
        work()
    best = {id(work): math.inf for work in present}
    end = time.perf_counter() + least * len(present)
    while time.perf_counter() < end:
        for work in present:
            for _ in range(_TURN):
                start = time.process_time()
                work()
                best[id(work)] = min(best[id(work)], time.process_time() - start)
    return [None if work is None else best[id(work)] for work in works]


def rows(
    cases: Sequence[tuple[str, str]] = CASES,
    points: int = POINTS,
    span: tuple[float, float] = SPAN,
) -> list[Row]:
    """Measure every case; results are compared with ours first."""
    q = 10.0 ** np.random.default_rng(0).uniform(*span, points)
    q = np.clip(q, 10.0 ** span[0], 10.0 ** span[1])
    found = []
    with (
        one_processor(),
        tempfile.TemporaryDirectory() as folder,
        warnings.catch_warnings(),
        np.errstate(all="ignore"),
    ):
        for activation, kernel in cases:
            expr = formula(activation, kernel)
            function, numbers = _ours(activation, kernel)
            values, theirs, least = (np.empty(points) for _ in range(3))
            lambdified = sp.lambdify(fj.q, expr, modules=["scipy", "numpy"], cse=True)
            works = [
                lambda f=function, n=numbers, o=values: f(q, *n, out=o),
                lambda f=lambdified: f(q),
                in_jax(expr, q),
                in_c(expr, q, theirs, Path(folder)),
            ]
            name = f"{activation} {kernel}"
            if span == SPAN:
                _compare(works, name)
            floors = {
                limit: lambda f=function, o=least: f(q, o)
                for limit, function in FLOORS.items()
                if expr.atoms(*PARTS[limit])
            }
            times = best_times([*works, *floors.values()])
            mine, others = times[0], times[1 : len(works)]
            assert mine is not None
            reached = dict(zip(floors, (t or math.nan for t in times[len(works) :]), strict=True))
            limit = max(reached, key=reached.__getitem__)
            ratios = [None if t is None else t / mine for t in others]
            nanoseconds = (1e9 * t / points for t in (mine, reached[limit]))
            ours, floor = nanoseconds
            found.append(Row(name, ours, limit, floor, *ratios))
    return found


def _ours(activation: str, kernel: str) -> tuple[np.ufunc, list[float]]:
    """Our kernel, and its arguments after q."""
    kernels = fj.kernels(activation)
    function = getattr(kernels.module, kernel)
    scales = {"length_map": ("sigma_w", "sigma_b"), "chi": ("sigma_w",)}.get(kernel, ())
    return function, [*(float(SCALES[s]) for s in scales), *kernels.defaults.values()]


def _compare(works: Sequence[Kernel | None], name: str) -> None:
    """They compute the same: to what the textbook's form leaves of the digits."""
    expected, *others = [None if work is None else np.asarray(work()) for work in works]
    for number, values in enumerate(others, 1):
        if values is not None:
            assert np.allclose(values, expected, rtol=1e-8, atol=0.0), (name, number)


_ASKED = {"sympy.lambdify, NumPy and SciPy": 10.0, "JAX jit": 5.0, "C, -O3 -march=native": 0.8}


def lines(cases: Sequence[tuple[str, str]] = CASES, span: tuple[float, float] = SPAN) -> list[Line]:
    """The table: ours, what else there is, and what is the most that there can be."""
    where = f"q in [1e{span[0]:g}, 1e{span[1]:g}]"
    found = []
    for row in rows(cases, span=span):
        least = f"{where}; {row.limit} takes {row.floor:.2f} ns"
        found.append(Line(row.name, "freejac", 1e-9 * row.ours, remark=least))
        for by, ratio in zip(_ASKED, (row.lambdify, row.jax, row.c), strict=True):
            if ratio is None:
                found.append(Line(row.name, by, math.nan, remark="not installed"))
                continue
            remark = _verdict(_ASKED[by], ratio, row)
            found.append(Line(row.name, by, 1e-9 * row.ours * ratio, ratio, remark=remark))
    return _floors() + found


def _floors() -> list[Line]:
    """What little takes by itself; last of all, because it changes what the allocator keeps."""
    q, out = np.ones(POINTS), np.empty(POINTS)
    ratio = fj.compile(sp.sqrt(1 + 2 * fj.q) / (1 + fj.q), [fj.q])
    found = [
        ("q/2", "numpy.multiply", "into an array that is there", lambda: np.multiply(q, 0.5, out)),
        ("q/2", "numpy.multiply", "a new array", lambda: q * 0.5),
        ("√(1 + 2q)/(1 + q)", "freejac.compile", "a root and a division", lambda: ratio(q, out)),
    ]
    return [
        Line(what, by, (best_times([work])[0] or math.nan) / POINTS, remark=remark)
        for what, by, remark, work in found
    ]


def _verdict(asked: float, ratio: float, row: Row) -> str:
    """What was asked and, where that is not met, the most that there can be."""
    if ratio >= asked:
        return f"asked {asked:g}"
    share = row.floor / row.ours
    allowed = ratio / share
    verdict = f"; {row.limit} allows {allowed:.1f}" if allowed < asked else ": missed"
    return f"asked {asked:g}{verdict}; that is {100 * share:.0f} % of our time"


def main() -> None:
    """Print the table."""
    if "--keep-pages" in sys.argv[1:]:
        keep_pages()
    print(text(lines(span=WHOLE if "--whole" in sys.argv[1:] else SPAN)))


if __name__ == "__main__":
    main()
