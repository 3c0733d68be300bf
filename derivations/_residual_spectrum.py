"""Residual networks, section II.1: from one layer's Green's function to the universal spectrum.

The text that we have lost its formulas; they are restored from the sentences around them, from
what the model makes of them, and, where they are known, from the published equations.
"""

from __future__ import annotations

from functools import lru_cache

import sympy as sp

from freejac.derivations._gaussian_entries import (
    entries,
    non_crossing_pairings,
    residual_moment,
)
from freejac.symbolic.check import check
from freejac.symbolic.check_families import check_each
from freejac.symbolic.check_functions import check_inverse, check_law
from freejac.symbolic.claims import Claim
from freejac.symbolic.determining_series import determining_expr
from freejac.symbolic.lambert import GeneralizedLambertW
from freejac.symbolic.symbols import cumulant, depth, lam, z
from freejac.symbolic.verdict import Verdict, weakest

__all__ = ["CLAIMS"]

_A = sp.Symbol("a", positive=True)
_DET = sp.Symbol("A")
_G = sp.Symbol("G")
_S = sp.Symbol("S")
_Y = sp.Symbol("y", positive=True)
_X = sp.Symbol("x")
_VAR, _OTHER = sp.symbols("s t", positive=True)
_SIGMA = sp.Symbol("sigma", positive=True)
_Z = sp.Symbol("z", positive=True)
_U = sp.Symbol("u", positive=True)

# The law of W Wᵀ for square Gaussian W of unit scale, by which relations are tried out
_MP_GREEN = (1 - sp.sqrt(1 - 4 / z)) / 2
_MP_R = 1 / (1 - z)
_MP_S = 1 / (1 + z)

_ONE_LAYER = _G * (z * (1 - _DET * _G) ** 2 - _A**2) - (1 - _DET * _G)
"""Eq. (17), G times the denominator less the numerator."""
_QUADRATIC = (1 - _DET * _Y * _S) * (1 - _DET * (1 + _Y) * _S) - _A**2 * _S
"""Eq. (19): zero."""
_BRANCH = (2 * _VAR * _Y + _VAR + 1 - sp.sqrt(1 + 4 * _VAR * _Y + 2 * _VAR + _VAR**2)) / (
    2 * _VAR**2 * _Y * (_Y + 1)
)
"""The root of eq. (19) for a = 1 and A = s that is regular at s = 0."""
_UNIVERSAL = sp.exp(-cumulant * (1 + 2 * z))


def _layers(count: int) -> tuple[sp.Matrix, sp.Matrix, list[sp.Symbol], list[sp.Symbol]]:
    """The Jacobian of x ↦ φ(Wx + b) + a x, φ(h) = h², and the product of eq. (6), width 2."""
    inputs = list(entries("x", 2))
    signal, product = sp.Matrix(inputs), sp.eye(2)
    for layer in range(count):
        weights = sp.Matrix(2, 2, entries(f"W{layer}", 4))
        h = weights * signal + sp.Matrix(entries(f"b{layer}", 2))
        product = (_A * sp.eye(2) + sp.diag(2 * h[0], 2 * h[1]) * weights) * product
        signal = h.applyfunc(lambda u: u**2) + _A * signal
    return signal.jacobian(inputs), product, inputs, []


def _chain_rule() -> Verdict:
    jacobian, product, *_ = _layers(2)
    pairs = zip(jacobian, product, strict=True)
    return weakest("J = Π (a + DW)", tuple(check(a, b) for a, b in pairs), "entry")


def _isospectral() -> Verdict:
    """The characteristic polynomials of (Y_2 Y_1)(Y_2 Y_1)ᵀ and of Y_2ᵀY_2 Y_1Y_1ᵀ."""
    first, second = (sp.Matrix(2, 2, entries(name, 4)) for name in ("Y", "V"))
    left = (second * first) * (second * first).T
    right = (second.T * second) * (first * first.T)
    pairs = ((left.trace(), right.trace()), (left.det(), right.det()))
    return weakest("the same eigenvalues", tuple(check(a, b) for a, b in pairs), "coefficient")


def _free_sum() -> Verdict:
    """R of two free semicircular variables against moments of the sum, counted word by word."""

    def moment(k: int) -> sp.Expr:
        total = sp.S.Zero
        for mask in range(2**k):
            word = tuple("S'" if mask >> place & 1 else "T'" for place in range(k))
            ones = word.count("S'")
            if ones % 2 == 0 and (k - ones) % 2 == 0:
                weight = _VAR ** (ones // 2) * _OTHER ** ((k - ones) // 2)
                total += non_crossing_pairings(word) * weight
        return sp.expand(total)

    return check_law(r=_VAR * z + _OTHER * z, moments=[moment(k) for k in range(1, 7)])


def _free_product() -> Verdict:
    """S of W_1W_2(W_1W_2)ᵀ as a product against moments counted word by word."""
    counted = [non_crossing_pairings(("A", "B", "b", "a") * k) for k in range(1, 6)]
    return check_law(s=_MP_S * _MP_S, moments=counted)


def _two_layers() -> Verdict:
    """S_1 S_2 of two residual layers against moments of their product, counted word by word."""
    terms = 3
    root = sp.series(_BRANCH.subs(_VAR, sp.Rational(1, 3)), _Y, 0, terms).removeO().subs(_Y, z)
    counted = [residual_moment(k, 2, sp.S.One, sp.Rational(1, 3)) for k in range(1, terms + 1)]
    return check_law(s=root**2, moments=counted)


def _resolvent() -> Verdict:
    """The upper left block of the resolvent of [[z, −Y], [−Yᵀ, 1]] for 2 × 2 matrices Y."""
    matrix = sp.Matrix(2, 2, entries("Y", 4))
    linear = sp.Matrix(sp.BlockMatrix([[z * sp.eye(2), -matrix], [-matrix.T, sp.eye(2)]]))
    block = linear.inv(method="ADJ")[:2, :2]
    direct = (z * sp.eye(2) - matrix * matrix.T).inv(method="ADJ")
    pairs = zip(block, direct, strict=True)
    return weakest("the block is the resolvent", tuple(check(a, b) for a, b in pairs), "entry")


def _schwinger_dyson() -> Verdict:
    """𝒢 = (𝒵 − ℛ(𝒢))⁻¹ with 𝒢_11 = G, 𝒢_22 = zG: both diagonal entries, eq. (17) for G."""
    matrix = sp.Matrix([[z - _DET * z * _G, -_A], [-_A, 1 - _DET * _G]])
    inverse = matrix.inv()
    formula = (1 - _DET * _G) / (z * (1 - _DET * _G) ** 2 - _A**2)
    return weakest(
        "the Schwinger–Dyson equation",
        (check(inverse[0, 0], formula), check(inverse[1, 1], z * formula)),
        "entry",
    )


def _one_layer_moments(order: int) -> tuple[sp.Expr, sp.Expr]:
    """Coefficient of z^−order in eq. (17) at A = s, moments counted; it should vanish."""
    t = sp.Symbol("t")
    moments = [sp.S.One, *(residual_moment(k, 1, _A, _VAR) for k in range(1, order + 1))]
    green = sum(m * t ** (k + 1) for k, m in enumerate(moments))
    residual = _ONE_LAYER.subs({_DET: _VAR, _G: green, z: 1 / t})
    return sp.expand(sp.expand(residual).coeff(t, order)), sp.S.Zero


def _orthogonal_layer() -> tuple[sp.Expr, sp.Expr]:
    """Eq. (17) for X = σ × Haar, a = 1, at the Green's function of 1 + σ² + 2σ cos θ."""
    green = 1 / sp.sqrt((z - 1 - _SIGMA**2) ** 2 - 4 * _SIGMA**2)
    series = (sp.sqrt(1 + 4 * _SIGMA**2 * z * green**2) - 1) / (2 * z * green**2)
    values = {_A: 1, _DET: series, _G: green}
    return _ONE_LAYER.subs(values, simultaneous=True), sp.S.Zero


def _orthogonal_order() -> tuple[sp.Expr, sp.Expr]:
    """Eq. (19) for Haar weights of scale √s at the universal S, to first order in s."""
    trial = 1 - _VAR * (1 + 2 * _Y)
    point = _Y * (1 + _Y) * trial
    series = (sp.sqrt(1 + 4 * _VAR * point) - 1) / (2 * point)
    return _QUADRATIC.subs({_A: 1, _DET: series, _S: trial}, simultaneous=True), sp.O(_VAR**2)


def _scaled_series() -> Verdict:
    steps = []
    for transform in (_MP_S, sp.S.One):
        scaled = determining_expr(transform / _SIGMA**2)
        steps.append(check(scaled, determining_expr(transform).subs(z, _SIGMA**2 * z)))
    return weakest("w A(w) of a scaled matrix", tuple(steps), "ensemble")


@lru_cache(maxsize=1)
def _edge_points() -> tuple[sp.Expr, sp.Expr]:
    """The values of M at the two edges, (−1 ± √(1 + 2/c))/2."""
    root = sp.sqrt(1 + 2 / cumulant)
    return (root - 1) / 2, (-root - 1) / 2


def _eigenvalue(m: sp.Expr) -> sp.Expr:
    """λ as a function of M = λG − 1, from the Green's equation."""
    return (1 + m) / m * sp.exp(cumulant * (1 + 2 * m))


def _edges() -> Verdict:
    m = sp.Symbol("m", real=True)
    slope = sp.diff(sp.log((1 + m) / m) + cumulant * (1 + 2 * m), m)
    steps = tuple(check(sp.simplify(slope.subs(m, point)), 0) for point in _edge_points())
    return weakest("dλ/dM = 0 at both edges", steps, "edge")


_ROOT = sp.sqrt(cumulant * (cumulant + 2))
_CONDITION = (1 + cumulant + _ROOT) * sp.exp(_ROOT)


def _second_moment() -> Verdict:
    """m_2 of L equal layers, by what one more layer does to it, and its limit."""
    u, h = (1 + _VAR) ** 2, sp.Symbol("h", positive=True)
    step = sp.expand(residual_moment(2, 1, sp.S.One, _VAR) - u)

    def grown(layers: int) -> tuple[sp.Expr, sp.Expr]:
        closed = u**layers * (1 + layers * (u - 1) / u)
        return residual_moment(2, layers, sp.S.One, _VAR), closed

    finite = check_each(grown, 1, 3, claim="m_2 = u^L + L u^(L−1)(u − 1), u = (1 + s)²")
    one = check(step, u - 1)
    near = u.subs(_VAR, cumulant * h)
    power = check(sp.Limit((1 + cumulant / depth) ** depth, depth, sp.oo), sp.exp(cumulant))
    slope = check(sp.Limit((near - 1) / (h * near), h, 0, "+"), 2 * cumulant)
    return weakest("m_2", (one, finite, power, slope), "part")


def _condition_number() -> Verdict:
    """√(λ₊/λ₋) against eq. (26), at c = 2/(r² − 1) where √(1 + 2/c) = r = 1 + u."""
    r = 1 + _U
    c = 2 / (r**2 - 1)
    upper, lower = (_eigenvalue(point).subs(cumulant, c) for point in ((r - 1) / 2, -(r + 1) / 2))
    root = r * c
    edges = tuple(
        check(point.subs(cumulant, c), value)
        for point, value in zip(_edge_points(), ((r - 1) / 2, -(r + 1) / 2), strict=True)
    )
    named = check(root, _ROOT.subs(cumulant, c))
    squared = check(upper / lower, ((1 + c + root) * sp.exp(root)) ** 2)
    return weakest("eq. (26), squared; both sides are positive", (*edges, named, squared), "part")


_LAMBERT_POINT = sp.exp(_X) * (_X + cumulant) / (_X - cumulant)
_G_SOLUTION = (cumulant + GeneralizedLambertW(-cumulant, cumulant, _Z)) / (2 * cumulant * _Z)

_LOST = "the formula is lost in the text; restored"

CLAIMS = (
    Claim(
        "resnet.i-jacobian",
        "section I, eqs. (5) and (6)",
        r"\mathbf{J} = \frac{\partial x^L}{\partial x^0} = \prod_l (a + \mathbf{D}^l \mathbf{W}^l)",
        decide=_chain_rule,
        assumptions="φ(h) = h², width 2, two layers, any weights and biases",
        note=_LOST,
    ),
    Claim(
        "resnet.ii1-moments",
        "section II.1, eq. (7)",
        r"G(z) = \int \frac{\rho(t)}{z - t} dt = \sum_k \frac{m_k}{z^{k+1}}",
        decide=lambda: check_law(
            stieltjes=_MP_GREEN,
            moments=[non_crossing_pairings(("A", "a") * k) for k in range(1, 7)],
        ),
        assumptions="for W Wᵀ, whose moments are counted",
        note=_LOST,
    ),
    Claim(
        "resnet.ii1-density",
        "section II.1, eq. (8)",
        r"\rho(\lambda) = -\tfrac{1}{\pi} \lim_{\epsilon \to 0^+}"
        r" \operatorname{Im} G(\lambda + i\epsilon)",
        lhs=lambda: -sp.im(_MP_GREEN.subs(z, 4 / (1 + _U**2))) / sp.pi,
        rhs=sp.sqrt(((4 - lam) / lam).subs(lam, 4 / (1 + _U**2))) / (2 * sp.pi),
        assumptions="for W Wᵀ at λ = 4/(1 + u²), u > 0, which is all of its support; principal"
        " values are those of the upper half-plane",
        note=_LOST,
    ),
    Claim(
        "resnet.ii1-r-transform",
        "section II.1, eq. (9)",
        r"R(G(z)) + \frac{1}{G(z)} = z",
        lhs=(_MP_R.subs(z, _MP_GREEN) + 1 / _MP_GREEN).subs(z, _Z),
        rhs=_Z,
        where=_Z > 4,
        assumptions="for W Wᵀ",
        note=_LOST,
    ),
    Claim(
        "resnet.ii1-additive",
        "section II.1",
        r"R_{X+Y}(z) = R_X(z) + R_Y(z)",
        decide=_free_sum,
        assumptions="two free semicircular variables; moments to order 6, counted",
    ),
    Claim(
        "resnet.ii1-inverse-maps",
        "section II.1, eq. (10)",
        r"z' = z R(z),\quad z = z' S(z')",
        decide=lambda: check_inverse(z * _MP_R, z * _MP_S, z),
        assumptions="for W Wᵀ",
        note=_LOST,
    ),
    Claim(
        "resnet.ii1-multiplicative",
        "section II.1",
        r"S_{XY}(z) = S_X(z) S_Y(z)",
        decide=_free_product,
        assumptions="W_1W_2(W_1W_2)ᵀ; moments to order 5, counted",
    ),
    Claim(
        "resnet.ii1-isospectral",
        "section II.1, before eq. (11)",
        r"\operatorname{spec}(Y_2 Y_1 Y_1^T Y_2^T) = \operatorname{spec}(Y_2^T Y_2 Y_1 Y_1^T)",
        decide=_isospectral,
        assumptions="2 × 2 matrices: trace and determinant",
        note=_LOST,
    ),
    Claim(
        "resnet.ii1-product",
        "section II.1, eq. (11)",
        r"S_{\mathbf{J}\mathbf{J}^T}(z) = \prod_l S_l(z)",
        decide=_two_layers,
        assumptions="two layers 1 + X, s = 1/3, S_l the root of eq. (19); three moments, counted",
        note=_LOST,
    ),
    Claim(
        "resnet.ii1-linearisation",
        "section II.1, eqs. (13) and (14)",
        r"\begin{pmatrix} z & -Y \\ -Y^T & 1 \end{pmatrix}^{-1}_{11} = (z - Y Y^T)^{-1}",
        decide=_resolvent,
        assumptions="2 × 2 matrices Y",
        note=_LOST,
    ),
    Claim(
        "resnet.ii1-scaling",
        "section II.1, after eq. (16)",
        r"A_{\sigma X}(w) = \sigma^2 A_X(\sigma^2 w)",
        decide=_scaled_series,
        assumptions="Gaussian and Haar orthogonal X",
        note=_LOST,
    ),
    Claim(
        "resnet.ii1-schwinger-dyson",
        "section II.1, eqs. (15) to (17)",
        r"\mathcal{G}^{-1} = \mathcal{Z} - A(\mathcal{G}_{11}\mathcal{G}_{22})"
        r"\begin{pmatrix} \mathcal{G}_{22} & 0 \\ 0 & \mathcal{G}_{11} \end{pmatrix}"
        r" \Rightarrow G = \frac{1 - AG}{z(1 - AG)^2 - a^2},\ \mathcal{G}_{22} = zG",
        decide=_schwinger_dyson,
        note=_LOST,
    ),
    Claim(
        "resnet.ii1-one-layer-gaussian",
        "section II.1, eq. (17)",
        r"G = \frac{1 - sG}{z(1 - sG)^2 - a^2},\quad G = \sum_k \frac{m_k}{z^{k+1}}",
        decide=lambda: check_each(_one_layer_moments, 1, 6, claim="eq. (17), coefficient of z⁻ⁿ"),
        assumptions="Gaussian X of variance s, any a; moments to order 6, counted",
        note=_LOST,
    ),
    Claim(
        "resnet.ii1-one-layer-orthogonal",
        "section II.1, eq. (17)",
        r"G = \frac{1}{\sqrt{(z - 1 - \sigma^2)^2 - 4\sigma^2}},\quad"
        r" A(w) = \frac{\sqrt{1 + 4\sigma^2 w} - 1}{2w}",
        lhs=lambda: _orthogonal_layer()[0].subs(z, _Z),
        rhs=0,
        where=(_Z > 20, _SIGMA < 2),
        assumptions="X = σ × Haar, a = 1: |1 + σe^{iθ}|² with θ uniform, known directly",
        note=_LOST,
    ),
    Claim(
        "resnet.ii1-one-layer-r",
        "section II.1, eq. (18)",
        r"z\bigl((R + \tfrac{1}{z})(1 - sz)^2 - a^2\bigr) = 1 - sz \Rightarrow"
        r" R(z) = \frac{s}{1 - sz} + \frac{a^2}{(1 - sz)^2}",
        decide=lambda: check_law(
            r=_VAR / (1 - _VAR * z) + _A**2 / (1 - _VAR * z) ** 2,
            moments=[residual_moment(k, 1, _A, _VAR) for k in range(1, 6)],
        ),
        assumptions="Gaussian X of variance s; moments to order 5, counted",
        note=_LOST,
    ),
    Claim(
        "resnet.ii1-one-layer-s",
        "section II.1, eq. (19)",
        r"G\bigl(z(1 - AG)^2 - a^2\bigr) - (1 - AG) ="
        r" y \bigl[(1 - A y S)(1 - A (1 + y) S) - a^2 S\bigr],\quad G = yS,\ z = \tfrac{1 + y}{yS}",
        lhs=_ONE_LAYER.subs({_G: _Y * _S, z: (1 + _Y) / (_Y * _S)}, simultaneous=True),
        rhs=_Y * _QUADRATIC,
        assumptions="exact at any depth, for any biunitarily invariant X",
        note=_LOST,
    ),
    Claim(
        "resnet.ii1-branch",
        "section II.1, before eq. (20)",
        r"(1 - s y S)(1 - s(1 + y) S) = S",
        lhs=_QUADRATIC.subs({_A: 1, _DET: _VAR, _S: _BRANCH}),
        rhs=0,
        assumptions="Gaussian X, a = 1: S the root that stays finite as s → 0",
        note=_LOST,
    ),
    Claim(
        "resnet.ii1-expansion",
        "section II.1, eq. (20)",
        r"S_l(z) = 1 - \frac{c_l}{L}(1 + 2z) + O(L^{-2})",
        lhs=_BRANCH,
        rhs=1 - _VAR * (1 + 2 * _Y) + sp.O(_VAR**2),
        assumptions="Gaussian weights, a = 1, s = c_l/L",
        note=_LOST,
    ),
    Claim(
        "resnet.ii1-expansion-orthogonal",
        "section II.1, eq. (20)",
        r"S_l(z) = 1 - \frac{c_l}{L}(1 + 2z) + O(L^{-2})",
        lhs=lambda: _orthogonal_order()[0],
        rhs=lambda: _orthogonal_order()[1],
        assumptions="scaled orthogonal weights: the same first order, put into eq. (19)",
        note=_LOST,
    ),
    Claim(
        "resnet.ii1-log-sum",
        "section II.1, eq. (22)",
        r"\log S_{\mathbf{J}\mathbf{J}^T}(z) = -\frac{1}{L} \sum_l c_l (1 + 2z) + O(L^{-1})",
        lhs=sp.log(1 - _VAR * (1 + 2 * _Y)),
        rhs=-_VAR * (1 + 2 * _Y) + sp.O(_VAR**2),
        assumptions="each of the L terms of the sum, s = c_l/L, to an error of order L⁻²; S_l from"
        " eq. (20)",
        note=_LOST,
    ),
    Claim(
        "resnet.ii1-exponential",
        "section II.1, eq. (23)",
        r"S_{\mathbf{J}\mathbf{J}^T}(z) = \lim_{L \to \infty}"
        r" \Bigl(1 - \frac{c}{L}(1 + 2z)\Bigr)^L = e^{-c(1 + 2z)}",
        lhs=sp.Limit((1 - cumulant * (1 + 2 * _Y) / depth) ** depth, depth, sp.oo),
        rhs=sp.exp(-cumulant * (1 + 2 * _Y)),
        assumptions="equal c_l = c",
        note=_LOST,
    ),
    Claim(
        "resnet.ii1-r-equation",
        "section II.1, eq. (24)",
        r"R(z) = e^{c(1 + 2zR(z))} \Rightarrow zR(z) = -\frac{1}{2c} W\bigl(-2cze^c\bigr)",
        decide=lambda: check_inverse(
            (z * _UNIVERSAL).subs(z, _Z),
            -sp.LambertW(-2 * cumulant * _Z * sp.exp(cumulant)) / (2 * cumulant),
            _Z,
            where=[sp.Rational(1, 50) > _Z, cumulant < 1],
        ),
        assumptions="zR and zS are inverse functions; near z = 0, c < 1",
        note="lost, restored; it is R that Lambert's own W gives, W(x) e^{W(x)} = x",
    ),
    Claim(
        "resnet.ii1-cumulants",
        "section II.1, eq. (24)",
        r"R(z) = \sum_n \frac{(2cn)^{n-1}}{n!} e^{nc} z^{n-1}",
        decide=lambda: check_law(
            s=_UNIVERSAL,
            cumulants=[
                (2 * cumulant * n) ** (n - 1) / sp.factorial(n) * sp.exp(n * cumulant)
                for n in range(1, 5)
            ],
        ),
        assumptions="the expansion of W, to four free cumulants",
        note="not printed; it ties the Lambert function of eq. (24) to S",
    ),
    Claim(
        "resnet.ii1-green",
        "section II.1, eq. (25)",
        r"G = (zG - 1)\, e^{c(1 - 2zG)}",
        lhs=_Y * sp.exp(-cumulant * (1 + 2 * _Y)),
        rhs=lambda: ((z * _G - 1) * sp.exp(cumulant * (1 - 2 * z * _G))).subs(
            {z: (1 + _Y) / (_Y * _S), _G: _Y * _S}, simultaneous=True
        ),
        assumptions="G = yS(y) at z = (1 + y)/(yS(y)), S = exp(−c(1 + 2y))",
        note=_LOST,
    ),
    Claim(
        "resnet.ii1-lambert",
        "section II.1, after eq. (25)",
        r"x = c(2zG - 1):\quad e^x \frac{x + c}{x - c} = z,\quad x = W(-c; c; z)",
        lhs=((_X + cumulant) / (2 * cumulant * z)).subs(z, _LAMBERT_POINT),
        rhs=lambda: (
            ((z * _G - 1) * sp.exp(cumulant * (1 - 2 * z * _G)))
            .subs(_G, (_X + cumulant) / (2 * cumulant * z))
            .subs(z, _LAMBERT_POINT)
        ),
        assumptions="x a solution of the equation on the left, so that G = (x + c)/(2cz)",
        note="the source says “the Lambert function” and cites Corless et al., whose W inverts"
        " x eˣ; the solution is the generalised one, with one upper and one lower parameter",
    ),
    Claim(
        "resnet.ii1-lambert-solves",
        "section II.1, after eq. (25)",
        r"G = \frac{c + W(-c; c; z)}{2cz}",
        lhs=_G_SOLUTION,
        rhs=lambda: (_Z * _G_SOLUTION - 1) * sp.exp(cumulant * (1 - 2 * _Z * _G_SOLUTION)),
        where=(_Z > 60, cumulant < 1, cumulant > sp.Rational(1, 10)),
        expected="not refuted",
        assumptions="right of the spectrum, W by its definition as the root that tends to c",
        note="not printed",
    ),
    Claim(
        "resnet.ii1-mean",
        "section II.1, eq. (25)",
        r"m_1 = \lim_{L \to \infty} \Bigl(1 + \frac{c}{L}\Bigr)^L = e^c",
        decide=lambda: weakest(
            "m_1",
            (
                check_each(
                    lambda n: (residual_moment(1, n, sp.S.One, _VAR), (1 + _VAR) ** n), 1, 5
                ),
                check(sp.Limit((1 + cumulant / depth) ** depth, depth, sp.oo), sp.exp(cumulant)),
                check_law(s=_UNIVERSAL, moments=[sp.exp(cumulant)]),
            ),
            "part",
        ),
        assumptions="moments at finite depth counted, then the limit, then S of eq. (23)",
        note="not printed; a check of eqs. (23) and (25) from the matrices",
    ),
    Claim(
        "resnet.ii1-second-moment",
        "section II.1, eq. (25)",
        r"m_2 = \lim_{L \to \infty} m_2(L) = (1 + 2c)\, e^{2c}",
        decide=_second_moment,
        assumptions="m_2 at depths 1 to 3 counted, then the limit of its closed form",
        note="not printed",
    ),
    Claim(
        "resnet.ii1-moments-of-s",
        "section II.1, eqs. (23) and (25)",
        r"m_1 = e^c,\ m_2 = (1 + 2c) e^{2c},\ m_3 = (1 + 6c + 6c^2) e^{3c}",
        decide=lambda: check_law(
            s=_UNIVERSAL,
            moments=[
                sp.exp(cumulant),
                (1 + 2 * cumulant) * sp.exp(2 * cumulant),
                (1 + 6 * cumulant + 6 * cumulant**2) * sp.exp(3 * cumulant),
            ],
        ),
        note="not printed",
    ),
    Claim(
        "resnet.ii1-edges",
        "section II.1, before eq. (26)",
        r"\lambda_\pm = \frac{1 + m_\pm}{m_\pm} e^{c(1 + 2m_\pm)},\quad"
        r" m_\pm = \tfrac{1}{2}\bigl(-1 \pm \sqrt{1 + 2/c}\bigr),\quad \frac{d\lambda}{dm} = 0",
        decide=_edges,
        note="not printed: the derivation of eq. (26) is left out by the source",
    ),
    Claim(
        "resnet.ii1-condition-number",
        "section II.1, eq. (26)",
        r"\frac{s_{\max}}{s_{\min}} = \bigl(1 + c + \sqrt{c(c + 2)}\bigr) e^{\sqrt{c(c + 2)}}",
        decide=_condition_number,
        assumptions="c = 2/(r² − 1) with r > 1, which is every c > 0 and makes all roots explicit",
        note=_LOST,
    ),
    Claim(
        "resnet.ii1-reciprocal-edges",
        "section II.1, eq. (26)",
        r"\lambda_+ \lambda_- = 1",
        lhs=lambda: _eigenvalue(_edge_points()[0]) * _eigenvalue(_edge_points()[1]),
        rhs=1,
        note="not printed; why s_max is the root of the condition number",
    ),
    Claim(
        "resnet.ii1-isometry",
        "section I.1 and Fig. 1",
        r"\lim_{c \to 0} \frac{s_{\max}}{s_{\min}} = 1",
        lhs=sp.Limit(_CONDITION, cumulant, 0, "+"),
        rhs=1,
        assumptions="dynamical isometry: all singular values tend to one",
    ),
    Claim(
        "resnet.ii1-narrower",
        "Fig. 1, caption",
        r"\frac{d}{dc} \frac{s_{\max}}{s_{\min}} > 0",
        lhs=lambda: sp.diff(_CONDITION, cumulant),
        rhs=0,
        relation=">",
        assumptions="the smaller c, the narrower the spectrum",
    ),
)
