"""Fast kernels of an activation: the committed ones for the library, compiled at once otherwise.

>>> k = kernels("relu")
>>> k.second_moment([1.0, 2.0]), float(k.mu(3.0, 2))
(array([0.5, 1. ]), 0.5)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property, partial
from importlib import import_module
from importlib.util import find_spec
from numbers import Integral
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from freejac.arrays import real_arrays
from freejac.phase_kernels import PhaseKernels
from freejac.progress import stages
from freejac.symbolic.errors import DomainError, InputError
from freejac.symbolic.library import Entry, resolve
from freejac.threads import threaded

if TYPE_CHECKING:
    import sympy as sp

    from freejac.codegen.spec import Module
    from freejac.symbolic.activation import Activation

__all__ = ["Kernels", "compile", "kernels"]

_QUADRATURE = "_gaussian_mean"


class Kernels(PhaseKernels):
    """Numeric kernels of one activation. Every method broadcasts like a NumPy ufunc.

    Where the activation jumps, χ, the moments of φ′² and the dual of φ′ are infinite and the
    solvers do not exist: to ask for them is a `DomainError`.

    Parameters of the activation are keyword arguments; those with a default may be left out.
    Outside the domain that the kernel was checked on the value is nan. Arrays of single precision
    give single precision: the value in double precision, rounded.

    Attributes:
        module: the generated module; its docstring states domains and measured errors.
        defaults: value of every parameter that may be left out.
        parallel: whether large arrays are shared out among threads; the values are the same bits.

    They can be pickled, and their methods as well: another process loads or compiles them again.
    """

    def __init__(
        self,
        given: str | Activation,
        module: ModuleType,
        names: tuple[str, ...],
        defaults: Mapping[str, float],
        parallel: bool = False,
    ) -> None:
        self._given = given
        self.parallel = parallel
        self.module, self.defaults = module, dict(defaults)
        self._names = names
        self._moments: dict[int, Callable[[Any], Any]] = {}
        self._solver: dict[bool, tuple[ModuleType, bool]] = {}
        self._duals: tuple[ModuleType, bool] | None = None

    @cached_property
    def phi(self) -> Activation:
        """The activation, made when it is first asked for: a committed kernel needs no SymPy."""
        from freejac.symbolic.activation import activation

        return activation(self._given)

    def __repr__(self) -> str:
        return f"Kernels({self.phi.name!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return partial(kernels, parallel=self.parallel), (self._given,)

    def mean(self, q: Any, **parameters: Any) -> Any:
        """E[φ(h)] for h of variance q."""
        return self._call("mean", {"q": q}, parameters)

    def second_moment(self, q: Any, **parameters: Any) -> Any:
        """E[φ(h)²] for h of variance q."""
        return self._call("second_moment", {"q": q}, parameters)

    def length_map(self, q: Any, sigma_w: Any, sigma_b: Any, **parameters: Any) -> Any:
        """σ_w² E[φ(h)²] + σ_b²."""
        given = {"q": q, "sigma_w": sigma_w, "sigma_b": sigma_b}
        return self._call("length_map", given, parameters)

    def chi(self, q: Any, sigma_w: Any, **parameters: Any) -> Any:
        """σ_w² E[φ′(h)²]."""
        return self._call("chi", {"q": q, "sigma_w": sigma_w}, parameters)

    def chi_parallel(self, q: Any, sigma_w: Any, **parameters: Any) -> Any:
        """σ_w² E[φ′(h)² + φ(h) φ″(h)], the slope of the length map."""
        return self._call("chi_parallel", {"q": q, "sigma_w": sigma_w}, parameters)

    def mu_1(self, q: Any, **parameters: Any) -> Any:
        """E[φ′(h)²]."""
        return self._call("mu_1", {"q": q}, parameters)

    def mu_2(self, q: Any, **parameters: Any) -> Any:
        """E[φ′(h)⁴]."""
        return self._call("mu_2", {"q": q}, parameters)

    def mu(self, q: Any, k: int, **parameters: Any) -> Any:
        """μ_k = E[φ′(h)^{2k}]; k > 2 is compiled when it is first asked for.

        Raises:
            DomainError: k is not a positive integer.
        """
        if isinstance(k, bool) or not isinstance(k, Integral) or k < 1:
            raise DomainError(f"the order of a moment of D² is 1, 2, 3, …, not {k!r}")
        k = int(k)
        if k <= 2:
            return (self.mu_1, self.mu_2)[k - 1](q, **parameters)
        number, *values = self._numbers({"q": q}, parameters)
        if not values:
            return self._moment(k)(number)
        from freejac.symbolic.expectation import expectation
        from freejac.symbolic.symbols import q as variance

        moment = expectation(self.phi.distribution(1) ** (2 * k))
        symbols = {s.name: s for s in self.phi.parameters}
        given = {n: v for n, v in zip(self._names, values, strict=True) if n in symbols}
        return compile(moment, [variance, *(symbols[n] for n in given)])(number, *given.values())

    def _moment(self, k: int) -> Callable[[Any], Any]:
        """The kernel of μ_k, made when it is first asked for."""
        from freejac.codegen.activation_modules import moment_module

        if k not in self._moments:
            module = _compiled(moment_module(self.phi, k))
            self._moments[k] = self._function(module, f"mu_{k}")
        return self._moments[k]

    @property
    def solvers(self) -> ModuleType:
        """The generated module of the solvers, loaded or compiled when it is first asked for."""
        return self._solvers(duals=False)[0]

    def _solvers(self, *, duals: bool) -> tuple[ModuleType, bool]:
        """The module with duals where a correlation is to be followed: they take long to make."""
        if duals not in self._solver:
            self._solver[duals] = _solver_module(self, duals=duals)
        return self._solver[duals]

    def _call_solver(
        self,
        name: str,
        before: tuple[int, ...],
        given: Mapping[str, Any],
        parameters: Mapping[str, Any],
    ) -> Any:
        numbers = self._numbers(given, parameters, floats=False)
        module, parametrised = self._solvers(duals=name == "feed_forward")
        solve = getattr(module, name)
        return solve(*before, *numbers[: None if parametrised else len(given)])

    def dual(self, q: Any, c: Any, **parameters: Any) -> Any:
        """The dual E[φ(h₁)φ(h₂)], h₁ and h₂ normal of variance q and correlation c.

        Accurate up to c = ±1 and beside them. The kernel is loaded, or compiled, when it is first
        asked for.

        Args:
            q: variance, from 1e-12 to 1e12.
            c: correlation, from −1 to 1.
            parameters: values of the activation's parameters.

        Returns:
            The value; nan outside the domain.

        Raises:
            NoClosedForm: φ has parameters without a value, and the dual no closed form that double
                precision can evaluate.
            Error: φ varies too sharply for an approximation of a dual that does not close.

        Source: Poole et al. (2016), arXiv:1606.05340, eq. (5).

        >>> k = kernels("relu")
        >>> [float(k.dual(1.0, c)) for c in (-1.0, 1.0)]
        [0.0, 0.5]
        >>> float(k.dual(1.0, -1.0 + 1e-10))  # (1 + c)^(3/2) √8/(6π) near c = −1
        1.50052737...e-16
        """
        return self._call_dual("dual", {"q": q, "c": c}, parameters)

    def dual_slope(self, q: Any, c: Any, **parameters: Any) -> Any:
        """E[φ′(h₁)φ′(h₂)], by Price's theorem the derivative of `dual` in c divided by q.

        Arguments and errors are those of `dual`; a DomainError where φ jumps.

        >>> float(kernels("relu").dual_slope(2.0, 0.0))
        0.25
        """
        return self._call_dual("dual_slope", {"q": q, "c": c}, parameters)

    def correlation_map(self, q: Any, c: Any, sigma_w: Any, sigma_b: Any, **parameters: Any) -> Any:
        """The correlation in the next layer, (σ_w² E[φ(h₁)φ(h₂)] + σ_b²)/V(q).

        V is the length map. At a fixed point of V, c = 1 is a fixed point of this map with slope χ.

        Source: Poole et al. (2016), arXiv:1606.05340, eq. (5).

        >>> k = kernels("relu")
        >>> round(float(k.correlation_map(1.0, 0.0, 1.5, 0.0)), 6)  # 1/π
        0.31831
        """
        # The map's own checks of σ_w and σ_b make both of them nan outside the domain.
        length = self.length_map(q, sigma_w, sigma_b, **parameters)
        scale, bias = real_arrays({"sigma_w": sigma_w, "sigma_b": sigma_b}, floats=True)
        return (scale**2 * self.dual(q, c, **parameters) + bias**2) / length

    def _call_dual(self, name: str, given: Mapping[str, Any], parameters: Mapping[str, Any]) -> Any:
        numbers = self._numbers(given, parameters)
        if self._duals is None:
            self._duals = _dual_kernels(self)
        module, parametrised = self._duals
        return self._function(module, name)(*numbers[: None if parametrised else len(given)])

    def _call(self, name: str, given: Mapping[str, Any], parameters: Mapping[str, Any]) -> Any:
        return self._function(self.module, name)(*self._numbers(given, parameters))

    def _function(self, module: ModuleType, name: str) -> Callable[..., Any]:
        function = getattr(module, name, None)
        if function is None:  # the only kernels that an activation may lack
            place = self.phi.distribution(1).deltas[0].location
            raise DomainError(f"{self.phi.name} jumps at x = {place}: {name} is infinite")
        return threaded(function) if self.parallel else function

    def _numbers(
        self, given: Mapping[str, Any], parameters: Mapping[str, Any], *, floats: bool = True
    ) -> list[Any]:
        """Arguments, and then the parameters of φ in order, as arrays that broadcast."""
        unknown = sorted(set(parameters) - set(self._names))
        if unknown:
            has = f"has {', '.join(self._names)}" if self._names else "has no parameters"
            raise InputError(f"{self.phi.name} {has}, not {unknown[0]}")
        values = {**self.defaults, **parameters}
        missing = [name for name in self._names if name not in values]
        if missing:
            raise InputError(f"give a value for {missing[0]}, a parameter of {self.phi.name}")
        return real_arrays({**given, **{n: values[n] for n in self._names}}, floats=floats)


def kernels(
    phi: str | sp.Expr | Activation, *, positive: Iterable[str] = (), parallel: bool = False
) -> Kernels:
    """Numeric kernels of an activation.

    Args:
        phi: a library name, with values for its parameters ("leaky_relu(3/10)") or without; or
            anything else that `freejac.activation` takes, compiled at once and kept in the user's
            cache.
        positive: names of parameters declared positive.
        parallel: share large arrays out among threads.

    Returns:
        The kernels.

    Raises:
        InputError: the activation cannot be read.
        Error: no kernel could be made that agrees with the definition.

    >>> round(float(kernels("leaky_relu(3/10)").mu_1(1.0)), 3)
    0.545
    """
    if isinstance(phi, str) and (entry := resolve(phi)) is not None:
        named = _committed(phi, entry, _defaults(entry), parallel)
        if named is not None:
            return named
    from freejac.symbolic.activation import activation

    chosen = activation(phi, positive=positive)
    if isinstance(phi, str) and (bound := _bound(phi)) is not None:
        named = _committed(phi, *bound, parallel, numbers=not chosen.parameters)
        if named is not None:
            return named
    return _compiled_kernels(chosen, parallel)


def _committed(
    text: str, entry: Entry, values: Mapping[str, float], parallel: bool, *, numbers: bool = False
) -> Kernels | None:
    """The kernels that the repository holds, if they serve at these parameters.

    Beyond the committed domain of its parameters an activation is compiled like any other; so it is
    where numbers for all parameters replace quadrature by an approximation.
    """
    name = f"freejac.generated.{entry.name}"
    if not find_spec(name):
        return None
    module = import_module(name)
    names = tuple(sorted(p.name for p in entry.parameters))
    if names:
        integrates = numbers and hasattr(module, _QUADRATURE)
        if integrates or not np.isfinite(module.mu_1(1.0, *(values[name] for name in names))):
            return None
    return Kernels(text, module, names, values, parallel)


def _defaults(entry: Entry) -> dict[str, float]:
    return {p.name: float(p.default) for p in entry.parameters}


def _bound(text: str) -> tuple[Entry, dict[str, float]] | None:
    """The library entry that a text names, with numbers for its parameters."""
    from freejac.symbolic.parsing import call_parts, parse

    head, arguments = call_parts(text.strip())
    entry = resolve(head) if head else None
    if entry is None or arguments == ["x"] or len(arguments) > len(entry.parameters):
        return None
    values = _defaults(entry)
    for declaration, argument in zip(entry.parameters, arguments, strict=False):
        value = parse(argument)
        if not value.is_number:
            return None
        values[declaration.name] = float(value)
    return entry, values


def _compiled_kernels(phi: Activation, parallel: bool) -> Kernels:
    # Numba and the code generator are loaded only for what the library does not hold.
    from freejac.codegen.activation_modules import activation_module

    module = activation_module(phi)
    names = tuple(p.name for p in module.parameters)
    defaults = {s.name: float(v) for s, v in phi.defaults.items()}
    return Kernels(phi, _compiled(module), names, defaults, parallel)


def _solver_module(kernels: Kernels, *, duals: bool) -> tuple[ModuleType, bool]:
    """The module of the solvers, and whether they take the parameters of the other module."""
    name = f"{kernels.module.__name__}_phase"
    if name.startswith("freejac.generated.") and find_spec(name):
        return import_module(name), True
    from freejac.codegen.at_once import compiled_solvers  # imports Numba

    with stages() as announce:
        return compiled_solvers(kernels.phi, announce, duals=duals), bool(kernels.phi.parameters)


def _compiled(module: Module) -> ModuleType:
    from freejac.codegen.at_once import compiled  # imports Numba

    with stages() as announce:
        return compiled(module, announce)


def _dual_kernels(kernels: Kernels) -> tuple[ModuleType, bool]:
    """The module of the duals, and whether its kernels take the parameters of the other module."""
    name = f"{kernels.module.__name__}_dual"
    if name.startswith("freejac.generated.") and find_spec(name):
        return import_module(name), True
    from freejac.codegen.activation_modules import activation_dual_module

    with stages() as announce:
        specification = activation_dual_module(kernels.phi, progress=announce)
    return _compiled(specification), bool(kernels.phi.parameters)


def compile(expr: sp.Expr, args: Iterable[sp.Symbol]) -> Callable[..., Any]:
    """Compile a SymPy expression to a NumPy ufunc, checked against mpmath at a few points.

    Args:
        expr: any expression of freejac, unevaluated Gaussian expectations included.
        args: the symbols that become arguments, in order.

    Returns:
        The ufunc.

    Raises:
        InputError: a free symbol is not in `args`, or a function has no code.
        Error: the kernel disagrees with mpmath.

    >>> import freejac as fj
    >>> float(compile(fj.q**2 / 2, [fj.q])(3))
    4.5
    """
    from freejac.codegen.compile import compile_expression  # imports Numba

    return compile_expression(expr, list(args))
