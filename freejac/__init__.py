"""Exact theory of random deep networks at initialization, and numerical kernels checked against it.

Every public name is loaded when it is first used, so that `import freejac` costs nothing:

>>> import freejac as fj
>>> fj.activation("relu").expr
Max(0, x)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from freejac.evaluators import compile as compile
    from freejac.evaluators import kernels as kernels
    from freejac.networks import Jacobian as Jacobian
    from freejac.networks import ResNet as ResNet
    from freejac.symbolic.activation import Activation as Activation
    from freejac.symbolic.activation import activation as activation
    from freejac.symbolic.errors import DomainError as DomainError
    from freejac.symbolic.errors import Error as Error
    from freejac.symbolic.errors import InputError as InputError
    from freejac.symbolic.errors import InternalError as InternalError
    from freejac.symbolic.errors import NoClosedForm as NoClosedForm
    from freejac.symbolic.errors import NotConvergedError as NotConvergedError
    from freejac.symbolic.errors import ParseError as ParseError
    from freejac.symbolic.errors import UnknownNameError as UnknownNameError
    from freejac.symbolic.expectation import Expectation as Expectation
    from freejac.symbolic.expectation import expect as expect
    from freejac.symbolic.library import names as activations
    from freejac.symbolic.mean_field import MeanField as MeanField
    from freejac.symbolic.parsing import parse as parse
    from freejac.symbolic.symbols import c as c
    from freejac.symbolic.symbols import cumulant as cumulant
    from freejac.symbolic.symbols import depth as depth
    from freejac.symbolic.symbols import lam as lam
    from freejac.symbolic.symbols import p as p
    from freejac.symbolic.symbols import q as q
    from freejac.symbolic.symbols import sigma_b as sigma_b
    from freejac.symbolic.symbols import sigma_w as sigma_w
    from freejac.symbolic.symbols import x as x
    from freejac.symbolic.symbols import z as z

    __version__: str

_HOME = {
    "Activation": "freejac.symbolic.activation",
    "DomainError": "freejac.symbolic.errors",
    "Error": "freejac.symbolic.errors",
    "Expectation": "freejac.symbolic.expectation",
    "InputError": "freejac.symbolic.errors",
    "InternalError": "freejac.symbolic.errors",
    "Jacobian": "freejac.networks",
    "MeanField": "freejac.symbolic.mean_field",
    "NoClosedForm": "freejac.symbolic.errors",
    "NotConvergedError": "freejac.symbolic.errors",
    "ParseError": "freejac.symbolic.errors",
    "ResNet": "freejac.networks",
    "UnknownNameError": "freejac.symbolic.errors",
    "activation": "freejac.symbolic.activation",
    "activations": "freejac.symbolic.library:names",
    "c": "freejac.symbolic.symbols",
    "compile": "freejac.evaluators",
    "cumulant": "freejac.symbolic.symbols",
    "depth": "freejac.symbolic.symbols",
    "expect": "freejac.symbolic.expectation",
    "kernels": "freejac.evaluators",
    "lam": "freejac.symbolic.symbols",
    "p": "freejac.symbolic.symbols",
    "parse": "freejac.symbolic.parsing",
    "q": "freejac.symbolic.symbols",
    "sigma_b": "freejac.symbolic.symbols",
    "sigma_w": "freejac.symbolic.symbols",
    "x": "freejac.symbolic.symbols",
    "z": "freejac.symbolic.symbols",
}
"""Where each public name lives: a module, and after a colon its name there when it differs."""

__all__ = [
    "Activation",
    "DomainError",
    "Error",
    "Expectation",
    "InputError",
    "InternalError",
    "Jacobian",
    "MeanField",
    "NoClosedForm",
    "NotConvergedError",
    "ParseError",
    "ResNet",
    "UnknownNameError",
    "__version__",
    "activation",
    "activations",
    "c",
    "compile",
    "cumulant",
    "depth",
    "expect",
    "kernels",
    "lam",
    "p",
    "parse",
    "q",
    "sigma_b",
    "sigma_w",
    "x",
    "z",
]


def _load(name: str) -> object:
    """Load a public name when it is first used (PEP 562)."""
    value: object
    if name == "__version__":
        from importlib.metadata import version  # it is slow to import

        value = version("freejac")
    elif name in _HOME:
        module, _, attribute = _HOME[name].partition(":")
        value = getattr(import_module(module), attribute or name)
    else:
        raise AttributeError(f"module 'freejac' has no attribute {name!r}")
    globals()[name] = value
    return value


if not TYPE_CHECKING:
    # Hidden from type checkers, to which every misspelt name would then be an attribute.
    __getattr__ = _load


def __dir__() -> list[str]:
    """List the names loaded already and those still to be loaded."""
    return sorted({*globals(), *__all__})
