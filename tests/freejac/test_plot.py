"""Pictures: areas that mean something, bytes that repeat, input that is checked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from matplotlib.patches import StepPatch

from freejac.plot import Curve, save, spectra
from freejac.symbolic.errors import DomainError

LAM = np.linspace(0.0, 2.0, 21)


def flat(eigenvalues: np.ndarray | None = None) -> Curve:
    return Curve("uniform on [0, 2]", LAM, np.full(21, 0.5), eigenvalues)


def test_bars_have_the_area_of_the_eigenvalues_they_hold() -> None:
    # Three of the four eigenvalues lie in the curve's range.
    figure = spectra([flat(np.array([[0.1, 0.3], [1.9, 5.0]]))], bins=10)
    (bars,) = (artist for artist in figure.axes[0].patches if isinstance(artist, StepPatch))
    heights, edges, _ = bars.get_data()
    assert edges[0] == 0.0
    assert edges[-1] == 2.0
    assert np.sum(heights * np.diff(edges)) == pytest.approx(0.75)


def test_the_same_picture_has_the_same_bytes(tmp_path: Path) -> None:
    for name in ("first.png", "second.png"):
        save(spectra([flat()], title="twice"), tmp_path / name)
    first = (tmp_path / "first.png").read_bytes()
    assert first == (tmp_path / "second.png").read_bytes()
    assert b"matplotlib" not in first.lower()


@pytest.mark.parametrize(
    ("curves", "bins"),
    [
        ([], 10),
        ([flat()], 0),
        ([Curve("ragged", LAM, np.ones(3))], 10),
        ([Curve("scalar", np.array(1.0), np.array(1.0))], 10),
    ],
)
def test_what_cannot_be_drawn_is_refused(curves: list[Curve], bins: int) -> None:
    with pytest.raises(DomainError):
        spectra(curves, bins=bins)
