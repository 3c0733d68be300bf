"""The kernels that freejac offers: modules of every library activation, and modules on spectra.

Everything here is derived from an activation or from the engine's general laws; no result is
written down.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache, partial

from freejac.codegen.activation_modules import activation_dual_module, activation_module
from freejac.codegen.approximate_dual import refit
from freejac.codegen.contour_kernels import contour_density
from freejac.codegen.residual_kernels import residual_blocks_density
from freejac.codegen.slopes_kernels import slopes_density
from freejac.codegen.spec import Module
from freejac.codegen.spectrum_modules import (
    jacobian_density,
    jacobian_moments,
    resnet_density,
    universality_density,
)
from freejac.symbolic.activation import activation
from freejac.symbolic.bivariate import expect2
from freejac.symbolic.errors import NoClosedForm
from freejac.symbolic.library import LIBRARY

__all__ = ["CATALOGUE", "DUALS", "refit_library"]


def refit_library(
    progress: Callable[[str], None] = lambda _: None, names: Iterable[str] = tuple(LIBRARY)
) -> None:
    """Fit the duals of activations that close nowhere anew, and keep their coefficients."""
    for name in sorted(names):
        phi = activation(name)
        try:
            for order in (0, 1):
                expect2(phi.distribution(order), phi.distribution(order))
        except NoClosedForm:
            refit(phi, progress)


def _library_module(name: str) -> Callable[[], Module]:
    return cache(lambda: activation_module(activation(name), name=name, text=LIBRARY[name].text))


def _library_duals(name: str) -> Callable[[], Module]:
    return cache(
        lambda: activation_dual_module(activation(name), name=name, text=LIBRARY[name].text)
    )


DUALS: Mapping[str, Callable[[], Module]] = {name: _library_duals(name) for name in sorted(LIBRARY)}
"""The duals that solvers use, by activation; the solvers are checked by themselves."""

CATALOGUE: Mapping[str, Callable[[], Module]] = {
    **{name: _library_module(name) for name in sorted(LIBRARY)},
    **{f"{name}_dual": make for name, make in DUALS.items()},
    "contour_density": cache(contour_density),
    "gaussian_jacobian_density": cache(partial(jacobian_density, "gaussian")),
    "gaussian_slopes_density": cache(partial(slopes_density, "gaussian")),
    "jacobian_moments": cache(jacobian_moments),
    "orthogonal_jacobian_density": cache(partial(jacobian_density, "orthogonal")),
    "orthogonal_slopes_density": cache(partial(slopes_density, "orthogonal")),
    "residual_blocks_density": cache(residual_blocks_density),
    "resnet_density": cache(resnet_density),
    "universality_density": cache(universality_density),
}
"""Every committed module by name; the first call derives it."""
