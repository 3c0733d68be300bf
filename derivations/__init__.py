"""Hand derivations as executable documents: one module a source, each a `Document` of claims.

>>> "nothing" in names()
False
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from freejac.symbolic.claims import Document
from freejac.symbolic.errors import InputError

__all__ = ["document", "documents", "names"]


def names() -> list[str]:
    """Names of the documents' modules, in alphabetical order; nothing is loaded."""
    return sorted(module.name for module in iter_modules(__path__) if module.name[0] != "_")


def document(name: str) -> Document:
    """Load one document, the `DOCUMENT` of its module.

    Raises:
        InputError: there is no such document.
    """
    if name not in names():
        raise InputError(f"no document {name}; there are {', '.join(names())}")
    found = import_module(f"{__name__}.{name}").DOCUMENT
    assert isinstance(found, Document)
    return found


def documents() -> list[Document]:
    """Load every document."""
    return [document(name) for name in names()]
