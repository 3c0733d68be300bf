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
    from freejac.codegen.sound import sound_form as sound_form
    from freejac.evaluators import compile as compile
    from freejac.evaluators import kernels as kernels
    from freejac.initial_result import Initialisation as Initialisation
    from freejac.initial_weights import initialisation as initialisation
    from freejac.networks import Jacobian as Jacobian
    from freejac.networks import ResNet as ResNet
    from freejac.sweeps import sweep as sweep
    from freejac.symbolic import laws as laws
    from freejac.symbolic.activation import Activation as Activation
    from freejac.symbolic.activation import activation as activation
    from freejac.symbolic.bivariate import Expectation2 as Expectation2
    from freejac.symbolic.bivariate import expect2 as expect2
    from freejac.symbolic.bivariate_normal import OwenT as OwenT
    from freejac.symbolic.bivariate_normal import Phi2 as Phi2
    from freejac.symbolic.check import check as check
    from freejac.symbolic.check import check_chain as check_chain
    from freejac.symbolic.check_families import check_each as check_each
    from freejac.symbolic.check_families import check_for_all as check_for_all
    from freejac.symbolic.check_functions import check_inverse as check_inverse
    from freejac.symbolic.check_functions import check_law as check_law
    from freejac.symbolic.check_numbers import check_estimate as check_estimate
    from freejac.symbolic.check_numbers import check_sample as check_sample
    from freejac.symbolic.check_numbers import check_value as check_value
    from freejac.symbolic.claims import Claim as Claim
    from freejac.symbolic.claims import Document as Document
    from freejac.symbolic.claims import Skipped as Skipped
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
    from freejac.symbolic.functions import Phi as Phi
    from freejac.symbolic.layers import Layer as Layer
    from freejac.symbolic.library import names as activations
    from freejac.symbolic.mean_field import MeanField as MeanField
    from freejac.symbolic.parsing import parse as parse
    from freejac.symbolic.scaled import dawson as dawson
    from freejac.symbolic.scaled import erfcx as erfcx
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
    from freejac.symbolic.verdict import Verdict as Verdict
    from freejac.symbolic.voigt import VoigtK as VoigtK
    from freejac.symbolic.voigt import VoigtL as VoigtL

    __version__: str

_HOME = {
    "Activation": "freejac.symbolic.activation",
    "Claim": "freejac.symbolic.claims",
    "Document": "freejac.symbolic.claims",
    "DomainError": "freejac.symbolic.errors",
    "Error": "freejac.symbolic.errors",
    "Expectation": "freejac.symbolic.expectation",
    "Expectation2": "freejac.symbolic.bivariate",
    "Initialisation": "freejac.initial_result",
    "InputError": "freejac.symbolic.errors",
    "InternalError": "freejac.symbolic.errors",
    "Jacobian": "freejac.networks",
    "Layer": "freejac.symbolic.layers",
    "MeanField": "freejac.symbolic.mean_field",
    "NoClosedForm": "freejac.symbolic.errors",
    "NotConvergedError": "freejac.symbolic.errors",
    "OwenT": "freejac.symbolic.bivariate_normal",
    "ParseError": "freejac.symbolic.errors",
    "Phi": "freejac.symbolic.functions",
    "Phi2": "freejac.symbolic.bivariate_normal",
    "ResNet": "freejac.networks",
    "Skipped": "freejac.symbolic.claims",
    "UnknownNameError": "freejac.symbolic.errors",
    "Verdict": "freejac.symbolic.verdict",
    "VoigtK": "freejac.symbolic.voigt",
    "VoigtL": "freejac.symbolic.voigt",
    "activation": "freejac.symbolic.activation",
    "activations": "freejac.symbolic.library:names",
    "c": "freejac.symbolic.symbols",
    "check": "freejac.symbolic.check",
    "check_chain": "freejac.symbolic.check",
    "check_each": "freejac.symbolic.check_families",
    "check_estimate": "freejac.symbolic.check_numbers",
    "check_for_all": "freejac.symbolic.check_families",
    "check_inverse": "freejac.symbolic.check_functions",
    "check_law": "freejac.symbolic.check_functions",
    "check_sample": "freejac.symbolic.check_numbers",
    "check_value": "freejac.symbolic.check_numbers",
    "compile": "freejac.evaluators",
    "cumulant": "freejac.symbolic.symbols",
    "dawson": "freejac.symbolic.scaled",
    "depth": "freejac.symbolic.symbols",
    "erfcx": "freejac.symbolic.scaled",
    "expect": "freejac.symbolic.expectation",
    "expect2": "freejac.symbolic.bivariate",
    "initialisation": "freejac.initial_weights",
    "kernels": "freejac.evaluators",
    "lam": "freejac.symbolic.symbols",
    "laws": "freejac.symbolic:laws",
    "p": "freejac.symbolic.symbols",
    "parse": "freejac.symbolic.parsing",
    "q": "freejac.symbolic.symbols",
    "sigma_b": "freejac.symbolic.symbols",
    "sigma_w": "freejac.symbolic.symbols",
    "sound_form": "freejac.codegen.sound",
    "sweep": "freejac.sweeps",
    "x": "freejac.symbolic.symbols",
    "z": "freejac.symbolic.symbols",
}
"""Where each public name lives: a module, and after a colon its name there when it differs."""

__all__ = [
    "Activation",
    "Claim",
    "Document",
    "DomainError",
    "Error",
    "Expectation",
    "Expectation2",
    "Initialisation",
    "InputError",
    "InternalError",
    "Jacobian",
    "Layer",
    "MeanField",
    "NoClosedForm",
    "NotConvergedError",
    "OwenT",
    "ParseError",
    "Phi",
    "Phi2",
    "ResNet",
    "Skipped",
    "UnknownNameError",
    "Verdict",
    "VoigtK",
    "VoigtL",
    "__version__",
    "activation",
    "activations",
    "c",
    "check",
    "check_chain",
    "check_each",
    "check_estimate",
    "check_for_all",
    "check_inverse",
    "check_law",
    "check_sample",
    "check_value",
    "compile",
    "cumulant",
    "dawson",
    "depth",
    "erfcx",
    "expect",
    "expect2",
    "initialisation",
    "kernels",
    "lam",
    "laws",
    "p",
    "parse",
    "q",
    "sigma_b",
    "sigma_w",
    "sound_form",
    "sweep",
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
        home = import_module(module)
        if attribute and not hasattr(home, attribute):  # a public module
            import_module(f"{module}.{attribute}")
        value = getattr(home, attribute or name)
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
