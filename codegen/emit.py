"""A kernel module of any activation in a file of the user's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from freejac.codegen.activation_modules import activation_module
from freejac.codegen.files import is_generated, write_atomically
from freejac.codegen.measure import measure
from freejac.codegen.record import ModuleRecord
from freejac.codegen.render import render
from freejac.symbolic.activation import Activation
from freejac.symbolic.errors import InputError

__all__ = ["emit"]


def emit(
    phi: Activation, path: Path | str, *, progress: Callable[[str], None] = lambda _: None
) -> ModuleRecord:
    """Write a self-contained, cross-checked kernel module for any activation.

    Args:
        phi: the activation.
        path: file to write; an existing file is replaced only if it is a generated one.
        progress: told each step in words.

    Returns:
        The measured errors, which also stand in the file's header.

    Raises:
        InputError: the path cannot be written, or holds something else.
        Error: a kernel fails its cross-check; nothing is written.
    """
    target = Path(path)
    if target.suffix != ".py" or not target.stem.isidentifier():
        raise InputError(f"{target.name} is not a module name; write to something like kernels.py")
    if not target.parent.is_dir():
        raise InputError(f"the folder {target.parent} does not exist")
    if target.is_dir() or (target.exists() and not is_generated(target)):
        raise InputError(f"{target} exists and is not a generated file; choose another name")
    module = activation_module(phi, name=target.stem)
    record = measure(module, progress)
    try:
        write_atomically(target, render(module, record))
    except OSError as error:
        raise InputError(f"cannot write {target}: {error.strerror}") from None
    return record
