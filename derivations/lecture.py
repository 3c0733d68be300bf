"""Lecture 7 of the Oxford course "Theories of Deep Learning": the Jacobian of a random network."""

from __future__ import annotations

from freejac.derivations import _lecture_gradients, _lecture_lengths, _lecture_spectra
from freejac.symbolic.claims import Document

__all__ = ["DOCUMENT"]

_PARTS = (_lecture_gradients, _lecture_lengths, _lecture_spectra)

DOCUMENT = Document(
    key="lecture",
    title="Random DNN: Jacobian and the exploding / vanishing gradient problem",
    citation="Jared Tanner, Theories of Deep Learning: C6.5, Video 7, Mathematical Institute, "
    "University of Oxford",
    claims=tuple(claim for part in _PARTS for claim in part.CLAIMS),
    skipped=tuple(skipped for part in _PARTS for skipped in part.SKIPPED),
)
