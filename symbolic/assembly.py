"""From the parts of an integral to one canonical SymPy expression.

Parts are grouped by exponential and wave. Within a group the functions erf, E[sign sign] and 1
are linearly independent, so that a form which depends on their coefficients alone is canonical;
it is chosen so that tails are written with erfc and the bivariate normal distribution, not as
differences.
"""

from __future__ import annotations

from itertools import product
from typing import TypeAlias

import sympy as sp

from freejac.symbolic.bivariate_normal import Phi2
from freejac.symbolic.gaussian import Leaf, Parts
from freejac.symbolic.surds import Surd
from freejac.symbolic.voigt import VoigtK, VoigtL

__all__ = ["assemble"]

Function: TypeAlias = tuple[str, tuple[Surd, ...]]
"""A kind of function and its arguments."""
Group: TypeAlias = dict[Function, Surd]
Groups: TypeAlias = dict[tuple[Surd, sp.Expr], Group]

_ONE: Function = ("one", ())


def assemble(parts: Parts) -> sp.Expr:
    """The real part of Σ coefficient · exp(exponent) · leaf, as one expression."""
    groups: Groups = {}
    for (exponent, leaf), coefficient in parts.items():
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
    elif not arguments[0].real:
        # erf(i g) = i erfi(g)
        sign, height = _signed(arguments[0].imaginary)
        i = exponent.field.i
        _add_real(groups, exponent, ("erfi", (height,)), coefficient * i * sign)
    else:
        _emit_complex(groups, exponent, arguments[0], coefficient)


def _emit_complex(groups: Groups, exponent: Surd, height: Surd, coefficient: Surd) -> None:
    """erf(ζ) = 1 − exp(−ζ²) w(iζ), w = K + iL at iζ = −Im ζ + i Re ζ."""
    sign, _ = _signed(height.real)
    height, coefficient = height * sign, coefficient * sign
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
    angle = phase.expr()
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
    """Write k + c·erf(B) as k·erfc(B) + (k + c)·erf(B), so that nothing cancels at large B."""
    constant = group.get(_ONE)
    erfs = sorted((f for f in group if f[0] == "erf"), key=lambda f: f[1][0].key)
    chosen = None
    if constant is not None:
        partners = [f for f in erfs if constant == -group[f]]
        chosen = partners[0] if partners else erfs[0] if len(erfs) == 1 else None
        if chosen is not None and constant == group[chosen]:
            chosen = None
    terms = [(c, _function(f)) for f, c in group.items() if f not in (chosen, _ONE)]
    if constant is None:
        return terms
    if chosen is None:
        return [*terms, (constant, sp.S.One)]
    argument = _argument(chosen[1][0])
    rest = constant + group[chosen]
    return [*terms, (constant, sp.erfc(argument)), (rest, sp.erf(argument))]


def _argument(height: Surd) -> sp.Expr:
    """h/√2, factored."""
    return (height / height.field.number(sp.sqrt(2))).expr()


def _function(function: Function) -> sp.Expr:
    kind, arguments = function
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
