"""What every test relies on: a writable kernel cache, reproducible examples, mpmath's precision."""

from __future__ import annotations

import gc
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import mpmath
import pytest
from hypothesis import HealthCheck, settings

# NumPy and Numba read these when they are first imported, which nothing above does.
os.environ.setdefault("NUMBA_CACHE_DIR", str(Path(__file__).parents[1] / ".numba_cache"))
# Each worker has a core to itself; two workers with two threads each wait for one another.
for library in ("OPENBLAS", "OMP", "MKL", "VECLIB_MAXIMUM"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")

# A deadline per example, or for drawing it, would measure the neighbour's work.
settings.register_profile(
    "freejac",
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("freejac")

# Expressions, syntax trees and compiled functions are made by the ten thousand, and are kept.
gc.set_threshold(50_000, 20, 20)


def pytest_collection_finish() -> None:
    """Half a million objects stay to the end: garbage is not looked for among them again."""
    gc.freeze()


@pytest.fixture(scope="session")
def repository() -> Path:
    """Root of the working tree."""
    return Path(__file__).parents[1]


@pytest.fixture(scope="session")
def sources(repository: Path) -> list[Path]:
    """Files that git tracks or would track, relative to the root, links as links."""
    # The clone may belong to another user than the one who tests it.
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others"]
    listed = subprocess.run(
        [*command, "--exclude-standard"], cwd=repository, capture_output=True, text=True, check=True
    )
    names = {Path(name) for name in listed.stdout.split("\0") if name}
    return sorted(name for name in names if (repository / name).exists())


@pytest.fixture(scope="session")
def copy_sources(repository: Path, sources: list[Path]) -> Callable[[Path], Path]:
    """Copy the sources, and nothing built from them, into a folder."""

    def copy(folder: Path) -> Path:
        for name in sources:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(repository / name, folder / name, follow_symlinks=False)
        return folder

    return copy


@pytest.fixture(autouse=True)
def restored_precision() -> Iterator[None]:
    """Give every test mpmath's precision as it found it."""
    before = mpmath.mp.prec
    yield
    mpmath.mp.prec = before
