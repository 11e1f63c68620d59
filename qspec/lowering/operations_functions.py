"""Raw operations on each value, of several ops each: inverse functions, roundings, tests, error function."""

from __future__ import annotations

import math
from collections.abc import Callable

from qspec.lowering.arguments import Arguments, Operand, as_tensor, cast_types, common_type, constant, real
from qspec.lowering.formulas import Formula
from qspec.lowering.literals import Literal
from qspec.lowering.operations_elementwise import divide
from qspec.lowering.site import Lowering, Site, Unsupported
from qspec.lowering.writing import binary, select, type_of

Written = Callable[[Formula, int], int]
"""Writes a function of a tensor of real numbers, and gives the result's tensor."""

_LARGEST = 3.4028234663852886e38  # of float32


def of_one(written: Written) -> Lowering:
    """A function of one tensor."""

    def lower(site: Site) -> int:
        return written(Formula(site), real(site, Arguments(site).tensor()))

    return lower


def of_two(written: Callable[[Formula, int, int], int]) -> Lowering:
    """A function of two tensors, of which one may be a constant."""

    def lower(site: Site) -> int:
        left, right = operands(site)
        return written(Formula(site), left, right)

    return lower


def operands(site: Site) -> tuple[int, int]:
    """The operands `x1` and `x2` as tensors of real numbers."""
    arguments = Arguments(site)
    left, right = arguments.operand(0, "x1"), arguments.operand(1, "x2")
    if isinstance(left, Literal) and isinstance(right, Literal):
        raise Unsupported("it computes with constants alone")
    return real(site, left, "x1"), real(site, right, "x2")


# ---- roundings and remainders


def _trunc(f: Formula, x: int) -> int:
    """sign(x) · floor(|x|)"""
    return f("", "MUL", f("sign", "SIGN", x), f("floor", "FLOOR", f("magnitude", "ABS", x)))


def truncated(site: Site) -> int:
    """`trunc`: nothing to do for integers"""
    tensor = Arguments(site).tensor()
    if type_of(site, tensor) != "float32":
        return site.vanish(tensor)
    return _trunc(Formula(site), tensor)


def remainder(site: Site) -> int:
    """`fmod`: sign(x1) · (|x1| modulo |x2|)"""
    divisor = Arguments(site).operand(1, "x2")
    x, y = operands(site)
    f = Formula(site)
    if isinstance(divisor, Literal):
        magnitude = site.inner_constant("divisor", divisor.shape, divisor.mapped(lambda each: abs(float(each))).value)
    else:
        magnitude = f("divisor", "ABS", y)
    rest = f("rest", "FLOOR_MOD", f("magnitude", "ABS", x), magnitude)
    return f("", "MUL", f("sign", "SIGN", x), rest)


# ---- inverse functions, by the angle of a point: ATAN2(y, x)


def _arctan(f: Formula, x: int) -> int:
    """ATAN2 does not broadcast: the ones are x · 0 + 1."""
    return f("", "ATAN2", x, f("ones", "ADD", f("zeros", "MUL", x, 0.0), 1.0))


def _arctan2(f: Formula, y: int, x: int) -> int:
    if f.site.shape(x) != f.site.shape(y):
        raise Unsupported("LiteRT's ATAN2 takes operands of one shape")
    return f("", "ATAN2", y, x)


def _arcsin(f: Formula, x: int) -> int:
    return f("", "ATAN2", x, _other_leg(f, x))


def _arccos(f: Formula, x: int) -> int:
    return f("", "ATAN2", _other_leg(f, x), x)


def _other_leg(f: Formula, x: int) -> int:
    """sqrt(1 - x²)"""
    return f("root", "SQRT", f("difference", "SUB", 1.0, f("squared", "SQUARE", x)))


def _arcsinh(f: Formula, x: int) -> int:
    """sign(x) · log(|x| + sqrt(x² + 1)), which loses nothing where x is far below 0"""
    magnitude = f("magnitude", "ABS", x)
    root = f("root", "SQRT", f("shifted", "ADD", f("squared", "SQUARE", x), 1.0))
    logarithm = f("logarithm", "LOG", f("sum", "ADD", magnitude, root))
    return f("", "MUL", f("sign", "SIGN", x), logarithm)


def _arccosh(f: Formula, x: int) -> int:
    """log(x + sqrt(x² - 1))"""
    root = f("root", "SQRT", f("shifted", "ADD", f("squared", "SQUARE", x), -1.0))
    return f("", "LOG", f("sum", "ADD", x, root))


def _arctanh(f: Formula, x: int) -> int:
    """1/2 · (log(1 + x) - log(1 - x))"""
    above = f("log_above", "LOG", f("above", "ADD", x, 1.0))
    below = f("log_below", "LOG", f("below", "SUB", 1.0, x))
    return f("", "MUL", f("difference", "SUB", above, below), 0.5)


def _cbrt(f: Formula, x: int) -> int:
    """sign(x) · |x|^(1/3)"""
    return f("", "MUL", f("sign", "SIGN", x), f("power", "POW", f("magnitude", "ABS", x), 1.0 / 3.0))


def _sinc(f: Formula, x: int) -> int:
    """sin(πx) / (πx), and 1 at 0"""
    at_zero = f("at_zero", "EQUAL", x, 0.0)
    scaled = f("scaled", "MUL", f.where("divisor", at_zero, 1.0, x), math.pi)
    ratio = f("ratio", "DIV", f("sine", "SIN", scaled), scaled)
    return f.where("", at_zero, 1.0, ratio)


# ---- the error function


_ERF = (1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592)
"""Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.26: an error below 1.5e-7."""


def _magnitude_of_erfc(f: Formula, x: int) -> int:
    """erfc(|x|) = polynomial(t) · exp(-x²) of t = 1 / (1 + 0.3275911·|x|), as LiteRT has no op for it"""
    magnitude = f("magnitude", "ABS", x)
    t = f("t", "DIV", 1.0, f("denominator", "ADD", f("scaled", "MUL", magnitude, 0.3275911), 1.0))
    value = f("product_0", "MUL", t, _ERF[0])
    for number, coefficient in enumerate(_ERF[1:], 1):
        value = f(f"product_{number}", "MUL", f(f"sum_{number}", "ADD", value, coefficient), t)
    squared = f("squared", "MUL", magnitude, magnitude)
    return f("tail", "MUL", value, f("exponential", "EXP", f("negated", "NEG", squared)))


def _erf(f: Formula, x: int) -> int:
    return f("", "MUL", f("sign", "SIGN", x), f("rest", "SUB", 1.0, _magnitude_of_erfc(f, x)))


def _erfc(f: Formula, x: int) -> int:
    rest = f("rest", "SUB", 1.0, _magnitude_of_erfc(f, x))
    return f("", "SUB", 1.0, f("signed", "MUL", f("sign", "SIGN", x), rest))


def _log_add_exp_2(f: Formula, x: int, y: int) -> int:
    """The larger one + log2(1 + 2^-|difference|)"""
    distance = f("distance", "ABS", f("difference", "SUB", x, y))
    power = f("power", "EXP", f("scaled", "MUL", distance, -math.log(2)))
    logarithm = f("logarithm", "LOG", f("sum", "ADD", power, 1.0))
    rest = f("rest", "MUL", logarithm, 1 / math.log(2))
    return f("", "ADD", f("larger", "MAXIMUM", x, y), rest)


def _ldexp(f: Formula, x: int, exponent: int) -> int:
    """x · 2^exponent"""
    return f("", "MUL", x, f("power", "EXP", f("scaled", "MUL", exponent, math.log(2))))


# ---- tests and choices


def _is_nan(f: Formula, x: int, name: str = "") -> int:
    return f(name, "NOT_EQUAL", x, x)


def _is_close(site: Site) -> int:
    """`isclose`: |x1 - x2| ≤ atol + rtol · |x2|"""
    left, right = operands(site)
    f = Formula(site)
    if site.config.get("equal_nan").value:
        raise Unsupported("it takes NaN for equal to NaN")
    arguments = Arguments(site)
    relative, absolute = (
        default if (given := arguments.raw(position, key)) is None else float(given)
        for position, key, default in ((2, "rtol", 1e-5), (3, "atol", 1e-8))
    )
    distance = f("distance", "ABS", f("difference", "SUB", left, right))
    scaled = f("scaled", "MUL", f("magnitude", "ABS", right), relative)
    return f("", "LESS_EQUAL", distance, f("tolerance", "ADD", scaled, absolute))


def _heaviside(f: Formula, x: int, y: int) -> int:
    """0 below 0, 1 above, and the second operand at 0"""
    not_below = f.where("not_below", f("above", "GREATER", x, 0.0), 1.0, y)
    return f.where("", f("below", "LESS", x, 0.0), 0.0, not_below)


def nan_to_num(site: Site) -> int:
    """`nan_to_num`: NaN by SELECT_V2, infinities by MINIMUM and MAXIMUM where the largest numbers take their place"""
    tensor = Arguments(site).tensor()
    if type_of(site, tensor) != "float32":
        return site.vanish(tensor)
    f = Formula(site)
    instead, above, below = (site.config.get(key) for key in ("nan", "posinf", "neginf"))
    number = f.where("number", _is_nan(f, tensor, "is_nan"), 0.0 if instead.is_none else instead.number(), tensor)
    high = _LARGEST if above.is_none else above.number()
    low = -_LARGEST if below.is_none else below.number()
    bounded = f.where("bounded", f("is_high", "GREATER", number, _LARGEST), high, number)
    return f.where("", f("is_low", "LESS", bounded, -_LARGEST), low, bounded)


def threshold(site: Site) -> int:
    """`threshold`: x above it, else a value"""
    tensor = real(site, Arguments(site).tensor())
    f = Formula(site)
    above = f("above", "GREATER", tensor, site.config["threshold"].number())
    return f.where("", above, tensor, site.config["default_value"].number())


def divide_no_nan(site: Site) -> int:
    """`divide_no_nan`: 0 where it would divide by 0; by a constant without zeros as `divide`"""
    by = Arguments(site).operand(1, "x2")
    if isinstance(by, Literal) and 0 not in by.flat:
        return divide(site)
    left, right = operands(site)
    f = Formula(site)
    zero = f("zero", "EQUAL", right, 0.0)
    ratio = f("ratio", "DIV", left, f.where("divisor", zero, 1.0, right))
    return f.where("", zero, 0.0, ratio)


def filled(value: Callable[[Site], Operand]) -> Lowering:
    """`zeros_like`, `ones_like`, `full_like`: the tensor times 0, and plus the value, so that it has the shape of
    every batch"""

    def lower(site: Site) -> int:
        tensor, fill = Arguments(site).tensor(), value(site)
        type_ = type_of(site, tensor)
        dtype = site.config.get("dtype")
        wanted = type_ if dtype.is_none else dtype.text()
        if wanted not in ("float32", "int32", "int64"):
            raise Unsupported(f"its result is {wanted}")
        if type_ != wanted:
            tensor = site.write(
                "CAST", [tensor], site.shape(tensor), site.inner("cast"), wanted, **cast_types(type_, wanted)
            )
        nothing = constant(site, Literal(0, (), wanted), wanted, "nothing")
        if isinstance(fill, Literal) and fill.uniform == 0 and not fill.shape:
            return binary(site, "MUL", tensor, nothing, site.output)
        zeros = binary(site, "MUL", tensor, nothing, site.inner("zeros"))
        return binary(site, "ADD", zeros, as_tensor(site, fill, wanted, "value"), site.output)

    return lower


def saturated(site: Site) -> int:
    """`saturate_cast`: MAXIMUM and MINIMUM with the ends of the type, and CAST"""
    tensor = real(site, Arguments(site).tensor())
    result = site.config["dtype"].text()
    if result == "float32":
        return site.vanish(tensor)
    ends = {"int8": (-128, 127), "uint8": (0, 255), "int16": (-32768, 32767)}.get(result)
    if ends is None:
        raise Unsupported(f"its result is {result}")
    f = Formula(site)
    raised = f("raised", "RELU", tensor) if ends[0] == 0 else f("raised", "MAXIMUM", tensor, float(ends[0]))
    lowered = f("lowered", "MINIMUM", raised, float(ends[1]))
    return site.write("CAST", [lowered], site.shape(tensor), site.output, result, **cast_types("float32", result))


def choose(site: Site) -> int:
    """`select`: the first choice whose condition holds"""
    arguments = Arguments(site)
    conditions, choices = arguments.several(0, "condlist"), arguments.several(1, "choicelist")
    default = arguments.optional(2, "default")
    last: Operand = Literal(0, (), "int32", weak=True) if default is None else default
    type_ = common_type(site, [*choices, last])
    result = as_tensor(site, last, type_, "default")
    for number, (condition, choice) in reversed(list(enumerate(zip(conditions, choices, strict=True)))):
        chosen = as_tensor(site, choice, type_, f"choice_{number}")
        if isinstance(condition, Literal) or type_of(site, condition) != "bool":
            raise Unsupported("a condition of it is no tensor of booleans")
        slot = site.output if number == 0 else site.inner(f"from_{number}")
        result = select(site, condition, chosen, result, slot)
    return result


def is_in(site: Site) -> int:
    """`isin` of constants: whether a value equals one of them"""
    arguments = Arguments(site)
    tensor, values = arguments.tensor(0, "x1"), arguments.operand(1, "x2")
    if not isinstance(values, Literal):
        raise Unsupported("what it looks for is not a constant")
    found = sorted(set(values.flat))
    if not 0 < len(found) <= _MOST_CHOICES:
        raise Unsupported(f"it looks for {len(found)} values, and 1 to {_MOST_CHOICES} are written out")
    type_ = common_type(site, (tensor, values))
    value = as_tensor(site, tensor, type_, "x1")
    f = Formula(site)
    inverted = bool(site.config.get("invert").value)
    tests = [(f"value_{number}", Literal(each, (), type_)) for number, each in enumerate(found)]
    result = -1
    for number, (key, each) in enumerate(tests):
        last = number == len(tests) - 1 and not inverted
        same = binary(
            site, "EQUAL", value, constant(site, each, type_, key), site.output if last and not number else None, "bool"
        )
        result = same if not number else f.truth("" if last else "either", "LOGICAL_OR", result, same)
    return f.truth("", "LOGICAL_NOT", result) if inverted else result


_MOST_CHOICES = 16


def _number(key: str) -> Callable[[Site], Operand]:
    def value(site: Site) -> Operand:
        return Arguments(site).operand(1, key)

    return value


FUNCTIONS: dict[str, Lowering] = {
    "Trunc": truncated,
    "Fmod": remainder,
    "Arcsin": of_one(_arcsin),
    "Arccos": of_one(_arccos),
    "Arctan": of_one(_arctan),
    "Arctan2": of_two(_arctan2),
    "Arcsinh": of_one(_arcsinh),
    "Arccosh": of_one(_arccosh),
    "Arctanh": of_one(_arctanh),
    "Cbrt": of_one(_cbrt),
    "Logaddexp2": of_two(_log_add_exp_2),
    "Ldexp": of_two(_ldexp),
    "SaturateCast": saturated,
    "Sinc": of_one(_sinc),
    "Erf": of_one(_erf),
    "Erfc": of_one(_erfc),
    "Isnan": of_one(_is_nan),
    "Isinf": of_one(lambda f, x: f("", "GREATER", f("magnitude", "ABS", x), _LARGEST)),
    "Isfinite": of_one(lambda f, x: f("", "LESS_EQUAL", f("magnitude", "ABS", x), _LARGEST)),
    "Isposinf": of_one(lambda f, x: f("", "GREATER", x, _LARGEST)),
    "Isneginf": of_one(lambda f, x: f("", "LESS", x, -_LARGEST)),
    "Signbit": of_one(lambda f, x: f("", "LESS", x, 0.0)),
    "Isclose": _is_close,
    "IsIn": is_in,
    "Heaviside": of_two(_heaviside),
    "NanToNum": nan_to_num,
    "Threshold": threshold,
    "DivideNoNan": divide_no_nan,
    "ZerosLike": filled(lambda site: Literal(0, (), "int32", weak=True)),
    "EmptyLike": filled(lambda site: Literal(0, (), "int32", weak=True)),
    "OnesLike": filled(lambda site: Literal(1, (), "int32", weak=True)),
    "FullLike": filled(_number("fill_value")),
    "Select": choose,
}
"""By the class of the operation."""
