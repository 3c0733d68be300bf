"""From the parts of an integral to one canonical SymPy expression.

Parts are grouped by exponential and wave. Within a group the functions erf, E[sign sign] and 1
are linearly independent, so that a form which depends on their coefficients alone is canonical;
it is chosen so that tails are written with erfc and the bivariate normal distribution, not as
differences.
"""

from __future__ import annotations

from itertools import combinations, product
from typing import TypeAlias

import sympy as sp

from freejac.symbolic.bivariate_normal import Phi2
from freejac.symbolic.functions import Phi
from freejac.symbolic.gaussian import Leaf, Parts, add_parts
from freejac.symbolic.surds import Surd
from freejac.symbolic.voigt import VoigtK, VoigtL

__all__ = ["assemble"]

Function: TypeAlias = tuple[str, tuple[Surd, ...]]
"""A kind of function and its arguments."""
Group: TypeAlias = dict[Function, Surd]
Groups: TypeAlias = dict[tuple[Surd, sp.Expr], Group]

_ONE: Function = ("one", ())
_MOST_CHOICES = 6


def assemble(parts: Parts) -> sp.Expr:
    """The real part of Σ coefficient · exp(exponent) · leaf, as one expression."""
    groups: Groups = {}
    parts = _without_logarithms(parts)
    below = _turned(parts)
    for (exponent, leaf), coefficient in parts.items():
        if any(height.real and height.imaginary for height in leaf.arguments):
            _emit_complex(groups, exponent, leaf.arguments[0], coefficient, exponent in below)
        else:
            _emit(groups, exponent, leaf, coefficient)
    total = []
    for (exponent, wave), group in groups.items():
        scale = sp.exp(exponent.expanded()) * wave
        _join_orthants(group)
        total += [c.expr(f * scale) for c, f in _with_tails(group)]
    return sp.Add(*total)


def _emit(groups: Groups, exponent: Surd, leaf: Leaf, coefficient: Surd) -> None:
    """Add one part, its leaf in terms of real functions."""
    arguments = leaf.arguments
    if not arguments:
        _add_real(groups, exponent, _ONE, coefficient)
    elif len(arguments) == 3:
        _emit_orthant(groups, exponent, arguments, coefficient)
    elif not arguments[0].imaginary:
        if arguments[0]:
            sign, height = _signed(arguments[0])
            _add_real(groups, exponent, ("erf", (height,)), coefficient * sign)
    else:
        # erf(i g) = i erfi(g)
        sign, height = _signed(arguments[0].imaginary)
        i = exponent.field.i
        _add_real(groups, exponent, ("erfi", (height,)), coefficient * i * sign)


def _without_logarithms(parts: Parts) -> Parts:
    """Write exp(n log 2 + …) as 2ⁿ exp(…), as it comes from breakpoints such as log 2."""
    if not parts:
        return parts
    field = next(iter(parts))[0].field
    for logarithm in field.generators:
        if not (isinstance(logarithm, sp.log) and logarithm.args[0].is_Rational):
            continue
        moved: Parts = {}
        for (exponent, leaf), coefficient in parts.items():
            times, rest = exponent.split(logarithm)
            whole = times.is_Integer
            factor = field.rational(logarithm.args[0] ** times) if whole else field.one
            add_parts(moved, {(rest if whole else exponent, leaf): coefficient * factor})
        parts = moved
    return parts


def _turned(parts: Parts) -> set[Surd]:
    """The exponents at which complex error functions of unknown side are better turned around.

    erf(ζ) = ±1 ∓ exp(−ζ²) w(±iζ), and that sign is best for which the ones cancel.
    """
    sums: dict[Surd, list[Surd]] = {}
    for (exponent, leaf), coefficient in parts.items():
        usual, turned = sums.setdefault(exponent, [exponent.field.zero] * 2)
        if not leaf.arguments:
            sums[exponent] = [usual + coefficient, turned + coefficient]
        elif leaf.arguments[0].real and leaf.arguments[0].imaginary:
            side, height = _signed(leaf.arguments[0].real)
            known = height.sign() == 1
            sums[exponent] = [
                usual + coefficient * side,
                turned + coefficient * (side if known else -side),
            ]
    return {exponent for exponent, (usual, turned) in sums.items() if usual and not turned}


def _emit_complex(
    groups: Groups, exponent: Surd, height: Surd, coefficient: Surd, turned: bool
) -> None:
    """erf(ζ) = 1 − exp(−ζ²) w(iζ), w = K + iL at iζ = −Im ζ + i Re ζ."""
    side, real = _signed(height.real)
    if turned and real.sign() is None:
        side = -side
    height, coefficient = height * side, coefficient * side
    i = exponent.field.i
    _add_real(groups, exponent, _ONE, coefficient)
    tail = exponent - height**2 / 2
    turn, at = _signed(height.imaginary)
    _add_real(groups, tail, ("K", (at, height.real)), -coefficient)
    _add_real(groups, tail, ("L", (at, height.real)), coefficient * i * turn)


def _emit_orthant(
    groups: Groups, exponent: Surd, arguments: tuple[Surd, ...], coefficient: Surd
) -> None:
    """E[sign(X + h) sign(Y + k)]: even under (h, k) → (−h, −k), odd under (h, r) → (−h, −r)."""
    first, second, correlation = arguments
    sign_1, first = _signed(first)
    sign_2, second = _signed(second)
    turn, correlation = 1, correlation * (sign_1 * sign_2)
    if not first or not second:
        # With one height 0 the mean is odd in r.
        turn, correlation = _signed(correlation)
    if not correlation and not (first and second):
        return
    low, high = sorted((first, second), key=lambda surd: surd.key)
    function = ("orthant", (low, high, correlation))
    _add_real(groups, exponent, function, coefficient * (sign_1 * sign_2 * turn))


def _signed(value: Surd) -> tuple[int, Surd]:
    """A sign and a value without it: positive if that is provable, else by convention."""
    sign = value.sign()
    if sign is None:
        sign = value.leading_sign()
    return (sign, value * sign) if sign else (1, value)


def _add_real(groups: Groups, exponent: Surd, function: Function, coefficient: Surd) -> None:
    """Add Re(coefficient · e^{i Im exponent}) · e^{Re exponent} · function."""
    phase = exponent.imaginary
    if not phase:
        _add(groups, (exponent, sp.S.One), function, coefficient.real)
        return
    turns, rest = phase.split(sp.pi)
    angle = rest.expr() + turns * sp.pi
    for wave, part in ((sp.cos(angle), coefficient.real), (sp.sin(angle), -coefficient.imaginary)):
        number, wave_only = wave.as_coeff_Mul()
        if number:
            _add(
                groups, (exponent.real, wave_only), function, part * exponent.field.rational(number)
            )


def _add(groups: Groups, key: tuple[Surd, sp.Expr], function: Function, coefficient: Surd) -> None:
    group = groups.setdefault(key, {})
    total = group[function] + coefficient if function in group else coefficient
    if total:
        group[function] = total
    else:
        group.pop(function, None)


def _join_orthants(group: Group) -> None:
    """Write E[sign(X + h) sign(Y + k)] with the bivariate normal distribution Φ₂.

    σ₁σ₂ E = 4 Φ₂(σ₁h, σ₂k, σ₁σ₂r) − 1 − σ₁ erf(h/√2) − σ₂ erf(k/√2) for any signs σ; those are
    taken that leave the fewest other terms, 1 − erf counting as one; ++ if none is better.
    """
    for function in [f for f in group if f[0] == "orthant" and (f[1][0] or f[1][1])]:
        low, high, correlation = function[1]
        coefficient = group.pop(function)
        choices = []
        for sign_1, sign_2 in product((1, -1), repeat=2):
            if (sign_1 < 0 and not low) or (sign_2 < 0 and not high):
                continue  # without a height there is nothing to turn
            turned = coefficient * (sign_1 * sign_2)
            rest = dict(group)
            _reduce(rest, _ONE, -turned)
            _reduce(rest, ("erf", (low,)), turned * -sign_1)
            _reduce(rest, ("erf", (high,)), turned * -sign_2)
            heights = (low * sign_1, high * sign_2, correlation * (sign_1 * sign_2))
            choices.append((rest, ("normal", heights), turned * 4))
        rest, normal, weight = min(choices, key=lambda choice: _cost(choice[0]))
        group.clear()
        group.update(rest)
        _reduce(group, normal, weight)


def _cost(group: Group) -> int:
    constant = group.get(_ONE)
    paired = any(f[0] == "erf" and group[f] == -constant for f in group) if constant else False
    return len(group) - paired


def _reduce(group: Group, function: Function, change: Surd) -> None:
    if function[0] == "erf" and not function[1][0]:
        return
    total = group[function] + change if function in group else change
    if total:
        group[function] = total
    else:
        group.pop(function, None)


def _with_tails(group: Group) -> list[tuple[Surd, sp.Expr]]:
    """Write sums that vanish at large arguments with erfc, so that nothing cancels there.

    These are k − k·erf(B), erf(A) − erf(B) and the like; k + c·erf(B) that tends to something else
    is k·erfc(B) + (k + c)·erf(B).
    """
    constant = group.get(_ONE)
    names = sorted((f for f in group if f[0] == "erf"), key=lambda f: f[1][0].key)
    signs = _vanishing(constant, {f: group[f] for f in names})
    if constant is not None and not signs and len(names) == 1 and constant != group[names[0]]:
        rest = {names[0]: constant + group[names[0]]}
        group = {f: c for f, c in group.items() if f not in (names[0], _ONE)} | rest
        tails = [(constant, _tail(names[0], 1))]
    else:
        gone = {*signs, _ONE} if signs else set()
        tails = [(group[f] * -sign, _tail(f, sign)) for f, sign in signs.items()]
        group = {f: c for f, c in group.items() if f not in gone}
    return tails + [(c, _function(f)) for f, c in group.items()]


def _vanishing(constant: Surd | None, erfs: Group) -> dict[Function, int]:
    """The most signs σ with constant + Σ σ·coefficient = 0.

    An argument is positive, or has a sign that depends on the parameters and is positive at a large
    variance. There the sum vanishes if all σ are 1, and at a small one if those of such are −1.
    """
    usual = dict.fromkeys(erfs, 1)
    turned = {f: 1 if f[1][0].sign() == 1 else -1 for f in erfs}
    sizes = range(len(erfs), 0, -1) if len(erfs) <= _MOST_CHOICES else (len(erfs), 2, 1)
    for size in sizes:
        for signs in (usual, turned):
            for chosen in combinations(erfs, size):
                if not sum((erfs[f] * signs[f] for f in chosen), constant or 0):
                    return {f: signs[f] for f in chosen}
    return {}


def _tail(function: Function, sign: int) -> sp.Expr:
    """1 − erf(±B), as Φ where SymPy would write erfc(B) as 2 − erfc(−B)."""
    height = function[1][0] * sign
    tail = sp.erfc(_argument(height))
    return tail if isinstance(tail, sp.erfc) else 2 * Phi((-height).expr())


def _argument(height: Surd) -> sp.Expr:
    """h/√2, factored."""
    return (height / height.field.number(sp.sqrt(2))).expr()


def _function(function: Function) -> sp.Expr:
    kind, arguments = function
    if function == _ONE:
        return sp.S.One
    if kind == "erf":
        return sp.erf(_argument(arguments[0]))
    if kind == "erfi":
        return sp.erfi(_argument(arguments[0]))
    if kind == "K":
        return VoigtK(*map(_argument, arguments))
    if kind == "L":
        return VoigtL(*map(_argument, arguments))
    if kind == "normal":
        return Phi2(*(argument.expr() for argument in arguments))
    return 2 * sp.asin(arguments[2].expr()) / sp.pi
