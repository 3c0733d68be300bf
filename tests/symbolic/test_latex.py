"""LaTeX mathematics: what it means, what is refused, and that refusing is quick."""

from __future__ import annotations

import time

import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from freejac.symbolic.activation import activation
from freejac.symbolic.errors import ParseError
from freejac.symbolic.expectation import Expectation
from freejac.symbolic.functions import Phi
from freejac.symbolic.latex_expressions import read_expression
from freejac.symbolic.latex_names import Names
from freejac.symbolic.latex_statements import Aside, Chain, Unread, read_statements
from freejac.symbolic.symbols import c, depth, p, q, sigma_b, sigma_w, x, z

a = sp.Symbol("a", real=True)
n = sp.Symbol("n", integer=True, positive=True)
q_star = sp.Symbol("q^*", positive=True)
k = sp.Symbol("k", integer=True, nonnegative=True)
t = sp.Symbol("t", real=True)


def bound() -> Names:
    names = Names()
    names.bind_standard()
    names.bind_symbol("a", real=True)
    names.bind_symbol("n", integer=True, positive=True)
    names.bind_symbol("q^*", positive=True)
    names.bind_symbol("m_1", real=True)
    names.bind_random("h", q)
    names.bind_activation("phi", "relu")
    names.bind_activation("psi", "tanh")
    names.bind_function("S", (z,), 1 / (1 + z))
    names.bind_function("M^-1", (z,), z**2)
    names.bind_function("F", (a, q), a / q)
    return names


def read(text: str) -> sp.Expr:
    return read_expression(text, bound())


# --- what it means ------------------------------------------------------------------------------

MEANINGS = {
    r"\frac{\sigma_w^2}{2} q + \sigma_b^2": sigma_w**2 * q / 2 + sigma_b**2,
    r"\dfrac12 x - \tfrac{3}{4}": x / 2 - sp.Rational(3, 4),
    r"\sigma^2_w q + \sum^{2}_{k=0} a": sigma_w**2 * q + sp.Sum(a, (k, 0, 2)),
    r"0.1x": x / 10,
    r"\sqrt[3]{x}\sqrt 2": sp.cbrt(x) * sp.sqrt(2),
    r"q^* + q^2": q_star + q**2,
    r"{q^*}^2": q_star**2,
    r"m_1^2": sp.Symbol("m_1", real=True) ** 2,
    r"σ_w² · x": sigma_w**2 * x,
    r"a(1+x)": a * (1 + x),
    r"L(L-1)": depth * (depth - 1),
    r"\left(1+\frac{1}{L}\right)^L": (1 + 1 / depth) ** depth,
    r"e^{-x^2/2}": sp.exp(-(x**2) / 2),
    r"\exp\left\{-\frac{x^2}{2}\right\}": sp.exp(-(x**2) / 2),
    r"\sin^2 x + \cos^{2} x": sp.sin(x) ** 2 + sp.cos(x) ** 2,
    r"\sin 2\pi x \cos x": sp.sin(2 * sp.pi * x) * sp.cos(x),
    r"\arcsin(c)+\ln(a^2+1)": sp.asin(c) + sp.log(a**2 + 1),
    r"\operatorname{erf}(x/\sqrt2)": sp.erf(x / sp.sqrt(2)),
    r"\mathrm{erf}\Big(x\Big)\Phi(x)": sp.erf(x) * Phi(x),
    r"\left|x\right| + |a|": sp.Abs(x) + sp.Abs(a),
    r"\max(0, x) - \min\{x, 1\}": sp.Max(0, x) - sp.Min(x, 1),
    r"\binom{n}{2} + n!": sp.binomial(n, 2) + sp.factorial(n),
    r"\infty": sp.oo,
    r"e^{i\pi}": sp.Integer(-1),
    r"\phi(x)^2 + \phi^2(x)": 2 * sp.Max(0, x) ** 2,
    r"\psi'(x)": 1 - sp.tanh(x) ** 2,
    r"\psi^{(3)}(x)": activation("tanh").derivative(3),
    r"\phi''(x)": sp.DiracDelta(x),
    r"S'(z) + M^{-1}(z)": -1 / (1 + z) ** 2 + z**2,
    r"F(2, q)": 2 / q,
    r"\begin{cases} x & x > 0 \\ a x & \text{otherwise} \end{cases}": sp.Piecewise(
        (x, x > 0), (a * x, True)
    ),
    r"\sum_{k=0}^{\infty} \frac{x^k}{k!} + 1": sp.Sum(x**k / sp.factorial(k), (k, 0, sp.oo)) + 1,
    r"\prod_{k=0}^{n} a": sp.Product(a, (k, 0, n)),
    r"\lim_{x \to 0^+} \frac{\sin x}{x}": sp.Limit(sp.sin(x) / x, x, 0, "+"),
    r"\frac{d}{dx} x^2 \sin x": (x**2 * sp.sin(x)).diff(x),
    r"\frac{\partial^2 F(a, q)}{\partial q^2}": 2 * a / q**3,
    r"\left. \frac{d}{dx} x^3 \right|_{x = 2}": sp.Integer(12),
    r"\int_0^1 t^2\,dt": sp.Integral(t**2, (t, 0, 1)),
    r"\int_0^1 \frac12 t\,dt + x": sp.Integral(t / 2, (t, 0, 1)) + x,
    r"\int_{\mathbb{R}} dt\, \psi(t)": sp.Integral(sp.tanh(t), (t, -sp.oo, sp.oo)),
    r"\int_0^1 \frac{dt}{1+t} + 1": sp.Integral(1 / (1 + t), (t, 0, 1)) + 1,
    r"\int \mathcal{D}t\,\phi(\sqrt{q} t)^2": Expectation(sp.Max(0, x) ** 2, q),
    r"\int_{-\infty}^{\infty}\frac{dt}{\sqrt{2\pi}} e^{-t^2/2}\psi(\sqrt{q^*}t)^2": Expectation(
        sp.tanh(x) ** 2, q_star
    ),
    r"\mathbb{E}[\phi(h)] + \langle h^2\rangle": Expectation(sp.Max(0, x), q)
    + Expectation(x**2, q),
    r"\mathbb{E}_{t \sim \mathcal{N}(0, 2)}[\psi(t)^2]": Expectation(
        sp.tanh(x) ** 2, sp.Integer(2)
    ),
    r"1 + x + \mathcal{O}(x^3)": 1 + x + sp.Order(x**3),
    r"O(1/L)": sp.Order(1 / depth, (depth, sp.oo)),
}


@pytest.mark.parametrize("text", MEANINGS)
def test_meaning(text: str) -> None:
    assert read(text) == MEANINGS[text]


ATOMS = st.sampled_from(
    [x, a, q, q_star, sigma_w, sp.pi, sp.Integer(2), sp.Rational(3, 7), sp.E, sp.Integer(-1)]
)
FUNCTIONS = [sp.sin, sp.cosh, sp.tanh, sp.exp, sp.erf, sp.atan, sp.Abs, Phi]


def combined(inner: st.SearchStrategy[sp.Expr]) -> st.SearchStrategy[sp.Expr]:
    return st.one_of(
        st.builds(sp.Add, inner, inner),
        st.builds(sp.Mul, inner, inner),
        st.builds(lambda f, u: f(u), st.sampled_from(FUNCTIONS), inner),
        st.builds(lambda u, e: (1 + u**2) ** e, inner, st.sampled_from([-1, 2, sp.S.Half])),
        st.builds(lambda u, v: u / (1 + v**2), inner, inner),
    )


@settings(max_examples=150)
@given(st.recursive(ATOMS, combined, max_leaves=8))
def test_what_sympy_prints_is_read_as_it_was(expr: sp.Expr) -> None:
    # SymPy's printer is the independent witness. It may distribute a factor that it prints.
    if expr.has(sp.nan, sp.zoo, sp.oo) or sp.count_ops(expr) > 60:
        return
    back = read(sp.latex(expr))
    assert back == expr or abs((back - expr).subs(POINT).evalf(30)) < sp.Float("1e-20")


POINT = {x: sp.Rational(1, 3), a: sp.Rational(-2, 5), q: 2, q_star: 3, sigma_w: sp.Rational(4, 3)}


@pytest.mark.parametrize("name", ["relu", "gelu", "elu(1)", "hard_tanh"])
def test_derivatives_of_bound_activations_are_those_of_the_library(name: str) -> None:
    names = Names()
    names.bind_standard()
    names.bind_activation("f", name)
    for order, text in enumerate(["f(x)", "f'(x)", "f''(x)", r"f^{\prime\prime\prime}(x)"]):
        assert read_expression(text, names) == activation(name).derivative(order)


# --- what is refused ----------------------------------------------------------------------------

REFUSED = {
    r"f(x)": "f is not bound",
    r"a b": "b is not bound",
    r"m_2": "m_2 is not bound",
    r"p^*": "p^* is not bound",
    r"p(q^*)": "p is a symbol, not a function",
    r"a/2 x": "a factor after a slash",
    r"\sin x a": "where the argument of sin ends is open",
    r"\log x / a": "a slash after the argument of log",
    r"\sin^{-1} x": "a negative power of a function's name",
    r"\phi^{-1}(x)": "a negative power of a function's name",
    r"\phi^2": "phi without its argument",
    r"x^12": "12 without braces",
    r"x2": "a number after a factor",
    r"1e-3": "e after a number",
    r"x \pm 1": "\\pm means two things",
    r"{a + x} q": "braces around a sum do not show",
    r"\sqrt{}": "an expression is missing",
    r"x + * a": "two operators",
    r"(x]": "brackets of two kinds",
    r"(x": "a bracket is not closed",
    r"\foo": "unknown command \\foo",
    r"q^{*2}": "an expression is missing before '*'",
    r"\aplha x": "did you mean \\alpha?",
    r"x \cdots a": "an ellipsis leaves terms out",
    r"\|x\|": "a norm",
    r"x \text{since } q": "words in a formula",
    r"\int x\,dx": "an integral without bounds",
    r"\int_0^1 x": "an integral without its differential",
    r"\frac{d a}{dx}": "a derivative of what does not contain x",
    r"\frac{\partial}{\partial q} x": "a derivative of what does not contain q",
    r"\sum_k a": "an index with its first value is missing",
    r"\mathbb{E}[a]": "a mean over no random variable",
    r"\mathbb{E}_{t \sim U(0,1)}[t]": "a law that is not normal",
    r"\begin{cases} x & x > 0 \\ 0 & x < 0 \end{cases}": "the cases may leave something out",
    r"\frac{x}{0}": "division by zero",
    r"0^{-1}": "a power of zero",
    r"x^{9^{9^{9}}}": "a power is too large",
    r"10^{10^{10}}": "a power is too large",
    r"\binom{10^{300}}{10^{100}}": "a binomial coefficient is too large",
    r"\Gamma(10^{9})": "a gamma function is too large",
    r"e^{e^{e^{e^{9}}}}": "a constant is too large",
    r"(10^{5})!": "a factorial out of range",
    r"\infty - \infty": "an undefined expression",
    r"O(x + a)": "an order",
    "x\0": "unexpected",
    "__import__('os')": "an expression is missing before '_'",
    "": "an expression is missing",
}


@pytest.mark.parametrize("text", REFUSED)
def test_refusal_says_what_and_where(text: str) -> None:
    with pytest.raises(ParseError) as refusal:
        read(text)
    message = str(refusal.value)
    assert REFUSED[text] in message
    assert "\n" not in message
    assert refusal.value.position is None or 0 <= refusal.value.position <= len(text)


@pytest.mark.parametrize(
    "text",
    [
        "(" * 10**5 + "x" + ")" * 10**5,
        "{" * 5000 + "x" + "}" * 5000,
        "|" * 2000 + "x" + "|" * 2000,
        r"\sqrt" * 2000 + "{x}",
        r"\sum_{k=1}^{2}" * 300 + "k",
        r"\frac" * 2900 + "12",
        r"\int_0^1" * 500 + "x" + "dx" * 500,
        "x^" * 1400 + "x",
        "-" * 2900 + "x",
        "x" + "'" * 2900,
        "9" * 10**4,
    ],
    ids=lambda text: text[:8],
)
def test_hostile_text_is_refused_at_once(text: str) -> None:
    start = time.process_time()
    with pytest.raises(ParseError):
        read(text)
    assert time.process_time() - start < 2


PIECES = r"""
x q n L \sigma_w q^* 0 2 12 \frac { } ( ) [ ] \left( \right) | ^ _ + - / = \le \int_0^1 dx ! ' :=
\mathcal{D}z \sum_{k=1}^{n} k \lim_{x\to0} \sin \exp \sqrt \phi \psi( \phi'( S( \Gamma( \infty i ,
\mathbb{E}[ h ] \quad & \\ \text{for} \begin{cases} \end{cases} \frac{d}{dx} O( \approx \max(
\left. \right|_{x=1}
"""


@settings(max_examples=300)
@given(st.lists(st.sampled_from(PIECES.split()), max_size=14))
def test_any_text_is_read_or_refused(pieces: list[str]) -> None:
    for statement in read_statements(" ".join(pieces), bound()):
        assert isinstance(statement, (Chain, Aside, Unread))
        if isinstance(statement, Chain):
            assert len(statement.relations) == len(statement.terms) - 1 >= 1


# --- statements ---------------------------------------------------------------------------------


def statements(text: str, **options: bool) -> list[Chain | Aside | Unread]:
    return read_statements(text, bound(), **options)


def test_rows_go_on_with_the_row_before() -> None:
    text = r"\begin{aligned} (1+p)^2 &= 1 + 2p \\ &\quad + p^2 \\ &= 1 + 3p + p^2. \end{aligned}"
    (chain,) = statements(text)
    assert isinstance(chain, Chain)
    assert chain.terms == ((1 + p) ** 2, 1 + 2 * p + p**2, 1 + 3 * p + p**2)
    verdict = chain.verdict()
    assert verdict.status == "refuted"
    assert [step.status for step in verdict.steps] == ["proved", "refuted"]  # type: ignore[attr-defined]


def test_relations_keep_their_kinds() -> None:
    (chain,) = statements(r"0 < q \le q + 1 = 1 + q \neq q")
    assert isinstance(chain, Chain)
    assert chain.relations == ("<", "<=", "==", "!=")


def test_conditions_follow_a_word() -> None:
    (chain,) = statements(r"a x < a^2, \quad \text{for } 0 < a \le 1 \text{ and } x < a")
    assert isinstance(chain, Chain)
    assert {condition.canonical for condition in chain.conditions} == {a > 0, a <= 1, a > x}


def test_conditions_on_other_symbols_are_left_out() -> None:
    names = bound()
    (chain,) = read_statements(r"a = a", names, conditions=[n > 3])
    assert isinstance(chain, Chain)
    assert chain.conditions == ()


def test_several_statements_in_a_row() -> None:
    first, second = statements(r"q = q, \qquad x = x")
    assert isinstance(first, Chain)
    assert isinstance(second, Chain)


def test_an_inequality_after_a_comma_is_not_guessed() -> None:
    (unread,) = statements(r"q = 1, \quad p > 0")
    assert isinstance(unread, Unread)
    assert "claim or condition?" in unread.reason


def test_rough_relations_claim_nothing_and_cut_a_chain() -> None:
    aside, chain = statements(r"\pi \approx 3.14 = \frac{157}{50}")
    assert isinstance(aside, Aside)
    assert isinstance(chain, Chain)
    assert chain.terms == (sp.Rational(157, 50), sp.Rational(157, 50))


def test_definitions_bind_for_what_follows() -> None:
    names = bound()
    first = read_statements(r"V(q) := \sigma_w^2 \mathbb{E}[\phi(h)^2] + \sigma_b^2", names)
    assert first == [Aside("defines V")]
    (chain,) = read_statements(r"V(2) = \sigma_w^2 + \sigma_b^2", names)
    assert isinstance(chain, Chain)
    assert chain.verdict()


BINDERS = [
    (r"\mathbb{E}[\psi(u h)]", "x"),
    (r"\int_0^1 u a\,da", "a"),
    (r"\sum_{n=1}^{3} u n", "n"),
    (r"\lim_{a \to 0} u + a", "a"),
]


@pytest.mark.parametrize(("body", "letter"), BINDERS)
def test_a_value_is_not_captured_by_a_bound_variable(body: str, letter: str) -> None:
    names = bound()
    names.symbols |= {"a": a, "n": sp.Symbol("n", integer=True, positive=True)}
    assert read_statements(f"V(u) := {body}", names) == [Aside("defines V")]
    assert read_expression("V(2)", names).has(2)
    with pytest.raises(ParseError, match=f"{letter} is a bound variable in it"):
        read_expression(f"V({letter})", names)


def test_a_name_means_one_thing() -> None:
    (unread,) = statements(r"a := 2")
    assert isinstance(unread, Unread)
    assert "bound already" in unread.reason


def test_the_label_names_the_claim() -> None:
    (chain,) = statements(r"q = q \label{eq:one}")
    assert isinstance(chain, Chain)
    assert chain.label == "eq:one"


def test_the_number_of_a_formula_is_not_part_of_it() -> None:
    for text in (r"q = q. (9)", r"q = q \qquad (9)", r"q = q \tag{9}"):
        (chain,) = statements(text)
        assert isinstance(chain, Chain)
        assert chain.terms == (q, q)


def test_a_label_may_stand_before_the_rows() -> None:
    (chain,) = statements(r"\label{eq:one}\begin{aligned} q &= q \\ &= q \end{aligned}")
    assert isinstance(chain, Chain)
    assert (chain.label, len(chain.terms)) == ("eq:one", 3)


def test_one_bad_row_leaves_the_others() -> None:
    good, bad, other = statements(r"q &= q \\ \foo &= 1 \\ x &= x")
    assert [type(good), type(bad), type(other)] == [Chain, Unread, Chain]


@pytest.mark.parametrize("text", [r"q \equiv 1", r"q", r"a \Rightarrow q", r"q \in x", "", r"q ="])
def test_what_states_nothing_is_not_read(text: str) -> None:
    (unread,) = statements(text)
    assert isinstance(unread, Unread)
    assert unread.reason
