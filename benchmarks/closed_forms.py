"""Which Gaussian means close, and how fast: freejac against SymPy's integrator, in one run.

    python benchmarks/closed_forms.py                 # 19 activations × 4 means, and 20 duals
    python benchmarks/closed_forms.py --limit 60      # more processor time for each cell
    python benchmarks/closed_forms.py --only freejac

Every cell runs in a process of its own that has everything imported and nothing computed, with a
limit on its processor time. A form is right when it agrees with quadrature of the definition to
1e-25 of the root mean square of the integrand, at small, middle and large q (and correlations of
both signs); a form that takes more than a minute to evaluate is counted as wrong.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import sympy as sp
import sympy_route
from closed_form_cases import GOOD, Case, Values, deviation, q1, q2
from limited import Send, allow, run_limited

from freejac.symbolic.activation import activation
from freejac.symbolic.bivariate import expect2
from freejac.symbolic.errors import NoClosedForm
from freejac.symbolic.expectation import expect
from freejac.symbolic.piecewise import PiecewiseFunction, decompose
from freejac.symbolic.symbols import c, q

ACTIVATIONS = {
    "linear": "x", "relu": "relu(x)", "leaky relu": "leaky_relu(a)", "abs": "abs(x)",
    "relu²": "relu(x)**2", "shifted relu": "max(x, -1)", "hard tanh": "hard_tanh",
    "hard sigmoid": "hard_sigmoid", "hard swish": "hard_swish", "elu": "elu(alpha)",
    "celu": "where(x > 0, x, alpha*(exp(x/alpha) - 1))", "selu": "selu", "erf": "erf(x)",
    "gelu": "gelu", "smoothed relu": "smoothed_relu(s)", "sin": "sin(x)",
    "snake": "x + sin(a*x)**2/a", "gabor": "exp(-x**2/2)*cos(2*x)", "cubic": "x + x**3/3",
}  # fmt: skip
MEANS: dict[str, Callable[[PiecewiseFunction], PiecewiseFunction]] = {
    "E[φ]": lambda f: f,
    "E[φ²]": lambda f: f**2,
    "E[φ′²]": lambda f: f.derivative() ** 2,
    "E[φ′⁴]": lambda f: f.derivative() ** 4,
}
DUALS = {
    "x": "x", "Hermite 3": "x**3 - 3*x", "exp": "exp(x)", "sin": "sin(x)", "cos": "cos(x)",
    "Gaussian bump": "exp(-x**2)", "step": "where(x > 0, 1, 0)", "sign": "sign(x)",
    "relu": "relu(x)", "relu²": "relu(x)**2", "relu³": "relu(x)**3", "abs": "abs(x)",
    "leaky relu": "where(x > 0, x, a*x)", "erf": "erf(x)", "Phi": "Phi(x)", "gelu": "x*Phi(x)",
    "hard tanh": "clip(x, -1, 1)", "hard sigmoid": "clip(x/6 + 1/2, 0, 1)",
    "shifted relu": "max(x, -1)", "elu": "where(x > 0, x, exp(x) - 1)",
}  # fmt: skip

Q = tuple(sp.Rational(text) for text in ("1/100", "1", "25"))
C = (sp.Rational(1, 2), -sp.Rational(9, 10))
PARAMETER = sp.Rational(3, 7)

VERDICTS = ("right", "wrong", "refused", "timed out")


@dataclass(frozen=True)
class Cell:
    """A mean to find; g is None in one variable."""

    name: str
    f: PiecewiseFunction
    g: PiecewiseFunction | None = None

    def cases(self) -> Iterator[Case]:
        """Where a form is checked."""
        parameters = dict.fromkeys(self.f.free_symbols, PARAMETER)
        f, g = self.f.to_sympy(), None if self.g is None else self.g.to_sympy()
        for index, at in enumerate(Q):
            values: Values = {q: at, **parameters}
            if g is not None:
                values = {q1: at, q2: Q[index - 1], c: C[index % 2], **parameters}
            yield Case(self.name, f, g, values)


def ours(cell: Cell) -> sp.Expr:
    """The closed form by this library."""
    return expect(cell.f) if cell.g is None else expect2(cell.f, cell.g, q1, q2, c)


def theirs(cell: Cell) -> sp.Expr:
    """The closed form by SymPy's integrator."""
    if cell.g is None:
        return sympy_route.mean(cell.f, q)
    return sympy_route.mean2(cell.f, cell.g, q1, q2, c)


ENGINES = {"freejac": ours, "SymPy": theirs}


def cells() -> list[list[Cell]]:
    """One variable, and two."""
    one = [
        Cell(f"{label} of {name}", mean(activation(text).function))
        for name, text in ACTIVATIONS.items()
        for label, mean in MEANS.items()
    ]
    two = [Cell(f"dual of {name}", decompose(activation(t).expr)) for name, t in DUALS.items()]
    return [one, [Cell(cell.name, cell.f, cell.f) for cell in two]]


def attempt(engine: Callable[[Cell], sp.Expr], cell: Cell, send: Send) -> None:
    """Send the seconds it took, then the verdict and a note."""
    start = time.process_time()
    try:
        form = engine(cell)
    except (NoClosedForm, sympy_route.NotFoundError) as refusal:
        send(time.process_time() - start)
        send(("refused", str(refusal)))
        return
    except Exception as crash:  # of the integrator: it has no answer
        send(time.process_time() - start)
        send(("refused", f"crashed: {crash!r}"))
        return
    send(time.process_time() - start)
    allow(60)
    form = sp.expand(form)  # whose terms show how much they cancel
    worst = max(deviation(case, form) for case in cell.cases())
    send(("right" if worst < GOOD else "wrong", f"off by {float(worst):.1e}: {form}"))


def judge(engine: Callable[[Cell], sp.Expr], cell: Cell, limit: int) -> tuple[str, float, str]:
    """Verdict, seconds and a note."""
    messages = run_limited(lambda send: attempt(engine, cell, send), limit)
    if not messages:
        return "timed out", float(limit), ""
    if len(messages) == 1:
        return "wrong", messages[0], "its form does not evaluate"
    return messages[1][0], messages[0], messages[1][1]


def main() -> int:
    """Print a table; 1 if a form of ours is wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--limit", type=int, default=10, help="seconds of processor time a cell")
    parser.add_argument("--only", choices=ENGINES)
    parser.add_argument("--verbose", action="store_true", help="a line for every cell")
    options = parser.parse_args()
    expect("erf(x)**2*relu(x)"), expect2("relu(x)", "erf(x)")  # everything is imported
    wrong = 0
    print(f"{'':12s}{'':10s}" + "".join(f"{v:>11s}" for v in VERDICTS) + "    median    longest")
    for title, group in zip(("one variable", "two"), cells(), strict=True):
        for name, engine in ENGINES.items():
            if options.only not in (None, name):
                continue
            found = []
            for number, cell in enumerate(group, 1):
                if sys.stderr.isatty():
                    print(f"\r{name}: {number} of {len(group)}  ", end="", file=sys.stderr)
                found.append(judge(engine, cell, options.limit))
                if options.verbose:
                    verdict, seconds, note = found[-1]
                    print(f"{name:9s}{cell.name:28s}{verdict:10s}{seconds:8.3f} s  {note[:90]}")
            counts = Counter(verdict for verdict, _, _ in found)
            seconds = [s for verdict, s, _ in found if verdict == "right"] or [float("nan")]
            row = "".join(f"{counts[v]:11d}" for v in VERDICTS)
            spread = f"{1e3 * statistics.median(seconds):7.1f} ms{max(seconds):9.2f} s"
            print(f"{title:14s}{name:8s}{row} {spread}", flush=True)
            if name == "freejac":
                wrong += counts["wrong"]
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
