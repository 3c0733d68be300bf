"""The text grammar: what it means, what it refuses, and that refusing is quick."""

import time
from fractions import Fraction

import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from freejac.symbolic.errors import InputError, ParseError, UnknownNameError
from freejac.symbolic.functions import Phi, sigmoid, softplus
from freejac.symbolic.grammar import FUNCTION_NAMES
from freejac.symbolic.hints import MEANINGS
from freejac.symbolic.parsing import call_parts, parse
from freejac.symbolic.symbols import RESERVED, parameter, x

a = parameter("a")

# --- random expressions, printed with the fewest brackets and built directly in SymPy ----------

SUM, PRODUCT, SIGN, POWER, ATOM = range(5)
UNARY = {
    "sin": sp.sin,
    "cos": sp.cos,
    "tanh": sp.tanh,
    "atan": sp.atan,
    "erf": sp.erf,
    "erfc": sp.erfc,
    "Phi": Phi,
    "sigmoid": sigmoid,
    "softplus": softplus,
    "relu": lambda u: sp.Max(0, u),
    "abs": sp.Abs,
}


def bracketed(term, least):
    text, _, binding = term
    return text if binding >= least else f"({text})"


def plus(left, right):
    return f"{bracketed(left, SUM)} + {bracketed(right, PRODUCT)}", left[1] + right[1], SUM


def minus(left, right):
    return f"{bracketed(left, SUM)}-{bracketed(right, PRODUCT)}", left[1] - right[1], SUM


def times(left, right):
    return f"{bracketed(left, PRODUCT)}*{bracketed(right, SIGN)}", left[1] * right[1], PRODUCT


def negative(term):
    return f"-{bracketed(term, SIGN)}", -term[1], SIGN


def over(term, divisor):
    return f"{bracketed(term, PRODUCT)}/{divisor}", term[1] / divisor, PRODUCT


def power(term, exponent, operator):
    return f"{bracketed(term, ATOM)}{operator}{exponent}", term[1] ** exponent, POWER


def apply(name, term):
    return f"{name}({term[0]})", UNARY[name](term[1]), ATOM


def where(condition, yes, no):
    text, relation = condition
    return (
        f"where({text}, {yes[0]}, {no[0]})",
        sp.Piecewise((yes[1], relation), (no[1], True)),
        ATOM,
    )


LEAVES = st.sampled_from(
    [
        ("x", x, ATOM),
        ("a", a, ATOM),
        ("pi", sp.pi, ATOM),
        ("3", sp.Integer(3), ATOM),
        ("0.1", sp.Rational(1, 10), ATOM),
        (".25", sp.Rational(1, 4), ATOM),
        ("1e-3", sp.Rational(1, 1000), ATOM),
    ]
)
CONDITIONS = st.sampled_from(
    [("x > 0", x > 0), ("x<=a", x <= a), ("x < 1/2", x < sp.S.Half), ("(x >= -1)", x >= -1)]
)


def deeper(terms):
    return st.one_of(
        st.builds(plus, terms, terms),
        st.builds(minus, terms, terms),
        st.builds(times, terms, terms),
        st.builds(negative, terms),
        st.builds(over, terms, st.integers(1, 9)),
        st.builds(power, terms, st.integers(2, 3), st.sampled_from(["**", "^", " ** "])),
        st.builds(apply, st.sampled_from(sorted(UNARY)), terms),
        st.builds(where, CONDITIONS, terms, terms),
    )


@given(term=deeper(deeper(deeper(LEAVES) | LEAVES) | LEAVES))
@settings(max_examples=200, deadline=None)
def test_text_means_the_expression_it_was_printed_from(term):
    text, expression, _ = term
    assert parse(text) == expression


@given(value=st.decimals(allow_nan=False, allow_infinity=False, min_value=0, max_value=10**9))
def test_decimals_are_exact(value):
    exact = Fraction(value)
    text = f"{value:f}"[:40]
    parsed = parse(text)
    assert parsed.is_Rational
    assert Fraction(parsed.p, parsed.q) == Fraction(text)
    if len(f"{value:f}") <= 40:
        assert Fraction(parsed.p, parsed.q) == exact


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        ("-x**2", -(x**2)),
        ("(-x)**2", x**2),
        ("2**-1", sp.S.Half),
        ("2**3**2", sp.Integer(512)),
        ("-2**2", sp.Integer(-4)),
        ("x/2/3", x / 6),
        ("x/2*3", 3 * x / 2),
        ("1 - 2 - 3", sp.Integer(-4)),
        ("--x", x),
        ("+-+x", -x),
        ("x**-a", x ** (-a)),
        ("2*-x", -2 * x),
        ("1/3", sp.Rational(1, 3)),
        ("0.1", sp.Rational(1, 10)),
        ("1.", sp.Integer(1)),
        ("2.5E+3", sp.Integer(2500)),
        ("e^x", sp.exp(x)),
        ("2*e", 2 * sp.E),
        ("\tpi * x ", sp.pi * x),
        ("sqrt(8)", 2 * sp.sqrt(2)),
        ("exp(x)*log(2)*sinh(x)*cosh(x)", sp.exp(x) * sp.log(2) * sp.sinh(x) * sp.cosh(x)),
        ("sign(x)", sp.sign(x)),
        ("step(x)", sp.Heaviside(x, sp.S.Half)),
        ("step(0)", sp.S.Half),
        ("min(x, 1, a)", sp.Min(x, 1, a)),
        ("max(x, -1)", sp.Max(x, -1)),
        ("clip(x, -1, 1)", sp.Min(sp.Max(x, -1), 1)),
        ("where(x>0, x, 3*x/10)", sp.Piecewise((x, x > 0), (3 * x / 10, True))),
        ("where((0 < x), 1, 0)", sp.Piecewise((1, x > 0), (0, True))),
        ("where(1 < 2, x, 0)", x),
        (
            "Piecewise((0, x < 0), (x, x <= 1), (1, otherwise))",
            sp.Piecewise((0, x < 0), (x, x <= 1), (1, True)),
        ),
        ("Piecewise((0, x < 0), (x, True))", sp.Piecewise((0, x < 0), (x, True))),
        ("Piecewise((0, x < 0), (x, x >= 0))", sp.Piecewise((0, x < 0), (x, True))),
    ],
)
def test_meaning(text, expression):
    assert parse(text) == expression


def test_step_at_the_jump_is_the_mean():
    assert parse("step(x)").subs(x, 0) == sp.S.Half


def test_parameters_are_real_or_positive_as_declared():
    parsed = parse("where(x > 0, x, alpha*(exp(x) - 1)) + b_2*x", positive=["alpha"])
    alpha, b = parameter("alpha", positive=True), parameter("b_2")
    assert parsed.free_symbols == {x, alpha, b}
    assert parse("where(s > 0, x, 0)", positive={"s"}) == x


# --- what is refused -------------------------------------------------------------------------

SYNTAX = [
    ("x+*2", 2, "two operators"),
    ("", 0, "write an expression"),
    ("  \t", 0, "write an expression"),
    ("x*", 2, "breaks off"),
    ("sqrt(x", 6, "')' is missing"),
    ("x)", 1, "no '('"),
    ("()", 1, "missing before"),
    ("2x", 1, "write *"),
    ("x x", 2, "write *"),
    ("(x+1)(x)", 5, "write *"),
    ("x**", 3, "breaks off"),
    ("x***2", 3, "two operators"),
    ("x//2", 2, "two operators"),
    ("*x", 0, "missing before"),
    ("0,5", 1, "decimals take a point"),
    ("(1,2)", 0, "decimals take a point"),
    ("1.2.3", 3, "one decimal point"),
    ("x>0", 0, "where(x > 0, a, b)"),
    ("1 + (x>0)", 5, "where(x > 0, a, b)"),
    ("x=1", 1, "< <= > >="),
    ("x==1", 1, "< <= > >="),
    ("where(0<x<1, 1, 2)", 9, "one comparison"),
    ("x if x>0 else 0", 2, "where(cond, a, b)"),
    ("x.real", 1, "attributes"),
    ("x[0]", 1, "round brackets"),
    ("{x}", 0, "round brackets"),
    ("'x'", 0, "quoted"),
    ("x;x", 1, "one expression"),
    ("x\n", 1, "one line"),
    ("x\r\nx", 1, "one line"),
    ("x%2", 1, "allowed are"),
    ("x@x", 1, "allowed are"),
    ("x\x00", 1, "allowed are"),
    ("x\u202e", 1, "allowed are"),
    ("x − 1", 2, "write -"),
    ("2·x", 1, "write *"),
    ("2×x", 1, "write *"),
    ("x²", 1, "write **2"),
    ("α*x", 0, "write alpha"),
    ("σ(x)", 0, "write sigmoid"),
    ("Φ(x)", 0, "write Phi"),
    ("π", 0, "write pi"),
    ("１", 0, "write 1"),
    ("_a", 0, "begin with a letter"),
    ("1_000", 1, "begin with a letter"),
    ("__import__('os')", 0, "begin with a letter"),
    ("lambda x: x", 7, "write *"),
    ("tanh()", 0, "tanh(u)"),
    ("tanh(x, 1)", 0, "tanh(u)"),
    ("1 + clip(x, 1)", 4, "clip(u, lower, upper)"),
    ("max(x)", 0, "max(a, b"),
    ("where(x>0, 1)", 0, "where(cond, a, b)"),
    ("clip(x, 1, -1)", 0, "clip(u, lower, upper)"),
    ("where(x, 1, 2)", 6, "compare with"),
    ("where(True, 1, 2)", 6, "last condition"),
    ("where(a>0, x, 1)", 6, "declare the parameter positive"),
    ("Piecewise((x, x>0))", 0, "otherwise"),
    ("Piecewise((1, x>1), (2, x<0))", 0, "otherwise"),
    ("Piecewise((1, True), (2, x>0))", 14, "last condition"),
    ("Piecewise(x>0, 1)", 10, "Piecewise((a, x < 0)"),
    ("1 + otherwise", 4, "last condition"),
]

NAMES = [
    ("c*x", 0, "call the parameter c1"),
    ("x + lambda", 4, "call the parameter lambda1"),
    ("L*x", 0, "call the parameter L1"),
    ("tanh", 0, "write tanh(x)"),
    ("2*relu", 2, "write relu(x)"),
    ("if", 0, "if1"),
    ("a__class__", 0, "a_class1"),
    ("nan", 0, "finite"),
    ("oo*x", 0, "finite"),
]

UNKNOWN = [
    ("tahn(x)", 0, "did you mean tanh?"),
    ("tahn", 0, "did you mean tanh(x)?"),
    ("1 + ReLU(x)", 4, "did you mean relu?"),
    ("TANH(x)", 0, "did you mean tanh?"),
    ("ReLU", 0, "did you mean relu(x)?"),
    ("gleu", 0, "did you mean gelu?"),
    ("X + 1", 0, "did you mean x?"),
    ("Pi", 0, "did you mean pi?"),
    ("E", 0, "did you mean e?"),
    ("ln(x)", 0, "did you mean log?"),
    ("arctan(x)", 0, "did you mean atan?"),
    ("pow(x, 2)", 0, "a**b"),
    ("eval(x)", 0, ""),
    ("x(x + 1)", 0, "x*("),
    ("k(x)", 0, "k*("),
    ("gelu", 0, "x*Phi(x)"),
    ("0.5*gelu(x) + x", 4, "x*Phi(x)"),
    ("SiLU(x)", 0, "x*sigmoid(x)"),
]

NUMBERS = [
    ("1/0", 2, "0 for every x"),
    ("x/0.0", 2, "0 for every x"),
    ("x/(x - x)", 2, "0 for every x"),
    ("0**-1", 0, "no negative power"),
    ("log(0)", 0, "finite real"),
    ("sqrt(-1)", 0, "finite real"),
    ("1 + log(-2)*x", 4, "finite real"),
    ("(-8)**(1/3)", 0, "finite real"),
    ("sqrt(-x**2)", 0, "real"),
    ("(-1)**x", 0, "base is positive"),
    ("0**x", 0, "base is positive"),
    ("a**x", 0, "base is positive"),
    ("where(sqrt(-1) > 0, x, 1)", 6, "finite real"),
    ("sin(1)**2 + cos(1)**2 - 1", 0, "write 0"),
    ("1e301", 0, "exponents are between"),
    ("1e99999999999", 0, "exponents are between"),
    ("1" * 41, 0, "at most 40 digits"),
    ("1e300*1e300", 6, "400 digits"),
    ("exp(exp(exp(100)))", 4, "1e400"),
    ("exp(-exp(7))", 0, "1e400"),
]

LARGE = [
    ("9**9**9**9", 6, "400 digits"),
    ("2**(10**10)", 3, "400 digits"),
    ("(3/2)**1000", 7, "400 digits"),
    ("pi**pi**pi**pi", 4, "400 digits"),
    ("cos(0.001)**1e300", 12, "400 digits"),
    ("x**1000000", 3, "at most 64"),
    ("x**-65", 3, "at most 64"),
    ("(x+1)**999", 7, "at most 64"),
    ("(x**64)**64", 0, "at most 64"),
    ("x**60*x**60", 6, "at most 64"),
    ("(" * 10**6 + "x" + ")" * 10**6, 2000, "at most 2000"),
    ("(" * 10**6, 2000, "at most 2000"),
    ("x" * 2001, 2000, "at most 2000"),
    ("(" * 51 + "x" + ")" * 51, 50, "50 levels"),
    ("tanh(" * 51 + "x" + ")" * 51, 254, "50 levels"),
    ("(" * 1999, 50, "50 levels"),
    ("-" * 1999 + "x", 50, "50 levels"),
    ("**".join(["x"] * 60), 150, "50 levels"),
    ("relu(" * 9 + "x" + ")" * 9, 40, "8 of relu"),
    ("x+" * 600 + "x", 500, "at most 500"),
    (f"max({','.join(['x'] * 40)})", 0, "max(a, b"),
]


def refusal(text):
    parse("1 + sin(2*x)")  # the grammar is built once, not for each text
    start = time.perf_counter()
    with pytest.raises(ParseError) as caught:
        parse(text)
    assert time.perf_counter() - start < 1
    return caught.value


@pytest.mark.parametrize(("text", "position", "hint"), SYNTAX + NAMES + UNKNOWN + NUMBERS + LARGE)
def test_refusals_are_quick_and_say_where_and_what_to_do(text, position, hint):
    error = refusal(text)
    assert error.position == position
    assert hint in error.hint
    assert error.hint
    assert error.text == text
    assert "\n" not in str(error)
    assert len(str(error)) < 400


@pytest.mark.parametrize(("text", "position", "hint"), SYNTAX + NAMES + NUMBERS + LARGE)
def test_a_known_name_is_not_reported_as_unknown(text, position, hint):
    assert not isinstance(refusal(text), UnknownNameError)


@pytest.mark.parametrize(("text", "position", "hint"), UNKNOWN)
def test_unknown_names_have_their_own_error(text, position, hint):
    assert isinstance(refusal(text), UnknownNameError)


@pytest.mark.parametrize("given_", [None, 3, b"x", x, ["x"]])
def test_other_types_are_refused(given_):
    with pytest.raises(InputError, match="as text"):
        parse(given_)


def test_positive_takes_names_not_a_text():
    with pytest.raises(InputError, match="list of names"):
        parse("a*x", positive="a")


def test_every_shared_symbol_but_x_is_reserved():
    assert set(MEANINGS) == RESERVED - {"x"}
    for name in MEANINGS:
        with pytest.raises(ParseError, match=f"call the parameter {name}1"):
            parse(f"{name}*x")
        assert parse(f"{name}1*x").free_symbols == {x, parameter(f"{name}1")}


@pytest.mark.parametrize("name", FUNCTION_NAMES)
def test_a_function_without_arguments_is_refused(name):
    with pytest.raises(ParseError):
        parse(name)


@given(text=st.text(alphabet="x1a.0e+-*/^()<>=, Ptanhrelu_'\"[]\n", max_size=40))
@settings(max_examples=300, deadline=None)
def test_any_text_is_an_exact_expression_or_one_clear_line(text):
    outcome = parsed_or_refused(text)
    if isinstance(outcome, ParseError):
        assert 0 <= outcome.position <= len(text)
        assert outcome.hint
        assert "\n" not in str(outcome)
    else:
        assert not outcome.has(sp.Float, sp.I, sp.nan, sp.zoo, sp.oo)


def parsed_or_refused(text):
    try:
        return parse(text)
    except ParseError as error:
        return error


def test_the_limits_themselves_are_allowed():
    assert parse("x**64") == x**64
    assert parse("(" * 50 + "x" + ")" * 50) == x
    assert parse("9" * 40) == 10**40 - 1
    assert parse("1e-300") == sp.Rational(1, 10**300)
    assert parse("+".join(["x"] * 250)) == 250 * x


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("gelu", ("gelu", [])),
        (" elu( alpha ) ", ("elu", ["alpha"])),
        ("f(max(a, b), 2)", ("f", ["max(a, b)", "2"])),
        ("gelu()", ("gelu", [])),
        ("f(,)", ("f", ["", ""])),
        ("relu(x) - relu(x)", ("relu(x) - relu(x)", [])),
        ("f(x))", ("f(x))", [])),
        ("relu^2", ("relu^2", [])),
        ("", ("", [])),
    ],
)
def test_call_parts(text, parts):
    assert call_parts(text) == parts
