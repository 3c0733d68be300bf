"""Problem set 4 of the course on "Resurrecting the sigmoid": the spectrum of the Jacobian."""

from __future__ import annotations

from freejac.derivations import (
    _ps4_catalan,
    _ps4_gaussian,
    _ps4_jacobian,
    _ps4_linear,
    _ps4_nonlinearities,
    _ps4_orthogonal,
)
from freejac.symbolic.claims import Document

__all__ = ["DOCUMENT"]

_PARTS = (
    _ps4_jacobian,
    _ps4_linear,
    _ps4_nonlinearities,
    _ps4_catalan,
    _ps4_gaussian,
    _ps4_orthogonal,
)

DOCUMENT = Document(
    key="ps4",
    title="Problem Set 4: Jacobian spectra calculations",
    citation="Depth First Learning, week 5 of the course on Pennington, Schoenholz and Ganguli, "
    "'Resurrecting the sigmoid in deep learning through dynamical isometry' (2017)",
    claims=tuple(claim for part in _PARTS for claim in part.CLAIMS),
    skipped=tuple(skipped for part in _PARTS for skipped in part.SKIPPED),
)
