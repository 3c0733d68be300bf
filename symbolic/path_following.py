"""Follow the solution of an equation along a straight line, never by luck.

The caller's solver starts from a known solution and returns the one at a nearby target, or None
when it did not settle close by. The step is halved until it does, and doubled again where it did
twice.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from freejac.symbolic.errors import NotConvergedError

__all__ = ["follow", "follow_far"]

State = TypeVar("State")

_MAX_STEPS = 2000
_SMALLEST = 1e-13


def follow(
    solve: Callable[[State, Any], State | None], state: State, start: Any, end: Any, what: str
) -> State:
    """Carry a solution from the target `start` to the target `end`.

    Args:
        solve: (a solution, a target near its own) → the solution there, or None.
        state: the solution at `start`.
        start: where the path begins.
        end: where it ends; both are complex numbers.
        what: what is followed, for the message.

    Raises:
        NotConvergedError: the steps became too small, as at a branch point, or too many.

    >>> def root(previous, target):                            # w² = target, by Newton
    ...     found = previous
    ...     for _ in range(9):
    ...         found = (found + target / found) / 2
    ...     return found if abs(found - previous) < abs(previous) / 4 else None
    >>> around = [1, 1j, -1, -1j, 1]                           # once around the branch point
    >>> value = 1.0
    >>> for here, there in zip(around, around[1:]):
    ...     value = follow(root, value, here, there, "the square root")
    >>> round(value.real, 12), round(abs(value.imag), 12)
    (-1.0, 0.0)
    """
    state, done = follow_far(solve, state, start, end, _SMALLEST)
    if done < 1:
        raise NotConvergedError(
            f"{what} was not reached: the path comes too close to a branch point"
        )
    return state


def follow_far(
    solve: Callable[[State, Any], State | None], state: State, start: Any, end: Any, smallest: float
) -> tuple[State, float]:
    """Carry a solution as far as it goes, and say which part of the way that is.

    Arguments are those of `follow`; `smallest` is the least step, of the whole.

    >>> found, done = follow_far(lambda state, t: t if t < 0.75 else None, 0.0, 0.0, 1.0, 1e-6)
    >>> round(found, 5), round(done, 5)
    (0.75, 0.75)
    """
    done, step, refused = 0.0, 1.0, False
    for _ in range(_MAX_STEPS):
        if done >= 1:
            break
        step = min(step, 1 - done)
        arrival = done + step if done + step < 1 else 1.0
        target = end if arrival == 1 else start + arrival * (end - start)
        found = solve(state, target)
        if found is None:
            step, refused = step / 2, True
            if step < smallest:
                break
            continue
        # what was too long a moment ago is not tried at once again
        state, done, step = found, arrival, step if refused else 2 * step
        refused = False
    return state, done
