"""The kernels' loops: vector instructions, every stride and type of array, NumPy's behaviour."""

from __future__ import annotations

import importlib
import math
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from llvmlite.binding import get_host_cpu_features
from numba import carray, cfunc

from freejac.codegen.catalogue import CATALOGUE
from freejac.codegen.generate import LEDGER
from freejac.codegen.record import KernelRecord, read_ledger
from freejac.codegen.spec import Mean
from freejac.symbolic.library import names

PARAMETERS = {"elu": (1.5,), "leaky_relu": (0.25,), "smoothed_relu": (0.5,)}
FEATURES = {name for name, there in get_host_cpu_features().items() if there}
SAMPLE = ["hard_tanh", "elu"]
SOME = [pytest.param(n, marks=() if n in SAMPLE else pytest.mark.slow, id=n) for n in names()]
# Two or more doubles at once: additions, products, comparisons, selections, roots and the like.
PACKED = re.compile(r"\bv?(f?n?m?(add|sub|mul)\w*|div|sqrt|cmp\w*|max|min|andn?|blend\w*)pd\b")
# The address of a function of the C library, however it is called.
LIBM = re.compile(r"[\s$](exp|expm1|log|log1p|atan|asin|acos|tanh|erfc?|pow|sqrt)\b(?!:)")


def _integrates(record: KernelRecord) -> bool:
    return record.form is None and record.closed != record.domain


def module_of(name: str) -> ModuleType:
    return importlib.import_module(f"freejac.generated.{name}")


Closed = Callable[[str], set[str]]


@pytest.fixture(scope="module")
def closed(repository: Path) -> Closed:
    """The kernels without quadrature anywhere, of a module."""
    records = read_ledger(repository / "generated" / LEDGER)

    def of(name: str) -> set[str]:
        kernels = CATALOGUE[name]().kernels
        recorded = records[name].kernels
        means = {
            k.name for k in kernels if isinstance(k, Mean) and not _integrates(recorded[k.name])
        }
        return means | {k.name for k in kernels if getattr(k, "of", "") in means}

    return of


def assembly(module: ModuleType, kernel: str) -> str:
    """Machine code of a kernel's loop; what comes from the cache has no text, and is made anew."""
    assert getattr(module, kernel)
    loop = getattr(module, f"_{kernel}_loop")
    compiled = next(kept for kept, *_ in module._KEPT if kept.__wrapped__ is loop)
    if compiled.cache_hits:
        compiled = cfunc(module._LOOP, error_model="numpy")(loop)
    text: str = compiled._library.get_asm_str()
    return text


def assert_vectorised(name: str, kernel: str) -> None:
    module = module_of(name)
    text = assembly(module, kernel)
    for way in ("along", "scaled"):
        if hasattr(module, f"_{kernel}_{way}"):  # no row is scaled without a σ
            assert PACKED.search(row_of(text, kernel, way)), (name, kernel, way)
    assert not LIBM.search(text), (name, kernel, LIBM.search(text))


def row_of(text: str, kernel: str, way: str = "along") -> str:
    """The function that evaluates a kernel in a row, or the loop that it became a part of."""
    bodies = text.split(".cfi_endproc")
    label = re.compile(rf"^_Z\S*{kernel}_{way}\S*:$", re.MULTILINE)
    return next((body for body in bodies if label.search(body)), bodies[0])


@pytest.mark.parametrize("name", SOME)
def test_loops_of_closed_forms_are_vectorised(closed: Closed, name: str) -> None:
    for kernel in sorted(closed(name)):
        assert_vectorised(name, kernel)


def test_a_call_to_the_library_is_seen() -> None:
    # The measure itself: a loop over math.erf has no vector instructions, and a call.
    def loop(arrays, counts, steps, single):  # type: ignore[no-untyped-def]
        given = carray(arrays[0], counts[0], np.float64)
        values = carray(arrays[1], counts[0], np.float64)
        for i in range(counts[0]):
            values[i] = math.erf(given[i])

    loop_type = module_of("hard_tanh")._LOOP
    text = cfunc(loop_type, error_model="numpy")(loop)._library.get_asm_str()
    assert LIBM.search(text)
    assert not PACKED.search(text[: text.index(".cfi_endproc")])


@pytest.mark.parametrize("name", SOME)
def test_an_element_does_not_depend_on_its_place(closed: Closed, name: str) -> None:
    # Vector body and remainder, blocks, strides, scalars: the same bits.
    module, extra = module_of(name), PARAMETERS.get(name, ())
    q = np.geomspace(1e-11, 9e4, 1037)
    for kernel in sorted(closed(name) & {"second_moment", "mu_1", "mu_2"}):
        function = getattr(module, kernel)
        with np.errstate(all="raise", under="ignore"):
            whole = function(q, *extra)
        assert whole.tolist() == [float(function(float(v), *extra)) for v in q]
        assert (function(np.repeat(q, 3)[::3], *extra) == whole).all()
        assert (function(q[::-1], *extra)[::-1] == whole).all()
        assert (whole[:5] == function(q[:5][:, None], *(np.full(7, e) for e in extra)).T).all()
        assert (function(q, *(np.full(q.size, e) for e in extra)) == whole).all()
        same = q.copy()
        function(same, *extra, out=same)
        assert (same == whole).all()
        spaced = np.zeros((q.size, 2))
        function(q, *extra, spaced[:, 1])
        assert (spaced[:, 1] == whole).all()
        assert not spaced[:, 0].any()


def test_arrays_of_every_argument_give_the_same_bits() -> None:
    # Side by side, strided, in place, shifted by one place: with and without copies.
    kernel = module_of("elu").length_map
    q, sigma_w, sigma_b, alpha = np.random.default_rng(5).uniform(0.1, 3.0, (4, 1100))
    whole = kernel(q, sigma_w, sigma_b, alpha)
    assert whole.tolist() == [kernel(*row) for row in zip(q, sigma_w, sigma_b, alpha, strict=True)]
    for size in (1, 63, 64, 65, 512, 576, 1088):
        part = [a[:size] for a in (q, sigma_w, sigma_b, alpha)]
        assert (kernel(*part) == whole[:size]).all()
        assert (kernel(part[0], np.repeat(part[1], 2)[::2], *part[2:]) == whole[:size]).all()
    assert (kernel(q, sigma_w, 0.5, alpha) == kernel(q, sigma_w, np.full(1100, 0.5), alpha)).all()
    room = np.append(q, 0.0)
    kernel(room[:-1], sigma_w, sigma_b, alpha, out=room[1:])
    assert (room[1:] == whole).all()
    same = alpha.copy()
    assert (kernel(q, sigma_w, sigma_b, same, out=same) == whole).all()


def test_one_scale_for_a_row_gives_the_same_bits() -> None:
    # Numbers in place of arrays are checked and squared once: in blocks, singles, in place.
    for name, kernel, scales in (
        ("erf", "length_map", (1.3, 0.7)),
        ("gelu", "chi", (1.7,)),
        ("relu", "chi_parallel", (0.9,)),
        ("elu", "chi", (1.7, 3.1)),
        ("smoothed_relu", "length_map", (1.3, 0.7, 0.3)),
    ):
        function = getattr(module_of(name), kernel)
        q = np.geomspace(1e-13, 1e11, 1100)
        whole = function(q, *(np.full(q.size, s) for s in scales))
        assert np.isnan(whole[0])
        assert not np.isnan(whole[100:]).any()
        singles = function(q.astype(np.float32), *map(np.float32, scales))
        expected = [np.full(q.size, s, np.float32) for s in scales]
        np.testing.assert_array_equal(singles, function(q.astype(np.float32), *expected))
        for size in (1, 63, 64, 65, 512, 576, 1100):
            np.testing.assert_array_equal(function(q[:size], *scales), whole[:size])
            np.testing.assert_array_equal(function(q[::-1][:size], *scales), whole[::-1][:size])
        room = np.append(q, 0.0)
        np.testing.assert_array_equal(function(room[:-1], *scales, out=room[1:]), whole)
        assert np.isnan(function(q, 1e4, *scales[1:])).all()
        assert function(1.0, *scales) == function(np.ones(3), *scales)[1]


def test_floats_come_back_as_floats() -> None:
    module = module_of("hard_tanh")
    q = np.geomspace(1e-11, 1e11, 999).astype(np.float32)
    values = module.second_moment(q)
    assert values.dtype == np.float32
    assert (values == module.second_moment(q.astype(np.float64)).astype(np.float32)).all()
    assert (module.second_moment(q[::2]) == values[::2]).all()
    assert module.length_map(q, np.float32(1.5), np.float32(0.5)).dtype == np.float32
    assert module.length_map(q, 1.5, 0.5).dtype == np.float32
    assert module.second_moment(2).dtype == np.float64
    assert module.second_moment(q, dtype=np.float64).dtype == np.float64


def test_they_are_ufuncs() -> None:
    module = module_of("elu")
    assert isinstance(module.chi, np.ufunc)
    assert "σ_w² E[φ′(h)²]" in module.chi.__doc__
    assert module.chi.nin == 3
    some = module.mu_1(np.ones(4), 1.0, where=[True, False, True, False], out=np.zeros(4))
    assert (some > 0).tolist() == [True, False, True, False]
    assert module.mu_1(np.ones((0, 3)), 1.0).shape == (0, 3)
    outer = module.mu_1.outer([0.5, 2.0], [1.0, 2.0, 3.0])
    assert outer.shape == (2, 3)
    assert outer[1, 2] == module.mu_1(2.0, 3.0)
    with pytest.raises(TypeError):
        module.mu_1("one", 1.0)
    with pytest.raises(TypeError):
        module.mu_1(1.0 + 1.0j, 1.0)


@pytest.mark.parametrize(
    "name",
    ["relu_dual", *(pytest.param(f"{n}_dual", marks=pytest.mark.slow) for n in ("erf", "gelu"))],
)
def test_loops_of_elementary_duals_are_vectorised(name: str) -> None:
    for kernel in ("dual", "dual_slope"):
        assert_vectorised(name, kernel)


IN_BITS = """
import sys
import numpy as np
from freejac.generated import erf, erf_dual, tanh
q = np.geomspace(1e-12, 1e12, 997)
c = np.linspace(-1.0, 1.0, 997)
values = (erf.second_moment(q), tanh.second_moment(q), erf_dual.dual(q, c))
sys.stdout.write(np.concatenate(values).tobytes().hex())
"""


@pytest.mark.slow
@pytest.mark.skipif(not {"avx2", "fma"} <= FEATURES, reason="needs a processor with AVX2 and FMA")
def test_the_length_of_vectors_does_not_show(tmp_path: Path) -> None:
    """Where sums and products fuse, one processor computes the bits of another."""
    kinds = {"host": {}, "avx2": {"NUMBA_CPU_NAME": "haswell", "NUMBA_CPU_FEATURES": "+avx2,+fma"}}
    bits = {}
    for kind, cpu in kinds.items():
        environment = os.environ | cpu | {"NUMBA_CACHE_DIR": str(tmp_path / kind)}
        call = [sys.executable, "-c", IN_BITS]
        done = subprocess.run(call, env=environment, capture_output=True, text=True, check=True)
        bits[kind] = done.stdout
    assert len(bits["host"]) == 3 * 997 * 16
    assert bits["host"] == bits["avx2"]
