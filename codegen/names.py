"""Names of arguments in generated code, clear of Python's keywords and of the templates' names.

>>> code_name("alpha"), code_name("lambda"), code_name("q_block")
('alpha', 'p_lambda', 'q_block_')
"""

from __future__ import annotations

import keyword

__all__ = ["code_name"]

_TAKEN = {
    "above", "below", "centre", "finest", "half", "high", "i", "kind", "left", "low", "math", "np",
    "njit", "reach", "right", "share", "span", "start", "stop", "total", "vectorize", "abs", "max",
    "min", "range", "float", "second_moment", "length_map", "chi", "dual",
    "dual_slope", "up", "down", "gap", "size", "edge", "near", "far", "tau", "step", "ratio",
    "sine", "away", "t", "bend", "angle", "quarter", "inside", "arrays", "counts", "steps",
    "single", "count", "first", "block", "values", "moves", "padded", "types", "ctypes",
    "carray", "cfunc",
}  # fmt: skip
"""Names that a template uses and a parameter therefore cannot have in the code."""
_STEMS, _ENDS = ("mu_", "mean_", "end_", "nearest_", "_"), ("_block", "_moves", "_start")


def code_name(name: str) -> str:
    """Spell a symbol's name so that no template and no keyword is hidden by it."""
    clash = keyword.iskeyword(name) or name in _TAKEN or name.startswith(_STEMS)
    if name.endswith(_ENDS):
        name = f"{name}_"
    return f"p_{name.strip('_')}" if clash or not name.isidentifier() else name
