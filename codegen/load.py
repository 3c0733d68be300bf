"""Kernel text as a live module, cached on disk so that Numba compiles it once a machine."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
import tempfile
from pathlib import Path
from types import ModuleType

from freejac.codegen.files import write_atomically

__all__ = ["cache_folder", "load_file", "load_text"]


def cache_folder() -> Path:
    """Folder for compiled kernels: the user's cache directory, else a private temporary one."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    folder = Path(base) / "freejac" / "kernels"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return Path(tempfile.mkdtemp(prefix="freejac-"))
    if os.access(folder, os.W_OK):
        return folder
    return Path(tempfile.mkdtemp(prefix="freejac-"))


def load_text(text: str, folder: Path | None = None) -> ModuleType:
    """Compile the text of a generated module and import it.

    Args:
        text: what `render` wrote. It is our own text: never a user's.
        folder: where the file is kept; the user's cache by default.
    """
    name = f"freejac_kernel_{hashlib.sha256(text.encode()).hexdigest()[:20]}"
    if name in sys.modules:
        return sys.modules[name]
    path = (folder or cache_folder()) / f"{name}.py"
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        write_atomically(path, text)
    return load_file(path, name)


def load_file(path: Path, name: str) -> ModuleType:
    """Import a file under a name of its own."""
    specification = importlib.util.spec_from_file_location(name, path)
    if specification is None or specification.loader is None:
        raise ImportError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(specification)
    sys.modules[name] = module
    try:
        specification.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
