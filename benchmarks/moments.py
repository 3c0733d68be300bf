"""m_1 … m_n of the Gaussian Bernoulli network, L and p symbolic: against what one would write.

    python benchmarks/moments.py            # n = 20; sympy.series gets 60 seconds

All use Lagrange's formula m_k = (1/k) [z^{k−1}] ((1+z)/S)^k, S = (σ_w²(z + p))^{−L}, in one run, so
that the ratios do not depend on the machine's speed. Ours is timed as soon as a fresh process has
imported the library, first the network, whose S-transform is then derived, and its moments; and
again with nothing but code warm. The rings by hand write no formula as one would read it.
`sympy.series` runs in a process of its own with a limit on its processor time; where it does not
finish, the ratio is a lower bound.
"""

from __future__ import annotations

import multiprocessing
import resource
import sys
import time
from collections.abc import Callable
from multiprocessing.connection import Connection

import flint
import sympy as sp
from sympy.core.cache import clear_cache

from freejac.symbolic.derivative_law import bernoulli
from freejac.symbolic.jacobian import Jacobian
from freejac.symbolic.symbols import depth, p, z

COUNT = int(sys.argv[1]) if len(sys.argv) > 1 else 20
LIMIT = 60
"""Seconds of processor time for `sympy.series`."""


def network() -> Jacobian:
    """The network: its S-transform is derived from the definition of the ensemble."""
    return Jacobian(bernoulli(), "gaussian")


def ours(count: int) -> tuple[sp.Expr, ...]:
    """The library, with a network that knows nothing yet."""
    return network().moments(count)


def ring(count: int) -> list[sp.Expr]:
    """By hand in a polynomial ring of SymPy: (1+z)^k (1 + z/p)^{kL}, binomial by binomial."""
    polynomials, layers, inverse = sp.ring([depth, sp.Symbol("r")], sp.QQ)
    found = []
    for k in range(1, count + 1):
        total, term = polynomials.zero, polynomials.one
        for j in range(k):
            total += int(sp.binomial(k, k - 1 - j)) * term
            term = term * (k * layers - j) * inverse / (j + 1)
        found.append((total / k).as_expr().subs(sp.Symbol("r"), 1 / p))
    return found


def flint_ring(count: int) -> list[object]:
    """The same with python-flint; the results stay polynomials in L and 1/p."""
    context = flint.fmpq_mpoly_ctx.get(("L", "r"), "lex")
    layers, inverse = context.gens()
    one = context.constant(1)
    found = []
    for k in range(1, count + 1):
        total, term = 0 * one, one
        for j in range(k):
            total += int(sp.binomial(k, k - 1 - j)) * term
            term = term * (k * layers - j) * inverse / (j + 1)
        found.append(total / k)
    return found


def series(count: int, report: Callable[[int], None]) -> list[sp.Expr]:
    """With `sympy.series`, as one would type it."""
    found = []
    for k in range(1, count + 1):
        power = sp.series(((1 + z) * (1 + z / p) ** depth) ** k, z, 0, k).removeO()
        found.append(sp.expand(power).coeff(z, k - 1) / k)
        report(k)
    return found


def timed(work: Callable[[], object]) -> float:
    """Processor seconds of one call, with SymPy's cache empty."""
    clear_cache()
    start = time.process_time()
    work()
    return time.process_time() - start


def cold() -> tuple[float, float]:
    """Processor seconds for the network and for its moments, the first in this process."""
    start = time.process_time()
    made = network()
    between = time.process_time()
    made.moments(COUNT)
    return between - start, time.process_time() - between


def _limited(count: int, answers: Connection) -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (int(time.process_time()) + LIMIT, -1))
    start = time.process_time()
    series(count, lambda k: answers.send((k, time.process_time() - start)))


def limited(count: int) -> tuple[int, float]:
    """How many moments `sympy.series` finds within the limit, and in how many seconds."""
    here, there = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("fork").Process(target=_limited, args=(count, there))
    process.start()
    there.close()
    reached, seconds = 0, 0.0
    while True:
        try:
            reached, seconds = here.recv()
        except EOFError:
            break
    process.join()
    return reached, seconds if reached == count else float(LIMIT)


def main() -> None:
    """Check that all agree, time them, and print the ratios."""
    first_network, first_moments = cold()
    few = min(COUNT, 4)
    mean = network().mean
    ratios = [moment / mean**k for k, moment in enumerate(ours(few), start=1)]
    for a, b, c in zip(ratios, ring(few), series(few, lambda _: None), strict=True):
        if sp.simplify(a - b) != 0 or sp.simplify(a - c) != 0:
            raise SystemExit(f"they differ: {a}, {b}, {c}")
    rows = [
        ("freejac, first in a process: the network", first_network),
        ("freejac, first in a process: its moments", first_moments),
        ("freejac, both once more", fast := min(timed(lambda: ours(COUNT)) for _ in range(3))),
        ("a SymPy ring by hand", min(timed(lambda: ring(COUNT)) for _ in range(3))),
        ("python-flint by hand", min(timed(lambda: flint_ring(COUNT)) for _ in range(3))),
    ]
    reached, slow = limited(COUNT)
    bound = "" if reached == COUNT else f" (stopped: m_1 … m_{reached})"
    print(f"{f'm_1 … m_{COUNT}, L and p symbolic':44s}  processor time   against ours")
    for name, seconds in rows:
        print(f"{name:44s} {seconds:11.4f} s {seconds / fast:12.2f} ×")
    print(f"{'sympy.series':44s} {slow:11.4f} s {slow / fast:12.0f} ×{bound}")


if __name__ == "__main__":
    main()
