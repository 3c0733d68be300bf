"""Residual networks and dynamical isometry (Tarnowski et al.), as claims.

The text that we have lost most formulas. They are restored from the sentences around them and from
the model; each such claim says so.

>>> DOCUMENT.claim("resnet.ii1-green").verdict().status
'proved'
"""

from __future__ import annotations

from freejac.derivations import (
    _residual_activations,
    _residual_experiments,
    _residual_freeness,
    _residual_layer,
    _residual_outlier,
    _residual_piecewise,
    _residual_propagation,
    _residual_spectrum,
    _residual_variants,
)
from freejac.symbolic.claims import Document, Skipped

__all__ = ["DOCUMENT"]

_SKIPPED = (
    Skipped("section I, eqs. (1) and (2)", "the definition of the model and of J"),
    Skipped(
        "section I.1, eqs. (3) and (4)",
        "gradient descent and the chain rule for the error, lost in the text; the factor that"
        " matters is resnet.i-jacobian",
    ),
    Skipped(
        "section I.1, relation to matrix-valued diffusion", "results of other papers, in words"
    ),
    Skipped("section II.1, eq. (12)", "the definition of one layer's Green's function"),
    Skipped(
        "section II.1, generalised R-transform, eq. (16)",
        "a theorem of Nowak and Tarnowski, quoted; its consequence, eq. (17), is checked for"
        " Gaussian and for orthogonal weights against counted moments and a known law",
    ),
    Skipped("section II.1, definition of the effective cumulant", "a definition"),
    Skipped("section II.1, that c_l varies by a bounded amount", "an assumption, not a statement"),
    Skipped(
        "section II.2, ergodicity and the central limit theorem",
        "assumptions; their consequences are sampled in the claims on appendix A",
    ),
    Skipped(
        "section II.2, eq. (28)",
        "c_l written as a Gaussian integral: the definition again, sampled in appendix A",
    ),
    Skipped(
        "section II.2, eq. (34)",
        "eq. (31) with its index shifted; it is a step inside resnet.ii2-recursion",
    ),
    Skipped(
        "section II.3, eqs. (44) and (45)",
        "steps towards eq. (46) whose conditions are lost; eq. (46) itself is a claim",
    ),
    Skipped(
        "section III.2 and appendix B",
        "training on images: not a statement about the theory, and the data are not here",
    ),
    Skipped(
        "section IV, normalised propagation",
        "definitions of batch mean and deviation, lost in the text",
    ),
    Skipped("Fig. 1 and Fig. 3, values of c", "lost in the text; other values are sampled"),
    Skipped(
        "appendix A, that c_l varies little",
        "how little is not said; c_l itself is sampled in the claims on appendix A",
    ),
    Skipped("section V", "a summary"),
)

DOCUMENT = Document(
    "resnet",
    "Dynamical Isometry is Achieved in Residual Networks in a Universal Way for any Activation"
    " Function",
    "W. Tarnowski, P. Warchoł, S. Jastrzębski, J. Tabor and M. A. Nowak, July 30, 2019",
    _residual_freeness.CLAIMS
    + _residual_layer.CLAIMS
    + _residual_spectrum.CLAIMS
    + _residual_outlier.CLAIMS
    + _residual_variants.CLAIMS
    + _residual_propagation.CLAIMS
    + _residual_piecewise.CLAIMS
    + _residual_activations.CLAIMS
    + _residual_experiments.CLAIMS,
    _SKIPPED,
)
