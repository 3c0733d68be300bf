"""Problem set 1 of the Depth First Learning guide, as claims.

>>> DOCUMENT.claim("ps1.3d-degenerate").verdict().status
'proved'
"""

from __future__ import annotations

from freejac.derivations import (
    _ps1_correlations,
    _ps1_fixed_points,
    _ps1_gradients,
    _ps1_layers,
    _ps1_listings,
    _ps1_relu,
    _ps1_stability,
)
from freejac.symbolic.claims import Document, Skipped

__all__ = ["DOCUMENT"]

_SKIPPED = (
    Skipped("problem 1, eqs. (1) and (2)", "the definition of the network"),
    Skipped("problem 2 (a), equation of q^l", "the definition of q^l"),
    Skipped(
        "problem 2 (b)",
        "that an average over units tends to an expectation is what ps1.2e-networks samples;"
        " the sentence itself has no formula besides the definition of the variance",
    ),
    Skipped("problem 2 (d), i, iii and eq. (4)", "conditions of a limit theorem, in words"),
    Skipped(
        "problem 3 (c), second question",
        "the definition of a concave function; its consequence is ps1.3c-twice",
    ),
    Skipped(
        "problem 3 (e), first listing: `* 2` for `** 2`, an unclosed bracket, limits of"
        " integration inside the density",
        "lost by the scan, not by the author; read as in the listing of problem 5 (d)",
    ),
    Skipped(
        "problem 3 (e) and problem 5 (d), `integrand` uses q, which it is not given",
        "both programs stop with an undefined name as printed: there is no value to compare;"
        " the claims on the listings hand q over",
    ),
    Skipped(
        "problem 3 (e), that E[tanh²] cannot be computed analytically",
        "that no closed form exists is not something the engine can prove; it finds none",
    ),
    Skipped("problem 3 (a) and (f), definitions of fixed point and stability", "definitions"),
    Skipped("problem 4 (a), eqs. (10) and (11)", "definitions of q_12 and of a covariance"),
    Skipped("problem 5 (a), eq. (16)", "the spectral theorem, used as the definition of λ_i, v_i"),
    Skipped("problem 5 (b), eq. (19)", "the definition of a layer, again"),
    Skipped("problem 5 (d), contour plot", "a picture is asked for, none is printed"),
    Skipped(
        "problem 5, introduction",
        "in words, that χ > 1 separates inputs: the slope at c = 1 is ps1.4e-chi",
    ),
)

DOCUMENT = Document(
    "ps1",
    "Problem Set 1: Signal propagation in the large-width limit",
    "Depth First Learning, week 2",
    _ps1_layers.CLAIMS
    + _ps1_fixed_points.CLAIMS
    + _ps1_relu.CLAIMS
    + _ps1_stability.CLAIMS
    + _ps1_correlations.CLAIMS
    + _ps1_gradients.CLAIMS
    + _ps1_listings.CLAIMS,
    _SKIPPED,
)
