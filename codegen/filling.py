"""Templates, and which helpers a generated text needs."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import jinja2

from freejac.codegen.elementary import coefficients, constants
from freejac.codegen.printer import HELPERS
from freejac.symbolic.quadrature import legendre_rule

__all__ = ["environment", "gauss_legendre", "helper_text", "preamble", "template"]

_HELPER_NODES = 40
_WORD = re.compile(r"\b_\w+")
_HELPER_NAMES = frozenset(HELPERS.values()) | {
    "_MIDPOINTS",
    "_RULE_NODES",
    "_asin_reduced",
    "_conditional",
    "_divided",
    "_erfcx_right",
    "_exp_difference",
    "_exp_parts",
    "_exp_square",
    "_faddeeva",
    "_fma",
    "_fused",
    "_gaussian_tail",
    "_log_parts",
    "_lower_half",
    "_multiplied",
    "_product",
    "_radial",
    "_sector",
    "_sector_panel",
    "_split",
    "_sum",
    "_times",
    "_tail_parts",
    "_times_power",
    "_wedge",
}


@lru_cache(maxsize=1)
def environment() -> jinja2.Environment:
    """Jinja's environment: a name that is not given is an error."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("freejac.codegen"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    environment.filters["entry"] = "{}[i]".format
    environment.globals["rule"] = gauss_legendre(_HELPER_NODES)
    environment.globals |= {"poly": coefficients(), "number": constants()}
    return environment


def template(name: str, **context: Any) -> str:
    """Fill a template; a name that the context lacks is an error."""
    return environment().get_template(name).render(**context)


def helper_text(name: str) -> str:
    """The code of a helper; "" for what is none."""
    if name not in _HELPER_NAMES:
        return ""
    return str(environment().get_template("helpers.jinja").module.helper(name))


def preamble(text: str, *, always_math: bool, always_numpy: bool) -> dict[str, Any]:
    """Which helpers a module's text needs, those that they call among them, and which imports.

    Args:
        text: the code of the kernels.
        always_math: whether the rest of the module needs `math`.
        always_numpy: whether the rest of the module needs NumPy.
    """
    found: dict[str, str] = {}
    unread = [text]
    while unread:
        words = set(_WORD.findall(unread.pop()))
        for name in words & _HELPER_NAMES - set(found):
            found[name] = helper_text(name)
            unread.append(found[name])
    code = "\n".join([text, *found.values()])
    return {
        "helpers": sorted(found),
        "uses_math": always_math or "math." in code,
        "uses_numpy": always_numpy or "np." in code,
    }


@lru_cache(maxsize=2)
def gauss_legendre(count: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Positive nodes, from the largest, and their weights, correctly rounded to doubles."""
    points, weights, _ = legendre_rule(count, 40)
    pairs = sorted(zip(points, weights, strict=True), reverse=True)[: count // 2]
    return tuple(repr(float(t)) for t, _ in pairs), tuple(repr(float(w)) for _, w in pairs)
