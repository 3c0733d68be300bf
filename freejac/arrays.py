"""Numbers and arrays from a caller, as NumPy arrays of doubles.

>>> real_array("q", [1, 2])
array([1., 2.])
"""

from __future__ import annotations

import reprlib
from collections.abc import Mapping
from typing import Any

from freejac.symbolic.errors import DomainError

__all__ = ["exact_array", "real_array", "real_arrays"]


def real_array(name: str, value: Any, *, floats: bool = False) -> Any:
    """Take real numbers of any shape.

    Args:
        name: what they are, for the message.
        value: a number, a sequence, or an array.
        floats: leave single precision as it is, and a Python number a number: next to arrays of
            single precision it does not ask for more. An array of doubles is then not copied.

    Raises:
        DomainError: something in it is not a real number, or it is none of a double's size.

    >>> real_array("q", 10**400)
    Traceback (most recent call last):
        ...
    freejac.symbolic.errors.DomainError: q is beyond the doubles, which end at 1.8e308
    """
    import numpy as np  # loaded when numbers are asked for

    try:
        array = np.asarray(value)
        if array.dtype.kind not in "buifO":
            raise TypeError
        if array.dtype.kind == "O" and any(number is None for number in array.flat):
            raise TypeError  # NumPy makes a nan of it
        if floats and array.dtype == np.float32:
            return array
        if floats and isinstance(value, (int, float)) and not isinstance(value, np.generic):
            return float(value)
        # Kernels read their arguments and keep none; two copies take longer than most kernels.
        return array.astype(float, copy=not floats)
    except (TypeError, ValueError):
        raise DomainError(f"{name} must be real numbers, not {reprlib.repr(value)}") from None
    except OverflowError:
        raise DomainError(f"{name} is beyond the doubles, which end at 1.8e308") from None


def exact_array(name: str, value: Any) -> Any:
    """Take real numbers of any shape as they are: SymPy's, mpmath's and integers are not rounded.

    Args:
        name: what they are, for the message.
        value: a number, a sequence, or an array.

    Returns:
        An array of doubles if that is what was given; of objects otherwise.

    Raises:
        DomainError: something in it is not a finite real number.

    >>> exact_array("lambda", [1, 10**400]).dtype
    dtype('O')
    """
    import numpy as np  # as above
    from mpmath import mp

    from freejac.symbolic.domain import finite

    is_array = isinstance(value, np.ndarray | np.generic)
    array = np.asarray(value) if is_array else np.asarray(value, dtype=object)
    if array.dtype.kind == "f" and array.dtype.itemsize <= 8:
        if not np.isfinite(array).all():
            raise DomainError(f"every {name} must be a finite real number")
        return array.astype(float)
    entries = [
        mp.convert(entry) if isinstance(entry, np.number) else entry
        for entry in array.astype(object).ravel()
    ]
    for entry in entries:
        if isinstance(entry, str | bytes):
            raise DomainError(f"{name} must be real numbers, not {reprlib.repr(value)}")
        finite(name, entry)
    found = np.empty(array.shape, dtype=object)
    found.reshape(-1)[:] = entries
    return found


def real_arrays(given: Mapping[str, Any], *, floats: bool = False) -> list[Any]:
    """Take real numbers by name, of shapes that broadcast against each other.

    Args:
        given: numbers, sequences or arrays.
        floats: as for `real_array`.

    Raises:
        DomainError: something is not a real number, or the shapes do not fit together.

    >>> real_arrays({"q": [[1], [2]], "c": [0.5]})
    [array([[1.],
           [2.]]), array([0.5])]
    """
    import numpy as np

    arrays = [real_array(name, value, floats=floats) for name, value in given.items()]
    try:
        np.broadcast_shapes(*map(np.shape, arrays))
    except ValueError:
        shapes = ", ".join(
            f"{name} has {np.shape(array)}" for name, array in zip(given, arrays, strict=True)
        )
        raise DomainError(f"these shapes do not broadcast: {shapes}") from None
    return arrays
